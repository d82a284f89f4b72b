//! Asking for a channel.
//!
//! Only what the service offers is asked for: others pass over what they do not know, and nobody would learn of it.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#subscription-request>

use crate::{
    answer::clip,
    client::Client,
    discovery::{Service, named},
    error::WatchError,
    http::{is_private, leads},
    links::links,
    options::{ActivityType, Wants},
};
use bytes::Bytes;
use http::{Method, header};
use jiff::Timestamp;
use oxrdf::NamedOrBlankNodeRef;
use podbell_model::vocab::ldp;
use podbell_wire::{Feature, NotificationsContext, lexical, terms};
use serde_json::{Value, json};
use url::Url;

/// A channel that somebody may connect to.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// Where it is looked after, if it is.
    pub(crate) id: Option<Url>,
    pub(crate) receive_from: Url,
    pub(crate) end_at: Option<Timestamp>,
}

/// What a service does not offer of what is wanted, in words.
pub(crate) fn missing(service: &Service, wants: &Wants) -> Vec<&'static str> {
    let wanted = [
        (wants.recursive, Feature::Recursive, "what is below"),
        (wants.rate.is_some(), Feature::Rate, "a rate"),
        (wants.not_caused_by_me, Feature::NotCausedByMe, "leaving out your own changes"),
    ];
    let missing = wanted.into_iter().filter(|(wanted, feature, _)| *wanted && !service.offers(*feature));
    missing.map(|(_, _, what)| what).collect()
}

/// The types that the service is asked for: none if all are wanted, or if it does not sort them out.
pub(crate) fn sorted_out(service: &Service, wants: &Wants) -> bool {
    !wants.types.is_empty() && service.offers(Feature::ActivityType)
}

/// Refuses a service that a server names elsewhere, if it is a document or a folder: there, what is asked for would be
/// written in the name of whoever asks.
async fn is_service(client: &Client, url: &Url, topic: &Url) -> Result<(), WatchError> {
    if url.origin() == topic.origin() {
        return Ok(());
    }
    let none = || WatchError::not_understood(topic.as_str(), format!("{} is no service", clip(url.as_str())));
    if !leads(topic, url) {
        return Err(none());
    }
    let answer = client.send(Method::HEAD, url, &[(header::ACCEPT, "*/*")], Bytes::new()).await?;
    let headers = answer.headers();
    let is_kept = headers.contains_key("wac-allow")
        || !links(headers, url, "acl").is_empty()
        || links(headers, url, "type").iter().any(|kind| kind.as_str().starts_with(ldp::NS));
    // Where one may only add, nothing may be seen either.
    if is_kept || matches!(answer.status().as_u16(), 401 | 403) { Err(none()) } else { Ok(()) }
}

/// Asks for a channel about these topics.
pub(crate) async fn subscribe(
    client: &Client,
    service: &Service,
    topics: &[Url],
    wants: &Wants,
) -> Result<Channel, WatchError> {
    for topic in topics {
        is_service(client, &service.url, topic).await?;
    }
    let body = request(service, topics, wants).to_string();
    let json = "application/ld+json";
    let fields = [(header::CONTENT_TYPE, json), (header::ACCEPT, json)];
    let answer = client.ask(Method::POST, &service.url, &fields, Bytes::from(body)).await?.success()?;
    let plain: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let statements = answer.statements();
    // Contexts of other servers are not known here, and are not fetched; then plain keys do.
    let find = |term: &str| {
        let stated = statements.as_ref().ok().and_then(|document| named(document, None, term).into_iter().next());
        stated.or_else(|| plain[term].as_str().map(str::to_owned))
    };
    let wrong = |what: &str| WatchError::not_understood(service.url.as_str(), what);
    let receive_from = find("receiveFrom").ok_or_else(|| wrong("it holds no receiveFrom"))?;
    let receive_from = service.url.join(&receive_from).map_err(|_| wrong("its receiveFrom is no URL"))?;
    if !leads(&service.url, &receive_from) || (is_private(&service.url) && !is_private(&receive_from)) {
        return Err(wrong(&format!("its receiveFrom is not secret on the way: {}", clip(receive_from.as_str()))));
    }
    let subject = statements.as_ref().ok().and_then(|document| {
        let quad = document.iter().find(|quad| terms::local_name(quad.predicate.as_str()) == Some("receiveFrom"))?;
        match quad.subject {
            NamedOrBlankNodeRef::NamedNode(node) => Some(node.as_str().to_owned()),
            NamedOrBlankNodeRef::BlankNode(_) => None,
        }
    });
    let id = subject.or_else(|| plain["id"].as_str().map(str::to_owned)).and_then(|id| Url::parse(&id).ok());
    // It is deleted with credentials: only where it was made.
    let id = id.filter(|id| id.origin() == service.url.origin());
    Ok(Channel { id, receive_from, end_at: find("endAt").and_then(|at| lexical::parse_date_time(&at)) })
}

fn request(service: &Service, topics: &[Url], wants: &Wants) -> Value {
    let mut request = json!({
        "@context": [NotificationsContext::default().iri()],
        // In full: some servers take no other spelling.
        "type": service.transport.channel_type().iri(),
        "topic": match topics {
            [topic] => json!(topic.as_str()),
            topics => topics.iter().map(Url::as_str).collect(),
        },
    });
    let mut ask = |wanted: bool, feature: Feature, value: Value| {
        if wanted && service.offers(feature) {
            request[&*feature.compact()] = value;
        }
    };
    ask(true, Feature::Accept, json!("application/ld+json"));
    ask(true, Feature::Cursor, json!(true));
    ask(wants.recursive, Feature::Recursive, json!(true));
    ask(wants.not_caused_by_me, Feature::NotCausedByMe, json!(true));
    ask(wants.rate.is_some(), Feature::Rate, json!(wants.rate.map(lexical::duration)));
    let types: Vec<_> = wants.types.iter().copied().map(ActivityType::name).collect();
    ask(!types.is_empty(), Feature::ActivityType, json!(types));
    request
}

/// Ends a channel. One that is gone already is as good.
pub(crate) async fn end(client: &Client, channel: &Channel) {
    if let Some(id) = &channel.id {
        // Nobody is left to be told; it would end by itself.
        drop(client.ask(Method::DELETE, id, &[], Bytes::new()).await);
    }
}
