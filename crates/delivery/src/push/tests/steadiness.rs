//! Idle, stopped, and over a queue that fails.

use super::world::{Reply, World, about, status};
use crate::push::{Settings, Waking};
use podbell_hub::{Anew, Channel, ChannelId, ChannelStoreError, Owed, Owing, Topic, What};
use podbell_model::{Sequence, StorageId, Timestamp, Uuid};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};

const A: &str = "https://pod.example/a";
const HOOK: &str = "https://hook.example/";

#[tokio::test(start_paused = true)]
async fn idle_it_looks_once_a_minute() {
    let world = World::new(Settings::default());
    world.quiet().await;
    let before = world.queue.asked();
    tokio::time::sleep(Duration::from_hours(1)).await;
    let asked = world.queue.asked() - before;
    assert!(asked <= 2 * 61, "{asked}");
}

/// Says how many were owed.
#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait::async_trait]
impl Owing for Counting {
    async fn derived(&self) -> Result<Sequence, ChannelStoreError> {
        Ok(Sequence(7))
    }

    async fn any(&self) -> Result<bool, ChannelStoreError> {
        Ok(true)
    }

    async fn candidates(&self, _: &[Topic], _: &[Topic]) -> Result<Vec<Arc<Channel>>, ChannelStoreError> {
        Ok(Vec::new())
    }

    async fn owe(&self, owed: Vec<Owed>, _: Option<Sequence>) -> Result<(), ChannelStoreError> {
        self.0.fetch_add(owed.len(), SeqCst);
        Ok(())
    }

    async fn owe_again(&self, owed: Vec<Owed>) -> Result<Anew, ChannelStoreError> {
        self.0.fetch_add(owed.len(), SeqCst);
        Ok(Anew { taken: owed.len(), owed: owed.len() as u64 })
    }

    async fn missed(&self, _: Option<StorageId>, _: Sequence, _: Option<Sequence>) -> Result<(), ChannelStoreError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_wakes_the_courier_once_it_is_kept() {
    let (owing, owed) = (Arc::new(Counting::default()), Arc::new(Notify::new()));
    let waking = Waking::new(Arc::clone(&owing) as _, Arc::clone(&owed));
    let woken = async || timeout(Duration::from_secs(1), owed.notified()).await.is_ok();
    waking.owe(Vec::new(), Some(Sequence(8))).await.unwrap();
    assert!(!woken().await, "a cursor that moves is nothing to carry");
    let about = about(A);
    let one = Owed {
        channel: ChannelId(Uuid::nil()),
        message: Uuid::nil(),
        object: about.resource.clone(),
        in_order: false,
        about,
        what: What::State,
        due: Timestamp::UNIX_EPOCH,
        rate: None,
        causes: Arc::default(),
    };
    waking.owe(vec![one], None).await.unwrap();
    assert!(woken().await && owing.0.load(SeqCst) == 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_makes_nothing_be_sent_twice() {
    let world = World::new(Settings::default());
    let channel = world.channel(HOOK);
    world.queue.fail(5);
    world.owe(&channel, A, "a");
    tokio::time::sleep(Duration::from_mins(1)).await;
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.bodies(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_it_ends_what_is_under_way_and_begins_nothing() {
    let world = World::new(Settings::default());
    world.post.answer(|_| Reply::Hangs);
    let id = world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.post.count() == 1).await;
    let began = tokio::time::Instant::now();
    world.courier.stop(Duration::from_secs(5)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(5), "it waits, and not for ever");
    assert_eq!(world.queue.tried(id), Some(0), "what was cut off is still owed");
    world.post.answer(|_| status(204));
    world.owe(&world.channel("https://other.example/"), A, "b");
    world.courier.wake();
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(world.post.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_breaks_gives_its_place_back() {
    let world = World::new(Settings::default());
    let broken = AtomicBool::new(false);
    world.post.answer(move |_| {
        assert!(broken.swap(true, SeqCst), "a fault, for once");
        status(204)
    });
    world.owe(&world.channel(HOOK), A, "a");
    world.until(|world| world.queue.pending() == 0).await;
    assert_eq!(world.post.count(), 2);
}
