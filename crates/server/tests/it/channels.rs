//! `/.notifications/channels/…`: whose they are, and how they end.

use super::{
    connect::{Socket, opening, receive_from},
    services::subscribe,
    world::{ALICE, ANYBODY, BOB, Reply, WORLD, container, for_bob, public, split},
};

fn id_of(channel: &Reply) -> String {
    split(channel.json()["id"].as_str().unwrap()).1
}

/// R-LIFE-1, R-LIFE-2.
#[test]
fn t_q02_t_q05_strangers_cannot_tell_a_channel_from_none() {
    let at = container("strangers", &for_bob("acl:Read"));
    let mine = id_of(&subscribe(&ALICE, &at));
    let ended = id_of(&subscribe(&ALICE, &at));
    assert_eq!(ALICE.ask("DELETE", &ended, &[], "").status, 204);
    let none = "/.notifications/channels/00000000-0000-4000-8000-000000000000";
    for method in ["GET", "HEAD", "DELETE"] {
        let told = |path: &str| {
            let (nobody, stranger) = (ANYBODY.ask(method, path, &[], ""), BOB.ask(method, path, &[], ""));
            (nobody.status, nobody.text(), stranger.status, stranger.text())
        };
        let expected = told(none);
        assert_eq!((expected.0, expected.2), (401, 403), "{method}");
        for path in [
            &*mine,
            &*ended,
            "/.notifications/channels/x",
            "/.notifications/channels/%2e%2e",
            "/.notifications/channels/%ff0",
        ] {
            let told = told(path);
            assert!(told == expected || (told.0, told.2) == (400, 400), "{method} {path}: {told:?}");
        }
        assert_eq!(told(&mine), expected);
        assert_eq!(told(&ended), expected);
    }
    assert_eq!(ALICE.get(&mine).status, 200, "nobody has ended it");
    ALICE.get(&ended).is_problem(410);
    for method in ["PUT", "POST", "PATCH"] {
        let told = BOB.ask(method, &mine, &[], "x");
        assert!(matches!(told.status, 403 | 405), "{told:?}");
    }
}

/// R-LIFE-1, R-AUTH-5.
#[test]
fn t_q05_a_channel_is_shown_without_its_capability() {
    let at = container("shown", "");
    let channel = subscribe(&ALICE, &at);
    let capability = receive_from(&channel).rsplit('/').next().unwrap().to_owned();
    for accept in ["application/ld+json", "text/turtle", "application/n-triples"] {
        let told = ALICE.ask("GET", &id_of(&channel), &[("accept", accept)], "");
        assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")));
        assert!(told.text().contains(&WORLD.url(&at)) && !told.text().contains(&capability), "{}", told.text());
    }
    assert!(!id_of(&channel).contains(&capability));
}

/// R-LIFE-2, R-LIFE-3.
#[test]
fn t_q01_t_q03_deleting_a_channel_closes_its_sockets_and_its_capability() {
    let at = container("deleting", &for_bob("acl:Read"));
    let channel = subscribe(&BOB, &at);
    let (mut socket, path) = (Socket::of(&channel), receive_from(&channel));
    assert_eq!(BOB.ask("DELETE", &id_of(&channel), &[], "").status, 204);
    ALICE.put(&format!("{at}x"), "");
    assert_eq!(socket.closed(), Some(1000));
    WORLD.raw(opening(&path, &[("connection", "upgrade, close")])).is_problem(410);
    BOB.get(&id_of(&channel)).is_problem(410);
    BOB.ask("DELETE", &id_of(&channel), &[], "").is_problem(410);
    // The owner of the storage may end what others listen with.
    let channel = subscribe(&BOB, &at);
    let mut socket = Socket::of(&channel);
    assert_eq!(ALICE.ask("DELETE", &id_of(&channel), &[], "").status, 204);
    assert_eq!(socket.closed(), Some(1000));
}

/// R-LIFE-2.
#[test]
fn a_channel_of_the_public_is_for_whoever_knows_its_id() {
    let at = container("anonymous", &public("acl:Read"));
    let channel = subscribe(&ANYBODY, &at);
    let id = id_of(&channel);
    // Whoever says who they are is somebody else.
    BOB.get(&id).is_problem(403);
    BOB.ask("DELETE", &id, &[], "").is_problem(403);
    let next = if id.ends_with('0') { "1" } else { "0" };
    ANYBODY.get(&format!("{}{next}", &id[..id.len() - 1])).is_problem(401);
    assert_eq!(ANYBODY.ask("DELETE", &id, &[], "").status, 204);
}

/// R-AUTH-5.
#[test]
fn t_q10_the_log_holds_no_secret() {
    let at = container("logged", &public("acl:Read"));
    let channel = subscribe(&ALICE, &at);
    let path = receive_from(&channel);
    let capability = path.rsplit('/').next().unwrap();
    let mut socket = Socket::of(&channel);
    ALICE.put(&format!("{at}x"), "");
    socket.heard();
    // Wrong use is told about too; a panic or an error would be.
    WORLD.raw(opening(&path, &[("sec-websocket-version", "8")]));
    ANYBODY.ask("DELETE", &path, &[], "");
    ANYBODY.get(&format!("{path}/more"));
    ANYBODY.get(&format!("//.notifications/connect/{capability}"));
    let ess = BOB.ask(
        "POST",
        "/.notifications/ess/",
        &[("content-type", "application/json")],
        format!("{{\"topic\":\"{}\"}}", WORLD.url(&at)),
    );
    let ess = split(ess.json()["endpoint"].as_str().unwrap()).1;
    WORLD.raw(opening(&ess, &[("sec-websocket-protocol", "other")]));
    WORLD.raw(opening(&format!("{ess}x"), &[]));
    let log = WORLD.log();
    assert!(log.len() > 1_000, "there is a log");
    for secret in
        [capability, ess.rsplit('=').next().unwrap(), ALICE.token.as_ref().unwrap(), BOB.token.as_ref().unwrap()]
    {
        let shown = log.lines().find(|line| line.contains(secret));
        assert_eq!(shown, None);
    }
}
