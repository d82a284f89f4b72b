//! What the front doors' answers have in common.

use crate::problem::Problem;
use aws_lc_rs::digest;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use podbell_wire::{MediaTypeError, Refusal, Representation, media};
use std::fmt::Write as _;

/// A document in the representation that was chosen.
pub(super) fn document(status: StatusCode, representation: Representation, body: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static(representation.media_type());
    (status, [(header::CONTENT_TYPE, content_type), (header::VARY, HeaderValue::from_static("Accept"))], body)
        .into_response()
}

/// Answers hold capabilities: nobody may keep them.
pub(super) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A public document that may be kept for five minutes, or that it is still the one that was kept.
pub(super) fn kept(headers: &HeaderMap, media_type: &'static str, body: Vec<u8>) -> Result<Response, Problem> {
    let etag = etag(&body);
    let mut response = if matches(headers, &header::IF_NONE_MATCH, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], body).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}

/// Whether a condition names a tag, or any.
pub(super) fn matches(headers: &HeaderMap, condition: &http::HeaderName, etag: &str) -> bool {
    let tags = joined(headers, condition);
    tags.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*"))
}

/// The strong tag of a body.
pub(super) fn etag(body: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, body);
    hash.as_ref()[..8].iter().fold(String::from("\""), |mut tag, byte| {
        let _ = write!(tag, "{byte:02x}");
        tag
    }) + "\""
}

/// `OPTIONS` on something that takes these methods.
pub(super) fn options(allow: &'static str, accept_post: Option<&'static str>) -> Response {
    let mut response = (StatusCode::NO_CONTENT, [(header::ALLOW, HeaderValue::from_static(allow))]).into_response();
    if let Some(types) = accept_post {
        response.headers_mut().insert("accept-post", HeaderValue::from_static(types));
    }
    response
}

/// A refusal of one of the grammars, with its status.
pub(super) fn refused(problem: podbell_wire::Problem, detail: String) -> Problem {
    let status = match problem.refusal {
        Refusal::Syntax => StatusCode::BAD_REQUEST,
        Refusal::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Refusal::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refusal::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let told = Problem::new(status, problem.slug, problem.title).detail(detail);
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        told.header(http::HeaderName::from_static("accept-post"), HeaderValue::from_static(media::ACCEPT_POST))
    } else {
        told
    }
}

impl From<MediaTypeError> for Problem {
    fn from(error: MediaTypeError) -> Self {
        refused(error.problem(), error.to_string())
    }
}

/// The value of a header, several lines joined by commas.
pub(super) fn joined(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}
