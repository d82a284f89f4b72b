//! What a connection was told, as text that can be compared with that of another server.
//!
//! Ids, times, versions and cursors are random or sealed: they stand there by their length, and by where the same one
//! stands again.

use super::world::World;
use std::{collections::HashMap, fmt::Write as _, io::Read as _, net::TcpStream};

/// Length of the name of a key and of its coordinates, in base64url.
const KEY: usize = 43;
/// Length of the point that is a key for push services.
const POINT: usize = 87;

/// How somebody listens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Socket,
    Stream(&'static str),
    /// Without a subscription.
    Direct(&'static str),
    /// The socket of the ESS gateway.
    Ess,
    /// The socket of `solid-0.1`, on which one asks for these; with credentials on its opening, or without.
    Lines(&'static [&'static str], bool),
}

/// A connection, with all that came so far.
pub(super) struct Open {
    pub(super) stream: TcpStream,
    pub(super) bytes: Vec<u8>,
    pub(super) way: Way,
}

impl Open {
    /// Everything up to the last thing that happens: that `/alice/w/r` goes, and then `/alice/last/end`.
    pub(super) fn heard(mut self) -> String {
        let mut part = [0; 16 * 1024];
        loop {
            let text = self.text();
            if self.is_last(&text) && text.ends_with(self.mark()) {
                return if let Way::Lines(..) = self.way { sorted(&text) } else { text };
            }
            let count = self.stream.read(&mut part).unwrap_or_else(|error| panic!("{error} after {text}"));
            assert!(count > 0, "the end after {text}");
            self.bytes.extend_from_slice(&part[..count]);
        }
    }

    fn is_last(&self, text: &str) -> bool {
        let last = text.rfind("urn:uuid").map_or("", |at| &text[at..]);
        let names = match self.way {
            Way::Lines(..) => return text.lines().last().is_some_and(|line| is_published(line, "/alice/last/end")),
            Way::Ess => ["/alice/last/end\"", "/alice/last/end>"],
            _ => ["/alice/w/r\"", "/alice/w/r>"],
        };
        names.iter().any(|name| last.contains(name)) && (last.contains("Delete") || last.contains("Remove"))
    }

    /// What stands at the end of every notification.
    fn mark(&self) -> &'static str {
        match self.way {
            Way::Stream(accept) | Way::Direct(accept) if accept != "application/ld+json" => "\n\n",
            _ => "\n",
        }
    }

    fn text(&self) -> String {
        let split = self.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = self.bytes.split_at(split);
        let head = String::from_utf8_lossy(head).to_lowercase();
        let body = match self.way {
            Way::Socket | Way::Ess | Way::Lines(..) => frames(body),
            _ if head.contains("transfer-encoding") => String::from_utf8_lossy(&unchunked(body)).into_owned(),
            _ => String::from_utf8_lossy(body).into_owned(),
        };
        let head: Vec<_> = head.lines().filter(|line| !line.starts_with("date")).collect();
        format!("{}\n{body}", head.join("\n"))
    }
}

/// Of several topics `solid-0.1` tells in any order.
fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn is_published(line: &str, path: &str) -> bool {
    line.contains(" pub ") && line.ends_with(path)
}

/// What is in the chunks that have come whole.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let Some(chunk) = body.get(end + 2..end + 2 + length) else { break };
        whole.extend_from_slice(chunk);
        body = body.get(end + 4 + length..).unwrap_or_default();
    }
    whole
}

/// Frames as text: their first byte, their length and what they say.
fn frames(mut bytes: &[u8]) -> String {
    let mut all = String::new();
    loop {
        let (head, length) = match bytes {
            [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            [_, short @ ..126, ..] => (2, usize::from(*short)),
            _ => return all,
        };
        let Some(payload) = bytes.get(head..head + length) else { return all };
        writeln!(all, "{:x} {length} {}", bytes[0], String::from_utf8_lossy(payload)).unwrap();
        bytes = &bytes[head + length..];
    }
}

/// What is random gets the number of its first appearance; times are times, and cursors so many bytes.
pub(super) fn normal(world: &World, text: &str) -> String {
    let port = world.origin.rsplit(':').next().unwrap();
    let text = text.replace(&format!("localhost:{port}"), "localhost:PORT");
    let text = text.replace(&format!("localhost%3A{port}"), "localhost:PORT");
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut normal, mut rest) = (String::new(), &*text);
    while let Some(next) = rest.chars().next() {
        let run = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
        let run = if is_version(rest) { 16 } else { run };
        let (word, behind) = rest.split_at(run);
        let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let is_time = is_instant(rest);
        if is_time > 0 {
            write!(normal, "TIME{is_time}").unwrap();
            rest = &rest[is_time..];
        } else if word.len() == podbell_hub::CURSOR {
            normal += "CURSOR";
            rest = behind;
        } else if run > 0 && normal.ends_with("/.notifications/solid-0.1/") {
            // A capability: of one agent in one storage, so which are the same must be the same.
            let number = known.len();
            write!(normal, "SEALED#{}", known.entry(word.to_owned()).or_insert(number)).unwrap();
            rest = behind;
        } else if matches!(word.len(), KEY | POINT) || is_hex && matches!(word.len(), 16 | 33 | 36) {
            let number = known.len();
            let number = *known.entry(word.to_owned()).or_insert(number);
            write!(normal, "{}#{number}", word.len()).unwrap();
            rest = behind;
        } else if run > 0 {
            normal += word;
            rest = behind;
        } else {
            normal.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    normal
}

/// Whether the text begins with a version and what tells its representation.
fn is_version(text: &str) -> bool {
    let (version, rest) = text.split_at_checked(16).unwrap_or_default();
    version.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest.starts_with('-')
}

/// How long the instant is that the text begins with: of XSD, of HTTP, or of POSIX.
fn is_instant(text: &str) -> usize {
    let shape: String = text.chars().take(29).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let xsd = "0000-00-00T00:00:00";
    if shape.starts_with(xsd) {
        return text.find('Z').map_or(xsd.len(), |end| end + 1);
    }
    let days = ["Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, ", "Sun, "];
    if days.iter().any(|day| shape.starts_with(day)) && shape.ends_with("GMT") {
        return shape.len();
    }
    let digits = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let digits = if text.bytes().take(digits).all(|byte| byte.is_ascii_digit()) { digits } else { 0 };
    if digits == 10 { digits } else { 0 }
}
