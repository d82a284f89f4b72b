//! Channels and connections beside the model: what each must, may and must not hear.
//!
//! *Must*: committed while the topic was surely kept, and allowed by the rules of every commit from its own to the one
//! at which everything was drained. *Must not*: anything that was not allowed at its commit, or at the moment of a
//! write that carried a byte of it. Between them lies what the order of sending and withdrawing decides.

use crate::{
    ear::{Ear, Heard, ROOM},
    model::{Commit, Owed, Voice, Way},
    returning::From,
    world::{World, iri, name, subject},
};
use podbell_delivery::rendering_id;
use podbell_hub::{
    Admission, Channel, ChannelError, ChannelId, ConnectError, Connection, Ending, Filter, Position, Relation,
    SubscribeError, Topic,
};
use podbell_model::{ActivityKind, Uuid};
use podbell_wire::{Framing, NotificationsContext, Rendering, Syntax};
use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

/// How long the hub may take, when other threads work for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How many pauses it may take, when it has the only thread.
const ROUNDS: usize = 10;
/// How far the clock is moved to let a pause pass, in milliseconds.
const PAUSE: i64 = 100;
/// Connections of one channel at once.
pub(crate) const CONCURRENT: u32 = 3;

/// A topic of a channel, as far as the model knows it.
pub(crate) struct Kept {
    pub(crate) path: String,
    /// Nothing committed later may be heard.
    pub(crate) lost_at: Option<Commit>,
    /// It was refused then, and perhaps the hub has looked.
    pub(crate) doubt: Option<Commit>,
    /// It was refused and granted again while somebody connected: nothing certain can be said.
    pub(crate) murky: bool,
}

/// A channel.
pub(crate) struct Listening {
    pub(crate) agent: &'static str,
    pub(crate) way: Way,
    pub(crate) topics: Vec<Kept>,
    pub(crate) channel: Channel,
    /// The socket of `solid-0.1` that it is a subscription of.
    pub(crate) socket: Option<usize>,
    /// Of Linked Web Storage: its URL has been opened; and since when nobody is connected.
    pub(crate) opened: bool,
    pub(crate) left_at: Option<i64>,
    /// Where whoever comes back to it goes on.
    pub(crate) place: Option<Position>,
    pub(crate) ended: bool,
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
    /// The commits that were owed and heard, where what is heard does not tell them apart.
    pub(crate) owed: BTreeSet<Commit>,
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
            Voice::Lws => return Rendering::Lws { framing: Framing::WebSocket, actor: false },
            Voice::LwsEvents => return Rendering::Lws { framing: Framing::Events, actor: false },
            Voice::Solid01 => return Rendering::Solid01,
            Voice::WebSocket => (Framing::WebSocket, Syntax::JsonLd),
            Voice::Events => (Framing::Events, Syntax::JsonLd),
            Voice::Lines => (Framing::Stream, Syntax::JsonLd),
            Voice::Turtle => (Framing::Stream, Syntax::Turtle),
        };
        let (context, cursor) = (NotificationsContext::default(), self.cursor);
        Rendering::Solid { context, syntax, actor: false, framing, cursor }
    }

    pub(crate) fn filter(self) -> Filter {
        if self.voice == Voice::Solid01 {
            return Filter::with_members();
        }
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
            () if self.ended || self.topics.iter().all(|topic| topic.lost_at.is_some()) => Over::Yes,
            () if self.topics.iter().all(|topic| topic.lost_at.is_some() || topic.is_doubtful()) => Over::Perhaps,
            () => Over::No,
        }
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> + Clone {
        self.topics.iter().map(|topic| &*topic.path)
    }

    pub(crate) fn lose(&mut self, at: Commit) {
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
            ..Channel::new(ChannelId(id), Arc::new(subject(agent)), topics_of, rendering, self.time())
        };
        let channel = way.streaming(channel);
        let (now, tree) = (self.instant(), self.model.tree());
        let sure = self.model.elsewhere.surely(now, now);
        let perhaps = self.model.elsewhere.perhaps(now, now);
        let allowed = [sure, perhaps].map(|far| topics.iter().all(|topic| tree.may_listen(agent, topic, &far)));
        match (allowed, self.hub.subscribe(channel.clone()).await) {
            ([_, true], Ok(())) => {}
            ([false, _], Err(SubscribeError::Forbidden { .. })) => return None,
            (allowed, outcome) => panic!("{agent:?} subscribes to {topics:?}: allowed {allowed:?}, got {outcome:?}"),
        }
        Some(self.listens(agent, way, topics, channel))
    }

    /// Notes a channel.
    pub(crate) fn listens(&mut self, agent: &'static str, way: Way, topics: &[&str], channel: Channel) -> usize {
        let kept = |path: &&str| Kept { path: (*path).to_owned(), lost_at: None, doubt: None, murky: false };
        let topics = topics.iter().map(kept).collect();
        let (socket, opened, left_at, place, ended) = (None, false, None, None, false);
        self.listening.push(Listening { agent, way, topics, channel, socket, opened, left_at, place, ended });
        self.listening.len() - 1
    }

    pub(crate) fn live(&self, of: usize) -> u32 {
        self.wires.iter().map(|wire| u32::from(wire.of == of && !wire.over)).sum()
    }

    /// Connects, from a place or from now on.
    pub(crate) async fn connect(&mut self, of: usize, from: From) {
        if self.live(of) > 0 {
            self.quiet().await;
        }
        if self.listening[of].socket.is_some() {
            return self.say_again(of).await;
        }
        if self.listening[of].way.voice.is_lws() {
            return self.open(of, from).await;
        }
        if self.live(of) >= CONCURRENT || !self.exact && self.live(of) > 0 {
            return;
        }
        let admitted = self.hub.admit(&self.listening[of].channel.capability.unwrap()).await;
        self.admitted(of, from, admitted);
    }

    /// Begins, exactly when a topic is left that may be heard.
    pub(crate) fn admitted(&mut self, of: usize, from: From, admitted: Result<Admission, ConnectError>) {
        let (head, now) = (self.model.head(), self.instant());
        let tree = self.model.tree();
        let sure = self.model.elsewhere.surely(now, now);
        let perhaps = self.model.elsewhere.perhaps(now, now);
        let listening = &mut self.listening[of];
        let over = listening.over();
        let agent = listening.agent;
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
        let of = wire.of;
        let left_at = self.wires[index].ear.closed_at().unwrap_or_else(|| self.instant());
        self.listening[of].left_at = Some(left_at).filter(|_| self.live(of) == 0);
    }

    /// Ends a channel; after that nothing is sent.
    pub(crate) async fn unsubscribe(&mut self, of: usize) {
        if self.listening[of].socket.is_some() {
            return self.unsay(of);
        }
        self.lapse(of).await;
        let head = self.model.head();
        let listening = &mut self.listening[of];
        let over = listening.over();
        let outcome = self.hub.unsubscribe(listening.channel.id, &listening.channel.subject, |_| false).await;
        match (over, &outcome) {
            (Over::No | Over::Perhaps, Ok(())) | (Over::Yes | Over::Perhaps, Err(ChannelError::Ended)) => {}
            _ => panic!("unsubscribing: over {over:?}, got {outcome:?}"),
        }
        listening.lose(head);
        listening.ended = true;
        for wire in self.wires.iter_mut().filter(|wire| wire.of == of && !wire.over && outcome.is_ok()) {
            assert!(wire.ear.closed().is_some(), "unsubscribing closes every connection");
            wire.over = true;
        }
    }

    /// Leaves an outlet only so much room.
    pub(crate) fn narrow(&mut self, index: usize, room: usize) {
        let shared = Arc::clone(&self.wires[index].ear.room);
        shared.store(room, SeqCst);
        for wire in self.wires.iter_mut().filter(|wire| Arc::ptr_eq(&wire.ear.room, &shared)) {
            wire.blocked = room < ROOM;
            wire.partial |= room < ROOM && self.listening[wire.of].socket.is_none();
            if let Some(connection) = &wire.connection {
                connection.writable();
            }
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

    /// Something owed that was not heard.
    fn missed(&self, wire: &Wire, heard: &[Heard], gap: Option<Commit>) -> Option<String> {
        let agent = self.listening[wire.of].agent;
        let mut owed = wire.pending.iter().filter(|owed| gap.is_none_or(|gap| owed.commit > gap));
        let told =
            |owed: &&Owed| heard.iter().filter_map(|heard| heard.told.as_ref()).any(|told| self.tells(told, owed));
        let owed = owed.find(|owed| !told(owed))?;
        Some(format!("{agent:?} missed {owed:?}; heard {heard:#?}"))
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
                if self.listening[wire.of].socket.is_some() {
                    if let Some(what) = self.unpublished(wire) {
                        return Some(what);
                    }
                } else if let Some(what) = self.missed(wire, &heard, gap) {
                    return Some(what);
                }
                if let Some(missing) = gap.and_then(|_| self.unshown(wire, &heard)).filter(|_| closed.is_none()) {
                    return Some(format!("{agent:?} is not shown how {missing} stands; heard {heard:#?}"));
                }
            }
            if closed.is_some() {
                continue;
            }
            let kept = self.kept(wire.of).await;
            let refused = |path: &str| !tree.may_listen(agent, path, &perhaps);
            if let Some(path) = kept.iter().find(|path| refused(path) && !self.holds_back(wire.of)) {
                return Some(format!("{agent:?} keeps the topic {path}, which is refused"));
            }
            let none = listening.topics.iter().all(|topic| topic.lost_at.is_some() || refused(&topic.path));
            if none && !wire.blocked {
                return Some(format!("{agent:?} has lost every topic and is still connected"));
            }
        }
        None
    }

    /// Whether it is a subscription that may have ended, and does not say so before what waits for it has room: it is
    /// kept nowhere but with its connection.
    fn holds_back(&self, of: usize) -> bool {
        let mut wires = self.wires.iter().filter(|wire| wire.of == of && !wire.over);
        self.listening[of].socket.is_some() && wires.any(|wire| wire.blocked && wire.ear.closed().is_none())
    }

    /// The topics that the hub still keeps for a channel.
    pub(crate) async fn kept(&self, of: usize) -> Vec<String> {
        let listening = &self.listening[of];
        if listening.socket.is_some() {
            let open = self.wires.iter().any(|wire| wire.of == of && !wire.over && wire.ear.closed().is_none());
            return if open { listening.paths().map(str::to_owned).collect() } else { Vec::new() };
        }
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
            self.learn_cut(of).await;
            if self.live(of) == 0 {
                continue;
            }
            let kept = self.kept(of).await;
            let open = self.wires.iter().any(|wire| wire.of == of && !wire.over && wire.ear.closed().is_none());
            let holds_back = self.holds_back(of);
            let (tree, exact) = (self.model.tree(), self.exact);
            let sure = self.model.elsewhere.surely(now, now);
            let perhaps = self.model.elsewhere.perhaps(now, now);
            let listening = &mut self.listening[of];
            let agent = listening.agent;
            for topic in listening.topics.iter_mut().filter(|topic| topic.lost_at.is_none()) {
                let may = tree.may_listen(agent, &topic.path, &sure);
                match (kept.contains(&topic.path), may) {
                    (true, _) if holds_back => topic.murky |= topic.doubt.is_some() || !may,
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
                    wire.owed.extend(wire.pending.drain(..).map(|owed| owed.commit));
                    wire.replaying &= !exact;
                }
            }
        }
    }
}
