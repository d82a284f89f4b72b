//! What strangers want to learn from `solid-0.1` (§6 of its reference): who may not read hears nothing, not even whether
//! there is something.

use super::{
    issuer::Issuer,
    lines::{Client, PATH},
    world::{ALICE, ANYBODY, Agent, BOB, TURTLE, WORLD, container, for_bob, public, unique},
};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::json;

#[test]
fn t_lg4_private_and_missing_are_refused_alike() {
    let at = container("lines-private", "");
    ALICE.put(&format!("{at}there"), "");
    for agent in [&*ANYBODY, &*BOB] {
        let mut client = Client::open(agent);
        for name in ["", "there", "missing", "missing/", "there.acl", "missing.acl", "there.meta"] {
            let path = format!("{at}{name}");
            assert_eq!(client.asks_for(&path), format!("err {path} forbidden"));
        }
        let told = client.told(|| {
            ALICE.put(&format!("{at}there"), "<> a <#x> .");
            ALICE.put(&format!("{at}missing"), "<> a <#x> .");
        });
        assert_eq!(told, [""; 0], "and the socket stays open");
    }
}

/// Elsewhere log-ins, accounts and channels could be watched there.
#[test]
fn what_the_server_keeps_for_itself_is_heard_by_nobody() {
    for agent in [&*ANYBODY, &*BOB, &*ALICE] {
        let mut client = Client::open(agent);
        for path in
            ["/", "/.internal/", "/.internal/accounts/data/", "/.notifications/", "/.oidc/", "/.well-known/solid"]
        {
            assert_eq!(client.asks_for(path), format!("err {path} forbidden"));
        }
    }
    // Below a pod such names are like others: nothing of the server's is there.
    let mut client = Client::open(&ALICE);
    for path in ["/alice/.internal/", "/alice/.notifications/"] {
        assert_eq!(client.asks_for(path), format!("ack {path}"));
    }
    let told = client.told(|| drop(BOB.ask("POST", "/.notifications/ess/", &[TURTLE], "")));
    assert_eq!(told, [""; 0]);
}

#[test]
fn rules_are_heard_of_by_who_controls_them_alone() {
    let at = container("lines-rules", &for_bob("acl:Read, acl:Write"));
    ALICE.put(&format!("{at}r"), "");
    let acl = format!("{at}.acl");
    let (mut alice, mut bob) = (Client::open(&ALICE), Client::open(&BOB));
    alice.sub(&acl);
    assert_eq!(bob.asks_for(&acl), format!("err {acl} forbidden"));
    bob.sub(&at);
    let change = || drop(ALICE.rules(&at, &for_bob("acl:Read")));
    assert_eq!(alice.publishes(&at, change), [".acl"]);
    assert_eq!(bob.publishes(&at, change), [""; 0]);
}

/// A client that hears `err` could read until then; it is told once, and the socket stays for the rest.
#[test]
fn who_loses_read_is_told_so_and_hears_no_more() {
    let (at, kept) = (container("lines-lost", &for_bob("acl:Read")), container("lines-kept", &public("acl:Read")));
    let lost = format!("{at}r");
    let mut client = Client::open(&BOB);
    for path in [&lost, &format!("{kept}r"), &at] {
        client.sub(path);
    }
    assert_eq!(client.told(|| drop(ALICE.put(&lost, ""))).len(), 2);
    let told = client.told(|| {
        ALICE.rules(&at, "");
        ALICE.put(&lost, "<> a <#Secret> .");
        ALICE.put(&format!("{kept}r"), "");
    });
    let err = |path: &str| format!("err {} forbidden", WORLD.url(path));
    assert_eq!(told, [err(&at), err(&lost), format!("pub {}", WORLD.url(&format!("{kept}r")))]);
    ALICE.rules(&at, &for_bob("acl:Read"));
    assert_eq!(client.told(|| drop(ALICE.put(&lost, ""))), [""; 0], "what was lost does not come back by itself");
    client.sub(&lost);
    assert_eq!(client.publishes(&at, || drop(ALICE.put(&lost, "<> a <#Again> ."))), ["r"]);
}

#[test]
fn a_pod_that_is_deleted_is_heard_no_more() {
    WORLD.pod(&["create", "lines-gone", "--owner", WORLD.webid("ALICE")]);
    ALICE.rules("/lines-gone/", &public("acl:Read"));
    let mut client = Client::open(&ANYBODY);
    client.sub("/lines-gone/r");
    let told = client.told(|| {
        WORLD.pod(&["delete", &WORLD.url("/lines-gone/"), "--yes"]);
        WORLD.pod(&["create", "lines-gone", "--owner", WORLD.webid("ALICE")]);
        ALICE.rules("/lines-gone/", &public("acl:Read"));
        ALICE.put("/lines-gone/r", "");
    });
    assert_eq!(told, [format!("err {} forbidden", WORLD.url("/lines-gone/r"))]);
}

/// What it was granted itself ends with its token; what is public it hears as the public.
#[test]
fn who_a_client_is_ends_with_its_token() {
    let issuer = Issuer::start();
    let card = format!("{}card", container("lines-card", &public("acl:Read")));
    ALICE.put(&card, &format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{}> .", issuer.url));
    let webid = WORLD.url(&format!("{card}#me"));
    let (key, now) = (SigningKey::generate(Algorithm::Es256).unwrap(), Timestamp::now().as_second());
    let claims = json!({ "iss": issuer.url, "sub": webid, "webid": webid, "aud": "solid", "client_id": PATH, "azp": PATH,
        "iat": now, "exp": now + 4, "jti": unique("token"), "cnf": { "jkt": key.thumbprint() } });
    let carol = Agent { world: &WORLD, token: Some(issuer.key.sign_token("at+jwt", &claims).unwrap()), key };
    let own = format!("{}r", container("lines-carol", &format!("acl:agent <{webid}>; acl:mode acl:Read")));
    let open = format!("{}r", container("lines-open", &public("acl:Read")));
    ALICE.put(&own, "");
    let mut client = Client::open(&carol);
    client.sub(&own);
    client.sub(&open);
    let mut ended = [client.line(), client.line()];
    ended.sort();
    let made_up_for = format!("pub {}", WORLD.url(&open));
    assert_eq!(ended, [format!("err {} forbidden", WORLD.url(&own)), made_up_for.clone()]);
    assert_eq!(client.asks_for(&own), format!("err {own} forbidden"));
    let told = client.told(|| {
        ALICE.put(&own, "<> a <#x> .");
        ALICE.put(&open, "");
    });
    assert_eq!(told, [made_up_for]);
}
