//! The permission matrix: what each operation needs on its target and on the container that it is in, existing or not,
//! document or container, for an agent, for everybody and for whoever is logged in.
//!
//! Spec: <https://solidproject.org/TR/wac#access-modes>,
//! <https://solidproject.org/TR/protocol#reading-writing-resources>

use super::{
    facts::{Facts, Place, n3},
    world::{ALICE, ANYBODY, Agent, BOB, WORLD},
};
use std::sync::{Arc, LazyLock, OnceLock};

/// What a request carries.
#[derive(Clone, Copy)]
enum Carries {
    Nothing,
    Turtle,
    Rules,
    Insert,
    Find,
    Delete,
    SparqlInsert,
    SparqlDelete,
    SparqlWhere,
}

/// The fact, the method, the target (`+` before it: alice has made it), what the request carries, the modes that are
/// needed on the target and on the container, and the status if they are granted. `a` is met by `w`.
type Operation = (&'static str, &'static str, &'static str, Carries, &'static str, &'static str, u16);

const OPERATIONS: &[Operation] = &[
    ("a document is read", "GET", "+doc", Carries::Nothing, "r", "", 200),
    ("an absent document is missed", "GET", "no", Carries::Nothing, "r", "", 404),
    ("a document's head is read", "HEAD", "+doc", Carries::Nothing, "r", "", 200),
    ("a container is read", "GET", "+sub/", Carries::Nothing, "r", "", 200),
    ("an absent container is missed", "GET", "no/", Carries::Nothing, "r", "", 404),
    ("the container itself is read", "GET", "", Carries::Nothing, "", "r", 200),
    ("methods are asked for", "OPTIONS", "+doc", Carries::Nothing, "", "", 204),
    ("a document is replaced", "PUT", "+doc", Carries::Turtle, "w", "", 204),
    ("a document is created", "PUT", "new", Carries::Turtle, "w", "a", 201),
    ("a document is created with its container", "PUT", "new/new", Carries::Turtle, "w", "a", 201),
    ("a container is created", "PUT", "new/", Carries::Turtle, "w", "a", 201),
    ("a container stands and is not replaced", "PUT", "+sub/", Carries::Turtle, "w", "", 409),
    ("a member is posted", "POST", "+sub/", Carries::Turtle, "a", "", 201),
    ("a member of the container itself is posted", "POST", "", Carries::Turtle, "", "a", 201),
    ("an absent container takes no post", "POST", "no/", Carries::Turtle, "a", "", 404),
    ("a document takes no post", "POST", "+doc", Carries::Turtle, "a", "", 405),
    ("a patch inserts", "PATCH", "+doc", Carries::Insert, "a", "", 204),
    ("a patch creates", "PATCH", "new", Carries::Insert, "a", "a", 201),
    ("a patch creates with its container", "PATCH", "new/new", Carries::Insert, "a", "a", 201),
    ("a patch looks and inserts", "PATCH", "+doc", Carries::Find, "ra", "", 204),
    ("a patch deletes", "PATCH", "+doc", Carries::Delete, "rw", "", 204),
    ("a patch deletes what is not there", "PATCH", "no", Carries::Delete, "rw", "a", 409),
    ("a patch describes a container", "PATCH", "+sub/", Carries::Insert, "a", "", 204),
    ("an update inserts", "PATCH", "+doc", Carries::SparqlInsert, "a", "", 204),
    ("an update creates", "PATCH", "new", Carries::SparqlInsert, "a", "a", 201),
    ("an update deletes", "PATCH", "+doc", Carries::SparqlDelete, "rw", "", 204),
    ("an update looks and inserts", "PATCH", "+doc", Carries::SparqlWhere, "ra", "", 204),
    ("a document is deleted", "DELETE", "+doc", Carries::Nothing, "w", "w", 204),
    ("an absent document is not deleted", "DELETE", "no", Carries::Nothing, "r", "r", 404),
    ("a container is deleted", "DELETE", "+sub/", Carries::Nothing, "rw", "w", 204),
    ("absent rules are missed", "GET", "+doc.acl", Carries::Nothing, "c", "", 404),
    ("the rules of the container are read", "GET", ".acl", Carries::Nothing, "", "c", 200),
    ("rules are made", "PUT", "+doc.acl", Carries::Rules, "c", "", 201),
    ("a description is read", "GET", "+doc.meta", Carries::Nothing, "r", "", 200),
    ("a description is written", "PUT", "+doc.meta", Carries::Turtle, "w", "", 201),
    ("a description never written is deleted", "DELETE", "+doc.meta", Carries::Nothing, "w", "", 204),
    ("a description is added to", "PATCH", "+doc.meta", Carries::Insert, "a", "", 201),
];

/// Modes on the container itself and on what is below it: `r`ead, `w`rite, `a`ppend, `c`ontrol.
type Granted = (&'static str, &'static str);

const OF_AN_AGENT: &[Granted] = &[
    ("", ""),
    ("", "r"),
    ("", "w"),
    ("", "rwac"),
    ("r", "r"),
    ("r", "a"),
    ("a", "r"),
    ("a", "a"),
    ("a", "w"),
    ("a", "ra"),
    ("w", "r"),
    ("w", "a"),
    ("w", "w"),
    ("w", "rw"),
    ("c", "c"),
    ("rwac", ""),
];
const OF_EVERYBODY: &[Granted] = &[("", ""), ("r", "r"), ("a", "a"), ("w", "w"), ("rw", "rw"), ("c", "c")];

/// Whom the rules name, and who asks.
#[derive(Clone, Copy)]
struct Who {
    named: fn() -> String,
    asks: &'static LazyLock<Agent>,
    is: &'static str,
    /// Whether the rules mean whoever asks.
    meant: bool,
}

const BOB_NAMED: Who = Who { named: || agent("BOB"), asks: &BOB, is: "bob", meant: true };
const EVERYBODY: Who = Who { named: || class("foaf:Agent"), asks: &ANYBODY, is: "anybody", meant: true };
const LOGGED_IN: Who =
    Who { named: || class("acl:AuthenticatedAgent"), asks: &BOB, is: "whoever is logged in", meant: true };
const ANOTHER: Who = Who { named: || agent("ALICE"), asks: &BOB, is: "bob, where another is named", meant: false };
const NOT_LOGGED_IN: Who =
    Who { named: || class("acl:AuthenticatedAgent"), asks: &ANYBODY, is: "anybody not logged in", meant: false };

fn agent(name: &str) -> String {
    format!("acl:agent <{}>", WORLD.webid(name))
}

fn class(name: &str) -> String {
    format!("acl:agentClass {name}")
}

#[test]
fn each_operation_needs_what_it_touches() {
    let all: &[Granted] = &[("rwac", "rwac")];
    let cases = [
        (BOB_NAMED, OF_AN_AGENT),
        (EVERYBODY, OF_EVERYBODY),
        (LOGGED_IN, OF_EVERYBODY),
        (ANOTHER, all),
        (NOT_LOGGED_IN, all),
    ];
    let mut facts = Facts::of("permissions");
    for (who, granted) in cases {
        for (own, below) in granted {
            let world = Arc::new(World { who, own, below, place: OnceLock::new() });
            for operation in OPERATIONS {
                let (fact, _, target, _, on_target, on_container, done) = *operation;
                let granted = who.meant && meets(below, on_target) && meets(own, on_container)
                    || on_target.is_empty() && on_container.is_empty();
                let status = match (granted, who.is.starts_with("anybody")) {
                    (true, _) => done,
                    (false, true) => 401,
                    (false, false) => 403,
                };
                let by = format!("{} with [{own}] on the container and [{below}] below", who.is);
                let fact = format!("{fact} ({}) by {by}: {status}", target.trim_start_matches('+'));
                let world = Arc::clone(&world);
                facts = facts.fact(fact, move |_| world.shows(operation, status));
            }
        }
    }
    facts.hold();
}

fn meets(granted: &str, needed: &str) -> bool {
    needed.chars().all(|mode| granted.contains(mode) || mode == 'a' && granted.contains('w'))
}

/// A container with rules, and a target of its own for every operation.
struct World {
    who: Who,
    own: &'static str,
    below: &'static str,
    place: OnceLock<Place>,
}

impl World {
    fn shows(&self, operation: &Operation, status: u16) {
        let (fact, method, target, carries, ..) = operation;
        let place = self.place.get_or_init(|| self.make());
        let target = match target.trim_start_matches('+') {
            "" | ".acl" => target.to_string(),
            target => own_target(fact, target),
        };
        let asked = place.ask(self.who.asks, &format!("{method} {target}"));
        let asked = match carries {
            Carries::Nothing => asked,
            Carries::Turtle => asked.turtle("<#x> <#y> 1 ."),
            Carries::Rules => asked.turtle(&rule("r", "acl:accessTo", "doc", &agent("ALICE"), "rwc")),
            Carries::Insert => asked.content("text/n3", n3("solid:inserts { <#x> <#y> 1 }")),
            Carries::Find => asked.patch("solid:where { ?a <#b> 1 }; solid:inserts { ?a <#y> 1 }"),
            Carries::Delete => asked.patch("solid:deletes { <#a> <#b> 1 }"),
            Carries::SparqlInsert => asked.sparql("INSERT DATA { <#x> <#y> 1 }"),
            Carries::SparqlDelete => asked.sparql("DELETE DATA { <#a> <#b> 1 }"),
            Carries::SparqlWhere => asked.sparql("INSERT { ?a <#y> 1 } WHERE { ?a <#b> 1 }"),
        };
        let told = asked.gives(status);
        assert!(!String::from_utf8_lossy(&told.body).contains("secret") || status == 200, "{told:?}");
    }

    fn make(&self) -> Place {
        let place = Place::of("permitted");
        for (fact, _, target, ..) in OPERATIONS {
            let Some(target) = target.strip_prefix('+') else { continue };
            let target = target.trim_end_matches(".acl").trim_end_matches(".meta");
            ALICE.put(
                &place.at(&own_target(fact, target)),
                if target.ends_with('/') { "" } else { "<#a> <#b> 1 ; <#c> \"secret\" ." },
            );
        }
        let who = (self.who.named)();
        let acl = rule("owner", "acl:accessTo", ".", &agent("ALICE"), "rwc")
            + &rule("own", "acl:accessTo", ".", &who, self.own)
            + &rule("below", "acl:default", ".", &who, self.below);
        ALICE.put(&place.at(".acl"), &acl);
        place
    }
}

/// The target of one operation alone.
fn own_target(fact: &str, target: &str) -> String {
    let number = OPERATIONS.iter().position(|(other, ..)| *other == fact).unwrap();
    format!("o{number}-{target}")
}

fn rule(name: &str, property: &str, on: &str, who: &str, modes: &str) -> String {
    let modes: Vec<_> = modes
        .chars()
        .map(|mode| match mode {
            'r' => "acl:Read",
            'w' => "acl:Write",
            'a' => "acl:Append",
            _ => "acl:Control",
        })
        .collect();
    if modes.is_empty() {
        return String::new();
    }
    format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>.\n\
         <#{name}> a acl:Authorization; {property} <{on}>; {who}; acl:mode {} .\n",
        modes.join(", ")
    )
}
