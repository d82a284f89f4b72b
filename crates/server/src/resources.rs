//! The resources of the pods over HTTP: a request is planned, authorized and applied; the answer is assembled in one
//! place.
//!
//! Order: the name; who asks; whether anything that it may turn out to need is granted; only then what exists, and
//! whether what it does need is granted.
//!
//! Spec: <https://solidproject.org/TR/protocol#http>

mod ask;
mod attempt;
mod links;
mod tell;

pub(crate) use attempt::{Attempt, Denied, attempt};
pub(crate) use tell::{http_date, status};

use crate::{
    app::App,
    authenticate::{authenticate, not_allowed},
    authorize::NotPermitted,
    notifications::{discovery, lws, services, streams},
    problem::Problem,
    request::Target,
    welcome,
};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode};
use podbell_model::ResourceIri;
use podbell_pod::Applied;
use podbell_wac::Access;
use std::sync::Arc;

/// How often an operation is authorized anew because the rules changed meanwhile.
pub(crate) const ATTEMPTS: usize = 16;

/// Any request that no other route takes.
pub async fn resource(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    request: Request<Body>,
) -> Response {
    if let Some(described) = discovery::described_at(&app, &target.origin, target.path()) {
        let described = discovery::describe(&app, described, request.method(), request.headers());
        return described.unwrap_or_else(IntoResponse::into_response);
    }
    if let Some(root) = lws::described_at(&app, &target.origin, target.path()) {
        let described = lws::describe(&app, &root, request.method(), request.headers());
        return described.unwrap_or_else(IntoResponse::into_response);
    }
    let iri = match ResourceIri::at(&target.origin, target.path()) {
        Ok(iri) => iri,
        Err(error) => {
            let Some(channel_type) = stream_at(&app, &target) else {
                return Problem::bad_request(error.to_string()).into_response();
            };
            let answered = streams::topic(State(app), Extension(target), request, channel_type).await;
            return answered.unwrap_or_else(IntoResponse::into_response);
        }
    };
    if let Some(channel_type) = service_at(&app, &iri) {
        let answered = services::service(State(app), Extension(target), request, channel_type).await;
        return answered.unwrap_or_else(IntoResponse::into_response);
    }
    if request.method() == Method::OPTIONS {
        return links::with_lws(tell::options(&app, &iri), &app, &iri);
    }
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && let Some(shown) = welcome::outside(&app, &iri, request.headers())
    {
        return shown;
    }
    let told = answer(&app, &target, iri.clone(), request).await;
    let told = told.unwrap_or_else(|problem| links::with_names(problem.into_response(), &app, &iri));
    links::with_lws(told, &app, &iri)
}

/// The subscription service at a path below the root of a storage.
fn service_at(app: &App, iri: &ResourceIri) -> Option<podbell_wire::ChannelType> {
    if !iri.path().contains("/.notifications/") {
        return None;
    }
    let storage = app.pod.storage_of(iri)?;
    services::named(iri.as_str().strip_prefix(storage.root.as_str())?)
}

/// The stream at a path below the root of a storage. Such a path names no resource: the topic in it has encoded slashes.
fn stream_at(app: &App, target: &Target) -> Option<podbell_wire::ChannelType> {
    let (root, channel_type) = streams::named(target.path())?;
    let root = ResourceIri::at(&target.origin, root).ok()?;
    app.storages.rooted(&root).map(|_| channel_type)
}

fn refused(error: NotPermitted) -> Problem {
    match error {
        NotPermitted::Refused(refusal) => not_allowed(refusal),
        NotPermitted::Unknown(error) => Problem::unavailable(error),
    }
}

async fn answer(app: &App, target: &Target, iri: ResourceIri, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let subject = authenticate(app, &parts.method, target, &parts.headers).await?;
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let mut asked = ask::request(app, &parts, body, iri.clone())?;
    // Read before the resource is: whatever is not in what is answered comes after.
    let head = reads.then(|| app.log.head());
    if parts.method == Method::PATCH && app.pod.storage_of(&iri).is_some() {
        // What a patch needs stands in it. From those who may neither read nor add anything it is not even received.
        let least = vec![Access::Post { container: iri.clone() }, Access::Read { resource: iri.clone() }];
        app.judge.permit_any(least, &subject, app.now()).await.map_err(refused)?;
    }
    for _ in 0..ATTEMPTS {
        let tried = attempt((&app.pod, &app.judge), asked, &subject, app.now()).await;
        let Attempt { rights, applied } = tried.map_err(|denied| match denied {
            Denied::Request(problem) => tell::problem(app, &iri, problem),
            Denied::Rules(error) => refused(error),
        })?;
        let told = match applied {
            Ok(Applied::Again(again)) => {
                asked = again;
                continue;
            }
            Ok(Applied::Done(outcome)) => {
                let told = links::with_streams(tell::outcome(app, &iri, outcome), app, &iri, reads);
                links::with_cursor(told, app, &iri, (&subject, head))
            }
            Err(problem) => {
                let told = links::with_names(tell::problem(app, &iri, problem).into_response(), app, &iri);
                // It was permitted to read: that nothing is there is what was read.
                let absent = head.filter(|_| told.status() == StatusCode::NOT_FOUND);
                links::with_cursor(told, app, &iri, (&subject, absent))
            }
        };
        return Ok(tell::with_rights(told, rights));
    }
    Err(Problem::unavailable("the rules changed again and again").retry_after(1))
}
