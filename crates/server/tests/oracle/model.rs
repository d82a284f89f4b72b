//! The model: what the resources and rules were after every commit, and who is owed which words.
//!
//! It shares no code with the server. Its Web Access Control looks up paths in a map, its history is a copy of the
//! whole tree per commit, and its notifications are the table of the design.
//!
//! Spec: <https://solidproject.org/TR/wac>, <https://solidproject.org/TR/notifications-protocol>

use crate::{
    dialects::{enveloped, published},
    elsewhere::{Elsewhere, Far},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Number of a commit; the first is 1.
pub(crate) type Commit = usize;

pub(crate) const READ: u8 = 1;
pub(crate) const APPEND: u8 = 2;
pub(crate) const WRITE: u8 = 4 | APPEND;
pub(crate) const CONTROL: u8 = 8;
/// The owner of the storage.
pub(crate) const OWNER: &str = "owner";
/// The roots of the storages; names in the second one begin with `~`.
pub(crate) const ROOTS: [&str; 2] = ["/", "~/"];
/// Everybody who is nobody.
pub(crate) const PUBLIC: &str = "";

/// Whom a rule names; a group is named by its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Agent(&'static str),
    Group(&'static str),
    /// By a group document elsewhere.
    Elsewhere(&'static str),
    Authenticated,
    Public,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) who: Who,
    pub(crate) access_to: bool,
    pub(crate) default: bool,
    pub(crate) modes: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Acl {
    pub(crate) rules: Vec<Rule>,
    pub(crate) version: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Container,
    Plain,
    Rdf { notes: BTreeSet<u8>, members: BTreeSet<&'static str> },
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) born: Commit,
    pub(crate) body: Body,
    pub(crate) described: bool,
    pub(crate) version: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) members: BTreeSet<&'static str>,
    pub(crate) touched: Commit,
}

/// Everything as of one commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: BTreeMap<String, Node>,
    /// By subject.
    pub(crate) acls: BTreeMap<String, Acl>,
    /// Every document that ever was a group document.
    pub(crate) groups: BTreeMap<String, Group>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
}

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) path: String,
    /// It is the ACL of `path` that changed.
    pub(crate) acl: bool,
    pub(crate) kind: Kind,
    pub(crate) born: Commit,
    /// The container that it was added to or removed from, and that container's life.
    pub(crate) container: Option<(String, Commit)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) tree: Tree,
    pub(crate) changes: Vec<Change>,
    /// When it was committed, in milliseconds.
    pub(crate) at: i64,
    pub(crate) actor: &'static str,
}

/// In which words, and how they are set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    WebSocket,
    /// The words of ESS, on a WebSocket.
    Ess,
    Events,
    Lines,
    Turtle,
    /// The envelopes of Linked Web Storage, on a WebSocket.
    Lws,
    /// The same, on an event stream.
    LwsEvents,
    /// The lines of `solid-0.1`: one subscription of a socket.
    Solid01,
}

impl Voice {
    pub(crate) fn is_lws(self) -> bool {
        matches!(self, Self::Lws | Self::LwsEvents)
    }

    /// Whether whoever comes back may say what they heard last.
    pub(crate) fn knows_cursors(self) -> bool {
        !matches!(self, Self::Ess | Self::Lws | Self::Solid01)
    }
}

/// How a channel listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) voice: Voice,
    /// Each notification tells its cursor.
    pub(crate) cursor: bool,
    /// To everything below its topics too.
    pub(crate) below: bool,
    /// Only these types.
    pub(crate) only: Option<&'static [&'static str]>,
    /// Not what the listener has done.
    pub(crate) not_mine: bool,
}

impl Way {
    /// In the words of the protocol.
    pub(crate) const SOLID: Self =
        Self { voice: Voice::WebSocket, cursor: false, below: false, only: None, not_mine: false };
    pub(crate) const ESS: Self = Self { voice: Voice::Ess, ..Self::SOLID };
    pub(crate) const BELOW: Self = Self { below: true, ..Self::SOLID };
    pub(crate) const LWS: Self = Self { voice: Voice::Lws, ..Self::BELOW };
    pub(crate) const SOLID_0_1: Self = Self { voice: Voice::Solid01, ..Self::SOLID };

    fn hears(self, agent: &str, actor: &str, kind: &str) -> bool {
        let own = self.not_mine && agent != PUBLIC && agent == actor;
        !own && self.only.is_none_or(|only| only.contains(&kind))
    }
}

/// What a notification lets its hearer know about.
#[derive(Clone, Debug)]
pub(crate) struct Concern {
    pub(crate) path: String,
    /// Which life of it; none for an ACL, which is about whatever stands there.
    pub(crate) born: Option<Commit>,
}

/// A notification as it is worded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: &'static str,
    pub(crate) object: String,
    pub(crate) target: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) state: Option<String>,
}

/// A notification that a topic gets.
#[derive(Clone, Debug)]
pub(crate) struct Owed {
    pub(crate) commit: Commit,
    pub(crate) topic: String,
    /// The resource that changed.
    pub(crate) changed: String,
    pub(crate) concern: Concern,
    /// The topic, which must be theirs still, if the resource that changed is below it.
    pub(crate) gate: Option<Concern>,
    pub(crate) message: Message,
}

pub(crate) struct Model {
    pub(crate) moments: Vec<Moment>,
    pub(crate) ends: BTreeMap<(String, Commit), Commit>,
    pub(crate) elsewhere: Arc<Elsewhere>,
}

pub(crate) fn parent(path: &str) -> Option<String> {
    let inner = path.strip_suffix('/').unwrap_or(path);
    inner.rfind('/').map(|slash| inner[..=slash].to_owned())
}

pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = String> + use<> {
    std::iter::successors(parent(path), |above| parent(above))
}

pub(crate) fn twin(path: &str) -> String {
    path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned)
}

impl Tree {
    /// What an agent may do to whatever stands, or could stand, under a path.
    pub(crate) fn granted(&self, agent: &str, path: &str, far: &Far<'_>) -> u8 {
        let owned = if agent == OWNER { CONTROL } else { 0 };
        for level in std::iter::once(path.to_owned()).chain(ancestors(path)) {
            let Some(acl) = self.acls.get(&level) else { continue };
            let applies = |rule: &&Rule| if level == path { rule.access_to } else { rule.default };
            let named = acl.rules.iter().filter(applies).filter(|rule| self.names(rule.who, agent, far));
            return named.fold(owned, |modes, rule| modes | rule.modes);
        }
        owned
    }

    fn names(&self, who: Who, agent: &str, far: &Far<'_>) -> bool {
        match who {
            Who::Agent(named) => named == agent,
            Who::Group(document) => self.groups.get(document).is_some_and(|group| group.members.contains(agent)),
            Who::Elsewhere(document) => far.names(document, agent),
            Who::Authenticated => agent != PUBLIC,
            Who::Public => true,
        }
    }

    /// Whether an agent may listen to a topic: Read, and Control for an ACL.
    pub(crate) fn may_listen(&self, agent: &str, topic: &str, far: &Far<'_>) -> bool {
        match topic.strip_suffix(".acl") {
            Some(subject) => self.granted(agent, subject, far) & CONTROL != 0,
            None => self.granted(agent, topic, far) & READ != 0,
        }
    }
}

impl Model {
    pub(crate) fn head(&self) -> Commit {
        self.moments.len() - 1
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.moments[self.head()].tree
    }

    /// Whether an agent may be told by the rules of a commit.
    ///
    /// Of a life that is over the rules just before its end count, with later changes above it and of groups.
    pub(crate) fn may_know(&self, agent: &str, concern: &Concern, at: Commit, far: &Far<'_>) -> bool {
        let (tree, path) = (&self.moments[at].tree, &concern.path);
        let Some(born) = concern.born else { return tree.granted(agent, path, far) & CONTROL != 0 };
        let Some(end) = self.ends.get(&(path.clone(), born)).copied().filter(|end| *end <= at) else {
            return tree.granted(agent, path, far) & READ != 0;
        };
        let (before, mut then) = (&self.moments[end - 1].tree, tree.clone());
        then.acls.remove(path);
        if let Some(acl) = before.acls.get(path) {
            then.acls.insert(path.clone(), acl.clone());
        }
        for (document, group) in then.groups.iter_mut().filter(|(_, group)| group.touched == end) {
            group.members = before.groups.get(document).map(|group| group.members.clone()).unwrap_or_default();
        }
        then.granted(agent, path, far) & READ != 0
    }

    /// Whether an agent may be told by the rules of every commit of that range.
    pub(crate) fn may_always_know(
        &self,
        agent: &str,
        concern: &Concern,
        (first, last): (Commit, Commit),
        far: &Far<'_>,
    ) -> bool {
        (first..=last).all(|at| self.may_know(agent, concern, at, far))
    }

    /// The notifications of a commit for a channel of an agent.
    pub(crate) fn messages<'t>(
        &self,
        commit: Commit,
        topics: &(impl Iterator<Item = &'t str> + Clone),
        (agent, way): (&str, Way),
    ) -> Vec<Owed> {
        let mut owed = Vec::new();
        for change in &self.moments[commit].changes {
            for topic in topics.clone() {
                let below = way.below && topic.ends_with('/') && change.path.starts_with(topic) && !change.acl;
                let told_as = if below { &change.path } else { topic };
                let hears = |message: &Message| way.hears(agent, self.moments[commit].actor, message.kind);
                let message = self.message(commit, change, told_as, way).filter(|(_, message)| hears(message));
                if let Some((concern, message)) = message {
                    let changed = if change.acl { format!("{}.acl", change.path) } else { change.path.clone() };
                    let is_below = told_as != topic;
                    // Of no life: whatever stands there.
                    let gate = is_below.then(|| Concern { path: topic.to_owned(), born: Some(0) });
                    owed.push(Owed { commit, topic: topic.to_owned(), changed, concern, gate, message });
                }
            }
        }
        owed
    }

    fn message(&self, commit: Commit, change: &Change, topic: &str, way: Way) -> Option<(Concern, Message)> {
        match way.voice {
            Voice::Lws | Voice::LwsEvents => return enveloped(change, topic),
            Voice::Solid01 => return published(change, topic),
            _ => {}
        }
        let ess = way.voice == Voice::Ess;
        let standing = if change.kind == Kind::Delete { commit - 1 } else { commit };
        let last = &self.moments[standing].tree;
        let kind = match change.kind {
            Kind::Create => "Create",
            Kind::Update => "Update",
            Kind::Delete => "Delete",
        };
        let told = |version: &String| (ess || change.kind != Kind::Delete).then(|| version.clone());
        let path = change.path.clone();
        if change.acl {
            let state = last.acls.get(&path).and_then(|acl| told(&acl.version));
            let message = Message { kind, object: format!("{path}.acl"), target: None, origin: None, state };
            return (message.object == topic).then_some((Concern { path, born: None }, message));
        }
        if path == topic {
            let state = last.nodes.get(&path).and_then(|node| told(&node.version));
            let message = Message { kind, object: path.clone(), target: None, origin: None, state };
            return Some((Concern { path, born: Some(change.born) }, message));
        }
        let container = change.container.clone().filter(|_| !way.below);
        let (container, born) = container.filter(|(container, _)| container == topic)?;
        let state = self.moments[commit].tree.nodes.get(&container).map(|node| node.version.clone());
        let message = match change.kind {
            _ if ess => Message { kind: "Update", object: container.clone(), target: None, origin: None, state },
            Kind::Create => Message { kind: "Add", object: path, target: Some(container.clone()), origin: None, state },
            _ => Message { kind: "Remove", object: path, target: Some(container.clone()), origin: None, state },
        };
        Some((Concern { path: container, born: Some(born) }, message))
    }
}
