//! What waits for a receiver of Linked Web Storage goes in one request.

use super::world::{Reply, World, status};
use crate::push::{DeliveryId, Kind, Queue as _, Settings};
use bytes::Bytes;
use podbell_hub::Channel;
use podbell_model::{ResourceIri, Timestamp};
use podbell_wire::{Framing, Rendering};
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

const HOOK: &str = "https://hook.example/";

fn channel(world: &World) -> Arc<Channel> {
    let rendering = Rendering::Lws { framing: Framing::Webhook, actor: false };
    world.channel_with(HOOK, |channel| channel.rendering = crate::rendering_id(rendering))
}

fn iri(path: &str) -> String {
    format!("https://pod.example/{path}")
}

/// An envelope, as the encoder writes it.
fn envelope(name: &str) -> String {
    format!(
        r#"{{"@context":[],"type":"Notification","storage":"https://pod.example/1/storage","activity":{{"id":"{name}"}}}}"#
    )
}

/// Owes changes of objects, by name and then the name of the change, and says so at the end.
fn owe(world: &World, channel: &Arc<Channel>, changes: &[(&str, &str)]) -> Vec<DeliveryId> {
    let owe = |(path, name): &(&str, &str)| {
        world.owe_quietly(channel, &iri(path), Bytes::from(envelope(name).into_bytes()).into())
    };
    let ids = changes.iter().map(owe).collect();
    world.courier.wake();
    ids
}

/// The activities of each request, in the order of arrival.
fn told(world: &World) -> Vec<Vec<String>> {
    let name = |activity: &Value| activity["id"].as_str().unwrap().to_owned();
    let told = |body: String| {
        let envelope: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(envelope["storage"], "https://pod.example/1/storage");
        match &envelope["activity"] {
            Value::Array(activities) => activities.iter().map(name).collect(),
            activity => vec![name(activity)],
        }
    };
    world.post.bodies().into_iter().map(told).collect()
}

const THREE: [(&str, &str); 4] = [("a", "a1"), ("b", "b1"), ("a", "a2"), ("c", "c1")];

#[tokio::test(start_paused = true)]
async fn one_that_waits_alone_is_an_object_and_goes_in_the_name_of_its_storage() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| {
        assert_eq!(outgoing.headers["content-type"], "application/lws+json");
        assert_eq!(outgoing.headers["description"], "https://pod.example/1/storage");
        status(202)
    });
    owe(&world, &channel(&world), &[("a", "a1")]);
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.bodies(), [envelope("a1")]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_in_one_envelope_in_the_order_of_the_commits() {
    let world = World::new(Settings::default());
    let channel = channel(&world);
    owe(&world, &channel, &THREE);
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world), [["a1", "b1", "a2", "c1"]]);
    let counts = world.courier.counts();
    assert_eq!((counts.attempts, counts.acknowledged), (1, 4));
    assert_eq!(world.queue.attempts(channel.id, 9).await.unwrap().len(), 4, "each has its attempt");
    assert_eq!(world.acknowledged(), 4, "each is counted for its storage");
}

#[tokio::test(start_paused = true)]
async fn while_a_request_is_under_way_what_comes_is_gathered() {
    let world = World::new(Settings { timeout: Duration::from_secs(10), ..Settings::default() });
    let first = AtomicU64::new(0);
    world.post.answer(move |_| if first.fetch_add(1, SeqCst) == 0 { Reply::Hangs } else { status(204) });
    let channel = channel(&world);
    owe(&world, &channel, &[("a", "a1")]);
    world.until(|world| world.post.count() == 1).await;
    owe(&world, &channel, &[("b", "b1"), ("c", "c1"), ("b", "b2")]);
    world.quiet_but_for(1).await;
    assert_eq!(world.post.count(), 1);
    tokio::time::advance(Duration::from_secs(11)).await;
    world.until(|world| world.post.count() == 2).await;
    assert_eq!(told(&world)[1], ["b1", "c1", "b2"], "the first is to be tried again later");
    world.pass(Duration::from_secs(10));
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world)[2], ["a1"]);
}

#[tokio::test(start_paused = true)]
async fn what_failed_together_comes_back_together_and_each_keeps_its_count() {
    let world = World::new(Settings::default());
    let answers = AtomicU64::new(0);
    world.post.answer(move |_| status(if answers.fetch_add(1, SeqCst) < 2 { 500 } else { 204 }));
    let ids = owe(&world, &channel(&world), &THREE);
    for attempts in 1..=2 {
        world.until(|world| ids.iter().all(|id| world.queue.tried(*id) == Some(attempts))).await;
        world.pass(Duration::from_hours(1));
    }
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world), [["a1", "b1", "a2", "c1"]; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_told_is_left_out() {
    let world = World::new(Settings::default());
    world.rules.kept_back.lock().push(ResourceIri::parse(&iri("b")).unwrap());
    owe(&world, &channel(&world), &THREE);
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world), [["a1", "a2", "c1"]]);
    assert_eq!(world.courier.counts().withheld, 1);
}

#[tokio::test(start_paused = true)]
async fn leave_lost_on_the_way_sends_nothing_and_is_asked_anew() {
    let world = World::new(Settings::default());
    world.rules.shut.store(1, SeqCst);
    owe(&world, &channel(&world), &THREE);
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world), [["a1", "b1", "a2", "c1"]]);
    assert_eq!((world.rules.asked.load(SeqCst), world.courier.counts().attempts), (8, 1));
    let lost = World::new(Settings::default());
    lost.rules.withdrawn_on_the_way.store(true, SeqCst);
    owe(&lost, &channel(&lost), &THREE);
    lost.until(|world| world.queue.pending() == 0).await;
    assert_eq!((lost.post.count(), lost.courier.counts().withheld), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn rules_that_cannot_be_read_cost_no_attempt() {
    let world = World::new(Settings::default());
    world.rules.unavailable.store(true, SeqCst);
    let ids = owe(&world, &channel(&world), &THREE);
    let later = Some(Timestamp::from_second(5).unwrap());
    world.until(|world| ids.iter().all(|id| world.queue.due(*id) == later)).await;
    assert!(ids.iter().all(|id| world.queue.tried(*id) == Some(0)) && world.post.count() == 0);
}

#[tokio::test(start_paused = true)]
async fn an_envelope_is_no_larger_than_it_may_be() {
    let whole: String = envelope("a1");
    let world = World::new(Settings { payload: whole.len() + 20, ..Settings::default() });
    owe(&world, &channel(&world), &THREE);
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world), [["a1", "b1"], ["a2", "c1"]]);
    assert!(world.post.bodies().iter().all(|body| body.len() <= whole.len() + 20));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_hundred_go_together() {
    let world = World::new(Settings::default());
    let names: Vec<_> = (0..150).map(|number| format!("{number:03}")).collect();
    let changes: Vec<_> = names.iter().map(|name| (&**name, &**name)).collect();
    owe(&world, &channel(&world), &changes);
    world.until(|world| world.queue.pending() == 0).await;
    let told = told(&world);
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [100, 50]);
    assert_eq!(told.concat(), names);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_takes_no_arrays_gets_one_after_the_other() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| {
        let envelope: Value = serde_json::from_slice(&outgoing.body).unwrap();
        status(if envelope["activity"].is_array() { 413 } else { 204 })
    });
    owe(&world, &channel(&world), &THREE);
    world.until(|world| world.queue.pending() == 0).await;
    let taken: Vec<_> = told(&world).into_iter().filter(|told| told.len() == 1).flatten().collect();
    assert_eq!(taken, ["a1", "b1", "a2", "c1"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_made_alone() {
    let world = World::new(Settings::default());
    world.post.answer(|outgoing| {
        let spoilt = String::from_utf8_lossy(&outgoing.body).contains("b1");
        status(if spoilt { 400 } else { 204 })
    });
    let channel = channel(&world);
    owe(&world, &channel, &[("a", "a1"), ("b", "b1"), ("c", "c1")]);
    for _ in 0..12 {
        world.quiet().await;
        world.pass(Duration::from_hours(30));
    }
    world.quiet().await;
    let dead = world.queue.dead_letters(channel.id, None, 9).await.unwrap();
    let delivered = told(&world).into_iter().filter(|told| !told.contains(&"b1".to_owned())).flatten();
    assert_eq!(delivered.collect::<Vec<_>>(), ["a1", "c1"]);
    assert_eq!(dead.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_ends_the_channel() {
    let world = World::new(Settings::default());
    world.post.answer(|_| status(410));
    let channel = channel(&world);
    owe(&world, &channel, &THREE);
    world.until(|world| world.rules.removed.lock().contains(&channel.id)).await;
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_other_words_each_goes_alone() {
    let world = World::new(Settings::default());
    let solid = world.channel(HOOK);
    let three = [("a", "a1"), ("b", "b1"), ("c", "c1")];
    owe(&world, &solid, &three);
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.count(), 3, "Solid has one notification in each message");
}

#[tokio::test(start_paused = true)]
async fn there_are_no_words_for_a_ping() {
    let world = World::new(Settings::default());
    let channel = channel(&world);
    let ping = Kind::Ping { body: b"ping"[..].into() };
    world.queue.add(channel.id, podbell_model::Uuid::nil(), &ping, world.now()).await.unwrap();
    world.courier.wake();
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!((world.post.count(), world.courier.counts().withheld), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_forgets_nothing() {
    let world = World::new(Settings::default());
    world.queue.fail(2);
    owe(&world, &channel(&world), &THREE);
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(told(&world), [["a1", "b1", "a2", "c1"]], "it is noted until that works, and not sent again");
}
