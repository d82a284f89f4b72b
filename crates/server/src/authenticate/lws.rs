//! Who asks at the door of Linked Web Storage: as everywhere, or by a bearer token of an authorization server that the
//! settings name. No other door takes one.
//!
//! A 401 says both: the challenge of DPoP, and for each authorization server where it is and for which realm.

use super::{refused, texts};
use crate::{app::App, problem::Problem, request::Target};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use podbell_model::Subject;
use podbell_oidc::LwsVerifier;

/// Who asks.
pub async fn authenticate(
    app: &App,
    method: &Method,
    target: &Target,
    headers: &HeaderMap,
) -> Result<Subject, Problem> {
    let Some(verifier) = &app.lws_verifier else { return super::authenticate(app, method, target, headers).await };
    let authorization = texts(headers, &header::AUTHORIZATION).map_err(|problem| challenged(app, problem))?;
    let asked = match &*authorization {
        [header] => LwsVerifier::token(header),
        _ => None,
    };
    let Some(token) = asked else {
        return super::authenticate(app, method, target, headers).await.map_err(|problem| challenged(app, problem));
    };
    let credentials = verifier.verify(token, app.now()).await.map_err(|error| challenged(app, refused(&error)))?;
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).map(Into::into);
    Ok(credentials.subject(origin))
}

/// A 401 with the challenges of this door beside those that it has; any other problem as it is.
pub fn challenged(app: &App, problem: Problem) -> Problem {
    let Some(verifier) = app.lws_verifier.as_ref().filter(|_| problem.status() == StatusCode::UNAUTHORIZED) else {
        return problem;
    };
    verifier.challenges().fold(problem, |problem, challenge| match HeaderValue::from_str(&challenge.to_string()) {
        Ok(value) => problem.header(header::WWW_AUTHENTICATE, value),
        Err(_) => problem,
    })
}
