//! From what was done, or was not, to the HTTP answer.

use super::links;
use crate::{
    app::App,
    page,
    problem::Problem,
    protect,
    request::{self, BodyError},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use podbell_model::{ResourceIri, Timestamp};
use podbell_pod::{Allowed, Effect, Kind, Outcome, Representation, RepresentationBody, Validators, Written};
use serde_json::json;

/// An answer to OPTIONS: what a name takes, by its spelling alone, so that nothing leaks.
///
/// Spec: <https://solidproject.org/TR/protocol#server-storage-description>
pub(super) fn options(app: &App, target: &ResourceIri) -> Response {
    let response = links::with_names(StatusCode::NO_CONTENT.into_response(), app, target);
    with_allowed(response, app, target)
}

/// What an operation came to.
pub(super) fn outcome(app: &App, target: &ResourceIri, outcome: Outcome) -> Response {
    let response = match outcome {
        Outcome::Read(representation) => links::with_conditions(read(target, *representation), app, target),
        Outcome::NotModified(validators) => {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            put_validators(response.headers_mut(), &validators);
            set(response.headers_mut(), header::VARY, "Accept");
            links::with_names(response, app, target)
        }
        Outcome::Written(written) => wrote(&written),
    };
    with_allowed(response, app, target)
}

fn read(target: &ResourceIri, representation: Representation) -> Response {
    let Representation {
        validators,
        content_type,
        length,
        part,
        ranges,
        page: is_page,
        preference_applied,
        links,
        body,
    } = representation;
    let status = if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let body = match body {
        RepresentationBody::None => Body::empty(),
        RepresentationBody::Bytes(bytes) => Body::from(bytes),
        RepresentationBody::Stream(stream) => Body::from_stream(stream),
        RepresentationBody::Page(content) => page::body(target.clone(), links.storage.clone(), *content),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, &content_type);
    set(headers, header::VARY, "Accept");
    put_validators(headers, &validators);
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Some((first, last, whole)) = part {
        set(headers, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{whole}"));
    }
    if ranges {
        set(headers, header::ACCEPT_RANGES, "bytes");
    }
    if let Some(preference) = preference_applied {
        set(headers, HeaderName::from_static("preference-applied"), preference);
    }
    // A pod that has an origin to itself may show its own pages there.
    let own_origin = links.storage.path() == "/";
    if let Some(disposition) = protect::disposition(&content_type).filter(|_| !own_origin && !is_page) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    links::put(headers, &links);
    if is_page {
        page::own(&mut response);
    }
    response
}

fn wrote(written: &Written) -> Response {
    let status = match written.effect {
        Effect::Created => StatusCode::CREATED,
        Effect::Replaced | Effect::Deleted | Effect::Unchanged => StatusCode::NO_CONTENT,
    };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    if written.effect == Effect::Created {
        set(headers, header::LOCATION, written.resource.as_str());
    }
    if let Some(validators) = &written.validators {
        put_validators(headers, validators);
    }
    links::put(headers, &written.links);
    response
}

/// Says what the requester and the public may do.
///
/// Spec: <https://solidproject.org/TR/wac#wac-allow>
pub(super) fn with_rights(mut response: Response, rights: Option<String>) -> Response {
    if let Some(rights) = rights {
        set(response.headers_mut(), HeaderName::from_static("wac-allow"), &rights);
    }
    response
}

fn with_allowed(mut response: Response, app: &App, target: &ResourceIri) -> Response {
    let Some(shape) = app.pod.shape(target) else { return response };
    put_allowed(response.headers_mut(), &shape.allowed());
    response
}

fn put_allowed(headers: &mut HeaderMap, allowed: &Allowed) {
    set(headers, header::ALLOW, &allowed.header());
    for (name, value) in [
        ("accept-put", allowed.accept_put),
        ("accept-post", allowed.accept_post),
        ("accept-patch", allowed.accept_patch),
    ] {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
}

fn put_validators(headers: &mut HeaderMap, validators: &Validators) {
    set(headers, header::ETAG, &validators.etag);
    set(headers, header::LAST_MODIFIED, &http_date(validators.modified));
}

/// The status of a refusal.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::BadRequest => StatusCode::BAD_REQUEST,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::NotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Busy | Kind::Contended => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Full => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Why an operation was not done, with its status.
pub(super) fn problem(app: &App, target: &ResourceIri, problem: podbell_pod::Problem) -> Problem {
    if let Some(error) = received(&problem) {
        return error.into();
    }
    let status = status(problem.kind());
    let title = match problem.kind() {
        Kind::BadRequest => "The request is malformed",
        Kind::Forbidden => "Nobody may do this",
        Kind::NotFound => "Not Found",
        Kind::NotAllowed => "Method Not Allowed",
        Kind::NotAcceptable => "Not Acceptable",
        Kind::Conflict => "The state of the resource stands against it",
        Kind::PreconditionFailed => "Precondition Failed",
        Kind::TooLarge => "The body is too large",
        Kind::UnsupportedMediaType => "Unsupported Media Type",
        Kind::RangeNotSatisfiable => "Range Not Satisfiable",
        Kind::Unprocessable => "The content cannot be processed",
        Kind::Busy => return Problem::blank(status).detail(problem.to_string()).retry_after(10),
        Kind::Contended => return Problem::unavailable(problem).retry_after(1),
        Kind::Full if !matches!(problem, podbell_pod::Problem::OverQuota(_)) => {
            return Problem::blank(status).detail("there is no space left to write; nothing was changed");
        }
        Kind::Full => "The pod is full",
        Kind::Failed => return Problem::internal(problem),
    };
    let mut told = match slug(problem.kind()) {
        Some(slug) => Problem::new(status, slug, title),
        None => Problem::blank(status),
    };
    told = told.detail(problem.to_string());
    if let Some(requirement) = problem.requirement() {
        told = told.member("requirement", json!(requirement));
    }
    match problem {
        podbell_pod::Problem::Range(whole) => {
            let range = HeaderValue::from_str(&format!("bytes */{whole}"));
            range.map_or(told.clone(), |range| told.header(header::CONTENT_RANGE, range))
        }
        // What is absent too: clients look there for how it can be made.
        _ if matches!(
            status,
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::NOT_FOUND
        ) =>
        {
            allowed(app, target, told)
        }
        _ => told,
    }
}

fn allowed(app: &App, target: &ResourceIri, problem: Problem) -> Problem {
    let Some(shape) = app.pod.shape(target) else { return problem };
    let mut headers = HeaderMap::new();
    put_allowed(&mut headers, &shape.allowed());
    headers.into_iter().fold(problem, |problem, (name, value)| match name {
        Some(name) => problem.header(name, value),
        None => problem,
    })
}

/// The kinds that a client can do something about have a type of their own.
fn slug(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::BadRequest => "malformed-content",
        Kind::Conflict => "conflict",
        Kind::Unprocessable => "unprocessable-content",
        Kind::Forbidden => "reserved-name",
        _ => return None,
    })
}

/// What went wrong with the body itself, however deep it lies.
fn received(problem: &podbell_pod::Problem) -> Option<BodyError> {
    request::problem_of(problem)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// An instant as HTTP writes it, in whole seconds.
///
/// Spec: RFC 9110 §5.6.7
pub(crate) fn http_date(instant: Timestamp) -> String {
    instant.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        let instant: Timestamp = "1994-11-06T08:49:37.9Z".parse().unwrap();
        assert_eq!(http_date(instant), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
