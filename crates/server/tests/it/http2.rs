//! HTTP/2 by hand: floods that cost the sender little. Each ends the connection or waits for its sender; others are
//! served beside it.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9113#section-10.5>

use super::world::{ALICE, ANYBODY, WORLD, container, public};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const MAX_CONCURRENT_STREAMS: u16 = 3;
const MAX_HEADER_LIST_SIZE: u16 = 6;

const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// `GET /.well-known/solid` of `http://localhost`, in HPACK without a dynamic table.
const GET: &[u8] = b"\x82\x86\x04\x12/.well-known/solid\x01\x09localhost";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What became of bytes that were poured into a connection.
#[derive(Debug, PartialEq, Eq)]
enum Poured {
    /// All were taken.
    Taken,
    /// The server takes no more until it is read from.
    Stalled,
    /// The server closed.
    Ended,
}

struct Peer(TcpStream);

impl Peer {
    fn connect() -> Self {
        let mut stream = WORLD.connect();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, b"")).unwrap();
        Self(stream)
    }

    fn pour(&mut self, bytes: &[u8], times: usize) -> Poured {
        self.0.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        for _ in 0..times {
            match self.0.write_all(bytes) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Poured::Stalled;
                }
                Err(_) => return Poured::Ended,
            }
        }
        Poured::Taken
    }

    /// The next frame: kind, stream and payload; none when the connection has ended.
    fn read(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        self.0.read_exact(&mut payload).ok()?;
        Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// Why the server ended the connection; none if it just closed it.
    fn goaway(&mut self) -> Option<u32> {
        loop {
            let (kind, _, payload) = self.read()?;
            if kind == GOAWAY {
                return Some(u32::from_be_bytes([payload[4], payload[5], payload[6], payload[7]]));
            }
        }
    }
}

fn others_are_served() {
    assert_eq!(ANYBODY.get("/.well-known/solid").status, 200);
}

#[test]
fn a_request_is_answered_and_the_limits_are_told() {
    let mut peer = Peer::connect();
    peer.pour(&frame(HEADERS, END_STREAM | END_HEADERS, 1, GET), 1);
    let (kind, _, settings) = peer.read().unwrap();
    assert_eq!(kind, SETTINGS);
    let told = |id: u16| {
        let setting = settings.chunks(6).find(|setting| setting[..2] == id.to_be_bytes()).unwrap();
        u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]])
    };
    assert_eq!(told(MAX_CONCURRENT_STREAMS), 100);
    assert_eq!(told(MAX_HEADER_LIST_SIZE), 32 * 1_024);
    let head = std::iter::from_fn(|| peer.read()).find(|(kind, _, _)| *kind == HEADERS).unwrap();
    assert_eq!((head.1, head.2[0]), (1, 0x88), "200");
}

#[test]
fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let mut peer = Peer::connect();
    let flood: Vec<u8> = (0..5_000_u32)
        .flat_map(|at| {
            let stream = 2 * at + 1;
            let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
            [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        })
        .collect();
    peer.pour(&flood, 1);
    assert!(matches!(peer.goaway(), None | Some(ENHANCE_YOUR_CALM)));
    others_are_served();
}

#[test]
fn a_connection_has_so_many_streams_and_no_more() {
    let at = container("streams", &public("acl:Read, acl:Write"));
    let path = format!("{at}never");
    let mut peer = Peer::connect();
    // PUT, http, path, authority, content-type: text/plain; the body never comes.
    let mut put = b"\x02\x03PUT\x86\x04".to_vec();
    put.push(u8::try_from(path.len()).unwrap());
    put.extend_from_slice(path.as_bytes());
    put.extend_from_slice(b"\x01\x09localhost\x0f\x10\x0atext/plain");
    let open = |at: u32| frame(HEADERS, END_HEADERS, 2 * at + 1, &put);
    peer.pour(&(0..150).flat_map(open).collect::<Vec<_>>(), 1);
    let refused = std::iter::from_fn(|| peer.read())
        .inspect(|(kind, _, payload)| assert_ne!(*kind, HEADERS, "{payload:?}"))
        .filter(|(kind, _, payload)| *kind == RST_STREAM && payload == &REFUSED_STREAM.to_be_bytes());
    // Who goes on after so many refusals is cut off.
    assert!((1..=50).contains(&refused.count()));
    others_are_served();
    ANYBODY.get(&path).is_problem(404);
    drop(peer);
    assert_eq!(ALICE.get(&path).status, 404);
}

#[test]
fn a_head_that_goes_on_and_on_ends_the_connection() {
    let field = [b"\x00\x01x\x7f\x81\x01".as_slice(), &[b'y'; 256]].concat();
    for (part, times) in [(field.repeat(60), 1_000), (field, 100_000), (Vec::new(), 1_000_000)] {
        let mut peer = Peer::connect();
        peer.pour(&frame(HEADERS, END_STREAM, 1, GET), 1);
        let part = frame(CONTINUATION, 0, 1, &part);
        // Small frames together, so that the test is quick.
        let together = (16_384 / part.len()).max(1);
        assert_ne!(peer.pour(&part.repeat(together), times / together), Poured::Taken, "{} bytes", part.len());
        others_are_served();
    }
}

#[test]
fn a_head_that_unpacks_to_too_much_is_refused() {
    let mut peer = Peer::connect();
    // A field of 4,000 bytes is remembered, and named 3,000 times with one byte each: 12 MB.
    let remembered = [b"\x40\x01x\x7f\xa1\x1e".as_slice(), &[b'y'; 4_000]].concat();
    let head = [GET, &remembered, &[0xbe; 3_000]].concat();
    peer.pour(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &head), 1);
    let mut frames = std::iter::from_fn(|| peer.read());
    let refused = frames.find(|(kind, _, _)| matches!(*kind, HEADERS | RST_STREAM | GOAWAY));
    // "431", in Huffman's code as in plain letters.
    let says_431 = |payload: &[u8]| payload.windows(3).any(|part| part == b"431" || part == [0x69, 0x90, 0xff]);
    assert!(refused.is_none_or(|(kind, _, payload)| kind != HEADERS || says_431(&payload)));
    others_are_served();
}

#[test]
fn whoever_floods_and_does_not_read_waits_or_is_cut_off() {
    let flood = [(SETTINGS, 0, 0, vec![0, 4, 0, 0, 255, 255]), (PING, 0, 0, vec![0; 8]), (DATA, 0, 1, Vec::new())];
    for (kind, flags, stream, payload) in flood {
        let mut peer = Peer::connect();
        let frames = frame(kind, flags, stream, &payload).repeat(1_000);
        // More than the buffers of both sockets hold.
        assert_ne!(peer.pour(&frames, (64 << 20) / frames.len()), Poured::Taken, "frames of kind {kind}");
        others_are_served();
    }
}

#[test]
fn pages_that_nobody_takes_are_in_nobodys_way() {
    let path = format!("{}page", container("untaken", &public("acl:Read")));
    // As costly as documents get: four of them are worked on at once.
    ALICE.put(&path, &format!("# {}\n<#a> <http://x/b> 1 .", "x".repeat(300_000)));
    let mut peer = Peer::connect();
    // No byte of a body may be sent.
    peer.pour(&frame(SETTINGS, 0, 0, b"\x00\x04\x00\x00\x00\x00"), 1);
    // GET, http, path, authority, accept: text/html
    let mut get = b"\x82\x86\x04".to_vec();
    get.push(u8::try_from(path.len()).unwrap());
    get.extend(path.as_bytes());
    get.extend(b"\x01\x09localhost\x0f\x04\x09text/html");
    for stream in 0..4 {
        peer.pour(&frame(HEADERS, END_STREAM | END_HEADERS, 2 * stream + 1, &get), 1);
    }
    for _ in 0..4 {
        let head = std::iter::from_fn(|| peer.read()).find(|(kind, _, _)| *kind == HEADERS).unwrap();
        assert_eq!(head.2[0], 0x88, "200");
    }
    let told = ALICE.ask("GET", &path, &[("accept", "application/n-triples")], "");
    assert_eq!(told.status, 200, "{told:?}");
}
