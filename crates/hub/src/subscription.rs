//! Subscribing and unsubscribing.
//!
//! All or nothing: a channel is kept only if its subject may hear of every topic. Ended means silent: when
//! [`Hub::unsubscribe`] returns, nothing more is sent. To strangers all channels look alike, those that never
//! existed too.
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol#subscription>

use crate::{Channel, ChannelId, ChannelStoreError, Ending, Hub, InsertError, TooMany, Topic, shard::Chore};
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
        self.subscribe_as(channel, |_| false).await
    }

    /// The same. How many others listen keeps nobody from what is in storages of their own (`owns`).
    pub async fn subscribe_as(
        &self,
        channel: Channel,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<(), SubscribeError> {
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
        let mut limits = settings.channels.clone();
        if channel.topics.iter().all(|topic| owns(topic.storage)) {
            limits.per_topic = u64::MAX;
        }
        inner.channels.insert(&channel, &limits).await.map_err(|error| match error {
            InsertError::TooMany(too_many) => SubscribeError::TooMany(too_many),
            InsertError::Store(error) => SubscribeError::Store(error),
        })?;
        if let Err(error) = self.owe_state(&channel).await {
            // What was asked for cannot be kept, so nothing is.
            inner.channels.remove(channel.id).await?;
            return Err(error.into());
        }
        Ok(())
    }

    /// A channel, for the agent that made it, or for the owner of the storage of some of its topics (`owns`), who is
    /// shown these alone, and what listens there without being kept, too. Of a channel that the public made, its id is
    /// proof enough.
    pub async fn channel(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<Channel, ChannelError> {
        let (channel, part) = self.part_of(id, by, owns).await?;
        Ok(Channel { topics: part.into(), ..channel })
    }

    /// A channel as it is kept, for the agent that made it, and for who owns the storages of all of its topics: what
    /// cannot be told apart by topics is shown to nobody else.
    pub async fn whole(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<Channel, ChannelError> {
        let all = move |channel: &Channel| {
            let is_theirs = made(channel, by) || channel.topics.iter().all(|topic| owns(topic.storage));
            if is_theirs { channel.topics.to_vec() } else { Vec::new() }
        };
        Ok(self.find(id, all, by).await?.0)
    }

    /// A channel, and its topics that are theirs to look after.
    async fn part_of(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<(Channel, Vec<Topic>), ChannelError> {
        let part = move |channel: &Channel| {
            let made = made(channel, by);
            channel.topics.iter().filter(|topic| made || owns(topic.storage)).cloned().collect()
        };
        self.find(id, part, by).await
    }

    /// A channel, kept or not, and a part of its topics; if that is empty, there is no such channel for who asks.
    async fn find(
        &self,
        id: ChannelId,
        part: impl Fn(&Channel) -> Vec<Topic>,
        by: &Subject,
    ) -> Result<(Channel, Vec<Topic>), ChannelError> {
        let part = |channel: &Channel| Some(part(channel)).filter(|part| !part.is_empty());
        let mut found = self.inner.channels.get(id).await?;
        if found.as_ref().is_some_and(|channel| channel.connect_by.is_some_and(|by| by <= (self.inner.clock)())) {
            // Whether anybody has connected is the store's to know.
            self.inner.perform(&Chore::Sweep).await?;
            found = self.inner.channels.get(id).await?;
        }
        let ended = self.inner.with(|shard, now| {
            if found.is_none() {
                found = shard.attended(id).map(|live| (*live.channel).clone());
            }
            let over = found.as_ref().is_some_and(|channel| channel.end_at.is_some_and(|end| end <= now));
            if over { found.clone().map(Arc::new) } else { shard.ended.by_id(id).cloned() }
        });
        match (found, ended) {
            (_, Some(ended)) if part(&ended).is_some() => return Err(ChannelError::Ended),
            (Some(channel), None) => {
                if let Some(part) = part(&channel) {
                    return Ok((channel, part));
                }
            }
            _ => {}
        }
        Err(if by.webid.is_none() { ChannelError::Anonymous } else { ChannelError::Stranger })
    }

    /// Ends a channel, for the same people as [`Hub::channel`]: when this returns, its connections are closed and
    /// nothing more is sent. For who owns the storages of some of its topics alone, it ends these: nothing more is sent
    /// of them, and the channel goes on with the others.
    pub async fn unsubscribe(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<(), ChannelError> {
        match self.withdraw(id, by, owns).await? {
            Some(channel) => self.remove(&channel).await,
            None => Ok(()),
        }
    }

    /// Removes a channel that was withdrawn, and has no last words.
    pub async fn remove(&self, channel: &Arc<Channel>) -> Result<(), ChannelError> {
        let existed = self.inner.channels.remove(channel.id).await?;
        self.removed(channel);
        if existed { Ok(()) } else { Err(ChannelError::Ended) }
    }

    /// The same, but if it is the whole channel that ends, that is given: whoever asked removes it from the store, with
    /// its last words, and calls [`Hub::removed`] then.
    pub async fn withdraw(
        &self,
        id: ChannelId,
        by: &Subject,
        owns: impl Fn(StorageId) -> bool + Send,
    ) -> Result<Option<Arc<Channel>>, ChannelError> {
        let (channel, part) = self.part_of(id, by, owns).await?;
        self.take(channel, &part).await
    }

    /// Ends what a channel has in one storage, whoever made it, for the owner of that storage; who that is, is the caller's
    /// to know. Otherwise as [`Hub::withdraw`].
    pub async fn withdraw_from(
        &self,
        storage: StorageId,
        id: ChannelId,
        by: &Subject,
    ) -> Result<Option<Arc<Channel>>, ChannelError> {
        let there = |channel: &Channel| {
            channel.topics.iter().filter(|topic| topic.storage == storage).cloned().collect::<Vec<_>>()
        };
        let (channel, part) = self.find(id, there, by).await?;
        self.take(channel, &part).await
    }

    async fn take(&self, channel: Channel, part: &[Topic]) -> Result<Option<Arc<Channel>>, ChannelError> {
        let id = channel.id;
        if !channel.is_kept() {
            let there = self.inner.with(|shard, _| shard.dismiss(id, part));
            return if there { Ok(None) } else { Err(ChannelError::Ended) };
        }
        let left: Vec<Topic> = channel.topics.iter().filter(|topic| !part.contains(topic)).cloned().collect();
        if left.is_empty() {
            return Ok(Some(Arc::new(channel)));
        }
        // Kept first: whoever connects from then on finds the rest, and whoever is on the way is told below.
        let goes_on = self.inner.channels.narrow(id, &left).await?;
        if !goes_on && channel.push.is_some() {
            // The owners of the others ended these meanwhile.
            return Ok(Some(Arc::new(channel)));
        }
        self.inner.with(|shard, _| shard.end_part(id, part));
        self.inner.void(id);
        Ok(None)
    }

    /// What is kept of a channel that pushes was changed by somebody else, its receiver for one: when this returns, nothing
    /// is sent by leave that was given before.
    pub fn changed(&self, id: ChannelId) {
        self.inner.void(id);
    }

    /// A channel was removed from the store: when this returns, its connections are closed, and nothing is sent by leave
    /// that was given before. Whoever made the channel is told that it has ended.
    pub fn removed(&self, channel: &Arc<Channel>) {
        self.inner.with(|shard, _| {
            shard.ended.remember(channel);
            shard.end_now(channel.id, Ending::Unsubscribed);
        });
        self.inner.void(channel.id);
    }
}

/// Whether they made a channel. Of what is not kept nobody has an id but the owners of storages.
fn made(channel: &Channel, by: &Subject) -> bool {
    channel.is_kept() && channel.subject.webid == by.webid
}
