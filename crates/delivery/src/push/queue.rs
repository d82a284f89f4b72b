//! The durable queue, as those who deliver see it. `hub::Owing` fills it, for what changed.
//!
//! Of one channel, what concerns one resource goes in order: only the oldest of it is ever due. Everything here is
//! durable when it returns.

use podbell_hub::{About, Channel, ChannelId, ChannelLimits, Encoded, InsertError, Position};
use podbell_model::{Timestamp, Uuid};
use std::{sync::Arc, time::Duration};

/// Names one delivery in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub i64);

/// Whom a delivery goes to: scheme, host and port (`https://hook.example:443`), in lower case. Rates, bounds and the
/// breaker are per lane, over all subscribers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub Arc<str>);

impl Lane {
    /// That of a URL. What is no URL with a host shares one that leads nowhere.
    pub fn of(url: &str) -> Self {
        let origin = url::Url::parse(url)
            .ok()
            .filter(url::Url::has_host)
            .and_then(|url| Some(format!("{}://{}:{}", url.scheme(), url.host_str()?, url.port_or_known_default()?)));
        Self(origin.unwrap_or_default().into())
    }
}

/// What is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That something changed; judged before each attempt.
    Change {
        /// By what it is judged.
        about: About,
        /// Finished, but for the cursor.
        body: Encoded,
        /// Which part of which commit: the cursor in it, unless something older is still owed to the channel.
        position: Position,
    },
    /// How a topic stands when it is sent, if that is not what the receiver knows; judged likewise.
    State {
        /// By what it is judged.
        about: About,
    },
    /// That the subscriber wants to see whether it arrives. Tells nothing of any resource.
    Ping {
        /// Finished.
        body: Arc<[u8]>,
    },
    /// What becomes of the channel; goes to [`Push::lifecycle`](podbell_hub::Push::lifecycle). Tells nothing of any resource.
    Lifecycle {
        /// Finished.
        body: Arc<[u8]>,
    },
}

impl Kind {
    /// By what it is judged; none if it tells of no resource.
    pub fn about(&self) -> Option<&About> {
        match self {
            Self::Change { about, .. } | Self::State { about } => Some(about),
            Self::Ping { .. } | Self::Lifecycle { .. } => None,
        }
    }
}

/// One delivery that is due.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose, as it is kept now, but of its topics perhaps one for each storage alone. For the last words to a channel that is gone:
    /// as it was, without topics.
    pub channel: Arc<Channel>,
    /// The id of the message: the same over all attempts.
    pub message: Uuid,
    /// What is delivered.
    pub kind: Kind,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is owed.
    pub owed: Timestamp,
    /// The channels whose deliveries led to what is told, this one included.
    pub causes: Arc<[Uuid]>,
    /// The oldest place of what is still owed to the channel, this delivery included; where its cursor stands is before
    /// that, or behind it if it is this very one.
    pub oldest: Option<Position>,
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx.
    Acknowledged(u16),
    /// Any other status.
    Refused(u16),
    /// The URL leads where nothing is sent.
    Forbidden,
    /// Nobody answers, TLS fails, or the answer is no HTTP.
    Unreachable,
    /// It took too long.
    TimedOut,
}

/// One attempt, as the channel's owner may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

/// What becomes of a delivery after an attempt, or instead of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is delivered: forgotten.
    Acknowledged,
    /// It may not be told any more, or there is nothing to tell: forgotten, and nobody learns of it.
    Withheld,
    /// To be tried again, not before then.
    Again(Timestamp),
    /// Given up: kept as a dead letter for the channel's owner.
    Dead,
}

/// Why a channel is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing was acknowledged for too long.
    Failing,
}

/// Why a channel is removed, in general terms: says nothing of any resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its time is over.
    Expired,
    /// The subject may hear of none of its topics any longer.
    Unauthorized,
    /// The receiver said that it is gone.
    Gone,
    /// It failed for too long.
    Failing,
    /// Somebody whose storage it listened to ended it, or the storage is gone.
    Ended,
}

/// A delivery that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its name.
    pub id: DeliveryId,
    /// The message.
    pub message: Uuid,
    /// What it was to tell.
    pub kind: Kind,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it was owed.
    pub owed: Timestamp,
    /// When it was given up.
    pub died: Timestamp,
    /// How the last attempt ended.
    pub last: Option<Outcome>,
}

/// How a channel fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When something was last acknowledged.
    pub last_success: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_failure: Option<Attempt>,
    /// Since when every attempt has failed; none if the last one did not.
    pub failing_since: Option<Timestamp>,
    /// How much is owed, dead letters apart.
    pub pending: u64,
    /// When something is tried next; none if nothing is owed, or the channel is switched off.
    pub next_attempt: Option<Timestamp>,
    /// How many dead letters are kept.
    pub dead_letters: u64,
    /// Since when, and why, it is switched off.
    pub disabled: Option<(Timestamp, Reason)>,
    /// How many changes were not queued because too much was owed already.
    pub missed: u64,
}

/// What is to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// These dead letters; those that are none are passed over.
    These(Vec<DeliveryId>),
    /// All dead letters.
    All,
}

/// The queue failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("the queue failed")]
pub struct QueueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The durable queue.
#[async_trait::async_trait]
pub trait Queue: Send + Sync + 'static {
    /// The lanes in which something is due at `now`, and when the next thing falls due after that, if any does.
    async fn lanes(&self, now: Timestamp) -> Result<(Vec<Lane>, Option<Timestamp>), QueueError>;

    /// At most `limit` deliveries of a lane that are due at `now` and not `under_way`, from as many channels as
    /// possible: in rounds over the channels, within one the longest due first.
    async fn take(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError>;

    /// More of what changed in the storage of `lead`, for the same channel, to go with it in one request: due at `now` and
    /// not `under_way`, in the order of the commits, at most `limit`. Of each resource from the oldest on, so that with
    /// `lead` nothing is passed over; where only some of it is due, or somebody works on it, the rest is left. Much that
    /// waits is not looked through to its end. `lead` was taken of `lane`, and is not given again.
    async fn take_along(
        &self,
        lane: &Lane,
        lead: &Delivery,
        now: Timestamp,
        limit: usize,
        under_way: &[DeliveryId],
    ) -> Result<Vec<Delivery>, QueueError>;

    /// Notes what became of a delivery, and the attempt if there was one, and brings the channel's health up to date. A
    /// success or a failure counts for the health of the channel if it went to its receiver. Of what is gone nothing is
    /// noted. Pings and lifecycle messages that are given up are forgotten.
    async fn finish(&self, id: DeliveryId, attempt: Option<&Attempt>, done: &Done) -> Result<(), QueueError>;

    /// The same for what went in one request: all of it or nothing.
    async fn finish_together(&self, done: &[(DeliveryId, Done)], attempt: &Attempt) -> Result<(), QueueError>;

    /// Adds a ping or a lifecycle message, due at once. Nothing if there is nowhere to send it, or too many wait.
    async fn add(&self, channel: ChannelId, message: Uuid, kind: &Kind, now: Timestamp) -> Result<(), QueueError>;

    /// Switches a channel off: nothing of it is due but pings and lifecycle messages, and nothing new is owed to it.
    async fn disable(&self, channel: ChannelId, reason: Reason, now: Timestamp) -> Result<(), QueueError>;

    /// Switches it on again, if it is off; what is owed is due at once, and it fails anew from the next failure on.
    async fn enable(&self, channel: ChannelId, now: Timestamp) -> Result<(), QueueError>;

    /// Removes a channel with all that it is owed. `farewell`, if there is one and the channel has a place for it, is
    /// delivered all the same, as a lifecycle message with that id.
    async fn remove(
        &self,
        channel: ChannelId,
        farewell: Option<(Uuid, Arc<[u8]>)>,
        now: Timestamp,
    ) -> Result<bool, QueueError>;

    /// How a channel fares; none if it is gone or does not push.
    async fn health(&self, channel: ChannelId) -> Result<Option<Health>, QueueError>;

    /// The newest attempts of a channel, each with its message, the newest first; a bounded number is kept.
    async fn attempts(&self, channel: ChannelId, limit: usize) -> Result<Vec<(Uuid, Attempt)>, QueueError>;

    /// Dead letters of a channel behind `after`, the oldest first.
    async fn dead_letters(
        &self,
        channel: ChannelId,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError>;

    /// Owes dead letters anew, as if they had never been tried, due at once and before what is younger; how many.
    async fn redeliver(&self, channel: ChannelId, wanted: &Wanted, now: Timestamp) -> Result<u64, QueueError>;

    /// Replaces the symmetric secrets; see [`Push::secrets`](podbell_hub::Push::secrets).
    async fn set_secrets(&self, channel: ChannelId, secrets: &[podbell_hub::Secret]) -> Result<bool, QueueError>;

    /// Replaces the target: what is owed goes there from then on, and so do words about the channel if they went to the
    /// same place. False if the channel is gone or does not push.
    ///
    /// # Errors
    /// Also if the agent's channels would push to more hosts than `limits` say; then nothing is changed.
    async fn redirect(&self, channel: ChannelId, send_to: &str, limits: &ChannelLimits) -> Result<bool, InsertError>;

    /// The channels that end before `before` and have not been told so, of those that want to be told; each is given
    /// once, and noted as told.
    async fn expiring(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError>;

    /// The channels that have ended and want to be told: they stay until they are removed, with a farewell.
    async fn expired(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError>;

    /// The channels that have been switched off since `before` or longer; they are given until they are removed or
    /// switched on.
    async fn failing(&self, before: Timestamp, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError>;

    /// The channels that have missed something and have not been told so, of those that want to be told; each is given
    /// once, and noted as told until it misses more.
    async fn missed(&self, limit: usize) -> Result<Vec<Arc<Channel>>, QueueError>;
}

#[cfg(test)]
mod tests {
    use super::Lane;

    #[test]
    fn a_lane_is_scheme_host_and_port() {
        for (url, lane) in [
            ("https://Hook.example/a?b", "https://hook.example:443"),
            ("https://hook.example:443/", "https://hook.example:443"),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
            ("http://[::1]/", "http://[::1]:80"),
            ("https://hook.example:8443/", "https://hook.example:8443"),
            ("mailto:alice@example", ""),
            ("no URL", ""),
        ] {
            assert_eq!(&*Lane::of(url).0, lane, "{url}");
        }
    }
}
