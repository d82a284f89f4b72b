//! Connections that come back after a cut: with what they heard last, with nothing, or with what is not theirs.
//!
//! Whoever comes back with a cursor of theirs hears everything that the connection before had not heard whole, and
//! nothing that it had. If that can no longer be told, the answer begins with a gap, and with how the topics stand.

use crate::{
    ear::{Ear, ROOM},
    listeners::{Gap, Wire},
    model::{Commit, Owed, ROOTS, Voice},
    world::World,
};
use podbell_delivery::rendering_id;
use podbell_hub::{Admission, Begin, Position, Topic};
use podbell_model::{Sequence, StorageId};
use podbell_wire::Rendering;
use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// From where a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Now,
    /// That many commits ago: with a cursor that came with what was read then.
    Back(usize),
    /// Where an earlier connection was cut.
    Cut(usize),
    /// With the cursor of another channel, or with what is no cursor.
    Other(Option<usize>),
}

/// What a connection inherits.
pub(crate) struct Heritage {
    pub(crate) cursor: Option<String>,
    /// Whether the cursor was given to this channel.
    pub(crate) own: bool,
    since: Commit,
    seen: Commit,
    pending: Vec<Owed>,
    heard: HashSet<String>,
}

impl World {
    /// Hangs up, if it is connected, and comes back.
    pub(crate) async fn come_back(&mut self, index: usize) {
        if let Some(socket) = self.listening[self.wires[index].of].socket {
            return self.open_again(socket).await;
        }
        if !self.wires[index].over {
            self.disconnect(index);
        }
        self.connect(self.wires[index].of, From::Cut(index)).await;
    }

    /// Takes the cursor that an event stream is told between notifications.
    pub(crate) fn pause(&mut self, index: usize) {
        let wire = &mut self.wires[index];
        if let Some(connection) = wire.connection.as_ref().filter(|_| wire.cursors) {
            let mut cursor = None;
            connection.when_idle(|told| cursor = Some(String::from_utf8(told.to_vec()).unwrap()));
            if let Some(cursor) = cursor {
                wire.idle = Some((wire.ear.whole().len(), cursor));
            }
        }
    }

    /// Begins to listen, with the channel's topics as they were admitted.
    pub(crate) fn begin(&mut self, of: usize, from: From, admission: Admission) {
        let head = self.model.head();
        let heritage = self.heritage(of, from);
        let way = self.listening[of].way;
        let subject = Arc::clone(&self.listening[of].channel.subject);
        let (topics, all) = (&admission.channel().topics, &self.listening[of].channel.topics);
        let opened = heritage.cursor.as_ref().map(|cursor| self.seals.open(cursor, &subject, topics));
        // It was opened when it was asked whether everything behind it can be told; topics may have been lost since.
        let opened = self.listening[of].place.map(Some).or(opened);
        let own = heritage.own && storages(topics) == storages(all);
        assert!(!own || opened != Some(None), "a cursor of its own opens for {subject:?}");
        let (begin, gap) = match opened {
            None => (Begin::Now, Gap::Never),
            Some(None) => (Begin::Lost, Gap::Surely),
            // A place that is still to come stands for one that is lost.
            Some(Some(place)) if place.sequence.0 > head as u64 => (Begin::After(place), Gap::Surely),
            Some(Some(place)) => (Begin::After(place), self.gap(place, topics, all)),
        };
        if let From::Cut(before) = from
            && opened.is_some()
            && gap != Gap::Surely
        {
            let before = &self.wires[before];
            let unshown = before.ear.gap().and_then(|_| self.unshown(before, &before.ear.heard()));
            assert_eq!(unshown, None, "cut behind a gap, {subject:?} comes back and is not shown how it stands");
        }
        let (begin, gap) = match way.voice {
            // Those protocols know no cursors and no gaps.
            Voice::Ess | Voice::Lws if gap != Gap::Never => (Begin::Now, Gap::Never),
            Voice::Solid01 => (Begin::After(Position::after(Sequence(head as u64))), Gap::Never),
            Voice::LwsEvents => {
                assert_ne!(gap, Gap::Surely, "who would be told of a gap is told to subscribe anew");
                (begin, Gap::Never)
            }
            _ => (begin, gap),
        };
        let rendering = Rendering::from_code(admission.channel().rendering.0).unwrap();
        let by_header = matches!(way.voice, Voice::Events | Voice::LwsEvents);
        let rendering = if opened.is_some() && !by_header { rendering.with_cursor() } else { rendering };
        let cursors = by_header || way.voice.knows_cursors() && (way.cursor || opened.is_some());
        let clocks = (Arc::clone(&self.answered), Arc::clone(&self.now));
        let socket = self.listening[of].socket.map(|socket| Arc::clone(&self.sockets[socket]));
        let room = socket.unwrap_or_else(|| Arc::new(AtomicUsize::new(ROOM)));
        let blocked = room.load(SeqCst) < ROOM;
        let ear = Ear::new(self.log.clone(), clocks, (way.voice, room));
        let connection = admission.register(ear.clone(), begin, Some(rendering_id(rendering)));
        let (since, seen, pending) = match begin {
            Begin::After(place) if place.sequence.0 <= head as u64 => (heritage.since, heritage.seen, heritage.pending),
            _ => (head, head, Vec::new()),
        };
        self.wires.push(Wire {
            of,
            ear,
            connection: Some(connection),
            since,
            registered: head,
            registered_at: self.instant(),
            replaying: begin != Begin::Now && way.voice != Voice::Solid01,
            seen,
            pending,
            owed: BTreeSet::new(),
            cursors,
            came_with_own: heritage.own,
            came_with: heritage.cursor,
            idle: None,
            inherited: if begin == Begin::Now { HashSet::new() } else { heritage.heard },
            gap,
            blocked,
            partial: false,
            over: false,
        });
    }

    pub(crate) fn heritage(&self, of: usize, from: From) -> Heritage {
        let (head, channel) = (self.model.head(), &self.listening[of].channel);
        let text = |cursor: podbell_hub::Cursor| String::from_utf8(cursor.to_vec()).unwrap();
        let at = |commit: usize| {
            let place = Position::after(Sequence(commit as u64));
            text(podbell_hub::Cursors::seal(&*self.seals, channel, place))
        };
        let own = !matches!(from, From::Other(_));
        let (pending, heard) = (Vec::new(), HashSet::new());
        let fresh = |cursor, since| Heritage { cursor, own, since, seen: since, pending, heard };
        match from {
            From::Now => fresh(None, head),
            From::Back(back) => {
                let since = head.saturating_sub(back).max(ROOTS.len());
                fresh(Some(at(since)), since)
            }
            From::Other(None) => fresh(Some("A".repeat(podbell_hub::CURSOR)), head),
            From::Other(Some(other)) => {
                let other = &self.listening[other % self.listening.len()].channel;
                let stranger = other.subject != channel.subject && other.subject.webid.is_some();
                let foreign = stranger || storages(&other.topics) != storages(&channel.topics);
                let place = Position::after(Sequence(head as u64));
                let cursor = if foreign { podbell_hub::Cursors::seal(&*self.seals, other, place) } else { [b'-'; 56] };
                fresh(Some(text(cursor)), head)
            }
            From::Cut(index) => {
                let wire = &self.wires[index];
                let whole = wire.ear.whole();
                let last =
                    wire.idle.as_ref().filter(|(heard, _)| *heard == whole.len()).map(|(_, cursor)| cursor.clone());
                let last = last.or_else(|| whole.last().and_then(|told| told.cursor.clone()));
                let gap = wire.ear.gap().unwrap_or(0);
                let pending = wire
                    .pending
                    .iter()
                    .filter(|owed| owed.commit > gap && !whole.iter().any(|told| self.tells(told, owed)));
                let heard = wire.inherited.iter().cloned().chain(whole.iter().map(|told| told.id.clone()));
                let own = last.is_some() || wire.came_with_own;
                Heritage {
                    cursor: last.or_else(|| wire.came_with.clone()).filter(|_| wire.cursors),
                    own,
                    since: wire.since,
                    seen: wire.seen,
                    pending: pending.cloned().collect(),
                    heard: heard.collect(),
                }
            }
        }
    }

    /// Whether what follows a place has been forgotten.
    pub(crate) fn gap(&self, place: Position, admitted: &[Topic], all: &[Topic]) -> Gap {
        let whole = place.part == u32::MAX;
        let after = place.sequence.0 - u64::from(!whole);
        let forgotten = |topics: &[Topic]| {
            storages(topics).iter().any(|storage| self.pruned.get(storage).is_some_and(|pruned| *pruned as u64 > after))
        };
        match (forgotten(admitted), forgotten(all)) {
            (true, _) => Gap::Surely,
            (false, true) => Gap::Perhaps,
            (false, false) => Gap::Never,
        }
    }
}

pub(crate) fn storages(topics: &[Topic]) -> BTreeSet<StorageId> {
    topics.iter().map(|topic| topic.storage).collect()
}
