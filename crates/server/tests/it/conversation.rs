//! `solid-0.1` as one way to listen among others: topics are named on the socket, and told of by their names.

use super::{
    lines::masked,
    socket::Socket,
    world::{Agent, split},
};

/// An open socket, and what is heard of on it.
pub(super) struct Conversation {
    socket: Socket,
    /// The URIs that were acknowledged and not lost since.
    topics: Vec<String>,
}

impl Conversation {
    /// Opens the socket of an agent with those headers and asks for topics; or the status of the refusal.
    pub(super) fn open(agent: &Agent, path: &str, headers: &[(&str, &str)], topics: &[&str]) -> Result<Self, u16> {
        let socket = Socket::try_open(agent.world, path, headers)?.0;
        let mut opened = Self { socket, topics: Vec::new() };
        assert_eq!(opened.line().as_deref(), Some("protocol solid-0.1"));
        if !headers.iter().any(|(name, _)| *name == "sec-websocket-protocol") {
            let warning = opened.line().unwrap();
            assert!(warning.starts_with("warning "), "{warning}");
        }
        for topic in topics {
            let answer = opened.asks(&format!("sub {topic}"));
            if answer == format!("err {topic} forbidden") {
                return Err(403);
            }
            assert_eq!(answer, format!("ack {topic}"));
            opened.topics.push((*topic).to_owned());
        }
        Ok(opened)
    }

    /// The next word about a topic, and its path; none when the last topic is lost. The socket stays open then, and
    /// says nothing of its own accord.
    pub(super) fn next(&mut self) -> Option<(String, String)> {
        let line = self.line().expect("the socket stays open");
        let (word, uri) = line.split_once(' ').unwrap_or_else(|| panic!("{line}"));
        let uri = uri.strip_suffix(" forbidden").unwrap_or(uri);
        assert!(matches!(word, "pub" | "err") && self.topics.iter().any(|topic| topic == uri), "{line}");
        if word == "err" {
            self.topics.retain(|topic| topic != uri);
            if self.topics.is_empty() {
                assert_eq!(self.asks("ping"), "pong", "and nothing else");
                return None;
            }
        }
        Some((word.to_owned(), split(uri).1))
    }

    fn asks(&mut self, text: &str) -> String {
        self.socket.send(&masked(0x81, text.as_bytes()));
        self.line().expect("the socket stays open")
    }

    fn line(&mut self) -> Option<String> {
        loop {
            match self.socket.frame()? {
                (1, text) => return Some(String::from_utf8(text).unwrap()),
                (9, _) => self.socket.send(&masked(0x8a, b"")),
                other => panic!("{other:?}"),
            }
        }
    }
}
