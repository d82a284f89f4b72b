//! Who speaks on the legacy socket: by the URL of `Updates-Via`, by the headers of the opening, by `auth` and `dpop`, by a
//! proof in the place of a topic. What is not proved to the letter is anybody's.

use super::{
    credentials::{ISSUER, claims},
    socket::{Socket, opening},
    world::{ALICE, ANYBODY, Agent, BOB, WORLD, World, container, for_bob, head, public, split, unique, until},
};
use podbell_model::Timestamp;
use serde_json::Value;

const SOCKET: &str = "/.notifications/solid-0.1";

/// A conversation.
struct Talk(Socket);

impl Talk {
    fn open(path: &str, headers: &[(&str, &str)]) -> Self {
        Self::open_at(&WORLD, path, headers).unwrap_or_else(|status| panic!("{path}: {status}"))
    }

    fn open_at(world: &World, path: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let headers: Vec<_> = headers.iter().copied().chain([("sec-websocket-protocol", "solid-0.1")]).collect();
        let mut talk = Self(Socket::try_open(world, path, &headers)?.0);
        assert_eq!(talk.line(), "protocol solid-0.1");
        Ok(talk)
    }

    fn anybody() -> Self {
        Self::open(SOCKET, &[])
    }

    fn say(&mut self, line: &str) -> &mut Self {
        let mut frame = vec![0x81];
        match u16::try_from(line.len()).unwrap() {
            length @ ..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length => frame.extend([&[0xfe][..], &length.to_be_bytes()].concat()),
        }
        frame.extend([0; 4]);
        frame.extend(line.as_bytes());
        self.0.send(&frame);
        self
    }

    /// The next line.
    #[track_caller]
    fn line(&mut self) -> String {
        loop {
            match self.0.frame().expect("the socket is open") {
                (1, text) => return String::from_utf8(text).unwrap(),
                (9, _) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// What is answered to a `sub`.
    #[track_caller]
    fn sub(&mut self, url: &str) -> String {
        self.say(&format!("sub {url}")).line()
    }

    #[track_caller]
    fn hears(&mut self, url: &str) {
        assert_eq!(self.sub(url), format!("ack {url}"));
    }

    #[track_caller]
    fn is_refused(&mut self, url: &str) {
        assert_eq!(self.sub(url), format!("err {url} forbidden"));
    }

    /// Nothing was said that was not read yet.
    #[track_caller]
    fn is_quiet(&mut self) {
        assert_eq!(self.say("ping quiet").line(), "pong quiet");
    }
}

/// A private document of alice, for bob and whom `also` names in Turtle; its URL and name.
fn document(name: &str, rules: &str) -> (String, String) {
    let path = format!("{}doc", container(&format!("identity-{name}"), rules));
    ALICE.put(&path, "");
    (WORLD.url(&path), path)
}

/// For the agent of the tests' own issuer, whose key is that of [`ANYBODY`].
fn for_own() -> String {
    format!("acl:agent <{}>; acl:mode acl:Read", ISSUER.1)
}

/// A token of the tests' own issuer.
fn token(change: impl FnOnce(&mut Value)) -> String {
    ISSUER.0.key.sign_token("at+jwt", &claims(change)).unwrap()
}

fn prove(agent: &Agent, method: &str, url: &str) -> String {
    agent.key.prove(method, url, &unique("line"), Timestamp::now(), None).unwrap()
}

fn auth(agent: &Agent) -> String {
    format!("auth DPoP {}", agent.token.as_ref().unwrap())
}

fn here() -> String {
    WORLD.url(SOCKET)
}

/// The path in `Updates-Via`.
fn via(agent: &Agent, path: &str) -> String {
    split(agent.get(path).header("updates-via").unwrap()).1
}

#[test]
fn a_capability_speaks_for_its_agent_in_its_storage_alone_and_only_of_what_may_be_read() {
    let (doc, path) = document("capability", &for_bob("acl:Read"));
    let (hidden, _) = document("capability-hidden", "");
    let own = "/bob/identity-own";
    BOB.put(own, "");
    let mut bob = Talk::open(&via(&BOB, &path), &[]);
    bob.hears(&doc);
    bob.is_refused(&hidden);
    bob.is_refused(&WORLD.url("/bob/.acl"));
    Talk::open(&via(&BOB, own), &[]).hears(&WORLD.url("/bob/.acl"));
    Talk::open(&via(&ANYBODY, &path), &[]).is_refused(&doc);
    ALICE.put(&path, "<> a <#x> .");
    assert_eq!(bob.line(), format!("pub {doc}"));
    ALICE.rules(path.strip_suffix("doc").unwrap(), "");
    ALICE.put(&path, "<> a <#y> .");
    assert_eq!(bob.line(), format!("err {doc} forbidden"));
    bob.is_quiet();
    bob.is_refused(&doc);
}

#[test]
fn what_is_no_capability_opens_nothing_and_an_ended_one_is_told_alike() {
    let world: &'static World = Box::leak(Box::new(World::start(&[("PODBELL_SOLID_0_1_CAPABILITY_LIFE", "8s")])));
    let alice = world.log_in("ALICE");
    let path = via(&alice, "/alice/");
    let (private, open) = (world.url("/alice/"), world.url("/alice/profile/card"));
    let mut talk = Talk::open_at(world, &path, &[]).unwrap_or_else(|status| panic!("{status}"));
    talk.hears(&private);
    talk.hears(&open);
    // It ends: what is private is heard no more, what is public goes on, and nothing was missed.
    let mut lines = [talk.line(), talk.line()];
    lines.sort();
    assert_eq!(lines, [format!("err {private} forbidden"), format!("pub {open}")]);
    until("the capability has ended", || Talk::open_at(world, &path, &[]).err() == Some(403));
    let ended = world.raw(opening(&path, &[]));
    ended.is_problem(403);
    for none in ["x", "%00", &"A".repeat(200), &"a".repeat(1_500), &via(&ALICE, "/alice/")[SOCKET.len() + 1..]] {
        let told = world.raw(opening(&format!("{SOCKET}/{none}"), &[]));
        assert_eq!((told.status, told.text()), (403, ended.text()), "{none}");
    }
    world.stop("9");
}

#[test]
fn an_opening_with_both_headers_speaks_for_who_sends_them() {
    let (doc, _) = document("headers", &for_bob("acl:Read"));
    let open = |url: &str, method| {
        let own = [("authorization", auth(&BOB)["auth ".len()..].to_owned()), ("dpop", prove(&BOB, method, url))];
        let headers: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Talk::open_at(&WORLD, SOCKET, &headers)
    };
    for url in [here(), here().replace("http", "ws")] {
        open(&url, "GET").unwrap_or_else(|status| panic!("{status}")).hears(&doc);
    }
    for (url, method) in [(here(), "POST"), (doc.clone(), "GET"), (format!("{}/x", here()), "GET")] {
        assert_eq!(open(&url, method).err(), Some(401), "{method} {url}");
    }
    let bearer = format!("Bearer {}", BOB.token.as_ref().unwrap());
    for headers in [
        &[("authorization", &*bearer)][..],
        &[("authorization", "Basic YTpi")],
        &[("authorization", "DPoP a.b.c"), ("authorization", "DPoP a.b.c")],
    ] {
        assert_eq!(Talk::open_at(&WORLD, SOCKET, headers).err(), Some(401), "{headers:?}");
    }
}

#[test]
fn a_token_in_the_opening_waits_for_its_proof() {
    let (doc, _) = document("waits", &for_bob("acl:Read"));
    let authorization = auth(&BOB)["auth ".len()..].to_owned();
    let mut talk = Talk::open(SOCKET, &[("authorization", &authorization)]);
    talk.is_refused(&doc);
    let proof = prove(&BOB, "SUB", &doc);
    assert_eq!(talk.say(&format!("sub {proof}")).line(), format!("ack {doc}"));
}

#[test]
fn auth_and_dpop_speak_for_the_agent_and_what_was_refused_is_tried_once_more() {
    let (doc, path) = document("lines", &for_bob("acl:Read"));
    let (hidden, _) = document("lines-hidden", "");
    for (method, url) in [("GET", here()), ("get", here().replace("http", "ws")), ("Sub", format!("{}?x", here()))] {
        let mut talk = Talk::anybody();
        talk.is_refused(&doc);
        talk.is_refused(&hidden);
        talk.say(&auth(&BOB));
        talk.is_quiet();
        talk.say(&format!("dpop {}", prove(&BOB, method, &url)));
        assert_eq!(talk.line(), format!("ack {doc}"));
        talk.is_quiet();
        talk.is_refused(&hidden);
        ALICE.put(&path, &format!("<> a <#{method}> ."));
        assert_eq!(talk.line(), format!("pub {doc}"));
    }
}

#[test]
fn what_does_not_prove_it_to_the_letter_makes_nobody_of_anybody() {
    let (doc, _) = document("attacks", &for_bob("acl:Read"));
    let good = auth(&BOB);
    let used = prove(&BOB, "GET", &here());
    let requested = prove(&BOB, "GET", &WORLD.url("/bob/"));
    let request = [("authorization", &good["auth ".len()..]), ("dpop", &requested)];
    let told = WORLD.raw(head("GET", "/bob/", &request, None));
    assert_eq!(told.status, 200, "{told:?}");
    Talk::anybody().say(&good).say(&format!("dpop {used}")).hears(&doc);

    let bearer = good.replace("DPoP", "Bearer");
    let now = Timestamp::now().as_second();
    let expired = format!("auth DPoP {}", token(|claims| claims["exp"] = (now - 600).into()));
    let unbound = format!("auth DPoP {}", token(|claims| drop(claims.as_object_mut().unwrap().remove("cnf"))));
    let fresh = |method, url: &str| prove(&BOB, method, url);
    for (auth, proof, why) in [
        (&*good, &used, "used on another socket"),
        (&good, &requested, "used in a request"),
        (&good, &prove(&ANYBODY, "GET", &here()), "by another key"),
        (&good, &fresh("POST", &here()), "for another method"),
        (&good, &fresh("GET", "http://evil.example/.notifications/solid-0.1"), "for another host"),
        (&good, &fresh("GET", &format!("{}/capability", here())), "for the socket of somebody else"),
        (&good, &fresh("GET", "http://localhost:1/x"), "for no resource of this server"),
        (&bearer, &fresh("GET", &here()), "with a bearer"),
        (&expired, &prove(&ANYBODY, "GET", &here()), "with an expired token"),
        (&unbound, &prove(&ANYBODY, "GET", &here()), "with an unbound token"),
        ("auth DPoP a.b.c", &fresh("GET", &here()), "with no token"),
        ("ping", &fresh("GET", &here()), "with nothing"),
    ] {
        let mut talk = Talk::anybody();
        let mut told = talk.say(auth).say(&format!("dpop {proof}")).line();
        if auth == "ping" {
            told = talk.line();
        }
        assert!(told.starts_with("error "), "{why}: {told}");
        talk.is_quiet();
        talk.is_refused(&doc);
        // It stays open, and whoever proves it is let in.
        talk.say(&good).say(&format!("dpop {}", fresh("GET", &here())));
        assert_eq!(talk.line(), format!("ack {doc}"), "{why}");
    }
    // And the reverse: what was used on a socket is of no use in a request.
    let said = prove(&BOB, "GET", &WORLD.url("/bob/"));
    Talk::anybody().say(&good).say(&format!("dpop {said}")).is_quiet();
    let request = [("authorization", &good["auth ".len()..]), ("dpop", &said)];
    WORLD.raw(head("GET", "/bob/", &request, None)).is_problem(401);
}

#[test]
fn dpop_before_auth_proves_nothing_and_of_two_tokens_the_last_counts() {
    let (doc, _) = document("order", &for_bob("acl:Read"));
    let mut talk = Talk::anybody();
    let early = prove(&BOB, "GET", &here());
    assert!(talk.say(&format!("dpop {early}")).line().starts_with("error "));
    talk.say(&auth(&BOB));
    talk.is_refused(&doc);
    let other = format!("auth DPoP {}", token(|_| ()));
    assert!(talk.say(&other).say(&format!("dpop {early}")).line().starts_with("error "), "the key of bob's token");
    talk.say(&auth(&BOB)).say(&format!("dpop {early}"));
    assert_eq!(talk.line(), format!("ack {doc}"));
    let huge = format!("auth DPoP {}", "x".repeat(9_000));
    assert!(talk.say(&huge).line().starts_with("error "));
    talk.is_quiet();
}

#[test]
fn a_proof_in_the_place_of_a_topic_is_answered_in_its_spelling_and_speaks_for_that_topic_alone() {
    let (doc, path) = document("forum", &for_bob("acl:Read"));
    let other = ALICE.put(&format!("{path}-2"), "");
    assert!(other.status < 300);
    let spelled = format!("{}?ignored", doc.replace("identity-forum", "%69dentity-forum"));
    let claims = |htm: &str, htu: &str| serde_json::json!({ "jti": unique("forum"), "htm": htm, "htu": htu, "iat": Timestamp::now().as_second() });
    let header = serde_json::json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": BOB.key.public_value() });
    let proof = |htm: &str, htu: &str| BOB.key.sign_parts(&header, &claims(htm, htu)).unwrap();
    for htm in ["sub", "SUB", "Sub"] {
        let mut talk = Talk::anybody();
        assert!(talk.say(&format!("sub {}", proof(htm, &doc))).line().starts_with("error "), "without a token");
        talk.say(&auth(&BOB));
        let plain = spelled.trim_end_matches("?ignored");
        assert_eq!(talk.say(&format!("sub {}", proof(htm, plain))).line(), format!("ack {plain}"));
        talk.is_refused(&format!("{doc}-2"));
        ALICE.put(&path, &format!("<> a <#{htm}> ."));
        assert_eq!(talk.line(), format!("pub {plain}"));
        for (htm, htu) in [("GET", &*doc), ("POST", &doc), ("sub", &here()), ("sub", "http://evil.example/alice/x")] {
            assert!(talk.say(&format!("sub {}", proof(htm, htu))).line().starts_with("error "), "{htm} {htu}");
        }
        let twice = proof("sub", &format!("{doc}-2"));
        assert_eq!(talk.say(&format!("sub {twice}")).line(), format!("ack {doc}-2"));
        assert!(talk.say(&format!("sub {twice}")).line().starts_with("error "));
    }
    let private = proof("sub", &WORLD.url("/alice/.acl"));
    let told = Talk::anybody().say(&auth(&BOB)).say(&format!("sub {private}")).line();
    assert_eq!(told, format!("err {} forbidden", WORLD.url("/alice/.acl")), "who it is, is no permission");
}

#[test]
fn dpop_for_a_resource_speaks_for_that_resource_alone() {
    let (doc, path) = document("single", &for_bob("acl:Read"));
    ALICE.put(&format!("{path}-2"), "");
    let mut talk = Talk::anybody();
    talk.is_refused(&doc);
    talk.is_refused(&format!("{doc}-2"));
    talk.say(&auth(&BOB)).say(&format!("dpop {}", prove(&BOB, "GET", &doc)));
    assert_eq!(talk.line(), format!("ack {doc}"));
    talk.is_quiet();
    talk.is_refused(&format!("{doc}-2"));
    talk.say(&format!("dpop {}", prove(&BOB, "GET", &here())));
    assert_eq!(talk.line(), format!("ack {doc}-2"));
}

#[test]
fn an_identity_ends_with_its_token_unless_it_is_proved_again() {
    let (doc, _) = document("ends", &for_own());
    let (open, _) = document("ends-open", &public("acl:Read"));
    let short = || {
        let now = Timestamp::now().as_second();
        format!("auth DPoP {}", token(|claims| claims["exp"] = (now + 6).into()))
    };
    let log_in = |talk: &mut Talk, auth: &str| {
        talk.say(auth).say(&format!("dpop {}", prove(&ANYBODY, "GET", &here())));
        talk.is_quiet();
    };
    let mut ends = Talk::anybody();
    let mut goes_on = Talk::anybody();
    for talk in [&mut ends, &mut goes_on] {
        log_in(talk, &short());
        talk.hears(&doc);
        talk.hears(&open);
    }
    log_in(&mut goes_on, &format!("auth DPoP {}", token(|_| ())));
    let mut lines = [ends.line(), ends.line()];
    lines.sort();
    assert_eq!(lines, [format!("err {doc} forbidden"), format!("pub {open}")]);
    let mut lines = [goes_on.line(), goes_on.line()];
    lines.sort();
    assert_eq!(lines, [format!("pub {open}"), format!("pub {doc}")], "what came in between is made up for");
    ends.is_refused(&doc);
    goes_on.hears(&doc);
}

#[test]
fn when_somebody_else_logs_in_what_the_former_one_heard_ends() {
    let (doc, path) = document("another", &for_bob("acl:Read"));
    let (own, _) = document("another-own", &for_own());
    let (open, _) = document("another-open", &public("acl:Read"));
    let mut talk = Talk::anybody();
    talk.hears(&open);
    talk.say(&auth(&BOB)).say(&format!("dpop {}", prove(&BOB, "GET", &here())));
    talk.hears(&doc);
    talk.is_refused(&own);
    talk.say(&format!("auth DPoP {}", token(|_| ()))).say(&format!("dpop {}", prove(&ANYBODY, "GET", &here())));
    let mut lines = [talk.line(), talk.line()];
    lines.sort();
    assert_eq!(lines, [format!("ack {own}"), format!("err {doc} forbidden")]);
    ALICE.put(&path, "<> a <#x> .");
    talk.is_quiet();
    talk.hears(&open);
}
