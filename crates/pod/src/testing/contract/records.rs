//! The log: in order, gap-free, read back as it was answered.

use super::{
    Fixture, World,
    world::{iri, owner, time, whole_log},
};
use crate::store::Store;
use podbell_log::{Log, LogError};
use podbell_model::{ResourceIri, Sequence, StreamPosition, Uuid};
use std::sync::Arc;

/// All records of a write set share its sequence and take consecutive positions.
pub async fn positions_are_gap_free_and_shared_by_nobody<F: Fixture>() {
    let world = World::<F>::new().await;
    let two = world.commit(vec![world.put("a", "1"), world.put("b", "1")]).await;
    assert!(two.records.iter().all(|record| record.sequence == two.sequence));
    let _ = world.try_commit(vec![world.put("c", "1"), world.delete("absent")]).await;
    let writes: Vec<_> = (0..16).map(|_| world.set(vec![world.put("a", "2")])).collect();
    for result in futures_util::future::join_all(writes.into_iter().map(|w| world.store().commit(w))).await {
        result.unwrap();
    }
    let log = whole_log(&world).await;
    let offsets: Vec<_> = log.iter().map(|record| record.position.offset).collect();
    assert_eq!(offsets, (1..=log.len() as u64).collect::<Vec<_>>());
    assert!(log.iter().all(|record| record.position.epoch == log[0].position.epoch));
    assert!(log.windows(2).all(|pair| pair[0].sequence <= pair[1].sequence));
    assert_eq!(log[0].sequence, Sequence(1));
    assert_eq!(log.last().unwrap().sequence, world.store().head());
}

/// Both ways of reading give exactly the records of the answers.
pub async fn the_log_reads_back_what_commits_answered<F: Fixture>() {
    let world = World::<F>::new().await;
    let start = whole_log(&world).await;
    let mut records = start.clone();
    for changes in [
        vec![world.put("c/", ""), world.put("c/a", "1"), world.acl("c/a", "rules")],
        vec![world.group("g", "members")],
        vec![world.describe("c/a"), world.put("g", "none")],
        vec![world.delete("c/a")],
    ] {
        records.extend(world.commit(changes).await.records);
    }
    let mut anonymous = world.set(vec![world.put("b", "1")]);
    anonymous.actor = None;
    records.extend(world.store().commit(anonymous).await.unwrap().records);
    assert_eq!(whole_log(&world).await, records);
    let origin = StreamPosition { epoch: records[0].position.epoch, offset: 0 };
    assert_eq!(world.store().read_storage(world.storage.id, origin, usize::MAX).await.unwrap(), records);
}

/// What led to a commit stands in each of its records, and in no other.
pub async fn causes_stand_in_every_record<F: Fixture>() {
    let world = World::<F>::new().await;
    let causes: Arc<[Uuid]> = [Uuid::from_u128(7), Uuid::from_u128(8)].into();
    let mut caused = world.set(vec![world.put("a", "1"), world.acl("a", "rules")]);
    caused.causes = Arc::clone(&causes);
    let records = world.store().commit(caused).await.unwrap().records;
    assert!(records.len() == 2 && records.iter().all(|record| record.causes == causes));
    assert!(world.commit(vec![world.put("a", "2")]).await.records.iter().all(|record| record.causes.is_empty()));
}

/// Limits count whole commits of the one order, and records of a storage.
pub async fn the_log_is_read_in_order_and_in_portions<F: Fixture>() {
    let world = World::<F>::new().await;
    for _ in 0..5 {
        world.commit(vec![world.put("a", "1"), world.put("b", "1")]).await;
    }
    let log = world.store();
    let (mut after, mut seen) = (Sequence(0), Vec::new());
    loop {
        let portion = log.read(after, 2).await.unwrap();
        assert!(portion.len() <= 2);
        let Some(last) = portion.last() else { break };
        after = last.sequence;
        seen.extend(portion.iter().flat_map(|commit| commit.records.clone()));
    }
    assert_eq!(after, log.head());
    assert_eq!(seen, whole_log(&world).await);
    let position = seen[3].position;
    assert_eq!(log.read_storage(world.storage.id, position, 3).await.unwrap(), seen[4..7]);
    let newest = log.horizon(world.storage.id).await.unwrap().newest;
    assert!(log.read_storage(world.storage.id, newest, 3).await.unwrap().is_empty());
}

/// A commit can be read before its number shows, and its number shows before it is answered.
pub async fn the_head_moves_before_a_commit_is_answered<F: Fixture>() {
    let world = World::<F>::new().await;
    let mut watch = world.store().watch();
    watch.mark_unchanged();
    for _ in 0..3 {
        let committed = world.commit(vec![world.put("a", "1")]).await;
        assert_eq!(world.store().head(), committed.sequence);
        assert!(watch.has_changed().unwrap());
        assert_eq!(*watch.borrow_and_update(), committed.sequence);
        let read = world.store().read(committed.sequence.before(), 1).await.unwrap();
        assert_eq!(read[0].records, committed.records);
    }
}

/// History was lost or restored: nobody resumes by accident.
pub async fn a_position_of_another_epoch_is_a_gap<F: Fixture>() {
    let world = World::<F>::new().await;
    let mut position = world.store().horizon(world.storage.id).await.unwrap().newest;
    position.epoch += 1;
    let read = world.store().read_storage(world.storage.id, position, 1).await;
    assert!(matches!(read, Err(LogError::Gap)), "{read:?}");
}

/// It comes from a history that this log does not hold.
pub async fn a_position_ahead_of_the_log_is_a_gap<F: Fixture>() {
    let world = World::<F>::new().await;
    let mut position = world.store().horizon(world.storage.id).await.unwrap().newest;
    position.offset += 1;
    let read = world.store().read_storage(world.storage.id, position, 1).await;
    assert!(matches!(read, Err(LogError::Gap)), "{read:?}");
}

/// Plainly, in both ways of reading; what remains can be read.
pub async fn what_was_pruned_is_a_gap<F: Fixture>() {
    let world = World::<F>::new().await;
    for _ in 0..4 {
        world.commit(vec![world.put("a", "1")]).await;
    }
    let log = whole_log(&world).await;
    world.fixture.prune(2).await;
    let (store, n) = (world.store(), log.len());
    let (kept, last_pruned) = (&log[n - 2..], &log[n - 3]);
    assert!(matches!(store.read(last_pruned.sequence.before(), 10).await, Err(LogError::Gap)));
    let rest = store.read(last_pruned.sequence, 10).await.unwrap();
    assert_eq!(rest.iter().flat_map(|commit| commit.records.clone()).collect::<Vec<_>>(), kept);
    let storage = world.storage.id;
    assert!(matches!(store.read_storage(storage, log[n - 4].position, 10).await, Err(LogError::Gap)));
    assert_eq!(store.read_storage(storage, last_pruned.position, 10).await.unwrap(), kept);
    let next = world.commit(vec![world.put("a", "2")]).await;
    assert_eq!(next.records[0].position.offset, log[n - 1].position.offset + 1);
}

/// Newest first, a page at a time, of that storage alone; a page goes on from the last record of the one before.
pub async fn the_log_is_read_back_from_any_place<F: Fixture>() {
    let world = World::<F>::new().await;
    let root = ResourceIri::parse("https://other.example/").unwrap();
    for body in ["1", "2", "3"] {
        world.commit(vec![world.put("a", body), world.acl("a", "rules"), world.put("b", body)]).await;
    }
    world.store().create_storage(root, owner(), Vec::new(), time(1)).await.unwrap();
    let (store, storage, mut log) = (world.store(), world.storage.id, whole_log(&world).await);
    log.retain(|record| record.storage == storage);
    log.reverse();
    assert_eq!(store.read_back(storage, None, usize::MAX >> 1).await.unwrap(), log);
    let (mut read, mut place) = (Vec::new(), None);
    loop {
        let page = store.read_back(storage, place, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        place = Some(last.position);
        read.extend(page);
        world.commit(vec![world.put("new", "1")]).await;
    }
    assert_eq!(read, log, "what comes meanwhile moves nothing");
    let elsewhere = log[0].position.epoch + 1;
    let elsewhere = store.read_back(storage, Some(StreamPosition { epoch: elsewhere, offset: 9 }), 9).await;
    assert!(matches!(elsewhere, Err(LogError::Gap)), "{elsewhere:?}");
    let nowhere = store.read_back(podbell_model::StorageId(99), None, 9).await;
    assert!(matches!(nowhere, Err(LogError::UnknownStorage)), "{nowhere:?}");
}

/// Nobody is told that there was more.
pub async fn the_way_back_ends_where_the_log_begins<F: Fixture>() {
    let world = World::<F>::new().await;
    for _ in 0..4 {
        world.commit(vec![world.put("a", "1")]).await;
    }
    let mut log = whole_log(&world).await;
    world.fixture.prune(2).await;
    log.reverse();
    let (store, storage) = (world.store(), world.storage.id);
    assert_eq!(store.read_back(storage, None, 9).await.unwrap(), log[..2]);
    for gone in [&log[1], &log[3]] {
        assert_eq!(store.read_back(storage, Some(gone.position), 9).await.unwrap(), []);
    }
}

/// Before the oldest record, between two, at one, and behind the newest.
pub async fn it_is_known_how_far_the_log_had_come_by_an_instant<F: Fixture>() {
    let world = World::<F>::new().await;
    for number in 0..9 {
        let mut writes = world.set(vec![world.put("a", "1"), world.put("b", "1")]);
        writes.now = time(1_000 + number / 3 * 60);
        world.store().commit(writes).await.unwrap();
    }
    let (store, storage, log) = (world.store(), world.storage.id, whole_log(&world).await);
    let by = [0, 999, 1_000, 1_001, 1_060, 1_061, 1_119, 1_120, 1_121, 9_999].map(time);
    let expected = |by: &podbell_model::Timestamp| {
        let newest = log.iter().rfind(|record| record.published < *by);
        newest.map_or(0, |record| record.position.offset)
    };
    let offsets = |reached: Vec<StreamPosition>| reached.iter().map(|at| at.offset).collect::<Vec<_>>();
    let reached = offsets(store.reached(storage, &by).await.unwrap());
    assert_eq!(reached, by.iter().map(expected).collect::<Vec<_>>());
    assert_eq!(reached[3] - reached[2], 6, "three commits of two");
    world.fixture.prune(4).await;
    let begins = log[log.len() - 5].position.offset;
    let pruned = offsets(store.reached(storage, &by).await.unwrap());
    assert_eq!(pruned, by.iter().map(|by| expected(by).max(begins)).collect::<Vec<_>>());
}

/// From before the oldest record to the newest.
pub async fn the_horizon_follows_the_pruning<F: Fixture>() {
    let world = World::<F>::new().await;
    for _ in 0..4 {
        world.commit(vec![world.put("a", "1")]).await;
    }
    let log = whole_log(&world).await;
    let horizon = world.store().horizon(world.storage.id).await.unwrap();
    assert_eq!((horizon.oldest.offset, horizon.newest), (0, log.last().unwrap().position));
    world.fixture.prune(2).await;
    let horizon = world.store().horizon(world.storage.id).await.unwrap();
    assert_eq!((horizon.oldest, horizon.newest), (log[log.len() - 3].position, log.last().unwrap().position));
}

/// Each has its own positions; the sequence orders them all.
pub async fn logs_of_storages_are_apart<F: Fixture>() {
    let world = World::<F>::new().await;
    let root = ResourceIri::parse("https://other.example/").unwrap();
    let (other, created) = world.store().create_storage(root, owner(), Vec::new(), time(1)).await.unwrap();
    let here = world.commit(vec![world.put("a", "1")]).await;
    assert!(here.sequence > created.sequence);
    assert_eq!(created.records[0].position.offset, 1);
    let origin = StreamPosition { epoch: created.records[0].position.epoch, offset: 0 };
    assert_eq!(world.store().read_storage(other.id, origin, 10).await.unwrap(), created.records);
    let mut writes = world.set(vec![world.put("b", "1")]);
    writes.storage = other.id;
    assert!(world.store().commit(writes).await.is_err(), "{:?}", iri("b"));
}
