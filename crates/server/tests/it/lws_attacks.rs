//! What strangers try at the door of Linked Web Storage: to go on with somebody else's stream, to use up what they cannot
//! open, to learn what others are subscribed to, to keep the server busy with itself, to be whom they are not.

use super::{
    ess,
    issuer::Issuer,
    lws::{CONTEXT, ENDPOINT, EVENTS, TYPE, WEBHOOK, WEBSOCKET, ask, capability, events, fact, listed, made, managed},
    lws::{open, short},
    socket::Socket,
    streams::{Stream, subscribe},
    world::{ALICE, ANYBODY, Agent, BOB, Reply, WORLD, World, container, for_bob, public, split, unique, until},
};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::{Value, json};
use std::sync::LazyLock;

fn topic(name: &str) -> String {
    container(&format!("lwsx-{name}"), &for_bob("acl:Read"))
}

/// The place in the history that an answer to a GET names.
fn place(agent: &Agent, path: &str) -> String {
    agent.get(path).header("podbell-cursor").unwrap().to_owned()
}

/// The next id of a stream that has told nothing yet.
fn first_id(stream: &mut Stream) -> String {
    loop {
        let block = stream.block().unwrap();
        assert!(!block.contains("data:"), "{block}");
        if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
            return id.to_owned();
        }
    }
}

/// A URL that was seen in a log opens nothing once it was used, whatever place in the history somebody names: only what
/// was told on that very stream goes on with it.
#[test]
fn who_found_a_streams_url_does_not_go_on_with_it() {
    let (at, open_to_all) = (topic("taken"), container("lwsx-open", &public("acl:Read")));
    ALICE.put(&format!("{open_to_all}r"), "");
    let (mut bob, made) = events(&BOB, &[&at]);
    let (mut other, _) = events(&BOB, &[&at]);
    let places = [
        ("the public's", place(&ANYBODY, &format!("{open_to_all}r"))),
        ("another agent's", place(&ALICE, &at)),
        ("the agent's own, from a GET", place(&BOB, &at)),
        ("of another stream of the agent", first_id(&mut other)),
    ];
    let taken = |when: &str| {
        for (whose, place) in &places {
            assert_eq!(open(&BOB, &made, &[("last-event-id", place)]).head.status, 204, "{whose}, {when}");
            let since = format!("{}?since={place}", capability(&made));
            assert_eq!(ANYBODY.get(&since).status, 204, "{whose}, in the query, {when}");
        }
    };
    taken("while it is heard");
    ALICE.put(&format!("{at}n"), "");
    let (_, id, told) = bob.event().unwrap();
    assert_eq!(short(&told), fact("Create", format!("{at}n")), "none of that has disturbed who is there");
    drop(bob);
    taken("in the grace");
    ALICE.put(&format!("{at}m"), "");
    let mut bob = open(&BOB, &made, &[("last-event-id", &id)]).opened();
    assert_eq!(short(&bob.event().unwrap().2), fact("Create", format!("{at}m")), "whose it is goes on");
}

/// Right after its opening a stream names a place to come back with, also when it is come back to with less topics.
#[test]
fn who_has_lost_a_topic_goes_on_with_the_rest() {
    let (kept, lost) = (topic("left"), topic("lost"));
    let (mut bob, made) = events(&BOB, &[&kept, &lost]);
    let id = first_id(&mut bob);
    drop(bob);
    ALICE.rules(&lost, "");
    ALICE.put(&format!("{lost}secret"), "");
    ALICE.put(&format!("{kept}n"), "");
    let mut bob = open(&BOB, &made, &[("last-event-id", &id)]).opened();
    let (_, id, told) = bob.event().unwrap();
    assert_eq!(short(&told), fact("Create", format!("{kept}n")));
    drop(bob);
    ALICE.put(&format!("{kept}m"), "");
    let mut bob = open(&BOB, &made, &[("last-event-id", &id)]).opened();
    assert_eq!(short(&bob.event().unwrap().2), fact("Create", format!("{kept}m")));
}

/// What opens once is not used up by whoever asks in the wrong way.
#[test]
fn what_one_door_gave_opens_no_other_and_is_not_used_up_there() {
    let at = topic("doors");
    let (lws_socket, lws_events) = (made(&BOB, WEBSOCKET, &[&at]), made(&BOB, EVENTS, &[&at]));
    let gateway = ess::subscribe(&BOB, &at);
    let solid = subscribe(&BOB, "WebSocketChannel2023", &at, json!({}));
    let of_solid = split(solid.json()["receiveFrom"].as_str().unwrap()).1;
    let legacy = split(BOB.get(&at).header("updates-via").unwrap()).1;
    let secret = |path: &str| path.rsplit(['/', '=']).next().unwrap().to_owned();
    let secrets =
        [capability(&lws_socket), capability(&lws_events), ess::place(&gateway), of_solid.clone(), legacy.clone()]
            .map(|path| secret(&path));
    let no_socket = |path: String, headers: &[(&str, &str)]| {
        let status = Socket::try_open(&WORLD, &path, headers).err();
        assert!(status.is_some_and(|status| (400..500).contains(&status)), "{path}: {status:?}");
    };
    for (number, secret) in secrets.iter().enumerate() {
        let connect = format!("/.notifications/connect/{secret}");
        let (at_ess, at_legacy) =
            (format!("/.notifications/ess/?auth={secret}"), format!("/.notifications/solid-0.1/{secret}"));
        if number != 2 {
            no_socket(at_ess, &[ess::SUBPROTOCOL]);
        }
        if number != 4 {
            no_socket(at_legacy, &[]);
        }
        if ![0, 3].contains(&number) {
            no_socket(connect.clone(), &[]);
        }
        if number != 1 {
            assert!((400..500).contains(&ANYBODY.get(&connect).status), "{number}");
        }
        // Nor do methods that open nothing.
        for method in ["POST", "DELETE", "OPTIONS", "PUT"] {
            ANYBODY.ask(method, &connect, &[], "");
        }
    }
    let mut stream = open(&BOB, &lws_events, &[]).opened();
    let mut sockets = [Socket::open(&capability(&lws_socket), &[]).0, Socket::open(&of_solid, &[]).0];
    let mut of_ess = ess::open(&WORLD, &gateway);
    assert!(Socket::try_open(&WORLD, &legacy, &[]).is_ok());
    ALICE.put(&format!("{at}n"), "");
    assert_eq!(short(&stream.event().unwrap().2), fact("Create", format!("{at}n")));
    for socket in &mut sockets {
        socket.heard();
    }
    of_ess.heard();
}

/// Whatever a stranger sends along, somebody else's subscription looks like none.
#[test]
fn no_condition_tells_a_subscription_of_somebody_else_from_none() {
    let at = topic("hidden");
    let theirs = managed(&made(&BOB, WEBSOCKET, &[&at]));
    let none = format!("{ENDPOINT}018f0000-0000-7000-8000-000000000000");
    let carol = |agent: &Agent, path: &str, method: &str, headers: &[(&str, &str)]| {
        let told = agent.ask(method, path, headers, "");
        let kept = ["content-type", "allow", "vary", "cache-control", "etag", "link", "www-authenticate"];
        let headers: Vec<_> = told.headers.iter().filter(|(name, _)| kept.contains(&&**name)).cloned().collect();
        (told.status, headers, told.text().replace(path, ""))
    };
    let tag = BOB.get(&theirs).header("etag").unwrap().to_owned();
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH"] {
        for headers in [&[][..], &[("if-none-match", "*")], &[("if-match", &tag)], &[("if-match", "\"x\"")]] {
            let told = carol(&ANYBODY, &theirs, method, headers);
            assert_eq!(told, carol(&ANYBODY, &none, method, headers), "{method} {headers:?}");
            assert!(!matches!(told.0, 304 | 412));
        }
    }
    // A place in somebody's list is a place in one's own.
    let second = managed(&made(&BOB, WEBSOCKET, &[&at]));
    let created = Timestamp::now().as_nanosecond();
    for after in
        [format!("0.{}", "0".repeat(32)), format!("{created}.{}", "f".repeat(32)), format!("-1.{}", "0".repeat(32))]
    {
        let told = ALICE.get(&format!("{ENDPOINT}?after={after}"));
        assert_eq!(told.status, 200, "{told:?}");
        assert!(!told.text().contains(&theirs) && !told.text().contains(&second));
    }
    let long = "9".repeat(400);
    for after in ["", "x", "1", "1.x", "1.", &*format!("{long}.{}", "0".repeat(32)), "%00", "1.0&after=1.0"] {
        ALICE.get(&format!("{ENDPOINT}?after={after}")).is_problem(400);
    }
    assert!(listed(&BOB).contains(&theirs));
}

/// An inbox below what it is told of would be told of its own messages, for ever.
#[test]
fn an_inbox_inside_its_topic_is_not_told_of_what_it_was_told() {
    let at = topic("loop");
    let inbox = format!("{at}inbox/");
    ALICE.put(&inbox, "");
    let sender = WORLD.url("/.notifications/sender");
    ALICE.rules(
        &inbox,
        &format!(
            "acl:agent <{sender}>; acl:mode acl:Append .\n<#own> a acl:Authorization; acl:accessTo <{}>; \
                  acl:default <{0}>; acl:agent <{}>; acl:mode acl:Read",
            WORLD.url(&inbox),
            WORLD.webid("BOB")
        ),
    );
    let told = ask(&BOB, WEBHOOK, &[&at], &json!({ "inbox": WORLD.url(&inbox) }));
    assert_eq!(told.status, 200, "{told:?}");
    let members = || {
        let told = ALICE.ask("GET", &inbox, &[("accept", "application/n-triples")], "").text();
        told.lines().filter(|line| line.contains("ldp#contains>")).count()
    };
    for round in 1..=3 {
        ALICE.put(&format!("{at}{round}"), "");
        until("it is told", || members() >= round);
    }
    // What goes to one inbox goes in order: had its own messages been told, they would be there before the last.
    assert_eq!(members(), 3);
}

static SERVER: LazyLock<Issuer> = LazyLock::new(Issuer::start);
static TRUSTING: LazyLock<World> =
    LazyLock::new(|| World::start(&[("PODBELL_LWS_AUTHORIZATION_SERVERS", &SERVER.url)]));

fn bearer(header: &Value, change: impl FnOnce(&mut Value)) -> Reply {
    let now = Timestamp::now().as_second();
    let mut claims = json!({ "iss": SERVER.url, "sub": TRUSTING.webid("ALICE"), "aud": format!("{}/", TRUSTING.origin),
        "client_id": "c", "iat": now, "exp": now + 300, "jti": unique("lwsx-token") });
    change(&mut claims);
    present(&SERVER.key.sign_parts(header, &claims).unwrap())
}

fn present(token: &str) -> Reply {
    let body = json!({ "@context": CONTEXT, "type": WEBSOCKET, "topic": [TRUSTING.url("/alice/")] }).to_string();
    TRUSTING.stranger().ask("POST", ENDPOINT, &[TYPE, ("authorization", &format!("Bearer {token}"))], body)
}

/// What is wrong with a token.
type Change = fn(&mut Value);

/// RFC 8725: no algorithm but those of signatures, no key that the token brings along, no other kind of token.
#[test]
fn a_bearer_token_is_signed_by_its_server_in_earnest() {
    let kid = SERVER.key.thumbprint();
    let good = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid });
    assert_eq!(bearer(&good, |_| ()).status, 200);
    let own = SigningKey::generate(Algorithm::Es256).unwrap();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", json!("es256")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("logout+jwt")),
        ("kid", json!("../../x")),
        ("kid", json!(7)),
        ("jwk", json!({ "kty": "EC" })),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
    ] {
        let mut header = good.clone();
        header[name] = value.clone();
        assert_eq!(bearer(&header, |_| ()).status, 401, "{name}: {value}");
    }
    let changes: [(&str, Change); 12] = [
        ("a realm without its slash", |claims| claims["aud"] = json!(TRUSTING.origin.clone())),
        ("a realm in capitals", |claims| claims["aud"] = json!(format!("{}/", TRUSTING.origin.to_uppercase()))),
        ("no realm", |claims| claims["aud"] = json!([])),
        ("a realm in a list in a list", |claims| claims["aud"] = json!([[format!("{}/", TRUSTING.origin)]])),
        ("the realm twice", |claims| {
            let realm = format!("{}/", TRUSTING.origin);
            claims["aud"] = json!([realm.clone(), realm]);
        }),
        ("another spelling of the issuer", |claims| claims["iss"] = json!(format!("{}/.", SERVER.url))),
        ("a list of issuers", |claims| claims["iss"] = json!([SERVER.url.clone()])),
        ("a key that it is bound to", |claims| claims["cnf"] = json!({ "jkt": "x" })),
        ("no end", |claims| claims["exp"] = Value::Null),
        ("an agent that is no web address", |claims| claims["sub"] = json!("javascript:alert(1)")),
        ("an agent with a name and password", |claims| claims["sub"] = json!("https://a:b@host.example/#me")),
        ("a client that is no text", |claims| claims["client_id"] = json!(["c"])),
    ];
    for (what, change) in changes {
        assert_eq!(bearer(&good, change).status, 401, "{what}");
    }
    // A signature of nobody, cut and empty.
    let token = own.sign_token("at+jwt", &json!({ "iss": SERVER.url })).unwrap();
    let (head, _) = token.rsplit_once('.').unwrap();
    for token in [&*token, head, &format!("{head}."), "..", ""] {
        assert_eq!(present(token).status, 401, "{token}");
    }
    for twice in [&["Bearer a.b.c", "Bearer a.b.c"][..], &["Bearer a.b.c", "DPoP a.b.c"]] {
        let headers: Vec<_> = twice.iter().map(|value| ("authorization", *value)).collect();
        assert_eq!(TRUSTING.stranger().ask("GET", ENDPOINT, &headers, "").status, 401);
    }
}
