//! A notification channel as the hub sees it.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#notification-channel-data-model>

use crate::{Filter, Network, Push};
use podbell_model::{ResourceIri, StorageId, Subject, Timestamp, Uuid};
use std::{sync::Arc, time::Duration};

/// Names a channel; safe to show, opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub Uuid);

/// How a channel's notifications are written: opaque to the hub, chosen and understood by `delivery`. Stable over
/// restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RenderingId(pub u32);

/// What a channel is about. Bound to the storage, not to the URL alone, so that a storage made anew under the same
/// name opens nothing old.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The storage it is in.
    pub storage: StorageId,
    /// The resource; need not exist yet.
    pub resource: ResourceIri,
}

/// How many connections one capability may have at once, and whether it may be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimit {
    /// At once.
    pub concurrent: u32,
    /// Ever; none for no end. One is for a capability that opens once.
    pub total: Option<u32>,
}

/// A notification channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub id: ChannelId,
    /// On whose behalf it was made: judged at every send.
    pub subject: Arc<Subject>,
    /// Where it was asked for, if its subject has not logged in and that says something.
    pub network: Option<Network>,
    /// What it is about; at least one, without duplicates.
    pub topics: Arc<[Topic]>,
    /// Whether its topics stand for everything below them too; then it hears of the objects alone, not of members.
    pub recursive: bool,
    /// Which of the changes it hears.
    pub filter: Filter,
    /// How its notifications are written.
    pub rendering: RenderingId,
    /// SHA-256 of the capability that connects to it; none for channels that push.
    pub capability: Option<[u8; 32]>,
    /// How the capability may be used.
    pub connections: ConnectionLimit,
    /// When it was made.
    pub created: Timestamp,
    /// It ends then if nobody has connected.
    pub connect_by: Option<Timestamp>,
    /// Nothing committed before then is told.
    pub start_at: Option<Timestamp>,
    /// It ends then.
    pub end_at: Option<Timestamp>,
    /// Least time between two notifications about one topic.
    pub rate: Option<Duration>,
    /// Last state of its one topic that the receiver knows (unquoted; empty: that nothing stands there); on
    /// connecting, another one is told.
    pub state: Option<Arc<str>>,
    /// It ends so long after its last connection did; zero for with it.
    pub linger: Option<Duration>,
    /// Where its notifications are sent, if it pushes; nobody connects to it then.
    pub push: Option<Arc<Push>>,
}

impl Channel {
    /// A channel that asks for nothing else, for one connection at a time; without a capability, so kept nowhere yet.
    pub fn new(
        id: ChannelId,
        subject: Arc<Subject>,
        topics: Arc<[Topic]>,
        rendering: RenderingId,
        created: Timestamp,
    ) -> Self {
        Self {
            id,
            subject,
            network: None,
            topics,
            recursive: false,
            filter: Filter::default(),
            rendering,
            capability: None,
            connections: ConnectionLimit { concurrent: 1, total: None },
            created,
            connect_by: None,
            start_at: None,
            end_at: None,
            rate: None,
            state: None,
            linger: None,
            push: None,
        }
    }

    /// Whether it is kept. What has neither a capability nor a receiver was admitted as it was given
    /// ([`Hub::attend`](crate::Hub::attend)), and ends with its connection.
    pub fn is_kept(&self) -> bool {
        self.capability.is_some() || self.push.is_some()
    }
}

/// Why a connection or a channel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// `endAt` has come.
    Expired,
    /// Its owner deleted the channel.
    Unsubscribed,
    /// The subject may no longer read any topic.
    Forbidden,
    /// The receiver is too slow; it may come again.
    Overload,
    /// The server stops; the receiver may come again.
    Shutdown,
}
