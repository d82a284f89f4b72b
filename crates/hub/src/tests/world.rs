//! A small world for the hub's tests: a log, rules with a history, outlets with room as wished, a clock by hand.

use crate::{
    testing::{MemoryChannels, MemoryOwing},
    *,
};
use bytes::Bytes;
use parking_lot::Mutex;
use podbell_log::{At, Commit, Fact, Fence, Horizon, Log, LogError, PolicyKind, Record, StorageChange};
use podbell_model::{
    Activity, ActivityKind, Generation, Membership, ResourceClass, ResourceIri, Sequence, StorageId, StreamPosition,
    Subject, Timestamp, Uuid, WebId, activity,
};
use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::watch;

pub(super) const POD: StorageId = StorageId(1);

/// A storage whose rules are never read to the end.
pub(super) const SLOW: StorageId = StorageId(99);

pub(super) fn iri(path: &str) -> ResourceIri {
    ResourceIri::parse(&format!("https://pod.example{path}")).unwrap()
}

pub(super) fn agent(name: &str) -> Arc<Subject> {
    if name == "public" {
        return Arc::new(Subject::public());
    }
    Arc::new(Subject::agent(WebId::new(format!("https://{name}.example/#me"))))
}

/// Who may, since when; none if the ACL is absent.
type Version = (Sequence, Option<HashSet<String>>);
/// Begin and end.
type Life = (Sequence, Option<Sequence>);

/// Commits, and the history of the rules.
pub(super) struct Past {
    commits: Mutex<Vec<Arc<Commit>>>,
    pub(super) head: watch::Sender<Sequence>,
    pub(super) pruned: AtomicU64,
    /// Bodies of ACLs by document: who may, since when.
    acls: Mutex<HashMap<ResourceIri, Vec<Version>>>,
    /// Lives by resource: begin and end.
    lives: Mutex<HashMap<ResourceIri, Vec<Life>>>,
    pub(super) fence: Arc<Fence>,
    pub(super) now: AtomicI64,
    pub(super) failing: AtomicBool,
    /// What led to what is committed next.
    pub(super) causes: Mutex<Vec<Uuid>>,
    /// Where it is committed.
    pub(super) storage: Mutex<StorageId>,
    /// The storage was deleted: nobody may hear of anything in it.
    gone: AtomicBool,
    pub(super) questions: AtomicUsize,
    /// How many read for those who come back, and the most that did at once.
    reading: AtomicUsize,
    pub(super) most_reading: AtomicUsize,
    pub(super) reads: AtomicUsize,
    /// Who is in the group elsewhere that rules name as `@far`.
    pub(super) far: Mutex<HashSet<String>>,
    /// Who was in it when it was read on their behalf, and until when that is believed.
    read: Mutex<HashMap<String, (bool, Timestamp)>>,
}

/// How long the group elsewhere is believed.
const FRESH: Duration = Duration::from_mins(1);

impl Past {
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now.load(SeqCst)).unwrap()
    }

    /// The commits of that range, first and last included.
    pub(super) fn commits(&self, first: Sequence, last: Sequence) -> Vec<Arc<Commit>> {
        let commits = self.commits.lock();
        commits.iter().filter(|commit| (first..=last).contains(&commit.sequence)).cloned().collect()
    }

    fn life(&self, resource: &ResourceIri) -> Option<Generation> {
        let lives = self.lives.lock();
        let (begin, end) = lives.get(resource)?.last()?;
        end.is_none().then_some(Generation(*begin))
    }

    fn body(&self, document: &ResourceIri, at: Sequence) -> (Sequence, Option<HashSet<String>>) {
        let acls = self.acls.lock();
        let versions = acls.get(document).into_iter().flatten();
        versions.take_while(|(since, _)| *since <= at).last().cloned().unwrap_or_default()
    }

    /// The rules of the test world: the nearest ACL decides; an ended life keeps its own ACL.
    pub(super) fn decide(&self, question: &Question, head: Sequence, now: Timestamp) -> Answer {
        let at = match question.at {
            At::Now => head,
            At::Commit(at) => at,
        };
        let control = question.need == Need::Control;
        let resource = match question.resource.as_auxiliary() {
            Some((_, subject)) if control => subject,
            _ => question.resource.clone(),
        };
        let end = question.generation.and_then(|Generation(begin)| {
            let lives = self.lives.lock();
            lives.get(&resource)?.iter().find(|life| life.0 == begin)?.1
        });
        let upper = if end == Some(at) { at.before() } else { at };
        let own = end.map_or(upper, |end| upper.min(end.before()));
        let (mut since, mut depends_on, mut allowed, mut valid_until) = (Sequence(0), Vec::new(), false, None);
        for (place, level) in std::iter::once(resource.clone()).chain(resource.ancestors()).enumerate() {
            let (touched, body) = self.body(&level.acl(), if place == 0 { own } else { upper });
            depends_on.push(level.acl());
            since = since.max(touched);
            if let Some(body) = body {
                let name = question.subject.webid.as_ref().map_or("public".to_owned(), |id| {
                    id.as_str().trim_start_matches("https://").trim_end_matches(".example/#me").to_owned()
                });
                if body.contains("@far") {
                    let (member, until) = self.is_far(&name, now);
                    (allowed, valid_until) = (member, Some(until));
                }
                allowed |= body.contains(&if control { format!("{name}!") } else { name });
                break;
            }
        }
        allowed &= !self.gone.load(SeqCst);
        // Of a life that ended at `at`, the rules just before are no answer about commits before the end.
        let since = if end == Some(at) { at } else { since };
        Answer { allowed, since, as_of: at, depends_on: depends_on.into(), valid_until }
    }

    fn is_far(&self, name: &str, now: Timestamp) -> (bool, Timestamp) {
        let mut read = self.read.lock();
        if let Some(known) = read.get(name).filter(|(_, until)| now < *until) {
            return *known;
        }
        let known = (self.far.lock().contains(name), now + FRESH);
        read.insert(name.to_owned(), known);
        known
    }

    fn append(&self, facts: impl FnOnce(Sequence) -> Vec<Fact>) -> Sequence {
        let mut commits = self.commits.lock();
        let sequence = Sequence(commits.len() as u64 + 1);
        let facts = facts(sequence);
        let policy = facts.iter().any(|fact| !matches!(fact, Fact::Change(_)));
        let causes: Arc<[Uuid]> = self.causes.lock().clone().into();
        let storage = *self.storage.lock();
        let record = |(index, fact)| Record {
            sequence,
            storage,
            position: StreamPosition { epoch: 1, offset: sequence.0 * 10 + index },
            published: self.time(),
            fact,
            causes: Arc::clone(&causes),
        };
        let records = (0..).zip(facts).map(record).collect();
        commits.push(Arc::new(Commit { sequence, records }));
        drop(commits);
        self.head.send_replace(sequence);
        if policy {
            self.fence.raise(sequence);
        }
        sequence
    }

    fn activity(&self, sequence: Sequence, object: &ResourceIri, kind: ActivityKind, born: Generation) -> Activity {
        let id = Uuid::from_u128(u128::from(sequence.0) | 0xF00 << 64);
        let parent = object.parent().filter(|_| kind != ActivityKind::Update);
        let membership = parent.map(|container| Membership {
            generation: self.life(&container).unwrap_or(Generation(Sequence(0))),
            state: activity::membership_version(id, &container),
            container,
        });
        Activity {
            id,
            kind,
            object: object.clone(),
            class: ResourceClass::RdfSource,
            generation: born,
            state: Some(activity::version(id)),
            membership,
            actor: None,
            published: self.time(),
        }
    }
}

#[async_trait::async_trait]
impl Log for Past {
    fn head(&self) -> Sequence {
        *self.head.borrow()
    }

    fn watch(&self) -> watch::Receiver<Sequence> {
        self.head.subscribe()
    }

    async fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        if after.0 < self.pruned.load(SeqCst) {
            return Err(LogError::Gap);
        }
        let commits = self.commits.lock();
        Ok(commits.iter().filter(|commit| commit.sequence > after).take(limit).cloned().collect())
    }

    async fn read_of(&self, of: &[StorageId], after: Sequence, limit: usize) -> Result<Vec<Arc<Commit>>, LogError> {
        self.reads.fetch_add(1, SeqCst);
        self.most_reading.fetch_max(self.reading.fetch_add(1, SeqCst) + 1, SeqCst);
        tokio::task::yield_now().await;
        self.reading.fetch_sub(1, SeqCst);
        let commits = self.read(after, usize::MAX).await?;
        let concerned = |commit: &Arc<Commit>| commit.records.iter().any(|record| of.contains(&record.storage));
        Ok(commits.into_iter().filter(concerned).take(limit).collect())
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
    async fn authorize(&self, question: &Question, now: Timestamp) -> Result<Answer, Unavailable> {
        self.questions.fetch_add(1, SeqCst);
        if question.storage == SLOW {
            std::future::pending::<()>().await;
        }
        let head = self.head();
        tokio::task::yield_now().await;
        if self.failing.load(SeqCst) {
            return Err(Unavailable("no".into()));
        }
        Ok(self.decide(question, head, now))
    }
}

#[async_trait::async_trait]
impl States for Past {
    async fn standing(&self, topic: &Topic) -> Result<Standing, Unavailable> {
        let as_of = self.head();
        let commits = self.commits.lock();
        let records = commits.iter().flat_map(|commit| &commit.records).filter_map(|record| record.fact.activity());
        let mut records = records.filter(|activity| activity.object == topic.resource);
        let last = records.next_back();
        let version = last.filter(|last| last.kind != ActivityKind::Delete).and_then(|last| last.state.clone());
        Ok(Standing { as_of, version })
    }
}

/// Writes lines.
pub(super) struct Lines;

impl Encoder for Lines {
    fn encode(&self, rendering: RenderingId, projection: &Projection<'_>) -> Encoded {
        let activity = projection.activity;
        let kind = match (projection.relation, activity.kind) {
            (Relation::Object, kind) => format!("{kind:?}"),
            (Relation::Member, ActivityKind::Create) => "Add".to_owned(),
            (Relation::Member, ActivityKind::Delete) => "Remove".to_owned(),
            (Relation::Member, ActivityKind::Update) if rendering.0 == 2 => "Changed".to_owned(),
            (Relation::Member, ActivityKind::Update) => return Encoded::default(),
        };
        let again = if projection.second { " second" } else { "" };
        let style = if rendering.0 == 2 { " other" } else { "" };
        let number = activity.id.as_u64_pair().1;
        Self::line(rendering, &format!("{kind} {} {number}{again}{style}\n", activity.object.path()))
    }

    fn encode_state(
        &self,
        rendering: RenderingId,
        topic: &ResourceIri,
        state: Option<&str>,
        _: Uuid,
        _: Timestamp,
    ) -> Encoded {
        Self::line(rendering, &format!("State {} {}\n", topic.path(), state.unwrap_or("gone")))
    }

    fn tells_gaps(&self, rendering: RenderingId) -> bool {
        rendering != WITHOUT_GAPS
    }

    fn encode_gap(&self, rendering: RenderingId, _: Uuid, _: Timestamp) -> Encoded {
        if rendering.0 == 2 { Encoded::default() } else { Self::line(rendering, "Gap\n") }
    }
}

impl Lines {
    /// Rendering 3 begins with a cursor.
    fn line(rendering: RenderingId, text: &str) -> Encoded {
        if rendering == WITH_CURSOR {
            let bytes = format!("{:CURSOR$} {text}", "").into();
            Encoded { bytes, cursor_at: Some(0) }
        } else {
            Bytes::from(text.to_owned()).into()
        }
    }
}

/// The rendering that has no word for gaps.
pub(super) const WITHOUT_GAPS: RenderingId = RenderingId(4);

/// The rendering whose lines begin with a cursor.
pub(super) const WITH_CURSOR: RenderingId = RenderingId(3);

/// Positions in plain sight.
struct Plain;

impl Cursors for Plain {
    fn seal(&self, _: &Channel, position: Position) -> Cursor {
        let text = format!("{:CURSOR$}", format!("{}.{}", position.sequence.0, position.part));
        text.into_bytes().try_into().unwrap()
    }
}

/// The position in a line of [`WITH_CURSOR`], and the rest of the line.
pub(super) fn opened(line: &str) -> (Position, &str) {
    let (cursor, text) = line.split_at(CURSOR);
    let (sequence, part) = cursor.trim().split_once('.').unwrap();
    (Position { sequence: Sequence(sequence.parse().unwrap()), part: part.parse().unwrap() }, text.trim())
}

/// A line without the number of the commit, and what follows.
fn short(line: &str) -> String {
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// An outlet that remembers.
#[derive(Default)]
pub(super) struct Ear {
    pub(super) room: AtomicUsize,
    pub(super) heard: Mutex<Vec<u8>>,
    /// Each write: where it ended, and the head of the log then.
    pub(super) log: Mutex<Vec<(usize, Sequence)>>,
    pub(super) past: Option<Arc<Past>>,
    pub(super) writes: AtomicUsize,
    pub(super) closed: Mutex<Option<(Ending, bool)>>,
    pub(super) late: AtomicUsize,
}

impl Ear {
    pub(super) fn heard(&self) -> Vec<String> {
        let heard = String::from_utf8(self.heard.lock().clone()).unwrap();
        heard.split_inclusive('\n').map(|line| line.trim_end().to_owned()).collect()
    }

    /// What was heard, without the number of the commit.
    pub(super) fn facts(&self) -> Vec<String> {
        self.heard().into_iter().map(|line| short(&line)).collect()
    }

    pub(super) fn closed(&self) -> Option<(Ending, bool)> {
        *self.closed.lock()
    }
}

impl Outlet for Ear {
    fn try_write(&self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        if self.closed.lock().is_some() {
            self.late.fetch_add(1, SeqCst);
        }
        self.writes.fetch_add(1, SeqCst);
        let room = self.room.load(SeqCst);
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).take(room).collect();
        self.room.fetch_sub(bytes.len(), SeqCst);
        let mut heard = self.heard.lock();
        heard.extend_from_slice(&bytes);
        if let Some(past) = &self.past {
            self.log.lock().push((heard.len(), past.head()));
        }
        Ok(bytes.len())
    }

    fn wake_when_writable(&self) {}

    fn close(&self, ending: Ending, mid_frame: bool) {
        *self.closed.lock() = Some((ending, mid_frame));
    }
}

/// A connection and its ear.
pub(super) struct Listener {
    pub(super) ear: Arc<Ear>,
    pub(super) connection: Connection,
}

impl Listener {
    pub(super) fn block(&self) {
        self.ear.room.store(0, SeqCst);
    }

    pub(super) fn unblock(&self) {
        self.room(1 << 40);
    }

    pub(super) fn room(&self, bytes: usize) {
        self.ear.room.store(bytes, SeqCst);
        self.connection.writable();
    }
}

fn ports(past: &Arc<Past>, store: &Arc<MemoryChannels>, owing: &Arc<MemoryOwing>) -> Ports {
    let clock = Arc::clone(past);
    Ports {
        log: Arc::clone(past) as _,
        fence: Arc::clone(&past.fence),
        authorize: Arc::clone(past) as _,
        encoder: Arc::new(Lines),
        cursors: Arc::new(Plain),
        channels: Arc::clone(store) as _,
        owing: Some(Arc::clone(owing) as _),
        states: Arc::clone(past) as _,
        clock: Arc::new(move || clock.time()),
    }
}

/// Everything together.
pub(super) struct World {
    pub(super) past: Arc<Past>,
    pub(super) store: Arc<MemoryChannels>,
    pub(super) owing: Arc<MemoryOwing>,
    pub(super) hub: Arc<Hub>,
    next: AtomicU64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// A pod whose root ACL is written and lets everybody of `alice` and `bob` read.
    pub(super) fn with(settings: Settings) -> Self {
        let past = Arc::new(Past {
            commits: Mutex::default(),
            head: watch::Sender::new(Sequence(0)),
            pruned: AtomicU64::new(0),
            acls: Mutex::default(),
            lives: Mutex::default(),
            fence: Arc::new(Fence::default()),
            now: AtomicI64::new(1_000_000),
            failing: AtomicBool::new(false),
            causes: Mutex::default(),
            storage: Mutex::new(POD),
            gone: AtomicBool::new(false),
            questions: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            most_reading: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            far: Mutex::default(),
            read: Mutex::default(),
        });
        let store = Arc::new(MemoryChannels::following(past.head.subscribe()));
        let owing = Arc::new(MemoryOwing::new(Arc::clone(&store)));
        let hub = Hub::start(ports(&past, &store, &owing), settings);
        let world = Self { hub, past, store, owing, next: AtomicU64::new(1) };
        world.allow("/", &["alice", "bob"]);
        world
    }

    /// The process is gone, and another one begins.
    pub(super) fn restart(&mut self) {
        self.hub = Hub::start(ports(&self.past, &self.store, &self.owing), Settings::default());
    }

    pub(super) fn write(&self, path: &str) -> Sequence {
        let (object, past) = (iri(path), &self.past);
        past.append(|sequence| {
            let born = past.life(&object);
            let kind = if born.is_some() { ActivityKind::Update } else { ActivityKind::Create };
            if born.is_none() {
                past.lives.lock().entry(object.clone()).or_default().push((sequence, None));
            }
            vec![Fact::Change(past.activity(sequence, &object, kind, born.unwrap_or(Generation(sequence))))]
        })
    }

    pub(super) fn delete(&self, path: &str) -> Sequence {
        let (object, past) = (iri(path), &self.past);
        let Some(born) = past.life(&object) else { return past.head() };
        past.append(|sequence| {
            if let Some(life) = past.lives.lock().get_mut(&object).and_then(|lives| lives.last_mut()) {
                life.1 = Some(sequence);
            }
            let mut facts = vec![Fact::Change(past.activity(sequence, &object, ActivityKind::Delete, born))];
            let acl = object.acl();
            if past.body(&acl, sequence).1.is_some() {
                past.acls.lock().entry(acl.clone()).or_default().push((sequence, None));
                let activity = past.activity(sequence, &acl, ActivityKind::Delete, born);
                facts.push(Fact::Policy { activity, kind: PolicyKind::Acl });
            }
            facts
        })
    }

    /// Writes the ACL of a resource; `name!` may also control.
    pub(super) fn allow(&self, path: &str, names: &[&str]) -> Sequence {
        let (acl, past) = (iri(path).acl(), &self.past);
        past.append(|sequence| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            past.acls.lock().entry(acl.clone()).or_default().push((sequence, Some(names)));
            let activity = past.activity(sequence, &acl, ActivityKind::Update, Generation(sequence));
            vec![Fact::Policy { activity, kind: PolicyKind::Acl }]
        })
    }

    pub(super) fn end_storage(&self) {
        self.past.gone.store(true, SeqCst);
        self.past.append(|_| vec![Fact::Storage(StorageChange::Deleted, iri("/"))]);
    }

    pub(super) fn channel(&self, name: &str, paths: &[&str]) -> Channel {
        let number = self.next.fetch_add(1, SeqCst);
        let mut capability = [0; 32];
        capability[..8].copy_from_slice(&number.to_be_bytes());
        let id = ChannelId(Uuid::from_u128(u128::from(number)));
        let topics = paths.iter().map(|path| Topic { storage: POD, resource: iri(path) }).collect();
        Channel {
            capability: Some(capability),
            connections: ConnectionLimit { concurrent: 3, total: None },
            ..Channel::new(id, agent(name), topics, RenderingId(1), self.past.time())
        }
    }

    /// A channel that pushes, kept.
    pub(super) async fn push(&self, name: &str, paths: &[&str]) -> Channel {
        self.pushes(self.channel(name, paths)).await
    }

    /// The same, of a channel that asks for more.
    pub(super) async fn pushes(&self, channel: Channel) -> Channel {
        let push = Some(Arc::new(Push::to("https://hook.example/")));
        let channel = Channel { capability: None, push, ..channel };
        self.hub.subscribe(channel.clone()).await.unwrap();
        self.store.get(channel.id).await.unwrap().unwrap()
    }

    /// What a channel is owed, once that is known of everything committed.
    pub(super) async fn owed(&self, channel: &Channel) -> Vec<Owed> {
        let head = self.past.head();
        self.until(|| self.hub.counts().derived >= head.0).await;
        self.owing.owed().into_iter().filter(|owed| owed.channel == channel.id).collect()
    }

    /// The same, in words and without the numbers of commits; a look at how a topic stands as `?`.
    pub(super) async fn words(&self, channel: &Channel) -> Vec<String> {
        let words = |owed: Owed| match owed.what {
            What::Change { body, .. } => short(std::str::from_utf8(&body.bytes).unwrap().trim_end()),
            What::State => format!("? {}", owed.about.resource.path()),
        };
        self.owed(channel).await.into_iter().map(words).collect()
    }

    /// The channels that are kept.
    pub(super) async fn kept(&self) -> Vec<Channel> {
        self.hub.channels(&Whose::Storage(POD), None, 100).await.unwrap().0
    }

    pub(super) async fn admit(&self, channel: &Channel) -> Result<Admission, ConnectError> {
        self.hub.admit(&channel.capability.unwrap()).await
    }

    pub(super) async fn connect(&self, channel: &Channel, resume: Option<Sequence>) -> Listener {
        let begin = resume.map_or(Begin::Now, |sequence| Begin::After(Position::after(sequence)));
        self.begin(channel, begin).await
    }

    pub(super) async fn begin(&self, channel: &Channel, begin: Begin) -> Listener {
        let past = Some(Arc::clone(&self.past));
        let ear = Arc::new(Ear { room: AtomicUsize::new(1 << 40), past, ..Ear::default() });
        let connection = self.admit(channel).await.unwrap().register(Arc::clone(&ear) as _, begin, None);
        Listener { ear, connection }
    }

    /// Comes back to a channel that lingers.
    pub(super) async fn again(&self, channel: &Channel, begin: Begin) -> Listener {
        let past = Some(Arc::clone(&self.past));
        let ear = Arc::new(Ear { room: AtomicUsize::new(1 << 40), past, ..Ear::default() });
        let admission = self.hub.admit_again(&channel.capability.unwrap()).await.unwrap();
        Listener { connection: admission.register(Arc::clone(&ear) as _, begin, None), ear }
    }

    /// Subscribes and connects.
    pub(super) async fn listen(&self, channel: &Channel) -> Listener {
        self.hub.subscribe(channel.clone()).await.unwrap();
        self.connect(channel, None).await
    }

    pub(super) async fn hear(&self, name: &str, paths: &[&str]) -> Listener {
        self.listen(&self.channel(name, paths)).await
    }

    pub(super) fn pass(&self, time: Duration) {
        self.past.now.fetch_add(i64::try_from(time.as_millis()).unwrap(), SeqCst);
        self.hub.clock_moved();
    }

    /// Waits until the hub has nothing left to do before the clock moves or a socket has room.
    pub(super) async fn quiet(&self) {
        let head = self.past.head();
        self.until(|| {
            let shard = self.hub.inner.shard.lock();
            let now = self.past.time();
            let busy = shard.applied < head
                || !(shard.pending.is_empty() && shard.dirty.is_empty() && shard.waiting.is_empty())
                || shard.affected.iter().any(|entry| !shard.failing.contains_key(entry))
                || !(shard.chores.is_empty() && shard.replays.is_empty())
                || shard.timers.first().is_some_and(|(due, _)| *due <= now)
                || shard
                    .connections
                    .iter()
                    .any(|(key, found)| found.replay.is_some() && found.outbox.is_none() && !shard.is_half_full(*key));
            !busy
        })
        .await;
    }

    pub(super) async fn until(&self, mut holds: impl FnMut() -> bool) {
        let waiting = async {
            while !holds() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes true");
    }
}
