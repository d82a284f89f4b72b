//! `/.well-known/solid`: what an origin and its storages offer. Public; it names services only.
//!
//! An origin with several storages has a document of its own, and each storage a description; a storage that has its
//! origin to itself is described there as both.

use super::{
    answer::{joined, kept, options},
    gateway, lws, services,
};
use crate::{app::App, problem::Problem, resources::http_date, sender};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, header};
use podbell_model::{ResourceIri, Subject, vocab::solid};
use podbell_wire::{Bounds, Described, Description, Syntax, media};

/// Last segments of the path of a description.
pub const WELL_KNOWN: &str = ".well-known/solid";
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The IRI of the description of a storage.
pub fn description_of(root: &ResourceIri) -> String {
    format!("{root}{WELL_KNOWN}")
}

/// What is described at a path of an origin, if it is the place of a description: the origin itself, or a storage.
pub fn described_at(app: &App, origin: &str, path: &str) -> Option<(String, Described)> {
    let above = path.strip_suffix(WELL_KNOWN)?;
    let root = ResourceIri::at(origin, above).ok()?;
    match (app.storages.rooted(&root), above) {
        (Some(_), "/") => Some((root.to_string(), Described::StorageAndOrigin)),
        (Some(_), _) => Some((root.to_string(), Described::Storage)),
        (None, "/") => Some((root.to_string(), Described::Origin)),
        (None, _) => None,
    }
}

/// Answers a request for a description.
pub fn describe(
    app: &App,
    (subject, described): (String, Described),
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    // Read before anything else: what is not in what is read next comes after.
    let head = app.log.head();
    let itself = match described {
        Described::Origin => Vec::new(),
        Described::Storage | Described::StorageAndOrigin => {
            let other = ResourceIri::parse(&subject).ok().and_then(|root| lws::link(app, &root));
            std::iter::once(described_by(&subject)?).chain(other).collect()
        }
    };
    match *method {
        Method::OPTIONS => return Ok(linked(options(ALLOW, None), itself)),
        Method::GET | Method::HEAD => {}
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    }
    // It is public, so its cursor is everybody's.
    let storage = ResourceIri::parse(&subject).ok().and_then(|root| app.storages.rooted(&root));
    let cursor = storage.and_then(|storage| app.cursors.at(&Subject::public(), storage.id, head));
    let offers = [Syntax::Turtle, Syntax::JsonLd, Syntax::NTriples];
    let representation = media::negotiate(joined(headers, &header::ACCEPT).as_deref(), &offers)?;
    let body = Description {
        subject,
        described,
        services: services::TYPES.map(|channel_type| services::of(app, channel_type)).to_vec(),
        gateway: Some(gateway::url(app)),
        bounds: Some(Bounds {
            vocabulary: podbell_wire::EXTENSIONS.to_owned(),
            retention: app.settings.retention.time.into(),
            remote_groups: app.settings.wac.remote_groups.into(),
        }),
        sender: Some(sender::document(&app.sender, app.now())),
    }
    .write(representation);
    let mut response = kept(headers, representation.media_type(), body)?;
    let answer = response.headers_mut();
    if let Some(cursor) = cursor.and_then(|cursor| HeaderValue::from_bytes(&cursor).ok()) {
        answer.insert(super::CURSOR, cursor);
    }
    answer.insert(header::VARY, HeaderValue::from_static("Accept"));
    answer.insert(header::ALLOW, HeaderValue::from_static(ALLOW));
    answer.insert(header::LAST_MODIFIED, HeaderValue::from_str(&http_date(app.started)).map_err(Problem::internal)?);
    Ok(linked(response, itself))
}

/// The link of every answer about a resource of a storage, its description among them.
fn described_by(root: &str) -> Result<HeaderValue, Problem> {
    let link = format!("<{root}{WELL_KNOWN}>; rel=\"{}\"", solid::STORAGE_DESCRIPTION);
    HeaderValue::from_str(&link).map_err(Problem::internal)
}

fn linked(mut response: Response, links: Vec<HeaderValue>) -> Response {
    for link in links {
        response.headers_mut().append(header::LINK, link);
    }
    response
}
