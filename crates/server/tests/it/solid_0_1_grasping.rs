//! What somebody gets hold of on the legacy socket that is not theirs: news of what they may not read by way of its
//! container, the URL that speaks for somebody else, and for whom nobody vouches any more.

use super::{
    issuer::Issuer,
    lines::{Client, PATH},
    socket::{Socket, opening},
    world::{ALICE, ANYBODY, Agent, BOB, TURTLE, WORLD, World, container, for_bob, head, split, unique},
};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::json;
use std::io::{Read as _, Write as _};

/// A container of alice's that bob may list, and in it what he may not read.
fn shut_in(name: &str) -> (String, String) {
    let at = container(&format!("grasp-{name}"), &for_bob("acl:Read"));
    let shut = format!("{at}shut");
    ALICE.put(&shut, "");
    ALICE.rules(&shut, "");
    assert_eq!(BOB.get(&shut).status, 403);
    (at, shut)
}

/// Which listing of it bob reads now.
fn listing(at: &str) -> String {
    BOB.get(at).header("etag").unwrap().to_owned()
}

/// A `pub` of a container says no more of a member than its listing, which whoever may read the container reads anyway.
#[test]
fn a_container_tells_no_more_of_a_member_than_its_listing_does() {
    let (at, shut) = shut_in("member");
    let mut bob = Client::open(&BOB);
    bob.sub(&at);
    assert_eq!(bob.asks_for(&shut), format!("err {shut} forbidden"));
    let delete = |path: &str| assert_eq!(ALICE.ask("DELETE", path, &[], "").status, 204, "{path}");
    let acts: [(&str, &dyn Fn()); 7] = [
        ("its rules", &|| drop(ALICE.rules(&shut, "acl:agentClass acl:AuthenticatedAgent; acl:mode acl:Append"))),
        ("what is said of it", &|| drop(ALICE.put(&format!("{shut}.meta"), "<> a <#Said> ."))),
        ("what is said of it, again", &|| drop(ALICE.put(&format!("{shut}.meta"), "<> a <#SaidAgain> ."))),
        ("nothing is said of it any more", &|| delete(&format!("{shut}.meta"))),
        ("a change", &|| drop(ALICE.put(&shut, "<> a <#Secret> ."))),
        ("a change that is none", &|| drop(ALICE.put(&shut, "<> a <#Secret> ."))),
        ("a deletion", &|| delete(&shut)),
    ];
    for (what, act) in acts {
        let before = listing(&at);
        let told = bob.publishes(&at, act);
        let shown = listing(&at) != before;
        assert!(told.iter().all(String::is_empty), "{what}: {told:?}");
        assert!(shown || told.is_empty(), "{what}: told, and not to be seen");
    }
}

/// The answers of one connection are of whoever asks each of them.
#[test]
fn who_asks_next_on_a_connection_is_told_no_url_of_who_asked_before() {
    let at = container("grasp-kept", &for_bob("acl:Read"));
    let own = BOB.credentials("GET", &WORLD.url(&at));
    let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let kept = |headers: &[(&str, &str)]| head("GET", &at, headers, None).replace("connection: close\r\n", "");
    let mut stream = WORLD.connect();
    let asked = [kept(&own), kept(&[]), head("GET", &at, &[], None)].concat();
    stream.write_all(asked.as_bytes()).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    let vias: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("updates-via: ")).collect();
    assert_eq!(vias.len(), 3, "{told}");
    assert!(vias[0].len() > vias[1].len() + 40 && vias[1].ends_with(PATH) && vias[1] == vias[2], "{vias:?}");
    // What does not prove who asks is told none either, however much of it is right.
    let stale: Vec<_> = own.iter().filter(|(name, _)| *name == "authorization").copied().collect();
    for headers in [&own[..], &stale] {
        let told = WORLD.raw(head("GET", &at, headers, None));
        assert_eq!(told.status, 401, "used before, and without a proof");
        assert!(told.header("updates-via").is_none_or(|via| via.ends_with(PATH)), "{told:?}");
    }
}

/// It outlives the token that it was told to: an agent that has let its issuer go is not spoken for by what that issuer
/// said of it. The server is started again, since what profiles say is known for a minute.
#[test]
fn the_url_of_who_is_no_longer_vouched_for_opens_nothing() {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let (issuer, alice) = (Issuer::start(), world.log_in("ALICE"));
    let names = |issuer: &str| format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{issuer}> .");
    let card = "/alice/grasp/card";
    alice.put("/alice/grasp/", "");
    alice.rules("/alice/grasp/", "acl:agentClass foaf:Agent; acl:mode acl:Read");
    alice.put(card, &names(&issuer.url));
    let webid = world.url(&format!("{card}#me"));
    let (key, now) = (SigningKey::generate(Algorithm::Es256).unwrap(), Timestamp::now().as_second());
    let claims = json!({ "iss": issuer.url, "sub": webid, "webid": webid, "aud": "solid", "client_id": "c", "azp": "c",
        "iat": now, "exp": now + 300, "jti": unique("grasp"), "cnf": { "jkt": key.thumbprint() } });
    let carol = Agent { world, token: Some(issuer.key.sign_token("at+jwt", &claims).unwrap()), key };
    let told = carol.get(card);
    assert_eq!(told.status, 200, "{told:?}");
    let via = split(told.header("updates-via").unwrap()).1;
    assert!(Socket::try_open(world, &via, &[]).is_ok());
    alice.put(card, &names("https://another.example/"));
    world.stop("15");
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    let (gone, none) = (world.raw(opening(&via, &[])), world.raw(opening(&format!("{PATH}/none"), &[])));
    assert_eq!((gone.is_problem(403).status, gone.text()), (none.status, none.text()));
    let alice = world.log_in("ALICE");
    assert!(Socket::try_open(world, &split(alice.get(card).header("updates-via").unwrap()).1, &[]).is_ok());
    alice.put(card, &names(&issuer.url));
    world.stop("15");
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    assert!(Socket::try_open(world, &via, &[]).is_ok(), "it is the agent's again");
}

/// Between the rules that are judged and the line that is sent nothing is kept: whoever does not read, and may no longer,
/// finds no line of what happened afterwards.
#[test]
fn who_stops_reading_finds_nothing_that_came_after_the_withdrawal() {
    let at = container("grasp-stop", &for_bob("acl:Read"));
    let mut bob = Client::open(&BOB);
    // Spelt at length, so that the way is full soon.
    let long = |name: &str| format!("{at}{name}#{}", "x".repeat(1_900));
    let names: Vec<_> = (0..40).map(|number| long(&number.to_string())).collect();
    for name in &names {
        bob.sub(name);
    }
    for round in 0..4 {
        for name in &names {
            let path = name.split('#').next().unwrap();
            assert!(ALICE.ask("PUT", path, &[TURTLE], format!("<> a <#R{round}> .")).status < 300);
        }
    }
    ALICE.rules(&at, "");
    for name in &names {
        ALICE.put(name.split('#').next().unwrap(), "<> a <#After> .");
    }
    let mut refused = std::collections::HashSet::new();
    while refused.len() < names.len() {
        let line = bob.line();
        let (word, uri) = line.split_once(' ').unwrap();
        let uri = uri.trim_end_matches(" forbidden").to_owned();
        match word {
            "pub" => assert!(!refused.contains(&uri), "told after it was refused: {uri}"),
            "err" => assert!(refused.insert(uri)),
            _ => panic!("{line}"),
        }
    }
    assert_eq!(bob.asks("ping"), "pong", "and nothing else is on its way");
    assert_eq!(ANYBODY.get(&at).status, 401);
}

/// Each spelling would be one more line for one change, and one change is one small request.
#[test]
fn one_change_is_told_in_a_few_spellings_and_no_more() {
    let at = container("grasp-spelt", &for_bob("acl:Read"));
    let url = WORLD.url(&format!("{at}r"));
    let mut bob = Client::open(&BOB);
    for number in 0..8 {
        assert_eq!(bob.asks(&format!("sub {url}#{number}")), format!("ack {url}#{number}"));
    }
    let refused = bob.asks(&format!("sub {url}#8"));
    assert_eq!(refused, "error Too many subscriptions: at most 8 spellings of one resource");
    assert_eq!(bob.asks(&format!("sub {url}#7")), format!("ack {url}#7"), "what is heard already");
    assert_eq!(bob.publishes(&at, || drop(ALICE.put(&format!("{at}r"), ""))).len(), 8);
    assert_eq!(bob.asks(&format!("unsub {url}#0")), format!("removed {url}#0"));
    assert_eq!(bob.asks(&format!("sub {url}#8")), format!("ack {url}#8"));
    // It is the same whether there is such a resource, and whether it may be read.
    let shut = WORLD.url(&format!("{}r", container("grasp-unspelt", "")));
    for number in 0..10 {
        assert_eq!(bob.asks(&format!("sub {shut}#{number}")), format!("err {shut}#{number} forbidden"));
    }
}
