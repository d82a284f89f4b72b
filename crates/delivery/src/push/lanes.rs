//! How much goes on at once, and how fast: in all, for each lane, for each channel.
//!
//! A lane begins with one place and gets one more with each success; a failure leaves it one. So a host that hangs holds
//! one place, and the last places of all are for lanes that are known to work. Rates and breakers are per lane, over all
//! subscribers: what many ask of one host adds up.

use super::{
    DeliveryId, Lane,
    breaker::{Breaker, Lets},
    outcome::Strain,
    settings::Settings,
};
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use podbell_hub::ChannelId;
use std::{collections::HashMap, num::NonZeroU32, time::Duration};
use tokio::time::Instant;

/// How long an overloaded lane is left alone, if it asks for nothing else.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that a lane is left alone because one receiver asks for it: others may share the host.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Most messages in a second to receivers on this server, all together: they are writes like others.
const HERE: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
/// One of so many places is for lanes that are known to work.
const KEPT: usize = 8;

/// The time since the first lane, as the rate limiter counts it.
#[derive(Clone, Copy, Debug)]
struct Ticks(Instant);

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

type Rate = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

/// What is known of one lane.
struct Known {
    under_way: Vec<(DeliveryId, ChannelId)>,
    /// How many it may have under way; one that worked last may have more than one.
    window: usize,
    rate: Rate,
    breaker: Breaker,
    /// Nothing before then: the rate is used up, or the host asked for a pause.
    pause: Option<Instant>,
    touched: Instant,
}

/// The room in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// So many may be begun.
    Places(usize),
    /// None before then.
    Until(Instant),
    /// None until something ends.
    Full,
}

/// All lanes that something is known of.
pub(crate) struct Lanes {
    settings: Settings,
    clock: Ticks,
    is_here: Box<dyn Fn(&Lane) -> bool + Send + Sync>,
    known: HashMap<Lane, Known>,
    in_flight: usize,
    channels: HashMap<ChannelId, usize>,
    /// Channels that have one request alone under way, with all that went into it.
    whole: HashMap<ChannelId, DeliveryId>,
}

impl Lanes {
    /// `is_here`: whether a lane leads to this server itself.
    pub(crate) fn new(settings: Settings, is_here: impl Fn(&Lane) -> bool + Send + Sync + 'static) -> Self {
        let (clock, is_here) = (Ticks(Instant::now()), Box::new(is_here));
        let (channels, whole) = Default::default();
        Self { settings, clock, is_here, known: HashMap::new(), in_flight: 0, channels, whole }
    }

    /// How much may be begun in a lane.
    pub(crate) fn room(&self, lane: &Lane, now: Instant) -> Room {
        let left = self.settings.at_once.saturating_sub(self.in_flight);
        let known = self.known.get(lane);
        let window = known.map_or(1, |known| known.window);
        if left == 0 || (window == 1 && left <= self.settings.at_once / KEPT) {
            return Room::Full;
        }
        let Some(known) = known else { return Room::Places(1) };
        if let Some(until) = known.pause.filter(|until| *until > now) {
            return Room::Until(until);
        }
        let most = match known.breaker.lets(now) {
            Lets::All => window,
            Lets::One => 1,
            Lets::Until(until) => return Room::Until(until),
            Lets::Nothing => return Room::Full,
        };
        match most.saturating_sub(known.under_way.len()).min(left) {
            0 => Room::Full,
            places => Room::Places(places),
        }
    }

    /// Whether a lane's host is known not to work.
    pub(crate) fn is_broken(&self, lane: &Lane) -> bool {
        self.known.get(lane).is_some_and(|known| !known.breaker.is_closed())
    }

    /// What is under way in a lane.
    pub(crate) fn under_way(&self, lane: &Lane) -> Vec<DeliveryId> {
        let of = |known: &Known| known.under_way.iter().map(|(id, _)| *id).collect();
        self.known.get(lane).map(of).unwrap_or_default()
    }

    /// How many deliveries of a lane belong to channels that have as many under way as they may.
    pub(crate) fn of_full_channels(&self, lane: &Lane) -> usize {
        let full = |(_, channel): &&(DeliveryId, ChannelId)| self.is_full(*channel);
        self.known.get(lane).map_or(0, |known| known.under_way.iter().filter(full).count())
    }

    /// Whether a channel has as many under way as it may.
    pub(crate) fn is_full(&self, channel: ChannelId) -> bool {
        let many = self.channels.get(&channel).is_some_and(|count| *count >= self.settings.per_channel);
        many || self.whole.contains_key(&channel)
    }

    /// Nothing else of its channel is begun until this delivery ends: what comes meanwhile goes together.
    pub(crate) fn fill(&mut self, channel: ChannelId, id: DeliveryId) {
        self.whole.insert(channel, id);
    }

    /// Begins a delivery, unless the rate is used up. The caller asked for room before.
    pub(crate) fn begin(&mut self, lane: &Lane, id: DeliveryId, channel: ChannelId, now: Instant) -> bool {
        let clock = self.clock;
        let known = self.know(lane, now);
        if let Err(early) = known.rate.check() {
            known.pause = Some(now + early.wait_time_from(clock.now()).max(Duration::from_millis(1)));
            return false;
        }
        known.breaker.begun();
        self.occupy(lane, id, channel, now);
        true
    }

    /// Takes a place for what sends nothing.
    pub(crate) fn occupy(&mut self, lane: &Lane, id: DeliveryId, channel: ChannelId, now: Instant) {
        self.know(lane, now).under_way.push((id, channel));
        *self.channels.entry(channel).or_default() += 1;
        self.in_flight += 1;
    }

    /// A delivery has ended; none if it was never sent. `asked`: the pause that the receiver asked for.
    pub(crate) fn ended(
        &mut self,
        lane: &Lane,
        id: DeliveryId,
        strain: Option<Strain>,
        asked: Option<Duration>,
        now: Instant,
    ) {
        let most = self.settings.per_lane.max(1);
        let Some(known) = self.known.get_mut(lane) else { return };
        let Some(at) = known.under_way.iter().position(|(other, _)| *other == id) else { return };
        let (_, channel) = known.under_way.swap_remove(at);
        match strain {
            None => known.breaker.abandoned(now),
            Some(Strain::Good) => {
                known.breaker.worked();
                known.window = (known.window + 1).min(most);
            }
            Some(Strain::Neutral) => known.breaker.answered(),
            Some(strain) => {
                known.breaker.failed(now);
                known.window = 1;
                if strain == Strain::SlowDown {
                    let pause = asked.unwrap_or_default().clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
                    known.pause = known.pause.max(Some(now + pause));
                }
            }
        }
        if let Some(count) = self.channels.get_mut(&channel) {
            *count -= 1;
            if *count == 0 {
                self.channels.remove(&channel);
            }
        }
        if self.whole.get(&channel) == Some(&id) {
            self.whole.remove(&channel);
        }
        self.in_flight -= 1;
    }

    /// The clock was moved: whatever pauses there were are over.
    pub(crate) fn clock_moved(&mut self, now: Instant) {
        for known in self.known.values_mut() {
            known.pause = None;
            known.breaker.clock_moved(now);
        }
    }

    /// How many deliveries are under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    fn know(&mut self, lane: &Lane, now: Instant) -> &mut Known {
        if !self.known.contains_key(lane) {
            self.forget(now);
        }
        let known = self.known.entry(lane.clone()).or_insert_with(|| Known {
            under_way: Vec::new(),
            window: 1,
            rate: RateLimiter::direct_with_clock(
                if (self.is_here)(lane) {
                    Quota::per_second(self.settings.per_second.max(HERE)).allow_burst(self.settings.burst.max(HERE))
                } else {
                    Quota::per_second(self.settings.per_second).allow_burst(self.settings.burst)
                },
                self.clock,
            ),
            breaker: Breaker::default(),
            pause: None,
            touched: now,
        });
        known.touched = now;
        known
    }

    /// Makes room for one more lane: of those with nothing under way, the ones that were used least lately go.
    fn forget(&mut self, now: Instant) {
        let most = self.settings.lanes.max(1);
        if self.known.len() < most {
            return;
        }
        let idle = self.known.values().filter(|known| known.under_way.is_empty());
        let mut ages: Vec<_> = idle.map(|known| now.saturating_duration_since(known.touched)).collect();
        ages.sort_unstable();
        // An eighth at a time, so that it is not done for each.
        let Some(age) = ages.get(ages.len().saturating_sub(most / 8 + 1)).copied() else { return };
        self.known.retain(|_, known| !known.under_way.is_empty() || now.saturating_duration_since(known.touched) < age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::Uuid;

    fn lane(name: &str) -> Lane {
        Lane(format!("https://{name}.example:443").into())
    }

    fn channel(number: u128) -> ChannelId {
        ChannelId(Uuid::from_u128(number))
    }

    fn small() -> Settings {
        let burst = NonZeroU32::new(1_000).unwrap();
        Settings { at_once: 16, per_lane: 4, per_channel: 2, lanes: 8, per_second: burst, burst, ..Settings::default() }
    }

    /// Begins what there is room for, each of a channel of its own; how many.
    fn fill(lanes: &mut Lanes, lane: &Lane, next: &mut i64) -> usize {
        let now = Instant::now();
        let mut begun = 0;
        while let Room::Places(_) = lanes.room(lane, now) {
            *next += 1;
            assert!(lanes.begin(lane, DeliveryId(*next), channel((*next).try_into().unwrap()), now));
            begun += 1;
        }
        begun
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_begins_with_one_place_and_grows_with_each_success() {
        let (mut lanes, a, mut next) = (Lanes::new(small(), |_| false), lane("a"), 0);
        for places in [1, 2, 3, 4, 4] {
            let begun = fill(&mut lanes, &a, &mut next);
            assert_eq!(lanes.under_way(&a).len(), places);
            assert!(begun <= 2);
            lanes.ended(&a, lanes.under_way(&a)[0], Some(Strain::Good), None, Instant::now());
        }
        lanes.ended(&a, lanes.under_way(&a)[0], Some(Strain::Bad), None, Instant::now());
        assert_eq!(fill(&mut lanes, &a, &mut next), 0, "one that failed has one place, and others are under way");
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_that_hang_leave_room_for_those_that_work() {
        let (mut lanes, good, mut next) = (Lanes::new(Settings { lanes: 64, ..small() }, |_| false), lane("good"), 0);
        fill(&mut lanes, &good, &mut next);
        lanes.ended(&good, DeliveryId(1), Some(Strain::Good), None, Instant::now());
        let hung: usize = (0..100).map(|number| fill(&mut lanes, &lane(&number.to_string()), &mut next)).sum();
        assert_eq!(hung, 14, "two of sixteen places are kept");
        assert_eq!(fill(&mut lanes, &good, &mut next), 2);
        assert_eq!(lanes.room(&good, Instant::now()), Room::Full);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_of_a_lane_holds_over_all_channels() {
        let (ten, fifty) = (NonZeroU32::new(10).unwrap(), NonZeroU32::new(50).unwrap());
        let (mut lanes, a) = (Lanes::new(Settings { per_second: ten, burst: fifty, ..small() }, |_| false), lane("a"));
        let mut begun = 0;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            match lanes.room(&a, Instant::now()) {
                Room::Places(_) => {
                    let id = DeliveryId(begun);
                    if lanes.begin(&a, id, channel(begun.try_into().unwrap()), Instant::now()) {
                        begun += 1;
                        lanes.ended(&a, id, Some(Strain::Good), None, Instant::now());
                    }
                }
                Room::Until(until) => tokio::time::advance(until - Instant::now()).await,
                Room::Full => panic!("nothing is under way"),
            }
        }
        assert!((149..=151).contains(&begun), "{begun}");
    }

    #[tokio::test(start_paused = true)]
    async fn receivers_on_this_server_are_no_one_host_to_be_spared() {
        let (ten, here) = (NonZeroU32::new(10).unwrap(), lane("here"));
        let own = here.clone();
        let settings = Settings { per_second: ten, burst: ten, ..small() };
        let mut lanes = Lanes::new(settings, move |lane| *lane == own);
        let mut begun = |lane: &Lane| {
            (0..1_000).take_while(|id| lanes.begin(lane, DeliveryId(*id), channel(1), Instant::now())).count()
        };
        assert_eq!((begun(&here), begun(&lane("there"))), (200, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn an_overloaded_lane_pauses_for_a_bounded_time() {
        for (asked, pause) in [(None, 1), (Some(5), 5), (Some(86_400), 30)] {
            let (mut lanes, a, now) = (Lanes::new(small(), |_| false), lane("a"), Instant::now());
            assert!(lanes.begin(&a, DeliveryId(1), channel(1), now));
            lanes.ended(&a, DeliveryId(1), Some(Strain::SlowDown), asked.map(Duration::from_secs), now);
            assert_eq!(lanes.room(&a, now), Room::Until(now + Duration::from_secs(pause)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_has_no_more_under_way_than_it_may() {
        let (mut lanes, a, now) = (Lanes::new(small(), |_| false), lane("a"), Instant::now());
        for id in 1..=2 {
            assert!(!lanes.is_full(channel(1)));
            lanes.occupy(&a, DeliveryId(id), channel(1), now);
        }
        assert!(lanes.is_full(channel(1)) && lanes.of_full_channels(&a) == 2);
        lanes.ended(&a, DeliveryId(1), None, None, now);
        assert!(!lanes.is_full(channel(1)));
        lanes.ended(&a, DeliveryId(2), None, None, now);
        assert!(lanes.channels.is_empty() && lanes.in_flight() == 0);
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_lanes_are_remembered_and_none_is_forgotten_that_is_in_use() {
        let mut lanes = Lanes::new(small(), |_| false);
        lanes.occupy(&lane("kept"), DeliveryId(0), channel(0), Instant::now());
        for number in 1..1_000 {
            tokio::time::advance(Duration::from_millis(1)).await;
            let (one, id) = (lane(&number.to_string()), DeliveryId(number));
            lanes.occupy(&one, id, channel(1), Instant::now());
            lanes.ended(&one, id, None, None, Instant::now());
            assert!(lanes.known.len() <= 8);
        }
        assert_eq!(lanes.under_way(&lane("kept")), [DeliveryId(0)]);
    }
}
