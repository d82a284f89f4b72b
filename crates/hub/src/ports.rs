//! What the hub needs of others: a judge, an encoder, outlets, and a place where channels outlive the process.

use crate::{After, Channel, ChannelId, ChannelLimits, Encoded, Ending, RenderingId, Renewal, TooMany, Topic, Whose};
use podbell_log::At;
use podbell_model::{Activity, Generation, ResourceIri, Sequence, StorageId, Subject, Timestamp};
use std::{io, sync::Arc};

/// What an agent needs to hear of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Read on the resource.
    Read,
    /// Control of the subject whose ACL the resource is.
    Control,
}

/// May this subject hear of this resource, by the rules of then?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who listens.
    pub subject: Arc<Subject>,
    /// The storage that the resource is in.
    pub storage: StorageId,
    /// What it would hear of: the object, or for a membership notification the container.
    pub resource: ResourceIri,
    /// Which life of it; none to ask for whatever stands (or could stand) there.
    ///
    /// When that life is over, its own ACL counts as it stood just before the end, for [`At::Now`] too; the ACLs of
    /// ancestors and the groups count as of `at`. For the commit that ended it, the rules are those just before.
    pub generation: Option<Generation>,
    /// What is needed.
    pub need: Need,
    /// By which rules.
    pub at: At,
}

/// The judge's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it may.
    pub allowed: bool,
    /// The newest commit among those that last touched a dependency: the answer is the same as of every commit
    /// from here to `as_of`.
    pub since: Sequence,
    /// The commit as of which it was computed.
    pub as_of: Sequence,
    /// The policy documents, and the slots where one is absent, that the answer depends on: any record that touches
    /// one invalidates it.
    pub depends_on: Arc<[ResourceIri]>,
    /// When it must be asked again at the latest (a remote group document was read).
    pub valid_until: Option<Timestamp>,
}

/// The rules cannot be read: nothing may be said.
#[derive(Debug, thiserror::Error)]
#[error("the rules cannot be read")]
pub struct Unavailable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Judges. Filled by `server` with `wac` and the policy history.
#[async_trait::async_trait]
pub trait Authorize: Send + Sync + 'static {
    /// Answers one question; see [`Question`].
    async fn authorize(&self, question: &Question, now: Timestamp) -> Result<Answer, Unavailable>;
}

/// Why a notification concerns a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The topic is the object.
    Object,
    /// The topic is the container that the object was added to or removed from; or, for those who want to hear of that
    /// too, that it was updated in (see [`Filter::with_members`](crate::Filter::with_members)).
    Member,
}

/// One activity as one topic sees it; what an encoder writes.
#[derive(Clone, Debug)]
pub struct Projection<'r> {
    /// The storage that it happened in.
    pub storage: StorageId,
    /// What happened.
    pub activity: &'r Activity,
    /// How the topic is concerned.
    pub relation: Relation,
    /// Whether the same channel also gets the other projection, so that this one needs an id of its own
    /// ([`podbell_model::activity::secondary_id`] of the container).
    pub second: bool,
}

/// Writes notifications. Filled by `delivery` with `wire`.
pub trait Encoder: Send + Sync + 'static {
    /// The finished bytes for the wire (a whole frame), shared by all who listen with that rendering. Empty if the
    /// rendering has nothing to say of this.
    fn encode(&self, rendering: RenderingId, projection: &Projection<'_>) -> Encoded;

    /// Whether what is pushed in that rendering goes in the order of the log, and not of each resource alone.
    fn in_order(&self, _rendering: RenderingId) -> bool {
        false
    }

    /// The finished bytes that tell the state of a topic on connecting (`state` feature): an `Update` with the
    /// version that stands, or a `Delete` if nothing does.
    fn encode_state(
        &self,
        rendering: RenderingId,
        topic: &ResourceIri,
        state: Option<&str>,
        id: podbell_model::Uuid,
        now: Timestamp,
    ) -> Encoded;

    /// Whether receivers can be told that they missed something, or at least how their topics stand. Others are let go
    /// instead.
    fn tells_gaps(&self, _rendering: RenderingId) -> bool {
        true
    }

    /// The finished bytes that tell that what was missed can no longer be read. Empty for renderings whose receivers
    /// know no such marker.
    fn encode_gap(&self, _rendering: RenderingId, _id: podbell_model::Uuid, _now: Timestamp) -> Encoded {
        Encoded::default()
    }
}

/// A topic as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A head of the log that was read before the resource: later changes are not in it for certain.
    pub as_of: Sequence,
    /// Its version as an activity's `state` shows it; none if nothing stands there.
    pub version: Option<Arc<str>>,
}

/// Tells how topics stand, for the `state` feature. Filled by `server`.
#[async_trait::async_trait]
pub trait States: Send + Sync + 'static {
    /// How a topic stands; whether somebody may know is the hub's business.
    async fn standing(&self, topic: &Topic) -> Result<Standing, Unavailable>;
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One connection's way out. Never blocks, never waits, and never calls the hub from its methods; it must not own its
/// [`Connection`](crate::Connection).
pub trait Outlet: Send + Sync + 'static {
    /// Writes what there is room for, from the concatenation of `parts`; one system call.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is no room at all (the hub keeps the rest and is told by
    /// [`Connection::writable`](crate::Connection::writable)); any other error ends the connection.
    fn try_write(&self, parts: &[io::IoSlice<'_>]) -> io::Result<usize>;

    /// Asks to be told, by [`Connection::writable`](crate::Connection::writable), once there is room again.
    fn wake_when_writable(&self);

    /// Says why and ends. `mid_frame`: part of a frame is out, so nothing more can be said; just cut.
    fn close(&self, ending: Ending, mid_frame: bool);
}

/// A store of channels that outlives the process.
#[async_trait::async_trait]
pub trait ChannelStore: Send + Sync + 'static {
    /// Keeps a new channel, durably, if there are not too many.
    async fn insert(&self, channel: &Channel, limits: &ChannelLimits) -> Result<(), InsertError>;

    /// A channel by its id.
    async fn get(&self, id: ChannelId) -> Result<Option<Channel>, ChannelStoreError>;

    /// A channel by the hash of its capability.
    async fn by_capability(&self, hash: &[u8; 32]) -> Result<Option<Channel>, ChannelStoreError>;

    /// Channels, oldest first (by the time they were made, then by id), behind `after`, at most `limit`.
    async fn page(&self, whose: &Whose, after: Option<After>, limit: usize) -> Result<Vec<Channel>, ChannelStoreError>;

    /// Changes what may be changed; false if the channel is gone.
    async fn renew(&self, id: ChannelId, renewal: &Renewal) -> Result<bool, ChannelStoreError>;

    /// Keeps only those of the topics that a channel still has, so that of two that overtake each other none brings a
    /// topic back; false if none is left, so that both together took all, or if the channel is gone. It is forgotten
    /// then; but if it pushes it stays as it is, for whoever removes it with its last words.
    async fn narrow(&self, id: ChannelId, topics: &[Topic]) -> Result<bool, ChannelStoreError>;

    /// Counts one use of the capability, atomically; false if none is left (or the channel is gone).
    async fn use_capability(&self, id: ChannelId) -> Result<bool, ChannelStoreError>;

    /// Somebody who was connected to a channel that lingers comes back: no further use. False if it does not linger, nobody
    /// has been connected to it, or it is gone.
    async fn come_back(&self, id: ChannelId) -> Result<bool, ChannelStoreError>;

    /// Nobody is connected to anything, since the process begins: channels that linger and were connected to end (see
    /// [`ChannelStore::sweep`]) so long after `now`, if nobody comes back. Called once, before the hub starts.
    async fn strand(&self, now: Timestamp) -> Result<(), ChannelStoreError>;

    /// Remembers the last state that was told (see [`Channel::state`]).
    async fn advance_state(&self, id: ChannelId, state: Option<&str>) -> Result<(), ChannelStoreError>;

    /// Forgets a channel; true if there was one.
    async fn remove(&self, id: ChannelId) -> Result<bool, ChannelStoreError>;

    /// Forgets the channels that ended at or before `now` by `end_at`, or by a `connect_by` while no use of the
    /// capability was counted, or that were stranded and not come back to; returns them.
    async fn sweep(&self, now: Timestamp) -> Result<Vec<ChannelId>, ChannelStoreError>;
}

/// Why a channel is not kept.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// There are as many as allowed.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The engine below failed.
    #[error(transparent)]
    Store(#[from] ChannelStoreError),
}

/// The engine below failed.
#[derive(Debug, thiserror::Error)]
#[error("the channel store failed")]
pub struct ChannelStoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
