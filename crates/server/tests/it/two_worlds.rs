//! Two servers with the same history, but for what a listener may not read: what the listener is told is the same,
//! byte for byte.

use super::{
    ess, lines, lws,
    overheard::Overheard,
    transcript::{Open, Way, normal},
    world::{Agent, LD, Reply, TURTLE, World, split},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    time::Duration,
};

const N1: &str = "https://www.w3.org/ns/solid/notification/v1";
/// How often all of it happens.
const ROUNDS: usize = 12;

/// One of the two, with those who act in it.
struct Half {
    world: &'static World,
    alice: Agent,
    bob: Agent,
    carol: Agent,
    /// Whether there is more in it than bob may read.
    crowded: bool,
}

impl Half {
    fn start(crowded: bool) -> Self {
        let settings = [
            ("PODBELL_SEED", "alice,bob,carol"),
            ("PODBELL_LIMITS_PING", "1h"),
            ("PODBELL_WEBHOOKS_PER_SECOND", "100000"),
            ("PODBELL_WEBHOOKS_BURST", "100000"),
        ];
        let world: &'static World = Box::leak(Box::new(World::start(&settings)));
        let [alice, bob, carol] = ["ALICE", "BOB", "CAROL"].map(|name| world.log_in(name));
        let half = Self { world, alice, bob, carol, crowded };
        let bob = format!("acl:agent <{}>; acl:mode acl:Read", half.world.webid("BOB"));
        for (path, other) in
            [("/alice/w/", &*bob), ("/alice/w/secret/", ""), ("/alice/elsewhere/", ""), ("/alice/last/", &*bob)]
        {
            half.alice.put(path, "");
            half.alice.rules(path, other);
        }
        half.alice.put("/alice/w/r", "<> a <#r>.");
        half.alice.put("/alice/w/hidden", "<> a <#h>.");
        half.hide(&[]);
        half.alice.put("/alice/last/end", "");
        half
    }

    /// The hidden document is alice's and of whom else she names; never bob's.
    fn hide(&self, others: &[&str]) {
        let at = self.world.url("/alice/w/hidden");
        let mut acl = "@prefix acl: <http://www.w3.org/ns/auth/acl#>.\n".to_owned();
        for (number, name) in others.iter().chain(&["ALICE"]).enumerate() {
            let agent = self.world.webid(name);
            write!(acl, "<#r{number}> a acl:Authorization; acl:agent <{agent}>; acl:accessTo <{at}>;").unwrap();
            acl += "acl:mode acl:Read, acl:Write, acl:Control.\n";
        }
        self.alice.put("/alice/w/hidden.acl", &acl);
    }

    /// What bob may read happens in both.
    fn visible(&self, round: usize) {
        self.alice.put("/alice/w/r", &format!("<> a <#{round}>."));
        self.alice.put(&format!("/alice/w/n{round}"), "");
        self.alice.put(&format!("/alice/w/deep/er/n{round}"), "");
        if round % 3 == 2 {
            assert!(self.alice.ask("DELETE", &format!("/alice/w/n{}", round - 1), &[], "").status < 300);
        }
        if round % 4 == 3 {
            let bob = format!("acl:agent <{}>; acl:mode acl:Read", self.world.webid("BOB"));
            self.alice.rules("/alice/w/", &bob);
        }
        self.bob.put("/bob/own", &format!("<> a <#{round}>."));
    }

    /// What bob may not read happens in one alone.
    fn hidden(&self, round: usize) {
        if !self.crowded {
            return;
        }
        let secret = format!("/alice/w/secret/{round}");
        self.alice.put(&secret, "<> a <#s>.");
        self.alice.put(&format!("/alice/w/secret/deep/{round}"), "");
        self.alice.put(&secret, "<> a <#t>.");
        let carol = format!("acl:agent <{}>; acl:mode acl:Read", self.world.webid("CAROL"));
        self.alice.rules("/alice/w/secret/", if round.is_multiple_of(2) { &carol } else { "" });
        self.alice.put("/alice/w/hidden", &format!("<> a <#{round}>."));
        self.hide(if round.is_multiple_of(2) { &["CAROL"] } else { &[] });
        assert!(self.alice.ask("DELETE", &secret, &[], "").status < 300);
        self.alice.put("/alice/w/hidden.meta", &format!("<> <#about> {round}."));
        self.alice.put("/alice/elsewhere/x", &format!("<> a <#{round}>."));
        self.carol.put(&format!("/carol/c{round}"), "");
        self.carol.get("/alice/w/r").is_problem(403);
        assert_eq!(self.carol.ask("PUT", "/alice/w/r", &[TURTLE], "<> a <#eve>.").status, 403);
        self.subscribe(&self.alice, "WebSocketChannel2023", &["/alice/w/"], json!({}));
        self.subscribe(&self.carol, "EventSourceChannel2023", &["/carol/"], json!({}));
    }

    fn subscribe(&self, agent: &Agent, kind: &str, topics: &[&str], more: Value) -> String {
        split(self.made(agent, kind, topics, more).json()["receiveFrom"].as_str().unwrap()).1
    }

    fn made(&self, agent: &Agent, kind: &str, topics: &[&str], more: Value) -> Reply {
        let topics: Vec<_> = topics.iter().map(|topic| self.world.url(topic)).collect();
        let mut body = json!({ "@context": [N1], "type": kind, "topic": topics });
        if let Value::Object(more) = more {
            body.as_object_mut().unwrap().extend(more);
        }
        let told = agent.ask("POST", &format!("/.notifications/{kind}/"), &[LD], body.to_string());
        assert_eq!(told.status, 200, "{told:?}");
        told
    }

    /// Every way in which bob can be pushed to.
    fn hooks(&self) -> Vec<Overheard> {
        let below = json!({ "urn:podbell:terms#recursive": true, "urn:podbell:terms#cursor": true });
        let chosen = json!({ "urn:podbell:terms#recursive": true, "activityType": ["Create", "Delete"] });
        let ways: [(&[&str], Value); 4] = [
            (&["/alice/w/"], json!({})),
            (&["/alice/w/"], below),
            (&["/alice/w/"], chosen),
            (&["/alice/w/", "/alice/w/r", "/bob/"], json!({})),
        ];
        let made = |(topics, mut more): (&[&str], Value)| {
            Overheard::made(|send_to| {
                more["sendTo"] = send_to.into();
                self.made(&self.bob, "WebhookChannel2023", topics, more)
            })
        };
        ways.map(made).into()
    }

    /// Every way in which bob can listen.
    fn listeners(&self) -> Vec<(String, Way)> {
        let bob = |kind: &str, topics: &[&str], more| self.subscribe(&self.bob, kind, topics, more);
        let below = json!({ "urn:podbell:terms#recursive": true, "urn:podbell:terms#cursor": true });
        let chosen = json!({ "urn:podbell:terms#recursive": true, "activityType": ["Create", "Delete"] });
        let direct = |kind: &str, topic: &str| {
            format!("/.notifications/{kind}/{}", utf8_percent_encode(&self.world.url(topic), NON_ALPHANUMERIC))
        };
        vec![
            (bob("WebSocketChannel2023", &["/alice/w/"], json!({})), Way::Socket),
            (bob("WebSocketChannel2023", &["/alice/w/"], below.clone()), Way::Socket),
            // Both projections of one change; not of the last one, which would be two ends.
            (bob("WebSocketChannel2023", &["/alice/w/", "/alice/w/n1", "/bob/"], json!({})), Way::Socket),
            (bob("EventSourceChannel2023", &["/alice/w/"], json!({})), Way::Stream("text/event-stream")),
            (bob("EventSourceChannel2023", &["/alice/w/"], below.clone()), Way::Stream("text/event-stream")),
            (bob("EventSourceChannel2023", &["/alice/w/"], chosen), Way::Stream("text/event-stream")),
            (bob("StreamingHTTPChannel2023", &["/alice/w/", "/bob/"], below), Way::Stream("application/ld+json")),
            (bob("StreamingHTTPChannel2023", &["/alice/w/"], json!({ "accept": "text/turtle" })), Way::Stream("*/*")),
            (direct("StreamingHTTPChannel2023", "/alice/w/r"), Way::Direct("text/turtle")),
            (direct("StreamingHTTPChannel2023", "/alice/w/"), Way::Direct("application/ld+json")),
            (direct("EventSourceChannel2023", "/alice/w/"), Way::Direct("text/event-stream")),
        ]
    }

    /// The same of the other dialects, on which nobody comes back.
    fn others(&self) -> Vec<(String, Way)> {
        const CONTAINERS: &[&str] = &["/alice/w/", "/alice/w/deep/er/", "/alice/last/end"];
        // A socket of `solid-0.1` is told when a listing changes, and that of `/alice/w/` shows when the hidden document
        // was written: what `inherent` leaves out of what is read has no line here.
        const BELOW: &[&str] = &["/alice/w/deep/", "/alice/w/deep/er/", "/alice/last/end"];
        const DOCUMENTS: &[&str] = &["/alice/w/r", "/alice/w/n1", "/alice/w/deep/er/n2", "/alice/last/end"];
        let lws = |kind: &str, topics: &[&str]| lws::capability(&lws::made(&self.bob, kind, topics));
        let ess = |topics: &[&str]| {
            let topics: Vec<_> = topics.iter().map(|topic| self.world.url(topic)).collect();
            ess::place(&ess::asking(&self.bob, &json!({ "topic": topics })))
        };
        let told = self.bob.get("/alice/w/");
        let updates_via = split(told.header("updates-via").unwrap()).1;
        vec![
            (lws(lws::WEBSOCKET, &["/alice/w/"]), Way::Socket),
            (lws(lws::WEBSOCKET, &["/alice/w/r"]), Way::Socket),
            (lws(lws::EVENTS, &["/alice/w/"]), Way::Stream("text/event-stream")),
            (ess(CONTAINERS), Way::Ess),
            (ess(DOCUMENTS), Way::Ess),
            (lines::PATH.to_owned(), Way::Lines(BELOW, true)),
            (lines::PATH.to_owned(), Way::Lines(DOCUMENTS, true)),
            (updates_via.clone(), Way::Lines(BELOW, false)),
            (updates_via, Way::Lines(DOCUMENTS, false)),
        ]
    }

    fn open(&self, path: &str, way: Way) -> Open {
        let mut stream = self.world.connect();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n");
        match way {
            Way::Socket | Way::Ess | Way::Lines(..) => {
                head += "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            }
            Way::Stream(accept) | Way::Direct(accept) => write!(head, "accept: {accept}\r\n").unwrap(),
        }
        match way {
            Way::Ess => head += "sec-websocket-protocol: solid-0.2\r\n",
            Way::Lines(_, true) => head += "sec-websocket-protocol: solid-0.1\r\n",
            _ => {}
        }
        if let Way::Direct(_) | Way::Lines(_, true) = way {
            for (name, value) in self.bob.credentials("GET", &self.world.url(path)) {
                write!(head, "{name}: {value}\r\n").unwrap();
            }
        }
        stream.write_all((head + "\r\n").as_bytes()).unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.push(byte[0]);
        }
        let status = String::from_utf8_lossy(&bytes).split(' ').nth(1).unwrap().to_owned();
        assert!(status == "101" || status == "200", "{way:?} {path}: {}", String::from_utf8_lossy(&bytes));
        if let Way::Lines(topics, _) = way {
            for topic in topics {
                let sub = format!("sub {}", self.world.url(topic));
                stream.write_all(&lines::masked(0x81, sub.as_bytes())).unwrap();
            }
            while String::from_utf8_lossy(&bytes).matches("ack http").count() < topics.len() {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                bytes.push(byte[0]);
            }
        }
        Open { stream, bytes, way }
    }

    /// The cursor that comes with what bob reads.
    fn cursor(&self) -> String {
        self.bob.get("/alice/w/").header("podbell-cursor").unwrap().to_owned()
    }

    /// What a GET and a HEAD of what bob knows of say, in full.
    fn readings(&self) -> String {
        let paths =
            ["/alice/w/", "/alice/w/r", "/alice/w/n0", "/alice/w/r.meta", "/alice/w/deep/er/", "/bob/", "/bob/own"];
        let refused =
            ["/alice/w/secret/", "/alice/w/secret/0", "/alice/w/hidden", "/alice/elsewhere/x", "/carol/c0", "/alice/"];
        let mut all = String::new();
        for (method, path) in ["GET", "HEAD"].into_iter().flat_map(|method| {
            paths.iter().chain(&refused).chain(&["/alice/.well-known/solid"]).map(move |path| (method, *path))
        }) {
            let Reply { status, mut headers, body } =
                self.bob.ask(method, path, &[("accept", "application/n-triples, */*;q=0.5")], "");
            headers.retain(|(name, _)| name != "date");
            let mut lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            lines.extend(String::from_utf8(body).unwrap().lines().map(str::to_owned));
            if path == "/alice/w/" {
                inherent(&mut lines);
            }
            lines.sort();
            writeln!(all, "{method} {path} {status}\n{}", lines.join("\n")).unwrap();
        }
        all
    }
}

/// What a listing says of its members belongs to the container, and is for its readers: how large the hidden document is
/// and when it was written. Without that, and without what counts its changes.
fn inherent(lines: &mut Vec<String>) {
    let of_hidden = |line: &String| line.starts_with('<') && line.contains("/alice/w/hidden> <");
    let of_secret = |line: &String| line.starts_with('<') && line.contains("/alice/w/secret/> <");
    lines.retain(|line| !of_hidden(line) && !of_secret(line) && !line.starts_with("content-length"));
    for line in lines.iter_mut().filter(|line| line.starts_with("etag")) {
        let membership = line.find(['.', '-']).unwrap_or(line.len());
        line.truncate(membership);
    }
}

/// R-EVT-4, T-Z08: nothing that a listener may not read shows in what it hears, reads or comes back to.
#[test]
fn t_z08_what_a_listener_may_not_read_changes_no_byte_of_what_it_is_told() {
    let halves = [Half::start(false), Half::start(true)];
    let told = halves.map(|half| {
        let begin = half.cursor();
        let listeners = half.listeners();
        let hooks = half.hooks();
        let others = half.others();
        let open: Vec<_> = listeners.iter().chain(&others).map(|(path, way)| half.open(path, *way)).collect();
        for round in 0..ROUNDS {
            half.hidden(round);
            half.visible(round);
        }
        half.hidden(ROUNDS);
        let readings = half.readings();
        assert!(half.alice.ask("DELETE", "/alice/w/r", &[], "").status < 300);
        half.hidden(ROUNDS + 1);
        assert!(half.alice.ask("DELETE", "/alice/last/end", &[], "").status < 300);
        let live: Vec<_> = open.into_iter().map(Open::heard).collect();
        // The same again, by whoever was away all the while.
        let late = listeners.iter().enumerate().filter(|(index, _)| !MIXED.contains(index));
        let late: Vec<_> =
            late.map(|(_, (path, way))| half.open(&format!("{path}?since={begin}"), *way).heard()).collect();
        let last = half.world.url("/alice/w/r");
        let pushed = hooks.into_iter().map(|hook| hook.heard(&half.bob, &last));
        let all = live.into_iter().chain(late).chain(pushed).chain([readings]);
        all.map(|text| normal(half.world, &text)).collect::<Vec<_>>()
    });
    let [quiet, crowded] = &told;
    assert_eq!(quiet.len(), crowded.len());
    for (index, (quiet, crowded)) in quiet.iter().zip(crowded).enumerate() {
        let common = quiet.lines().zip(crowded.lines()).take_while(|(quiet, crowded)| quiet == crowded).count();
        let rest = |text: &str| text.lines().skip(common).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(rest(quiet), rest(crowded), "listener {index}, from line {common}");
        let is_reading = index + 1 == told[0].len();
        let silent = !crowded.contains("secret/") && !crowded.contains("hidden") && !crowded.contains("carol");
        assert!(is_reading || silent, "listener {index}: {crowded}");
    }
}

/// The listeners to several storages, for whom a cursor that was read is not made.
const MIXED: [usize; 2] = [2, 6];
