//! Connecting, in two steps, so that a refusal can be said before the handshake.
//!
//! [`Hub::admit`] judges all topics anew and takes a seat; [`Admission::register`] begins. A channel that ends in
//! between is not registered.

use crate::{
    About, Answer, Channel, ChannelStoreError, Cursor, Ending, Hub, Outlet, Position, RenderingId, Topic, Unavailable,
    crowds::Full, engine::Inner, registry::ConnectionKey, replay::Compare, shard::Timer,
};
use std::{fmt, sync::Arc};

/// Why a capability does not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No channel has this capability.
    #[error("no channel has this capability")]
    Unknown,
    /// The channel has ended, or the capability is used up.
    #[error("the channel has ended")]
    Ended,
    /// The subject may no longer read any topic; the channel is gone with that.
    #[error("the subject may no longer read any topic")]
    Forbidden,
    /// As many connections as allowed are there, of this channel or of this subject.
    #[error("there are {limit} connections already")]
    TooMany {
        /// Whose they are.
        full: Full,
        /// How many are allowed.
        limit: u32,
    },
    /// The rules cannot be read, or the server stops: later perhaps.
    #[error("nobody can be admitted now")]
    Unavailable,
    /// The channel store failed.
    #[error(transparent)]
    Store(#[from] ChannelStoreError),
}

/// From where a connection hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// From now on; the state is compared if the channel asks for that.
    Now,
    /// From now on, and first how every topic stands.
    Standing,
    /// Everything after that place. If that can no longer be read, as for [`Begin::Lost`].
    After(Position),
    /// From now on, and first that something may have been missed, and how every topic stands.
    Lost,
}

/// A seat that is taken, and not yet used; dropping it gives it back.
pub struct Admission {
    inner: Arc<Inner>,
    channel: Arc<Channel>,
    answers: Vec<Answer>,
    seated: bool,
    /// Whether a use of the capability was counted.
    used: bool,
}

/// A registered connection; dropping it ends it.
pub struct Connection {
    inner: Arc<Inner>,
    key: ConnectionKey,
}

impl Hub {
    /// The channel of the capability with that SHA-256, and whether it has ended. Opens nothing and counts nothing.
    pub async fn seek(&self, capability: &[u8; 32]) -> Result<(Arc<Channel>, bool), ConnectError> {
        let found = self.inner.channels.by_capability(capability).await?.map(Arc::new);
        let (ended, now) = self.inner.with(|shard, now| (shard.ended.by_capability(capability).map(Arc::clone), now));
        match (ended, found) {
            (Some(ended), _) => Ok((ended, true)),
            (None, Some(found)) => {
                let over = found.end_at.is_some_and(|end| end <= now);
                Ok((found, over))
            }
            (None, None) => Err(ConnectError::Unknown),
        }
    }

    /// Admits whoever holds the capability with that SHA-256: judges all topics now, drops those that were lost,
    /// counts the use, and takes a seat.
    pub async fn admit(&self, capability: &[u8; 32]) -> Result<Admission, ConnectError> {
        self.admit_as(capability, false).await
    }

    /// The same for somebody who knows what they heard last, and so was connected before. A channel that lingers is theirs
    /// again, whatever uses its capability has left, and in the place of a connection that is still there.
    pub async fn admit_again(&self, capability: &[u8; 32]) -> Result<Admission, ConnectError> {
        self.admit_as(capability, true).await
    }

    async fn admit_as(&self, capability: &[u8; 32], again: bool) -> Result<Admission, ConnectError> {
        let inner = &self.inner;
        let channel = match inner.channels.by_capability(capability).await? {
            Some(channel) => channel,
            None if inner.with(|shard, _| shard.ended.has_capability(capability)) => return Err(ConnectError::Ended),
            None => return Err(ConnectError::Unknown),
        };
        let now = (inner.clock)();
        if channel.end_at.is_some_and(|end| end <= now) {
            return Err(ConnectError::Ended);
        }
        if channel.connect_by.is_some_and(|by| by <= now) {
            inner.channels.sweep(now).await?;
        }
        if again && channel.linger.is_some_and(|linger| !linger.is_zero()) {
            inner.with(|shard, _| shard.make_place(channel.id));
        } else if channel.connections.total == Some(1) && inner.with(|shard, _| shard.waits_for_return(channel.id)) {
            // Its one use is used up. To find that out in a seat would take the place of who comes back.
            return Err(ConnectError::Ended);
        }
        let mut admission = self.attend(channel).await?;
        // After the seat was taken: whoever ends the channel, or a part of it, from now on finds the seat.
        let id = admission.channel.id;
        if !(inner.channels.use_capability(id).await? || again && inner.channels.come_back(id).await?) {
            return Err(ConnectError::Ended);
        }
        admission.used = true;
        let Some(kept) = inner.channels.get(admission.channel.id).await? else { return Err(ConnectError::Ended) };
        if admission.keep(kept) { Ok(admission) } else { Err(ConnectError::Ended) }
    }

    /// Admits a connection to a channel as it is given: without a subscription it is kept nowhere, and ends with the
    /// connection. Judged and limited as all are.
    pub async fn attend(&self, channel: Channel) -> Result<Admission, ConnectError> {
        let inner = &self.inner;
        if channel.push.is_some() {
            return Err(ConnectError::Unknown);
        }
        inner.with(|shard, _| {
            // The store may not have forgotten an ended channel yet.
            let ended = channel.capability.is_some_and(|hash| shard.ended.has_capability(&hash));
            match (shard.draining, ended) {
                (true, _) => Err(ConnectError::Unavailable),
                (false, true) => Err(ConnectError::Ended),
                (false, false) => {
                    shard.take_seat(&channel).map_err(|(full, limit)| ConnectError::TooMany { full, limit })
                }
            }
        })?;
        // From here on the seat is given back by dropping the admission.
        let channel = Arc::new(channel);
        let mut admission =
            Admission { inner: Arc::clone(inner), channel, answers: Vec::new(), seated: true, used: false };
        admission.judge().await?;
        Ok(admission)
    }
}

impl Inner {
    /// Whether a subject may hear of a topic now.
    pub(crate) async fn may_hear(
        &self,
        subject: &Arc<podbell_model::Subject>,
        topic: &Topic,
    ) -> Result<Answer, Unavailable> {
        self.judge(&About::topic(topic.clone()).question(subject)).await
    }
}

impl Admission {
    /// The channel, with the topics that are left.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Goes on with the channel as it is kept now, of the topics that were judged; false if none is left.
    fn keep(&mut self, kept: Channel) -> bool {
        let answers = std::mem::take(&mut self.answers);
        let judged = self.channel.topics.iter().cloned().zip(answers);
        if *self.channel.topics == *kept.topics {
            self.answers = judged.map(|(_, answer)| answer).collect();
            self.channel = Arc::new(kept);
        } else {
            let left = judged.filter(|(topic, _)| kept.topics.contains(topic));
            let (topics, answers): (Vec<Topic>, Vec<Answer>) = left.unzip();
            self.answers = answers;
            self.channel = Arc::new(Channel { topics: topics.into(), ..kept });
        }
        !self.channel.topics.is_empty()
    }

    async fn judge(&mut self) -> Result<(), ConnectError> {
        let mut left = Vec::with_capacity(self.channel.topics.len());
        for topic in self.channel.topics.iter() {
            let answer = self.inner.may_hear(&self.channel.subject, topic).await;
            let answer = answer.map_err(|_| ConnectError::Unavailable)?;
            if answer.allowed {
                left.push(topic.clone());
                self.answers.push(answer);
            }
        }
        if left.is_empty() {
            self.inner.with(|shard, _| shard.refuse(&self.channel));
            return Err(ConnectError::Forbidden);
        }
        if left.len() < self.channel.topics.len() {
            self.inner.channels.narrow(self.channel.id, &left).await?;
            self.channel = Arc::new(Channel { topics: left.into(), ..(*self.channel).clone() });
        }
        Ok(())
    }

    /// Begins. `rendering`: how this connection is written to, whatever its channel says now or later.
    ///
    /// If the channel has ended meanwhile, the outlet is closed and the connection is dead from the start.
    pub fn register(mut self, outlet: Arc<dyn Outlet>, begin: Begin, rendering: Option<RenderingId>) -> Connection {
        self.seated = false;
        let (inner, channel, answers) = (Arc::clone(&self.inner), &self.channel, &self.answers);
        let key = inner.with(|shard, now| {
            let head = inner.log.head();
            // A place that is still to come was lost with the history that it was in.
            let begin = match begin {
                Begin::After(place) if place.sequence > head => Begin::Lost,
                begin => begin,
            };
            let position = if let Begin::After(place) = begin { place } else { Position::after(head) };
            let Some(key) = shard.register(channel, answers, (outlet, rendering), position, now) else { return 0 };
            match (begin, channel.start_at.filter(|start| *start > now)) {
                (Begin::Now, Some(start)) if channel.state.is_some() => shard.at(start, Timer::Start(key)),
                (Begin::Now, _) if channel.state.is_some() => shard.begin_replay(key, Compare::State),
                (Begin::Standing, _) => shard.begin_replay(key, Compare::Show),
                (Begin::Lost, _) => shard.begin_replay(key, Compare::Gap),
                _ if position.sequence < shard.applied || position.part < u32::MAX => {
                    shard.begin_replay(key, Compare::Nothing);
                }
                _ => {}
            }
            key
        });
        Connection { inner, key }
    }
}

impl Connection {
    /// The outlet has room again.
    pub fn writable(&self) {
        self.inner.with(|shard, now| shard.writable(self.key, now));
    }

    /// Hands over a cursor that stands behind everything, if nothing waits. Nothing is told meanwhile, so what `say`
    /// writes comes in order; it must not block.
    pub fn when_idle(&self, say: impl FnOnce(&Cursor)) {
        self.inner.with(|shard, _| {
            if let Some(cursor) = shard.idle_cursor(self.key) {
                say(&cursor);
            }
        });
    }

    /// Whether it is still registered.
    pub fn is_open(&self) -> bool {
        self.inner.shard.lock().connections.contains_key(&self.key)
    }

    /// Ends it when the credentials that it was made with do (a stream authenticated by header), by `ending`.
    pub fn end(&self, ending: Ending) {
        self.inner.with(|shard, _| shard.let_go(self.key, Some(ending)));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.inner.with(|shard, _| shard.let_go(self.key, None));
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.seated {
            self.inner.with(|shard, _| {
                shard.leave_seat(&self.channel);
                if self.used {
                    shard.was_left(&self.channel);
                }
            });
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("channel", &self.channel.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("key", &self.key).finish_non_exhaustive()
    }
}
