//! What is owed, in the words of each channel's rendering: each record once for all channels of one.

use crate::{About, Encoded, Encoder, Owed, Position, Projection, Relation, RenderingId, What, ringing::Chance};
use podbell_model::{ActivityKind, Sequence, Timestamp, activity::secondary_id};

/// Writes what is told, once for each rendering.
pub(crate) struct Writer<'e> {
    encoder: &'e dyn Encoder,
    /// What the last record is in each of the words that were asked for.
    written: Vec<((RenderingId, Relation, bool), Encoded)>,
    /// The last record, and the channel that was told of it as one of its topics' own.
    last: Option<(Sequence, usize)>,
    first: Option<crate::ChannelId>,
}

impl<'e> Writer<'e> {
    pub(crate) fn new(encoder: &'e dyn Encoder) -> Self {
        Self { encoder, written: Vec::new(), last: None, first: None }
    }

    /// None if the rendering has nothing to say of it.
    pub(crate) fn write(&mut self, chance: &Chance, about: About, now: Timestamp) -> Option<Owed> {
        let Chance { channel, commit, record, relation, .. } = chance;
        let (record, relation) = (*record, *relation);
        let place = (commit.sequence, record);
        if self.last.replace(place) != Some(place) {
            self.written.clear();
            self.first = None;
        }
        let told = &commit.records[record];
        let activity = told.fact.activity()?;
        let second = relation == Relation::Member && self.first == Some(channel.id);
        self.first = Some(channel.id).filter(|_| relation == Relation::Object);
        let words = (channel.rendering, relation, second);
        let known = self.written.iter().position(|(known, _)| *known == words);
        let at = known.unwrap_or_else(|| {
            let body = self
                .encoder
                .encode(channel.rendering, &Projection { storage: told.storage, activity, relation, second });
            self.written.push((words, body));
            self.written.len() - 1
        });
        let body = self.written[at].1.clone();
        let position = Position::of(commit.sequence, record, relation);
        let mergeable = relation == Relation::Object && activity.kind == ActivityKind::Update;
        (!body.is_empty()).then(|| Owed {
            channel: channel.id,
            message: if second { secondary_id(activity.id, &about.resource) } else { activity.id },
            object: activity.object.clone(),
            in_order: self.encoder.in_order(channel.rendering),
            about,
            what: What::Change { body, position, mergeable },
            due: now,
            rate: channel.rate,
            causes: told.causes_with(channel.id.0),
        })
    }
}
