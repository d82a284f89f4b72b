//! Subscription requests in every form that is understood. The cases T-S06 to T-S39 that succeed.

use super::{
    services::{N1, N2, SERVICE, TYPE, changed, open, post},
    world::{ALICE, BOB, LD, Reply, TURTLE, WORLD, container, public},
};
use podbell_model::{
    rdf::{self, RdfFormat},
    vocab,
};
use serde_json::{Value, json};

const PREFIX: &str = "http://www.w3.org/ns/solid/notifications#";

/// Sends bytes of a media type.
fn send(kind: &str, body: impl AsRef<[u8]>) -> Reply {
    BOB.ask("POST", SERVICE, &[("content-type", kind)], body)
}

#[track_caller]
fn made(told: &Reply) -> Value {
    assert_eq!((told.status, told.header("content-type")), (200, Some("application/ld+json")), "{told:?}");
    let channel = told.json();
    assert!(channel["receiveFrom"].is_string() && channel["id"].is_string(), "{channel}");
    channel
}

/// R-REQ-9, R-CTX-2, R-CTX-6, CA-1, CA-6, CA-8.
#[test]
fn t_s06_t_s07_t_s08_t_s09_t_s10_every_spelling_of_the_type_and_the_context_is_answered_as_it_was_sent() {
    let (_, minimal) = open("spelled");
    let singular = "http://www.w3.org/ns/solid/notification#WebSocketChannel2023";
    for name in ["WebSocketChannel2023", "notify:WebSocketChannel2023", TYPE, singular] {
        for context in [json!(N1), json!([N1]), json!(N2), json!([N2])] {
            let channel = made(&post(&BOB, &changed(&minimal, &json!({ "type": name, "@context": context }))));
            assert_eq!((&channel["type"], &channel["@context"]), (&name.into(), &context));
            assert_eq!(channel["topic"], minimal["topic"]);
        }
    }
    for secure in [PREFIX, "http://www.w3.org/ns/solid/notification#"].map(|ns| ns.replace("http:", "https:")) {
        made(&post(&BOB, &changed(&minimal, &json!({ "type": format!("{secure}WebSocketChannel2023") }))));
    }
}

/// R-REQ-9, R-CTX-3, R-CTX-4, R-CTX-7, CA-8.
#[test]
fn t_s11_t_s12_inline_contexts_and_expanded_documents_are_understood() {
    let (_, minimal) = open("forms");
    let topic = &minimal["topic"];
    let inline =
        json!({ "@context": { "notify": PREFIX }, "@type": "notify:WebSocketChannel2023", "notify:topic": topic });
    let expanded = json!({ "@type": [TYPE], (format!("{PREFIX}topic")): [{ "@id": topic }] });
    let own = json!({ "@context": [N2, { "notify": PREFIX }], "@type": TYPE, "topic": topic });
    for body in [&inline, &json!([expanded]), &expanded, &own, &json!({ "@context": N1, "@graph": [minimal] })] {
        let channel = made(&send("application/ld+json", body.to_string()));
        assert_eq!(&channel["topic"], topic, "{body}");
    }
    let channel = made(&send("application/ld+json", json!([expanded]).to_string()));
    assert_eq!(channel["@context"], N1, "whoever has no context is answered with the one that most clients know");
}

/// R-REQ-5, R-REQ-9, R-CTX-9, R-CTX-10, CA-3.
#[test]
fn t_s13_t_s14_turtle_is_answered_in_turtle() {
    let (path, _) = open("turtle");
    let topic = WORLD.url(&path);
    for subject in ["[]", "<>", "<#it>", "<https://app.example/channel>"] {
        let body =
            format!("@prefix notify: <{PREFIX}>. {subject} a notify:WebSocketChannel2023; notify:topic <{topic}>.");
        for accept in [&[][..], &[("accept", "text/turtle")]] {
            let headers: Vec<_> = [TURTLE].iter().chain(accept).copied().collect();
            let told = BOB.ask("POST", SERVICE, &headers, &body);
            assert_eq!((told.status, told.header("content-type")), (200, Some("text/turtle")), "{told:?}");
            let graph = rdf::parse(RdfFormat::Turtle, "urn:base:", &told.body).unwrap();
            let id = told.header("content-location").unwrap();
            let types = graph.iter().filter(|quad| quad.predicate.as_str() == vocab::rdf::TYPE).count();
            assert_eq!((types, rdf::objects(&graph, id, vocab::rdf::TYPE)), (1, vec![TYPE]), "{}", told.text());
            assert!(graph.iter().all(|quad| quad.subject.to_string() == format!("<{id}>")), "{}", told.text());
            assert_eq!(rdf::objects(&graph, id, &format!("{PREFIX}topic")), [&*topic]);
            assert!(rdf::objects(&graph, id, &format!("{PREFIX}receiveFrom"))[0].starts_with("ws://"));
        }
        let told = BOB.ask("POST", SERVICE, &[TURTLE, ("accept", "application/ld+json")], &body);
        assert_eq!(made(&told)["type"], TYPE);
    }
}

/// R-REQ-1, R-REQ-2, CA-8.
#[test]
fn t_s16_t_s17_t_s23_every_known_profile_and_plain_json_are_understood() {
    let (_, minimal) = open("profiles");
    let text = minimal.to_string();
    let ld = "http://www.w3.org/ns/json-ld#";
    let both = format!("{N2} {ld}compacted");
    let w3c = ["expanded", "compacted", "flattened", "context"].map(|name| format!("{ld}{name}"));
    let activities = "https://www.w3.org/ns/activitystreams".to_owned();
    for profile in [N1.to_owned(), N2.to_owned(), both, activities].iter().chain(&w3c) {
        made(&send(&format!("application/ld+json; profile=\"{profile}\""), &text));
    }
    made(&send("application/ld+json; charset=utf-8", &text));
    made(&send("application/json", &text));
    let mut bare = minimal.clone();
    bare.as_object_mut().unwrap().remove("@context");
    let channel = made(&send("application/json", bare.to_string()));
    assert_eq!((&channel["@context"], &channel["topic"]), (&N1.into(), &minimal["topic"]), "the context is assumed");
    let triples = format!(
        "<urn:x> <{}> <{TYPE}> .\n<urn:x> <{PREFIX}topic> <{}> .\n",
        vocab::rdf::TYPE,
        minimal["topic"].as_str().unwrap()
    );
    made(&send("application/n-triples", triples));
}

/// R-REQ-4, CA-21.
#[test]
fn t_s34_t_s35_an_id_and_what_nobody_knows_are_passed_over() {
    let (_, minimal) = open("unknown-keys");
    let more = json!({ "id": "https://evil.example/channel", "foo": 1, "bar": { "id": "urn:x", "foo": [1, 2] },
        "expiration": "2030-01-01T00:00:00Z", "features": ["notify:rate"] });
    let channel = made(&post(&BOB, &changed(&minimal, &more)));
    assert!(channel["id"].as_str().unwrap().starts_with(&WORLD.url("/.notifications/channels/")), "{channel}");
    for key in ["foo", "bar", "expiration", "features"] {
        assert_eq!(channel.get(key), None, "{channel}");
    }
    assert!(!channel.to_string().contains("evil.example"), "{channel}");
}

/// R-REQ-6.
#[test]
fn t_s37_t_s38_t_s39_topics_are_many_and_absolute_and_have_no_fragment() {
    let at = container("topics", &public("acl:Read"));
    let (one, two) = (format!("{at}r"), format!("{at}doc2"));
    ALICE.put(&one, "");
    ALICE.put(&two, "");
    let (one, two) = (WORLD.url(&one), WORLD.url(&two));
    let topic = |topic: Value| {
        let body = json!({ "@context": [N1], "type": TYPE, "topic": topic });
        made(&BOB.ask("POST", SERVICE, &[LD], body.to_string()))["topic"].clone()
    };
    assert_eq!(topic(json!([two, one])), json!([two, one]), "in their order");
    assert_eq!(topic(json!([one])), json!(one));
    assert_eq!(topic(json!(format!("{one}#me"))), json!(one));
    assert_eq!(topic(json!([format!("{one}#me"), one, format!("{one}#you")])), json!(one));
    assert_eq!(topic(json!({ "id": one })), json!(one));
    assert_eq!(topic(json!(format!("../..{at}r"))), json!(one), "against the URL of the service");
    assert_eq!(topic(json!(format!("{at}r"))), json!(one));
}
