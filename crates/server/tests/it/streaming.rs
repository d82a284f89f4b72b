//! StreamingHTTPChannel2023 and streams without a subscription: §6, T-H, of the reference of the notifications protocol.

use super::{
    brisk,
    ears::{Listener, Way, standing},
    issuer::Issuer,
    streams::{Stream, document, receive_from, subscribe},
    world::{ALICE, ANYBODY, Agent, BOB, TURTLE, WORLD, container, for_bob, public, split, unique, until},
};
use podbell_model::{
    Timestamp,
    rdf::{self, RdfFormat},
};
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::json;
use std::io::{Read as _, Write as _};

const KIND: &str = "StreamingHTTPChannel2023";

/// That a document parses alone, and says one thing.
#[track_caller]
fn one(document: &str) {
    let quads = rdf::parse(RdfFormat::Turtle, "urn:none:", document.as_bytes()).unwrap();
    let types = quads.iter().filter(|quad| quad.predicate.as_str().ends_with("#type")).count();
    assert_eq!(types, 1, "{document}");
}

/// R-SH-1, R-SH-3, R-SH-4, CA-13.
#[test]
fn t_h02_t_h03_t_h04_a_stream_is_one_document_after_the_other() {
    let at = document("h02", &for_bob("acl:Read"));
    let link = BOB.get(&at).link("http://www.w3.org/ns/solid/terms#updatesViaStreamingHttp2023").unwrap();
    assert!(link.contains("/.notifications/StreamingHTTPChannel2023/http%3A%2F%2F"), "{link}");
    let mut stream = Stream::by(&BOB, &split(&link).1, &[]);
    assert_eq!((stream.head.status, stream.head.header("content-type")), (200, Some("text/turtle")));
    for number in 0..3 {
        let document = stream.block().unwrap();
        one(&document);
        assert!(document.contains("a as:Update") && document.contains("notify:state"), "{document}");
        ALICE.put(&at, &format!("<> a <#{number}>."));
    }
    let mut absent = Stream::by(&BOB, &standing(&ALICE, KIND, &format!("{at}-none")), &[]);
    assert!(absent.block().unwrap().contains("a as:Delete"), "T-H03");
}

/// R-SH-2, R-SH-6.
#[test]
fn t_h05_t_h07_a_stream_is_for_those_who_may_read_its_topic() {
    let at = document("h05", "");
    for kind in ["StreamingHTTPChannel2023", "EventSourceChannel2023"] {
        ANYBODY.get(&standing(&ALICE, kind, &at)).is_problem(401);
        BOB.get(&standing(&ALICE, kind, &at)).is_problem(403);
        BOB.get(&standing(&ALICE, kind, &format!("{at}-none"))).is_problem(403);
        ANYBODY.get(&standing(&ALICE, kind, "/nowhere")).is_problem(401);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(
                ALICE
                    .ask(method, &standing(&ALICE, kind, &at), &[TURTLE], "")
                    .is_problem(405)
                    .header("allow")
                    .is_some()
            );
        }
        let head = ALICE.ask("HEAD", &standing(&ALICE, kind, &at), &[], "");
        assert_eq!((head.status, head.body.len()), (200, 0), "T-H07");
    }
    ANYBODY.get("/.notifications/StreamingHTTPChannel2023/nonsense").is_problem(400);
    ANYBODY
        .get(&format!("/.notifications/StreamingHTTPChannel2023/{}", "http%3A%2F%2Felsewhere.example%2F"))
        .is_problem(422);
}

/// R-SH-2, CA-20.
#[test]
fn t_h06_lines_and_events_on_the_same_url() {
    let at = document("h06", &public("acl:Read"));
    let mut lines = Stream::open(&standing(&ALICE, KIND, &at), &[("accept", "application/ld+json")]);
    assert_eq!(lines.head.header("content-type"), Some("application/ld+json"));
    let mut events = Stream::open(&standing(&ALICE, KIND, &at), &[("accept", "text/event-stream")]);
    assert!(events.head.header("content-type").unwrap().starts_with("text/event-stream"));
    for _ in 0..2 {
        assert_eq!(lines.line().unwrap()["type"], "Update");
        assert_eq!(events.told().0, "Update");
        ALICE.put(&at, "<> a <#x>.");
    }
    let channel = subscribe(&BOB, "StreamingHTTPChannel2023", &at, json!({ "accept": "text/turtle" }));
    let turtle = Stream::open(&receive_from(&channel), &[]);
    assert_eq!(turtle.head.header("content-type"), Some("text/turtle"));
}

/// R-SH-1, R-AUTH-5: `https` where the server has it.
#[test]
fn t_h01_a_subscription_leads_to_a_stream_of_its_own() {
    let at = document("h01", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, KIND, &at, json!({}));
    let (url, id) = (channel.json()["receiveFrom"].clone(), channel.json()["id"].clone());
    let (url, id) = (url.as_str().unwrap(), id.as_str().unwrap());
    assert!(url.starts_with(&format!("{}/", WORLD.origin)) && url != id, "{url}");
    let mut stream = Stream::open(&receive_from(&channel), &[]).opened();
    assert_eq!(stream.head.header("content-type"), Some("application/ld+json"));
    ALICE.put(&at, "<> a <#x>.");
    assert_eq!(stream.line().unwrap()["type"], "Update", "and nothing before it");
}

/// R-SH-2: what cannot be written is not begun.
#[test]
fn t_h06_what_a_stream_is_not_written_in_is_406() {
    let at = document("h06-accept", &public("acl:Read"));
    let path = standing(&ALICE, KIND, &at);
    for accept in ["image/png", "text/csv;q=1, application/pdf"] {
        ANYBODY.ask("GET", &path, &[("accept", accept)], "").is_problem(406);
    }
    for (accept, told) in [
        ("*/*", "text/turtle"),
        ("text/html, application/ld+json;q=0.5", "application/ld+json"),
        ("application/n-triples", "application/n-triples"),
        ("text/event-stream, */*;q=0.1", "text/event-stream; charset=utf-8"),
    ] {
        let stream = Stream::open(&path, &[("accept", accept)]).opened();
        assert_eq!(stream.head.header("content-type"), Some(told), "{accept}");
    }
}

/// R-SH-6, R-SH-3: the head, and that nothing on the way may keep, change or press it.
#[test]
fn t_h07_t_h09_a_stream_is_never_compressed_or_kept() {
    let at = document("h09", &for_bob("acl:Read"));
    let place = receive_from(&subscribe(&BOB, KIND, &at, json!({ "accept": "text/turtle" })));
    let direct = standing(&BOB, KIND, &at);
    let asked = [("accept-encoding", "gzip, br, deflate, zstd")];
    for (agent, path) in [(&*ANYBODY, &place), (&*BOB, &direct)] {
        let mut stream = Stream::by(agent, path, &asked).opened();
        let head = agent.ask("HEAD", path, &asked, "");
        assert_eq!((head.status, head.body.len()), (200, 0));
        for told in [&stream.head, &head] {
            assert_eq!(told.header("content-encoding"), None);
            assert_eq!(told.header("cache-control"), Some("no-store, no-transform"));
            assert_eq!(told.header("content-type"), Some("text/turtle"));
        }
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            agent.ask(method, path, &[TURTLE], "").is_problem(405);
        }
        if path == &direct {
            one(&stream.block().unwrap());
        }
        for number in 0..3 {
            ALICE.put(&at, &format!("<> a <#{number}>."));
            // It comes whole and at once, and nothing with it.
            let document = String::from_utf8(stream.bytes()).unwrap();
            assert!(document.ends_with("\n\n"), "{document}");
            one(&document);
        }
    }
}

/// R-SH-3: whoever takes a chunk for a document is right, however fast the changes come.
#[test]
fn t_h04_each_document_of_a_subscribed_stream_is_a_chunk_and_the_last_chunk_tells_the_end() {
    let topic = document("h04-chunks", "");
    let channel = subscribe(&ALICE, KIND, &topic, json!({ "accept": "text/turtle" }));
    let path = receive_from(&channel);
    let open = |version: &str| {
        let mut stream = WORLD.connect();
        stream.write_all(format!("GET {path} HTTP/{version}\r\nhost: localhost\r\n\r\n").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (String::from_utf8(head).unwrap(), stream)
    };
    let ((head, mut chunked), (old, mut plain)) = (open("1.1"), open("1.0"));
    assert!(head.contains("\r\ntransfer-encoding: chunked\r\n"), "{head}");
    assert!(!old.contains("transfer-encoding"), "{old}");
    for number in 0..20 {
        ALICE.put(&topic, &format!("<#a> <#b> {number} ."));
    }
    let id = channel.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ALICE.ask("DELETE", &id, &[], "").status, 204);
    let (mut all, mut whole) = (String::new(), String::new());
    chunked.read_to_string(&mut all).unwrap();
    plain.read_to_string(&mut whole).unwrap();
    let (mut rest, mut documents) = (all.as_str(), Vec::new());
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let (data, behind) = behind.split_at(usize::from_str_radix(size, 16).unwrap());
        rest = behind.strip_prefix("\r\n").unwrap();
        documents.push(data);
    }
    assert_eq!((rest, documents.pop()), ("", Some("")), "it ends by its last chunk");
    assert_eq!(documents.len(), 20);
    for document in &documents {
        assert!(document.starts_with("@prefix") && document.ends_with("\n\n"), "{document}");
        assert_eq!(document.matches(" a as:").count(), 1, "{document}");
    }
    assert_eq!(whole, documents.concat());
}

/// R-SH-3: over HTTP/2 each piece is one notification, also when several wait.
#[test]
fn t_h04_t_h09_every_piece_is_one_notification() {
    let at = document("pieces", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    let place = bob.place(Way::Lines, &[&at]).unwrap();
    let cursor = BOB.get(&at).header("podbell-cursor").unwrap().to_owned();
    for number in 0..5 {
        ALICE.put(&at, &format!("<> a <#{number}>."));
    }
    let mut stream = super::h2::Http2::connect(&BOB).get(&ANYBODY, &format!("{place}?since={cursor}"), &[]).opened();
    for _ in 0..5 {
        let piece = stream.bytes();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&piece).unwrap()["type"], "Update");
    }
}

/// R-SH-4: one with a subscription begins with nothing, or with what its `state` asks for.
#[test]
fn t_h02_what_a_stream_begins_with() {
    let at = document("h02-begins", &for_bob("acl:Read"));
    for (more, begins) in [(json!({}), false), (json!({ "state": "\"other\"" }), true)] {
        let place = receive_from(&subscribe(&BOB, KIND, &at, more));
        let mut stream = Stream::open(&place, &[]).opened();
        let stands = BOB.get(&at).header("etag").unwrap().to_owned();
        let told = ALICE.put(&at, "<> a <#x>.").header("etag").unwrap().to_owned();
        for expected in begins.then_some(&stands).into_iter().chain([&told]) {
            let state = stream.line().unwrap()["state"].as_str().unwrap().to_owned();
            assert_eq!(super::events::version(&state), super::events::version(expected));
        }
    }
}

/// R-SH-5.
#[test]
fn a_stream_of_documents_says_nothing_while_there_is_nothing() {
    let at = brisk::document("silence");
    let mut beats =
        brisk::bob().place(Way::Events, &[&at]).map(|place| Stream::by(&brisk::BRISK.stranger(), &place, &[])).unwrap();
    let place = brisk::bob().place(Way::Lines, &[&at]).unwrap();
    let mut silent = Stream::by(&brisk::BRISK.stranger(), &place, &[]).opened();
    // For as long as another beats three times.
    for _ in 0..4 {
        beats.block().unwrap();
    }
    brisk::BRISK_ALICE.put(&at, "<> a <#x>.");
    assert!(silent.bytes().starts_with(b"{"), "no empty line comes first");
}

/// The seat of who is gone is free, and the others go on.
#[test]
fn t_h08_who_goes_takes_nobody_along_and_leaves_nothing_behind() {
    let at = document("h08", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for way in [Way::Lines, Way::Events, Way::Http2Lines, Way::Http2Events, Way::WebSocket] {
        let place = bob.place(way, &[&at]).unwrap();
        let connect = || bob.connect(way, &place, None);
        let mut ears: Vec<_> = (0..3).map(|_| connect().unwrap_or_else(|status| panic!("{way:?} {status}"))).collect();
        assert_eq!(connect().err(), Some(429), "{way:?}");
        drop(ears.remove(1));
        until("the seat is free", || match connect() {
            Ok(ear) => {
                ears.push(ear);
                true
            }
            Err(status) => {
                assert_eq!(status, 429);
                false
            }
        });
        ALICE.put(&at, "<> a <#x>.");
        for ear in &mut ears {
            assert_eq!(ear.told(), ("Update".into(), at.clone()), "{way:?}");
        }
    }
}

/// R-SH-7: what was opened by a token ends with it.
#[test]
fn a_stream_without_a_subscription_ends_with_its_token() {
    let at = container(&unique("token"), &public("acl:Read"));
    let issuer = Issuer::start();
    ALICE.put(&format!("{at}card"), &format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{}> .", issuer.url));
    let webid = WORLD.url(&format!("{at}card#me"));
    let (key, now) = (SigningKey::generate(Algorithm::Es256).unwrap(), Timestamp::now().as_second());
    let claims = json!({ "iss": issuer.url, "sub": webid, "webid": webid, "aud": "solid", "client_id": "c", "azp": "c",
        "iat": now, "exp": now + 3, "jti": unique("token"), "cnf": { "jkt": key.thumbprint() } });
    let carol = Agent { world: &WORLD, token: Some(issuer.key.sign_token("at+jwt", &claims).unwrap()), key };
    let mut stream = Stream::by(&carol, &standing(&carol, KIND, &format!("{at}card")), &[]).opened();
    one(&stream.block().unwrap());
    assert!(stream.ended());
    assert!(Timestamp::now().as_second() >= now + 3, "not before");
}
