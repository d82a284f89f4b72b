//! `DELETE /.notifications/channels/?storage=ROOT&subscriber=WEBID&client=ID`: ends all that somebody, or some application,
//! listens with to a storage, as DELETE of each would: its topics there, and no others.
//!
//! An extension, for the owner of the storage. What is said must be understood to the last word: a condition that was
//! misspelt would end more than was meant.

use super::{channels, listeners, managing::answer};
use crate::{app::App, problem::Problem};
use axum::response::Response;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use podbell_hub::{Channel, ChannelError, Whose};
use podbell_model::{StorageId, Subject};
use serde_json::json;

/// Most that one request ends.
const MOST: usize = 2_000;
/// Channels that are looked at at a time.
const PAGE: usize = 500;

/// Which are to end, and where.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// The root of the storage, as it is written.
    pub(super) storage: String,
    subscriber: Option<String>,
    client: Option<String>,
}

impl Wish {
    /// Reads a query. Every name stands there once or not at all, and no other does.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let (mut storage, mut subscriber, mut client) = (None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "storage" => &mut storage,
                "subscriber" => &mut subscriber,
                // Nothing behind the sign means those without a client; without the sign it may mean anything.
                "client" if pair.contains('=') => &mut client,
                _ => return Err(Problem::bad_request("what is taken here: `storage`, `subscriber=`, `client=`")),
            };
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| Problem::bad_request(format!("`{name}` is no UTF-8")))?;
            if place.replace(value.into_owned()).is_some() {
                return Err(Problem::bad_request(format!("`{name}` stands there twice")));
            }
        }
        let storage = storage.filter(|root| !root.is_empty());
        let storage = storage.ok_or_else(|| Problem::bad_request("say which `storage`"))?;
        if subscriber.is_none() && client.is_none() {
            return Err(Problem::bad_request("say whose channels: `subscriber`, `client`, or both"));
        }
        if subscriber.as_ref().is_some_and(String::is_empty) {
            let everybody = listeners::PUBLIC;
            return Err(Problem::bad_request(format!(
                "`subscriber` is a WebID, or {everybody} for who did not log in"
            )));
        }
        Ok(Self { storage, subscriber, client })
    }

    /// Whether a channel is meant.
    fn means(&self, channel: &Channel) -> bool {
        let of = self.subscriber.as_ref().is_none_or(|subscriber| *subscriber == listeners::subscriber(channel));
        let by = channel.subject.client.as_deref().unwrap_or_default();
        of && self.client.as_ref().is_none_or(|client| *client == by)
    }
}

/// Ends those that were there when it was asked, one after the other. Who asks again while this goes on, or whose channels
/// end by themselves, takes nothing away: each is counted once, by whoever ended it.
pub(super) async fn clear(app: &App, wish: &Wish, storage: StorageId, owner: &Subject) -> Result<Response, Problem> {
    let began = app.now();
    let mut ended = 0;
    let mut after = None;
    'kept: loop {
        let page = app.hub.channels(&Whose::Storage(storage), after, PAGE).await;
        let (found, next) = page.map_err(Problem::unavailable)?;
        for channel in &found {
            if channel.created > began {
                break 'kept;
            }
            if wish.means(channel) {
                if ended == MOST {
                    return told(ended, true);
                }
                ended += usize::from(one(app, storage, channel, owner).await?);
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    let mut after = Some(0);
    while let Some(place) = after {
        let (found, next) = app.hub.attending(storage, place, PAGE);
        for attending in found.iter().filter(|attending| attending.channel.created <= began) {
            if wish.means(&attending.channel) {
                if ended == MOST {
                    return told(ended, true);
                }
                ended += usize::from(one(app, storage, &attending.channel, owner).await?);
            }
        }
        after = next;
    }
    told(ended, false)
}

/// Ends one; false if it has ended meanwhile.
async fn one(app: &App, storage: StorageId, channel: &Channel, owner: &Subject) -> Result<bool, Problem> {
    match channels::end_in(app, storage, channel, owner).await {
        Ok(()) => Ok(true),
        Err(ChannelError::Store(error)) => Err(Problem::unavailable(error)),
        Err(_) => Ok(false),
    }
}

fn told(ended: usize, more: bool) -> Result<Response, Problem> {
    let mut told = json!({ "ended": ended });
    if more {
        told["more"] = true.into();
    }
    answer(StatusCode::OK, None, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_hub::{ChannelId, RenderingId};
    use podbell_model::{Timestamp, Uuid, WebId};
    use std::sync::Arc;

    fn channel(webid: Option<&str>, client: Option<&str>) -> Channel {
        let subject = Subject { webid: webid.map(WebId::new), client: client.map(Arc::from), ..Subject::default() };
        let id = ChannelId(Uuid::nil());
        Channel::new(id, Arc::new(subject), [].into(), RenderingId(0), Timestamp::UNIX_EPOCH)
    }

    fn means(query: &str) -> [bool; 4] {
        let wish = Wish::parse(&format!("storage=https%3A%2F%2Fpod.example%2F&{query}")).unwrap();
        let bob = Some("https://bob.example/#me");
        [channel(bob, Some("app")), channel(bob, None), channel(None, None), channel(None, Some("app"))]
            .map(|channel| wish.means(&channel))
    }

    #[test]
    fn those_are_meant_who_fit_every_condition() {
        assert_eq!(means("subscriber=https%3A%2F%2Fbob.example%2F%23me"), [true, true, false, false]);
        assert_eq!(means("subscriber=http://xmlns.com/foaf/0.1/Agent"), [false, false, true, true]);
        assert_eq!(means("client=app"), [true, false, false, true]);
        assert_eq!(means("client="), [false, true, true, false]);
        assert_eq!(means("client=&subscriber=https%3A%2F%2Fbob.example%2F%23me"), [false, true, false, false]);
        // What is escaped is a value, whatever it looks like.
        assert_eq!(means("subscriber=https%3A%2F%2Fbob.example%2F%23me%26client=app"), [false; 4]);
        assert_eq!(means("client=ap"), [false; 4]);
        assert_eq!(means("client=%25"), [false; 4]);
    }

    #[test]
    fn what_is_not_understood_ends_nothing() {
        for query in [
            "",
            "storage=x",
            "subscriber=x",
            "storage=&client=x",
            "storage=x&subscriber=",
            "storage=x&client",
            "storage=x&subscriber=a&subscriber=b",
            "storage=x&client=a&client=a",
            "storage=x&storage=y&client=a",
            "storage=x&subscribr=a&client=b",
            "storage=x&client=%ff",
            "storage=x&client=a&after=1.2",
        ] {
            assert_eq!(Wish::parse(query).unwrap_err().status(), StatusCode::BAD_REQUEST, "{query}");
        }
    }
}
