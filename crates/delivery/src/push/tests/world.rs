//! A courier over a queue in memory, with a clock that is moved by hand, rules that are told what to say, and receivers
//! that answer by script.

use crate::push::{
    Answer, Courier, CourierPorts, DeliveryId, InName, Kind, Network, Outgoing, Parcel, Permit, Rules, Settings,
    SignError, Signed, Signer, Together, Transport, testing::MemoryQueue,
};
use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use podbell_egress::{Client, FetchError, Gate, Policy};
use podbell_hub::{
    About, CURSOR, Channel, ChannelId, ChannelStoreError, Cursor, Cursors, Encoded, Need, Position, Push, Shown, Told,
    Topic, Traffic, Unavailable,
};
use podbell_model::{ResourceIri, Sequence, StorageId, Subject, Timestamp, Uuid};
use podbell_wire::{Framing, NotificationsContext, Rendering, Syntax};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};
use tokio::sync::Notify;

/// Everything together.
pub(super) struct World {
    pub(super) courier: Courier,
    pub(super) queue: Arc<MemoryQueue>,
    pub(super) rules: Arc<Says>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) post: Arc<Post>,
    seconds: Arc<AtomicI64>,
    numbers: AtomicU64,
}

/// Rules as the test says.
#[derive(Default)]
pub(super) struct Says {
    pub(super) withheld: Arc<AtomicBool>,
    /// Leave is taken back at the very moment at which something is to be sent.
    pub(super) withdrawn_on_the_way: Arc<AtomicBool>,
    /// What of a batch may not be told.
    pub(super) kept_back: Mutex<Vec<ResourceIri>>,
    pub(super) unavailable: AtomicBool,
    /// The receivers are other ones by now.
    pub(super) moved: AtomicBool,
    /// So many gates shut on whoever wants to pass.
    pub(super) shut: Arc<AtomicI64>,
    pub(super) asked: AtomicU64,
    pub(super) told: Mutex<Vec<Told>>,
    pub(super) removed: Mutex<Vec<ChannelId>>,
    pub(super) standing: Mutex<Option<Shown>>,
}

/// Receivers as the test says: one answer for each host and attempt.
#[derive(Default)]
pub(super) struct Post {
    answers: Mutex<Option<Answers>>,
    /// Host, message, body, in order of arrival.
    pub(super) came: Mutex<Vec<(String, String, String)>>,
}

type Answers = Box<dyn Fn(&Outgoing) -> Reply + Send + Sync>;

/// What a receiver does.
pub(super) enum Reply {
    Is(Result<Answer, FetchError>),
    Hangs,
}

pub(super) fn status(status: u16) -> Reply {
    Reply::Is(Ok(Answer { status, retry_after: None }))
}

pub(super) fn retry(status: u16, after: &str) -> Reply {
    Reply::Is(Ok(Answer { status, retry_after: Some(after.into()) }))
}

struct Shuts {
    shut: Arc<AtomicI64>,
    withheld: Arc<AtomicBool>,
    withdrawn: Arc<AtomicBool>,
}

impl Gate for Shuts {
    fn pass(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Option<Poll<io::Result<usize>>> {
        if self.withdrawn.load(SeqCst) {
            self.withheld.store(true, SeqCst);
            return None;
        }
        (self.shut.fetch_sub(1, SeqCst) <= 0).then(write)
    }
}

#[async_trait::async_trait]
impl Rules for Says {
    async fn leave(&self, _: &Channel, _: &About) -> Permit {
        self.asked.fetch_add(1, SeqCst);
        if self.unavailable.load(SeqCst) {
            Permit::Unavailable
        } else if self.withheld.load(SeqCst) {
            Permit::Withheld(None)
        } else {
            let [withheld, withdrawn] = [&self.withheld, &self.withdrawn_on_the_way].map(Arc::clone);
            Permit::Granted(Arc::new(Shuts { shut: Arc::clone(&self.shut), withheld, withdrawn }))
        }
    }

    async fn leave_together(&self, channel: &Channel, abouts: &[About]) -> Together {
        let mut each = Vec::new();
        let mut gate = None;
        for about in abouts {
            let kept_back = self.kept_back.lock().contains(&about.resource);
            each.push(match self.leave(channel, about).await {
                Permit::Granted(_) if kept_back => Permit::Withheld(None),
                Permit::Granted(granted) => {
                    gate = Some(granted);
                    Permit::Granted(())
                }
                Permit::Withheld(removal) => Permit::Withheld(removal),
                Permit::Unavailable => Permit::Unavailable,
            });
        }
        Together { each, gate }
    }

    async fn leave_to_speak(&self, channel: &Channel) -> Permit {
        if self.removed.lock().contains(&channel.id) {
            return Permit::Withheld(None);
        }
        if self.moved.load(SeqCst) {
            return Permit::Unavailable;
        }
        let [withheld, withdrawn] = [&self.withheld, &self.withdrawn_on_the_way].map(Arc::clone);
        Permit::Granted(Arc::new(Shuts { shut: Arc::clone(&self.shut), withheld, withdrawn }))
    }

    async fn standing(&self, _: &Channel, _: &About, _: Uuid) -> Result<Option<Shown>, Unavailable> {
        Ok(self.standing.lock().clone())
    }

    async fn told(&self, _: &Channel, told: &Told) -> Result<(), ChannelStoreError> {
        self.told.lock().push(told.clone());
        Ok(())
    }

    fn removed(&self, channel: &Arc<Channel>) {
        self.removed.lock().push(channel.id);
    }
}

impl Cursors for Says {
    fn seal(&self, _: &Channel, position: Position) -> Cursor {
        format!("{:0CURSOR$}", position.sequence.0).into_bytes().try_into().unwrap()
    }
}

/// Signs with what it was given, so that tests see it.
struct Plain;

impl Signer for Plain {
    fn sign(&self, parcel: &Parcel<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", parcel.content_type.parse().unwrap());
        if let InName::Storage { description } = parcel.name {
            headers.insert("description", description.parse().unwrap());
        }
        headers.insert("message", parcel.message.to_string().parse().unwrap());
        Ok(Signed { headers, body: parcel.body.clone() })
    }
}

#[async_trait::async_trait]
impl Transport for Post {
    async fn send(&self, outgoing: Outgoing) -> Result<Answer, FetchError> {
        if let Some(gate) = &outgoing.gate
            && gate.pass(&mut || Poll::Ready(Ok(0))).is_none()
        {
            return Err(FetchError::Withheld);
        }
        let host = outgoing.url.host_str().unwrap().to_owned();
        let message = outgoing.headers["message"].to_str().unwrap().to_owned();
        self.came.lock().push((host, message, String::from_utf8(outgoing.body.to_vec()).unwrap()));
        let reply = self.answers.lock().as_ref().map_or_else(|| status(204), |answers| answers(&outgoing));
        match reply {
            Reply::Is(answer) => answer,
            Reply::Hangs => std::future::pending().await,
        }
    }
}

impl Post {
    pub(super) fn answer(&self, answers: impl Fn(&Outgoing) -> Reply + Send + Sync + 'static) {
        *self.answers.lock() = Some(Box::new(answers));
    }

    /// The bodies that came, in order.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.came.lock().iter().map(|(_, _, body)| body.clone()).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.came.lock().len()
    }
}

impl World {
    /// With receivers by script.
    pub(super) fn new(settings: Settings) -> Self {
        let post = Arc::new(Post::default());
        Self::over(settings, Arc::clone(&post) as _, post)
    }

    /// With real receivers on loopback.
    pub(super) fn with_network(settings: Settings) -> Self {
        let client = Client::new(Policy { development: true, ..Policy::default() }).unwrap();
        Self::over(settings, Arc::new(Network::new(client, None)), Arc::default())
    }

    fn over(settings: Settings, transport: Arc<dyn Transport>, post: Arc<Post>) -> Self {
        let (queue, rules) = (Arc::new(MemoryQueue::new(10_000)), Arc::new(Says::default()));
        let traffic = Arc::new(Traffic::default());
        let seconds = Arc::new(AtomicI64::default());
        let clock = Arc::clone(&seconds);
        let ids = AtomicU64::new(1 << 40);
        let ports = CourierPorts {
            queue: Arc::clone(&queue) as _,
            rules: Arc::clone(&rules) as _,
            traffic: Arc::clone(&traffic),
            cursors: Arc::clone(&rules) as _,
            signer: Arc::new(Plain),
            descriptions: Arc::new(|storage| Some(format!("https://pod.example/{}/storage", storage.0).into())),
            transport,
            clock: Arc::new(move || at(&clock)),
            random: Arc::new(|| 200),
            ids: Arc::new(move || Uuid::from_u128(ids.fetch_add(1, SeqCst).into())),
            names: Arc::new(|id| format!("https://pod.example/channels/{}", id.0)),
            owed: Arc::new(Notify::new()),
        };
        let courier = Courier::start(ports, settings);
        Self { courier, queue, rules, traffic, post, seconds, numbers: AtomicU64::new(1) }
    }

    /// What is counted as delivered lately, of all storages that channels here have topics in.
    pub(super) fn acknowledged(&self) -> u32 {
        (0..3).flat_map(|storage| self.traffic.lately(StorageId(storage), at(&self.seconds))).sum()
    }

    pub(super) fn channel(&self, send_to: &str) -> Arc<Channel> {
        self.channel_with(send_to, |_| {})
    }

    pub(super) fn channel_with(&self, send_to: &str, change: impl FnOnce(&mut Channel)) -> Arc<Channel> {
        let id = ChannelId(Uuid::from_u128(u128::from(self.numbers.fetch_add(1, SeqCst)) << 64));
        let topics = [about("https://pod.example/a").topic].into();
        let rendering = Rendering::Solid {
            context: NotificationsContext::V0_2,
            syntax: Syntax::JsonLd,
            actor: false,
            framing: Framing::Stream,
            cursor: false,
        };
        let rendering = crate::rendering_id(rendering);
        let mut channel = Channel::new(id, Arc::new(Subject::public()), topics, rendering, self.now());
        channel.push = Some(Arc::new(Push::to(send_to)));
        change(&mut channel);
        self.queue.keep(channel)
    }

    /// Owes a change of an object, and says so.
    pub(super) fn owe(&self, channel: &Arc<Channel>, object: &str, body: &str) -> DeliveryId {
        let id = self.owe_quietly(channel, object, Bytes::copy_from_slice(body.as_bytes()).into());
        self.courier.wake();
        id
    }

    pub(super) fn owe_quietly(&self, channel: &Arc<Channel>, object: &str, body: Encoded) -> DeliveryId {
        let number = self.numbers.fetch_add(1, SeqCst);
        let position = Position { sequence: Sequence(number), part: 0 };
        let kind = Kind::Change { about: of(channel, object), body, position };
        self.owe_kind(channel, object, Uuid::from_u128(number.into()), kind)
    }

    pub(super) fn owe_kind(&self, channel: &Channel, object: &str, message: Uuid, kind: Kind) -> DeliveryId {
        self.queue.owe_one(channel, &ResourceIri::parse(object).unwrap(), message, kind, self.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        at(&self.seconds)
    }

    /// Moves the clock.
    pub(super) fn pass(&self, time: Duration) {
        self.seconds.fetch_add(time.as_secs().try_into().unwrap(), SeqCst);
        self.courier.clock_moved();
    }

    /// Waits until it holds; real time passes, and paused time only as far as the courier wants it to.
    pub(super) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let began = std::time::Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(20), "it comes true; {:?}", self.courier.counts());
            tokio::task::yield_now().await;
        }
    }

    /// Waits until nothing is under way, and nothing was begun for a while.
    pub(super) async fn quiet(&self) {
        self.quiet_but_for(0).await;
    }

    /// The same, but for so many that hang.
    pub(super) async fn quiet_but_for(&self, hung: u64) {
        let (began, mut still) = (std::time::Instant::now(), 0);
        let mut seen = self.courier.counts();
        while still < 200 {
            assert!(began.elapsed() < Duration::from_secs(20), "it comes to rest; {:?}", self.courier.counts());
            tokio::task::yield_now().await;
            let counts = self.courier.counts();
            still = if counts == seen && counts.in_flight == hung { still + 1 } else { 0 };
            seen = counts;
        }
    }
}

fn at(seconds: &AtomicI64) -> Timestamp {
    Timestamp::from_second(seconds.load(SeqCst)).unwrap()
}

/// By the channel's topic.
fn of(channel: &Channel, object: &str) -> About {
    About { topic: channel.topics[0].clone(), ..about(object) }
}

pub(super) fn about(object: &str) -> About {
    let resource = ResourceIri::parse(object).unwrap();
    let topic = Topic { storage: StorageId(1), resource: resource.clone() };
    About { topic, resource, generation: None, need: Need::Read }
}
