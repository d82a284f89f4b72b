//! Random histories: who does what, and how far the hub comes in between.

use crate::{
    ask::{Ask, Condition},
    ear::ROOM,
    model::{APPEND, Body, CONTROL, OWNER, PUBLIC, READ, Rule, WRITE, Way, Who},
    world::World,
};
use proptest::{
    collection::{btree_set, vec},
    prelude::*,
    sample::select,
};

const AGENTS: &[&str] = &[OWNER, "ann", "bob", "carol", PUBLIC];
const MEMBERS: &[&str] = &["ann", "bob", "carol"];
/// `/a/z` makes a container of the name of a document.
const DOCUMENTS: &[&str] = &["/a", "/c/x", "/c/x", "/c/d/y", "/e/f/z", "/g", "/c/g", "/a/z"];
const CONTAINERS: &[&str] = &["/", "/c/", "/c/d/", "/e/", "/e/f/", "/a/"];
const SUBJECTS: &[&str] = &["/", "/", "/c/", "/c/", "/c/d/", "/c/x", "/a", "/c/d/y", "/g"];
const GROUPS: &[&str] = &["/g", "/c/g"];
const TOPICS: &[&str] = &[
    "/", "/c/", "/c/", "/c/x", "/c/x", "/c/d/", "/c/d/y", "/a", "/g", "/e/f/", "/e/f/z", "/.acl", "/c/.acl", "/c/x.acl",
];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(&'static str, Ask),
    /// Subscribes and connects.
    Listen {
        agent: &'static str,
        topics: Vec<&'static str>,
        way: Way,
    },
    /// Connects with the capability of a channel once more, perhaps from that many commits ago.
    Connect(usize, Option<usize>),
    Disconnect(usize),
    Unsubscribe(usize),
    Room(usize, usize),
    Yield(usize),
    Quiet,
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        4 => select(MEMBERS).prop_map(Who::Agent),
        3 => select(GROUPS).prop_map(Who::Group),
        1 => Just(Who::Authenticated),
        1 => Just(Who::Public),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let modes = select(&[READ, READ, READ | WRITE, READ | CONTROL, APPEND, WRITE, READ | APPEND, CONTROL][..]);
    let reach = select(&[(true, true), (true, true), (true, false), (false, true)][..]);
    (who(), reach, modes).prop_map(|(who, (access_to, default), modes)| Rule { who, access_to, default, modes })
}

/// The rules of an ACL; most leave the owner everything.
pub(crate) fn rules() -> impl Strategy<Value = Vec<Rule>> {
    (vec(rule(), 0..4), prop::bool::weighted(0.9)).prop_map(|(mut rules, owned)| {
        if owned {
            rules.push(everything(OWNER));
        }
        rules
    })
}

pub(crate) fn everything(agent: &'static str) -> Rule {
    Rule { who: Who::Agent(agent), access_to: true, default: true, modes: READ | WRITE | CONTROL }
}

fn body(path: &'static str) -> BoxedStrategy<Body> {
    let members = if GROUPS.contains(&path) { 0..4 } else { 0..1 };
    prop_oneof![
        4 => (btree_set(0..3_u8, 0..2), btree_set(select(MEMBERS), members))
            .prop_map(|(notes, members)| Body::Rdf { notes, members }),
        1 => Just(Body::Plain),
    ]
    .boxed()
}

fn put() -> impl Strategy<Value = Ask> {
    let condition = prop_oneof![
        8 => Just(Condition::None),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Current),
        1 => Just(Condition::Stale),
    ];
    let path = select(DOCUMENTS).prop_flat_map(|path| body(path).prop_map(move |body| (path, body)));
    (path, condition, prop::bool::weighted(0.05)).prop_map(|((path, body), condition, broken)| Ask::Put {
        path,
        body,
        condition,
        broken,
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let member =
        |path| if GROUPS.contains(&path) { prop::option::of(select(MEMBERS)).boxed() } else { Just(None).boxed() };
    let insert = select(DOCUMENTS).prop_flat_map(move |path| (Just(path), 0..3_u8, member(path)));
    prop_oneof![
        9 => put(),
        1 => select(CONTAINERS).prop_map(|path| Ask::MakeContainer { path }),
        2 => (select(CONTAINERS), select(&["p", "q", "x"][..]), any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(container, slug, folder, broken)| Ask::Post { container, slug, folder, broken }),
        3 => insert.prop_map(|(path, note, member)| Ask::Insert { path, note, member }),
        4 => select(DOCUMENTS).prop_map(|path| Ask::Delete { path }),
        1 => select(CONTAINERS).prop_map(|path| Ask::Delete { path }),
        8 => (select(SUBJECTS), rules()).prop_map(|(path, rules)| Ask::PutAcl { path, rules }),
        2 => select(SUBJECTS).prop_map(|path| Ask::DropAcl { path }),
        1 => select(SUBJECTS).prop_map(|path| Ask::Describe { path }),
        1 => select(SUBJECTS).prop_map(|path| Ask::Undescribe { path }),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let topics = prop_oneof![
        3 => select(TOPICS).prop_map(|topic| vec![topic]),
        1 => Just(vec!["/c/", "/c/x"]),
        1 => Just(vec!["/c/d/y", "/a", "/c/d/"]),
        1 => Just(vec!["/", "/g"]),
    ];
    let agent = || prop_oneof![7 => Just(OWNER), 3 => select(AGENTS)];
    let room = prop_oneof![2 => Just(0), 2 => 1..700_usize, 4 => Just(ROOM)];
    let place = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 16));
    prop_oneof![
        20 => (agent(), ask()).prop_map(|(agent, ask)| Step::Ask(agent, ask)),
        8 => (select(AGENTS), topics, select(&[Way::Solid, Way::Ess, Way::Below][..]))
            .prop_map(|(agent, topics, way)| Step::Listen { agent, topics, way }),
        2 => (place(), prop::option::of(0..6_usize)).prop_map(|(of, back)| Step::Connect(of, back)),
        1 => place().prop_map(Step::Disconnect),
        1 => place().prop_map(Step::Unsubscribe),
        5 => (place(), room).prop_map(|(index, room)| Step::Room(index, room)),
        8 => (1..8_usize).prop_map(Step::Yield),
        4 => Just(Step::Quiet),
    ]
}

/// A pod with something in it, rules that let people and a group in, and listeners.
pub(crate) fn prelude() -> Vec<Step> {
    let read = |who, default| Rule { who, access_to: true, default, modes: READ };
    let put = |path, members: &[&'static str]| {
        let body = Body::Rdf { notes: [1].into(), members: members.iter().copied().collect() };
        Step::Ask(OWNER, Ask::Put { path, body, condition: Condition::None, broken: false })
    };
    let acl = |path, mut rules: Vec<Rule>| {
        rules.push(everything(OWNER));
        Step::Ask(OWNER, Ask::PutAcl { path, rules })
    };
    let listen = |agent, topics: &[&'static str], way| Step::Listen { agent, topics: topics.to_vec(), way };
    vec![
        put("/g", &["bob", "carol"]),
        put("/c/x", &[]),
        acl("/", vec![read(Who::Agent("ann"), true), read(Who::Public, false)]),
        acl("/c/", vec![read(Who::Group("/g"), true), read(Who::Agent("ann"), true)]),
        listen("bob", &["/c/", "/c/x"], Way::Solid),
        listen("carol", &["/c/x"], Way::Ess),
        listen("ann", &["/a"], Way::Solid),
        listen(PUBLIC, &["/"], Way::Ess),
        listen(OWNER, &["/c/x.acl"], Way::Solid),
        listen("ann", &["/"], Way::Below),
        listen("bob", &["/c/"], Way::Below),
    ]
}

impl World {
    pub(crate) async fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            self.step(step).await;
        }
        self.finish().await;
    }

    async fn step(&mut self, step: Step) {
        let (channels, wires) = (self.listening.len(), self.wires.len());
        match step {
            Step::Ask(agent, ask) => self.ask(agent, &ask).await,
            Step::Listen { agent, mut topics, way } => {
                if way == Way::Below {
                    // Topics inside each other would hide which of them a notification is owed to.
                    topics.truncate(1);
                }
                if let Some(of) = self.subscribe(agent, &topics, way).await {
                    self.connect(of, None).await;
                }
            }
            Step::Connect(of, back) if channels > 0 => {
                let resume = back.map(|back| self.model.head().saturating_sub(back).max(1));
                self.connect(of % channels, resume).await;
            }
            Step::Disconnect(index) if wires > 0 => self.disconnect(index % wires),
            Step::Unsubscribe(of) if channels > 0 => self.unsubscribe(of % channels).await,
            Step::Room(index, room) if wires > 0 => self.narrow(index % wires, room),
            Step::Yield(times) => {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
            }
            Step::Quiet => self.quiet().await,
            _ => {}
        }
    }
}
