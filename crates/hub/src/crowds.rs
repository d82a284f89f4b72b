//! How many channels and connections there may be, and of whom.
//!
//! Channels are counted by the store, in the transaction that keeps one more, so that two at once never share the last
//! place. Connections are counted here, from the moment that a seat is taken. Of those who do not log in nothing is known
//! but the network that they come from, so they are counted by that.

use crate::{Channel, Settings, shard::Shard};
use podbell_model::{ResourceIri, Subject, WebId};
use std::sync::Arc;

/// Where somebody asks from who has not logged in: a keyed hash of the network, for counting and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(pub [u8; 16]);

/// Topics that the channels of one agent may have in all, for each channel that it may have: what a topic takes in the
/// store and in memory is bounded by them, and hardly anybody's channels have so many on average.
const TOPICS: u64 = 8;

/// How many channels there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Of one agent with one client.
    pub per_client: u64,
    /// Of one agent with all its clients.
    pub per_agent: u64,
    /// Of all who have not logged in.
    pub of_the_public: u64,
    /// Of those who have not logged in, from one network.
    pub per_network: u64,
    /// About one topic; none for those whose storages all topics are in, so that nobody can crowd them out.
    pub per_topic: u64,
    /// That push, of one agent about one topic, also for those whose storages it is in: a change is written down once for
    /// each, and whoever else waits to be told waits for that.
    pub pushed_per_topic: u64,
    /// Hosts that the channels of one agent push to: what is bounded for each host is bounded for all of them together.
    pub targets: u64,
}

/// From there on there is no limit, and nothing is counted: counting costs as much as there are. The most that a file of
/// settings can say.
const NO_LIMIT: u64 = i64::MAX.cast_unsigned();

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            per_client: 1_000,
            per_agent: 5_000,
            of_the_public: 100_000,
            per_network: 200,
            per_topic: 10_000,
            pushed_per_topic: 1_000,
            targets: 1_000,
        }
    }
}

/// Who, or what, has as many channels as allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// The agent with this client.
    Client,
    /// The agent with all its clients.
    Agent,
    /// All who have not logged in.
    Public,
    /// Those who have not logged in, from this network.
    Network,
    /// All who listen to this topic.
    Topic(ResourceIri),
    /// The topics of all channels of the agent.
    TopicsOfAgent,
    /// The topics of all channels of those who have not logged in, from this network.
    TopicsOfNetwork,
    /// Channels of the agent that push about this topic.
    Pushed(ResourceIri),
    /// Hosts that the agent's channels push to, but for that of the channel.
    Targets,
}

/// There are as many channels as allowed, or topics of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there may be {limit}, and no more")]
pub struct TooMany {
    /// Of whom, or about what.
    pub crowd: Crowd,
    /// How many are allowed.
    pub limit: u64,
}

impl ChannelLimits {
    /// Whether one more channel may be kept; `count` tells how many of a crowd there are, the channel not among them, and
    /// need not count on from the limit that it is given.
    ///
    /// # Errors
    /// What `count` gives.
    pub fn admit<E>(
        &self,
        channel: &Channel,
        mut count: impl FnMut(&Crowd, u64) -> Result<u64, E>,
    ) -> Result<Result<(), TooMany>, E> {
        let mut crowds = match (&channel.subject.webid, channel.network) {
            (Some(_), _) => vec![(Crowd::Client, self.per_client), (Crowd::Agent, self.per_agent)],
            (None, None) => vec![(Crowd::Public, self.of_the_public)],
            (None, Some(_)) => vec![(Crowd::Network, self.per_network), (Crowd::Public, self.of_the_public)],
        };
        let several = channel.topics.len() as u64;
        // Channels with one topic are bounded by their own number.
        if several > 1 && channel.subject.webid.is_some() {
            crowds.push((Crowd::TopicsOfAgent, self.per_agent.saturating_mul(TOPICS)));
        } else if several > 1 && channel.network.is_some() {
            crowds.push((Crowd::TopicsOfNetwork, self.per_network.saturating_mul(TOPICS)));
        }
        if self.per_topic < NO_LIMIT {
            crowds.extend(channel.topics.iter().map(|topic| (Crowd::Topic(topic.resource.clone()), self.per_topic)));
        }
        if channel.push.is_some() {
            let about = channel.topics.iter().map(|topic| Crowd::Pushed(topic.resource.clone()));
            crowds.extend(about.map(|crowd| (crowd, self.pushed_per_topic)));
            crowds.push((Crowd::Targets, self.targets));
        }
        for (crowd, limit) in crowds.into_iter().filter(|(_, limit)| *limit < NO_LIMIT) {
            let more = if matches!(crowd, Crowd::TopicsOfAgent | Crowd::TopicsOfNetwork) { several } else { 1 };
            if count(&crowd, limit)?.saturating_add(more) > limit {
                return Ok(Err(TooMany { crowd, limit }));
            }
        }
        Ok(Ok(()))
    }
}

/// Who has as many connections as allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The channel.
    Channel,
    /// The agent with this client.
    Client,
    /// The agent with all its clients.
    Agent,
    /// Those who have not logged in, from this network.
    Network,
}

/// Whose connections are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Client(WebId, Option<Arc<str>>),
    Agent(WebId),
    Network(Network),
}

impl Holder {
    fn of(channel: &Channel) -> Vec<Self> {
        Self::who(&channel.subject, channel.network)
    }

    pub(crate) fn who(subject: &Subject, network: Option<Network>) -> Vec<Self> {
        match (&subject.webid, network) {
            (Some(webid), _) => {
                vec![Self::Client(webid.clone(), subject.client.clone()), Self::Agent(webid.clone())]
            }
            (None, Some(network)) => vec![Self::Network(network)],
            (None, None) => Vec::new(),
        }
    }

    fn limit(&self, settings: &Settings) -> (Full, u32) {
        match self {
            Self::Client(..) => (Full::Client, settings.connections_per_client),
            Self::Agent(_) => (Full::Agent, settings.connections_per_agent),
            Self::Network(_) => (Full::Network, settings.connections_per_network),
        }
    }
}

impl Shard {
    /// Takes a seat for a connection on its way.
    ///
    /// # Errors
    /// Who has as many as allowed, and how many these are.
    pub(crate) fn take_seat(&mut self, channel: &Channel) -> Result<(), (Full, u32)> {
        let taken = self.seats.get(&channel.id).map_or(0, |seats| seats.taken);
        if taken >= channel.connections.concurrent {
            return Err((Full::Channel, channel.connections.concurrent));
        }
        self.count_in(Holder::of(channel))?;
        self.seats.entry(channel.id).or_default().taken += 1;
        Ok(())
    }

    /// Counts one more connection of all of these, or of none.
    ///
    /// # Errors
    /// Who has as many as allowed, and how many these are.
    pub(crate) fn count_in(&mut self, holders: Vec<Holder>) -> Result<(), (Full, u32)> {
        for holder in &holders {
            let (full, limit) = holder.limit(&self.settings);
            if self.seated.get(holder).is_some_and(|seated| *seated >= limit) {
                return Err((full, limit));
            }
        }
        for holder in holders {
            *self.seated.entry(holder).or_default() += 1;
        }
        Ok(())
    }

    /// Gives it back.
    pub(crate) fn leave_seat(&mut self, channel: &Channel) {
        if let Some(seats) = self.seats.get_mut(&channel.id) {
            seats.taken = seats.taken.saturating_sub(1);
            if seats.taken == 0 {
                self.seats.remove(&channel.id);
            }
        }
        self.count_out(&Holder::of(channel));
    }

    /// Counts one less.
    pub(crate) fn count_out(&mut self, holders: &[Holder]) {
        for holder in holders {
            if let Some(seated) = self.seated.get_mut(holder) {
                *seated = seated.saturating_sub(1);
                if *seated == 0 {
                    self.seated.remove(holder);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelId, RenderingId, Topic};
    use podbell_model::{ResourceIri, StorageId, Subject, Timestamp, Uuid, WebId};
    use std::{convert::Infallible, sync::Arc};

    #[test]
    fn where_there_is_no_limit_nothing_is_counted() {
        let subject = Arc::new(Subject::agent(WebId::new("https://bob.example/#me")));
        let resource = ResourceIri::parse("https://pod.example/a").unwrap();
        let topics = [Topic { storage: StorageId(1), resource }].into();
        let id = ChannelId(Uuid::nil());
        let channel = Channel::new(id, subject, topics, RenderingId(0), Timestamp::UNIX_EPOCH);
        let limits = |most| ChannelLimits { per_client: most, per_agent: most, per_topic: most, ..Default::default() };
        let counted = |limits: ChannelLimits| {
            let mut counted = 0;
            let count = |_: &Crowd, _| {
                counted += 1;
                Ok::<_, Infallible>(0)
            };
            assert_eq!(limits.admit(&channel, count).unwrap(), Ok(()));
            counted
        };
        assert_eq!((counted(limits(NO_LIMIT)), counted(limits(NO_LIMIT - 1))), (0, 3));
    }
}
