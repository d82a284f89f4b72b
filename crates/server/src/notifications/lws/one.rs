//! One subscription: read and cancelled by whoever made it, and by the owner of a storage as far as its topics are there.
//!
//! To everybody else there is none, whatever the id.

use super::{answer, type_of, url};
use crate::{
    app::App,
    notifications::{answer::options, channels},
    problem::Problem,
    request::Target,
};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, Request, StatusCode, header};
use podbell_hub::{Channel, ChannelError, ChannelId};
use podbell_model::{ResourceIri, Subject, Uuid};
use podbell_wire::lws::{NAMESPACE, State as Stands};
use std::sync::Arc;

const ALLOW: &str = "GET, HEAD, OPTIONS, DELETE";

/// Answers about one.
pub(super) async fn subscription(
    State(app): State<Arc<App>>,
    Extension(target): Extension<Target>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    match parts.method {
        Method::OPTIONS => return Ok(options(ALLOW, None)),
        Method::GET | Method::HEAD | Method::DELETE => {}
        _ => return Err(Problem::method_not_allowed(ALLOW)),
    }
    let subject = super::authenticated(&app, &target, &parts).await?;
    let channel = find(&app, &id, &subject).await?;
    let mine = channel.subject.webid == subject.webid;
    let body = state(&app, &channel, mine).ok_or_else(absent)?;
    answer::unchanged(&parts.headers, &body)?;
    if parts.method == Method::DELETE {
        channels::end(&app, channel.id, &subject).await.map_err(|problem| match problem.status() {
            StatusCode::GONE | StatusCode::FORBIDDEN => absent(),
            _ => problem,
        })?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut response = answer::own(&parts.headers, answer::form(&parts.headers)?, body)?;
    let kind = HeaderValue::from_str(&format!("<{NAMESPACE}DataResource>; rel=\"type\"")).map_err(Problem::internal)?;
    response.headers_mut().append(header::LINK, kind);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOW));
    Ok(response)
}

/// The subscription of that id, with those of its topics that are theirs to look after.
async fn find(app: &App, id: &str, subject: &Subject) -> Result<Channel, Problem> {
    let id = ChannelId(Uuid::try_parse(id).unwrap_or_default());
    let found = app.hub.channel(id, subject, channels::owns(app, subject)).await;
    let channel = found.map_err(|error| match error {
        ChannelError::Store(error) => Problem::unavailable(error),
        _ => absent(),
    })?;
    type_of(&channel).map(|_| channel).ok_or_else(absent)
}

/// The same for what has ended, for what is another's, and for what never was.
fn absent() -> Problem {
    Problem::not_found().detail("you have no such subscription; a GET of the endpoint lists those that you have")
}

/// How a subscription stands; where it pushes to is told to whoever made it alone. None if it is none of this door.
pub(super) fn state(app: &App, channel: &Channel, mine: bool) -> Option<Vec<u8>> {
    let topics: Vec<ResourceIri> = channel.topics.iter().map(|topic| topic.resource.clone()).collect();
    let stands = Stands {
        id: &url(app, channel.id),
        subscription_type: type_of(channel)?,
        topics: &topics,
        inbox: channel.push.as_deref().filter(|_| mine).map(|push| &*push.send_to),
        expires: channel.end_at,
    };
    Some(stands.write())
}
