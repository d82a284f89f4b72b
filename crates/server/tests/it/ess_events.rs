//! What the sockets of ESS tell of every change: §10, Events, of its reference.

use super::{
    ess::{heard, listen, open, short, state, subscribe},
    events::{patch, tag, version},
    world::{ALICE, ANYBODY, BOB, Reply, TURTLE, WORLD, container, for_bob, public, split},
};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const AS: &str = "https://www.w3.org/ns/activitystreams";
const ACTIVITY: &str = "http://www.w3.org/ns/prov#Activity";
const LDP: &str = "http://www.w3.org/ns/ldp#";

fn shared(name: &str) -> String {
    container(name, &for_bob("acl:Read"))
}

/// What bob is told of a topic while something is done: types and paths.
fn told(topic: &str, act: impl FnOnce()) -> Vec<(String, String)> {
    heard((&*ALICE, &*BOB), topic, act).iter().map(short).collect()
}

/// So often the container's own change.
fn updates(of: &str, count: usize) -> Vec<(String, String)> {
    vec![("Update".to_owned(), of.to_owned()); count]
}

fn delete(path: &str) {
    assert_eq!(ALICE.ask("DELETE", path, &[], "").status, 204, "{path}");
}

/// ESS-33.
#[test]
fn a_message_has_this_shape() {
    let at = format!("{}r", shared("ess-shape"));
    let before = Timestamp::now();
    let mut ids = BTreeSet::new();
    let mut socket = listen(&BOB, &at);
    ALICE.put(&at, "");
    ALICE.put(&at, "<> a <#x>.");
    for kind in ["Create", "Update"] {
        let (opcode, text) = socket.frame().unwrap();
        assert_eq!(opcode, 1);
        let told: Value = serde_json::from_slice(&text).unwrap();
        let keys: Vec<_> =
            told.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
        assert_eq!(keys, ["@context", "actor", "id", "object", "published", "type"]);
        assert_eq!(told["@context"], json!([AS, { "state": { "@id": "http://www.w3.org/2011/http-headers#etag" } }]));
        assert_eq!(told["type"], json!([ACTIVITY, kind]));
        assert_eq!(told["actor"], json!([WORLD.webid("ALICE")]));
        let id = told["id"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap().to_owned();
        assert!(uuid::Uuid::parse_str(&id).is_ok() && ids.insert(id), "{told}");
        let object = told["object"].as_object().unwrap();
        assert_eq!(object.keys().map(String::as_str).collect::<BTreeSet<_>>(), ["id", "state", "type"].into());
        assert_eq!(object["id"], WORLD.url(&at));
        assert!(!object["state"].as_str().unwrap().contains('"'), "{told}");
        let published = told["published"].as_str().unwrap();
        assert!(published.ends_with('Z') && published.len() == "2026-03-01T09:30:00.123456Z".len(), "{published}");
        let published: Timestamp = published.parse().unwrap();
        assert!(published.as_microsecond() >= before.as_microsecond() && published <= Timestamp::now());
    }
}

/// ESS-34.
#[test]
fn a_message_is_rdf_in_the_vocabularies_words() {
    let at = format!("{}r", shared("ess-rdf"));
    let mut socket = listen(&BOB, &at);
    ALICE.put(&at, "");
    let told = socket.heard();
    let quads = rdf::parse(RdfFormat::JsonLd, "urn:none:", told.to_string().as_bytes()).unwrap();
    let object = |subject: &str, predicate: &str| {
        rdf::objects(&quads, subject, predicate).into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (id, url) = (told["id"].as_str().unwrap(), WORLD.url(&at));
    let a = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
    assert_eq!(object(id, a), [ACTIVITY.to_owned(), format!("{AS}#Create")].into());
    assert_eq!(object(id, &format!("{AS}#object")), [url.clone()].into());
    assert_eq!(object(id, &format!("{AS}#actor")), [WORLD.webid("ALICE").to_owned()].into());
    assert_eq!(object(&url, a), ["RDFSource", "Resource"].map(|name| format!("{LDP}{name}")).into());
    let states = quads.iter().filter(|quad| quad.predicate.as_str() == "http://www.w3.org/2011/http-headers#etag");
    let states: Vec<_> = states.map(|quad| (quad.subject.to_string(), quad.object.to_string())).collect();
    assert_eq!(states, [(format!("<{url}>"), told["object"]["state"].to_string())]);
}

/// ESS-35.
#[test]
fn a_document_comes_changes_goes_and_comes_again() {
    let at = format!("{}r", shared("ess-life"));
    let mut socket = listen(&BOB, &at);
    let mut last = String::new();
    let mut next = |kind: &str, told: Option<&Reply>| {
        let message = socket.heard();
        assert_eq!(short(&message), (kind.to_owned(), at.clone()));
        if let Some(told) = told {
            let now = state(&message).to_owned();
            assert_eq!((&*now, now != last), (version(&tag(told)), true), "{message}");
            last = now;
        }
    };
    next("Create", Some(&ALICE.put(&at, "")));
    let changed = patch(&at, "<#a> <#b> 1");
    assert_eq!(changed.status, 204);
    next("Update", Some(&ALICE.get(&at)));
    delete(&at);
    next("Delete", None);
    next("Create", Some(&ALICE.put(&at, "")));
}

/// ESS-36.
#[test]
fn a_child_container_is_one_update_of_its_container_when_it_comes_and_one_when_it_goes() {
    let at = shared("ess-child");
    let mut made = String::new();
    let create = || {
        let link = ("link", "<http://www.w3.org/ns/ldp#BasicContainer>; rel=\"type\"");
        let told = ALICE.ask("POST", &at, &[TURTLE, link], "");
        assert_eq!(told.status, 201, "{told:?}");
        split(told.header("location").unwrap()).1
    };
    assert_eq!(told(&at, || made = create()), updates(&at, 1));
    assert_eq!(told(&at, || delete(&made)), updates(&at, 1));
}

/// ESS-37.
#[test]
fn a_container_tells_nothing_of_what_happens_inside_its_members() {
    let at = shared("ess-inside");
    ALICE.put(&format!("{at}child"), "");
    ALICE.put(&format!("{at}c/"), "");
    let inside = || {
        ALICE.put(&format!("{at}child"), "<> a <#x>.");
        assert_eq!(patch(&format!("{at}child"), "<#a> <#b> 1").status, 204);
        ALICE.put(&format!("{at}child.meta"), "<#a> <#b> 1 .");
        ALICE.put(&format!("{at}c/grandchild"), "");
        ALICE.put(&format!("{at}c/d/"), "");
        delete(&format!("{at}c/grandchild"));
    };
    assert_eq!(told(&at, inside), []);
}

/// ESS-38.
#[test]
fn a_container_tells_of_itself() {
    let at = shared("ess-itself");
    let describe = || {
        ALICE.put(&format!("{at}.meta"), "<#a> <#b> 1 .");
        assert_eq!(patch(&format!("{at}.meta"), "<#a> <#b> 2").status, 204);
    };
    assert_eq!(told(&at, describe), updates(&at, 2));
    let gone = format!("{at}gone/");
    let mut socket = listen(&BOB, &gone);
    ALICE.put(&gone, "");
    delete(&gone);
    for kind in ["Create", "Delete"] {
        assert_eq!(short(&socket.heard()), (kind.to_owned(), gone.clone()));
    }
}

/// ESS-39.
#[test]
fn however_a_child_is_made_it_is_told_once() {
    let at = shared("ess-made");
    let post = || {
        let told = ALICE.ask("POST", &at, &[TURTLE, ("slug", "posted")], "");
        assert_eq!(told.header("location"), Some(&*WORLD.url(&format!("{at}posted"))), "{told:?}");
    };
    let ways: [(&str, &dyn Fn()); 4] = [
        ("posted", &post),
        ("put", &|| drop(ALICE.put(&format!("{at}put"), ""))),
        ("patched", &|| assert_eq!(patch(&format!("{at}patched"), "<#a> <#b> 1").status, 201)),
        ("on/", &|| drop(ALICE.put(&format!("{at}on/the/way"), ""))),
    ];
    for (name, act) in ways {
        let child = format!("{at}{name}");
        let mut itself = listen(&BOB, &child);
        assert_eq!(told(&at, act), updates(&at, 1), "{name}");
        assert_eq!(short(&itself.heard()), ("Create".to_owned(), child.clone()));
        let changed = if name == "on/" { format!("{child}more") } else { child.clone() };
        ALICE.put(&changed, "");
        assert_eq!(short(&itself.heard()), ("Update".to_owned(), child), "and nothing between");
    }
    // A container on the way was just created, and is told of to who waits for it.
    let (mut above, mut below) = (listen(&BOB, &format!("{at}a/b/")), listen(&BOB, &format!("{at}a/b/c/")));
    ALICE.put(&format!("{at}a/b/c/d"), "");
    assert_eq!(short(&above.heard()).0, "Create");
    assert_eq!(short(&below.heard()).0, "Create");
}

/// ESS-40.
#[test]
fn the_types_say_what_it_is() {
    let at = shared("ess-types");
    let cases: [(&str, &str, &[&str]); 4] = [
        ("c/", "text/turtle", &["BasicContainer", "Container", "RDFSource", "Resource"]),
        ("document", "text/turtle", &["RDFSource", "Resource"]),
        ("json", "application/ld+json", &["RDFSource", "Resource"]),
        ("image", "image/png", &["NonRDFSource", "Resource"]),
    ];
    for (name, kind, expected) in cases {
        let path = format!("{at}{name}");
        let mut socket = listen(&BOB, &path);
        let body = if kind == "application/ld+json" { "{}" } else { "" };
        assert_eq!(ALICE.ask("PUT", &path, &[("content-type", kind)], body).status, 201, "{path}");
        let told = socket.heard();
        let mut types: Vec<_> =
            told["object"]["type"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
        types.sort_unstable();
        assert_eq!(types, expected.iter().map(|name| format!("{LDP}{name}")).collect::<Vec<_>>(), "{told}");
    }
}

/// ESS-41.
#[test]
fn what_is_refused_or_only_read_is_not_told() {
    let at = shared("ess-refused");
    let document = format!("{at}r");
    ALICE.put(&document, "");
    ALICE.put(&format!("{at}c/child"), "");
    let fails = || {
        BOB.ask("PUT", &document, &[TURTLE], "").is_problem(403);
        BOB.ask("POST", &at, &[TURTLE], "").is_problem(403);
        ANYBODY.ask("DELETE", &document, &[], "").is_problem(401);
        ALICE.ask("PUT", &format!("{document}/x"), &[TURTLE], "").is_problem(409);
        ALICE.ask("DELETE", &format!("{at}c/"), &[], "").is_problem(409);
        ALICE.ask("PUT", &document, &[TURTLE, ("if-match", "\"x\"")], "").is_problem(412);
        ALICE.ask("PATCH", &document, &[("content-type", "text/plain")], "").is_problem(415);
        ALICE.ask("PUT", &document, &[TURTLE], "broken").is_problem(400);
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(BOB.ask(method, &document, &[], "").status < 300);
            assert!(BOB.ask(method, &at, &[], "").status < 300);
        }
    };
    for topic in [&at, &document] {
        assert_eq!(told(topic, fails), []);
    }
}

/// ESS-42.
#[test]
fn everybody_is_told_of_their_own_topic() {
    let at = shared("ess-topics");
    let child = format!("{at}child");
    let [mut one, mut two] = [0, 1].map(|_| listen(&BOB, &at));
    let mut of_child = open(&WORLD, &subscribe(&ALICE, &child));
    ALICE.put(&child, "");
    let told = one.heard();
    assert_eq!((short(&told), &told), (("Update".to_owned(), at.clone()), &two.heard()));
    assert_eq!(short(&of_child.heard()), ("Create".to_owned(), child.clone()));
    ALICE.put(&child, "<> a <#x>.");
    assert_eq!(short(&of_child.heard()), ("Update".to_owned(), child.clone()));
    delete(&child);
    let told = one.heard();
    assert_eq!((short(&told), &told), (("Update".to_owned(), at), &two.heard()));
    assert_eq!(short(&of_child.heard()), ("Delete".to_owned(), child));
}

/// ESS-43.
#[test]
fn the_actor_is_who_made_the_change_if_it_is_known() {
    let at = container("ess-actors", &public("acl:Read, acl:Write, acl:Append"));
    let path = format!("{at}r");
    let mut socket = listen(&BOB, &path);
    for (agent, actor) in
        [(&*ALICE, json!([WORLD.webid("ALICE")])), (&*BOB, json!([WORLD.webid("BOB")])), (&*ANYBODY, json!([]))]
    {
        assert!(agent.ask("PUT", &path, &[TURTLE], "").status < 300);
        assert_eq!(socket.heard()["actor"], actor);
    }
}

/// ESS-45: the answer to the change of rules is the border.
#[test]
fn who_may_read_no_more_is_told_nothing_more_and_is_let_go() {
    for round in 0..10 {
        let at = shared(&format!("ess-revoked-{round}"));
        let path = format!("{at}r");
        let (mut of_container, mut of_document) = (listen(&BOB, &at), listen(&BOB, &path));
        let mut owner = listen(&ALICE, &path);
        ALICE.put(&path, "");
        assert_eq!((&*short(&of_container.heard()).0, &*short(&of_document.heard()).0), ("Update", "Create"));
        ALICE.rules(&at, "");
        ALICE.put(&path, "<> a <#Secret>.");
        ALICE.put(&format!("{at}secret"), "");
        assert_eq!((of_container.closed(), of_document.closed()), (Some(1008), Some(1008)));
        assert_eq!((&*short(&owner.heard()).0, &*short(&owner.heard()).0), ("Create", "Update"));
        subscribe(&BOB, &path).is_problem(403);
    }
}
