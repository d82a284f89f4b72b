//! What channels that push are owed, and where that is kept.
//!
//! Owed notifications are derived from the log by one durable cursor: the place in the log up to which it was done is
//! kept in the same transaction as what was found. So each change is owed exactly once, whatever happens in between.

use crate::{Channel, ChannelId, ChannelStoreError, Encoded, Need, Position, Topic};
use podbell_model::{Generation, ResourceIri, Sequence, Timestamp, Uuid};
use std::{sync::Arc, time::Duration};

/// What may be heard by whom: asked again before each send, by the rules of then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The topic that rings.
    pub topic: Topic,
    /// What the receiver would hear of: the object, or for a membership notification the container.
    pub resource: ResourceIri,
    /// Which life of it; none for whatever stands there.
    pub generation: Option<Generation>,
    /// What is needed.
    pub need: Need,
}

/// What is owed.
#[derive(Clone, Debug)]
pub enum What {
    /// That something changed.
    Change {
        /// Finished, but for the cursor.
        body: Encoded,
        /// Which part of which commit.
        position: Position,
        /// A later one about the same object may take its place as long as it was not tried (an `Update`).
        mergeable: bool,
    },
    /// How the topic stands when it is sent, if that is not what the receiver knows (see [`Channel::state`]).
    State,
}

/// One notification that one channel is owed.
#[derive(Clone, Debug)]
pub struct Owed {
    /// Whose.
    pub channel: ChannelId,
    /// The id of the message: the same over all attempts.
    pub message: Uuid,
    /// The resource that changed: of what is owed to one channel about one of them, the older goes first.
    pub object: ResourceIri,
    /// By what it is judged.
    pub about: About,
    /// What is said.
    pub what: What,
    /// Not before then.
    pub due: Timestamp,
    /// Least time after the one before about the same topic; see [`Channel::rate`].
    pub rate: Option<Duration>,
    /// The channels whose deliveries led to the change, and this one: they travel with it.
    pub causes: Arc<[Uuid]>,
}

/// Where it is kept what channels are owed. Filled by the store of the channels.
#[async_trait::async_trait]
pub trait Owing: Send + Sync + 'static {
    /// Up to which commit it is known what is owed.
    async fn derived(&self) -> Result<Sequence, ChannelStoreError>;

    /// Whether any channel pushes; cheap.
    async fn any(&self) -> Result<bool, ChannelStoreError>;

    /// The channels that push, are not switched off, and have one of the topics: those `at`, or, if they are recursive,
    /// those `at` or `above`. Each once, with [`Push::since`](crate::Push::since).
    async fn candidates(&self, at: &[Topic], above: &[Topic]) -> Result<Vec<Arc<Channel>>, ChannelStoreError>;

    /// Keeps what is owed and up to which commit (never going back), in one transaction. Very much, in the order of its
    /// commits, may be kept commit by commit, and of one commit channel by channel: then some of it is owed again after
    /// a kill in between, and nothing out of order. What is owed to a channel that is gone or switched off, or about a
    /// topic that it has no longer, is dropped; what is owed twice (same channel and message) is kept once.
    async fn owe(&self, owed: Vec<Owed>, through: Option<Sequence>) -> Result<(), ChannelStoreError>;
}
