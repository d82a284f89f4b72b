//! From an HTTP request to what is asked of the pod.

use crate::{app::App, causes::note_storm, problem::Problem, request};
use axum::body::{Body, HttpBody as _};
use http::{HeaderMap, HeaderName, Method, header, request::Parts};
use podbell_model::ResourceIri;
use podbell_pod::{Action, Content, Preconditions, Reading, Request};
use std::sync::Arc;

/// What a request asks. Its body is not read yet.
pub(super) fn request(app: &App, parts: &Parts, body: Body, target: ResourceIri) -> Result<Request, Problem> {
    let headers = &parts.headers;
    let action = match parts.method {
        Method::GET | Method::HEAD => Action::Read(Reading {
            accept: joined(headers, &header::ACCEPT)?.map(Arc::from),
            range: one(headers, &header::RANGE).map(Arc::from),
            if_range: one(headers, &header::IF_RANGE).map(Arc::from),
            prefer: joined(headers, &PREFER)?.map(Arc::from),
            head: parts.method == Method::HEAD,
            pages: true,
        }),
        Method::PUT => Action::Put { content: content(app, headers, body)? },
        Method::POST => Action::Post {
            content: content(app, headers, body)?,
            slug: one(headers, &SLUG).map(Arc::from),
            container: headers
                .get_all(header::LINK)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(podbell_pod::asks_for_container),
        },
        Method::PATCH => Action::Patch { content: content(app, headers, body)? },
        Method::DELETE => Action::Delete,
        _ => return Err(Problem::method_not_allowed(crate::cors::METHODS)),
    };
    let preconditions = Preconditions::parse(
        joined(headers, &header::IF_MATCH)?.as_deref(),
        joined(headers, &header::IF_NONE_MATCH)?.as_deref(),
        one(headers, &header::IF_MODIFIED_SINCE),
        one(headers, &header::IF_UNMODIFIED_SINCE),
    )
    .map_err(|problem| Problem::bad_request(problem.to_string()))?;
    let now = app.now();
    let causes = match action {
        Action::Read(_) => Arc::default(),
        _ => app.causes.of(headers, now),
    };
    note_storm(&causes, &target);
    Ok(Request { target, action, preconditions, now, causes, rules_as_of: None })
}

static PREFER: HeaderName = HeaderName::from_static("prefer");
static SLUG: HeaderName = HeaderName::from_static("slug");

fn content(app: &App, headers: &HeaderMap, body: Body) -> Result<Content, Problem> {
    if headers.get_all(header::CONTENT_TYPE).iter().count() > 1 {
        return Err(Problem::bad_request("there is more than one Content-Type"));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::blank(http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail("send the content without Content-Encoding"));
    }
    // A part would take the place of the whole.
    if headers.contains_key(header::CONTENT_RANGE) {
        return Err(Problem::bad_request("send the whole content, without Content-Range"));
    }
    let content_type: Option<Arc<str>> = match headers.get(header::CONTENT_TYPE) {
        Some(value) => {
            Some(value.to_str().map_err(|_| Problem::bad_request("the Content-Type is not readable"))?.into())
        }
        None => None,
    };
    if body.is_end_stream() {
        return Ok(match content_type {
            Some(content_type) => Content::bytes(Some(content_type), bytes::Bytes::new()),
            None => Content::none(),
        });
    }
    let limits = &app.settings.limits;
    // What says that it is too large is not waited for.
    if body.size_hint().lower() > limits.upload.bytes() as u64 {
        return Err(Problem::too_large(limits.upload.bytes() as u64));
    }
    let length = body.size_hint().exact();
    let body = request::paced(body, limits.upload.bytes() as u64, limits.body_timeout.into());
    Ok(Content::stream(content_type, body).of_length(length))
}

/// Several lines are one list.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let values: Result<Vec<&str>, _> = headers.get_all(name).iter().map(http::HeaderValue::to_str).collect();
    let values = values.map_err(|_| Problem::bad_request(format!("the header {name} is not readable")))?;
    Ok((!values.is_empty()).then(|| values.join(", ")))
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
