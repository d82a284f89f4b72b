//! What channels that push are owed, and where that is kept.
//!
//! Owed notifications are derived from the log by one durable cursor: the place in the log up to which it was done is
//! kept in the same transaction as what was found. So each change is owed exactly once, whatever happens in between.

use crate::{Channel, ChannelId, ChannelStoreError, Encoded, Need, Position, Question, Topic, registry::need};
use podbell_log::At;
use podbell_model::{Generation, ResourceIri, Sequence, StorageId, Subject, Timestamp, Uuid};
use std::{sync::Arc, time::Duration};

/// What may be heard by whom: asked again before each send, by the rules of then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

impl About {
    /// The topic itself, whatever stands there: what is asked when a channel is made.
    pub fn topic(topic: Topic) -> Self {
        Self { resource: topic.resource.clone(), generation: None, need: need(&topic), topic }
    }

    /// Whether a subject may hear of it now.
    pub(crate) fn question(&self, subject: &Arc<Subject>) -> Question {
        Question {
            subject: Arc::clone(subject),
            storage: self.topic.storage,
            resource: self.resource.clone(),
            generation: self.generation,
            need: self.need,
            at: At::Now,
        }
    }
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
    /// How the topic stands when it is sent, if that is not what the receiver knows (see [`Channel::state`]). Nothing
    /// for channels that asked for no such thing: then it is owed only so that leave is asked for, and a topic that was
    /// lost is found out.
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
    /// Whether everything older that is owed to the channel in this way goes first, whatever it is about.
    pub in_order: bool,
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

impl Owed {
    /// The place in the log of what is told; none for how a topic stands.
    pub fn position(&self) -> Option<Position> {
        match self.what {
            What::Change { position, .. } => Some(position),
            What::State => None,
        }
    }
}

/// What came of owing something anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anew {
    /// The first so many were taken in; there was no room for the rest.
    pub taken: usize,
    /// How many of them were not owed already.
    pub owed: u64,
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

    /// Owes one channel changes anew, in their order: also those that wait already, unless they are under way, go into
    /// that order; dead letters are dead no more. As long as there is room for the channel; what finds none is not
    /// counted as missed.
    async fn owe_again(&self, owed: Vec<Owed>) -> Result<Anew, ChannelStoreError>;

    /// Counts for the channels that push that they may have missed something, since history is gone: those that were made
    /// before the commit `before`, with a topic in `storage` if one is named. `through`: as for [`Owing::owe`], in the
    /// same transaction.
    async fn missed(
        &self,
        storage: Option<StorageId>,
        before: Sequence,
        through: Option<Sequence>,
    ) -> Result<(), ChannelStoreError>;
}
