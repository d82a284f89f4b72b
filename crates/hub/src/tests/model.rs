//! Random schedules against a model.
//!
//! Whatever is written, deleted, granted, withdrawn, blocked, cut and resumed, and however far the hub has come in
//! between: what was delivered was allowed when it was committed and at each write that carried a part of it; who was
//! allowed all the time and is not too slow has missed nothing; and the order per resource is kept.

use super::world::*;
use crate::{Need, Question, Relation, Settings};
use podbell_log::{At, Log};
use podbell_model::{Activity, Generation, ResourceIri, Sequence, Subject};
use proptest::prelude::*;
use std::{collections::HashMap, sync::Arc, time::Duration};

const RESOURCES: [&str; 4] = ["/a", "/c/", "/c/x", "/c/y"];
const ACLS: [&str; 4] = ["/", "/a", "/c/", "/c/x"];
const PEOPLE: [&[&str]; 4] = [&["alice", "bob"], &["alice"], &["bob"], &[]];
const LISTENERS: [(&str, &[&str]); 4] =
    [("bob", &["/a", "/c/", "/c/x"]), ("alice", &["/c/x", "/c/y"]), ("bob", &["/c/"]), ("alice", &["/a"])];

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Delete(usize),
    Allow(usize, usize),
    Room(usize, usize),
    Cut(usize),
    Yield(usize),
    Quiet,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize).prop_map(Step::Write),
        2 => (0..4_usize).prop_map(Step::Delete),
        3 => (0..4_usize, 0..4_usize).prop_map(|(document, people)| Step::Allow(document, people)),
        3 => (0..4_usize, prop_oneof![Just(0), 1..60_usize, Just(1 << 40)]).prop_map(|(who, room)| Step::Room(who, room)),
        1 => (0..4_usize).prop_map(Step::Cut),
        4 => (1..6_usize).prop_map(Step::Yield),
        2 => Just(Step::Quiet),
        1 => (1..8_u64).prop_map(Step::Pass),
    ]
}

/// What the model knows of one connection.
struct Witness {
    who: Arc<Subject>,
    topics: Vec<ResourceIri>,
    since: Sequence,
    listener: Listener,
}

impl Witness {
    fn asks(&self, resource: &ResourceIri, generation: Option<Generation>, at: Sequence) -> Question {
        let (subject, resource) = (Arc::clone(&self.who), resource.clone());
        Question { subject, storage: POD, resource, generation, need: Need::Read, at: At::Commit(at) }
    }

    fn allowed(&self, world: &World, resource: &ResourceIri, generation: Option<Generation>, at: Sequence) -> bool {
        world.past.decide(&self.asks(resource, generation, at), at, podbell_model::Timestamp::UNIX_EPOCH).allowed
    }

    /// Every whole line that was heard: commit, relation, and the head at each write that carried a part of it.
    fn heard(&self) -> Vec<(Sequence, Relation, String, Vec<Sequence>)> {
        let writes = self.listener.ear.log.lock().clone();
        let text = String::from_utf8(self.listener.ear.heard.lock().clone()).unwrap();
        let (mut start, mut lines) = (0, Vec::new());
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let end = start + line.len();
            let from = |at: usize| if at == 0 { 0 } else { writes[at - 1].0 };
            let carried = (0..writes.len()).filter(|at| from(*at) < end && writes[*at].0 > start);
            let heads = carried.map(|at| writes[at].1).collect();
            let words: Vec<_> = line.split_whitespace().collect();
            let relation = if matches!(words[0], "Add" | "Remove") { Relation::Member } else { Relation::Object };
            lines.push((Sequence(words[2].parse().unwrap()), relation, words[1].to_owned(), heads));
            start = end;
        }
        lines
    }

    fn check(&self, world: &World, complete: bool) {
        let heard = self.heard();
        let mut order: HashMap<(String, Relation), Sequence> = HashMap::new();
        for (at, relation, path, heads) in &heard {
            let commit = &world.past.commits(*at, *at)[0];
            let activity = commit.records[0].fact.activity().unwrap();
            let (resource, generation) = concern(activity, *relation).unwrap();
            assert!(self.topics.contains(resource));
            assert!(self.allowed(world, resource, Some(generation), *at), "{path} at {at} was never allowed");
            for head in heads {
                assert!(self.allowed(world, resource, Some(generation), *head), "{path} at {at} was sent at {head}");
            }
            let before = order.insert((path.clone(), *relation), *at);
            assert!(before.is_none_or(|before| before < *at), "{path}: {at} after {before:?}");
        }
        if complete && self.listener.connection.is_open() {
            self.check_complete(world, &heard);
        }
    }

    fn check_complete(&self, world: &World, heard: &[(Sequence, Relation, String, Vec<Sequence>)]) {
        let head = world.past.head();
        let all = |first: Sequence, holds: &dyn Fn(Sequence) -> bool| (first.0..=head.0).map(Sequence).all(holds);
        for commit in world.past.commits(Sequence(self.since.0 + 1), head) {
            let Some(activity) = commit.records[0].fact.activity() else { continue };
            if commit.records[0].fact.policy().is_some() {
                continue;
            }
            for relation in [Relation::Object, Relation::Member] {
                let Some((resource, generation)) = concern(activity, relation) else { continue };
                let always = all(self.since, &|at| self.allowed(world, resource, None, at));
                let allowed = all(commit.sequence, &|at| self.allowed(world, resource, Some(generation), at));
                if self.topics.contains(resource) && always && allowed {
                    let got = heard.iter().any(|line| line.0 == commit.sequence && line.1 == relation);
                    assert!(got, "{resource:?} at {} was missed", commit.sequence);
                }
            }
        }
    }
}

fn concern(activity: &Activity, relation: Relation) -> Option<(&ResourceIri, Generation)> {
    match relation {
        Relation::Object => Some((&activity.object, activity.generation)),
        Relation::Member => activity.membership.as_ref().map(|to| (&to.container, to.generation)),
    }
}

async fn sit(world: &World, place: usize, resume: Option<Sequence>, rate: bool) -> Option<Witness> {
    let (name, paths) = LISTENERS[place];
    let mut channel = world.channel(name, paths);
    channel.rate = rate.then(|| Duration::from_secs(5));
    world.hub.subscribe(channel.clone()).await.ok()?;
    let head = world.past.head();
    let topics = paths.iter().map(|path| iri(path)).collect();
    let listener = world.connect(&channel, resume).await;
    Some(Witness { who: agent(name), topics, since: resume.unwrap_or(head), listener })
}

async fn run(steps: Vec<Step>, bound: usize, rate: bool) {
    let world = World::with(Settings { outbox_bytes: bound, ..Settings::default() });
    let complete = bound > 10_000 && !rate;
    let mut places = Vec::new();
    for place in 0..LISTENERS.len() {
        places.push(sit(&world, place, None, rate).await);
    }
    for step in steps {
        match step {
            Step::Write(resource) => drop(world.write(RESOURCES[resource])),
            Step::Delete(resource) => drop(world.delete(RESOURCES[resource])),
            Step::Allow(document, people) => drop(world.allow(ACLS[document], PEOPLE[people])),
            Step::Room(place, room) => {
                if let Some(witness) = &places[place] {
                    witness.listener.room(room);
                }
            }
            Step::Cut(place) => {
                let resume = places[place].take().map(|witness| {
                    witness.check(&world, false);
                    witness.heard().last().map_or(witness.since, |line| line.0)
                });
                places[place] = sit(&world, place, resume, rate).await;
            }
            Step::Yield(times) => {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
            }
            Step::Quiet => world.quiet().await,
            Step::Pass(seconds) => world.pass(Duration::from_secs(seconds)),
        }
    }
    world.quiet().await;
    for witness in places.iter().flatten() {
        witness.listener.unblock();
    }
    world.quiet().await;
    world.pass(Duration::from_secs(6));
    world.quiet().await;
    for witness in places.iter().flatten() {
        witness.check(&world, complete);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_hears_what_they_may_not_and_nobody_misses_what_they_may(
        steps in proptest::collection::vec(step(), 1..80),
        small in any::<bool>(),
        rate in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps, if small { 150 } else { 1 << 20 }, rate));
    }
}
