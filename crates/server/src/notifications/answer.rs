//! What the front doors' answers have in common.

use crate::problem::Problem;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use podbell_wire::{MediaTypeError, Refusal, Representation, media};

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
