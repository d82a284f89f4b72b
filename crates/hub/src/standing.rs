//! How a topic stands, for channels that push and asked for that.
//!
//! Owed when the channel is made, and due at once or when the channel begins; what is said is found out when it is sent.

use crate::{About, Channel, ChannelStoreError, Encoded, Hub, Owed, Position, Unavailable, What, concern::state_after};
use podbell_log::LogError;
use podbell_model::Uuid;
use std::sync::Arc;

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

impl Hub {
    /// How the topic of a channel stands; none if it asked for no such thing, or if the receiver knows it already. To be
    /// asked for, and sent, with leave that was asked for before.
    pub async fn standing_for(
        &self,
        channel: &Channel,
        about: &About,
        message: Uuid,
    ) -> Result<Option<Shown>, Unavailable> {
        let Some(known) = channel.state.as_deref() else { return Ok(None) };
        let standing = self.inner.states.standing(&about.topic).await?;
        let state = standing.version.clone().unwrap_or_else(|| "".into());
        if *state == *known {
            return Ok(None);
        }
        let now = (self.inner.clock)();
        let (topic, version) = (&about.topic.resource, standing.version.as_deref());
        let body = self.inner.encoder.encode_state(channel.rendering, topic, version, message, now);
        let shown = Shown { body, position: Position::after(standing.as_of), state };
        Ok(Some(shown).filter(|shown| !shown.body.is_empty()))
    }

    /// A receiver has acknowledged something: the state of its channel goes along, if it asked for that.
    pub async fn told(&self, channel: &Channel, told: &Told) -> Result<(), ChannelStoreError> {
        if channel.state.is_none() {
            return Ok(());
        }
        let state = match told {
            Told::State(state) => Some(Arc::clone(state)),
            Told::Change(position) => self.state_at(channel, *position).await.map_err(ChannelStoreError)?,
        };
        if let Some(state) = state {
            self.inner.channels.advance_state(channel.id, Some(&state)).await?;
        }
        Ok(())
    }

    /// The state of the channel's topic after a change of it; none if that was of something below, or is forgotten.
    async fn state_at(
        &self,
        channel: &Channel,
        position: Position,
    ) -> Result<Option<Arc<str>>, Box<dyn std::error::Error + Send + Sync>> {
        let commits = match self.inner.log.read(position.sequence.before(), 1).await {
            Err(LogError::Gap) => return Ok(None),
            read => read?,
        };
        let commit = commits.first().filter(|commit| commit.sequence == position.sequence);
        let told = commit.zip(position.record()).and_then(|(commit, (record, relation))| {
            let activity = commit.records.get(record)?.fact.activity()?;
            Some((activity, relation))
        });
        let of_topic = told.filter(|(activity, relation)| {
            let container = activity.membership.as_ref().map(|membership| &membership.container);
            let resource = if *relation == crate::Relation::Member { container } else { Some(&activity.object) };
            channel.topics.iter().any(|topic| Some(&topic.resource) == resource)
        });
        Ok(of_topic.map(|(activity, relation)| state_after(activity, activity.kind, relation)))
    }

    /// What a new channel is owed, if it pushes and asked to hear how its topic stands.
    pub(crate) async fn owe_state(&self, channel: &Channel) -> Result<(), ChannelStoreError> {
        let Some(owing) = self.inner.owing.as_ref().filter(|_| channel.push.is_some() && channel.state.is_some())
        else {
            return Ok(());
        };
        let now = (self.inner.clock)();
        let due = channel.start_at.map_or(now, |start| start.max(now));
        let owed = channel.topics.iter().map(|topic| Owed::state(channel, topic, "state", due));
        owing.owe(owed.collect(), None).await
    }
}

impl Owed {
    /// That it is looked at, by the rules of then, how a topic stands; `why` tells the messages of one topic apart.
    pub(crate) fn state(channel: &Channel, topic: &crate::Topic, why: &str, due: podbell_model::Timestamp) -> Self {
        Self {
            channel: channel.id,
            message: Uuid::new_v5(&channel.id.0, format!("{why} {} {}", topic.storage.0, topic.resource).as_bytes()),
            object: topic.resource.clone(),
            in_order: false,
            about: About::topic(topic.clone()),
            what: What::State,
            due,
            rate: None,
            causes: [channel.id.0].into(),
        }
    }
}
