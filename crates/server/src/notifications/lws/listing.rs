//! The subscriptions of an agent, as a container in pages. By the URLs where they are looked after, never by capability.

use super::{ENDPOINT, answer, one, type_of, url};
use crate::{app::App, problem::Problem, request::Target};
use axum::response::Response;
use http::{HeaderValue, header, request::Parts};
use podbell_hub::{After, Channel, ChannelId, Whose};
use podbell_model::{Timestamp, Uuid, WebId};
use podbell_wire::lws::{Item, Listing, NAMESPACE};

/// Subscriptions of a page.
const PAGE: usize = 100;
/// Channels that are read at a time.
const READ: usize = 500;

/// Answers with a page.
pub(super) async fn list(app: &App, target: &Target, parts: &Parts) -> Result<Response, Problem> {
    let subject = super::authenticated(app, target, parts).await?;
    let form = answer::form(&parts.headers)?;
    let webid = subject.webid.ok_or_else(Problem::not_found)?;
    let after = match parts.uri.query().unwrap_or_default() {
        "" => None,
        query => Some(parse(query).ok_or_else(|| Problem::bad_request("there is no such page"))?),
    };
    let found = subscriptions(app, webid).await?;
    let mut rest = found.iter().filter(|channel| after.is_none_or(|after| place(channel) > after)).peekable();
    let page: Vec<&Channel> = rest.by_ref().take(PAGE).collect();
    let next = rest.peek().and_then(|_| page.last()).map(|last| place(last));
    let items: Vec<Item> = page.iter().filter_map(|channel| item(app, channel)).collect();
    let endpoint = app.url(ENDPOINT);
    let body = Listing { id: &endpoint, total: found.len(), items: &items }.write();
    let mut response = answer::own(&parts.headers, form, body)?;
    let mut link = |target: &str, rel: &str| {
        let link = HeaderValue::from_str(&format!("<{target}>; rel=\"{rel}\"")).map_err(Problem::internal)?;
        response.headers_mut().append(header::LINK, link);
        Ok::<_, Problem>(())
    };
    link(&format!("{NAMESPACE}Container"), "type")?;
    link(&endpoint, "first")?;
    if let Some((created, id)) = next {
        link(&format!("{endpoint}?after={}.{}", created.as_nanosecond(), id.0.simple()), "next")?;
    }
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(super::ALLOW));
    Ok(response)
}

/// All of an agent, oldest first: no more than the channels that one may have.
async fn subscriptions(app: &App, webid: WebId) -> Result<Vec<Channel>, Problem> {
    let (whose, mut after, mut found) = (Whose::Agent(webid), None, Vec::new());
    loop {
        let (channels, next) = app.hub.channels(&whose, after, READ).await.map_err(Problem::unavailable)?;
        found.extend(channels.into_iter().filter(|channel| type_of(channel).is_some()));
        after = next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn item(app: &App, channel: &Channel) -> Option<Item> {
    let subscription_type = type_of(channel)?;
    let size = one::state(app, channel, true)?.len();
    Some(Item { id: url(app, channel.id), subscription_type, size, modified: channel.created })
}

fn place(channel: &Channel) -> After {
    (channel.created, channel.id)
}

fn parse(query: &str) -> Option<After> {
    let (created, id) = query.strip_prefix("after=")?.split_once('.')?;
    let created = Timestamp::from_nanosecond(created.parse().ok()?).ok()?;
    Some((created, ChannelId(Uuid::try_parse(id).ok()?)))
}
