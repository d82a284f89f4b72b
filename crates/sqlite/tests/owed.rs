//! Killed at any moment, the queue loses nothing that was owed and keeps the order of each object; what is sent again
//! was not acknowledged for certain.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod common;

use common::open;
use podbell_delivery::push::{
    Attempt, Done, Kind, Outcome, Queue,
    testing::{at, change, channel, lane},
};
use podbell_hub::{Channel, ChannelLimits, ChannelStore, Owing};
use podbell_model::Sequence;
use podbell_sqlite::Sqlite;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// Names the directory that a child process works in.
const CHILD: &str = "PODBELL_OWED_DIRECTORY";
const KILLS: u64 = 10;
const PATHS: [&str; 5] = ["a", "b", "c", "d", "e"];
const CHANNELS: u8 = 4;

fn receivers() -> Vec<Channel> {
    (1..=CHANNELS).map(|number| channel(number, "hook.example", &PATHS)).collect()
}

/// What the commit of that number is about.
fn path(number: u64) -> &'static str {
    PATHS[usize::try_from(number % 5).unwrap()]
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Goes on where the cursor stands: commit `n` changes one path, and each channel is owed it.
async fn derive(store: Arc<Sqlite>, receivers: Vec<Channel>) {
    loop {
        let number = store.derived().await.unwrap().0 + 1;
        let owed = receivers.iter().map(|channel| change(channel, path(number), number)).collect();
        store.owe(owed, Some(Sequence(number))).await.unwrap();
        say(&format!("owed {number}"));
    }
}

/// Takes what is due and has it heard; one in seven times it must be tried again.
async fn deliver(store: Arc<Sqlite>) {
    let mut turn = 0;
    loop {
        let taken = store.take(&lane("hook.example"), at(0), 8, &[]).await.unwrap();
        let finishing = taken.into_iter().map(|delivery| {
            turn += 1;
            let (again, store) = (turn % 7 == 0, Arc::clone(&store));
            async move {
                let Kind::Change { position, .. } = delivery.kind else { panic!("a change") };
                let channel = delivery.channel.id.0.as_u128();
                let (outcome, done) = if again {
                    (Outcome::TimedOut, Done::Again(at(0)))
                } else {
                    say(&format!("heard {channel} {}", position.sequence));
                    (Outcome::Acknowledged(200), Done::Acknowledged)
                };
                let attempt = Attempt { at: at(0), took: Duration::from_millis(1), outcome };
                store.finish(delivery.id, Some(&attempt), &done).await.unwrap();
                if !again {
                    say(&format!("finished {channel} {}", position.sequence));
                }
            }
        });
        futures_util::future::join_all(finishing).await;
    }
}

/// The child's part: one who finds what is owed and one who delivers, until both are killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_delivers_until_it_is_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let store = open(Path::new(&directory));
    let receivers = receivers();
    for channel in &receivers {
        if store.get(channel.id).await.unwrap().is_none() {
            store.insert(channel, &ChannelLimits::default()).await.unwrap();
        }
    }
    let (deriving, delivering) =
        (tokio::spawn(derive(Arc::clone(&store), receivers)), tokio::spawn(deliver(Arc::clone(&store))));
    let _ = tokio::join!(deriving, delivering);
}

fn child(directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_delivers_until_it_is_killed", "--nocapture", "--test-threads", "1"]);
    command.env(CHILD, directory).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What the children said.
#[derive(Default)]
struct Told {
    /// The newest commit that was owed for certain.
    owed: u64,
    /// By channel and path, in the order in which it was heard.
    heard: HashMap<(u128, &'static str), Vec<u64>>,
    /// What was acknowledged for certain.
    finished: Vec<(u128, u64)>,
}

impl Told {
    /// True if the line says that something was finished.
    fn note(&mut self, line: &str) -> bool {
        let mut words =
            line.split(' ').skip_while(|word| !["owed", "heard", "finished"].iter().any(|w| word.ends_with(w)));
        let (Some(what), Some(first)) = (words.next(), words.next()) else { return false };
        let Ok(first) = first.parse::<u128>() else { return false };
        let second = words.next().and_then(|word| word.parse::<u64>().ok());
        match second {
            None if what.ends_with("owed") => self.owed = self.owed.max(u64::try_from(first).unwrap()),
            Some(number) if what.ends_with("heard") => {
                self.heard.entry((first, path(number))).or_default().push(number);
            }
            Some(number) if what.ends_with("finished") => self.finished.push((first, number)),
            _ => {}
        }
        what.ends_with("finished")
    }
}

#[tokio::test]
async fn nothing_owed_is_lost_or_out_of_order_when_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    for round in 0..KILLS {
        let mut child = child(directory.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Nobody can foresee where this many answers end.
        let patience = 20 + round * 37;
        let mut seen = 0;
        while seen < patience {
            seen += u64::from(told.note(&lines.next().expect("the child delivers until it is killed")));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            told.note(&line);
        }
    }
    // One who is not killed delivers the rest.
    let store = open(directory.path());
    let derived = store.derived().await.unwrap().0;
    assert!(derived >= told.owed, "{derived} {}", told.owed);
    loop {
        let taken = store.take(&lane("hook.example"), at(0), 50, &[]).await.unwrap();
        if taken.is_empty() {
            break;
        }
        for delivery in taken {
            let Kind::Change { position, .. } = delivery.kind else { panic!("a change") };
            let number = position.sequence.0;
            let channel = delivery.channel.id.0.as_u128();
            assert!(!told.finished.contains(&(channel, number)), "{number} was acknowledged");
            told.heard.entry((channel, path(number))).or_default().push(number);
            store.finish(delivery.id, None, &Done::Acknowledged).await.unwrap();
        }
    }
    let mut repeated = 0;
    for channel in receivers() {
        for (offset, path) in PATHS.iter().enumerate() {
            let heard = &told.heard[&(channel.id.0.as_u128(), *path)];
            assert!(heard.is_sorted(), "{path}: {heard:?}");
            let mut once = heard.clone();
            once.dedup();
            repeated += heard.len() - once.len();
            let owed: Vec<u64> = (1..=derived).filter(|number| number % 5 == offset as u64).collect();
            assert_eq!(once, owed, "{path}");
        }
    }
    // At each kill at most what was under way.
    assert!(repeated <= usize::try_from(KILLS * 8).unwrap(), "{repeated}");
    assert_eq!(store.lanes(at(9)).await.unwrap(), (vec![], None));
}
