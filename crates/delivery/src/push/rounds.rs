//! The task that carries: again and again, a round over the lanes in which something is due.
//!
//! It asks the queue only when something may have changed: when told so, when something ended, and when the next thing
//! falls due. Idle, it looks once in a while what becomes of channels, and does nothing else.

use super::{
    Delivery, DeliveryId, Kind, Lane, QueueError,
    attempt::Ended,
    batch,
    courier::Inner,
    lanes::{Lanes, Room},
    schedule::{after, is_too_old},
};
use podbell_hub::{ChannelId, Topic};
use podbell_model::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};

/// How long to wait at first when the queue fails, and at most.
const QUEUE_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// The clock is looked at so often while something is to come, whatever it said before.
const LOOK: Duration = Duration::from_secs(15);
/// How many channels are remembered that asked to be left alone.
const HELD: usize = 4_096;
/// How many deliveries of a host that does not work are looked at, for those to be given up.
const BURIED: usize = 64;

/// The loop and what it remembers.
pub(super) struct Rounds {
    inner: Arc<Inner>,
    owed: Arc<Notify>,
    moved: Arc<Notify>,
    stop: watch::Receiver<Option<Duration>>,
    lanes: Lanes,
    tasks: JoinSet<Task>,
    under_way: HashMap<Id, UnderWay>,
    /// The deliveries of these, whatever lane they began in.
    carried: HashSet<DeliveryId>,
    /// What they are about, of channels that have a rate: of one topic, one goes after the other.
    paced: HashMap<DeliveryId, (ChannelId, Topic)>,
    /// Channels whose receivers asked for a longer pause, until when.
    held: HashMap<ChannelId, Timestamp>,
    /// Where the last round stopped; the next one begins behind it.
    last: Option<Lane>,
    upkeep: Upkeep,
}

/// What a task carries: one delivery, or several in one request, by the first of which it is known.
struct UnderWay {
    lane: Lane,
    channel: ChannelId,
    lead: DeliveryId,
    along: Vec<DeliveryId>,
}

/// When it is looked next what becomes of channels.
#[derive(Clone, Copy)]
enum Upkeep {
    At(Instant),
    UnderWay { again: bool },
}

/// What a task has done.
enum Task {
    Delivery(Ended),
    Upkeep,
}

/// What is done with a delivery.
enum Work {
    Deliver,
    PutOff(Timestamp),
    GiveUp,
}

impl Rounds {
    pub(super) fn new(
        inner: Arc<Inner>,
        owed: Arc<Notify>,
        moved: Arc<Notify>,
        stop: watch::Receiver<Option<Duration>>,
    ) -> Self {
        let transport = Arc::clone(&inner.transport);
        let lanes = Lanes::new(inner.settings.clone(), move |lane| transport.is_here(lane));
        Self {
            inner,
            owed,
            moved,
            stop,
            lanes,
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            carried: HashSet::new(),
            paced: HashMap::new(),
            held: HashMap::new(),
            last: None,
            upkeep: Upkeep::At(Instant::now()),
        }
    }

    /// Carries until it is told to stop.
    pub(super) async fn run(mut self) {
        let mut pause = QUEUE_PAUSE.0;
        while self.stop.borrow().is_none() {
            self.look_after();
            let wait = match self.round().await {
                Ok(wait) => {
                    pause = QUEUE_PAUSE.0;
                    wait
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the queue failed");
                    let wait = pause;
                    pause = (pause * 2).min(QUEUE_PAUSE.1);
                    // Nothing shortens it: a queue that fails is not asked with each delivery that ends.
                    sleep(wait).await;
                    Duration::ZERO
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = self.owed.notified() => {}
                () = self.moved.notified() => self.clock_moved(),
                _ = self.stop.changed() => {}
                Some(done) = self.tasks.join_next_with_id() => self.settle(done),
            }
            while let Some(done) = self.tasks.try_join_next_with_id() {
                self.settle(done);
            }
        }
        let grace = self.stop.borrow().unwrap_or_default();
        let ended = timeout(grace, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!(cut = self.tasks.len(), "some deliveries were cut off; they will be sent again");
        }
    }

    /// Begins what there is room for; how long nothing new happens by itself.
    async fn round(&mut self) -> Result<Duration, QueueError> {
        let now = (self.inner.clock)();
        let (mut due, next) = self.inner.queue.lanes(now).await?;
        let next = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        let mut wait = next.map_or(self.inner.settings.upkeep, |next| next.min(LOOK));
        if let Upkeep::At(at) = self.upkeep {
            wait = wait.min(at.saturating_duration_since(Instant::now()));
        }
        due.sort_unstable();
        let behind = self.last.as_ref().map_or(0, |last| due.partition_point(|lane| lane <= last));
        due.rotate_left(behind);
        for lane in due {
            if let Room::Places(places) = self.lanes.room(&lane, Instant::now())
                && self.fill(&lane, places, now).await?
            {
                self.last = Some(lane.clone());
            }
            if let Room::Until(until) = self.lanes.room(&lane, Instant::now()) {
                wait = wait.min(until.saturating_duration_since(Instant::now()));
            }
        }
        self.inner.metrics.in_flight.store(self.lanes.in_flight() as u64, Ordering::Relaxed);
        Ok(wait.max(Duration::from_millis(1)))
    }

    /// Begins so many deliveries of a lane at most; whether it began any.
    async fn fill(&mut self, lane: &Lane, mut places: usize, now: Timestamp) -> Result<bool, QueueError> {
        let broken = self.lanes.is_broken(lane);
        // Those of channels that have enough under way are given too, and left.
        let limit = if broken { BURIED } else { places + self.lanes.of_full_channels(lane) };
        let mut begun = false;
        let taken = self.take(lane, now, limit).await?;
        let given: Vec<_> = taken.iter().map(|taken| (taken.id, taken.channel.id)).collect();
        for delivery in taken {
            let (id, channel) = (delivery.id, delivery.channel.id);
            if self.lanes.is_full(channel) {
                continue;
            }
            let held = self.held.get(&channel).copied().filter(|until| *until > now);
            let work = match held {
                // Who asks for a test wants it now.
                Some(until) if !matches!(delivery.kind, Kind::Ping { .. }) => Work::PutOff(until),
                _ if broken && is_too_old(delivery.owed, now) => Work::GiveUp,
                _ if places == 0 => continue,
                _ if self.waits_for_another(&delivery) => {
                    Work::PutOff(after(now, delivery.channel.rate.unwrap_or_default()))
                }
                _ => Work::Deliver,
            };
            if let Work::Deliver = work {
                if !self.lanes.begin(lane, id, channel, Instant::now()) {
                    break;
                }
                places -= 1;
                if delivery.leads(now) {
                    self.lanes.fill(channel, id);
                    self.spawn_together(lane, delivery, &given, now).await;
                    begun = true;
                    continue;
                }
            } else {
                self.lanes.occupy(lane, id, channel, Instant::now());
            }
            begun = true;
            self.spawn(lane, delivery, work);
        }
        Ok(begun)
    }

    /// What is due in a lane and not under way: neither in it nor in another one, from which the channel moved here.
    async fn take(&self, lane: &Lane, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, QueueError> {
        let mut under_way = self.lanes.under_way(lane);
        let along = self.under_way.values().filter(|task| task.lane == *lane);
        under_way.extend(along.flat_map(|task| &task.along));
        loop {
            let mut taken = self.inner.queue.take(lane, now, limit, &under_way).await?;
            let known = under_way.len();
            under_way.extend(taken.iter().map(|taken| taken.id).filter(|id| self.carried.contains(id)));
            if under_way.len() == known {
                return Ok(taken);
            }
            if taken.len() < limit {
                taken.retain(|taken| !self.carried.contains(&taken.id));
                return Ok(taken);
            }
        }
    }

    /// Whether something is under way about the same topic, for a channel that does not want two at once.
    fn waits_for_another(&self, delivery: &Delivery) -> bool {
        let of = |topic| (delivery.channel.id, topic);
        paced(delivery).is_some_and(|topic| self.paced.values().any(|(channel, known)| (*channel, known) == of(topic)))
    }

    fn spawn(&mut self, lane: &Lane, delivery: Delivery, work: Work) {
        let (inner, id, channel) = (Arc::clone(&self.inner), delivery.id, delivery.channel.id);
        if let (Work::Deliver, Some(topic)) = (&work, paced(&delivery)) {
            self.paced.insert(id, (channel, topic.clone()));
        }
        let task = self.tasks.spawn(async move {
            Task::Delivery(match work {
                Work::Deliver => inner.deliver(&delivery).await,
                Work::PutOff(until) => inner.put_off(&delivery, until).await,
                Work::GiveUp => inner.give_up(&delivery).await,
            })
        });
        self.carried.insert(id);
        self.under_way.insert(task.id(), UnderWay { lane: lane.clone(), channel, lead: id, along: Vec::new() });
    }

    /// Begins a delivery with whatever may go along with it; alone if that cannot be found out. `given`: what was taken
    /// for this round; nothing else of the same channel is begun in it.
    async fn spawn_together(&mut self, lane: &Lane, lead: Delivery, given: &[(DeliveryId, ChannelId)], now: Timestamp) {
        let (inner, id, channel) = (Arc::clone(&self.inner), lead.id, lead.channel.id);
        let others = given.iter().filter(|(_, of)| *of != channel).map(|(id, _)| *id);
        let spoken: Vec<_> = self.carried.iter().copied().chain(others).chain([id]).collect();
        let along = inner.queue.take_along(lane, &lead, now, batch::MOST - 1, &spoken).await;
        let along = along.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the queue failed");
            Vec::new()
        });
        let deliveries = batch::together(lead, along, self.inner.settings.payload, now);
        let along: Vec<_> = deliveries.iter().map(|delivery| delivery.id).filter(|other| *other != id).collect();
        self.carried.extend(along.iter().copied().chain([id]));
        let task = self.tasks.spawn(async move { Task::Delivery(inner.deliver_together(deliveries).await) });
        self.under_way.insert(task.id(), UnderWay { lane: lane.clone(), channel, lead: id, along });
    }

    /// Takes in what a task has done; one that broke gives its place back.
    fn settle(&mut self, done: Result<(Id, Task), JoinError>) {
        let (id, ended) = match done {
            Ok((_, Task::Upkeep)) => return self.looked_after(),
            Ok((id, Task::Delivery(ended))) => (id, ended),
            Err(error) => {
                tracing::error!(%error, "a delivery broke off");
                (error.id(), Ended::default())
            }
        };
        let Some(UnderWay { lane, channel, lead, along }) = self.under_way.remove(&id) else {
            return self.looked_after();
        };
        for delivery in along.iter().chain([&lead]) {
            self.carried.remove(delivery);
        }
        self.paced.remove(&lead);
        let was_broken = self.lanes.is_broken(&lane);
        self.lanes.ended(&lane, lead, ended.strain, ended.asked, Instant::now());
        match (was_broken, self.lanes.is_broken(&lane)) {
            (false, true) => {
                tracing::info!(receiver.lane = &*lane.0, "{} does not work; it is tried again now and then", lane.0);
            }
            (true, false) => tracing::info!(receiver.lane = &*lane.0, "{} works again", lane.0),
            _ => {}
        }
        if let Some(asked) = ended.asked.filter(|asked| !asked.is_zero()) {
            let now = (self.inner.clock)();
            if self.held.len() >= HELD {
                self.held.retain(|_, until| *until > now);
            }
            if self.held.len() < HELD {
                self.held.insert(channel, after(now, asked));
            }
        }
    }

    fn look_after(&mut self) {
        if let Upkeep::At(at) = self.upkeep
            && at <= Instant::now()
        {
            self.upkeep = Upkeep::UnderWay { again: false };
            let inner = Arc::clone(&self.inner);
            self.tasks.spawn(async move {
                if let Err(error) = inner.look_after().await {
                    tracing::error!(error = &error as &dyn std::error::Error, "the queue failed");
                }
                Task::Upkeep
            });
        }
    }

    fn looked_after(&mut self) {
        let again = matches!(self.upkeep, Upkeep::UnderWay { again: true });
        let pause = if again { Duration::ZERO } else { self.inner.settings.upkeep };
        self.upkeep = Upkeep::At(Instant::now() + pause);
    }

    fn clock_moved(&mut self) {
        self.lanes.clock_moved(Instant::now());
        self.upkeep = match self.upkeep {
            Upkeep::At(_) => Upkeep::At(Instant::now()),
            Upkeep::UnderWay { .. } => Upkeep::UnderWay { again: true },
        };
    }
}

/// The topic that it is about, if its channel has a rate.
fn paced(delivery: &Delivery) -> Option<&Topic> {
    match &delivery.kind {
        Kind::Change { about, .. } | Kind::State { about } => delivery.channel.rate.map(|_| &about.topic),
        Kind::Ping { .. } | Kind::Lifecycle { .. } => None,
    }
}
