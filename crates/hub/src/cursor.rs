//! Cursors: how far a listener has heard, in a form that it can keep and come back with.
//!
//! The hub knows positions; what a listener sees is sealed, so that it learns nothing from it about changes that it may
//! not see. A cursor that goes out with a notification stands for everything up to it that this connection was told:
//! whatever still waits is after it.

use crate::{
    Channel, Relation,
    outbox::{Item, What},
    registry::{Connected, ConnectionKey},
    shard::Shard,
};
use bytes::{Bytes, BytesMut};
use podbell_model::Sequence;
use std::collections::VecDeque;

/// Length of a sealed cursor, in bytes of ASCII that need no escape in URLs, JSON, Turtle or header fields.
pub const CURSOR: usize = 56;

/// A sealed cursor.
pub type Cursor = [u8; CURSOR];

/// A place in the log: behind a part of a commit. A part is what one record tells to one kind of topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The commit.
    pub sequence: Sequence,
    /// The last part of it that was heard; [`u32::MAX`] for all of it.
    pub part: u32,
}

impl Position {
    /// Behind the whole of a commit.
    pub fn after(sequence: Sequence) -> Self {
        Self { sequence, part: u32::MAX }
    }

    /// The part of a commit that one of its records tells: the object's comes before the container's.
    pub(crate) fn of(sequence: Sequence, record: usize, relation: Relation) -> Self {
        let part = record * 2 + usize::from(relation == Relation::Member);
        Self { sequence, part: u32::try_from(part).unwrap_or(u32::MAX - 1) }
    }

    /// The record that the part is of, and how it concerns whom it is told; none for the whole of a commit.
    pub(crate) fn record(self) -> Option<(usize, Relation)> {
        let part = usize::try_from(self.part).ok().filter(|_| self.part < u32::MAX)?;
        Some((part / 2, if part % 2 == 1 { Relation::Member } else { Relation::Object }))
    }

    /// A place that is still to come, whatever comes: whoever returns to it has lost something.
    const LOST: Self = Self { sequence: Sequence(u64::MAX), part: u32::MAX };

    /// The place just before this part.
    #[must_use]
    pub fn before(self) -> Self {
        match self.part.checked_sub(1) {
            Some(part) => Self { part, ..self },
            None => Self::after(self.sequence.before()),
        }
    }
}

/// Seals positions. Filled by `server`; what it opens comes back as [`Begin::After`](crate::Begin).
pub trait Cursors: Send + Sync + 'static {
    /// A cursor for the listeners of a channel.
    fn seal(&self, channel: &Channel, position: Position) -> Cursor;
}

/// A finished notification: bytes that all listeners of a rendering share, but for the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Finished, with [`CURSOR`] bytes of anything where the cursor goes. Empty: there is nothing to say.
    pub bytes: Bytes,
    /// Where that is, if the rendering carries one.
    pub cursor_at: Option<usize>,
}

impl From<Bytes> for Encoded {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, cursor_at: None }
    }
}

impl Encoded {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// With the cursor in its place.
    #[must_use]
    pub fn with(&self, cursor: impl FnOnce() -> Cursor) -> Bytes {
        let Some(at) = self.cursor_at else { return self.bytes.clone() };
        let mut bytes = BytesMut::from(&*self.bytes);
        if let Some(place) = bytes.get_mut(at..at + CURSOR) {
            place.copy_from_slice(&cursor());
        }
        bytes.freeze()
    }
}

impl Shard {
    /// The cursor of a connection that has been told everything.
    pub(crate) fn idle_cursor(&self, key: ConnectionKey) -> Option<Cursor> {
        let connected = self.connections.get(&key).filter(|found| found.is_idle() && found.replay.is_none())?;
        let live = self.channels.get(&connected.channel)?;
        Some(self.cursors.seal(&live.channel, Position::after(self.applied.max(connected.position))))
    }

    /// Puts the cursors into notifications that go out now, in order: each stands behind everything that this
    /// connection has been told by then. As long as not all topics have been shown as they stand, that is no place in
    /// the log, and coming back with it begins anew.
    pub(crate) fn seal(&self, key: ConnectionKey, going: &mut VecDeque<Item>) {
        // Most renderings have none: nothing is looked through for them.
        if going.iter().all(|item| item.bytes.cursor_at.is_none()) {
            return;
        }
        let Some(connected) = self.connections.get(&key) else { return };
        let Some(live) = self.channels.get(&connected.channel) else { return };
        let mut first_left = connected.first_waiting();
        let mut unshown = connected.unshown || connected.shows_later();
        for item in going.iter_mut().rev() {
            let own = item.position();
            let reached = own.unwrap_or(Position::after(connected.position));
            if item.bytes.cursor_at.is_some() {
                let told = first_left.map_or(reached, |left| reached.min(left.before()));
                let told = if unshown { Position::LOST } else { told };
                item.bytes = item.bytes.with(|| self.cursors.seal(&live.channel, told)).into();
            }
            first_left = own.into_iter().chain(first_left).min();
            unshown |= matches!(item.what, What::State(_));
        }
    }
}

impl Connected {
    /// Whether how a topic stands is still in the outbox.
    fn shows_later(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.queue.shows())
    }

    /// The earliest place of what waits in the outbox or for the rate.
    fn first_waiting(&self) -> Option<Position> {
        let held = self.windows.iter().flatten().flat_map(|window| window.held.positions());
        held.chain(self.outbox.iter().flat_map(|outbox| outbox.queue.positions())).min()
    }
}
