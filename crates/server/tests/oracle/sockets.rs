//! Sockets of `solid-0.1`: any number of subscriptions, each for itself, that share one way out.
//!
//! A line says nothing but that something was written, so what was published is counted: each line stands for one write,
//! in order, that its subscriber may hear of, and there is one for each write that they must hear of. A `sub` that is
//! refused says nothing more, and nothing is told anew after a cut.

use crate::{
    ear::ROOM,
    listeners::Wire,
    model::{Commit, Owed, Way},
    returning::From,
    world::{World, iri, subject},
};
use podbell_delivery::rendering_id;
use podbell_hub::{Channel, ChannelId, ConnectError, Topic};
use podbell_model::Uuid;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicUsize},
};

impl World {
    /// Opens a socket, and says `sub` for each topic.
    pub(crate) async fn open_socket(&mut self, agent: &'static str, topics: &[&str]) {
        self.sockets.push(Arc::new(AtomicUsize::new(ROOM)));
        for topic in topics {
            self.sub(agent, self.sockets.len() - 1, topic).await;
        }
    }

    /// Says `sub`; refused exactly when the topic may not be heard.
    async fn sub(&mut self, agent: &'static str, socket: usize, topic: &str) {
        let way = Way::SOLID_0_1;
        let (id, rendering) = (ChannelId(Uuid::new_v4()), rendering_id(way.rendering()));
        let asked = Topic { storage: self.storage(topic), resource: iri(topic) };
        let channel = Channel {
            filter: way.filter(),
            ..Channel::new(id, Arc::new(subject(agent)), [asked].into(), rendering, self.time())
        };
        let (now, tree) = (self.instant(), self.model.tree());
        let far = [self.model.elsewhere.surely(now, now), self.model.elsewhere.perhaps(now, now)];
        let allowed = far.map(|far| tree.may_listen(agent, topic, &far));
        let admission = match (allowed, self.hub.attend(channel.clone()).await) {
            ([_, true], Ok(admission)) => admission,
            ([false, _], Err(ConnectError::Forbidden)) => return,
            (allowed, outcome) => panic!("{agent:?} says sub {topic}: allowed {allowed:?}, got {outcome:?}"),
        };
        let of = self.listens(agent, way, &[topic], channel);
        self.listening[of].socket = Some(socket);
        self.begin(of, From::Now, admission);
    }

    /// Says `sub` again, which is the same if it is heard of.
    pub(crate) async fn say_again(&mut self, of: usize) {
        let listening = &self.listening[of];
        let (agent, topic) = (listening.agent, listening.topics[0].path.clone());
        if let Some(socket) = listening.socket.filter(|_| self.live(of) == 0) {
            self.sub(agent, socket, &topic).await;
        }
    }

    /// Says `unsub`.
    pub(crate) fn unsay(&mut self, of: usize) {
        for index in 0..self.wires.len() {
            if self.wires[index].of == of && !self.wires[index].over {
                self.disconnect(index);
            }
        }
    }

    /// A socket is cut, and opened again for what was heard on it.
    pub(crate) async fn open_again(&mut self, socket: usize) {
        let (mut agent, mut topics) = (None, Vec::new());
        for index in 0..self.wires.len() {
            let listening = &self.listening[self.wires[index].of];
            if listening.socket == Some(socket) && !self.wires[index].over {
                (agent, topics) = (Some(listening.agent), [topics, vec![listening.topics[0].path.clone()]].concat());
                self.disconnect(index);
            }
        }
        if let Some(agent) = agent {
            self.open_socket(agent, &topics.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
    }

    /// Something owed for which there is no line.
    pub(crate) fn unpublished(&self, wire: &Wire) -> Option<String> {
        if wire.pending.is_empty() {
            return None;
        }
        let must = wire.owed.iter().copied().chain(wire.pending.iter().map(|owed| owed.commit)).collect();
        self.unexplained(wire, &must)
    }

    /// Every line is a write that may be heard of, and every write that must be is a line.
    pub(crate) fn check_lines(&self, wire: &Wire) {
        let unexplained = self.unexplained(wire, &wire.owed);
        assert!(unexplained.is_none(), "{}", unexplained.unwrap_or_default());
    }

    /// What is wrong with the lines, if they cannot stand for writes in their order: for all that must be told, and for
    /// none that may not.
    fn unexplained(&self, wire: &Wire, must: &BTreeSet<Commit>) -> Option<String> {
        let listening = &self.listening[wire.of];
        let heard = wire.ear.heard();
        assert!(heard.iter().all(|line| line.told.is_some() && line.chunks.len() == 1), "a line goes whole");
        let written = (wire.since + 1..=self.model.head()).filter_map(|commit| self.line(wire, commit));
        // How many lines may have been told of the writes so far.
        let mut told = BTreeSet::from([0]);
        for owed in written.clone() {
            let may = |line: &usize| {
                heard.get(*line).is_some_and(|heard| {
                    heard.chunks[0].head >= owed.commit && self.forbidden(wire, &owed, heard).is_none()
                })
            };
            let one_more: Vec<_> = told.iter().copied().filter(may).map(|line| line + 1).collect();
            if must.contains(&owed.commit) {
                told.clear();
            }
            told.extend(one_more);
        }
        (!told.contains(&heard.len())).then(|| {
            let (agent, topic) = (listening.agent, &listening.topics[0].path);
            let written: Vec<_> = written.map(|owed| (owed.commit, must.contains(&owed.commit))).collect();
            format!("{agent:?} hears {topic} {} times: {heard:#?}; written (and owed): {written:?}", heard.len())
        })
    }

    /// What a write publishes of the topic, which is one line at most.
    fn line(&self, wire: &Wire, commit: Commit) -> Option<Owed> {
        let listening = &self.listening[wire.of];
        self.model.messages(commit, &listening.paths(), (listening.agent, listening.way)).into_iter().next()
    }
}
