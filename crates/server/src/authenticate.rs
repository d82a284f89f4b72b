//! From the headers of a request to the subject that asks, or to a challenge.
//!
//! Spec: <https://solidproject.org/TR/oidc#resource>

pub mod lws;

use crate::{app::App, problem::Problem, request::Target};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use podbell_model::{Subject, Timestamp};
use podbell_oidc::{AuthError, Presented};
use podbell_wac::Refusal;
use std::sync::Arc;

/// The header of a proof.
pub(crate) static DPOP: HeaderName = HeaderName::from_static("dpop");

/// Who asks, and until when the credentials say so.
#[derive(Debug)]
pub struct Asker {
    /// Who.
    pub subject: Subject,
    /// None for the public.
    pub expires: Option<Timestamp>,
}

/// Who asks. Wrong credentials are never treated as none.
pub async fn authenticate(
    app: &App,
    method: &Method,
    target: &Target,
    headers: &HeaderMap,
) -> Result<Subject, Problem> {
    Ok(asker(app, method, target, headers).await?.subject)
}

/// The same, for what ends with the credentials.
pub async fn asker(app: &App, method: &Method, target: &Target, headers: &HeaderMap) -> Result<Asker, Problem> {
    let origin: Option<Arc<str>> = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).map(Arc::from);
    let (authorization, dpop) = (texts(headers, &header::AUTHORIZATION)?, texts(headers, &DPOP)?);
    let uri = target.uri();
    let presented = Presented { method: method.as_str(), uri: &uri, authorization: &authorization, dpop: &dpop };
    match app.verifier.verify(&presented, app.now()).await {
        Ok(Some(credentials)) => Ok(Asker { subject: credentials.subject(origin), expires: Some(credentials.expires) }),
        Ok(None) => Ok(Asker { subject: Subject { origin, ..Subject::public() }, expires: None }),
        Err(error) => Err(refused(&error)),
    }
}

/// The values of a header.
pub(crate) fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Vec<&'h str>, Problem> {
    let texts =
        headers.get_all(name).iter().map(|value| value.to_str().map_err(|_| refused(&AuthError::Authorization)));
    texts.collect()
}

/// What is answered to credentials that do not hold.
pub(crate) fn refused(error: &AuthError) -> Problem {
    if error.is_temporary() {
        return Problem::unavailable(error.clone()).detail("the credentials cannot be verified now");
    }
    tracing::debug!(%error, "credentials refused");
    challenged(&error.challenge().to_string()).detail(error.to_string())
}

fn challenged(challenge: &str) -> Problem {
    let problem = Problem::blank(StatusCode::UNAUTHORIZED);
    match HeaderValue::from_str(challenge) {
        Ok(value) => problem.header(header::WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}

/// 401 to the public, 403 to an agent: the same for what exists and what does not.
pub fn not_allowed(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Unauthenticated => {
            challenged(&podbell_oidc::Challenge::default().to_string()).detail("authentication is required")
        }
        Refusal::Forbidden => Problem::blank(StatusCode::FORBIDDEN).detail("the access rules do not grant this"),
    }
}

/// What a refusal is called, by who asks.
pub fn refusal(subject: &Subject) -> Refusal {
    if subject.webid.is_some() { Refusal::Forbidden } else { Refusal::Unauthenticated }
}
