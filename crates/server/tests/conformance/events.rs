//! Every successful change yields exactly its activities; what is refused, fails or changes nothing yields none.
//!
//! A listener hears what happens, and then a change of which the test knows: between the two is all that there was.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol>

use super::{
    facts::{Facts, Place},
    socket::Socket,
    world::{ALICE, LD, WORLD, for_bob},
};
use serde_json::json;

/// What is done, and what is told of it: the activity and the name.
type Case = (&'static str, fn(&Place), &'static [(&'static str, &'static str)]);

fn listen(at: &Place, topic: &str) -> Socket {
    let body = json!({
        "@context": ["https://www.w3.org/ns/solid/notification/v1"],
        "type": "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023",
        "topic": at.url(topic),
    });
    Socket::of(&ALICE.ask("POST", "/.notifications/WebSocketChannel2023/", &[LD], body.to_string()))
}

/// All that is told before the last change: that of a name, or the one that gave the name its state.
fn heard_until(at: &Place, mut socket: Socket, last: &str, state: Option<&str>) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    loop {
        let told = socket.heard();
        if told["object"] == at.url(last) && state.is_none_or(|state| told["state"] == state) {
            return heard;
        }
        let object = told["object"].as_str().unwrap();
        let object = object.strip_prefix(&at.url("")).unwrap_or(object);
        heard.push((told["type"].as_str().unwrap().to_owned(), object.to_owned()));
    }
}

const INSERT: &str = "solid:inserts { <#new> <#b> 1 }";

/// What a listener of the container hears. `doc`, `full/member` and `empty/` are there.
const OF_THE_CONTAINER: &[Case] = &[
    ("a PUT that creates", |at| put(at, "new"), &[("Add", "new")]),
    ("a POST", |at| drop(at.alice("POST ").header("slug", "new").turtle("").gives(201)), &[("Add", "new")]),
    ("a PATCH that creates", |at| drop(at.alice("PATCH new").patch(INSERT).gives(201)), &[("Add", "new")]),
    (
        "an update that creates",
        |at| drop(at.alice("PATCH new").sparql("INSERT DATA { <#a> <#b> 1 }").gives(201)),
        &[("Add", "new")],
    ),
    (
        "an image that is created",
        |at| drop(at.alice("PUT new").content("image/png", [1]).gives(201)),
        &[("Add", "new")],
    ),
    ("a container that is created", |at| drop(at.alice("PUT new/").gives(201)), &[("Add", "new/")]),
    ("a document that is created with its container", |at| put(at, "new/deep/doc"), &[("Add", "new/")]),
    ("a deletion", |at| drop(at.alice("DELETE doc").gives(204)), &[("Remove", "doc")]),
    ("the deletion of a container", |at| drop(at.alice("DELETE empty/").gives(204)), &[("Remove", "empty/")]),
    (
        "a deletion and a creation",
        |at| {
            at.alice("DELETE doc").gives(204);
            put(at, "doc");
        },
        &[("Remove", "doc"), ("Add", "doc")],
    ),
    (
        "three creations",
        |at| {
            put(at, "a");
            put(at, "b");
            put(at, "c");
        },
        &[("Add", "a"), ("Add", "b"), ("Add", "c")],
    ),
    ("a member that is replaced", |at| replace(at), &[]),
    ("a member that is patched", |at| drop(at.alice("PATCH doc").patch(INSERT).gives(204)), &[]),
    ("a member that is described", |at| drop(at.alice("PUT doc.meta").turtle("").gives(201)), &[]),
    ("a member's rules", |at| rules(at, "doc"), &[]),
    (
        "what happens in a member",
        |at| {
            put(at, "full/x");
            at.alice("DELETE full/x").gives(204);
        },
        &[],
    ),
    ("the container's rules", |at| _ = at.rules(&for_bob("acl:Read")), &[]),
    (
        "the container's own statements",
        |at| drop(at.alice("PATCH ").patch("solid:inserts { <> <#title> 1 }").gives(204)),
        &[("Update", "")],
    ),
    (
        "the container's description",
        |at| drop(at.alice("PUT .meta").turtle("<./> <#title> 1 .").gives(201)),
        &[("Update", "")],
    ),
    (
        "reading",
        |at| {
            at.alice("GET ").gives(200);
            at.alice("HEAD doc").gives(200);
            at.alice("OPTIONS doc").gives(204);
        },
        &[],
    ),
    (
        "a creation that is refused",
        |at| {
            at.bob("PUT new").turtle("").gives(403);
            at.anybody("POST ").turtle("").gives(401);
        },
        &[],
    ),
    (
        "broken content",
        |at| {
            at.alice("PUT new").turtle("broken").gives(400);
            at.alice("POST ").json_ld("{").gives(400);
        },
        &[],
    ),
    (
        "a creation that fails its condition",
        |at| drop(at.alice("PUT new").header("if-match", "*").turtle("").gives(412)),
        &[],
    ),
    (
        "a creation on what stands",
        |at| drop(at.alice("PUT doc").header("if-none-match", "*").turtle("").gives(412)),
        &[],
    ),
    ("a twin", |at| drop(at.alice("PUT doc/").turtle("").gives(409)), &[]),
    ("a creation below a document", |at| drop(at.alice("PUT doc/x").turtle("").gives(409)), &[]),
    ("a deletion of what is full", |at| drop(at.alice("DELETE full/").gives(409)), &[]),
    ("a deletion of what is absent", |at| drop(at.alice("DELETE absent").gives(404)), &[]),
    (
        "a deletion that is refused",
        |at| {
            at.bob("DELETE doc").gives(403);
            at.anybody("DELETE doc").gives(401);
        },
        &[],
    ),
    (
        "a deletion that fails its condition",
        |at| drop(at.alice("DELETE doc").header("if-match", "\"x\"").gives(412)),
        &[],
    ),
    ("a patch that conflicts", |at| drop(at.alice("PATCH new").patch("solid:deletes { <#a> <#b> 9 }").gives(409)), &[]),
    ("a reserved name", |at| drop(at.alice("POST ").header("slug", "x.acl").turtle("").gives(403)), &[]),
    ("a PUT on a container", |at| drop(at.alice("PUT full/").turtle("").gives(409)), &[]),
    (
        "managed statements",
        |at| drop(at.alice("PATCH ").patch("solid:inserts { <> <http://www.w3.org/ns/ldp#contains> <x> }").gives(409)),
        &[],
    ),
];

/// What a listener of the document hears.
const OF_THE_DOCUMENT: &[Case] = &[
    ("a PUT that replaces", |at| replace(at), &[("Update", "doc")]),
    (
        "a PUT with the same bytes",
        |at| drop(at.alice("PUT doc").turtle("<#a> <#b> 1 .").gives(204)),
        &[("Update", "doc")],
    ),
    ("a patch", |at| drop(at.alice("PATCH doc").patch(INSERT).gives(204)), &[("Update", "doc")]),
    (
        "an update of several steps",
        |at| drop(at.alice("PATCH doc").sparql("INSERT DATA { <#a> <#b> 2 } ; DELETE DATA { <#a> <#b> 1 }").gives(204)),
        &[("Update", "doc")],
    ),
    (
        "its description",
        |at| drop(at.alice("PUT doc.meta").turtle("<doc> <#says> 1 .").gives(201)),
        &[("Update", "doc")],
    ),
    (
        "its description twice",
        |at| {
            at.alice("PUT doc.meta").turtle("<doc> <#says> 1 .").gives(201);
            at.alice("DELETE doc.meta").gives(204);
        },
        &[("Update", "doc"), ("Update", "doc")],
    ),
    (
        "two changes",
        |at| {
            replace(at);
            replace(at);
        },
        &[("Update", "doc"), ("Update", "doc")],
    ),
    (
        "a patch that changes nothing",
        |at| drop(at.alice("PATCH doc").patch("solid:inserts { <#a> <#b> 1 }").gives(204)),
        &[],
    ),
    ("an empty patch", |at| drop(at.alice("PATCH doc").patch("solid:inserts {}").gives(204)), &[]),
    (
        "an update that changes nothing",
        |at| drop(at.alice("PATCH doc").sparql("DELETE DATA { <#x> <#y> 1 }").gives(204)),
        &[],
    ),
    (
        "an update that takes itself back",
        |at| drop(at.alice("PATCH doc").sparql("INSERT DATA { <#x> <#y> 1 } ; DELETE DATA { <#x> <#y> 1 }").gives(204)),
        &[],
    ),
    ("a description that was not there and is deleted", |at| drop(at.alice("DELETE doc.meta").gives(204)), &[]),
    (
        "a patch of its description that changes nothing",
        |at| drop(at.alice("PATCH doc.meta").patch("solid:inserts {}").gives(204)),
        &[],
    ),
    ("a patch that conflicts", |at| drop(at.alice("PATCH doc").patch("solid:deletes { <#x> <#y> 1 }").gives(409)), &[]),
    ("a patch that is none", |at| drop(at.alice("PATCH doc").patch("solid:inserts { ?x <#y> 1 }").gives(422)), &[]),
    ("a patch that does not parse", |at| drop(at.alice("PATCH doc").patch("solid:inserts {").gives(400)), &[]),
    (
        "an update that is not offered",
        |at| drop(at.alice("PATCH doc").sparql("INSERT DATA { <#x> <#y> 1 } ; CLEAR ALL").gives(422)),
        &[],
    ),
    ("broken content", |at| drop(at.alice("PUT doc").turtle("broken").gives(400)), &[]),
    (
        "a write that is refused",
        |at| {
            at.bob("PUT doc").turtle("").gives(403);
            at.anybody("PATCH doc").patch(INSERT).gives(401);
        },
        &[],
    ),
    (
        "a write that fails its condition",
        |at| drop(at.alice("PUT doc").header("if-match", "\"x\"").turtle("").gives(412)),
        &[],
    ),
    ("a POST to it", |at| drop(at.alice("POST doc").turtle("").gives(405)), &[]),
    ("a deletion that is refused", |at| drop(at.bob("DELETE doc").gives(403)), &[]),
    ("its rules", |at| rules(at, "doc"), &[]),
    ("the rules of its container", |at| _ = at.rules(""), &[]),
    (
        "a sibling",
        |at| {
            put(at, "new");
            at.alice("DELETE new").gives(204);
        },
        &[],
    ),
    (
        "reading",
        |at| {
            at.alice("GET doc").gives(200);
            at.alice("GET doc").header("if-none-match", "*").gives(304);
        },
        &[],
    ),
    ("an unknown type", |at| drop(at.alice("PATCH doc").content("text/plain", "x").gives(415)), &[]),
    ("too much", |at| drop(at.alice("PUT doc.meta").turtle(&format!("# {}", "x".repeat(70_000))).gives(413)), &[]),
];

fn put(at: &Place, name: &str) {
    at.alice(&format!("PUT {name}")).turtle("").gives(201);
}

fn replace(at: &Place) {
    at.alice("PUT doc").turtle("<#a> <#b> 2 .").gives(204);
}

fn rules(at: &Place, name: &str) {
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{}>; \
         acl:accessTo <{name}>; acl:mode acl:Read, acl:Write, acl:Control .",
        WORLD.webid("ALICE")
    );
    at.alice(&format!("PUT {name}.acl")).turtle(&acl).gives(201);
}

fn told(at: &Place, topic: &str, last: &str, (what, does, expected): &Case) {
    at.rules("").with(&[("doc", "<#a> <#b> 1 ."), ("full/member", ""), ("empty/", "")]);
    let socket = listen(at, topic);
    does(at);
    at.alice(&format!("PUT {last}")).turtle("<#the> <#last> 1 .").gives_any(&[201, 204]);
    let state = at.alice(&format!("HEAD {last}")).gives(200).header("etag").unwrap().to_owned();
    let heard = heard_until(at, socket, last, (topic == last).then_some(&*state));
    let heard: Vec<_> = heard.iter().map(|(kind, object)| (kind.as_str(), object.as_str())).collect();
    let expected: Vec<_> =
        expected.iter().map(|(kind, name)| (*kind, if name.is_empty() { "" } else { *name })).collect();
    assert_eq!(heard, expected, "{what}");
}

#[test]
fn changes_are_told_and_nothing_else_is() {
    Facts::of("events")
        .each(
            OF_THE_CONTAINER,
            |(what, _, expected)| format!("{what}: the container tells {expected:?}"),
            |at, case| {
                told(at, "", "last", case);
            },
        )
        .each(
            OF_THE_DOCUMENT,
            |(what, _, expected)| format!("{what}: the document tells {expected:?}"),
            |at, case| {
                told(at, "doc", "doc", case);
            },
        )
        .fact("a deletion is told of the document", |at| {
            at.with(&[("doc", "")]);
            let mut socket = listen(at, "doc");
            at.alice("DELETE doc").gives(204);
            let told = socket.heard();
            assert_eq!((told["type"].as_str(), told["object"].as_str()), (Some("Delete"), Some(&*at.url("doc"))));
        })
        .fact("a change of rules is told of the ACL", |at| {
            at.rules("");
            let mut socket = listen(at, ".acl");
            at.rules(&for_bob("acl:Read"));
            let told = socket.heard();
            assert_eq!((told["type"].as_str(), told["object"].as_str()), (Some("Update"), Some(&*at.url(".acl"))));
        })
        .fact("a change has the tag that its answer told", |at| {
            at.with(&[("doc", "")]);
            let mut socket = listen(at, "doc");
            let tag = at.alice("PUT doc").turtle("<#a> <#b> 1 .").gives(204).header("etag").unwrap().to_owned();
            assert_eq!(socket.heard()["state"], tag);
        })
        .fact("every change has an id of its own", |at| {
            at.with(&[("doc", "")]);
            let mut socket = listen(at, "doc");
            replace(at);
            replace(at);
            assert_ne!(socket.heard()["id"], socket.heard()["id"]);
        })
        .fact("ten patches at once are told ten times", |at| {
            at.with(&[("doc", "")]);
            let socket = listen(at, "doc");
            std::thread::scope(|scope| {
                for n in 0..10 {
                    scope.spawn(move || {
                        at.alice("PATCH doc").patch(&format!("solid:inserts {{ <#a> <#b> {n} }}")).gives(204)
                    });
                }
            });
            at.alice("PUT doc").turtle("").gives(204);
            let state = at.alice("HEAD doc").gives(200).header("etag").unwrap().to_owned();
            assert_eq!(heard_until(at, socket, "doc", Some(&state)).len(), 10);
        })
        .fact("containers that are made on the way are told of above", |at| {
            at.with(&[("a/", "")]);
            let (above, below) = (listen(at, ""), listen(at, "a/"));
            put(at, "a/b/c");
            put(at, "last");
            put(at, "a/last");
            assert!(heard_until(at, above, "last", None).is_empty());
            assert_eq!(heard_until(at, below, "a/last", None), [("Add".into(), "a/b/".into())]);
        })
        .hold();
}
