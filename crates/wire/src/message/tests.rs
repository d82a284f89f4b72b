//! The exact bytes, and that every syntax says the same.

use super::*;
use crate::{NotificationsContext, Syntax};
use podbell_model::{Generation, Membership, Sequence, WebId, rdf};
use proptest::prelude::*;

const SOLID: Rendering = Rendering::Solid {
    context: NotificationsContext::V0_2,
    syntax: Syntax::JsonLd,
    actor: false,
    framing: Framing::WebSocket,
    cursor: false,
};
const ESS: Rendering = Rendering::Ess { actor: true };

fn activity(kind: ActivityKind, object: &str) -> Activity {
    let object = ResourceIri::parse(object).unwrap();
    Activity {
        id: Uuid::from_u128(0x6f0e_0000_0000_4000_8000_0000_0000_0001),
        kind,
        class: if object.is_container() { ResourceClass::Container } else { ResourceClass::RdfSource },
        generation: Generation(Sequence(7)),
        state: Some("8c1d2f40".into()),
        membership: object.parent().filter(|_| kind != ActivityKind::Update).map(|container| Membership {
            container,
            generation: Generation(Sequence(3)),
            state: "c-118".into(),
        }),
        object,
        actor: Some(WebId::new("https://id.example/alice#me")),
        published: "2026-07-18T09:12:03.1204567Z".parse().unwrap(),
    }
}

fn text(rendering: Rendering, activity: &Activity, relation: Relation) -> String {
    String::from_utf8(write(rendering, activity, relation, false, None)).unwrap()
}

#[test]
fn solid_messages_have_exactly_these_keys() {
    const HEAD: &str = r#"{"@context":["https://www.w3.org/ns/activitystreams","https://www.w3.org/ns/solid/notification/v1"],"id":"urn:uuid:6f0e0000-0000-4000-8000-000000000001""#;
    for (kind, relation, rest) in [
        (
            ActivityKind::Create,
            Relation::Object,
            r#","type":"Create","object":"https://pod.example/n/7","state":"\"8c1d2f40\"""#,
        ),
        (
            ActivityKind::Update,
            Relation::Object,
            r#","type":"Update","object":"https://pod.example/n/7","state":"\"8c1d2f40\"""#,
        ),
        (ActivityKind::Delete, Relation::Object, r#","type":"Delete","object":"https://pod.example/n/7""#),
        (
            ActivityKind::Create,
            Relation::Member,
            r#","type":"Add","object":"https://pod.example/n/7","target":"https://pod.example/n/","state":"\"c-118\"""#,
        ),
        (
            ActivityKind::Delete,
            Relation::Member,
            r#","type":"Remove","object":"https://pod.example/n/7","target":"https://pod.example/n/","state":"\"c-118\"""#,
        ),
    ] {
        let activity = activity(kind, "https://pod.example/n/7");
        assert_eq!(
            text(SOLID, &activity, relation),
            format!(r#"{HEAD}{rest},"published":"2026-07-18T09:12:03.120Z"}}"#)
        );
    }
}

#[test]
fn the_context_is_the_subscribers() {
    let other = Rendering::Solid {
        context: NotificationsContext::V0_3,
        syntax: Syntax::JsonLd,
        actor: false,
        framing: Framing::WebSocket,
        cursor: false,
    };
    let activity = activity(ActivityKind::Update, "https://pod.example/n/7");
    assert!(text(other, &activity, Relation::Object).starts_with(
        r#"{"@context":["https://www.w3.org/ns/activitystreams","https://www.w3.org/ns/solid/notifications-context/v1"],"#
    ));
}

#[test]
fn turtle_stands_alone() {
    let turtle = Rendering::Solid {
        context: NotificationsContext::V0_2,
        syntax: Syntax::Turtle,
        actor: false,
        framing: Framing::WebSocket,
        cursor: false,
    };
    assert_eq!(
        text(turtle, &activity(ActivityKind::Update, "https://pod.example/n/1"), Relation::Object),
        r#"@prefix as: <https://www.w3.org/ns/activitystreams#> .
@prefix notify: <http://www.w3.org/ns/solid/notifications#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<urn:uuid:6f0e0000-0000-4000-8000-000000000001> a as:Update ;
    as:object <https://pod.example/n/1> ;
    notify:state "\"8c1d2f40\"" ;
    as:published "2026-07-18T09:12:03.120Z"^^xsd:dateTime .
"#
    );
}

#[test]
fn no_solid_message_names_the_actor_unless_told_to() {
    for syntax in [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples] {
        for actor in [false, true] {
            let rendering = Rendering::Solid {
                context: NotificationsContext::V0_2,
                syntax,
                actor,
                framing: Framing::WebSocket,
                cursor: false,
            };
            let message = text(rendering, &activity(ActivityKind::Update, "https://pod.example/n/1"), Relation::Object);
            assert_eq!(message.contains("alice"), actor, "{message}");
        }
    }
}

#[test]
fn an_update_of_a_member_is_nothing_to_its_container() {
    let activity = activity(ActivityKind::Update, "https://pod.example/n/1");
    for rendering in [SOLID, ESS] {
        assert!(write(rendering, &activity, Relation::Member, false, None).is_empty());
    }
    let mut covered = super::tests::activity(ActivityKind::Create, "https://pod.example/n/1");
    covered.membership = None;
    assert!(write(SOLID, &covered, Relation::Member, false, None).is_empty());
}

#[test]
fn the_second_of_two_has_an_id_of_its_own() {
    let activity = activity(ActivityKind::Create, "https://pod.example/n/1");
    let second = String::from_utf8(write(SOLID, &activity, Relation::Member, true, None)).unwrap();
    let container = ResourceIri::parse("https://pod.example/n/").unwrap();
    assert!(second.contains(&activity::secondary_id(activity.id, &container).urn().to_string()));
    assert!(!second.contains(&activity.id.to_string()));
}

#[test]
fn ess_messages_have_their_own_shape() {
    assert_eq!(
        text(ESS, &activity(ActivityKind::Update, "https://pod.example/n/1"), Relation::Object),
        r#"{"@context":["https://www.w3.org/ns/activitystreams",{"state":{"@id":"http://www.w3.org/2011/http-headers#etag"}}],"id":"urn:uuid:6f0e0000-0000-4000-8000-000000000001","type":["http://www.w3.org/ns/prov#Activity","Update"],"actor":["https://id.example/alice#me"],"object":{"id":"https://pod.example/n/1","state":"8c1d2f40","type":["http://www.w3.org/ns/ldp#RDFSource","http://www.w3.org/ns/ldp#Resource"]},"published":"2026-07-18T09:12:03.120456Z"}"#
    );
}

#[test]
fn ess_tells_a_membership_as_the_containers_update() {
    for kind in [ActivityKind::Create, ActivityKind::Delete] {
        let message = text(ESS, &activity(kind, "https://pod.example/n/1"), Relation::Member);
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["type"][1], "Update");
        assert_eq!(message["object"]["id"], "https://pod.example/n/");
        assert_eq!(message["object"]["state"], "c-118");
        assert_eq!(message["object"]["type"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn the_ess_actor_is_an_empty_list_when_off_or_anonymous() {
    let mut activity = activity(ActivityKind::Delete, "https://pod.example/n/1");
    let off = text(Rendering::Ess { actor: false }, &activity, Relation::Object);
    activity.actor = None;
    let anonymous = text(ESS, &activity, Relation::Object);
    assert_eq!(off, anonymous);
    assert!(off.contains(r#""actor":[]"#));
    assert!(off.contains(r#""state":"8c1d2f40""#), "a deletion shows the last state");
}

#[test]
fn ess_is_json_ld_that_means_what_it_says() {
    let message = write(ESS, &activity(ActivityKind::Update, "https://pod.example/n/1"), Relation::Object, false, None);
    let graph = rdf::parse(rdf::RdfFormat::JsonLd, "https://pod.example/", &message).unwrap();
    let text = String::from_utf8(rdf::serialize(rdf::RdfFormat::NTriples, &graph, &[])).unwrap();
    for fact in [
        "#type> <http://www.w3.org/ns/prov#Activity>",
        "#type> <https://www.w3.org/ns/activitystreams#Update>",
        "<https://www.w3.org/ns/activitystreams#object> <https://pod.example/n/1>",
        "<http://www.w3.org/2011/http-headers#etag> \"8c1d2f40\"",
    ] {
        assert!(text.contains(fact), "{fact} in {text}");
    }
}

#[test]
fn the_state_of_a_topic_is_told_on_connecting() {
    let topic = ResourceIri::parse("https://pod.example/n/").unwrap();
    let (id, now) = (Uuid::from_u128(1), "2026-01-01T00:00:00Z".parse().unwrap());
    let told = |rendering, state| String::from_utf8(write_state(rendering, &topic, None, state, id, now)).unwrap();
    assert!(told(SOLID, Some("v1")).contains(r#""type":"Update","object":"https://pod.example/n/","state":"\"v1\"""#));
    assert!(
        told(SOLID, None)
            .contains(r#""type":"Delete","object":"https://pod.example/n/","published":"2026-01-01T00:00:00.000Z""#)
    );
    assert!(told(ESS, Some("v1")).contains("BasicContainer"));
    assert!(!told(ESS, None).contains(r#""state":""#));
}

proptest! {
    #[test]
    fn every_syntax_is_the_same_graph(
        name in "[ -~äß☃]{0,20}",
        state in proptest::option::of("[ -~\n\t\\\\\"é]{0,12}"),
        kind in prop::sample::select(vec![ActivityKind::Create, ActivityKind::Update, ActivityKind::Delete]),
        member: bool,
        actor: bool,
        webid in "https://id.example/[ -~]{0,12}",
    ) {
        let Ok(object) = ResourceIri::parse(&format!("https://pod.example/n/{name}")) else { return Ok(()) };
        let mut activity = activity(kind, object.as_str());
        activity.state = state.map(Into::into);
        activity.actor = Some(WebId::new(webid));
        let relation = if member { Relation::Member } else { Relation::Object };
        let graph = |syntax: Syntax| {
            let rendering = Rendering::Solid { context: NotificationsContext::V0_3, syntax, actor, framing: Framing::WebSocket, cursor: false };
            rdf::parse(syntax.rdf_format(), "https://base.example/", &write(rendering, &activity, relation, false, None))
        };
        if write(SOLID, &activity, relation, false, None).is_empty() {
            return Ok(());
        }
        let turtle = graph(Syntax::Turtle).unwrap();
        prop_assert!(turtle.len() >= 3);
        prop_assert_eq!(&graph(Syntax::JsonLd).unwrap(), &turtle);
        prop_assert_eq!(&graph(Syntax::NTriples).unwrap(), &turtle);
    }
}

#[test]
fn a_ping_names_its_channel_and_nothing_else() {
    let channel = "https://pod.example/.notifications/channels/1";
    let at = |syntax| {
        let rendering = Rendering::Solid {
            context: NotificationsContext::V0_2,
            syntax,
            actor: false,
            framing: Framing::Webhook,
            cursor: true,
        };
        String::from_utf8(write_ping(rendering, Uuid::nil(), channel, Timestamp::UNIX_EPOCH)).unwrap()
    };
    assert_eq!(
        at(Syntax::JsonLd),
        r#"{"@context":["https://www.w3.org/ns/activitystreams","https://www.w3.org/ns/solid/notification/v1"],"id":"urn:uuid:00000000-0000-0000-0000-000000000000","type":"urn:podbell:terms#Ping","object":"https://pod.example/.notifications/channels/1","published":"1970-01-01T00:00:00.000Z"}"#
    );
    let graph =
        |syntax: Syntax| podbell_model::rdf::parse(syntax.rdf_format(), channel, at(syntax).as_bytes()).unwrap();
    assert_eq!(graph(Syntax::JsonLd), graph(Syntax::Turtle));
    assert_eq!(graph(Syntax::JsonLd), graph(Syntax::NTriples));
}

#[test]
fn a_notification_in_short_says_what_happened_to_what() {
    let activity = activity(ActivityKind::Create, "https://pod.example/n/7");
    for syntax in [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples] {
        let whole = write(SOLID.with_syntax(syntax).with_cursor(), &activity, Relation::Member, false, None);
        let short = minimal(&whole, SOLID.with_syntax(syntax)).unwrap();
        assert!(short.len() < whole.len(), "{syntax:?}");
        let graph = rdf::parse(syntax.rdf_format(), "https://base.example/", &short).unwrap();
        let text = String::from_utf8(rdf::serialize(rdf::RdfFormat::NTriples, &graph, &[])).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        let id = "<urn:uuid:6f0e0000-0000-4000-8000-000000000001>";
        let class = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/ns/activitystreams#Add>";
        let object = "<https://www.w3.org/ns/activitystreams#object> <https://pod.example/n/7>";
        assert_eq!(lines, [format!("{id} {class} ."), format!("{id} {object} .")], "{syntax:?}");
    }
    assert_eq!(minimal(b"{}", SOLID), None);
    assert_eq!(minimal(b"?", SOLID.with_syntax(Syntax::Turtle)), None);
}

#[test]
fn what_was_said_is_read_back_in_every_rendering() {
    let activity = activity(ActivityKind::Create, "https://pod.example/n/7");
    let lws = Rendering::Lws { framing: Framing::Webhook, actor: true };
    let said = |rendering: Rendering, relation| {
        gist(&write(rendering, &activity, relation, false, Some("https://pod.example/storage")), rendering)
    };
    let is = |kind: &str| Some((kind.to_owned(), "https://pod.example/n/7".to_owned()));
    for syntax in [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples] {
        let rendering = SOLID.with_syntax(syntax).with_cursor();
        assert_eq!(said(rendering, Relation::Object), is("Create"), "{syntax:?}");
        assert_eq!(said(rendering, Relation::Member), is("Add"), "{syntax:?}");
    }
    assert_eq!(said(lws, Relation::Object), is("Create"));
    for (text, rendering) in [("{}", SOLID), ("?", SOLID), ("?", SOLID.with_syntax(Syntax::Turtle)), ("{}", lws)] {
        assert_eq!(gist(text.as_bytes(), rendering), None);
    }
    assert_eq!((said(ESS, Relation::Object), said(Rendering::Solid01, Relation::Object)), (None, None), "not pushed");
}

#[test]
fn an_envelope_in_short_has_what_its_receivers_require() {
    let activity = activity(ActivityKind::Create, "https://pod.example/n/7");
    let rendering = Rendering::Lws { framing: Framing::Webhook, actor: true };
    let whole = write(rendering, &activity, Relation::Object, false, Some("https://pod.example/storage"));
    let short: serde_json::Value = serde_json::from_slice(&minimal(&whole, rendering).unwrap()).unwrap();
    let mut expected: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    expected["activity"].as_object_mut().unwrap().retain(|name, _| name != "actor" && name != "target");
    assert_eq!(short, expected);
    for required in ["id", "type", "object", "published"] {
        assert!(short["activity"].get(required).is_some(), "{required}");
    }
    assert_eq!(minimal(b"{}", rendering), None);
}

#[test]
fn an_acl_comes_to_no_container_and_is_taken_from_none() {
    let rendering = Rendering::Lws { framing: Framing::WebSocket, actor: false };
    for (kind, member) in [(ActivityKind::Create, "target"), (ActivityKind::Delete, "origin")] {
        for (object, container) in
            [("https://pod.example/n/7", Some("https://pod.example/n/")), ("https://pod.example/n/7.acl", None)]
        {
            let whole =
                write(rendering, &activity(kind, object), Relation::Object, false, Some("https://pod.example/s"));
            let told: serde_json::Value = serde_json::from_slice(&whole).unwrap();
            assert_eq!(told["activity"].get(member).and_then(|member| member.as_str()), container, "{object}");
        }
    }
}
