//! For tests: a hub over a log that is written by hand, with rules that allow everything.

use podbell_hub::{
    Admission, Answer, Authorize, CURSOR, Channel, ChannelId, Cursor, Cursors, Encoded, Encoder, Hub, Ports, Position,
    Projection, Question, RenderingId, Settings, Standing, States, Topic, Unavailable, testing::MemoryChannels,
};
use podbell_log::{Commit, Fact, Fence, Horizon, Log, LogError, Record};
use podbell_model::{
    Activity, ActivityKind, Generation, ResourceClass, ResourceIri, Sequence, StorageId, StreamPosition, Subject,
    Timestamp, Uuid,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::watch;

const POD: StorageId = StorageId(1);

/// Everything together.
pub(crate) struct World {
    pub(crate) hub: Arc<Hub>,
    past: Arc<Past>,
    channels: AtomicU64,
}

/// What was committed: the numbers up to the head.
struct Past(watch::Sender<Sequence>);

/// Writes the number of a change, as much padding as the rendering's number says, and an empty line.
struct Numbers;

fn topic() -> ResourceIri {
    ResourceIri::parse("https://pod.example/a").unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let past = Arc::new(Past(watch::Sender::new(Sequence(0))));
        let ports = Ports {
            log: Arc::clone(&past) as _,
            fence: Arc::new(Fence::default()),
            authorize: Arc::clone(&past) as _,
            encoder: Arc::new(Numbers),
            cursors: Arc::clone(&past) as _,
            channels: Arc::new(MemoryChannels::default()),
            owing: None,
            states: Arc::clone(&past) as _,
            clock: Arc::new(|| Timestamp::UNIX_EPOCH),
        };
        Self { hub: Hub::start(ports, Settings::default()), past, channels: AtomicU64::new(1) }
    }

    /// Admits a listener whose notifications have so much padding.
    pub(crate) async fn admit(&self, padding: u32) -> Admission {
        let number = self.channels.fetch_add(1, Relaxed);
        let id = ChannelId(Uuid::from_u128(number.into()));
        let topics = [Topic { storage: POD, resource: topic() }].into();
        let subject = Arc::new(Subject::public());
        let channel = Channel::new(id, subject, topics, RenderingId(padding), Timestamp::UNIX_EPOCH);
        self.hub.attend(channel).await.unwrap()
    }

    pub(crate) fn head(&self) -> Sequence {
        self.past.head()
    }

    /// Commits one change.
    pub(crate) fn change(&self) {
        self.past.0.send_modify(|head| head.0 += 1);
    }

    pub(crate) async fn until(&self, holds: impl Fn(&Hub) -> bool) {
        let waiting = async {
            while !holds(&self.hub) {
                tokio::task::yield_now().await;
            }
        };
        soon(waiting).await;
    }
}

/// What must come true.
pub(crate) async fn soon<R>(future: impl Future<Output = R>) -> R {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes true")
}

/// The numbers of whole notifications; panics if there is anything else.
pub(crate) fn numbers(text: &[u8], padding: usize) -> Vec<u64> {
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with("\n\n"), "it ends with the end of a notification");
    let one = |line: &str| {
        let (number, rest) = line.split_once(' ').unwrap();
        assert!(rest.len() == padding && rest.bytes().all(|byte| byte == b'x'), "a broken notification");
        number.parse().unwrap()
    };
    text.split_terminator("\n\n").map(one).collect()
}

impl Past {
    fn commit(sequence: Sequence) -> Arc<Commit> {
        let activity = Activity {
            id: Uuid::from_u128(sequence.0.into()),
            kind: ActivityKind::Update,
            object: topic(),
            class: ResourceClass::RdfSource,
            generation: Generation(Sequence(0)),
            state: None,
            membership: None,
            actor: None,
            published: Timestamp::UNIX_EPOCH,
        };
        let position = StreamPosition { epoch: 1, offset: sequence.0 };
        let published = Timestamp::UNIX_EPOCH;
        let record = Record {
            sequence,
            storage: POD,
            position,
            published,
            fact: Fact::Change(activity),
            causes: Arc::default(),
        };
        Arc::new(Commit { sequence, records: vec![record] })
    }
}

#[async_trait::async_trait]
impl Log for Past {
    fn head(&self) -> Sequence {
        *self.0.borrow()
    }

    fn watch(&self) -> watch::Receiver<Sequence> {
        self.0.subscribe()
    }

    async fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        Ok((after.0 + 1..=self.head().0).take(limit).map(|number| Self::commit(Sequence(number))).collect())
    }

    async fn read_of(&self, _: &[StorageId], after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        self.read(after, limit).await
    }

    async fn read_storage(&self, _: StorageId, _: StreamPosition, _: usize) -> Result<Vec<Record>, LogError> {
        Err(LogError::UnknownStorage)
    }

    async fn read_back(&self, _: StorageId, _: Option<StreamPosition>, _: usize) -> Result<Vec<Record>, LogError> {
        Err(LogError::UnknownStorage)
    }

    async fn reached(&self, _: StorageId, _: &[Timestamp]) -> Result<Vec<StreamPosition>, LogError> {
        Err(LogError::UnknownStorage)
    }

    async fn horizon(&self, _: StorageId) -> Result<Horizon, LogError> {
        Err(LogError::UnknownStorage)
    }
}

#[async_trait::async_trait]
impl Authorize for Past {
    async fn authorize(&self, _: &Question, _: Timestamp) -> Result<Answer, Unavailable> {
        let since = Sequence(0);
        Ok(Answer { allowed: true, since, as_of: self.head(), depends_on: [].into(), valid_until: None })
    }
}

#[async_trait::async_trait]
impl States for Past {
    async fn standing(&self, _: &Topic) -> Result<Standing, Unavailable> {
        Ok(Standing { as_of: self.head(), version: None })
    }
}

impl Cursors for Past {
    fn seal(&self, _: &Channel, position: Position) -> Cursor {
        format!("{:CURSOR$}", position.sequence.0).into_bytes().try_into().unwrap()
    }
}

impl Encoder for Numbers {
    fn encode(&self, rendering: RenderingId, projection: &Projection<'_>) -> Encoded {
        let padding = "x".repeat(rendering.0 as usize);
        bytes::Bytes::from(format!("{} {padding}\n\n", projection.activity.id.as_u128())).into()
    }

    fn encode_state(&self, _: RenderingId, _: &ResourceIri, _: Option<&str>, _: Uuid, _: Timestamp) -> Encoded {
        Encoded::default()
    }
}
