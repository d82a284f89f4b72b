//! What somebody who listens holds: what happened, one by one.

use crate::{
    error::WatchError,
    notification::{Gap, Notification},
    options::Transport,
};
use futures_core::Stream;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};

/// How long the channels may take to be ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// Something that a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something happened.
    Notification(Notification),
    /// Something was not told.
    Gap(Gap),
    /// How the connection fares; nothing need be done about it.
    State(State),
}

/// How a connection fares. Topics of several storages have several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It stands.
    Listening {
        /// How it hears.
        transport: Transport,
        /// What of.
        topics: Vec<String>,
        /// Whether it went on where it was cut.
        is_resumed: bool,
    },
    /// It was cut.
    Lost {
        /// What happened.
        reason: String,
        /// When it is tried again.
        back_in: Duration,
    },
    /// The server does not offer something that was wanted; see [`fallback`](crate::Watching::fallback).
    Without {
        /// What, in words.
        what: &'static str,
    },
    /// Something came that is no notification, and was passed over.
    NotUnderstood {
        /// The first of it.
        text: String,
    },
}

/// A running watch: a [`Stream`] of events, without end until an error is the last of them.
///
/// Whoever does not take events holds the server back, which then tells only the newest state of each resource. Dropped,
/// it ends at once, and its channels by themselves later; [`Self::close`] ends them.
pub struct Watch {
    events: mpsc::Receiver<Result<Event, WatchError>>,
    stop: watch::Sender<bool>,
    sessions: JoinSet<()>,
    is_over: bool,
}

impl Watch {
    pub(crate) fn new(
        events: mpsc::Receiver<Result<Event, WatchError>>,
        stop: watch::Sender<bool>,
        sessions: JoinSet<()>,
    ) -> Self {
        Self { events, stop, sessions, is_over: false }
    }

    /// What comes next; none after an error. May be dropped while it waits; nothing is lost by that.
    pub async fn next(&mut self) -> Option<Result<Event, WatchError>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Stops, and ends the channels at the server.
    pub async fn close(mut self) {
        self.stop.send_replace(true);
        // Nobody waits for room to say something any longer.
        self.events.close();
        // What does not end in time ends by itself.
        drop(timeout(FAREWELL, async { while self.sessions.join_next().await.is_some() {} }).await);
    }
}

impl Stream for Watch {
    type Item = Result<Event, WatchError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.events.poll_recv(context));
        self.is_over = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}
