//! Channels and connections beside the model: what each must, may and must not hear.
//!
//! *Must*: committed while the topic was surely kept, and allowed by the rules of every commit from its own to the one
//! at which everything was drained. *Must not*: anything that was not allowed at its commit, or at the moment of a
//! write that carried a byte of it. Between them lies what the order of sending and withdrawing decides.

use crate::{
    ear::{Ear, ROOM},
    model::{Commit, Owed, Voice, Way},
    returning::From,
    world::{World, iri, name, subject},
};
use podbell_delivery::rendering_id;
use podbell_hub::{
    Channel, ChannelError, ChannelId, ConnectError, Connection, ConnectionLimit, Ending, Filter, Relation,
    SubscribeError, Topic,
};
use podbell_model::{ActivityKind, Uuid};
use podbell_wire::{Framing, NotificationsContext, Rendering, Syntax};
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

/// How long the hub may take, when other threads work for it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many pauses it may take, when it has the only thread.
const ROUNDS: usize = 10;
/// How far the clock is moved to let a pause pass, in milliseconds.
const PAUSE: i64 = 100;
/// Connections of one channel at once.
const CONCURRENT: u32 = 3;

/// A topic of a channel, as far as the model knows it.
pub(crate) struct Kept {
    pub(crate) path: String,
    /// Nothing committed later may be heard.
    pub(crate) lost_at: Option<Commit>,
    /// It was refused then, and perhaps the hub has looked.
    doubt: Option<Commit>,
    /// It was refused and granted again while somebody connected: nothing certain can be said.
    murky: bool,
}

/// A channel.
pub(crate) struct Listening {
    pub(crate) agent: &'static str,
    pub(crate) way: Way,
    pub(crate) topics: Vec<Kept>,
    pub(crate) channel: Channel,
    unsubscribed: bool,
}

/// A connection.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Wire {
    pub(crate) of: usize,
    pub(crate) ear: Arc<Ear>,
    pub(crate) connection: Option<Connection>,
    /// Everything later is heard.
    pub(crate) since: Commit,
    pub(crate) registered: Commit,
    pub(crate) registered_at: i64,
    pub(crate) replaying: bool,
    /// What was committed up to here has been looked at.
    pub(crate) seen: Commit,
    pub(crate) pending: Vec<Owed>,
    /// Whether it tells cursors.
    pub(crate) cursors: bool,
    /// The cursor that it came with.
    pub(crate) came_with: Option<String>,
    /// Whether that was its own.
    pub(crate) came_with_own: bool,
    /// A cursor from between notifications, and how many had been heard by then.
    pub(crate) idle: Option<(usize, String)>,
    /// The ids that were heard before it came back.
    pub(crate) inherited: HashSet<String>,
    /// Whether it must begin with a gap, may, or must not.
    pub(crate) gap: Gap,
    pub(crate) blocked: bool,
    /// A frame may have been cut.
    pub(crate) partial: bool,
    /// Nothing is owed any more.
    pub(crate) over: bool,
}

/// Whether something was missed that can no longer be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    Never,
    Perhaps,
    Surely,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    No,
    Perhaps,
    Yes,
}

impl Kept {
    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubt.is_some() || self.murky
    }
}

impl Way {
    pub(crate) fn rendering(self) -> Rendering {
        let (framing, syntax) = match self.voice {
            Voice::Ess => return Rendering::Ess { actor: false },
            Voice::WebSocket => (Framing::WebSocket, Syntax::JsonLd),
            Voice::Events => (Framing::Events, Syntax::JsonLd),
            Voice::Lines => (Framing::Stream, Syntax::JsonLd),
            Voice::Turtle => (Framing::Stream, Syntax::Turtle),
        };
        let (context, cursor) = (NotificationsContext::default(), self.cursor);
        Rendering::Solid { context, syntax, actor: false, framing, cursor }
    }

    pub(crate) fn filter(self) -> Filter {
        let kind = |name: &&str| match *name {
            "Create" => (Relation::Object, ActivityKind::Create),
            "Update" => (Relation::Object, ActivityKind::Update),
            "Delete" => (Relation::Object, ActivityKind::Delete),
            "Add" => (Relation::Member, ActivityKind::Create),
            _ => (Relation::Member, ActivityKind::Delete),
        };
        let only = self.only.map_or_else(Filter::default, |only| Filter::only(only.iter().map(kind)));
        Filter::from_code(only.code(), self.not_mine)
    }
}

impl Listening {
    pub(crate) fn over(&self) -> Over {
        match () {
            () if self.unsubscribed || self.topics.iter().all(|topic| topic.lost_at.is_some()) => Over::Yes,
            () if self.topics.iter().all(|topic| topic.lost_at.is_some() || topic.is_doubtful()) => Over::Perhaps,
            () => Over::No,
        }
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> + Clone {
        self.topics.iter().map(|topic| &*topic.path)
    }

    fn lose(&mut self, at: Commit) {
        for topic in &mut self.topics {
            topic.lost_at.get_or_insert(at);
        }
    }
}

impl World {
    /// Subscribes; refused exactly when a topic may not be heard.
    pub(crate) async fn subscribe(&mut self, agent: &'static str, topics: &[&str], way: Way) -> Option<usize> {
        let id = Uuid::new_v4();
        let mut capability = [0; 32];
        capability[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        let topics_of = topics.iter().map(|path| Topic { storage: self.storage(path), resource: iri(path) }).collect();
        let rendering = rendering_id(way.rendering());
        let channel = Channel {
            recursive: way.below,
            filter: way.filter(),
            capability: Some(capability),
            connections: ConnectionLimit { concurrent: CONCURRENT, total: None },
            ..Channel::new(ChannelId(id), Arc::new(subject(agent)), topics_of, rendering, self.time())
        };
        let (now, tree) = (self.instant(), self.model.tree());
        let sure = self.model.elsewhere.surely(now, now);
        let perhaps = self.model.elsewhere.perhaps(now, now);
        let allowed = [sure, perhaps].map(|far| topics.iter().all(|topic| tree.may_listen(agent, topic, &far)));
        match (allowed, self.hub.subscribe(channel.clone()).await) {
            ([_, true], Ok(())) => {}
            ([false, _], Err(SubscribeError::Forbidden { .. })) => return None,
            (allowed, outcome) => panic!("{agent:?} subscribes to {topics:?}: allowed {allowed:?}, got {outcome:?}"),
        }
        let kept = |path: &&str| Kept { path: (*path).to_owned(), lost_at: None, doubt: None, murky: false };
        let topics = topics.iter().map(kept).collect();
        self.listening.push(Listening { agent, way, topics, channel, unsubscribed: false });
        Some(self.listening.len() - 1)
    }

    fn live(&self, of: usize) -> u32 {
        self.wires.iter().map(|wire| u32::from(wire.of == of && !wire.over)).sum()
    }

    /// Connects, from a place or from now on.
    pub(crate) async fn connect(&mut self, of: usize, from: From) {
        if self.live(of) > 0 {
            self.quiet().await;
        }
        if self.live(of) >= CONCURRENT || !self.exact && self.live(of) > 0 {
            return;
        }
        let (head, now) = (self.model.head(), self.instant());
        let tree = self.model.tree();
        let sure = self.model.elsewhere.surely(now, now);
        let perhaps = self.model.elsewhere.perhaps(now, now);
        let listening = &mut self.listening[of];
        let over = listening.over();
        let agent = listening.agent;
        let admitted = self.hub.admit(&listening.channel.capability.unwrap()).await;
        let admission = match admitted {
            Ok(admission) => admission,
            Err(ConnectError::Forbidden) => {
                assert_ne!(over, Over::Yes, "an ended channel is not judged");
                let left = listening.topics.iter().filter(|topic| topic.lost_at.is_none());
                for topic in left {
                    let refused = !tree.may_listen(agent, &topic.path, &sure) || topic.is_doubtful();
                    assert!(refused, "{agent:?} may hear {} and is refused", topic.path);
                }
                return listening.lose(head);
            }
            Err(ConnectError::Ended | ConnectError::Unknown) => {
                assert_ne!(over, Over::No, "the channel of {agent:?} has not ended");
                return listening.lose(head);
            }
            Err(error) => panic!("{error}"),
        };
        assert_ne!(over, Over::Yes, "the capability of an ended channel opens nothing");
        for topic in listening.topics.iter_mut().filter(|topic| topic.lost_at.is_none()) {
            if admission.channel().topics.iter().any(|kept| kept.resource == iri(&topic.path)) {
                assert!(tree.may_listen(agent, &topic.path, &perhaps), "{agent:?} is admitted to {}", topic.path);
                topic.murky |= topic.doubt.take().is_some();
                topic.doubt = Some(head).filter(|_| !tree.may_listen(agent, &topic.path, &sure));
            } else {
                let may = tree.may_listen(agent, &topic.path, &sure);
                assert!(!may || topic.is_doubtful(), "{agent:?} is not admitted to {}", topic.path);
                topic.lost_at = Some(head);
            }
        }
        self.begin(of, from, admission);
    }

    /// Hangs up.
    pub(crate) fn disconnect(&mut self, index: usize) {
        self.note();
        let wire = &mut self.wires[index];
        wire.connection = None;
        wire.ear.deaf.store(true, SeqCst);
        wire.over = true;
    }

    /// Ends a channel; after that nothing is sent.
    pub(crate) async fn unsubscribe(&mut self, of: usize) {
        let head = self.model.head();
        let listening = &mut self.listening[of];
        let over = listening.over();
        let outcome = self.hub.unsubscribe(listening.channel.id, &listening.channel.subject, |_| false).await;
        match (over, &outcome) {
            (Over::No | Over::Perhaps, Ok(())) | (Over::Yes | Over::Perhaps, Err(ChannelError::Ended)) => {}
            _ => panic!("unsubscribing: over {over:?}, got {outcome:?}"),
        }
        listening.lose(head);
        listening.unsubscribed = true;
        for wire in self.wires.iter_mut().filter(|wire| wire.of == of && !wire.over && outcome.is_ok()) {
            assert!(wire.ear.closed().is_some(), "unsubscribing closes every connection");
            wire.over = true;
        }
    }

    /// Leaves an outlet only so much room.
    pub(crate) fn narrow(&mut self, index: usize, room: usize) {
        let wire = &mut self.wires[index];
        wire.blocked = room < ROOM;
        wire.partial |= room < ROOM;
        wire.ear.room.store(room, SeqCst);
        if let Some(connection) = &wire.connection {
            connection.writable();
        }
    }

    /// After a change: topics that are refused now may be lost from now on.
    pub(crate) fn doubt(&mut self) {
        let (head, tree, now) = (self.model.head(), self.model.tree(), self.instant());
        let sure = self.model.elsewhere.surely(now, now);
        for (of, listening) in self.listening.iter_mut().enumerate() {
            if !self.wires.iter().any(|wire| wire.of == of && !wire.over) {
                continue;
            }
            for topic in &mut listening.topics {
                if topic.doubt.is_none() && !tree.may_listen(listening.agent, &topic.path, &sure) {
                    topic.doubt = Some(head);
                }
            }
        }
    }

    /// Notes what became owed since the last look.
    fn note(&mut self) {
        let (head, now) = (self.model.head(), self.instant());
        for wire in self.wires.iter_mut().filter(|wire| !wire.over) {
            let listening = &self.listening[wire.of];
            for commit in wire.seen + 1..=head {
                for owed in self.model.messages(commit, &listening.paths(), (listening.agent, listening.way)) {
                    let topic = listening.topics.iter().find(|topic| topic.path == owed.topic).unwrap();
                    let doubted = topic.doubt.is_some_and(|doubt| wire.replaying || doubt < commit);
                    if !topic.murky && !doubted && topic.lost_at.is_none_or(|lost| commit <= lost) {
                        wire.pending.push(owed);
                    }
                }
            }
            wire.seen = head;
            let (model, agent, registered) = (&self.model, listening.agent, wire.registered);
            wire.pending.retain(|owed| {
                let (concern, commit) = (&owed.concern, owed.commit);
                let far = model.elsewhere.surely(model.moments[commit].at, now);
                let mut gate = owed.gate.iter();
                model.may_know(agent, concern, commit, &far)
                    && model.may_always_know(agent, concern, (commit.max(registered), head), &far)
                    && gate.all(|gate| model.may_always_know(agent, gate, (commit, head), &far))
            });
        }
    }

    /// Drains everything, and compares what is there with what must be.
    pub(crate) async fn quiet(&mut self) {
        self.note();
        let (begun, mut rounds) = (Instant::now(), 0);
        loop {
            // With one thread the clock of the runtime stands still, so this ends when nobody else can do anything.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let Some(what) = self.shortfall().await else { break };
            rounds += 1;
            let patient = if self.exact { rounds < ROUNDS } else { begun.elapsed() < PATIENCE };
            assert!(patient, "{what}");
            // What was under way when the rules changed is asked again after a pause.
            self.now.fetch_add(PAUSE, SeqCst);
            self.hub.clock_moved();
        }
        self.settle().await;
    }

    /// What is still missing.
    async fn shortfall(&self) -> Option<String> {
        let (tree, now) = (self.model.tree(), self.instant());
        let perhaps = self.model.elsewhere.perhaps(now, now);
        for wire in self.wires.iter().filter(|wire| !wire.over) {
            let listening = &self.listening[wire.of];
            let agent = listening.agent;
            let closed = wire.ear.closed();
            if !wire.blocked && closed.is_none_or(|(_, mid_frame)| !mid_frame) {
                let heard = wire.ear.heard();
                // What was committed before the gap was told is not told any more.
                let gap = wire.ear.gap();
                if wire.gap == Gap::Surely && gap.is_none() && closed.is_none() {
                    return Some(format!("{agent:?} does not hear of the gap"));
                }
                for owed in wire.pending.iter().filter(|owed| gap.is_none_or(|gap| owed.commit > gap)) {
                    let found = heard.iter().filter_map(|heard| heard.told.as_ref()).any(|told| self.tells(told, owed));
                    if !found {
                        return Some(format!("{agent:?} missed {owed:?}; heard {heard:#?}"));
                    }
                }
                if let Some(missing) = gap.and_then(|_| self.unshown(wire, &heard)).filter(|_| closed.is_none()) {
                    return Some(format!("{agent:?} is not shown how {missing} stands; heard {heard:#?}"));
                }
            }
            if closed.is_some() {
                continue;
            }
            let kept = self.kept(listening).await;
            let refused = |path: &str| !tree.may_listen(agent, path, &perhaps);
            if let Some(path) = kept.iter().find(|path| refused(path)) {
                return Some(format!("{agent:?} keeps the topic {path}, which is refused"));
            }
            let none = listening.topics.iter().all(|topic| topic.lost_at.is_some() || refused(&topic.path));
            if none && !wire.blocked {
                return Some(format!("{agent:?} has lost every topic and is still connected"));
            }
        }
        None
    }

    /// The topics that the hub still keeps for a channel.
    async fn kept(&self, listening: &Listening) -> Vec<String> {
        match self.hub.channel(listening.channel.id, &listening.channel.subject, |_| false).await {
            Ok(channel) => channel.topics.iter().map(|topic| name(topic.resource.as_str())).collect(),
            Err(ChannelError::Ended) => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes over what the hub decided where it was free to.
    async fn settle(&mut self) {
        let (head, now) = (self.model.head(), self.instant());
        for of in 0..self.listening.len() {
            if self.live(of) == 0 {
                continue;
            }
            let kept = self.kept(&self.listening[of]).await;
            let open = self.wires.iter().any(|wire| wire.of == of && !wire.over && wire.ear.closed().is_none());
            let (tree, exact) = (self.model.tree(), self.exact);
            let sure = self.model.elsewhere.surely(now, now);
            let perhaps = self.model.elsewhere.perhaps(now, now);
            let listening = &mut self.listening[of];
            let agent = listening.agent;
            for topic in listening.topics.iter_mut().filter(|topic| topic.lost_at.is_none()) {
                let may = tree.may_listen(agent, &topic.path, &sure);
                match (kept.contains(&topic.path), may) {
                    (true, true) if exact && open => (topic.doubt, topic.murky) = (None, false),
                    (true, _) => {
                        let may = tree.may_listen(agent, &topic.path, &perhaps);
                        assert!(may || !open, "{agent:?} keeps {}", topic.path);
                    }
                    (false, true) if topic.murky => {}
                    (false, may) => {
                        assert!(!may || topic.doubt.is_some(), "{agent:?} was never refused {}", topic.path);
                        topic.lost_at = Some(head);
                    }
                }
            }
            let ended = kept.is_empty();
            for wire in self.wires.iter_mut().filter(|wire| wire.of == of && !wire.over) {
                match wire.ear.closed() {
                    None => {}
                    Some((Ending::Forbidden, true)) if wire.partial => wire.over = true,
                    Some((Ending::Forbidden, false)) if ended => wire.over = true,
                    Some(closed) => panic!("{agent:?} was closed by {closed:?}; the channel has ended: {ended}"),
                }
                if !wire.blocked {
                    wire.pending.clear();
                    wire.replaying &= !exact;
                }
            }
        }
    }
}
