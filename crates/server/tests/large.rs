//! Large bodies and large containers: in and out in constant memory, whole or not at all, and in nobody's way.
//!
//! Memory is what the kernel says of the server's process: its peak since the measurement began.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use http::Method;
use podbell_model::{ResourceClass, ResourceIri, Sequence, StorageId, Timestamp, Uuid};
use podbell_pod::store::{Body, Change, Store as _, WriteSet};
use podbell_sqlite::{Options, Sqlite};
use podbell_test_client::Client;
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::Duration,
};
use support::{Place, Server, until};

const MIB: u64 = 1 << 20;
/// How much more memory a transfer or a listing may take, in bytes.
const GROWTH: u64 = 32 * MIB;
const BLOCK: usize = 64 * 1024;
const MEMBERS: usize = 100_000;

/// One connection, spoken to in plain bytes.
struct Connection(TcpStream);

/// The head of an answer.
struct Head {
    status: u16,
    text: String,
    /// What came with it of the body.
    rest: Vec<u8>,
}

impl Connection {
    /// Sends the head of a request; the body may follow.
    fn begin(server: &Server, client: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let url = format!("{}{path}", server.base);
        let address = server.base.strip_prefix("http://localhost:").unwrap().trim_end_matches('/');
        let stream = TcpStream::connect(("127.0.0.1", address.parse::<u16>().unwrap())).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let mut head = format!("{method} /{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let own = client.credentials(method, &url).unwrap();
        for (name, value) in headers.iter().copied().chain(own.iter().map(|(name, value)| (*name, &**value))) {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let mut connection = Self(stream);
        connection.0.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        connection
    }

    fn head(&mut self) -> Head {
        let mut bytes = Vec::new();
        let end = loop {
            let mut part = [0; 4_096];
            let count = self.0.read(&mut part).unwrap();
            assert!(count > 0, "no answer: {}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&part[..count]);
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
        };
        let rest = bytes.split_off(end + 4);
        let text = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        Head { status: text[9..12].parse().unwrap(), text, rest }
    }

    /// Hands the rest of the answer on, part by part.
    fn each_part(&mut self, head: &Head, mut take: impl FnMut(&[u8])) {
        take(&head.rest);
        let mut part = vec![0; BLOCK];
        loop {
            match self.0.read(&mut part).unwrap() {
                0 => return,
                count => take(&part[..count]),
            }
        }
    }
}

/// A block of a large body, unlike every other of it and of other bodies.
fn block(seed: u64, number: u64) -> Vec<u8> {
    let mut block = vec![u8::try_from(seed % 251).unwrap(); BLOCK];
    block[..8].copy_from_slice(&seed.to_be_bytes());
    block[8..16].copy_from_slice(&number.to_be_bytes());
    block
}

const BINARY: (&str, &str) = ("content-type", "application/octet-stream");

/// Sends a body of that many bytes, a multiple of the block; the status of the answer.
fn put(server: &Server, client: &Client, path: &str, seed: u64, size: u64) -> u16 {
    let mut connection =
        Connection::begin(server, client, "PUT", path, &[BINARY, ("content-length", &size.to_string())]);
    for number in 0..size / BLOCK as u64 {
        connection.0.write_all(&block(seed, number)).unwrap();
    }
    connection.head().status
}

/// Receives it and compares every byte.
fn get(server: &Server, client: &Client, path: &str, seed: u64, size: u64) {
    let mut connection = Connection::begin(server, client, "GET", path, &[]);
    let head = connection.head();
    assert_eq!(head.status, 200);
    assert!(head.text.contains(&format!("content-length: {size}\r\n")), "{}", head.text);
    let (mut at, mut expected) = (0_u64, block(seed, 0));
    connection.each_part(&head, |mut part| {
        while !part.is_empty() {
            let within = usize::try_from(at % BLOCK as u64).unwrap();
            if within == 0 {
                expected = block(seed, at / BLOCK as u64);
            }
            let count = part.len().min(BLOCK - within);
            assert!(part[..count] == expected[within..within + count], "at {at}");
            part = &part[count..];
            at += count as u64;
        }
    });
    assert_eq!(at, size);
}

/// What the kernel says of the server's memory, in bytes.
fn memory(server: &Server, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// How far the server's memory rises above where it stood, while something is done.
fn growth(server: &Server, work: impl FnOnce()) -> u64 {
    let before = memory(server, "VmRSS:");
    std::fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").unwrap();
    work();
    memory(server, "VmHWM:").saturating_sub(before)
}

async fn transfer(mib: u64) {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    // What the first requests leave behind is not what a large body costs.
    assert_eq!(put(&server, &alice, "alice/large/warm", 1, 4 * MIB), 201);
    get(&server, &alice, "alice/large/warm", 1, 4 * MIB);
    let size = mib * MIB;
    let up = growth(&server, || assert_eq!(put(&server, &alice, "alice/large/file", 2, size), 201));
    let down = growth(&server, || get(&server, &alice, "alice/large/file", 2, size));
    eprintln!("{mib} MiB: {} KiB more up, {} KiB more down", up / 1_024, down / 1_024);
    assert!(up < GROWTH && down < GROWTH, "{up} {down}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_in_and_out_in_constant_memory() {
    transfer(256).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes and reads two gibibytes; tests/nightly runs it"]
async fn a_file_of_two_gibibytes_goes_in_and_out_in_constant_memory() {
    transfer(2_048).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_large_file_are_had_alone() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let size = 3 * MIB;
    assert_eq!(put(&server, &alice, "alice/large/file", 7, size), 201);
    let mut whole = Vec::new();
    (0..size / BLOCK as u64).for_each(|number| whole.extend(block(7, number)));
    let ask = |headers: &[(&str, &str)]| {
        let mut connection = Connection::begin(&server, &alice, "GET", "alice/large/file", headers);
        let head = connection.head();
        let (status, text, mut body) = (head.status, head.text.clone(), Vec::new());
        connection.each_part(&head, |part| body.extend_from_slice(part));
        (status, text, body)
    };
    let (_, text, body) = ask(&[]);
    assert!(body == whole && text.contains("accept-ranges: bytes\r\n"), "{text}");
    let etag = text.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=1000000-2000000", 1_000_000, 2_000_000),
        ("bytes=3145000-", 3_145_000, 3_145_727),
        ("bytes=3145000-99999999", 3_145_000, 3_145_727),
        ("bytes=-5", 3_145_723, 3_145_727),
    ] {
        for condition in [None, Some(etag.as_str())] {
            let headers: Vec<_> =
                [("range", range)].into_iter().chain(condition.map(|etag| ("if-range", etag))).collect();
            let (status, text, body) = ask(&headers);
            assert_eq!(status, 206, "{range}");
            assert!(text.contains(&format!("content-range: bytes {first}-{last}/{size}\r\n")), "{text}");
            assert!(text.contains(&format!("content-length: {}\r\n", last - first + 1)), "{text}");
            assert!(body == whole[first..=last], "{range}");
        }
        let (status, _, body) = ask(&[("range", range), ("if-range", "\"other\"")]);
        assert!(status == 200 && body == whole, "another state is sent whole");
    }
    for beyond in ["bytes=3145728-", "bytes=-0"] {
        let (status, text, _) = ask(&[("range", beyond)]);
        assert!(status == 416 && text.contains(&format!("content-range: bytes */{size}\r\n")), "{text}");
    }
}

/// The files of bodies: those that are being written, and those that are kept.
fn files(place: &Place) -> (Vec<u64>, usize) {
    let (mut unfinished, mut kept) = (Vec::new(), 0);
    for shard in std::fs::read_dir(place.data().join("bodies")).unwrap() {
        let shard = shard.unwrap().path();
        for file in std::fs::read_dir(&shard).unwrap() {
            if shard.ends_with("unfinished") {
                // It may be gone by now.
                unfinished.extend(file.unwrap().metadata().map(|about| about.len()));
            } else {
                kept += 1;
            }
        }
    }
    (unfinished, kept)
}

async fn is_absent(server: &Server, client: &Client, path: &str) {
    let told = client.request(Method::GET, &format!("{}{path}", server.base), None, "").await.unwrap();
    assert_eq!(told.status, 404);
    let listing = client.request(Method::GET, &format!("{}alice/", server.base), None, "").await.unwrap();
    assert!(!String::from_utf8_lossy(&listing.body).contains("half"), "not listed either");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_was_never_there() {
    let place = Place::new();
    let mut server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let (_, before) = files(&place);
    let half = |server: &Server, client: &Client| {
        let headers = [BINARY, ("content-length", "100000000")];
        let mut connection = Connection::begin(server, client, "PUT", "alice/half", &headers);
        (0..64).for_each(|number| connection.0.write_all(&block(3, number)).unwrap());
        connection
    };
    // By the client, in the middle.
    let connection = half(&server, &alice);
    until("some of it is written", || files(&place).0.iter().any(|size| *size > MIB)).await;
    drop(connection);
    until("what was written is gone", || files(&place) == (Vec::new(), before)).await;
    is_absent(&server, &alice, "alice/half").await;
    // By a crash of the server.
    let _connection = half(&server, &alice);
    until("some of it is written", || files(&place).0.iter().any(|size| *size > MIB)).await;
    server.kill_9().await;
    assert_eq!(files(&place).0.len(), 1, "a crash leaves it behind");
    let server = place.start().await;
    assert_eq!(files(&place), (Vec::new(), before));
    let alice = server.log_in("ALICE").await;
    is_absent(&server, &alice, "alice/half").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_upload_is_in_nobodys_way() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let url = |path: &str| format!("{}{path}", server.base);
    let write = async |path: &str, body: &'static str| {
        alice.request(Method::PUT, &url(path), Some("text/plain"), body).await.unwrap().status.as_u16()
    };
    let read = async |path: &str| alice.request(Method::GET, &url(path), None, "").await.unwrap().body;
    assert_eq!(write("alice/slow", "before").await, 201);
    let size = 64 * BLOCK as u64;
    let headers = [BINARY, ("content-length", &*size.to_string())];
    let mut slow = Connection::begin(&server, &alice, "PUT", "alice/slow", &headers);
    (0..63).for_each(|number| slow.0.write_all(&block(4, number)).unwrap());
    until("some of it is written", || files(&place).0.iter().any(|size| *size > MIB)).await;
    // Nothing of it shows, and others write and read elsewhere and in the same place.
    assert_eq!(read("alice/slow").await, "before");
    assert_eq!((write("alice/other", "1").await, &*read("alice/other").await), (201, &b"1"[..]));
    assert_eq!((write("alice/slow", "meanwhile").await, &*read("alice/slow").await), (204, &b"meanwhile"[..]));
    slow.0.write_all(&block(4, 63)).unwrap();
    assert_eq!(slow.head().status, 204, "who ends last has the last word");
    get(&server, &alice, "alice/slow", 4, size);
}

/// Makes members in the store itself, some thousand in a commit.
async fn fill(data: &Path, base: &str) {
    let store = Sqlite::open(data, &Options::default()).unwrap();
    let iri = |path: &str| ResourceIri::parse(&format!("{base}{path}")).unwrap();
    let storage = store.storages().await.unwrap().into_iter().find(|storage| storage.root == iri("alice/")).unwrap();
    let change = |path: &str, class, content_type: &str| Change::Put {
        id: Uuid::new_v4(),
        resource: iri(path),
        class,
        content_type: content_type.into(),
        body: Body::Inline(bytes::Bytes::from_static(b"x")),
        group: None,
    };
    let writes = |id: StorageId, changes| WriteSet {
        storage: id,
        permitted_as_of: Sequence(u64::MAX),
        depends_on: Arc::new([]),
        expected: Vec::new(),
        changes,
        actor: None,
        now: Timestamp::now(),
        causes: Arc::default(),
        rules_as_of: None,
    };
    let container = change("alice/many/", ResourceClass::Container, "text/turtle");
    store.commit(writes(storage.id, vec![container])).await.unwrap();
    for begin in (0..MEMBERS).step_by(5_000) {
        let names = (begin..begin + 5_000).map(|number| format!("alice/many/member-{number:06}.txt"));
        let changes = names.map(|name| change(&name, ResourceClass::NonRdfSource, "text/plain")).collect();
        store.commit(writes(storage.id, changes)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_members_are_listed_in_bounded_memory() {
    let place = Place::new();
    let mut server = place.start().await;
    let base = server.base.clone();
    server.kill_9().await;
    fill(place.data(), &base).await;
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let list = |path: &str, accept: &str, what: &str| {
        let mut connection = Connection::begin(&server, &alice, "GET", path, &[("accept", accept)]);
        let head = connection.head();
        assert_eq!(head.status, 200);
        assert!(path == "alice/" || head.text.contains("transfer-encoding: chunked"), "{}", head.text);
        // What is looked for may lie across two parts; the frame of a chunk never lies within.
        let (mut found, mut text, mut bytes) = (0, Vec::new(), 0);
        connection.each_part(&head, |part| {
            bytes += part.len();
            text.extend_from_slice(part);
            let kept = text.len().min(what.len() - 1);
            found += text.windows(what.len()).filter(|window| *window == what.as_bytes()).count();
            text.drain(..text.len() - kept);
        });
        assert!(text.ends_with(b"0\r\n\r\n") || path == "alice/", "to the end");
        (found, bytes)
    };
    for (accept, what, count) in [
        ("text/turtle", "stat:size", MEMBERS),
        ("application/ld+json", "stat#size", MEMBERS),
        ("application/ld+json", "ldp#contains", 1),
        ("application/n-triples", "ldp#contains", MEMBERS),
        ("text/html", "<tr><td>", MEMBERS),
    ] {
        list("alice/", accept, "x");
        let mut told = (0, 0);
        let grown = growth(&server, || told = list("alice/many/", accept, what));
        eprintln!("{accept}: {} KiB, {} KiB more memory", told.1 / 1_024, grown / 1_024);
        assert_eq!(told.0, count, "{accept} {what}");
        assert!(grown < GROWTH, "{accept}: {grown}");
    }
}
