//! What is owed to inboxes of Linked Web Storage: what waits goes together, over failures and restarts.

use super::world::World;
use podbell_delivery::push::{Outcome, Queue as _};
use podbell_model::Uuid;
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
    time::Duration,
};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// An inbox that answers with a status which may be changed.
fn inbox(status: u16) -> (Receiver, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(status));
    let answer = Arc::clone(&status);
    (Receiver::http(move |_, _| Reply::status(answer.load(SeqCst))).unwrap(), status)
}

/// Object and id of each activity of an envelope.
fn told(received: &Received) -> Vec<(String, Uuid)> {
    assert_eq!((received.method.as_str(), received.header("content-type")), ("POST", Some("application/lws+json")));
    let envelope = received.json();
    assert_eq!(envelope["type"], "Notification");
    assert_eq!(envelope["storage"], "http://localhost:3000/alice/.notifications/LWS/storage");
    let activities = match &envelope["activity"] {
        Value::Array(activities) => activities.clone(),
        activity => vec![activity.clone()],
    };
    let told = |activity: &Value| {
        let id = activity["id"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
        (activity["object"]["id"].as_str().unwrap().to_owned(), Uuid::try_parse(id).unwrap())
    };
    activities.iter().map(told).collect()
}

async fn write_all(world: &World, times: usize) -> Vec<(String, Uuid)> {
    let mut happened = Vec::new();
    for _ in 0..times {
        for name in NAMES {
            happened.push(world.put(name).await);
        }
    }
    happened
}

/// T-LWS-32, T-LWS-33 as far as it can be seen here, T-LWS-38.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_an_inbox_arrives_together_in_the_order_of_the_commits() {
    let world = World::new().await;
    let (receiver, status) = inbox(500);
    let channel = world.inbox(&receiver.url("/hooks/lws")).await;
    let mut happened = write_all(&world, 1).await;
    world.pass(Duration::from_mins(20)).await;
    happened.extend(write_all(&world, 3).await);
    status.store(202, SeqCst);
    let before = receiver.received().len();
    world.pass(Duration::from_hours(3)).await;
    let after = &receiver.received()[before..];
    assert_eq!(after.iter().flat_map(told).count(), happened.len(), "each once");
    assert!(after.len() <= 2 * NAMES.len(), "{} requests for {}", after.len(), happened.len());
    assert!(after.iter().any(|received| received.json()["activity"].is_array()));
    let of = |object: &str, all: &[(String, Uuid)]| -> Vec<Uuid> {
        all.iter().filter(|(other, _)| other == object).map(|(_, id)| *id).collect()
    };
    let heard: Vec<_> = after.iter().flat_map(told).collect();
    for (object, _) in &happened[..NAMES.len()] {
        assert_eq!(of(object, &heard), of(object, &happened), "{object} in order");
    }
    for batch in after.iter().map(told) {
        let places: Vec<_> = batch.iter().map(|told| happened.iter().position(|other| other == told)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
    let health = world.queue().health(channel).await.unwrap().unwrap();
    assert_eq!((health.pending, health.failing_since), (0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_an_inbox_is_signed_in_the_name_of_its_storage_alone() {
    let world = World::new().await;
    let (receiver, _) = inbox(204);
    world.inbox(&receiver.url("/hooks/lws?for=bob")).await;
    world.put("a").await;
    world.pass(Duration::from_secs(1)).await;
    let [received] = &receiver.received()[..] else { panic!("{:?}", receiver.received()) };
    assert_eq!(received.json()["activity"]["type"], serde_json::json!(["Create"]));
    let input = received.header("signature-input").unwrap();
    let covered = r#"sig=("@method" "@scheme" "@authority" "@path" "content-type" "content-digest" "@query");created="#;
    let keyid = ";keyid=\"http://localhost:3000/alice/.notifications/LWS/storage#";
    assert!(input.starts_with(covered) && input.contains(keyid), "{input}");
    for absent in ["authorization", "dpop", "webhook-id", "webhook-signature"] {
        assert_eq!(received.header(absent), None, "{absent}");
    }
}

/// T-LWS-49: what was under way when everything ended at once is sent again, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_in_between_nothing_owed_to_an_inbox_is_lost() {
    let mut world = World::new().await;
    let (receiver, status) = inbox(503);
    let channel = world.inbox(&receiver.url("/hooks/lws")).await;
    let mut happened = Vec::new();
    for _ in 0..5 {
        happened.extend(write_all(&world, 2).await);
        world.restart().await;
    }
    status.store(204, SeqCst);
    world.restart().await;
    world.pass(Duration::from_hours(3)).await;
    let all: Vec<_> = receiver.received().iter().flat_map(told).collect();
    let arrived: HashSet<_> = all.iter().collect();
    assert!(happened.iter().all(|one| arrived.contains(one)));
    let mut last = HashMap::new();
    for (object, id) in &all {
        last.insert(object, id);
    }
    for (object, id) in &happened[happened.len() - NAMES.len()..] {
        assert_eq!(last[object], id, "the newest of {object} comes last");
    }
    assert_eq!(world.queue().health(channel).await.unwrap().unwrap().pending, 0);
}

/// What is owed again since a cursor, and dead letters, are envelopes as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_is_away_for_good_leaves_dead_letters_and_gets_them_anew() {
    let world = World::new().await;
    let (receiver, status) = inbox(400);
    let channel = world.inbox(&receiver.url("/hooks/lws")).await;
    let happened = write_all(&world, 1).await;
    // What goes in order has its last attempts behind those of what is before it.
    let mut letters = Vec::new();
    for _ in 0..118 {
        world.pass(Duration::from_hours(1)).await;
        letters = world.queue().dead_letters(channel, None, 9).await.unwrap();
        if letters.len() == NAMES.len() {
            break;
        }
    }
    assert_eq!(letters.len(), NAMES.len());
    assert!(letters.iter().all(|letter| (letter.attempts, letter.last) == (10, Some(Outcome::Refused(400)))));
    let before = receiver.received();
    for one in &happened {
        let last = before.iter().map(told).rfind(|told| told.contains(one)).unwrap();
        assert_eq!(last.len(), 1, "the last attempt of each is made alone");
    }
    status.store(204, SeqCst);
    let again = podbell_delivery::push::Wanted::All;
    assert_eq!(world.queue().redeliver(channel, &again, world.now()).await.unwrap(), NAMES.len() as u64);
    world.pass(Duration::from_secs(1)).await;
    let anew: Vec<_> = receiver.received()[before.len()..].iter().map(told).collect();
    assert_eq!(anew, [happened], "all together");
}
