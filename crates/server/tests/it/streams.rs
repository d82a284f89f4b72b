//! Answers that do not end by themselves: event streams and streaming HTTP, as far as hearing needs it.

use super::{
    ears::N1,
    world::{ALICE, ANYBODY, Agent, LD, Reply, container},
};
use serde_json::{Value, json};

pub(super) use super::socket::receive_from;
use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::TcpStream,
};

/// An answer that goes on.
pub(super) struct Stream {
    pub(super) head: Reply,
    reader: BufReader<Box<dyn Read + Send>>,
}

/// What is in the chunks, or all if there are none.
struct Unchunked {
    reader: BufReader<TcpStream>,
    /// What is left of a chunk; none if there are no chunks.
    left: Option<usize>,
}

impl Read for Unchunked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(left) = &mut self.left else { return self.reader.read(buffer) };
        if *left == 0 {
            let mut size = String::new();
            while size.trim().is_empty() {
                size.clear();
                if self.reader.read_line(&mut size)? == 0 {
                    return Ok(0);
                }
            }
            *left = usize::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
        }
        let most = buffer.len().min(*left);
        let read = self.reader.read(&mut buffer[..most])?;
        *left -= read;
        Ok(read)
    }
}

impl Stream {
    /// Opens one as nobody.
    pub(super) fn open(path: &str, headers: &[(&str, &str)]) -> Self {
        Self::by(&ANYBODY, path, headers)
    }

    /// Opens one with the credentials of somebody.
    pub(super) fn by(agent: &Agent, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = agent.world.connect();
        let own = agent.credentials("GET", &agent.world.url(path));
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let lines: Vec<_> =
            headers.iter().copied().chain(own).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{}\r\n", lines.concat());
        (&stream).write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let head = Reply { status, headers, body: Vec::new() };
        let left = head.header("transfer-encoding").map(|_| 0);
        Self::over(head, Unchunked { reader, left })
    }

    /// One whose head is read.
    pub(super) fn over(head: Reply, body: impl Read + Send + 'static) -> Self {
        Self { head, reader: BufReader::new(Box::new(body)) }
    }

    /// That it is open.
    #[track_caller]
    pub(super) fn opened(self) -> Self {
        assert_eq!(self.head.status, 200, "{:?}", self.head);
        self
    }

    /// Up to the next empty line; none at the end.
    pub(super) fn block(&mut self) -> Option<String> {
        let mut block = String::new();
        while !block.ends_with("\n\n") {
            if self.reader.read_line(&mut block).unwrap() == 0 {
                return None;
            }
        }
        Some(block)
    }

    /// The next event: name, id and data; none at the end. Comments and bare ids are no events.
    pub(super) fn event(&mut self) -> Option<(Option<String>, String, Value)> {
        let (name, id, data) = self.event_text()?;
        Some((name, id, serde_json::from_str(&data).unwrap()))
    }

    /// The same with data that is no JSON.
    pub(super) fn event_text(&mut self) -> Option<(Option<String>, String, String)> {
        loop {
            let block = self.block()?;
            let field = |name: &str| {
                let lines: Vec<_> = block.lines().filter_map(|line| line.strip_prefix(name)).collect();
                (!lines.is_empty()).then(|| lines.join("\n"))
            };
            let Some(data) = field("data: ") else { continue };
            return Some((field("event: "), field("id: ").unwrap(), data));
        }
    }

    /// Type and object of the next notification.
    pub(super) fn told(&mut self) -> (String, String) {
        let (name, _, data) = self.event().expect("an event");
        assert_eq!(name, None, "{data}");
        short(&data)
    }

    /// The next line; none at the end, also in the midst of one.
    pub(super) fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line.ends_with('\n').then(|| serde_json::from_str(&line).unwrap())
    }

    /// The next bytes as they come, at most as many as one read takes.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        let found = self.reader.fill_buf().unwrap().to_vec();
        self.reader.consume(found.len());
        found
    }

    /// Whether it ends without telling anything more.
    pub(super) fn ended(mut self) -> bool {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        let rest = String::from_utf8(rest).unwrap();
        !rest.contains("data:") && !rest.contains("as:")
    }
}

/// Type and object of a notification, the object as a path.
pub(super) fn short(message: &Value) -> (String, String) {
    let text = |name: &str| message[name].as_str().unwrap().to_owned();
    (text("type"), super::world::split(&text("object")).1)
}

/// Subscribes to a path with a type, and with other members of the body.
pub(super) fn subscribe(agent: &Agent, kind: &str, path: &str, more: Value) -> Reply {
    let mut body = json!({ "@context": [N1], "type": kind, "topic": agent.world.url(path) });
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    agent.ask("POST", &format!("/.notifications/{kind}/"), &[LD], body.to_string())
}

/// An event stream of a new channel, and its path.
pub(super) fn events(agent: &Agent, path: &str, more: Value) -> (String, Stream) {
    let path = receive_from(&subscribe(agent, "EventSourceChannel2023", path, more));
    let stream = Stream::open(&path, &[]).opened();
    (path, stream)
}

/// A document of alice in a container of its own.
pub(super) fn document(name: &str, other: &str) -> String {
    let path = format!("{}r", container(name, other));
    ALICE.put(&path, "");
    path
}
