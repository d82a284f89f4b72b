//! What a directory keeps over restarts, and what it does when there is no room.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod common;

use bytes::Bytes;
use common::{Writer, change, delete, iri, open, time};
use futures_util::{StreamExt, TryStreamExt, future::join_all, poll, stream};
use podbell_log::{At, Log, LogError, PolicyHistory};
use podbell_model::{Generation, Sequence, StreamPosition};
use podbell_pod::store::{Body, CommitError, INLINE_BODY, Store};
use podbell_sqlite::{Options, Sqlite};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, SystemTime},
};
use tokio::task::unconstrained;

#[tokio::test]
async fn a_restart_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    let ruled = store.commit(writer.acl("", "rules")).await.unwrap();
    let last = store.commit(writer.put("a", b"1")).await.unwrap();
    let (log, row) = (store.read(Sequence(0), 100).await.unwrap(), store.resource(&iri("a")).await.unwrap());
    drop(store);
    let store = open(directory.path());
    assert_eq!((store.head(), store.fence().enter().watermark()), (last.sequence, ruled.sequence));
    assert_eq!(store.read(Sequence(0), 100).await.unwrap(), log);
    assert_eq!(store.resource(&iri("a")).await.unwrap(), row);
    let next = store.commit(writer.put("a", b"2")).await.unwrap();
    assert_eq!(next.sequence.before(), last.sequence);
    assert_eq!(next.records[0].position.offset, last.records[0].position.offset + 1);
}

#[tokio::test]
async fn a_storage_number_is_not_used_again_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let first = Writer::new(&store).await.storage;
    store.delete_storage(first.id, time(1)).await.unwrap();
    drop(store);
    let store = open(directory.path());
    assert!(Writer::new(&store).await.storage.id > first.id);
}

#[tokio::test]
async fn a_restored_copy_begins_new_epochs() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    let storage = writer.storage.id;
    let before = store.horizon(storage).await.unwrap().newest;
    drop(store);
    let options = Options { restored: Some(time(0)), ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    assert!(matches!(store.read_storage(storage, before, 1).await, Err(LogError::Gap)));
    let horizon = store.horizon(storage).await.unwrap();
    assert!(horizon.newest.epoch > before.epoch);
    let committed = store.commit(writer.put("a", b"1")).await.unwrap();
    let position = committed.records[0].position;
    assert_eq!(position, StreamPosition { epoch: horizon.newest.epoch, offset: 1 });
    assert_eq!(store.read_storage(storage, horizon.newest, 9).await.unwrap(), committed.records);
    let rules = store.policies(&[iri(".acl")], At::Now).await.unwrap();
    assert_eq!(&*rules.documents[0].1.as_ref().unwrap().body, "root rules");
}

#[tokio::test]
async fn a_torn_tail_of_the_write_ahead_log_costs_what_was_never_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    for _ in 0..20 {
        store.commit(writer.put("a", b"1")).await.unwrap();
    }
    let head = store.head();
    // As a crash leaves it: copied while the log has not been folded into the database.
    let wal = fs::read(directory.path().join("podbell.sqlite3-wal")).unwrap();
    let database = fs::read(directory.path().join("podbell.sqlite3")).unwrap();
    assert!(wal.len() > 10 * 4096);
    let mut flipped = wal.clone();
    let middle = wal.len() - 2000;
    flipped[middle] ^= 0x10;
    let garbage = [&wal[..], &[0xa5; 3000]].concat();
    for (name, tail, all) in
        [("cut", wal[..wal.len() - 100].to_vec(), false), ("flipped", flipped, false), ("garbage", garbage, true)]
    {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("podbell.sqlite3"), &database).unwrap();
        fs::write(copy.path().join("podbell.sqlite3-wal"), tail).unwrap();
        let store = open(copy.path());
        let expected = if all { head } else { head.before() };
        assert_eq!(store.head(), expected, "{name}");
        let commits = store.read(Sequence(0), usize::MAX).await.unwrap();
        assert_eq!(commits.last().unwrap().sequence, expected, "{name}");
        store.commit(writer.put("a", b"2")).await.unwrap();
    }
}

#[tokio::test]
async fn writers_who_come_while_the_disk_is_busy_share_a_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    let before = store.transactions();
    // Somebody who sends holds up a change of policy, and with it the thread that writes.
    let (entered, is_entered) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    let fence = store.fence();
    let sender = std::thread::spawn(move || {
        let _inside = fence.enter();
        entered.send(()).unwrap();
        may_leave.recv().unwrap();
    });
    is_entered.recv().unwrap();
    let policy = store.commit(writer.acl("", "rules"));
    let writes = (0..50).map(|n| store.commit(writer.put(&format!("a{n}"), b"1")));
    let mut commits = unconstrained(join_all(std::iter::once(policy).chain(writes)));
    assert!(poll!(&mut commits).is_pending());
    leave.send(()).unwrap();
    assert!(commits.await.iter().all(Result::is_ok));
    sender.join().unwrap();
    // The one that was held up, and one for all who came meanwhile.
    let transactions = store.transactions() - before;
    assert!(transactions <= 2, "{transactions}");
    let before = store.transactions();
    store.commit(writer.put("alone", b"1")).await.unwrap();
    assert_eq!(store.transactions() - before, 1);
}

#[tokio::test]
async fn a_failing_write_harms_no_other_in_its_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    let writes = (0..100).map(|n| match n % 3 {
        0 => writer.set(vec![change(&format!("a{n}"), b"1"), delete("absent")]),
        _ => writer.put(&format!("a{n}"), b"1"),
    });
    let results = join_all(writes.map(|writes| store.commit(writes))).await;
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), n % 3 == 0, "{n}: {result:?}");
        let row = store.resource(&iri(&format!("a{n}"))).await.unwrap();
        assert_eq!(row.is_none(), n % 3 == 0, "{n}");
    }
    let log: Vec<_> = store.read(Sequence(0), usize::MAX).await.unwrap();
    let offsets: Vec<_> = log.iter().flat_map(|c| &c.records).map(|record| record.position.offset).collect();
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_store_refuses_and_lives_on() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { limit: Some(1024 * 1024), ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    let writer = Writer::new(&store).await;
    let body = vec![7; INLINE_BODY];
    let mut written = 0;
    let error = loop {
        match store.commit(writer.put(&format!("a{written}"), &body)).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100);
    };
    assert!(matches!(error, CommitError::Full), "{error:?}");
    let head = store.head();
    assert_eq!(store.resource(&iri(&format!("a{written}"))).await.unwrap(), None, "no half of a write");
    assert_eq!(store.read(Sequence(0), usize::MAX).await.unwrap().last().unwrap().sequence, head);
    for n in 0..4 {
        store.commit(writer.set(vec![delete(&format!("a{n}"))])).await.unwrap();
    }
    store.commit(writer.put("again", &body)).await.unwrap();
    assert!(written > 5);
}

#[tokio::test]
async fn old_history_is_pruned_and_told_as_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { history: Duration::from_hours(1), history_records: 1_000, ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    let writer = Writer::new(&store).await;
    for _ in 0..600 {
        store.commit(writer.put("a", b"1")).await.unwrap();
    }
    let (head, storage) = (store.head(), writer.storage.id);
    let mut late = writer.put("a", b"2");
    late.now = time(7_200);
    let late = store.commit(late).await.unwrap();
    store.tend(time(7_200)).await.unwrap();
    assert!(matches!(store.read(head.before(), 1).await, Err(LogError::Gap)));
    assert_eq!(store.read(head, 9).await.unwrap()[0].records, late.records);
    let horizon = store.horizon(storage).await.unwrap();
    assert_eq!(horizon.oldest.offset + 1, horizon.newest.offset);
    drop(store);
    let store = Sqlite::open(directory.path(), &options).unwrap();
    assert!(matches!(store.read(head.before(), 1).await, Err(LogError::Gap)));
    assert_eq!(store.read(head, 9).await.unwrap()[0].records, late.records);
}

#[tokio::test]
async fn a_deleted_storage_is_forgotten_with_its_last_record() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { history: Duration::from_hours(1), ..Options::default() };
    let store = Sqlite::open(directory.path(), &options).unwrap();
    let first = Writer::new(&store).await.storage;
    let deleted = store.delete_storage(first.id, time(1)).await.unwrap();
    store.tend(time(60)).await.unwrap();
    assert_eq!(store.read(deleted.sequence.before(), 9).await.unwrap()[0].records, deleted.records);
    store.tend(time(7_200)).await.unwrap();
    assert!(matches!(store.read(deleted.sequence.before(), 9).await, Err(LogError::Gap)));
    let root = Generation(Sequence(1));
    assert!(matches!(store.ended(&iri(""), root).await, Err(LogError::Gap)), "ended, but nobody knows when");
    let rules = store.policies(&[iri(".acl")], At::Now).await.unwrap();
    assert_eq!((rules.as_of, rules.documents[0].1.is_none()), (deleted.sequence, true));
    drop(store);
    assert!(Writer::new(&open(directory.path())).await.storage.id > first.id);
}

#[tokio::test]
async fn a_busy_storage_is_pruned_without_being_asked() {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path(), &Options { history_records: 100, ..Options::default() }).unwrap();
    let writer = Writer::new(&store).await;
    for _ in 0..500 {
        store.commit(writer.put("a", b"1")).await.unwrap();
    }
    let horizon = store.horizon(writer.storage.id).await.unwrap();
    let kept = horizon.newest.offset - horizon.oldest.offset;
    assert!((100..200).contains(&kept), "{kept}");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let shards = fs::read_dir(directory.join("bodies")).unwrap().map(|shard| shard.unwrap().path());
    shards.flat_map(|shard| fs::read_dir(shard).unwrap().map(|file| file.unwrap().path())).collect()
}

/// As if they had been written then.
fn age_all(directory: &Path, by: Duration) {
    for file in files(directory) {
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }
}

#[tokio::test]
async fn unused_bodies_are_swept_and_used_ones_never() {
    const DAY: Duration = Duration::from_hours(24);
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    let stage = async |byte: u8| {
        let bytes = Bytes::from(vec![byte; INLINE_BODY + 1]);
        store.stage(stream::iter([Ok(bytes)]).boxed()).await.unwrap()
    };
    let used = stage(1).await;
    store.commit(writer.put_body("a", used.clone())).await.unwrap();
    let unused = stage(2).await;
    let now = podbell_model::Timestamp::try_from(SystemTime::now()).unwrap();
    store.tend(now).await.unwrap();
    assert_eq!(files(directory.path()).len(), 2, "young ones stay: somebody may be about to commit");
    age_all(directory.path(), DAY * 2);
    store.tend(now).await.unwrap();
    assert_eq!(files(directory.path()).len(), 1);
    let bytes: Vec<Bytes> = store.open(&used, 0).await.unwrap().try_collect().await.unwrap();
    assert_eq!(bytes.concat(), vec![1; INLINE_BODY + 1]);
    assert!(store.commit(writer.put_body("b", unused)).await.is_err(), "a row never points to nothing");

    store.commit(writer.put("a", b"small")).await.unwrap();
    store.tend(now).await.unwrap();
    assert_eq!(files(directory.path()).len(), 1, "whoever is about to read it has time");
    age_all(directory.path(), DAY * 2);
    store.tend(now).await.unwrap();
    assert_eq!(files(directory.path()).len(), 0);
}

#[tokio::test]
async fn equal_bodies_are_one_file_for_as_long_as_anything_names_it() {
    const DAY: Duration = Duration::from_hours(24);
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    let now = podbell_model::Timestamp::try_from(SystemTime::now()).unwrap();
    let bytes = Bytes::from(vec![5; INLINE_BODY * 5]);
    for name in ["a", "b", "c"] {
        let body = store.stage(stream::iter([Ok(bytes.clone())]).boxed()).await.unwrap();
        store.commit(writer.put_body(name, body)).await.unwrap();
    }
    assert_eq!(files(directory.path()).len(), 1);
    let row = store.resource(&iri("c")).await.unwrap().unwrap();
    let mut reading = store.open(&row.body, 0).await.unwrap();
    let mut read = reading.next().await.unwrap().unwrap().len();
    let ends = [writer.put("a", b"small"), writer.set(vec![delete("b")]), writer.set(vec![delete("c")])];
    for (left, end) in (0..3).rev().zip(ends) {
        store.commit(end).await.unwrap();
        age_all(directory.path(), DAY);
        store.tend(now).await.unwrap();
        assert_eq!(files(directory.path()).len(), usize::from(left > 0), "{left} name it");
    }
    while let Some(part) = reading.next().await {
        read += part.unwrap().len();
    }
    assert_eq!(read, bytes.len(), "who reads it meanwhile has all of it");
}

#[tokio::test]
async fn readers_never_wait_for_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let writer = Writer::new(&store).await;
    store.commit(writer.put("a", b"1")).await.unwrap();
    // Somebody who sends holds up a change of policy, and with it the thread that writes.
    let (entered, is_entered) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    let fence = store.fence();
    let sender = std::thread::spawn(move || {
        let _inside = fence.enter();
        entered.send(()).unwrap();
        may_leave.recv().unwrap();
    });
    is_entered.recv().unwrap();
    let mut writes = unconstrained(join_all([
        store.commit(writer.acl("", "rules")),
        store.commit(writer.put("a", b"2")),
        store.commit(writer.put("b", b"2")),
    ]));
    assert!(poll!(&mut writes).is_pending());
    for _ in 0..20 {
        assert!(store.resource(&iri("a")).await.unwrap().is_some());
        assert!(!store.members_after(&iri(""), None, 1).await.unwrap().is_empty());
    }
    let body = store.stage(stream::iter([Ok(Bytes::from(vec![1; INLINE_BODY * 2]))]).boxed()).await.unwrap();
    assert!(store.open(&body, 9).await.is_ok(), "large bodies come and go meanwhile too");
    leave.send(()).unwrap();
    assert!(writes.await.iter().all(Result::is_ok));
    sender.join().unwrap();
}

#[tokio::test]
async fn a_name_that_is_no_digest_leads_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    fs::write(directory.path().join("secret"), "x").unwrap();
    for name in ["../../secret", "/etc/hostname", "", "..", &"A".repeat(64)] {
        let body = Body::File { digest: name.into(), size: 1 };
        assert!(store.open(&body, 0).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn an_unfinished_body_is_cleared_away() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    fs::write(directory.path().join("bodies/unfinished/left"), "x").unwrap();
    let store = open(directory.path());
    let chunks = [Ok(Bytes::from(vec![1; INLINE_BODY * 8])), Err(std::io::Error::other("cut"))];
    assert!(store.stage(stream::iter(chunks).boxed()).await.is_err());
    assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
}
