//! What streams in Linked Web Storage: a URL that opens once, and lives as long as its connection.
//!
//! Whoever comes back to an event stream within the grace, and says what they heard last, goes on from there, in the
//! place of the connection that was; later, or with what can no longer be told, there is nothing (204). A WebSocket is
//! not come back to. None of them is told of a gap.

use crate::{
    listeners::{CONCURRENT, Gap, Over, PATIENCE},
    model::{Voice, Way},
    returning::From,
    world::World,
};
use podbell_hub::{Channel, ConnectError, ConnectionLimit, Ending};
use podbell_model::Timestamp;
use podbell_server::notifications::lws::can_be_read;
use std::time::{Duration, Instant};

/// How long whoever was cut off may come back, in milliseconds.
const GRACE: i64 = 60_000;

impl Way {
    /// How often a channel may be connected to, and how long it lives.
    pub(crate) fn streaming(self, channel: Channel) -> Channel {
        if !self.voice.is_lws() {
            let connections = ConnectionLimit { concurrent: CONCURRENT, total: None };
            return Channel { connections, ..channel };
        }
        let grace = if self.voice == Voice::LwsEvents { GRACE.unsigned_abs() } else { 0 };
        let connect_by = Timestamp::from_millisecond(channel.created.as_millisecond() + GRACE).unwrap();
        Channel {
            connections: ConnectionLimit { concurrent: 1, total: Some(1) },
            connect_by: Some(connect_by),
            linger: Some(Duration::from_millis(grace)),
            ..channel
        }
    }
}

impl World {
    /// Opens the URL, as somebody who never did or as one who comes back.
    pub(crate) async fn open(&mut self, of: usize, from: From) {
        self.lapse(of).await;
        if !self.exact && self.live(of) > 0 {
            return;
        }
        let Some(again) = self.comes_back(of, from).await else { return };
        let capability = self.listening[of].channel.capability.unwrap();
        if again {
            let admitted = self.hub.admit_again(&capability).await;
            for wire in self.wires.iter_mut().filter(|wire| wire.of == of && !wire.over) {
                assert_eq!(
                    wire.ear.closed(),
                    Some((Ending::Shutdown, wire.partial && wire.ear.is_cut())),
                    "it lost its place"
                );
                wire.over = true;
            }
            self.enter(of, from, admitted);
        } else {
            let admitted = self.hub.admit(&capability).await;
            if self.listening[of].opened { self.opens_once(of, admitted) } else { self.enter(of, from, admitted) }
        }
    }

    fn enter(&mut self, of: usize, from: From, admitted: Result<podbell_hub::Admission, ConnectError>) {
        let entered = admitted.is_ok();
        self.admitted(of, from, admitted);
        if entered {
            self.listening[of].opened = true;
            self.listening[of].left_at = None;
            self.listening[of].place = None;
            // What is told at once, so that whoever is cut off before anything else can come back.
            self.pause(self.wires.len() - 1);
        }
    }

    /// Whether that is somebody who comes back, and may: none if they are told that there is nothing any more.
    async fn comes_back(&mut self, of: usize, from: From) -> Option<bool> {
        let listening = &self.listening[of];
        if listening.way.voice != Voice::LwsEvents {
            return Some(false);
        }
        let heritage = self.heritage(of, from);
        let Some(cursor) = heritage.cursor else { return Some(false) };
        let over = listening.over();
        let Ok((channel, ended)) = self.hub.seek(&listening.channel.capability.unwrap()).await else {
            assert_ne!(over, Over::No, "the subscription of {:?} is there", listening.agent);
            return None;
        };
        assert!(!ended || over != Over::No, "the subscription of {:?} has not ended", listening.agent);
        let place = self.seals.open_on(&cursor, &channel);
        assert_eq!(place.is_some(), heritage.own, "what it heard last is known, and nothing else");
        let place = place?;
        let readable = can_be_read(&*self.log, &channel, place).await.unwrap();
        let gap = self.gap(place, &channel.topics, &channel.topics);
        assert_eq!(readable, gap == Gap::Never && place.sequence <= self.log.head(), "what was missed at {place:?}");
        self.listening[of].place = Some(place).filter(|_| readable && !ended);
        self.listening[of].place.map(|_| true)
    }

    /// A URL that was opened opens nothing more.
    fn opens_once(&mut self, of: usize, admitted: Result<podbell_hub::Admission, ConnectError>) {
        let (tree, now) = (self.model.tree(), self.instant());
        let sure = self.model.elsewhere.surely(now, now);
        let listening = &mut self.listening[of];
        match admitted {
            Err(ConnectError::Ended | ConnectError::Unknown | ConnectError::TooMany { .. }) => {
                // On the way there what is lost now was perhaps noted.
                for topic in listening.topics.iter_mut().filter(|topic| topic.lost_at.is_none()) {
                    topic.murky |= !tree.may_listen(listening.agent, &topic.path, &sure);
                }
            }
            Err(ConnectError::Forbidden) => self.admitted(of, From::Now, Err(ConnectError::Forbidden)),
            other => panic!("it opens once: {other:?}"),
        }
    }

    /// A connection may have been cut because the rest of what had begun may not follow. That is no end of what was
    /// subscribed to, but for a WebSocket, which ends with its connection.
    pub(crate) async fn learn_cut(&mut self, of: usize) {
        if !self.listening[of].way.voice.is_lws() {
            return;
        }
        for wire in self.wires.iter_mut().filter(|wire| wire.of == of && !wire.over && wire.partial) {
            if wire.ear.closed() == Some((Ending::Forbidden, true)) {
                wire.over = true;
                self.listening[of].left_at = wire.ear.closed_at();
            }
        }
        self.lapse(of).await;
    }

    /// Whoever is away for longer than the grace has nothing to come back to; until then they have.
    pub(crate) async fn lapse(&mut self, of: usize) {
        let listening = &self.listening[of];
        let Some(left_at) = listening.left_at.filter(|_| listening.way.voice.is_lws()) else { return };
        let grace = if listening.way.voice == Voice::LwsEvents { GRACE } else { 0 };
        if listening.over() == Over::Yes || self.instant() < left_at + grace {
            return;
        }
        self.hub.clock_moved();
        let begun = Instant::now();
        while !self.kept(of).await.is_empty() {
            assert!(begun.elapsed() < PATIENCE, "the subscription of {:?} ends", self.listening[of].agent);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let head = self.model.head();
        self.listening[of].lose(head);
        self.listening[of].ended = true;
    }
}
