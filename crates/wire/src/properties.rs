//! What holds for every subscription request, of each grammar, stated once: tried briefly by the tests below, and for
//! long by `fuzz/`. A property that does not hold panics.

use crate::{
    BodyType, ChannelDocument, ChannelRequest, ChannelType, Endpoint, Feature, Representation, Service, Spelling,
    Syntax, gateway, lexical, lws, subscription,
};
use serde_json::json;

const CHANNEL: &str = "https://pod.example/.notifications/channels/1";

/// A request that is understood is answered with words that the service understands as the same request, in every
/// representation; what is not understood harms nobody.
pub fn subscription(body: &[u8]) {
    let json = [false, true].map(|plain_json| BodyType { syntax: Syntax::JsonLd, plain_json });
    let others = [Syntax::Turtle, Syntax::NTriples].map(|syntax| BodyType { syntax, plain_json: false });
    for channel_type in ChannelType::ALL {
        let url = format!("https://pod.example/.notifications/{}/", channel_type.name());
        let service = Service::new(url, channel_type, Feature::of(channel_type));
        for body_type in json.into_iter().chain(others) {
            match subscription::parse(body, body_type, &service) {
                // Of what is pushed, the answer names the sender, which is not the client's to say.
                Ok(request) if !channel_type.pushes() => answered(&request, &service),
                Ok(request) => assert!(request.receiver.is_some()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// What is understood of a request of Linked Web Storage is understood the same when it is said again in the fewest words,
/// and what the answers tell is JSON; what is not understood harms nobody.
pub fn lws(body: &[u8]) {
    let asked = match lws::parse(body) {
        Ok(asked) => asked,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(
        !asked.topics.is_empty() && asked.inbox.is_some() == (asked.subscription_type.name() == "WebhookSubscription")
    );
    let topics: Vec<_> = asked.topics.iter().map(podbell_model::ResourceIri::as_str).collect();
    let mut again = json!({ "type": asked.subscription_type.name(), "topic": topics, "inbox": asked.inbox });
    if let Some(expires) = asked.expires {
        again["expires"] = expires.to_string().into();
    }
    assert_eq!(lws::parse(again.to_string().as_bytes()), Ok(asked.clone()), "{again}");
    let state = lws::State {
        id: CHANNEL,
        subscription_type: asked.subscription_type,
        topics: &asked.topics,
        inbox: asked.inbox.as_deref(),
        expires: asked.expires,
    };
    let state: serde_json::Value = serde_json::from_slice(&state.write()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(state["topic"], json!(topics));
}

/// What is understood of a request to the ESS gateway or its endpoint is within its bounds; what is not understood harms
/// nobody.
pub fn ess(body: &[u8]) {
    if let Err(error) = gateway::parse_negotiation(body) {
        assert!(!error.to_string().is_empty());
    }
    match gateway::parse_subscription(body) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(asked) => {
            assert!(!asked.topics.is_empty());
            assert!(asked.topics.len() == 1 || asked.state.is_none());
            let longest = std::time::Duration::from_hours(366 * 24);
            let spans = asked.ttl.iter().chain(&asked.rate);
            assert!(spans.into_iter().all(|span| !span.is_zero() && *span <= longest));
        }
    }
}

fn answered(request: &ChannelRequest, service: &Service) {
    let representations = [Syntax::JsonLd, Syntax::Turtle, Syntax::NTriples].map(Representation::from);
    let expanded = Representation { syntax: Syntax::JsonLd, expanded: true };
    for representation in representations.into_iter().chain([expanded]) {
        let answer = answer(request, &request.spelling, representation);
        let body_type = BodyType { syntax: representation.syntax, plain_json: false };
        let again = subscription::parse(&answer, body_type, service);
        let again = again.unwrap_or_else(|error| panic!("{error} in\n{}", String::from_utf8_lossy(&answer)));
        assert_eq!(said(&again), said(request), "{}", String::from_utf8_lossy(&answer));
        if representation == Representation::default() {
            assert_eq!(self::answer(&again, &again.spelling, representation), answer, "the spelling is kept");
        }
    }
}

fn answer(request: &ChannelRequest, spelling: &Spelling, representation: Representation) -> Vec<u8> {
    let document = ChannelDocument {
        id: CHANNEL,
        channel_type: request.channel_type,
        topics: &request.topics,
        features: &request.features,
        endpoint: Endpoint::Hidden,
        more: &[],
    };
    document.write(spelling, representation)
}

/// All that it asks for, topics without an order and instants as they are told.
fn said(request: &ChannelRequest) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut topics = request.topics.clone();
    topics.sort();
    let mut features = request.features.clone();
    let instants = [features.start_at.take(), features.end_at.take()].map(|at| at.map(lexical::date_time));
    (request.channel_type, topics, features, instants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    const CONTEXTS: &[&str] = &[
        r#""https://www.w3.org/ns/solid/notification/v1""#,
        r#"["https://www.w3.org/ns/solid/notifications-context/v1"]"#,
        r#"["https://www.w3.org/ns/activitystreams","https://www.w3.org/ns/solid/notification/v1"]"#,
        r#"["https://www.w3.org/ns/solid/notification/v1",{"n":"urn:podbell:terms#","cursor":"n:cursor"}]"#,
        r#"{"@vocab":"http://www.w3.org/ns/solid/notifications#","id":"@id","type":"@type"}"#,
    ];
    const TYPES: &[&str] = &[
        "WebSocketChannel2023",
        "notify:EventSourceChannel2023",
        "http://www.w3.org/ns/solid/notifications#StreamingHTTPChannel2023",
        "https://www.w3.org/ns/solid/notification#WebSocketChannel2023",
    ];
    const MEMBERS: &[&str] = &[
        r#""topic":["/b","c/"]"#,
        r#""notify:topic":"https://pod.example/ä#x""#,
        r#""startAt":"2030-01-01T00:00:00.0001Z""#,
        r#""startAt":"0000-01-01T00:00:00+01:00""#,
        r#""endAt":"2030-01-01T00:00:00.0002Z""#,
        r#""endAt":"2031-01-01T00:00:00-01:00""#,
        r#""state":"W/\"a\\\u0000\n\u007f\"""#,
        r#""rate":"P1Y1M1DT1H1M1.000000001s""#,
        r#""rate":{"@value":"PT1S","@type":"xsd:duration"}"#,
        r#""accept":"text/turtle;q=0.5, */*;q=0.1""#,
        r#""activityType":["Remove","https://www.w3.org/ns/activitystreams#Create"]"#,
        r#""notify:activityType":{"@id":"https://www.w3.org/ns/activitystreams#Add"}"#,
        r#""recursive":true"#,
        r#""urn:podbell:terms#recursive":false"#,
        r#""notCausedByMe":"true""#,
        r#""cursor":{"@value":"1","@type":"xsd:boolean"}"#,
        r#""n:cursor":true"#,
        r#""foo":{"@id":"urn:x"}"#,
    ];
    const SAYINGS: &[&str] = &[
        "n:topic </b>, <c/>",
        "n:topic \"https://pod.example/d\"",
        "n:endAt \"2030-01-01T00:00:00\"^^x:dateTime",
        "n:state \"\\u0001\\\"\"@en",
        "n:rate \"PT0.5S\"",
        "n:accept \"application/n-triples\"",
        "n:activityType <https://www.w3.org/ns/activitystreams#Delete>, \"Update\"",
        "p:recursive true",
        "n:cursor \"1\"^^x:boolean",
        "p:notCausedByMe \"false\"",
    ];

    const ASKED: &[&str] = &[
        r#""topic":["https://pod.example/a#x","HTTPS://pod.example/%61","https://pod.example/c/"]"#,
        r#""topic":"https://pod.example/\u00e4""#,
        r#""topic":[]"#,
        r#""inbox":"https://receiver.example/in?x=1""#,
        r#""inbox":null"#,
        r#""expires":"2030-01-01T00:00:00.0001+01:00""#,
        r#""expires":7"#,
        r#""@context":["https://www.w3.org/ns/lws/v1",{"topic":"urn:x"}]"#,
        r#""type":"WebhookSubscription""#,
        r#""type":"EventSourceSubscription""#,
        r#""protocols":["ws"]"#,
        r#""features":["ttl",7]"#,
        r#""ttl":1e308"#,
        r#""rate":"PT0.5s""#,
        r#""state":"x""#,
        r#""foo":{"type":[]}"#,
    ];

    proptest! {
        #[test]
        fn what_is_understood_in_plain_json_is_understood_again(
            members in vec(select(ASKED), 0..7),
            damage in vec((any::<prop::sample::Index>(), select(&b"\"\\:,{}[] .;1tZ\xc3\n"[..])), 0..3),
        ) {
            let mut body = format!("{{{}}}", members.join(",")).into_bytes();
            for (at, byte) in damage {
                let at = at.index(body.len());
                body[at] = byte;
            }
            lws(&body);
            ess(&body);
        }

        #[test]
        fn what_is_understood_of_json_is_answered_understandably(
            context in select(CONTEXTS),
            name in select(TYPES),
            members in vec(select(MEMBERS), 0..7),
        ) {
            let members = [&[r#""topic":"/a""#], &members[..]].concat().join(",");
            subscription(format!(r#"{{"@context":{context},"type":"{name}",{members}}}"#).as_bytes());
        }

        #[test]
        fn what_is_understood_of_damaged_bytes_is_answered_understandably(
            members in vec(select(MEMBERS), 0..7),
            damage in vec((any::<prop::sample::Index>(), select(&b"\"\\:,{}[]<>@#_ .;1tZ\xc3\n"[..])), 1..4),
        ) {
            let members = [&[r#""topic":"/a""#], &members[..]].concat().join(",");
            let mut body = format!(r#"{{"@context":{},"type":"{}",{members}}}"#, CONTEXTS[0], TYPES[0]).into_bytes();
            for (at, byte) in damage {
                let at = at.index(body.len());
                body[at] = byte;
            }
            subscription(&body);
        }

        #[test]
        fn what_is_understood_of_turtle_is_answered_understandably(sayings in vec(select(SAYINGS), 0..7)) {
            let prefixes = "@prefix n: <http://www.w3.org/ns/solid/notifications#>. @prefix p: <urn:podbell:terms#>. \
                @prefix x: <http://www.w3.org/2001/XMLSchema#>.";
            let sayings = [&["a n:WebSocketChannel2023", "n:topic </a>"], &sayings[..]].concat().join(" ; ");
            subscription(format!("{prefixes} <> {sayings} .").as_bytes());
        }
    }
}
