//! A refusal tells nothing of what it refuses: what is there, what was there, and what never was are refused in the same
//! bytes, apart from the date and the name that was asked for.
//!
//! How long a refusal takes is measured by `podbell-bench --only refusals`.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-unauthenticated>, RFC 9110 §15.5.4

use super::{
    facts::{Ask, Facts, Place},
    world::{ANYBODY, Agent, BOB, for_bob},
};
use std::sync::LazyLock;

/// What is there, what was there, and what never was.
const NAMES: [&str; 3] = ["a-there", "a-ended", "a-never"];

/// A kind of thing, and how a name of [`NAMES`] stands in its own.
const KINDS: &[(&str, &str)] = &[
    ("a document", "NAME"),
    ("an image", "NAME.png"),
    ("a large document", "NAME-large"),
    ("a document with rules of its own", "NAME-ruled"),
    ("a container", "NAME-container/"),
    ("a member of a container", "NAME-container/full"),
    ("an absent member of a container", "NAME-container/absent"),
    ("the rules of a document", "NAME-ruled.acl"),
    ("the description of a document", "NAME.meta"),
    ("the twin of a document", "NAME-ruled/"),
];

/// What may make a server look before it refuses.
const LOOKS: &[(&str, &str, &str)] = &[
    ("GET", "accept", "text/html"),
    ("GET", "accept", "image/png"),
    ("GET", "range", "bytes=0-1"),
    ("GET", "if-none-match", "*"),
    ("GET", "if-match", "\"x\""),
    ("GET", "origin", "https://app.example"),
    ("PUT", "if-none-match", "*"),
    ("PUT", "if-match", "*"),
    ("PUT", "if-unmodified-since", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ("DELETE", "if-match", "*"),
    ("PATCH", "if-match", "*"),
];

fn prepared(at: &Place, other: &str) {
    at.rules(other);
    for name in &NAMES[..2] {
        at.with(&[(name, "<#a> <#b> \"secret\" ."), (&format!("{name}-container/full"), "")]);
        at.alice(&format!("PUT {name}.png")).content("image/png", [1; 1_000]).gives(201);
        at.alice(&format!("PUT {name}-large")).turtle(&format!("# {}", "x".repeat(100_000))).gives(201);
        at.with(&[(&format!("{name}-ruled"), "")]);
        let own = at.alice("GET .acl").gives(200).text().replace(&at.url(""), &at.url(&format!("{name}-ruled")));
        at.alice(&format!("PUT {name}-ruled.acl")).turtle(&own).gives(201);
        at.alice(&format!("PUT {name}.meta")).turtle(&format!("<{name}> <#says> 1 .")).gives(201);
    }
    for name in ["", ".png", "-large", "-ruled", "-container/full", "-container/"] {
        at.alice(&format!("DELETE {}{name}", NAMES[1])).gives(204);
    }
}

/// The whole answer about a name, without the date, and with the name taken out.
fn told(asked: &Ask, name: &str) -> String {
    let told = asked.answer();
    let mut headers = told.headers.clone();
    headers.retain(|(name, _)| name != "date");
    format!("{} {headers:?} {}", told.status, String::from_utf8_lossy(&told.body)).replace(name, "NAME")
}

fn same(at: &Place, who: &'static Agent, method: &str, own: &str, header: Option<(&str, &str)>) {
    let [there, ended, never] = NAMES.map(|name| {
        let asked = at.ask(who, &format!("{method} {}", own.replace("NAME", name)));
        let asked = header.into_iter().fold(asked, |asked, (name, value)| asked.header(name, value));
        let asked = match method {
            "PUT" | "POST" => asked.turtle("<#x> <#y> 1 ."),
            "PATCH" => asked.patch("solid:deletes { <#a> <#b> \"secret\" }"),
            _ => asked,
        };
        told(&asked, name)
    });
    assert!(there.starts_with("401") || there.starts_with("403"), "{there}");
    assert_eq!(there, never, "there, and never");
    assert_eq!(ended, never, "ended, and never");
}

/// Where nobody but alice may do anything.
static CLOSED: LazyLock<Place> = LazyLock::new(|| {
    let at = Place::of("refused");
    prepared(&at, "");
    at
});

#[test]
fn refusals_tell_nothing_of_what_is_there() {
    let mut facts = Facts::of("refusals");
    for (who, agent) in [("nobody", &ANYBODY), ("a stranger", &BOB)] {
        for method in ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] {
            for (kind, own) in KINDS {
                let fact = format!("{method} of {kind} by {who}");
                facts = facts.fact(fact, move |_| same(&CLOSED, agent, method, own, None));
            }
        }
        for (method, header, value) in LOOKS {
            let fact = format!("{method} with {header}: {value} by {who}");
            facts = facts.fact(fact, move |_| same(&CLOSED, agent, method, "NAME", Some((header, value))));
        }
    }
    for (mode, methods) in [("acl:Append", &["GET", "HEAD", "DELETE"]), ("acl:Control", &["GET", "PUT", "DELETE"])] {
        for method in methods {
            facts = facts.fact(format!("{method} by somebody with {mode} alone"), move |at| {
                prepared(at, &for_bob(mode));
                same(at, &BOB, method, "NAME", None);
            });
        }
    }
    facts.hold();
}
