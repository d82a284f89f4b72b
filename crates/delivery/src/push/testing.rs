//! For tests: the contract that every queue keeps, with what it is tried on.
//!
//! A store runs the contract in a test module of its own: `podbell_delivery::queue_contract!(make)`, where
//! `make().await` gives [`Parts`] that are fresh, empty, and hold [`BOUND`] deliveries of a channel.

#![allow(clippy::unwrap_used, reason = "all of it is test code, compiled for the tests of other crates")]

pub mod along;
pub mod anew;
pub mod contract;
pub mod fares;
mod memory;
pub mod pace;

pub use memory::MemoryQueue;

use crate::push::{Attempt, Delivery, DeliveryId, Done, Kind, Lane, Outcome, Queue};
use podbell_hub::{
    About, Channel, ChannelId, ChannelLimits, ChannelStore, Encoded, Need, Owed, Owing, Position, Push, RenderingId,
    Topic, What,
};
use podbell_model::{Generation, ResourceIri, Sequence, StorageId, Subject, Timestamp, Uuid, WebId};
use std::{sync::Arc, time::Duration};

/// How many deliveries of one channel a store keeps that the contract is tried on.
pub const BOUND: u64 = 8;
/// No messages.
pub const NOTHING: [Uuid; 0] = [];

/// One store, by what it does.
pub struct Parts {
    /// The channels.
    pub channels: Arc<dyn ChannelStore>,
    /// What they are owed.
    pub owing: Arc<dyn Owing>,
    /// The queue of it.
    pub queue: Arc<dyn Queue>,
}

/// So many seconds after the beginning.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// A resource of the storage that all is about.
pub fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("https://pod.example/{path}")).unwrap()
}

/// The same as a topic.
pub fn topic(path: &str) -> Topic {
    Topic { storage: StorageId(1), resource: iri(path) }
}

/// A channel that pushes to `https://{host}/`, about some topics.
pub fn channel(number: u8, host: &str, topics: &[&str]) -> Channel {
    let subject = Arc::new(Subject::agent(WebId::new("https://alice.example/card#me")));
    let topics = topics.iter().map(|path| topic(path)).collect();
    let id = ChannelId(Uuid::from_u128(u128::from(number)));
    let mut channel = Channel::new(id, subject, topics, RenderingId(7), at(0));
    channel.push = Some(Arc::new(Push::to(format!("https://{host}/hook"))));
    channel
}

/// The same, told of its life at `https://{host}/life`.
pub fn told(mut channel: Channel, host: &str) -> Channel {
    let push = channel.push.as_deref().unwrap().clone();
    channel.push = Some(Arc::new(Push { lifecycle: Some(format!("https://{host}/life").into()), ..push }));
    channel
}

/// The lane of a host.
pub fn lane(host: &str) -> Lane {
    Lane::of(&format!("https://{host}/"))
}

/// That something about `path` changed, which rings the topic of that name; numbered, so that later ones have later
/// places and messages of their own.
pub fn change(channel: &Channel, path: &str, number: u64) -> Owed {
    Owed {
        channel: channel.id,
        message: message(number),
        object: iri(path),
        in_order: false,
        about: About {
            topic: topic(path),
            resource: iri(path),
            generation: Some(Generation(Sequence(3))),
            need: Need::Read,
        },
        what: What::Change {
            body: Encoded { bytes: format!("change {number}").into_bytes().into(), cursor_at: Some(2) },
            position: Position { sequence: Sequence(number), part: 0 },
            mergeable: true,
        },
        due: at(0),
        rate: None,
        causes: [channel.id.0].into(),
    }
}

/// The message of that number.
pub fn message(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) << 64 | 1)
}

/// An attempt that began then and took a second.
pub fn attempt(second: i64, outcome: Outcome) -> Attempt {
    Attempt { at: at(second), took: Duration::from_secs(1), outcome }
}

impl Parts {
    /// Keeps a channel.
    pub async fn keep(&self, channel: &Channel) {
        self.channels.insert(channel, &ChannelLimits::default()).await.unwrap();
    }

    /// Owes something.
    pub async fn owe(&self, owed: Vec<Owed>) {
        self.owing.owe(owed, None).await.unwrap();
    }

    /// What may be taken of a lane.
    pub async fn take(&self, host: &str, second: i64, limit: usize) -> Vec<Delivery> {
        self.queue.take(&lane(host), at(second), limit, &[]).await.unwrap()
    }

    /// The messages of what may be taken of a lane.
    pub async fn messages(&self, host: &str, second: i64) -> Vec<Uuid> {
        self.take(host, second, 100).await.into_iter().map(|delivery| delivery.message).collect()
    }

    /// Finishes something with a success.
    pub async fn acknowledge(&self, id: DeliveryId, second: i64) {
        let attempt = attempt(second, Outcome::Acknowledged(200));
        self.queue.finish(id, Some(&attempt), &Done::Acknowledged).await.unwrap();
    }

    /// Finishes something with a failure.
    pub async fn fail(&self, id: DeliveryId, second: i64, done: Done) {
        let attempt = attempt(second, Outcome::Refused(500));
        self.queue.finish(id, Some(&attempt), &done).await.unwrap();
    }

    /// The one that may be taken of a lane.
    pub async fn one(&self, host: &str, second: i64) -> Delivery {
        let mut taken = self.take(host, second, 100).await;
        assert_eq!(taken.len(), 1, "{taken:?}");
        taken.remove(0)
    }
}

/// The words of a delivery.
pub fn body(delivery: &Delivery) -> Vec<u8> {
    match &delivery.kind {
        Kind::Change { body, .. } => body.bytes.to_vec(),
        Kind::State { .. } => Vec::new(),
        Kind::Ping { body } | Kind::Lifecycle { body } => body.to_vec(),
    }
}
