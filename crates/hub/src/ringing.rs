//! What a few commits may tell the channels that push, and what of it the rules allow.
//!
//! The same concerns as for those who are connected (see [`concern`](crate::concern)), judged by the rules as of each
//! commit; by the rules of then it is judged again before it is sent. One answer serves all channels of one subject,
//! and one encoding all of one rendering.

use crate::{
    About, Channel, ChannelId, ChannelStore, Need, Owed, Owing, Position, Question, Relation, Topic,
    concern::{concerned, roots},
    engine::Inner,
    registry::need,
    verdicts::Verdicts,
    wording::Writer,
};
use podbell_log::{Commit, Record};
use podbell_model::{Activity, Sequence, StorageId, Timestamp, Uuid, WebId};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// What a record may tell a channel, if the rules let it.
pub(crate) struct Chance {
    pub(crate) channel: Arc<Channel>,
    pub(crate) commit: Arc<Commit>,
    pub(crate) record: usize,
    pub(crate) relation: Relation,
    /// By what it is judged.
    about: About,
    /// Further topics above the object, for which it would be told just as well.
    others: Vec<Topic>,
}

/// What was found in a few commits.
#[derive(Default)]
pub(crate) struct Found {
    /// What is owed, in order.
    pub(crate) owed: Vec<Owed>,
    /// Storages whose rules are not known from that commit on, and a question that shows when they are.
    pub(crate) unknown: HashMap<StorageId, (Sequence, Question)>,
}

/// What a few commits may tell, as it is looked for.
#[derive(Default)]
pub(crate) struct Ringing {
    chances: Vec<Chance>,
    /// Who listens; asked for once for all changes of one resource.
    candidates: HashMap<Vec<Topic>, Vec<Arc<Channel>>>,
    /// Whose channels are in chains that are storms.
    parties: HashMap<Arc<[Uuid]>, HashSet<WebId>>,
}

impl Ringing {
    /// How much was found so far.
    pub(crate) fn len(&self) -> usize {
        self.chances.len()
    }

    /// Looks who may hear of a record of a commit.
    pub(crate) async fn look(
        &mut self,
        (owing, channels): (&dyn Owing, &dyn ChannelStore),
        commit: &Arc<Commit>,
        number: usize,
    ) -> Result<(), crate::ChannelStoreError> {
        let record = &commit.records[number];
        let Some(activity) = record.fact.activity() else { return Ok(()) };
        let topic = |resource| Topic { storage: record.storage, resource };
        let at: Vec<_> = concerned(record, activity).map(|concerned| topic(concerned.resource.clone())).collect();
        let above: Vec<_> = roots(record, activity).map(topic).collect();
        if !self.candidates.contains_key(&at) {
            let found = owing.candidates(&at, &above).await?;
            self.candidates.insert(at.clone(), found);
        }
        if record.is_storm() && !self.parties.contains_key(&record.causes) {
            let found = party(channels, &record.causes).await?;
            self.parties.insert(Arc::clone(&record.causes), found);
        }
        let party = self.parties.get(&record.causes).filter(|_| record.is_storm());
        for channel in self.candidates.get(&at).into_iter().flatten() {
            let since = channel.push.as_ref().map_or(Sequence(u64::MAX), |push| push.since);
            let webid = channel.subject.webid.as_ref();
            if !party.is_some_and(|party| webid.is_some_and(|webid| party.contains(webid))) {
                self.chances.extend(chances(channel, commit, number, Position::after(since)));
            }
        }
        Ok(())
    }

    /// Looks whether one channel may hear of a record of a commit, if it has heard everything up to `after`.
    pub(crate) fn look_for(&mut self, channel: &Arc<Channel>, commit: &Arc<Commit>, number: usize, after: Position) {
        if !commit.records[number].is_storm() {
            self.chances.extend(chances(channel, commit, number, after));
        }
    }

    /// Judges all of it, and writes what may be told.
    pub(crate) async fn find(self, inner: &Arc<Inner>) -> Found {
        let mut verdicts = Verdicts::default();
        verdicts.ask(inner, self.chances.iter().flat_map(Chance::questions)).await;
        let by_then = |chance: &Chance| {
            let questions = chance.questions();
            questions.filter_map(|question| verdicts.missing(&question, chance.commit.sequence)).collect::<Vec<_>>()
        };
        let older: Vec<_> = self.chances.iter().flat_map(by_then).collect();
        verdicts.ask(inner, older).await;
        let mut found = Found::default();
        for chance in &self.chances {
            if let Err(question) = chance.told(&verdicts) {
                found.unknown.entry(question.storage).or_insert((chance.commit.sequence, question));
            }
        }
        let now = (inner.clock)();
        let (mut writer, mut refused) = (Writer::new(&*inner.encoder), Vec::new());
        for chance in &self.chances {
            let (sequence, storage) = (chance.commit.sequence, chance.about.topic.storage);
            if found.unknown.get(&storage).is_some_and(|(from, _)| *from <= sequence) {
                continue;
            }
            match chance.told(&verdicts) {
                Ok(Some(about)) => {
                    found.owed.extend(writer.write(chance, about, now));
                }
                Ok(None) => {
                    inner.metrics.refused();
                    refused.push(chance);
                }
                Err(_) => {}
            }
        }
        found.owed.extend(lost(inner, &mut verdicts, &refused, now).await);
        found
    }
}

/// What a record of a commit may tell a channel that has heard everything up to `after`.
fn chances(channel: &Arc<Channel>, commit: &Arc<Commit>, number: usize, after: Position) -> Vec<Chance> {
    let record = &commit.records[number];
    let Some(activity) = record.fact.activity() else { return Vec::new() };
    if commit.sequence < after.sequence || record.causes.contains(&channel.id.0) {
        return Vec::new();
    }
    let heard = abouts(channel, record, activity).into_iter().filter(|(relation, ..)| {
        Position::of(commit.sequence, number, *relation) > after && channel.wants(record, *relation)
    });
    let chance = |(relation, about, others)| Chance {
        channel: Arc::clone(channel),
        commit: Arc::clone(commit),
        record: number,
        relation,
        about,
        others,
    };
    heard.map(chance).collect()
}

/// The agents whose channels are in a chain. Others are told of a storm as of anything: whoever lets one rage cannot hide
/// behind it.
async fn party(channels: &dyn ChannelStore, causes: &[Uuid]) -> Result<HashSet<WebId>, crate::ChannelStoreError> {
    let mut party = HashSet::new();
    for cause in causes {
        let channel = channels.get(ChannelId(*cause)).await?;
        party.extend(channel.and_then(|channel| channel.subject.webid.clone()));
    }
    Ok(party)
}

/// What a record could tell a channel: its object first, so that the container's is the second.
fn abouts(channel: &Channel, record: &Record, activity: &Activity) -> Vec<(Relation, About, Vec<Topic>)> {
    let topic = |resource| Topic { storage: record.storage, resource };
    if channel.recursive {
        let mut topics = roots(record, activity).map(topic).filter(|topic| channel.topics.contains(topic));
        let Some(nearest) = topics.next() else { return Vec::new() };
        let object = topic(activity.object.clone());
        let need = need(&object);
        let generation = (need == Need::Read).then_some(activity.generation);
        let about = About { topic: nearest, resource: object.resource, generation, need };
        return vec![(Relation::Object, about, topics.collect())];
    }
    let concerns = concerned(record, activity).filter_map(|concerned| {
        let topic = topic(concerned.resource.clone());
        let need = need(&topic);
        let generation = concerned.generation.filter(|_| need == Need::Read);
        let about = About { resource: topic.resource.clone(), topic, generation, need };
        channel.topics.contains(&about.topic).then_some((concerned.relation, about, Vec::new()))
    });
    concerns.collect()
}

impl Chance {
    /// The topics that it would be told for.
    fn topics(&self) -> impl Iterator<Item = &Topic> {
        std::iter::once(&self.about.topic).chain(&self.others)
    }

    /// What is asked about a topic that is above the object; of the object's own, everything has been asked.
    fn above(&self, topic: &Topic) -> Option<Question> {
        let is_above = topic.resource != self.about.resource;
        is_above.then(|| About::topic(topic.clone()).question(&self.channel.subject))
    }

    fn questions(&self) -> impl Iterator<Item = Question> {
        let own = self.about.question(&self.channel.subject);
        std::iter::once(own).chain(self.topics().filter_map(|topic| self.above(topic)))
    }

    /// What may be told by the rules of the commit, if anything.
    ///
    /// # Errors
    /// The question that is not answered.
    fn told(&self, verdicts: &Verdicts) -> Result<Option<About>, Question> {
        let then = |question: Question| verdicts.then(&question, self.commit.sequence).ok_or(question);
        if !then(self.about.question(&self.channel.subject))? {
            return Ok(None);
        }
        for topic in self.topics() {
            if self.above(topic).map_or(Ok(true), then)? {
                return Ok(Some(About { topic: topic.clone(), ..self.about.clone() }));
            }
        }
        Ok(None)
    }
}

/// Looks whether the topics themselves were lost. Who delivers finds that out when it asks for leave, so that a channel
/// that hears nothing any more ends with its last words, and not unseen.
async fn lost(inner: &Arc<Inner>, verdicts: &mut Verdicts, refused: &[&Chance], now: Timestamp) -> Vec<Owed> {
    let topics = refused.iter().flat_map(|chance| chance.topics().map(move |topic| (*chance, topic)));
    let asked =
        topics.map(|(chance, topic)| (chance, topic, About::topic(topic.clone()).question(&chance.channel.subject)));
    let asked: Vec<_> = asked.collect();
    verdicts.ask(inner, asked.iter().map(|(.., question)| question.clone())).await;
    let mut seen = HashSet::new();
    let lost = asked.iter().filter(|(chance, topic, question)| {
        verdicts.now(question) == Some(false) && seen.insert((chance.channel.id, (*topic).clone()))
    });
    lost.map(|(chance, topic, _)| Owed::state(&chance.channel, topic, "lost", now)).collect()
}
