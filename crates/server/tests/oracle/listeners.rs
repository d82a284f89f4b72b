//! Channels and connections beside the model: what each must, may and must not hear.
//!
//! *Must*: committed while the topic was surely kept, and allowed by the rules of every commit from its own to the one
//! at which everything was drained. *Must not*: anything that was not allowed at its commit, or at the moment of a
//! write that carried a byte of it. Between them lies what the order of sending and withdrawing decides.

use crate::{
    ear::{Ear, Heard, ROOM, Told},
    model::{Commit, Owed, Way, parent},
    world::{World, iri, subject},
};
use podbell_delivery::rendering_id;
use podbell_hub::{
    Begin, Channel, ChannelError, ChannelId, ConnectError, Connection, ConnectionLimit, Ending, Position,
    SubscribeError, Topic,
};
use podbell_model::{Sequence, Uuid};
use podbell_wire::{Framing, NotificationsContext, Rendering, Syntax};
use std::{
    collections::{HashMap, HashSet},
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
    lost_at: Option<Commit>,
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
    channel: Channel,
    unsubscribed: bool,
}

/// A connection.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Wire {
    of: usize,
    pub(crate) ear: Arc<Ear>,
    connection: Option<Connection>,
    /// Everything later is heard.
    since: Commit,
    registered: Commit,
    replaying: bool,
    /// What was committed up to here has been looked at.
    seen: Commit,
    pending: Vec<Owed>,
    blocked: bool,
    /// A frame may have been cut.
    partial: bool,
    /// Nothing is owed any more.
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    No,
    Perhaps,
    Yes,
}

impl Kept {
    fn is_doubtful(&self) -> bool {
        self.doubt.is_some() || self.murky
    }
}

impl Listening {
    fn over(&self) -> Over {
        match () {
            () if self.unsubscribed || self.topics.iter().all(|topic| topic.lost_at.is_some()) => Over::Yes,
            () if self.topics.iter().all(|topic| topic.lost_at.is_some() || topic.is_doubtful()) => Over::Perhaps,
            () => Over::No,
        }
    }

    fn paths(&self) -> impl Iterator<Item = &str> + Clone {
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
        let rendering = if way == Way::Ess {
            Rendering::Ess { actor: false }
        } else {
            let (context, syntax) = (NotificationsContext::default(), Syntax::default());
            Rendering::Solid { context, syntax, actor: false, framing: Framing::WebSocket, cursor: false }
        };
        let topics_of = topics.iter().map(|path| Topic { storage: self.storage, resource: iri(path) }).collect();
        let rendering = rendering_id(rendering);
        let channel = Channel {
            recursive: way == Way::Below,
            capability: Some(capability),
            connections: ConnectionLimit { concurrent: CONCURRENT, total: None },
            ..Channel::new(ChannelId(id), Arc::new(subject(agent)), topics_of, rendering, self.time())
        };
        let allowed = topics.iter().all(|topic| self.model.tree().may_listen(agent, topic));
        match (allowed, self.hub.subscribe(channel.clone()).await) {
            (true, Ok(())) => {}
            (false, Err(SubscribeError::Forbidden { .. })) => return None,
            (allowed, outcome) => panic!("{agent:?} subscribes to {topics:?}: allowed {allowed}, got {outcome:?}"),
        }
        let kept = |path: &&str| Kept { path: (*path).to_owned(), lost_at: None, doubt: None, murky: false };
        let topics = topics.iter().map(kept).collect();
        self.listening.push(Listening { agent, way, topics, channel, unsubscribed: false });
        Some(self.listening.len() - 1)
    }

    fn live(&self, of: usize) -> u32 {
        self.wires.iter().map(|wire| u32::from(wire.of == of && !wire.over)).sum()
    }

    /// Connects, from now on or from an earlier commit on.
    pub(crate) async fn connect(&mut self, of: usize, resume: Option<Commit>) {
        if self.live(of) > 0 {
            self.quiet().await;
        }
        if self.live(of) >= CONCURRENT || !self.exact && self.live(of) > 0 {
            return;
        }
        let head = self.model.head();
        let tree = self.model.tree();
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
                    let refused = !tree.may_listen(agent, &topic.path) || topic.is_doubtful();
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
            let may = tree.may_listen(agent, &topic.path);
            if admission.channel().topics.iter().any(|kept| kept.resource.path() == topic.path) {
                assert!(may, "{agent:?} is admitted to {}", topic.path);
                topic.murky |= topic.doubt.take().is_some();
            } else {
                assert!(!may || topic.is_doubtful(), "{agent:?} is not admitted to {}", topic.path);
                topic.lost_at = Some(head);
            }
        }
        let since = resume.map_or(head, |resume| resume.min(head));
        let ear = Ear::new(self.log.clone(), Arc::clone(&self.answered));
        let connection = {
            let after = |_| Begin::After(Position::after(Sequence(since as u64)));
            admission.register(ear.clone(), resume.map_or(Begin::Now, after), None)
        };
        self.wires.push(Wire {
            of,
            ear,
            connection: Some(connection),
            since,
            registered: head,
            replaying: resume.is_some(),
            seen: since,
            pending: Vec::new(),
            blocked: false,
            partial: false,
            over: false,
        });
    }

    /// Hangs up.
    pub(crate) fn disconnect(&mut self, index: usize) {
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

    /// After a commit: topics that are refused now may be lost from now on.
    pub(crate) fn doubt(&mut self) {
        let (head, tree) = (self.model.head(), self.model.tree());
        for (of, listening) in self.listening.iter_mut().enumerate() {
            if !self.wires.iter().any(|wire| wire.of == of && !wire.over) {
                continue;
            }
            for topic in &mut listening.topics {
                if topic.doubt.is_none() && !tree.may_listen(listening.agent, &topic.path) {
                    topic.doubt = Some(head);
                }
            }
        }
    }

    /// Notes what became owed since the last look.
    fn note(&mut self) {
        let head = self.model.head();
        for wire in self.wires.iter_mut().filter(|wire| !wire.over) {
            let listening = &self.listening[wire.of];
            for commit in wire.seen + 1..=head {
                for owed in self.model.messages(commit, &listening.paths(), listening.way) {
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
                let gate = owed.gate.iter().all(|gate| model.may_always_know(agent, gate, commit, head));
                model.may_know(agent, concern, commit)
                    && model.may_always_know(agent, concern, commit.max(registered), head)
                    && gate
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
        let tree = self.model.tree();
        for wire in self.wires.iter().filter(|wire| !wire.over) {
            let listening = &self.listening[wire.of];
            let agent = listening.agent;
            let closed = wire.ear.closed();
            let heard: Vec<Told> = wire.ear.heard().into_iter().filter_map(|heard| heard.told).collect();
            if !wire.blocked && closed.is_none_or(|(_, mid_frame)| !mid_frame) {
                for owed in &wire.pending {
                    let at = self.model.moments[owed.commit].at;
                    let found = heard.iter().any(|told| told.at == at && told.message == owed.message);
                    if !found {
                        return Some(format!("{agent:?} missed {owed:?}; heard {heard:#?}"));
                    }
                }
            }
            if closed.is_some() {
                continue;
            }
            let kept = self.kept(listening).await;
            let refused = |path: &str| !tree.may_listen(agent, path);
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
            Ok(channel) => channel.topics.iter().map(|topic| topic.resource.path().to_owned()).collect(),
            Err(ChannelError::Ended) => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes over what the hub decided where it was free to.
    async fn settle(&mut self) {
        let head = self.model.head();
        for of in 0..self.listening.len() {
            if self.live(of) == 0 {
                continue;
            }
            let kept = self.kept(&self.listening[of]).await;
            let open = self.wires.iter().any(|wire| wire.of == of && !wire.over && wire.ear.closed().is_none());
            let (tree, exact) = (self.model.tree(), self.exact);
            let listening = &mut self.listening[of];
            let agent = listening.agent;
            for topic in listening.topics.iter_mut().filter(|topic| topic.lost_at.is_none()) {
                let may = tree.may_listen(agent, &topic.path);
                match (kept.contains(&topic.path), may) {
                    (true, true) if exact && open => (topic.doubt, topic.murky) = (None, false),
                    (true, _) => assert!(may || !open, "{agent:?} keeps {}", topic.path),
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

    /// Drains everything and compares everything.
    pub(crate) async fn finish(mut self) {
        for index in 0..self.wires.len() {
            if !self.wires[index].over {
                self.narrow(index, ROOM);
            }
        }
        self.quiet().await;
        let mut ids = vec![Vec::new(), Vec::new()];
        for commit in 2..=self.model.head() {
            let found = self.ids(commit).await;
            let named =
                |change: &crate::model::Change| format!("{}{}", change.path, if change.acl { ".acl" } else { "" });
            let mut expected: Vec<String> = self.model.moments[commit].changes.iter().map(named).collect();
            let mut changed: Vec<String> = found.iter().map(|(path, _)| path.clone()).collect();
            expected.sort();
            changed.sort();
            assert_eq!(changed, expected, "one record per changed resource");
            ids.push(found);
        }
        for wire in &self.wires {
            self.check(wire, &ids);
        }
        for listening in self.listening.iter().filter(|listening| listening.over() == Over::Yes) {
            let admitted = self.hub.admit(&listening.channel.capability.unwrap()).await;
            assert!(admitted.is_err(), "the capability of an ended channel opens nothing");
        }
    }

    /// Nothing forbidden, nothing twice, nothing out of order, every word as the model has it.
    fn check(&self, wire: &Wire, ids: &[Vec<(String, Uuid)>]) {
        let listening = &self.listening[wire.of];
        let agent = listening.agent;
        assert!(!wire.ear.late.load(SeqCst), "{agent:?} was written to after the end");
        let (mut seen, mut order) = (HashSet::new(), HashMap::new());
        for heard in wire.ear.heard() {
            let Some(told) = &heard.told else {
                self.check_cut(wire, &heard, ids);
                continue;
            };
            assert!(seen.insert(told.id.clone()), "{agent:?} heard an id twice: {told:?}");
            let found = self.model.moments.iter().position(|moment| moment.at == told.at);
            let commit = found.unwrap_or_else(|| panic!("nothing was committed then: {told:?}"));
            let owed = self.model.messages(commit, &listening.paths(), listening.way);
            let Some(owed) = owed.iter().find(|owed| owed.message == told.message) else {
                panic!("{agent:?} heard {told:?}, and the commit tells {owed:#?}");
            };
            // Below one topic, one commit may change several resources.
            let line = if owed.gate.is_some() || listening.way == Way::Below { &owed.changed } else { &owed.topic };
            let before = order.insert(line.clone(), commit);
            assert!(before.is_none_or(|before| before < commit), "{agent:?} heard {told:?} after commit {before:?}");
            self.check_allowed(wire, owed, &heard);
            let (_, id) = ids[commit].iter().find(|(path, _)| *path == owed.changed).unwrap();
            let both = owed.topic != owed.changed && listening.paths().any(|path| path == owed.changed);
            let second = both.then(|| Uuid::new_v5(id, iri(&owed.topic).as_str().as_bytes()));
            let named = |id: &Uuid| told.id == id.urn().to_string();
            assert!(named(id) || second.as_ref().is_some_and(named), "{told:?} should be {id}");
        }
    }

    fn check_allowed(&self, wire: &Wire, owed: &Owed, heard: &Heard) {
        let (model, listening) = (&self.model, &self.listening[wire.of]);
        let (agent, commit) = (listening.agent, owed.commit);
        assert!(commit > wire.since, "{agent:?} heard of what was before: {owed:?}");
        assert!(model.may_know(agent, &owed.concern, commit), "{agent:?} was never allowed {owed:?}");
        for chunk in &heard.chunks {
            let open = |at| owed.gate.iter().all(|gate| model.may_know(agent, gate, at));
            let allowed = chunk.rules(commit).any(|at| open(at) && model.may_know(agent, &owed.concern, at));
            assert!(allowed, "{agent:?} was told {owed:?} although the rules of {chunk:?} forbid it");
        }
        let lost = listening.topics.iter().find(|topic| topic.path == owed.topic).and_then(|topic| topic.lost_at);
        assert!(lost.is_none_or(|lost| commit <= lost), "{agent:?} lost the topic at {lost:?} and heard {owed:?}");
    }

    /// A frame that was cut told something as soon as its id was out.
    fn check_cut(&self, wire: &Wire, heard: &Heard, ids: &[Vec<(String, Uuid)>]) {
        let Some((_, rest)) = heard.text.split_once("urn:uuid:") else { return };
        let Some(id) = rest.get(..36) else { return };
        let listening = &self.listening[wire.of];
        for (commit, changed) in ids.iter().enumerate() {
            for (path, of) in changed {
                let second = parent(path).map(|above| Uuid::new_v5(of, iri(&above).as_str().as_bytes()).to_string());
                if of.to_string() != id && second.as_deref() != Some(id) {
                    continue;
                }
                let owed = self.model.messages(commit, &listening.paths(), listening.way);
                let mut owed = owed.into_iter().filter(|owed| owed.changed == *path);
                let first = owed.next().expect("what began was about a topic");
                if owed.next().is_none() {
                    self.check_allowed(wire, &first, heard);
                }
                return;
            }
        }
        panic!("nothing that was committed has the id {id}");
    }
}
