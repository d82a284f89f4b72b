//! A channel as its owner reads it: the answer to a subscription request, and to a GET of the channel.
//!
//! JSON-LD repeats the client's context and its form of the type; Turtle has the channel's IRI as its only subject and
//! exactly one `rdf:type`, since clients take the first they find.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-channel-data-model>

use crate::{
    ChannelType, Features, Representation, Spelling, Syntax, lexical,
    statements::{NOTIFY, Statements, XSD_PREFIX},
};
use podbell_model::{ResourceIri, vocab::notify};
use serde::Serialize;

/// How notifications get from the server to the receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// The receiver connects there. A capability: only for the answer to the one who subscribed.
    ReceiveFrom(&'a str),
    /// The server sends there.
    SendTo {
        /// The receiver's URL.
        target: &'a str,
        /// Identity of the server.
        sender: &'a str,
    },
    /// Not shown.
    Hidden,
}

impl std::fmt::Debug for Endpoint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ReceiveFrom(_) => "ReceiveFrom(..)",
            Self::SendTo { .. } => "SendTo(..)",
            Self::Hidden => "Hidden",
        })
    }
}

/// A channel, ready to be written.
#[derive(Clone, Debug)]
pub struct ChannelDocument<'a> {
    /// Its IRI.
    pub id: &'a str,
    /// Its type.
    pub channel_type: ChannelType,
    /// Its topics.
    pub topics: &'a [ResourceIri],
    /// As granted.
    pub features: &'a Features,
    /// How it is connected.
    pub endpoint: Endpoint<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    #[serde(rename = "@context")]
    context: serde_json::Value,
    id: &'a str,
    #[serde(rename = "type")]
    type_name: &'a str,
    topic: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
}

impl ChannelDocument<'_> {
    /// Writes it, in the words of the client's `spelling`.
    pub fn write(&self, spelling: &Spelling, representation: Representation) -> Vec<u8> {
        match representation {
            Representation { syntax: Syntax::JsonLd, expanded: false } => self.json(spelling),
            Representation { syntax: Syntax::JsonLd, expanded: true } => self.statements().expanded_json_ld(),
            Representation { syntax: Syntax::Turtle, .. } => self.statements().turtle(&[NOTIFY, XSD_PREFIX]),
            Representation { syntax: Syntax::NTriples, .. } => self.statements().n_triples(),
        }
    }

    fn json(&self, spelling: &Spelling) -> Vec<u8> {
        let iri = self.channel_type.iri();
        let mut topics = self.topics.iter().map(|topic| serde_json::Value::from(topic.as_str()));
        let topic = match (self.topics.len(), topics.next()) {
            (1, Some(topic)) => topic,
            (_, first) => first.into_iter().chain(topics).collect::<Vec<_>>().into(),
        };
        let (receive_from, send_to, sender) = match self.endpoint {
            Endpoint::ReceiveFrom(url) => (Some(url), None, None),
            Endpoint::SendTo { target, sender } => (None, Some(target), Some(sender)),
            Endpoint::Hidden => (None, None, None),
        };
        crate::json(&Json {
            context: spelling.context.to_json(),
            id: self.id,
            type_name: spelling.type_name.as_deref().unwrap_or(&iri),
            topic,
            start_at: self.features.start_at.map(lexical::date_time),
            end_at: self.features.end_at.map(lexical::date_time),
            state: self.features.state.as_deref(),
            rate: self.features.rate.map(lexical::duration),
            accept: self.features.accept.as_ref().map(|accept| accept.sent.as_str()),
            receive_from,
            send_to,
            sender,
        })
    }

    fn statements(&self) -> Statements {
        let term = |name: &str| format!("{}{name}", notify::NS);
        let (features, id) = (self.features, self.id);
        let mut statements = Statements::default();
        statements.class(id, &self.channel_type.iri());
        for topic in self.topics {
            statements.link(id, &term("topic"), topic.as_str());
        }
        for (name, at) in [("startAt", features.start_at), ("endAt", features.end_at)] {
            if let Some(at) = at {
                statements.typed(id, &term(name), &lexical::date_time(at), "dateTime");
            }
        }
        if let Some(state) = &features.state {
            statements.text(id, &term("state"), state);
        }
        if let Some(rate) = features.rate {
            statements.typed(id, &term("rate"), &lexical::duration(rate), "duration");
        }
        if let Some(accept) = &features.accept {
            statements.text(id, &term("accept"), &accept.sent);
        }
        match self.endpoint {
            Endpoint::ReceiveFrom(url) => statements.link(id, &term("receiveFrom"), url),
            Endpoint::SendTo { target, sender } => {
                statements.link(id, &term("sendTo"), target);
                statements.link(id, &term("sender"), sender);
            }
            Endpoint::Hidden => {}
        }
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Service, media::BodyType, subscription};
    use podbell_model::rdf;

    const ID: &str = "https://pod.example/.notifications/channels/0b6c";

    fn answer(body: &str, representation: Representation) -> String {
        let service = Service::test();
        let request = subscription::parse(body.as_bytes(), BodyType::default(), &service).unwrap();
        let document = ChannelDocument {
            id: ID,
            channel_type: request.channel_type,
            topics: &request.topics,
            features: &request.features,
            endpoint: Endpoint::ReceiveFrom("wss://pod.example/.notifications/connect/Qd8r"),
        };
        String::from_utf8(document.write(&request.spelling, representation)).unwrap()
    }

    const REQUEST: &str = r#"{"@context":["https://www.w3.org/ns/solid/notifications-context/v1"],
        "type":"WebSocketChannel2023","topic":["https://pod.example/n/1","https://pod.example/n/"],
        "endAt":"2030-01-01T00:00:00","rate":"PT2s","accept":"text/turtle","foo":1,"id":"urn:mine"}"#;

    #[test]
    fn the_answer_is_in_the_words_of_the_request() {
        assert_eq!(
            answer(REQUEST, Representation::default()),
            r#"{"@context":["https://www.w3.org/ns/solid/notifications-context/v1"],"id":"https://pod.example/.notifications/channels/0b6c","type":"WebSocketChannel2023","topic":["https://pod.example/n/1","https://pod.example/n/"],"endAt":"2030-01-01T00:00:00.000Z","rate":"PT2S","accept":"text/turtle","receiveFrom":"wss://pod.example/.notifications/connect/Qd8r"}"#
        );
        let full = "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023";
        let request = format!(
            r#"{{"@context":"https://www.w3.org/ns/solid/notification/v1","type":"{full}","topic":"https://pod.example/a"}}"#
        );
        assert_eq!(
            answer(&request, Representation::default()),
            format!(
                r#"{{"@context":"https://www.w3.org/ns/solid/notification/v1","id":"{ID}","type":"{full}","topic":"https://pod.example/a","receiveFrom":"wss://pod.example/.notifications/connect/Qd8r"}}"#
            )
        );
    }

    #[test]
    fn turtle_has_one_subject_and_one_type() {
        assert_eq!(
            answer(REQUEST, Syntax::Turtle.into()),
            "@prefix notify: <http://www.w3.org/ns/solid/notifications#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<https://pod.example/.notifications/channels/0b6c> a notify:WebSocketChannel2023 ;
    notify:topic <https://pod.example/n/1> ;
    notify:topic <https://pod.example/n/> ;
    notify:endAt \"2030-01-01T00:00:00.000Z\"^^xsd:dateTime ;
    notify:rate \"PT2S\"^^xsd:duration ;
    notify:accept \"text/turtle\" ;
    notify:receiveFrom <wss://pod.example/.notifications/connect/Qd8r> .
"
        );
    }

    #[test]
    fn every_representation_is_the_same_graph() {
        let graph = |representation: Representation| {
            let text = answer(REQUEST, representation);
            rdf::parse(representation.syntax.rdf_format(), ID, text.as_bytes()).unwrap()
        };
        let turtle = graph(Syntax::Turtle.into());
        assert_eq!(turtle.len(), 7);
        assert_eq!(graph(Syntax::NTriples.into()), turtle);
        assert_eq!(graph(Syntax::JsonLd.into()), turtle);
        assert_eq!(graph(Representation { syntax: Syntax::JsonLd, expanded: true }), turtle);
    }

    #[test]
    fn a_capability_is_not_printed_for_debugging() {
        assert!(!format!("{:?}", Endpoint::ReceiveFrom("wss://x/secret")).contains("secret"));
    }
}
