//! Problems: what a client is told when something does not work.
//!
//! The media type is `application/problem+json` exactly: a parameter makes deployed clients ignore the body. Causes
//! inside the server are never told; they travel beside the response to the one place that logs them.
//!
//! Spec: RFC 9457 <https://www.rfc-editor.org/rfc/rfc9457>

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, error::Error, fmt, sync::Arc};
use uuid::Uuid;

/// The media type of a problem, without parameters.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What `type` begins with; the slug follows.
pub const TYPE_PREFIX: &str = "urn:podbell:problem:";

/// A problem; becomes a response.
#[derive(Clone, Debug)]
pub struct Problem(Box<Told>);

/// Apart, so that a `Result` with a [`Problem`] stays small.
#[derive(Clone, Debug)]
struct Told {
    status: StatusCode,
    slug: Option<&'static str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    members: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<Cause>,
}

/// Why the server failed: beside the response, for the log only.
#[derive(Clone)]
pub struct Cause {
    /// Names this occurrence; the client is told the same id.
    pub id: Uuid,
    /// What went wrong, with its sources.
    pub error: Arc<dyn Error + Send + Sync>,
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cause").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Problem {
    /// A problem that its status says all about: `about:blank`, titled with the reason phrase.
    pub fn blank(status: StatusCode) -> Self {
        Self(Box::new(Told {
            status,
            slug: None,
            title: status.canonical_reason().unwrap_or("Error").into(),
            detail: None,
            members: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// A problem with a stable type of its own. `slug`: lower case, words joined by `-`; never changes once released.
    pub fn new(status: StatusCode, slug: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        let mut problem = Self::blank(status);
        problem.0.slug = Some(slug);
        problem.0.title = title.into();
        problem
    }

    /// 500: the cause is logged under an id that the client is told.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::blank(StatusCode::INTERNAL_SERVER_ERROR).caused_by(cause)
    }

    /// 503 with `Retry-After`: something this server needs does not answer.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::blank(StatusCode::SERVICE_UNAVAILABLE).retry_after(5).caused_by(cause)
    }

    /// 400.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::blank(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::blank(StatusCode::NOT_FOUND)
    }

    /// 405 with `Allow`.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::blank(StatusCode::METHOD_NOT_ALLOWED)
            .detail(format!("what is taken here: {allow}"))
            .header(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// 413, for a body larger than `limit` bytes.
    pub fn too_large(limit: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            .detail(format!("at most {limit} bytes are taken here"))
            .member("limit", json!(limit))
    }

    /// 429 with `Retry-After`, for a limit that was reached.
    pub fn too_many(detail: impl Into<Cow<'static, str>>, retry_seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "limit-reached", "A limit is reached")
            .detail(detail)
            .retry_after(retry_seconds)
    }

    /// Says more. Never repeat credentials or capabilities here.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an extension member.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header: a challenge, `Allow`, `Accept-Patch`. Several of one name stay apart.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Puts a header in the place of those of its name.
    #[must_use]
    pub fn replacing(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// For front doors that say 400 of whatever cannot be done: 422 becomes that.
    #[must_use]
    pub fn as_bad_request(mut self) -> Self {
        if self.0.status == StatusCode::UNPROCESSABLE_ENTITY {
            self.0.status = StatusCode::BAD_REQUEST;
        }
        self
    }

    /// Says when to come again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Cause { id: Uuid::new_v4(), error: Arc::from(cause.into()) });
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Its JSON body.
    pub fn body(&self) -> Value {
        let mut body = self.0.members.clone();
        let kind = self.0.slug.map_or_else(|| "about:blank".to_owned(), |slug| format!("{TYPE_PREFIX}{slug}"));
        body.insert("type".to_owned(), kind.into());
        body.insert("title".to_owned(), self.0.title.as_ref().into());
        body.insert("status".to_owned(), self.0.status.as_u16().into());
        if let Some(detail) = &self.0.detail {
            body.insert("detail".to_owned(), detail.as_ref().into());
        }
        if let Some(cause) = &self.0.cause {
            body.insert("instance".to_owned(), format!("urn:uuid:{}", cause.id).into());
        }
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    /// The response has the problem beside it, for those who show it in another form.
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.body().to_string()).into_response();
        response.extensions_mut().insert(self.clone());
        let headers = response.headers_mut();
        headers.extend(self.0.headers);
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(cause) = self.0.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn read(problem: Problem) -> (http::response::Parts, Value) {
        let (parts, body) = problem.into_response().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn the_media_type_has_no_parameter() {
        let (parts, body) = read(Problem::not_found()).await;
        assert_eq!(
            parts.headers.get_all(header::CONTENT_TYPE).iter().collect::<Vec<_>>(),
            ["application/problem+json"]
        );
        assert_eq!(body, json!({ "type": "about:blank", "title": "Not Found", "status": 404 }));
    }

    #[tokio::test]
    async fn members_and_headers_are_told() {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-context", "Not known")
            .detail("why")
            .member("violations", json!(["topic must not be empty"]))
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("DPoP"))
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        let (parts, body) = read(problem).await;
        assert_eq!(parts.headers.get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
        assert_eq!(body["type"], "urn:podbell:problem:unknown-context");
        assert_eq!(body["violations"][0], "topic must not be empty");
    }

    #[tokio::test]
    async fn when_to_come_again_is_said_once() {
        let (parts, _) = read(Problem::unavailable("why").retry_after(1)).await;
        assert_eq!(parts.headers.get_all(header::RETRY_AFTER).iter().collect::<Vec<_>>(), ["1"]);
    }

    #[tokio::test]
    async fn a_cause_is_for_the_log_only() {
        let (parts, body) = read(Problem::internal("the database at /secret/path is gone")).await;
        let cause = parts.extensions.get::<Cause>().unwrap();
        assert_eq!(body["instance"], format!("urn:uuid:{}", cause.id));
        assert!(!body.to_string().contains("secret"));
        assert!(!format!("{cause:?}").contains("secret"));
        assert!(cause.error.to_string().contains("secret"));
    }
}
