//! What was heard, compared with the model when everything is over.

use crate::{
    ear::{Heard, ROOM},
    listeners::{Gap, Over, Wire},
    model::{Commit, Owed, parent},
    words::Told,
    world::{World, iri},
};
use podbell_hub::Position;
use podbell_model::Uuid;
use std::{
    collections::{HashMap, HashSet},
    sync::atomic::Ordering::SeqCst,
};

impl World {
    /// Drains everything and compares everything.
    pub(crate) async fn finish(mut self) {
        for index in 0..self.wires.len() {
            if !self.wires[index].over {
                self.narrow(index, ROOM);
            }
        }
        self.quiet().await;
        for of in 0..self.listening.len() {
            self.lapse(of).await;
        }
        self.check_hooks().await;
        for commit in crate::model::ROOTS.len() + 1..=self.model.head() {
            let named =
                |change: &crate::model::Change| format!("{}{}", change.path, if change.acl { ".acl" } else { "" });
            let mut expected: Vec<String> = self.model.moments[commit].changes.iter().map(named).collect();
            let mut changed: Vec<String> = self.ids(commit).map(|(path, _)| path.clone()).collect();
            expected.sort();
            changed.sort();
            assert_eq!(changed, expected, "one record per changed resource");
        }
        for wire in &self.wires {
            assert!(!wire.ear.late.load(SeqCst), "{:?} was written to after the end", self.listening[wire.of].agent);
            if self.listening[wire.of].socket.is_some() {
                self.check_lines(wire);
            } else {
                self.check(wire);
            }
        }
        for listening in self.listening.iter().filter(|listening| listening.over() == Over::Yes) {
            let Some(capability) = &listening.channel.capability else { continue };
            let admitted = self.hub.admit(capability).await;
            assert!(admitted.is_err(), "the capability of an ended channel opens nothing");
        }
    }

    /// Whether that is what is owed.
    pub(crate) fn tells(&self, told: &Told, owed: &Owed) -> bool {
        told.at == self.model.moments[owed.commit].at && told.message.as_ref() == Some(&owed.message)
    }

    /// Nothing forbidden, nothing twice, nothing out of order, every word as the model has it.
    fn check(&self, wire: &Wire) {
        let listening = &self.listening[wire.of];
        let agent = listening.agent;
        let (mut seen, mut order) = (wire.inherited.clone(), HashMap::new());
        let (mut gaps, mut shown, mut reached) = (0, HashSet::new(), None);
        for heard in wire.ear.heard() {
            let Some(told) = &heard.told else {
                self.check_cut(wire, &heard);
                continue;
            };
            let Some(message) = &told.message else {
                gaps += 1;
                assert!(wire.gap != Gap::Never && gaps == 1, "{agent:?} was told of a gap where there is none");
                continue;
            };
            if gaps == 1 && self.is_state(wire, told) {
                assert!(shown.insert(message.object.clone()), "{agent:?} is shown a topic twice: {told:?}");
                self.check_state(wire, told, &heard);
                continue;
            }
            assert!(seen.insert(told.id.clone()), "{agent:?} heard an id twice: {told:?}");
            let found = self.model.moments.iter().rposition(|moment| moment.at == told.at);
            let commit = found.unwrap_or_else(|| panic!("nothing was committed then: {told:?}"));
            let owed = self.model.messages(commit, &listening.paths(), (agent, listening.way));
            let Some(owed) = owed.iter().find(|owed| owed.message == *message) else {
                panic!("{agent:?} heard {told:?}, and the commit tells {owed:#?}");
            };
            // Below one topic, one commit may change several resources.
            let line = if owed.gate.is_some() || listening.way.below { &owed.changed } else { &owed.topic };
            let before = order.insert(line.clone(), commit);
            assert!(before.is_none_or(|before| before < commit), "{agent:?} heard {told:?} after commit {before:?}");
            self.check_allowed(wire, owed, &heard);
            let place = self.check_cursor(wire, commit, told);
            assert!(place.is_none() || reached < place, "{agent:?} is told a place twice: {told:?}");
            reached = place.or(reached);
            let (_, id) = self.ids(commit).find(|(path, _)| *path == owed.changed).unwrap();
            let both = owed.topic != owed.changed && listening.paths().any(|path| path == owed.changed);
            let second = both.then(|| Uuid::new_v5(id, iri(&owed.topic).as_str().as_bytes()));
            let named = |id: &Uuid| told.id == id.urn().to_string();
            assert!(named(id) || second.as_ref().is_some_and(named), "{told:?} should be {id}");
        }
    }

    /// Where threads race the clock may move between a judgement and its write, in milliseconds.
    fn slack(&self) -> i64 {
        if self.exact { 0 } else { 2_000 }
    }

    fn check_allowed(&self, wire: &Wire, owed: &Owed, heard: &Heard) {
        let forbidden = self.forbidden(wire, owed, heard);
        assert!(forbidden.is_none(), "{:?} {}", self.listening[wire.of].agent, forbidden.unwrap_or_default());
    }

    /// Why that may not have been heard so.
    pub(crate) fn forbidden(&self, wire: &Wire, owed: &Owed, heard: &Heard) -> Option<String> {
        let (model, listening) = (&self.model, &self.listening[wire.of]);
        let (agent, commit) = (listening.agent, owed.commit);
        if commit <= wire.since {
            return Some(format!("heard of what was before: {owed:?}"));
        }
        let last = heard.chunks.last().map_or(0, |chunk| chunk.at);
        let then = model.elsewhere.perhaps(model.moments[commit].at, last);
        if !model.may_know(agent, &owed.concern, commit, &then) {
            return Some(format!("was never allowed {owed:?}"));
        }
        for chunk in &heard.chunks {
            let now = model.elsewhere.perhaps(chunk.at - self.slack(), chunk.at);
            let open = |at| owed.gate.iter().all(|gate| model.may_know(agent, gate, at, &now));
            if !chunk.rules(commit).any(|at| open(at) && model.may_know(agent, &owed.concern, at, &now)) {
                return Some(format!("was told {owed:?} although the rules of {chunk:?} forbid it"));
            }
        }
        let lost = listening.topics.iter().find(|topic| topic.path == owed.topic).and_then(|topic| topic.lost_at);
        let late = lost.is_some_and(|lost| commit > lost);
        late.then(|| format!("lost the topic at {lost:?} and heard {owed:?}"))
    }

    /// A cursor stands right behind what it is told with.
    fn check_cursor(&self, wire: &Wire, commit: Commit, told: &Told) -> Option<Position> {
        let listening = &self.listening[wire.of];
        assert_eq!(told.cursor.is_some(), wire.cursors, "cursors are told where they were asked for: {told:?}");
        let cursor = told.cursor.as_ref()?;
        let channel = &listening.channel;
        let place = self.seals.open_on(cursor, channel);
        let narrowed = listening.topics.iter().any(|topic| topic.lost_at.is_some() || topic.is_doubtful());
        assert!(place.is_some() || narrowed, "the cursor opens for its channel: {told:?}");
        assert!(place.is_none_or(|place| place.sequence.0 == commit as u64), "{told:?} is followed by {place:?}");
        place
    }

    /// Whether this tells how a topic stands, and not that something happened.
    fn is_state(&self, wire: &Wire, told: &Told) -> bool {
        let Some(message) = &told.message else { return false };
        let state = message.state.as_deref().unwrap_or("");
        let id =
            Uuid::new_v5(&self.listening[wire.of].channel.id.0, format!("{} {state}", iri(&message.object)).as_bytes());
        told.id == id.urn().to_string()
    }

    /// How a topic stands is told to those who may read it, and as it stood.
    fn check_state(&self, wire: &Wire, told: &Told, heard: &Heard) {
        let (listening, message) = (&self.listening[wire.of], told.message.as_ref().unwrap());
        let (agent, topic) = (listening.agent, &message.object);
        assert!(listening.paths().any(|path| path == topic), "{agent:?} is shown {topic}");
        let last = heard.chunks.last().unwrap();
        let stood = (wire.registered..=last.head).any(|at| self.stands(topic, at) == message.state);
        assert!(stood, "{topic} never stood so: {told:?}");
        for chunk in &heard.chunks {
            let now = self.model.elsewhere.perhaps(chunk.at - self.slack(), chunk.at);
            let may = |at: Commit| self.model.moments[at].tree.may_listen(agent, topic, &now);
            assert!(chunk.rules(0).any(may), "{agent:?} was shown {topic} although {chunk:?} forbids it");
        }
    }

    /// The version of a topic as of a commit.
    fn stands(&self, topic: &str, at: Commit) -> Option<String> {
        let tree = &self.model.moments[at].tree;
        match topic.strip_suffix(".acl") {
            Some(subject) => tree.acls.get(subject).map(|acl| acl.version.clone()),
            None => tree.nodes.get(topic).map(|node| node.version.clone()),
        }
    }

    /// After a gap: a topic that is not shown as it stands, although it surely may be.
    pub(crate) fn unshown(&self, wire: &Wire, heard: &[Heard]) -> Option<String> {
        let (listening, model) = (&self.listening[wire.of], &self.model);
        let far = model.elsewhere.surely(wire.registered_at, self.instant());
        let mut owed = listening.topics.iter().filter(|topic| {
            let may = |at: Commit| model.moments[at].tree.may_listen(listening.agent, &topic.path, &far);
            topic.lost_at.is_none() && !topic.is_doubtful() && (wire.registered..=model.head()).all(may)
        });
        let shown = |path: &str| {
            let told = |told: &Told| {
                told.message.as_ref().is_some_and(|message| message.object == path) && self.is_state(wire, told)
            };
            heard.iter().any(|heard| heard.told.as_ref().is_some_and(told))
        };
        owed.find(|topic| !shown(&topic.path)).map(|topic| topic.path.clone())
    }

    /// A frame that was cut told something as soon as its id was out.
    fn check_cut(&self, wire: &Wire, heard: &Heard) {
        let Some((_, rest)) = heard.text.split_once("urn:uuid:") else { return };
        let Some(id) = rest.get(..36) else { return };
        let listening = &self.listening[wire.of];
        for commit in 1..=self.model.head() {
            for (path, of) in self.ids(commit) {
                let second = parent(path).map(|above| Uuid::new_v5(of, iri(&above).as_str().as_bytes()).to_string());
                if of.to_string() != id && second.as_deref() != Some(id) {
                    continue;
                }
                let owed = self.model.messages(commit, &listening.paths(), (listening.agent, listening.way));
                let mut owed = owed.into_iter().filter(|owed| owed.changed == *path);
                let first = owed.next().expect("what began was about a topic");
                if owed.next().is_none() {
                    self.check_allowed(wire, &first, heard);
                }
                return;
            }
        }
        assert!(wire.gap != Gap::Never, "nothing that was committed has the id {id}");
    }
}
