//! What the answers of this door have in common: three media types for the same bytes, and problems with a 400 for
//! whatever cannot be done.

use crate::{
    notifications::answer::{etag, joined, matches, refused as told},
    problem::Problem,
};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use podbell_wire::lws::{self, Form, LwsError};

/// The form that is accepted.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    lws::negotiate(joined(headers, &header::ACCEPT).as_deref()).map_err(|error| refused(&error))
}

/// A refusal of the grammar, with its status.
pub(super) fn refused(error: &LwsError) -> Problem {
    let problem = told(error.problem(), error.to_string());
    match error {
        LwsError::MediaType => {
            problem.replacing(HeaderName::from_static("accept-post"), HeaderValue::from_static(lws::ACCEPT_POST))
        }
        _ => problem,
    }
}

/// A document.
pub(super) fn document(form: Form, body: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static(form.media_type());
    ([(header::CONTENT_TYPE, content_type), (header::VARY, HeaderValue::from_static("Accept"))], body).into_response()
}

/// A document for one agent, or that it is still the one that was kept.
pub(super) fn own(headers: &HeaderMap, form: Form, body: Vec<u8>) -> Result<Response, Problem> {
    let etag = etag(&body);
    let mut response = if matches(headers, &header::IF_NONE_MATCH, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        document(form, body)
    };
    let answer = response.headers_mut();
    answer.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    Ok(response)
}

/// That a document is the one that the client knows, where it asks for that.
pub(super) fn unchanged(headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
    if headers.contains_key(header::IF_MATCH) && !matches(headers, &header::IF_MATCH, &etag(body)) {
        return Err(Problem::blank(StatusCode::PRECONDITION_FAILED).detail("it is another one than you know"));
    }
    Ok(())
}
