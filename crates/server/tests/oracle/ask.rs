//! Requests as the model sees them: what they need, whether they can succeed, and what they change.

use crate::{
    elsewhere::{BOUND, Elsewhere, Far},
    model::{
        APPEND, Acl, Body, CONTROL, Change, Commit, Group, Kind, Model, Moment, Node, OWNER, READ, ROOTS, Rule, Tree,
        WRITE, Who, ancestors, parent, twin,
    },
};
use std::{collections::BTreeSet, sync::Arc};

fn is_root(path: &str) -> bool {
    parent(path).is_none()
}

/// What must hold for a PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// `If-None-Match: *`
    Absent,
    /// `If-Match` with the version that stands.
    Current,
    /// `If-Match` with one that never stood.
    Stale,
}

/// A request that may write.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// `broken`: the content is not in the syntax that it claims.
    Put {
        path: &'static str,
        body: Body,
        condition: Condition,
        broken: bool,
    },
    MakeContainer {
        path: &'static str,
    },
    Post {
        container: &'static str,
        slug: &'static str,
        folder: bool,
        broken: bool,
    },
    /// A patch that inserts a note, and perhaps a member.
    Insert {
        path: &'static str,
        note: u8,
        member: Option<&'static str>,
    },
    Delete {
        path: &'static str,
    },
    PutAcl {
        path: &'static str,
        rules: Vec<Rule>,
    },
    DropAcl {
        path: &'static str,
    },
    Describe {
        path: &'static str,
    },
    Undescribe {
        path: &'static str,
    },
}

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fails,
    /// It succeeds and changes nothing.
    Idle,
    Commits,
}

impl Tree {
    pub(crate) fn fate(&self, agent: &str, ask: &Ask, far: &Far<'_>) -> Fate {
        let permitted = self.needs(ask).iter().all(|(path, modes)| self.granted(agent, path, far) & modes == *modes);
        if permitted { self.possible(ask) } else { Fate::Fails }
    }

    fn stands(&self, path: &str) -> bool {
        self.nodes.contains_key(path)
    }

    fn needs(&self, ask: &Ask) -> Vec<(String, u8)> {
        let place = |path: &str, modes| {
            let mut needs = vec![(path.to_owned(), modes)];
            if !self.stands(path) {
                let missing = ancestors(path).take_while(|above| !self.stands(above)).count();
                needs.extend(ancestors(path).take(missing + 1).map(|above| (above, APPEND)));
            }
            needs
        };
        match ask {
            Ask::Put { path, .. } | Ask::MakeContainer { path } => place(path, WRITE),
            Ask::Insert { path, .. } => place(path, APPEND),
            Ask::Post { container, .. } => vec![((*container).to_owned(), APPEND)],
            Ask::Delete { path } => {
                let (own, above) = match self.stands(path) {
                    true if path.ends_with('/') => (READ | WRITE, WRITE),
                    true => (WRITE, WRITE),
                    false => (READ, READ),
                };
                std::iter::once(((*path).to_owned(), own)).chain(parent(path).map(|up| (up, above))).collect()
            }
            Ask::PutAcl { path, .. } | Ask::DropAcl { path } => vec![((*path).to_owned(), CONTROL)],
            Ask::Describe { path } => vec![((*path).to_owned(), WRITE)],
            Ask::Undescribe { path } => {
                let stands = self.nodes.contains_key(*path);
                vec![((*path).to_owned(), if stands { WRITE } else { READ })]
            }
        }
    }

    fn possible(&self, ask: &Ask) -> Fate {
        let commits = |holds| if holds { Fate::Commits } else { Fate::Fails };
        match ask {
            Ask::Put { path, condition, broken, .. } => {
                let stands = self.stands(path);
                let met = match condition {
                    Condition::None => true,
                    Condition::Absent => !stands,
                    Condition::Current => stands,
                    Condition::Stale => false,
                };
                commits(!broken && met && (stands || self.is_free(path)))
            }
            Ask::MakeContainer { path } => commits(!self.stands(path) && self.is_free(path)),
            Ask::Post { container, broken, folder, .. } => commits(self.stands(container) && (*folder || !broken)),
            Ask::Insert { path, note, member } => match self.nodes.get(*path).map(|node| &node.body) {
                None => commits(self.is_free(path)),
                Some(Body::Rdf { notes, members })
                    if notes.contains(note) && member.is_none_or(|name| members.contains(name)) =>
                {
                    Fate::Idle
                }
                Some(Body::Rdf { .. }) => Fate::Commits,
                Some(_) => Fate::Fails,
            },
            Ask::Delete { path } => {
                let full = self.nodes.keys().any(|other| parent(other).as_deref() == Some(path));
                commits(!is_root(path) && self.stands(path) && !full)
            }
            Ask::PutAcl { path, rules } => {
                let keeps =
                    |rule: &Rule| rule.access_to && rule.modes & CONTROL != 0 && matches!(rule.who, Who::Agent(_));
                commits(self.stands(path) && (!is_root(path) || rules.iter().any(keeps)))
            }
            Ask::DropAcl { path } => commits(!is_root(path) && self.acls.contains_key(*path)),
            Ask::Describe { path } => commits(self.stands(path)),
            Ask::Undescribe { path } => match self.nodes.get(*path) {
                Some(node) if node.described => Fate::Commits,
                Some(_) => Fate::Idle,
                None => Fate::Fails,
            },
        }
    }

    /// Neither the name nor one above it is taken by what cannot hold it.
    fn is_free(&self, path: &str) -> bool {
        let taken = ancestors(path).take_while(|above| !self.stands(above)).any(|above| self.stands(&twin(&above)));
        !taken && !self.stands(&twin(path))
    }
}

impl Model {
    /// Two storages as they are when they are made, one after the other.
    pub(crate) fn new(at: i64) -> Self {
        let elsewhere = Arc::<Elsewhere>::default();
        elsewhere.say("one", Some(["ann"].into()), at - 10 * BOUND);
        let mut model = Self { moments: vec![Moment::default()], ends: std::collections::BTreeMap::new(), elsewhere };
        let mut tree = crate::model::Tree::default();
        for (number, root) in ROOTS.into_iter().enumerate() {
            let node = Node { born: number + 1, body: Body::Container, described: false, version: String::new() };
            tree.nodes.insert(root.to_owned(), node);
            let rule = Rule { who: Who::Agent(OWNER), access_to: true, default: true, modes: READ | WRITE | CONTROL };
            tree.acls.insert(root.to_owned(), Acl { rules: vec![rule], version: String::new() });
            model.moments.push(Moment { tree: tree.clone(), at, ..Moment::default() });
        }
        model
    }

    /// Commits a request; `path` is what it was about, or what it made.
    pub(crate) fn commit(&mut self, (actor, ask): (&'static str, &Ask), path: &str, at: i64) {
        let number = self.moments.len();
        let mut next = Moment { tree: self.tree().clone(), changes: Vec::new(), at, actor };
        match ask {
            Ask::Put { body, .. } => next.put(path, body.clone(), number),
            Ask::MakeContainer { .. } | Ask::Post { folder: true, .. } => next.put(path, Body::Container, number),
            Ask::Post { .. } => next.put(path, Body::Plain, number),
            Ask::Insert { note, member, .. } => {
                let (mut notes, mut members) = match next.tree.nodes.get(path).map(|node| node.body.clone()) {
                    Some(Body::Rdf { notes, members }) => (notes, members),
                    _ => Default::default(),
                };
                notes.insert(*note);
                members.extend(member);
                next.put(path, Body::Rdf { notes, members }, number);
            }
            Ask::Delete { .. } => {
                next.delete(path, number);
                let born = next.changes[0].born;
                self.ends.insert((path.to_owned(), born), number);
            }
            Ask::PutAcl { rules, .. } => {
                let acl = Acl { rules: rules.clone(), version: String::new() };
                let before = next.tree.acls.insert(path.to_owned(), acl);
                next.acl_changed(path, if before.is_some() { Kind::Update } else { Kind::Create }, number);
            }
            Ask::DropAcl { .. } => {
                next.tree.acls.remove(path);
                next.acl_changed(path, Kind::Delete, number);
            }
            Ask::Describe { .. } | Ask::Undescribe { .. } => {
                if let Some(node) = next.tree.nodes.get_mut(path) {
                    node.described = matches!(ask, Ask::Describe { .. });
                    let born = node.born;
                    next.changed(path, Kind::Update, born, None);
                }
            }
        }
        self.moments.push(next);
    }
}

impl Moment {
    fn changed(&mut self, path: &str, kind: Kind, born: Commit, container: Option<(String, Commit)>) {
        self.changes.push(Change { path: path.to_owned(), acl: false, kind, born, container });
    }

    fn acl_changed(&mut self, path: &str, kind: Kind, born: Commit) {
        self.changes.push(Change { path: path.to_owned(), acl: true, kind, born, container: None });
    }

    fn put(&mut self, path: &str, body: Body, number: Commit) {
        let members = match &body {
            Body::Rdf { members, .. } => members.clone(),
            _ => BTreeSet::new(),
        };
        self.group(path, members, number);
        if let Some(node) = self.tree.nodes.get_mut(path) {
            node.body = body;
            let born = node.born;
            return self.changed(path, Kind::Update, born, None);
        }
        if let Some(above) = parent(path).filter(|above| !self.tree.nodes.contains_key(above)) {
            self.put(&above, Body::Container, number);
        }
        let container = self.standing_before(path, number);
        let node = Node { born: number, body, described: false, version: String::new() };
        self.tree.nodes.insert(path.to_owned(), node);
        self.changed(path, Kind::Create, number, container);
    }

    fn delete(&mut self, path: &str, number: Commit) {
        let born = self.tree.nodes.remove(path).map_or(0, |node| node.born);
        let container = self.standing_before(path, number);
        self.changed(path, Kind::Delete, born, container);
        self.group(path, BTreeSet::new(), number);
        if self.tree.acls.remove(path).is_some() {
            self.acl_changed(path, Kind::Delete, number);
        }
    }

    /// The container above, unless this very commit made it.
    fn standing_before(&self, path: &str, number: Commit) -> Option<(String, Commit)> {
        let above = parent(path)?;
        let born = self.tree.nodes.get(&above)?.born;
        (born < number).then_some((above, born))
    }

    fn group(&mut self, document: &str, members: BTreeSet<&'static str>, touched: Commit) {
        let was = self.tree.groups.get(document).is_some_and(|group| !group.members.is_empty());
        if was || !members.is_empty() {
            self.tree.groups.insert(document.to_owned(), Group { members, touched });
        }
    }
}
