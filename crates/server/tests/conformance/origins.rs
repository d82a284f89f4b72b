//! The three settings of `wac.origin`, each with a server of its own: the same requests, and what each makes of them.
//!
//! `ignore` does not look at origins, `restrict-if-present` holds an authorization to the origins that it lists,
//! `strict` wants the origin itself to be granted the mode, as the text does. What is public is public from every page,
//! and a request without `Origin` comes from no page.
//!
//! Spec: <https://solidproject.org/TR/wac#authorization-rule>, <https://solidproject.org/TR/wac#web-origin-authorization>

use super::{
    facts::Facts,
    rules::{acl_of, rule, told},
    world::{Agent, Reply, TURTLE, WORLD, World, unique},
};
use std::sync::LazyLock;

/// A server with one of the settings, and who asks it.
struct Setting {
    name: &'static str,
    world: &'static World,
    alice: Agent,
    bob: Agent,
    anybody: Agent,
}

static SETTINGS: LazyLock<[Setting; 3]> = LazyLock::new(|| {
    let other = |origin| &*Box::leak(Box::new(World::start(&[("PODBELL_WAC_ORIGIN", origin)])));
    // The second is the default.
    let worlds = [("ignore", other("ignore")), ("restrict-if-present", &*WORLD), ("strict", other("strict"))];
    worlds.map(|(name, world)| Setting {
        name,
        world,
        alice: world.log_in("ALICE"),
        bob: world.log_in("BOB"),
        anybody: world.stranger(),
    })
});

#[derive(Clone, Copy, Debug)]
enum Who {
    Owner,
    Bob,
    Anybody,
}
use Who::{Anybody, Bob, Owner};

const APP: Option<&str> = Some("https://app.example");
const OTHER: Option<&str> = Some("https://evil.example");
/// The server's own.
const OWN: Option<&str> = Some("own");

/// Rules beside that of the owner: whom they name, with the modes.
type Rules = &'static [(&'static str, &'static str)];

const BOB_READS: Rules = &[("acl:agent <BOB>", "read")];
const BOB_READS_IN_APP: Rules = &[("acl:agent <BOB>; acl:origin <https://app.example>", "read")];
const BOB_WRITES: Rules = &[("acl:agent <BOB>", "read write")];
const BOB_WRITES_AND_APP_READS: Rules =
    &[("acl:agent <BOB>", "read write"), ("acl:origin <https://app.example>", "read")];
const BOB_READS_AND_APP_READS: Rules = &[("acl:agent <BOB>", "read"), ("acl:origin <https://app.example>", "read")];
const ALL_READ: Rules = &[("acl:agentClass foaf:Agent", "read")];
const ALL_READ_BOB_WRITES: Rules = &[("acl:agentClass foaf:Agent", "read"), ("acl:agent <BOB>", "write")];
const ALL_READ_IN_APP: Rules = &[("acl:agentClass foaf:Agent; acl:origin <https://app.example>", "read")];
const AGENTS_READ: Rules = &[("acl:agentClass acl:AuthenticatedAgent", "read")];
const AGENTS_READ_IN_APP: Rules =
    &[("acl:agentClass acl:AuthenticatedAgent; acl:origin <https://app.example>", "read")];
const APP_READS: Rules = &[("acl:origin <https://app.example>", "read")];
const APP_CONTROLS: Rules = &[("acl:origin <https://app.example>", "control")];
const BOB_READS_IN_TWO: Rules = &[("acl:agent <BOB>; acl:origin <https://app.example>, <https://two.example>", "read")];
const BOB_READS_WITH_SLASH: Rules = &[("acl:agent <BOB>; acl:origin <https://app.example/>", "read")];

/// The fact, who asks for what from which page, the rules, and the status by each setting.
type Case = (&'static str, Who, &'static str, Option<&'static str>, Rules, [u16; 3]);

const CASES: &[Case] = &[
    ("a request from no page is not restricted", Bob, "GET ", None, BOB_READS, [200, 200, 200]),
    ("a request from no page needs no listed origin", Bob, "GET ", None, BOB_READS_IN_APP, [200, 200, 200]),
    ("a listed origin is let in", Bob, "GET ", APP, BOB_READS_IN_APP, [200, 200, 200]),
    ("one of two listed origins is let in", Bob, "GET ", APP, BOB_READS_IN_TWO, [200, 200, 200]),
    ("an origin that is not listed", Bob, "GET ", OTHER, BOB_READS_IN_APP, [200, 403, 403]),
    ("an origin where none is listed", Bob, "GET ", OTHER, BOB_READS, [200, 200, 403]),
    (
        "another port of a listed origin",
        Bob,
        "GET ",
        Some("https://app.example:8443"),
        BOB_READS_IN_APP,
        [200, 403, 403],
    ),
    ("another scheme of a listed origin", Bob, "GET ", Some("http://app.example"), BOB_READS_IN_APP, [200, 403, 403]),
    ("a name below a listed origin", Bob, "GET ", Some("https://x.app.example"), BOB_READS_IN_APP, [200, 403, 403]),
    ("an origin listed with a slash", Bob, "GET ", APP, BOB_READS_WITH_SLASH, [200, 403, 403]),
    ("the null origin where one is listed", Bob, "GET ", Some("null"), BOB_READS_IN_APP, [200, 403, 403]),
    ("the null origin where none is listed", Bob, "GET ", Some("null"), BOB_READS, [200, 200, 403]),
    ("the own origin is trusted where none is listed", Bob, "GET ", OWN, BOB_READS, [200, 200, 200]),
    ("the own origin is trusted where another is listed", Bob, "GET ", OWN, BOB_READS_IN_APP, [200, 200, 200]),
    ("the own origin grants nothing", Bob, "GET ", OWN, APP_READS, [403, 403, 403]),
    ("what is public is public from any page", Anybody, "GET ", OTHER, ALL_READ, [200, 200, 200]),
    ("what is public is so to agents from any page", Bob, "GET ", OTHER, ALL_READ, [200, 200, 200]),
    ("what is public is so though origins are listed", Anybody, "GET ", OTHER, ALL_READ_IN_APP, [200, 200, 200]),
    ("what is public is so from the null origin", Anybody, "GET ", Some("null"), ALL_READ, [200, 200, 200]),
    ("a mode beside the public one", Bob, "PUT x", OTHER, ALL_READ_BOB_WRITES, [201, 201, 403]),
    ("the public mode beside it", Bob, "GET ", OTHER, ALL_READ_BOB_WRITES, [200, 200, 200]),
    ("whoever is logged in, where none is listed", Bob, "GET ", OTHER, AGENTS_READ, [200, 200, 403]),
    ("whoever is logged in, where it is listed", Bob, "GET ", APP, AGENTS_READ_IN_APP, [200, 200, 200]),
    ("whoever is logged in, where another is listed", Bob, "GET ", OTHER, AGENTS_READ_IN_APP, [200, 403, 403]),
    ("an origin alone grants nothing to an agent", Bob, "GET ", APP, APP_READS, [403, 403, 403]),
    ("an origin alone grants nothing to nobody", Anybody, "GET ", APP, APP_READS, [401, 401, 401]),
    ("agent and origin granted apart", Bob, "GET ", APP, BOB_READS_AND_APP_READS, [200, 200, 200]),
    ("agent and another origin granted apart", Bob, "GET ", OTHER, BOB_READS_AND_APP_READS, [200, 200, 403]),
    ("a mode that agent and origin have", Bob, "GET ", APP, BOB_WRITES_AND_APP_READS, [200, 200, 200]),
    ("a mode that the agent has and the origin has not", Bob, "PUT x", APP, BOB_WRITES_AND_APP_READS, [201, 201, 403]),
    ("a write from no page", Bob, "PUT x", None, BOB_WRITES, [201, 201, 201]),
    ("a write from a page where none is listed", Bob, "PUT x", OTHER, BOB_WRITES, [201, 201, 403]),
    ("a deletion from a page where none is listed", Bob, "DELETE there", OTHER, BOB_WRITES, [204, 204, 403]),
    ("the owner from no page", Owner, "GET ", None, &[], [200, 200, 200]),
    ("the owner from a page where none is listed", Owner, "GET ", OTHER, &[], [200, 200, 403]),
    ("the owner from the own origin", Owner, "GET ", OWN, &[], [200, 200, 200]),
    ("the owner's Control from no page", Owner, "GET .acl", None, &[], [200, 200, 200]),
    ("the owner's Control from a page where none is listed", Owner, "GET .acl", OTHER, &[], [200, 200, 403]),
    ("the owner's Control from a page that has it", Owner, "GET .acl", APP, APP_CONTROLS, [200, 200, 200]),
    ("the public does not get in by an origin", Anybody, "GET ", OTHER, BOB_READS, [401, 401, 401]),
];

impl Setting {
    /// The path of a container with these rules; a document `there` is in it.
    fn container(&self, rules: Rules) -> String {
        let path = format!("/alice/{}/", unique("origins"));
        self.alice.put(&format!("{path}there"), "");
        let rules: String =
            rules.iter().enumerate().map(|(n, (who, modes))| rule(&format!("r{n}"), who, modes)).collect();
        self.alice.put(&format!("{path}.acl"), &acl_of(self.world, &self.world.url(&path), &rules));
        path
    }

    fn ask(&self, who: Who, line: &str, origin: Option<&str>, rules: Rules) -> Reply {
        let (method, name) = line.split_once(' ').unwrap();
        let origin = origin.map(|origin| if origin == "own" { &self.world.origin } else { origin });
        let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().chain([TURTLE]).collect();
        let agent = match who {
            Owner => &self.alice,
            Bob => &self.bob,
            Anybody => &self.anybody,
        };
        let told = agent.ask(method, &format!("{}{name}", self.container(rules)), &headers, "");
        // Whatever is decided, the page that asked can read it.
        assert_eq!(told.header("access-control-allow-origin"), Some(origin.unwrap_or("*")), "{told:?}");
        if told.status >= 400 {
            told.is_problem(told.status);
        }
        told
    }
}

#[test]
fn each_setting_makes_its_own_of_origins() {
    let mut facts = Facts::of("settings of origins");
    for (fact, who, line, origin, rules, statuses) in CASES {
        for (setting, status) in statuses.iter().enumerate() {
            let name = ["ignore", "restrict-if-present", "strict"][setting];
            facts = facts.fact(format!("{name}: {fact} ({}, {who:?}): {status}", line.trim()), move |_| {
                let told = SETTINGS[setting].ask(*who, line, *origin, rules);
                assert_eq!((SETTINGS[setting].name, told.status), (name, *status), "{told:?}");
            });
        }
    }
    for (setting, modes) in [(0, "read write"), (1, "read write"), (2, "read")] {
        let rights = move |origin: Option<&'static str>| {
            let reply = SETTINGS[setting].ask(Bob, "GET ", origin, ALL_READ_BOB_WRITES);
            (told(&reply, "user"), told(&reply, "public"))
        };
        facts = facts
            .fact(format!("setting {setting}: WAC-Allow tells the modes from that page"), move |_| {
                assert_eq!(rights(OTHER), (modes.into(), "read".into()));
            })
            .fact(format!("setting {setting}: WAC-Allow tells all modes from no page"), move |_| {
                assert_eq!(rights(None), ("read write".into(), "read".into()));
            });
    }
    facts.hold();
}

#[test]
fn a_preflight_is_answered_by_every_setting() {
    for setting in &*SETTINGS {
        let path = setting.container(BOB_READS_IN_APP);
        let asked = [("origin", "https://evil.example"), ("access-control-request-method", "PUT")];
        let told = setting.anybody.ask("OPTIONS", &path, &asked, "");
        assert_eq!((told.status, told.header("access-control-allow-origin")), (204, Some("https://evil.example")));
    }
}
