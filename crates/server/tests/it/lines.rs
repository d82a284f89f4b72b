//! A client of `solid-0.1`: lines over a WebSocket, as far as the tests need it.

use super::{
    socket::Socket,
    world::{ALICE, Agent, WORLD, unique},
};

pub(super) const PATH: &str = "/.notifications/solid-0.1";

/// A frame of a client.
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length @ ..126) => frame.push(0x80 | u8::try_from(length).unwrap()),
        Ok(length) => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0xff);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Somebody who converses.
pub(super) struct Client<'a> {
    agent: &'a Agent,
    pub(super) socket: Socket,
    /// A document of which it hears, to know that nothing else is on its way.
    last: Option<String>,
}

impl<'a> Client<'a> {
    /// Opens the socket as that agent.
    pub(super) fn open(agent: &'a Agent) -> Self {
        Self::with(agent, &[])
    }

    /// The same with more headers.
    pub(super) fn with(agent: &'a Agent, headers: &[(&str, &str)]) -> Self {
        let own = agent.credentials("GET", &agent.world.url(PATH));
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> =
            headers.iter().copied().chain(own).chain([("sec-websocket-protocol", "solid-0.1")]).collect();
        let (socket, told) = Socket::try_open(agent.world, PATH, &headers).unwrap();
        assert_eq!(told.header("sec-websocket-protocol"), Some("solid-0.1"));
        let mut client = Self { agent, socket, last: None };
        assert_eq!(client.line(), "protocol solid-0.1");
        client
    }

    pub(super) fn say(&mut self, text: &str) {
        self.socket.send(&masked(0x81, text.as_bytes()));
    }

    /// The next line.
    #[track_caller]
    pub(super) fn line(&mut self) -> String {
        loop {
            match self.socket.frame().expect("the socket is open") {
                (1, text) => return String::from_utf8(text).unwrap(),
                (9, _) => self.socket.send(&masked(0x8a, b"")),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Says something; the next line.
    #[track_caller]
    pub(super) fn asks(&mut self, text: &str) -> String {
        self.say(text);
        self.line()
    }

    /// The next line to `sub` of a name, by the same name.
    #[track_caller]
    pub(super) fn asks_for(&mut self, path: &str) -> String {
        let uri = self.agent.world.url(path);
        self.asks(&format!("sub {uri}")).replace(&uri, path)
    }

    /// Begins to hear of a name.
    #[track_caller]
    pub(super) fn sub(&mut self, path: &str) {
        assert_eq!(self.asks_for(path), format!("ack {path}"));
    }

    /// All that is told while something is done, sorted; names as URIs.
    #[track_caller]
    pub(super) fn told(&mut self, act: impl FnOnce()) -> Vec<String> {
        let last = self.last.take().unwrap_or_else(|| {
            let at = format!("/alice/{}/", unique("lines-last"));
            ALICE.put(&at, "");
            ALICE.rules(&at, "acl:agentClass foaf:Agent; acl:mode acl:Read");
            let last = format!("{at}last");
            self.sub(&last);
            last
        });
        act();
        let mut told = Vec::new();
        let end = format!("pub {}", WORLD.url(&last));
        // Twice: what had to wait for a judgement may come behind the first.
        for _ in 0..2 {
            ALICE.put(&last, "<> a <#Last> .");
            loop {
                let line = self.line();
                if line == end {
                    break;
                }
                told.push(line);
            }
        }
        self.last = Some(last);
        told.sort();
        told
    }

    /// The same, of what is published below a path.
    #[track_caller]
    pub(super) fn publishes(&mut self, at: &str, act: impl FnOnce()) -> Vec<String> {
        let begin = format!("pub {}", self.agent.world.url(at));
        let told = self.told(act).into_iter();
        told.map(|line| line.strip_prefix(&begin).unwrap_or_else(|| panic!("{line}")).to_owned()).collect()
    }
}
