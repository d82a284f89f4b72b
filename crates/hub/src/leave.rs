//! Leave to send: asked before each attempt, and checked again inside the fence at each system call.
//!
//! Nobody is connected to a channel that pushes, so that it has lost a topic shows here: it is narrowed, and ends with
//! the last one.

use crate::{
    About, Channel, Ending, Hub, Question, Topic, Unavailable,
    engine::Inner,
    grants::Way,
    rules::{Held, Known},
};
use podbell_log::Fence;
use podbell_model::Timestamp;
use smallvec::SmallVec;
use std::sync::Arc;

/// How often the judge is asked again when newer rules overtake its answer.
const ATTEMPTS: usize = 8;

/// Whether something that is owed may be sent now.
#[derive(Debug)]
pub enum Leave {
    /// As long as the rules do not change.
    Granted(Grant),
    /// It may not be told: it is owed no more.
    Withheld {
        /// If the channel is over, why: its time has come ([`Ending::Expired`]), it may hear of none of its topics any
        /// longer ([`Ending::Forbidden`]), or somebody ended it or deleted its storage ([`Ending::Unsubscribed`]). Whoever
        /// asked removes it from the store, with its last words; until then every answer is this one.
        ended: Option<Ending>,
    },
    /// The rules cannot be read, or the receiver is another one by now: later.
    Unavailable,
}

/// Leave to send one thing, by the rules of one moment.
pub struct Grant {
    fence: Arc<Fence>,
    /// The answers that it rests on: about the object, and about the topic if that is above it.
    rests_on: SmallVec<[Held; 2]>,
    known: Known,
    until: Option<Timestamp>,
    ways: SmallVec<[Way; 1]>,
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Why there is no grant.
enum Refused {
    /// The topic is lost.
    Topic,
    /// The object alone, which is below the topic.
    Object,
}

impl Grant {
    /// Makes a system call, which must not block, inside the fence; none if leave must be asked anew: the rules that it
    /// rests on have changed, or changed so lately that it is not known which, or the channel was ended or changed.
    pub fn within<R>(&self, send: impl FnOnce() -> R) -> Option<R> {
        let entered = self.fence.enter();
        let now = (self.inner.clock)();
        // What is known is read before what was touched: that includes everything known.
        let (watermark, known) = (entered.watermark(), self.known.get());
        let holds = self.ways.iter().all(Way::is_open)
            && self.until.is_none_or(|until| now < until)
            && self.rests_on.iter().all(|held| held.holds_at(watermark, known, now));
        holds.then(send)
    }

    /// One grant for what both are for: it lasts as long as both do. Of one hub.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rests_on.extend(other.rests_on);
        // Of one channel there is one way as a rule.
        let others = other.ways.into_iter().filter(|way| !self.ways.iter().any(|known| known.is(way)));
        let others: SmallVec<[Way; 1]> = others.collect();
        self.ways.extend(others);
        self.until = self.until.into_iter().chain(other.until).min();
        self
    }
}

impl Hub {
    /// Asks whether a channel may be sent something now, by what is kept of it now; `channel` says to which receiver.
    pub async fn leave(&self, channel: &Channel, about: &About) -> Leave {
        let leave = self.inner.leave(channel, Some(about)).await;
        if matches!(leave, Leave::Withheld { .. }) {
            self.inner.metrics.refused();
        }
        leave
    }

    /// The same for what tells of no resource: as long as there is the channel.
    pub async fn leave_to_speak(&self, channel: &Channel) -> Leave {
        self.inner.leave(channel, None).await
    }
}

impl Inner {
    async fn leave(self: &Arc<Self>, channel: &Channel, about: Option<&About>) -> Leave {
        // Before the channel is looked up: whoever ends it from here on voids the way.
        let way = self.grants.enter(channel.id);
        let kept = match self.channels.get(channel.id).await {
            Ok(Some(kept)) => kept,
            Ok(None) => return Leave::Withheld { ended: Some(Ending::Unsubscribed) },
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the channel store failed");
                return Leave::Unavailable;
            }
        };
        let receiver = |channel: &Channel| channel.push.as_ref().map(|push| Arc::clone(&push.send_to));
        if receiver(&kept) != receiver(channel) {
            // What it was asked with was looked up before that.
            return Leave::Unavailable;
        }
        if kept.end_at.is_some_and(|end| end <= (self.clock)()) {
            return Leave::Withheld { ended: Some(Ending::Expired) };
        }
        let Some(about) = about else {
            return Leave::Granted(self.granted(&kept, SmallVec::new(), way));
        };
        if !kept.topics.contains(&about.topic) {
            return Leave::Withheld { ended: None };
        }
        for _ in 0..ATTEMPTS {
            match self.grant(&kept, about, &way).await {
                Ok(Ok(Some(grant))) => return Leave::Granted(grant),
                Ok(Ok(None)) => {}
                Ok(Err(Refused::Object)) => return Leave::Withheld { ended: None },
                Ok(Err(Refused::Topic)) => return self.lose_topic(&kept, &about.topic).await,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the rules cannot be read");
                    return Leave::Unavailable;
                }
            }
        }
        Leave::Unavailable
    }

    /// A grant; none if newer rules overtook the answer.
    async fn grant(
        self: &Arc<Self>,
        kept: &Channel,
        about: &About,
        way: &Way,
    ) -> Result<Result<Option<Grant>, Refused>, Unavailable> {
        let mut rests_on = SmallVec::new();
        let topic = About::topic(about.topic.clone());
        let is_below = about.resource != about.topic.resource;
        for about in std::iter::once(about).chain(is_below.then_some(&topic)) {
            match self.hear(about.question(&kept.subject)).await? {
                Some(held) if held.allowed => rests_on.push(held),
                None => return Ok(Ok(None)),
                Some(_) if *about == topic || !self.may_hear(&kept.subject, &topic.topic).await?.allowed => {
                    return Ok(Err(Refused::Topic));
                }
                Some(_) => return Ok(Err(Refused::Object)),
            }
        }
        Ok(Ok(Some(self.granted(kept, rests_on, way.clone()))))
    }

    fn granted(self: &Arc<Self>, kept: &Channel, rests_on: SmallVec<[Held; 2]>, way: Way) -> Grant {
        let (fence, known, inner) = (Arc::clone(&self.fence), self.known.clone(), Arc::clone(self));
        Grant { fence, rests_on, known, until: kept.end_at, ways: smallvec::smallvec![way], inner }
    }

    /// What the judge says now; none if newer rules overtook it.
    async fn hear(&self, question: Question) -> Result<Option<Held>, Unavailable> {
        let watermark = self.fence.enter().watermark();
        // As long as it is not known which rules changed last, what was granted before says nothing.
        if watermark <= self.known.get()
            && let Some(held) = self.grants.find(&question, (self.clock)())
        {
            return Ok(Some(held));
        }
        let answer = self.judge(&question).await?;
        let held = self.with(|shard, now| shard.rules.vouch(&answer, now));
        if let Some(held) = held.as_ref().filter(|held| held.allowed) {
            self.grants.keep(question, held.clone());
        }
        Ok(held)
    }

    /// A channel that pushes may hear of a topic no more. The last one is left to whoever removes the channel.
    async fn lose_topic(&self, kept: &Channel, lost: &Topic) -> Leave {
        let left: Vec<Topic> = kept.topics.iter().filter(|topic| *topic != lost).cloned().collect();
        let gone = self.gone.lock().contains(&lost.storage);
        let ended = Some(if gone { Ending::Unsubscribed } else { Ending::Forbidden });
        if left.is_empty() {
            return Leave::Withheld { ended };
        }
        match self.channels.narrow(kept.id, &left).await {
            Ok(true) => {}
            // Another one took the others meanwhile: this was the last.
            Ok(false) => return Leave::Withheld { ended },
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the channel store failed");
                return Leave::Unavailable;
            }
        }
        self.void(kept.id);
        Leave::Withheld { ended: None }
    }

    /// What was found of a channel holds no more; when this returns, nothing is sent by it. Not to be called while the
    /// state is locked: those inside the fence are waited for.
    pub(crate) fn void(&self, id: crate::ChannelId) {
        if self.grants.void(id) {
            self.fence.raise(podbell_model::Sequence::default());
        }
    }
}
