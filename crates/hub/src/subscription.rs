//! Subscribing and unsubscribing.
//!
//! All or nothing: a channel is kept only if its subject may hear of every topic. Ended means silent: when
//! [`Hub::unsubscribe`] returns, nothing more is sent. To strangers all channels look alike, those that never
//! existed too.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#subscription>

use crate::{Channel, ChannelId, ChannelStoreError, Ending, Hub, InsertError, TooMany, shard::Chore};
use podbell_model::{ResourceIri, StorageId, Subject};
use std::sync::Arc;

/// Why no channel was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// There are as many channels as allowed.
    #[error(transparent)]
    TooMany(TooMany),
    /// No topic, or too many.
    #[error("a channel has between one and {limit} topics")]
    Topics {
        /// How many are allowed.
        limit: usize,
    },
    /// The subject may not hear of a topic, which may or may not exist.
    #[error("the subject may not hear of {topic}")]
    Forbidden {
        /// The first such topic.
        topic: ResourceIri,
    },
    /// The rules cannot be read, or the server stops: later perhaps.
    #[error("nobody can subscribe now")]
    Unavailable,
    /// The channel store failed; nothing was kept.
    #[error(transparent)]
    Store(#[from] ChannelStoreError),
}

/// Why a channel is neither shown nor ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// Whoever asks has not said who it is.
    #[error("the channel's owner must authenticate")]
    Anonymous,
    /// The channel is not theirs, or never existed.
    #[error("the channel belongs to somebody else")]
    Stranger,
    /// It was theirs, and has ended.
    #[error("the channel has ended")]
    Ended,
    /// The channel store failed.
    #[error(transparent)]
    Store(#[from] ChannelStoreError),
}

impl Hub {
    /// Keeps a channel, if its subject may hear of every topic and there are not too many. Durable when it returns.
    pub async fn subscribe(&self, channel: Channel) -> Result<(), SubscribeError> {
        let (inner, settings) = (&self.inner, &self.settings);
        let most = settings.topics_per_channel;
        if channel.topics.is_empty() || channel.topics.len() > most {
            return Err(SubscribeError::Topics { limit: most });
        }
        if inner.with(|shard, _| shard.draining) {
            return Err(SubscribeError::Unavailable);
        }
        for topic in channel.topics.iter() {
            let answer = inner.may_hear(&channel.subject, topic).await;
            if !answer.map_err(|_| SubscribeError::Unavailable)?.allowed {
                return Err(SubscribeError::Forbidden { topic: topic.resource.clone() });
            }
        }
        inner.channels.insert(&channel, &settings.channels).await.map_err(|error| match error {
            InsertError::TooMany(too_many) => SubscribeError::TooMany(too_many),
            InsertError::Store(error) => SubscribeError::Store(error),
        })
    }

    /// A channel, for the agent that made it or the owner of the storage of all its topics (`owns`). Of a channel
    /// that the public made, its id is proof enough.
    pub async fn channel(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<Channel, ChannelError> {
        let may = |channel: &Channel| {
            channel.subject.webid == by.webid || channel.topics.iter().all(|topic| owns(topic.storage))
        };
        let mut found = self.inner.channels.get(id).await?;
        if found.as_ref().is_some_and(|channel| channel.connect_by.is_some_and(|by| by <= (self.inner.clock)())) {
            // Whether anybody has connected is the store's to know.
            self.inner.perform(&Chore::Sweep).await?;
            found = self.inner.channels.get(id).await?;
        }
        let ended = self.inner.with(|shard, now| {
            let over = found.as_ref().is_some_and(|channel| channel.end_at.is_some_and(|end| end <= now));
            if over { found.clone().map(Arc::new) } else { shard.ended.by_id(id).cloned() }
        });
        match (found, ended) {
            (_, Some(ended)) if may(&ended) => Err(ChannelError::Ended),
            (Some(channel), None) if may(&channel) => Ok(channel),
            _ if by.webid.is_none() => Err(ChannelError::Anonymous),
            _ => Err(ChannelError::Stranger),
        }
    }

    /// Ends a channel, for the same people as [`Hub::channel`]: when this returns, its connections are closed and
    /// nothing more is sent.
    pub async fn unsubscribe(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<(), ChannelError> {
        let channel = Arc::new(self.channel(id, by, owns).await?);
        let existed = self.inner.channels.remove(id).await?;
        self.inner.with(|shard, _| {
            shard.ended.remember(&channel);
            shard.end_now(id, Ending::Unsubscribed);
        });
        if existed { Ok(()) } else { Err(ChannelError::Ended) }
    }
}
