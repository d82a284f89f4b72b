//! The task that follows the log.
//!
//! Each round: learn what was committed, match it, do what is due, judge, send. Questions to the judge and work for
//! the store run beside it, so that slow rules of one storage delay nobody else.

use crate::{
    Answer, Authorize, Channel, ChannelStore, ChannelStoreError, Clock, Encoder, Ending, Metrics, Owed, Owing,
    Question, States, Topic, Unavailable, Whose,
    flush::after,
    grants::Grants,
    hub::Ports,
    registry::ConnectionKey,
    rules::{Asked, Known, SubjectKey},
    shard::{Chore, Shard, Timer},
};
use parking_lot::Mutex;
use podbell_log::{Log, LogError};
use podbell_model::{StorageId, Timestamp};
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};

/// How many commits are read at a time.
const READ: usize = 256;
/// How many commits may be known and not yet matched.
const AHEAD: usize = 512;
/// How many questions about one storage are asked at a time. Rules that are slow to read (groups elsewhere) are the
/// choice of a storage's owner, and must not delay the listeners of others.
const QUESTIONS: usize = 16;
/// How many of those who come back are read for at a time: everybody else needs the store too.
pub(crate) const READERS: usize = 2;
/// How many storages' or subjects' turns are kept before those that nobody takes are dropped.
const TURNS: usize = 1_024;
/// Most answers by the rules of one commit that are kept; when there are more, some are asked again.
const THENS: usize = 65_536;
/// How many channels of a storage that is gone are read at a time.
const PAGE: usize = 256;
/// How long to wait after the log or the store failed.
const AGAIN: Duration = Duration::from_millis(200);
/// The clock is looked at so often, whatever it said before.
const LOOK: Duration = Duration::from_secs(15);

/// What the hub's parts share.
pub(crate) struct Inner {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) fence: Arc<podbell_log::Fence>,
    pub(crate) authorize: Arc<dyn Authorize>,
    pub(crate) channels: Arc<dyn ChannelStore>,
    pub(crate) states: Arc<dyn States>,
    pub(crate) encoder: Arc<dyn Encoder>,
    /// Where it is kept what channels that push are owed; none if none does.
    pub(crate) owing: Option<Arc<dyn Owing>>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) known: Known,
    pub(crate) shard: Mutex<Shard>,
    pub(crate) changed: Notify,
    turns: Mutex<HashMap<StorageId, Arc<Semaphore>>>,
    readers: Semaphore,
    /// One turn for each subject, so that the many connections of one delay nobody else who comes back.
    reads: Mutex<HashMap<SubjectKey, Arc<Semaphore>>>,
    /// Storages that were deleted since the process began: what listened there is told why it ends.
    pub(crate) gone: Mutex<HashSet<StorageId>>,
}

enum Done {
    Asked(Asked, Result<Answer, Unavailable>),
    Chore(Chore, Result<(), ChannelStoreError>),
    CaughtUp,
}

impl Inner {
    pub(crate) fn new(ports: Ports, metrics: Arc<Metrics>, shard: Shard) -> Self {
        Self {
            log: ports.log,
            fence: ports.fence,
            authorize: ports.authorize,
            channels: ports.channels,
            states: ports.states,
            encoder: ports.encoder,
            owing: ports.owing,
            clock: ports.clock,
            metrics,
            grants: Arc::clone(&shard.grants),
            known: shard.rules.shown(),
            shard: Mutex::new(shard),
            changed: Notify::new(),
            turns: Mutex::default(),
            readers: Semaphore::new(READERS),
            reads: Mutex::default(),
            gone: Mutex::default(),
        }
    }

    /// Works on the state; lets outlets go and wakes the engine after the lock is open again.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Shard, Timestamp) -> R) -> R {
        let mut shard = self.shard.lock();
        let now = (self.clock)();
        let result = work(&mut shard, now);
        if !shard.left.is_empty() {
            shard.settle_left(now);
        }
        let farewells = std::mem::take(&mut shard.farewells);
        let wake = std::mem::take(&mut shard.wake);
        drop(shard);
        for farewell in farewells {
            farewell.say();
        }
        if wake {
            self.changed.notify_one();
        }
        result
    }

    /// Follows the log until the hub is dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut head = self.log.watch();
        let mut tasks = JoinSet::new();
        self.with(|shard, now| shard.at(now, Timer::Sweep));
        loop {
            head.borrow_and_update();
            let learned = self.learn().await;
            if let Err(error) = &learned {
                tracing::error!(%error, "the log cannot be followed");
            }
            while self.with(Shard::match_pending) {}
            self.with(Shard::fire);
            while self.with(Shard::flush_some) {}
            self.with(Shard::losses);
            while self.with(Shard::flush_some) {}
            self.spawn(&mut tasks);
            let pause = match learned {
                Ok(true) => {
                    // More is to be read at once, but not before what was asked meanwhile is taken in.
                    if let Some(done) = tasks.try_join_next() {
                        self.settle(done.ok(), &mut tasks);
                    }
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(false) => self.pause(),
                Err(_) => {
                    // Nothing that was committed can be judged until the log can be read.
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            tokio::select! {
                moved = head.changed() => if moved.is_err() { tokio::time::sleep(AGAIN).await },
                () = self.changed.notified() => {}
                Some(done) = tasks.join_next() => self.settle(done.ok(), &mut tasks),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Reads what was committed; true if there may be more.
    async fn learn(&self) -> Result<bool, LogError> {
        loop {
            let (known, ahead, behind) = {
                let shard = self.shard.lock();
                let watermark = shard.fence.enter().watermark();
                (shard.rules.known(), shard.pending.len(), watermark > shard.rules.known())
            };
            if ahead >= AHEAD && !behind {
                return Ok(true);
            }
            let commits = match self.log.read(known, READ).await {
                Ok(commits) => commits,
                Err(LogError::Gap) => {
                    let head = self.log.head();
                    self.with(|shard, _| shard.lose_track(head));
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            let count = commits.len();
            self.with(|shard, _| commits.into_iter().for_each(|commit| shard.learn(commit)));
            match count {
                0 if behind => return Err(LogError::Engine("the fence is ahead of the log".into())),
                0 => return Ok(false),
                _ => {}
            }
        }
    }

    fn pause(&self) -> Duration {
        let shard = self.shard.lock();
        let Some((next, _)) = shard.timers.first() else { return LOOK };
        let now = (self.clock)();
        if *next <= now {
            return Duration::ZERO;
        }
        next.duration_since(now).unsigned_abs().min(LOOK)
    }

    fn spawn(self: &Arc<Self>, tasks: &mut JoinSet<Done>) {
        let (asks, chores, replays) = self.with(|shard, _| {
            if shard.waiting.is_empty() && shard.dirty.is_empty() || shard.thens.len() > THENS {
                shard.thens.clear();
            }
            let asks = std::mem::take(&mut shard.to_ask);
            let questions: Vec<_> = asks.into_iter().map(|asked| (asked, shard.question(&asked))).collect();
            for (asked, _) in questions.iter().filter(|(_, question)| question.is_none()) {
                shard.waiting.remove(asked);
            }
            (questions, std::mem::take(&mut shard.chores), std::mem::take(&mut shard.replays))
        });
        for (asked, question) in asks {
            let (inner, Some(question)) = (Arc::clone(self), question) else { continue };
            tasks.spawn(async move { Done::Asked(asked, inner.judge(&question).await) });
        }
        for chore in chores {
            let inner = Arc::clone(self);
            tasks.spawn(async move {
                let result = inner.perform(&chore).await;
                Done::Chore(chore, result)
            });
        }
        for (connection, compare) in replays {
            let inner = Arc::clone(self);
            tasks.spawn(async move {
                inner.catch_up(connection, compare).await;
                Done::CaughtUp
            });
        }
    }

    /// Reads for one who comes back, when it is their turn; none if they are gone by then.
    pub(crate) async fn in_turn<R>(&self, key: ConnectionKey, read: impl Future<Output = R>) -> Option<R> {
        let subject = || self.shard.lock().subject_of(key);
        let turn = turn(&self.reads, subject()?, 1);
        let _turn = turn.acquire().await;
        let _reader = self.readers.acquire().await;
        subject()?;
        Some(read.await)
    }

    pub(crate) async fn judge(&self, question: &Question) -> Result<Answer, Unavailable> {
        let turns = turn(&self.turns, question.storage, QUESTIONS);
        let _turn = turns.acquire().await;
        self.authorize.authorize(question, (self.clock)()).await
    }

    /// Takes in what has been done, all of it that is ready.
    fn settle(&self, first: Option<Done>, tasks: &mut JoinSet<Done>) {
        let mut ready = first;
        while let Some(done) = ready {
            self.with(|shard, now| match done {
                Done::Asked(asked, Ok(answer)) => shard.answered(&asked, &answer, now),
                Done::Asked(asked, Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the rules cannot be read");
                    shard.unanswered(&asked, now);
                }
                Done::Chore(chore, Err(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the channel store failed");
                    shard.failed_chores.push(chore);
                    shard.at(after(now, AGAIN), Timer::Chores);
                }
                Done::Chore(Chore::Advance(id, told), Ok(())) => shard.advanced(id, &told),
                Done::Chore(_, Ok(())) | Done::CaughtUp => {}
            });
            ready = tasks.try_join_next().and_then(Result::ok);
        }
    }

    /// Does what is to do in the store.
    pub(crate) async fn perform(&self, chore: &Chore) -> Result<(), ChannelStoreError> {
        match chore {
            Chore::Remove(id) => self.channels.remove(*id).await.map(drop),
            Chore::Narrow(id, topics) => self.channels.narrow(*id, topics).await.map(drop),
            Chore::Advance(id, state) => self.channels.advance_state(*id, Some(state)).await,
            Chore::Sweep => {
                let now = (self.clock)();
                let ended = self.channels.sweep(now).await?;
                self.with(|shard, now| {
                    for key in ended.iter().filter_map(|id| shard.by_id.get(id).copied()).collect::<Vec<_>>() {
                        shard.end_drained(key, Ending::Expired, now);
                    }
                });
                Ok(())
            }
            Chore::EndStorage(storage) => {
                self.gone.lock().insert(*storage);
                let mut after = None;
                loop {
                    let page = self.channels.page(&Whose::Storage(*storage), after, PAGE).await?;
                    let Some(last) = page.last() else { return Ok(()) };
                    after = Some((last.created, last.id));
                    for channel in page {
                        self.end_topics(channel, *storage).await?;
                    }
                }
            }
        }
    }

    /// Ends what a channel has in a storage that is gone.
    async fn end_topics(&self, channel: Channel, storage: StorageId) -> Result<(), ChannelStoreError> {
        let left: Vec<Topic> = channel.topics.iter().filter(|topic| topic.storage != storage).cloned().collect();
        if !left.is_empty() && self.channels.narrow(channel.id, &left).await? {
            self.void(channel.id);
            return Ok(());
        }
        if let (Some(owing), Some(_)) = (&self.owing, &channel.push) {
            // Who delivers finds that they are lost, and removes the channel with its last words.
            self.void(channel.id);
            let now = (self.clock)();
            let lost = channel.topics.iter().map(|topic| Owed::state(&channel, topic, "lost", now));
            return owing.owe(lost.collect(), None).await;
        }
        self.channels.remove(channel.id).await?;
        self.with(|shard, _| shard.ended.remember(&Arc::new(channel)));
        Ok(())
    }
}

/// Whose turns these are; so many at a time.
fn turn<K: Eq + Hash>(turns: &Mutex<HashMap<K, Arc<Semaphore>>>, of: K, at_a_time: usize) -> Arc<Semaphore> {
    let mut turns = turns.lock();
    if turns.len() >= TURNS {
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
    }
    Arc::clone(turns.entry(of).or_insert_with(|| Arc::new(Semaphore::new(at_a_time))))
}
