//! What the courier asks of the hub: whether something may be told, and how a topic stands.

use super::Removal;
use podbell_egress::Gate;
use podbell_hub::{About, Channel, ChannelStoreError, Encoded, Grant, Position, Unavailable};
use podbell_model::Uuid;
use std::{io, sync::Arc, task::Poll};

/// Whether something that is owed may be sent now.
pub enum Permit {
    /// As long as the gate lets it through.
    Granted(Arc<dyn Gate>),
    /// It may not be told any more; and why the channel is to be removed, if that is over.
    Withheld(Option<Removal>),
    /// The rules cannot be read: later.
    Unavailable,
}

/// How a topic stands, finished for a channel.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What is said, but for the cursor.
    pub body: Encoded,
    /// Everything up to there is in it.
    pub position: Position,
    /// What the receiver knows once it has it; empty if nothing stands there.
    pub state: Arc<str>,
}

/// What a receiver was told.
#[derive(Clone, Debug)]
pub enum Told {
    /// How its topic stood.
    State(Arc<str>),
    /// That something changed: which part of which commit.
    Change(Position),
}

/// The hub, as the courier sees it.
#[async_trait::async_trait]
pub trait Rules: Send + Sync + 'static {
    /// Whether a channel may be sent something now.
    async fn leave(&self, channel: &Channel, about: &About) -> Permit;

    /// Whether it may be sent what tells of no resource: as long as there is the channel.
    async fn leave_to_speak(&self, channel: &Channel) -> Permit;

    /// How the topic stands; none if the receiver knows it already. The caller has leave.
    async fn standing(&self, channel: &Channel, about: &About, message: Uuid) -> Result<Option<Shown>, Unavailable>;

    /// A receiver has acknowledged something.
    async fn told(&self, channel: &Channel, told: &Told) -> Result<(), ChannelStoreError>;

    /// A channel was removed from the queue: when this returns, nothing is sent by leave that was given before.
    fn removed(&self, channel: &Arc<Channel>);
}

/// Holds the fence for each system call that sends some of a notification.
pub struct Fenced(pub Grant);

impl Gate for Fenced {
    fn pass(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Option<Poll<io::Result<usize>>> {
        self.0.within(write)
    }
}
