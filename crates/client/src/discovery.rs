//! How a topic can be listened to: from the topic to the description of its storage, and from there to the services.
//!
//! Where no link leads to a description, the document of the origin is looked at.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#discovery>

use crate::{
    answer::{failure, text},
    client::Client,
    error::WatchError,
    links::links,
    options::{Transport, Wants},
};
use bytes::Bytes;
use http::{HeaderName, Method, header};
use oxrdf::{Dataset, TermRef};
use podbell_model::vocab::{pim, solid};
use podbell_wire::{ChannelType, Feature, terms};
use url::Url;

/// The field that tells how far what is read is.
pub(crate) const CURSOR: HeaderName = HeaderName::from_static("podbell-cursor");
const RDF: &str = "text/turtle, application/ld+json;q=0.9";
/// Most services of one description that are looked at.
const MAX_SERVICES: usize = 32;

/// A subscription service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) url: Url,
    pub(crate) transport: Transport,
    features: Vec<String>,
}

impl Service {
    pub(crate) fn offers(&self, feature: Feature) -> bool {
        self.features.iter().any(|iri| *iri == feature.iri() || terms::local_name(iri) == Some(feature.name()))
    }
}

/// How one topic is listened to, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) service: Service,
    /// The root of its storage, if the server says it.
    pub(crate) storage: Option<Url>,
    /// Where now is, if the server says it.
    pub(crate) cursor: Option<String>,
}

/// Looks how a topic can be listened to. Tells who may not read it.
pub(crate) async fn discover(client: &Client, topic: &Url, wants: &Wants) -> Result<Found, WatchError> {
    let answer = client.send(Method::HEAD, topic, &[(header::ACCEPT, "*/*")], Bytes::new()).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let is_missing = matches!(status.as_u16(), 404 | 405 | 410);
    if !status.is_success() && !is_missing {
        let mut failed = failure(topic.as_str(), status, &headers, String::new());
        if let WatchError::Moved { to, .. } = &mut failed {
            *to = topic.join(to).map_or_else(|_| to.clone(), Into::into);
        }
        return Err(failed);
    }
    let mut places = links(&headers, topic, solid::STORAGE_DESCRIPTION);
    places.truncate(2);
    places.extend(topic.join("/.well-known/solid"));
    let mut services = Vec::new();
    for place in &places {
        services = described(client, place).await?;
        if !services.is_empty() {
            break;
        }
    }
    let service = choose(topic, services, wants)?;
    let cursor = text(&headers, &CURSOR).map(str::to_owned);
    Ok(Found { service, storage: links(&headers, topic, pim::STORAGE).into_iter().next(), cursor })
}

/// The services that a description names; none if there is no such document.
async fn described(client: &Client, place: &Url) -> Result<Vec<Service>, WatchError> {
    let answer = client.ask(Method::GET, place, &[(header::ACCEPT, RDF)], Bytes::new()).await?;
    let answer = match answer.success() {
        Ok(answer) => answer,
        Err(error) if error.is_transient() => return Err(error),
        Err(_) => return Ok(Vec::new()),
    };
    let description = answer.statements()?;
    let mut services = Vec::new();
    for url in named(&description, None, "subscription").into_iter().take(MAX_SERVICES) {
        let Ok(url) = Url::parse(&url) else { continue };
        if let Some(found) = service(&description, &url) {
            services.extend(found);
            continue;
        }
        // It says of itself what it is.
        let own = client.ask(Method::GET, &url, &[(header::ACCEPT, RDF)], Bytes::new()).await?;
        let own = own.success().and_then(|own| own.statements());
        services.extend(own.ok().and_then(|own| service(&own, &url)).unwrap_or_default());
    }
    Ok(services)
}

/// A service as a document describes it: none if it does not; nothing if it is of a type that this client does not know.
fn service(document: &Dataset, url: &Url) -> Option<Vec<Service>> {
    let types = named(document, Some(url.as_str()), "channelType");
    if types.is_empty() {
        return None;
    }
    let types: Vec<_> = types.iter().filter_map(|iri| ChannelType::from_iri(iri)).collect();
    let transport = Transport::ALL.into_iter().find(|transport| types.contains(&transport.channel_type()));
    let features = named(document, Some(url.as_str()), "feature");
    Some(transport.map(|transport| Service { url: url.clone(), transport, features }).into_iter().collect())
}

/// The IRIs that a term of the notifications vocabulary leads to, from a subject or from any.
pub(crate) fn named(document: &Dataset, subject: Option<&str>, term: &str) -> Vec<String> {
    let quads = document.iter().filter(|quad| terms::local_name(quad.predicate.as_str()) == Some(term));
    let quads = quads.filter(|quad| match (subject, quad.subject) {
        (None, _) => true,
        (Some(wanted), oxrdf::NamedOrBlankNodeRef::NamedNode(node)) => node.as_str() == wanted,
        _ => false,
    });
    let mut found: Vec<_> = quads
        .filter_map(|quad| {
            if let TermRef::NamedNode(node) = quad.object {
                return Some(node.as_str().to_owned());
            }
            if let TermRef::Literal(literal) = quad.object { Some(literal.value().to_owned()) } else { None }
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The service to take.
fn choose(topic: &Url, services: Vec<Service>, wants: &Wants) -> Result<Service, WatchError> {
    if services.is_empty() {
        return Err(WatchError::unsupported(topic.as_str(), "its server offers no notifications that are known here"));
    }
    let mut offered: Vec<_> = services.iter().map(|service| service.transport.name()).collect();
    offered.dedup();
    let offered = offered.join(", ");
    let rank = |service: &Service| Transport::ALL.iter().position(|transport| *transport == service.transport);
    let wanted = services.into_iter().filter(|one| wants.transport.is_none_or(|wanted| wanted == one.transport));
    wanted.min_by_key(rank).ok_or_else(|| {
        let wanted = wants.transport.map_or("", Transport::name);
        WatchError::unsupported(topic.as_str(), format!("its server does not offer {wanted}; it offers {offered}"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use podbell_model::rdf::{self, RdfFormat};

    #[test]
    fn services_are_read_in_every_spelling_of_the_vocabulary() {
        for namespace in ["http://www.w3.org/ns/solid/notifications#", "https://www.w3.org/ns/solid/notification#"] {
            let text = format!(
                "@prefix n: <{namespace}> . <> n:subscription <s>, <w>, <x> .
                 <s> n:channelType n:WebSocketChannel2023 ; n:feature n:rate, <urn:podbell:terms#recursive> .
                 <w> n:channelType n:WebhookChannel2023 ."
            );
            let document = rdf::parse(RdfFormat::Turtle, "https://pod.example/", text.as_bytes()).unwrap();
            let at = |path: &str| service(&document, &Url::parse(&format!("https://pod.example/{path}")).unwrap());
            let socket = at("s").unwrap().remove(0);
            assert_eq!(socket.transport, Transport::WebSocket);
            let offers = [Feature::Rate, Feature::Recursive, Feature::Cursor].map(|feature| socket.offers(feature));
            assert_eq!(offers, [true, true, false]);
            assert_eq!((at("w"), at("x")), (Some(Vec::new()), None));
            assert_eq!(named(&document, None, "subscription").len(), 3);
        }
    }

    #[test]
    fn the_wanted_service_is_taken_or_it_is_said_what_there_is() {
        let topic = Url::parse("https://pod.example/a").unwrap();
        let of = |transport| Service { url: topic.clone(), transport, features: Vec::new() };
        let both = || vec![of(Transport::Streaming), of(Transport::WebSocket)];
        assert_eq!(choose(&topic, both(), &Wants::default()).unwrap().transport, Transport::WebSocket);
        let wants = Wants { transport: Some(Transport::EventSource), ..Wants::default() };
        let told = choose(&topic, both(), &wants).unwrap_err().to_string();
        assert!(told.ends_with("does not offer eventsource; it offers streaming, websocket"), "{told}");
    }
}
