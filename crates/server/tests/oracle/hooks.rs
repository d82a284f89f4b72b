//! Channels that push, beside the model: the courier and its queue, with receivers that remember what came, and under
//! which rules it went out. With one thread, where nothing else comes between the gate and the note of it.
//!
//! *Must*: committed while every rule since the channel was made surely lets its subject hear of the topic and of what
//! changed. *Must not*: anything that was not allowed at its commit, or when it went out.

use crate::{
    model::{Commit, Owed, Way},
    words::{Told, pushed},
    world::{World, iri, subject},
};
use http::HeaderMap;
use parking_lot::Mutex;
use podbell_delivery::{
    Descriptions,
    push::{
        Answer, Courier, CourierPorts, Outgoing, Parcel, Settings, SignError, Signed, Signer, Transport,
        testing::MemoryQueue,
    },
    rendering_id,
};
use podbell_egress::FetchError;
use podbell_hub::{Channel, ChannelId, Clock, Cursors, Hub, Push, SubscribeError, Topic};
use podbell_log::Log;
use podbell_model::{Timestamp, Uuid};
use podbell_wire::Framing;
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};
use tokio::sync::Notify;

/// How often others have their turn before something is sent.
const TURNS: usize = 5;
/// How far the clock is moved at a time while something is owed, in milliseconds, and how often at most.
const PAUSE: i64 = 1_000;
const ROUNDS: usize = 200;

/// A channel that pushes.
struct Hook {
    agent: &'static str,
    way: Way,
    topics: Vec<&'static str>,
    host: String,
    since: Commit,
    made_at: i64,
}

/// Something that went out.
#[derive(Clone, Debug)]
struct Sent {
    host: String,
    /// Which request brought it; one may bring several.
    request: usize,
    told: Told,
    answered: Commit,
    head: Commit,
    at: i64,
}

/// What is beside the hub for them.
pub(crate) struct Hooks {
    queue: Arc<MemoryQueue>,
    courier: Courier,
    came: Arc<Mutex<Vec<Sent>>>,
    made: Vec<Hook>,
}

/// Every receiver.
struct Receivers {
    log: Arc<dyn Log>,
    answered: Arc<AtomicUsize>,
    now: Arc<AtomicI64>,
    came: Arc<Mutex<Vec<Sent>>>,
}

#[async_trait::async_trait]
impl Transport for Receivers {
    async fn send(&self, outgoing: Outgoing) -> Result<Answer, FetchError> {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let gate = outgoing.gate.expect("what tells of a resource has a gate");
        let passed = gate.pass(&mut || {
            let mut came = self.came.lock();
            let request = came.last().map_or(0, |last| last.request + 1);
            came.extend(pushed(&outgoing.body).into_iter().map(|told| Sent {
                host: outgoing.url.host_str().unwrap().to_owned(),
                request,
                told,
                answered: self.answered.load(SeqCst),
                head: usize::try_from(self.log.head().0).unwrap(),
                at: self.now.load(SeqCst),
            }));
            Poll::Ready(Ok(outgoing.body.len()))
        });
        tokio::task::yield_now().await;
        passed.map(|_| Answer { status: 204, retry_after: None }).ok_or(FetchError::Withheld)
    }
}

/// Signs nothing: that is tried elsewhere.
struct Unsigned;

impl Signer for Unsigned {
    fn sign(&self, parcel: &Parcel<'_>, _: Timestamp) -> Result<Signed, SignError> {
        Ok(Signed { headers: HeaderMap::new(), body: parcel.body.clone() })
    }
}

/// What of the world the receivers look at.
pub(crate) type Sight = (Arc<dyn Log>, Arc<AtomicUsize>, Arc<AtomicI64>);

impl Hooks {
    pub(crate) fn start(
        queue: Arc<MemoryQueue>,
        hub: &Arc<Hub>,
        cursors: Arc<dyn Cursors>,
        clock: Clock,
        owed: Arc<Notify>,
        (log, answered, now): Sight,
        descriptions: Descriptions,
    ) -> Self {
        let came = Arc::default();
        let fast = NonZeroU32::MAX.min(NonZeroU32::MIN.saturating_add(1_000_000));
        let ports = CourierPorts {
            queue: queue.clone(),
            rules: hub.clone(),
            traffic: Arc::clone(hub.traffic()),
            cursors,
            signer: Arc::new(Unsigned),
            descriptions,
            transport: Arc::new(Receivers { log, answered, now, came: Arc::clone(&came) }),
            clock,
            random: Arc::new(|| 0),
            ids: Arc::new(Uuid::new_v4),
            names: Arc::new(|id| format!("https://pod.example/channels/{}", id.0)),
            owed,
        };
        let settings = Settings { per_second: fast, burst: fast, ..Settings::default() };
        Self { queue, courier: Courier::start(ports, settings), came, made: Vec::new() }
    }
}

impl World {
    /// Asks for a channel that pushes; refused exactly when a topic may not be heard.
    pub(crate) async fn push(&mut self, agent: &'static str, topics: &[&'static str], way: Way) {
        let (since, now) = (self.model.head(), self.instant());
        let Some(number) = self.hooks.as_ref().map(|hooks| hooks.made.len()) else { return };
        let host = format!("hook{number}.example");
        let all = topics.iter().map(|path| Topic { storage: self.storage(path), resource: iri(path) }).collect();
        let push = Push { since: self.log.head(), ..Push::to(format!("https://{host}/")) };
        let channel = Channel {
            recursive: way.below,
            filter: way.filter(),
            push: Some(Arc::new(push)),
            ..Channel::new(
                ChannelId(Uuid::new_v4()),
                Arc::new(subject(agent)),
                all,
                rendering_id(way.rendering().with_framing(Framing::Webhook)),
                self.time(),
            )
        };
        let far = [self.model.elsewhere.surely(now, now), self.model.elsewhere.perhaps(now, now)];
        let allowed = far.map(|far| topics.iter().all(|topic| self.model.tree().may_listen(agent, topic, &far)));
        match (allowed, self.hub.subscribe(channel).await) {
            ([_, true], Ok(())) => {}
            ([false, _], Err(SubscribeError::Forbidden { .. })) => return,
            (allowed, outcome) => panic!("{agent:?} subscribes to {topics:?}: allowed {allowed:?}, got {outcome:?}"),
        }
        let hook = Hook { agent, way, topics: topics.to_vec(), host, since, made_at: now };
        if let Some(hooks) = &mut self.hooks {
            hooks.made.push(hook);
        }
    }

    /// Delivers everything, and compares what came with what must and may come.
    pub(crate) async fn check_hooks(&mut self) {
        let Some(hooks) = self.hooks.take() else { return };
        for round in 0.. {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let derived = self.hub.counts().derived >= self.log.head().0;
            if derived && hooks.queue.pending() == 0 {
                break;
            }
            assert!(round < ROUNDS, "what is owed is delivered: {}", hooks.queue.pending());
            self.now.fetch_add(PAUSE, SeqCst);
            self.hub.clock_moved();
            hooks.courier.clock_moved();
        }
        let came = hooks.came.lock().clone();
        for hook in &hooks.made {
            let came: Vec<_> = came.iter().filter(|sent| sent.host == hook.host).collect();
            self.check_sent(hook, &came);
            self.check_missed(hook, &came);
        }
    }

    fn owed(&self, hook: &Hook, commit: Commit) -> Vec<Owed> {
        self.model.messages(commit, &hook.topics.iter().copied(), (hook.agent, hook.way))
    }

    /// Nothing forbidden, nothing twice, and of each resource in order.
    fn check_sent(&self, hook: &Hook, came: &[&Sent]) {
        let (model, agent) = (&self.model, hook.agent);
        let (mut ids, mut order, mut together) = (Vec::new(), HashMap::new(), HashMap::new());
        for sent in came {
            let told = &sent.told;
            assert!(!ids.contains(&&told.id), "{agent:?} was sent an id twice: {told:?}");
            ids.push(&told.id);
            let commit = model.moments.iter().rposition(|moment| moment.at == told.at);
            let commit = commit.unwrap_or_else(|| panic!("nothing was committed then: {told:?}"));
            assert!(commit > hook.since, "{agent:?} was sent what was before: {told:?}");
            let owed = self.owed(hook, commit);
            let owed = owed.iter().find(|owed| told.message.as_ref() == Some(&owed.message));
            let owed = owed.unwrap_or_else(|| panic!("{agent:?} was sent {told:?}, which the commit does not tell"));
            let before = together.insert(sent.request, commit);
            assert!(before.is_none_or(|before| before <= commit), "{agent:?} was sent a batch out of order: {came:#?}");
            let line = (owed.changed.clone(), owed.topic.clone());
            let before = order.insert(line, commit);
            assert!(before.is_none_or(|before| before < commit), "{agent:?} was sent {told:?} after {before:?}");
            let then = model.elsewhere.perhaps(model.moments[commit].at, sent.at);
            assert!(model.may_know(agent, &owed.concern, commit, &then), "{agent:?} was never allowed {owed:?}");
            let now = model.elsewhere.perhaps(sent.at, sent.at);
            let open = |at| owed.gate.iter().all(|gate| model.may_know(agent, gate, at, &now));
            let mut rules = sent.answered.max(commit)..=sent.head.max(commit);
            let allowed = rules.any(|at| open(at) && model.may_know(agent, &owed.concern, at, &now));
            assert!(allowed, "{agent:?} was sent {owed:?} although the rules forbid it: {sent:?}");
        }
    }

    /// Nothing is missing that was allowed all the time.
    fn check_missed(&self, hook: &Hook, came: &[&Sent]) {
        let (model, agent, head) = (&self.model, hook.agent, self.model.head());
        let far = model.elsewhere.surely(hook.made_at, self.instant());
        let kept = |topic: &str| {
            let mut since = model.moments[hook.since..].iter();
            since.all(|moment| moment.tree.may_listen(agent, topic, &far))
        };
        for commit in hook.since + 1..=head {
            for owed in self.owed(hook, commit) {
                let open = owed.gate.iter().all(|gate| model.may_always_know(agent, gate, (commit, head), &far));
                let allowed = open && model.may_always_know(agent, &owed.concern, (commit, head), &far);
                let found = came.iter().any(|sent| self.tells(&sent.told, &owed));
                assert!(found || !allowed || !kept(&owed.topic), "{agent:?} was never sent {owed:?}");
            }
        }
    }
}
