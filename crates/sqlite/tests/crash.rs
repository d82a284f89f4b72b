//! Killed at any moment, a store keeps every acknowledged commit, once, with its record, and nothing by halves.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod common;

use common::{Writer, iri, open};
use futures_util::future::join_all;
use podbell_log::{Log, PolicyHistory};
use podbell_model::{Sequence, StreamPosition};
use podbell_pod::store::Store;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Names the directory that a child process writes to.
const CHILD: &str = "PODBELL_CRASH_DIRECTORY";
const KILLS: u64 = 10;

/// The child's part: eight writers at once, each telling what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_writes_until_it_is_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let store = open(Path::new(&directory));
    let writer = Writer::new(&store).await;
    let begin = store.head().0;
    let writers = (0..8).map(|w| {
        let (store, writer) = (store.clone(), writer.clone());
        tokio::spawn(async move {
            for n in 0_u64.. {
                let (path, acl) = (format!("{begin}-{w}-{n}"), n % 4 == 0);
                let mut writes = writer.put(&path, path.as_bytes());
                if acl {
                    writes.changes.extend(writer.acl(&path, &path).changes);
                }
                let committed = store.commit(writes).await.unwrap();
                let last = committed.records.last().unwrap();
                let line = format!("acknowledged {path} {} {}\n", committed.sequence, last.position.offset);
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    join_all(writers).await;
}

fn child(directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_writes_until_it_is_killed", "--nocapture", "--test-threads", "1"]);
    command.env(CHILD, directory).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test]
async fn every_acknowledged_commit_survives_being_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged: HashMap<String, (u64, u64)> = HashMap::new();
    for round in 0..KILLS {
        let mut child = child(directory.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Killed after a number of answers that nobody can foresee the moment of; what was answered before the end
        // of the pipe counts too.
        let patience = 20 + round * 37;
        let mut seen = 0;
        let mut note = |line: String| {
            let mut words = line.split(' ').skip_while(|word| !word.ends_with("acknowledged")).skip(1);
            if let (Some(path), Some(sequence), Some(offset)) = (words.next(), words.next(), words.next()) {
                acknowledged.insert(path.into(), (sequence.parse().unwrap(), offset.parse().unwrap()));
                return 1;
            }
            0
        };
        while seen < patience {
            seen += note(lines.next().expect("the child writes until it is killed"));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            note(line);
        }
    }
    assert!(acknowledged.len() > 1_000, "{}", acknowledged.len());
    check(directory.path(), &acknowledged).await;
}

async fn check(directory: &Path, acknowledged: &HashMap<String, (u64, u64)>) {
    let store = open(directory);
    let writer = Writer::new(&store).await;
    let commits = store.read(Sequence(0), usize::MAX).await.unwrap();
    let sequences: Vec<_> = commits.iter().map(|commit| commit.sequence.0).collect();
    assert_eq!(sequences, (1..=store.head().0).collect::<Vec<_>>());
    let records: Vec<_> = commits.iter().flat_map(|commit| commit.records.clone()).collect();
    let offsets: Vec<_> = records.iter().map(|record| record.position.offset).collect();
    assert_eq!(offsets, (1..=records.len() as u64).collect::<Vec<_>>());
    let origin = StreamPosition { epoch: records[0].position.epoch, offset: 0 };
    assert_eq!(store.read_storage(writer.storage.id, origin, usize::MAX).await.unwrap(), records);

    let mut told: HashMap<_, Vec<_>> = HashMap::new();
    for record in &records {
        if let Some(activity) = record.fact.activity() {
            told.entry(activity.object.clone()).or_default().push(record);
        }
    }
    for (path, (sequence, offset)) in acknowledged {
        let name = iri(path);
        let row = store.resource(&name).await.unwrap().unwrap_or_else(|| panic!("{path} is lost"));
        assert_eq!(row.generation.0, Sequence(*sequence), "{path}");
        let [record] = told[&name].as_slice() else { panic!("{path} is told {} times", told[&name].len()) };
        assert_eq!(record.fact.activity().unwrap().state, Some(row.version));
        assert_eq!(record.sequence, Sequence(*sequence));
        let last = told.get(&name.acl()).map_or(*record, |rules| rules[0]);
        assert_eq!(last.position.offset, *offset, "{path}");
    }
    let recount = |sql: &str| -> i64 {
        let db = rusqlite::Connection::open(directory.join("podbell.sqlite3")).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let held = store.usage(writer.storage.id).await.unwrap().used;
    assert_eq!(i64::try_from(held).unwrap(), recount("SELECT sum(size) FROM resources"));
    // What was written and never acknowledged is whole too: no resource without its record, nor the other way round.
    let members = store.members_after(&iri(""), None, usize::MAX).await.unwrap();
    for member in &members {
        let ruled = member.iri.as_str().rsplit('-').next().unwrap().parse::<u64>().unwrap() % 4 == 0;
        assert_eq!(told.contains_key(&member.iri.acl()), ruled, "{:?}", member.iri);
        if ruled {
            let rules = store.policies(&[member.iri.acl()], podbell_log::At::Now).await.unwrap();
            assert!(rules.documents[0].1.is_some());
        }
        assert!(told.contains_key(&member.iri), "{:?}", member.iri);
    }
    let documents = told.keys().filter(|name| name.as_auxiliary().is_none() && **name != iri("")).count();
    assert_eq!(documents, members.len());
    assert!(store.fence().enter().watermark() > Sequence(0));
}
