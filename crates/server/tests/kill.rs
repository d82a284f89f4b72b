//! `kill -9` in the middle of a write load: every write that was answered 2xx is there with its activity in the log,
//! once; nothing that was refused is.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use http::Method;
use podbell_log::Log as _;
use podbell_model::{ActivityKind, ResourceIri, Sequence};
use podbell_pod::store::{Body, Store as _};
use podbell_sqlite::{Options, Sqlite};
use podbell_test_client::Client;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};
use support::Place;
use tokio::task::JoinSet;

const KILLS: usize = 25;
const WRITERS: usize = 6;
/// Writes of one writer between two kills, at the most: the load ends by itself.
const WRITES: usize = 400;

/// What the writers saw answered. A write that was cut off may or may not have happened.
#[derive(Default)]
struct Answered {
    /// By URL: the body of the newest write that was answered 2xx, and how many were.
    written: HashMap<String, (String, usize)>,
    /// By URL: the bodies of writes that were cut off.
    unknown: HashMap<String, Vec<String>>,
    /// URLs that were refused.
    refused: HashSet<String>,
    answers: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_kill_and_nothing_else_does() {
    let place = Place::new();
    let answered = Arc::new(Mutex::new(Answered::default()));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..KILLS {
        let mut server = place.start().await;
        let client = server.log_in("ALICE").await;
        let container = format!("{}alice/kill/", server.base);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(client.clone(), container.clone(), round, writer, Arc::clone(&answered)));
        }
        // The moment differs from round to round: after so many answers, which is a condition and not a time.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let goal = answered.lock().unwrap().answers + 20 + usize::try_from(random >> 58).unwrap();
        support::until("enough writes", || answered.lock().unwrap().answers >= goal).await;
        server.kill_9().await;
        while writers.join_next().await.is_some() {}
        // Nobody writes now; the lock would be held across the reading.
        let so_far = std::mem::take(&mut *answered.lock().unwrap());
        check(&place, &so_far).await;
        *answered.lock().unwrap() = so_far;
    }
    let answered = answered.lock().unwrap();
    assert!(answered.written.len() >= KILLS, "the load was real: {}", answered.written.len());
    assert!(!answered.refused.is_empty());
}

async fn write(client: Client, container: String, round: usize, writer: usize, answered: Arc<Mutex<Answered>>) {
    for number in 0..WRITES {
        // Few names, so that most writes replace; some are new.
        let url = format!("{container}{writer}/{}", if number % 4 == 0 { round * WRITES + number } else { 0 });
        let body = format!("<#it> <http://purl.org/dc/terms/title> \"{round} {writer} {number}\" .");
        let answer = client.request(Method::PUT, &url, Some("text/turtle"), body.clone()).await;
        let cut = {
            let mut answered = answered.lock().unwrap();
            match answer {
                Ok(answer) if answer.status.is_success() => {
                    let entry = answered.written.entry(url).or_default();
                    *entry = (body, entry.1 + 1);
                    answered.answers += 1;
                    false
                }
                Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
                Err(_) => {
                    answered.unknown.entry(url).or_default().push(body);
                    true
                }
            }
        };
        if cut {
            return;
        }
        // Malformed content is refused, and must leave nothing.
        if number % 8 == 0 {
            let url = format!("{container}{writer}/refused-{round}-{number}");
            match client.request(Method::PUT, &url, Some("text/turtle"), "<#it> broken").await {
                Ok(answer) => {
                    assert_eq!(answer.status, 400);
                    answered.lock().unwrap().refused.insert(url);
                }
                Err(_) => return,
            }
        }
    }
}

/// Opens the directory itself and compares.
async fn check(place: &Place, answered: &Answered) {
    let path = place.data().to_owned();
    let store = tokio::task::spawn_blocking(move || Sqlite::open(&path, &Options::default())).await.unwrap().unwrap();
    let mut activities: HashMap<String, Vec<ActivityKind>> = HashMap::new();
    let (mut after, mut ids, mut positions) = (Sequence(0), HashSet::new(), HashMap::new());
    loop {
        let commits = store.read(after, 1_000).await.unwrap();
        let Some(last) = commits.last() else { break };
        after = last.sequence;
        for record in commits.iter().flat_map(|commit| &commit.records) {
            let next = positions.entry(record.storage).or_insert(0_u64);
            *next += 1;
            assert_eq!(record.position.offset, *next, "positions have no gap");
            if let Some(activity) = record.fact.activity() {
                assert!(ids.insert(activity.id), "an activity is in the log once");
                activities.entry(activity.object.to_string()).or_default().push(activity.kind);
            }
        }
    }
    for (url, (body, writes)) in &answered.written {
        let found = store.resource(&ResourceIri::parse(url).unwrap()).await.unwrap();
        let Some(Body::Inline(stored)) = found.map(|found| found.body) else { panic!("{url} is lost") };
        let unknown = answered.unknown.get(url).map(Vec::as_slice).unwrap_or_default();
        let is_known = *stored == *body.as_bytes() || unknown.iter().any(|cut| *stored == *cut.as_bytes());
        assert!(is_known, "{url} holds what was answered last, or what was cut off");
        let told = &activities[url];
        assert_eq!(told[0], ActivityKind::Create);
        assert!(told[1..].iter().all(|kind| *kind == ActivityKind::Update));
        assert!((*writes..=writes + unknown.len()).contains(&told.len()), "{url}: {writes} writes, {told:?}");
    }
    for url in &answered.refused {
        assert!(store.resource(&ResourceIri::parse(url).unwrap()).await.unwrap().is_none(), "{url} was refused");
        assert!(!activities.contains_key(url));
    }
}
