//! Random histories: who does what, and how far the hub comes in between.

use crate::{
    ask::{Ask, Condition},
    ear::ROOM,
    elsewhere::Members,
    model::{APPEND, Body, CONTROL, OWNER, PUBLIC, READ, Rule, Voice, WRITE, Way, Who},
    returning::From,
    world::World,
};
use proptest::{
    collection::{btree_set, vec},
    prelude::*,
    sample::select,
};

const AGENTS: &[&str] = &[OWNER, "ann", "bob", "carol", PUBLIC];
const MEMBERS: &[&str] = &["ann", "bob", "carol"];
/// `/a/z` makes a container of the name of a document; what begins with `~` is in the second storage.
const DOCUMENTS: &[&str] =
    &["/a", "/c/x", "/c/x", "/c/d/y", "/e/f/z", "/g", "/c/g", "/a/z", "/c/x", "~/x", "~/x", "~/c/y", "~/g"];
const CONTAINERS: &[&str] = &["/", "/c/", "/c/d/", "/e/", "/e/f/", "/a/", "~/", "~/c/"];
const SUBJECTS: &[&str] = &["/", "/", "/c/", "/c/", "/c/d/", "/c/x", "/a", "/c/d/y", "/g", "~/", "~/", "~/c/", "~/x"];
const GROUPS: &[&str] = &["/g", "/c/g", "~/g"];
/// Group documents elsewhere.
pub(crate) const CLUBS: &[&str] = &["one", "two"];
const TOPICS: &[&str] = &[
    "/", "/c/", "/c/", "/c/x", "/c/x", "/c/d/", "/c/d/y", "/a", "/g", "/e/f/", "/e/f/z", "/.acl", "/c/.acl",
    "/c/x.acl", "~/", "~/x", "~/c/", "~/c/y", "~/.acl",
];
const TYPES: &[&[&str]] =
    &[&["Create"], &["Update"], &["Delete", "Remove"], &["Add", "Remove"], &["Create", "Delete"], &["Update", "Add"]];

/// How often others have their turn before a connection is cut.
const BRIEFLY: usize = 8;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(&'static str, Ask),
    /// Subscribes and connects.
    Listen {
        agent: &'static str,
        topics: Vec<&'static str>,
        way: Way,
    },
    /// Asks for a channel that pushes.
    Push {
        agent: &'static str,
        topics: Vec<&'static str>,
        way: Way,
    },
    /// Connects with the capability of a channel once more.
    Connect(usize, From),
    Disconnect(usize),
    /// A connection is cut and comes back, as far as it can tell what it heard.
    Return(usize),
    /// A connection takes so many bytes of what comes of a request, is cut, and comes back.
    Cut(usize, usize, Ask),
    /// A connection is told a cursor between notifications.
    Pause(usize),
    Unsubscribe(usize),
    Room(usize, usize),
    /// A group document elsewhere changes.
    Say(&'static str, Members),
    /// So many seconds pass.
    Wait(i64),
    /// The log forgets all but so many records of each storage.
    Prune(u64),
    Yield(usize),
    Quiet,
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        4 => select(MEMBERS).prop_map(Who::Agent),
        3 => select(GROUPS).prop_map(Who::Group),
        2 => select(CLUBS).prop_map(Who::Elsewhere),
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

fn way() -> impl Strategy<Value = Way> {
    let voice = select(
        &[
            Voice::WebSocket,
            Voice::WebSocket,
            Voice::Ess,
            Voice::Events,
            Voice::Lines,
            Voice::Turtle,
            Voice::Lws,
            Voice::LwsEvents,
            Voice::LwsEvents,
            Voice::Solid01,
            Voice::Solid01,
        ][..],
    );
    let only = prop::option::weighted(0.2, select(TYPES));
    (voice, prop::bool::weighted(0.4), prop::bool::weighted(0.3), only, prop::bool::weighted(0.15)).prop_map(
        |(voice, cursor, below, only, not_mine)| match voice {
            Voice::Ess => Way::ESS,
            Voice::Lws | Voice::LwsEvents => Way { voice, ..Way::LWS },
            Voice::Solid01 => Way::SOLID_0_1,
            _ => Way { voice, cursor, below, only, not_mine },
        },
    )
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let topics = || {
        prop_oneof![
            6 => select(TOPICS).prop_map(|topic| vec![topic]),
            1 => Just(vec!["/c/", "/c/x"]),
            1 => Just(vec!["/c/d/y", "/a", "/c/d/"]),
            1 => Just(vec!["/", "/g"]),
            1 => Just(vec!["/c/", "~/"]),
            1 => Just(vec!["~/x", "/c/x", "~/c/"]),
        ]
    };
    let agent = || prop_oneof![7 => Just(OWNER), 3 => select(AGENTS)];
    let room = prop_oneof![2 => Just(0), 2 => 1..700_usize, 4 => Just(ROOM)];
    let place = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 16));
    let from = prop_oneof![
        3 => Just(From::Now),
        3 => (0..6_usize).prop_map(From::Back),
        1 => prop::option::of(place()).prop_map(From::Other),
    ];
    let members = prop::option::weighted(0.9, btree_set(select(MEMBERS), 0..4));
    prop_oneof![
        24 => (agent(), ask()).prop_map(|(agent, ask)| Step::Ask(agent, ask)),
        8 => (select(AGENTS), topics(), way()).prop_map(|(agent, topics, way)| Step::Listen { agent, topics, way }),
        3 => (select(AGENTS), topics(), way()).prop_map(|(agent, topics, way)| Step::Push { agent, topics, way }),
        2 => (place(), from).prop_map(|(of, from)| Step::Connect(of, from)),
        1 => place().prop_map(Step::Disconnect),
        5 => place().prop_map(Step::Return),
        3 => (place(), 0..1_500_usize, ask()).prop_map(|(index, room, ask)| Step::Cut(index, room, ask)),
        1 => place().prop_map(Step::Pause),
        1 => place().prop_map(Step::Unsubscribe),
        5 => (place(), room).prop_map(|(index, room)| Step::Room(index, room)),
        2 => (select(CLUBS), members).prop_map(|(document, members)| Step::Say(document, members)),
        1 => (1..90_i64).prop_map(Step::Wait),
        1 => (1..12_u64).prop_map(Step::Prune),
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
        listen("bob", &["/c/", "/c/x"], Way::SOLID),
        listen("carol", &["/c/x"], Way::ESS),
        listen("ann", &["/a"], Way::SOLID),
        listen(PUBLIC, &["/"], Way::ESS),
        listen(OWNER, &["/c/x.acl"], Way::SOLID),
        listen("ann", &["/"], Way::BELOW),
        listen("bob", &["/c/"], Way { voice: Voice::Events, ..Way::BELOW }),
        put("~/x", &[]),
        acl("~/", vec![read(Who::Elsewhere("one"), true)]),
        listen("ann", &["/c/", "~/"], Way { voice: Voice::Turtle, cursor: true, ..Way::SOLID }),
        listen("ann", &["/c/", "~/"], Way { voice: Voice::Lines, ..Way::BELOW }),
        listen("bob", &["/c/"], Way { voice: Voice::LwsEvents, ..Way::LWS }),
        listen("ann", &["/c/", "~/"], Way::LWS),
        listen("carol", &["/c/", "/c/x"], Way::SOLID_0_1),
        Step::Push { agent: "bob", topics: vec!["/c/"], way: Way::LWS },
        Step::Push { agent: "bob", topics: vec!["/c/", "/c/x"], way: Way::SOLID },
        Step::Push { agent: "ann", topics: vec!["/c/"], way: Way::BELOW },
    ]
}

/// Topics inside each other would hide which of them a notification is owed to.
fn apart(mut topics: Vec<&'static str>, way: Way) -> Vec<&'static str> {
    if way.below {
        let all = topics.clone();
        let inside = |topic: &str| all.iter().any(|other| topic != *other && topic.starts_with(other));
        topics.retain(|topic| !inside(topic));
    }
    topics
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
            Step::Listen { agent, topics, way } if way.voice == Voice::Solid01 => {
                self.open_socket(agent, &topics).await;
            }
            // Linked Web Storage wants a log-in.
            Step::Listen { agent: PUBLIC, way, .. } | Step::Push { agent: PUBLIC, way, .. } if way.voice.is_lws() => {}
            Step::Push { agent, topics, way } => {
                let voice = if way.voice.is_lws() { Voice::Lws } else { Voice::Lines };
                let way = Way { voice, ..way };
                self.push(agent, &apart(topics, way), way).await;
            }
            Step::Listen { agent, topics, way } => {
                let topics = apart(topics, way);
                if let Some(of) = self.subscribe(agent, &topics, way).await {
                    self.connect(of, From::Now).await;
                }
            }
            Step::Connect(of, from) if channels > 0 => self.connect(of % channels, from).await,
            Step::Return(index) if wires > 0 => self.come_back(index % wires).await,
            Step::Cut(index, room, ask) if wires > 0 => {
                self.narrow(index % wires, room);
                self.ask(OWNER, &ask).await;
                for _ in 0..BRIEFLY {
                    tokio::task::yield_now().await;
                }
                self.come_back(index % wires).await;
            }
            Step::Pause(index) if wires > 0 => self.pause(index % wires),
            Step::Say(document, members) => self.say(document, members).await,
            Step::Wait(seconds) => self.wait(seconds).await,
            Step::Prune(keep) => self.prune(keep).await,
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
