//! From a change to its listeners: into their outboxes, or straight out to those that are idle.
//!
//! The rules of the straight way are those of [`flush`](crate::flush): judged by rules that are not older than the fence's watermark, and
//! written inside the fence. Whatever is not simple (something waits already, a rate, a state to remember, an answer
//! that is not known, a socket without room) takes the way through the outbox.

use crate::{
    Encoded, Position, Relation, RenderingId,
    flush::{BATCH, encode_change},
    listening::second,
    matching::Concern,
    outbox::{Change, Item, What},
    registry::{ChannelKey, Connected, ConnectionKey},
    rules::{EntryKey, SubjectKey},
    shard::Shard,
};
use podbell_model::Timestamp;
use std::{
    collections::HashSet,
    io::{self, ErrorKind, IoSlice},
};

/// What is left to do for a connection that was not simply served.
enum Left {
    /// The item goes through the outbox.
    Queue(Item),
    /// So many of its bytes are out.
    Rest(Item, usize),
    /// The connection broke.
    Broken(io::Error),
}

impl Shard {
    /// Tells a change to everybody whom it concerns: to all that hear it live, or to the one that catches up (`only`).
    /// `got`, if the change concerns several topics: the channels that got it for one of them.
    pub(crate) fn tell(
        &mut self,
        concern: &Concern,
        change: &Change,
        only: Option<ConnectionKey>,
        mut got: Option<&mut HashSet<ChannelKey>>,
        now: Timestamp,
    ) {
        // One that catches up costs the same whoever else listens.
        let alone = match only.map(|key| self.alone(key, concern.entry)) {
            Some(None) => return,
            Some(alone) => alone,
            None => None,
        };
        let mut left = Vec::new();
        // A handful of renderings: looking through them is quicker than hashing.
        let mut encoded: Vec<((RenderingId, bool), Encoded)> = Vec::new();
        let mut item = Item::new(concern.entry, concern.generation, change.clone());
        let Some(entry) = self.entries.get(&concern.entry) else { return };
        let subjects: Vec<_> = match &alone {
            Some((subject, _)) => vec![*subject],
            None => entry.parties.keys().copied().collect(),
        };
        if let Some(object) = &concern.below {
            item.below = self.visit(&subjects, object);
        }
        // What comes right behind goes out in the same write: it waits in the outbox for that.
        let straight = only.is_none() && self.pending.is_empty();
        let (mut sent, place, this_second) = (0, change.position(), second(now));
        for subject in subjects {
            item.judged = false;
            let verdict = self.verdict(subject, &item, now);
            if verdict == Some(false) {
                self.metrics.refused();
                continue;
            }
            item.judged = verdict == Some(true);
            let Some(party) = self.entries.get(&concern.entry).and_then(|entry| entry.parties.get(&subject)) else {
                continue;
            };
            let channels = alone.as_ref().map_or(&*party.channels, |(_, channel)| std::slice::from_ref(channel));
            for channels in channels.chunks(BATCH) {
                let entered = self.fence.enter();
                let direct = straight && item.judged && entered.watermark() <= self.rules.known();
                for key in channels {
                    let Some(live) = self.channels.get(key) else { continue };
                    if !live.hears(concern.entry, change.record(), concern.relation) {
                        continue;
                    }
                    let second = got.as_ref().is_some_and(|got| got.contains(key));
                    if second && concern.relation == Relation::Object {
                        // Of two containers above, one is enough.
                        continue;
                    }
                    if let (Relation::Object, Some(got)) = (concern.relation, got.as_deref_mut()) {
                        got.insert(*key);
                    }
                    let before = sent;
                    for connection in &live.connections {
                        let Some(connected) = self.connections.get(connection) else { continue };
                        let turn = only.map_or(connected.replay.is_none(), |only| only == *connection);
                        if !turn || !connected.misses(place) {
                            continue;
                        }
                        let rendering = connected.rendering;
                        let known = encoded.iter().position(|(of, _)| *of == (rendering, second));
                        let at = known.unwrap_or_else(|| {
                            let change = Change { second, ..change.clone() };
                            encoded.push(((rendering, second), encode_change(&*self.encoder, rendering, &change)));
                            encoded.len() - 1
                        });
                        let bytes = &encoded[at].1;
                        if bytes.is_empty() {
                            continue;
                        }
                        let make = || {
                            let what = What::Change(Change { second, ..change.clone() });
                            Item { bytes: bytes.clone(), what, ..item.clone() }
                        };
                        let simple = direct && (live.is_plain || live.channel.state.is_none()) && connected.is_bare();
                        // Nothing waits: the cursor stands right behind.
                        let seal = || bytes.with(|| self.cursors.seal(&live.channel, place));
                        let sealed = bytes.cursor_at.filter(|_| simple).map(|_| seal());
                        let out = sealed.as_ref().unwrap_or(&bytes.bytes);
                        match simple.then(|| connected.outlet.try_write(&[IoSlice::new(out)])) {
                            Some(Ok(written)) if written == bytes.len() => sent += 1,
                            Some(Ok(written)) if written > 0 => {
                                let rest = Item { paced: true, bytes: out.clone().into(), ..make() };
                                left.push((*connection, Left::Rest(rest, written)));
                            }
                            Some(Err(error))
                                if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                            {
                                left.push((*connection, Left::Broken(error)));
                            }
                            _ => left.push((*connection, Left::Queue(make()))),
                        }
                    }
                    if sent > before {
                        live.handed(this_second);
                    }
                }
            }
        }
        self.metrics.sent(sent);
        self.metrics.traffic.delivered(change.record().storage, sent, now);
        self.settle(left, now);
    }

    /// The subject and the channel of one that catches up, if it hears of that topic.
    fn alone(&self, key: ConnectionKey, entry: EntryKey) -> Option<(SubjectKey, ChannelKey)> {
        let channel = self.connections.get(&key)?.channel;
        let live = self.channels.get(&channel)?;
        live.topics.iter().any(|(topic, heard)| *topic == entry && *heard).then_some((live.subject, channel))
    }

    fn settle(&mut self, left: Vec<(ConnectionKey, Left)>, now: Timestamp) {
        for (key, left) in left {
            match left {
                Left::Queue(item) => self.enqueue(key, item, now),
                Left::Rest(item, written) => self.keep_rest(key, item, written, now),
                Left::Broken(error) => {
                    tracing::debug!(%error, "a connection broke");
                    self.let_go(key, None);
                }
            }
        }
    }
}

impl Connected {
    /// Whether it has not heard yet what is at that place.
    fn misses(&self, place: Position) -> bool {
        self.position < place.sequence && self.heard.as_ref().is_none_or(|heard| **heard < place)
    }

    /// Nothing waits, and nothing will have to.
    fn is_bare(&self) -> bool {
        self.outbox.is_none() && self.windows.is_none()
    }
}

impl Item {
    fn new(entry: EntryKey, generation: Option<podbell_model::Generation>, change: Change) -> Self {
        let what = What::Change(change);
        Self { bytes: Encoded::default(), entry, below: None, generation, what, judged: false, paced: false }
    }
}
