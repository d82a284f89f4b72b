//! Grants that rest on a group elsewhere, of which no commit tells.

use super::world::*;
use crate::{Ending, Settings};
use std::{sync::atomic::Ordering::SeqCst, time::Duration};

fn world() -> World {
    let world = World::new();
    world.allow("/far", &["@far"]);
    world.past.far.lock().extend(["bob".to_owned(), "carol".to_owned()]);
    world
}

#[tokio::test]
async fn an_idle_listener_that_left_a_group_elsewhere_is_let_go_when_the_grant_lapses() {
    let world = world();
    let (bob, carol) = (world.hear("bob", &["/far"]).await, world.hear("carol", &["/far"]).await);
    world.quiet().await;
    world.past.far.lock().remove("bob");
    world.pass(Duration::from_millis(59_999));
    world.quiet().await;
    assert_eq!(bob.ear.closed(), None);
    world.pass(Duration::from_millis(1));
    world.quiet().await;
    assert_eq!(bob.ear.closed(), Some((Ending::Forbidden, false)));
    assert_eq!(carol.ear.closed(), None);
    world.past.far.lock().clear();
    world.pass(Duration::from_mins(1));
    world.quiet().await;
    assert_eq!(carol.ear.closed(), Some((Ending::Forbidden, false)), "again and again");
    assert_eq!(bob.ear.heard(), [""; 0]);
}

#[tokio::test]
async fn a_channel_goes_on_with_the_topics_that_are_left() {
    let world = world();
    let bob = world.hear("bob", &["/far", "/a"]).await;
    world.past.far.lock().clear();
    world.pass(Duration::from_mins(1));
    world.quiet().await;
    world.write("/far");
    world.write("/a");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /a"]);
    assert_eq!(bob.ear.closed(), None);
}

#[tokio::test]
async fn the_first_grant_to_lapse_hides_no_later_one() {
    let world = world();
    let bob = world.hear("bob", &["/far"]).await;
    world.pass(Duration::from_secs(30));
    let carol = world.hear("carol", &["/far"]).await;
    world.past.far.lock().clear();
    world.pass(Duration::from_secs(30));
    world.quiet().await;
    assert_eq!((bob.ear.closed(), carol.ear.closed()), (Some((Ending::Forbidden, false)), None));
    world.pass(Duration::from_secs(30));
    world.quiet().await;
    assert_eq!(carol.ear.closed(), Some((Ending::Forbidden, false)));
}

#[tokio::test]
async fn a_grant_that_can_no_longer_be_judged_ends() {
    let world = World::with(Settings { judge_attempts: 2, ..Settings::default() });
    world.allow("/far", &["@far"]);
    world.past.far.lock().insert("bob".to_owned());
    let bob = world.hear("bob", &["/far"]).await;
    world.quiet().await;
    world.past.failing.store(true, SeqCst);
    world.pass(Duration::from_mins(1));
    for _ in 0..3 {
        world.quiet().await;
        world.pass(Duration::from_secs(10));
    }
    world.until(|| bob.ear.closed().is_some()).await;
    assert_eq!(bob.ear.closed(), Some((Ending::Overload, false)));
}

#[tokio::test]
async fn nothing_is_kept_or_asked_for_those_who_rest_on_no_group_elsewhere() {
    let world = world();
    let _idle: Vec<_> = crowd(&world, "alice", 20).await;
    assert!(world.hub.inner.shard.lock().leases.is_empty());
    let bobs = crowd(&world, "bob", 20).await;
    let far: Vec<_> = [world.hear("bob", &["/far"]).await, world.hear("carol", &["/far"]).await].into();
    world.quiet().await;
    {
        let shard = world.hub.inner.shard.lock();
        assert_eq!(shard.leases.len(), 1, "one for each topic, whoever listens");
        assert_eq!(lapses(&shard), 1);
    }
    let before = world.past.questions.load(SeqCst);
    for _ in 0..3 {
        world.pass(Duration::from_mins(1));
        world.quiet().await;
    }
    assert_eq!(world.past.questions.load(SeqCst), before + 3 * 2);
    assert_eq!(lapses(&world.hub.inner.shard.lock()), 1);
    drop((far, bobs));
    let shard = world.hub.inner.shard.lock();
    assert_eq!((shard.leases.len(), lapses(&shard)), (0, 0));
}

async fn crowd(world: &World, name: &str, count: usize) -> Vec<Listener> {
    let mut listeners = Vec::new();
    for at in 0..count {
        listeners.push(world.hear(name, &[&format!("/{at}")]).await);
    }
    world.quiet().await;
    listeners
}

fn lapses(shard: &crate::shard::Shard) -> usize {
    shard.timers.iter().filter(|(_, timer)| matches!(timer, crate::shard::Timer::Lapse(_))).count()
}
