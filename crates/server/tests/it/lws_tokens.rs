//! Bearer tokens at the door of Linked Web Storage: T-LWS-07 and T-LWS-08, and that no other door takes them.

use super::{
    issuer::Issuer,
    lws::{CONTEXT, ENDPOINT, TYPE, WEBSOCKET},
    world::{Agent, World, unique},
};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// An authorization server, and a server that believes it.
static SERVER: LazyLock<Issuer> = LazyLock::new(Issuer::start);
static TRUSTING: LazyLock<World> =
    LazyLock::new(|| World::start(&[("PODBELL_LWS_AUTHORIZATION_SERVERS", &SERVER.url)]));
static ALICE: LazyLock<Agent> = LazyLock::new(|| TRUSTING.log_in("ALICE"));

fn realm() -> String {
    format!("{}/", TRUSTING.origin)
}

/// A good token of alice's, changed.
fn token(key: &SigningKey, change: impl FnOnce(&mut Value)) -> String {
    let now = Timestamp::now().as_second();
    let mut claims = json!({ "iss": SERVER.url, "sub": TRUSTING.webid("ALICE"), "aud": [realm()], "client_id": "c",
        "iat": now, "exp": now + 300, "jti": unique("lws-token") });
    change(&mut claims);
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint() });
    key.sign_parts(&header, &claims).unwrap()
}

fn subscribe(token: &str) -> super::world::Reply {
    let body = json!({ "@context": CONTEXT, "type": WEBSOCKET, "topic": [TRUSTING.url("/alice/")] }).to_string();
    let bearer = format!("Bearer {token}");
    TRUSTING.stranger().ask("POST", ENDPOINT, &[TYPE, ("authorization", &bearer)], body)
}

/// LW19.
#[test]
fn t_lws_07_a_401_says_where_tokens_are_had_and_for_whom() {
    let challenge = format!("Bearer as_uri=\"{}\", realm=\"{}\"", SERVER.url, realm());
    let stranger = TRUSTING.stranger();
    for told in [stranger.ask("POST", ENDPOINT, &[TYPE], "{}"), stranger.get(ENDPOINT), subscribe("junk")] {
        assert_eq!(told.status, 401, "{told:?}");
        let challenges = told.all("www-authenticate");
        assert!(challenges.contains(&&*challenge), "{challenges:?}");
        assert!(challenges.iter().any(|challenge| challenge.starts_with("DPoP ")), "{challenges:?}");
    }
    let elsewhere = stranger.get("/alice/private");
    assert!(elsewhere.all("www-authenticate").iter().all(|challenge| challenge.starts_with("DPoP ")));
}

/// What is wrong with a token.
type Change = fn(&mut Value);

/// LW20.
#[test]
fn t_lws_08_only_a_token_that_is_right_in_everything_is_taken() {
    let good = subscribe(&token(&SERVER.key, |_| ()));
    assert_eq!(good.status, 200, "{good:?}");
    let changes: [Change; 6] = [
        |claims| claims["aud"] = json!([realm(), "https://other.example/"]),
        |claims| claims["aud"] = json!("solid"),
        |claims| claims["exp"] = json!(1_000),
        |claims| claims["iat"] = json!(Timestamp::now().as_second() + 3_600),
        |claims| claims["iss"] = json!("https://other.example/"),
        |claims| claims["sub"] = json!("alice"),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(subscribe(&token(&SERVER.key, change)).status, 401, "{number}");
    }
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    assert_eq!(subscribe(&token(&other, |_| ())).status, 401, "an unknown key");
}

#[test]
fn whoever_a_token_names_is_asked_for_read_like_anybody() {
    let stranger = |claims: &mut Value| claims["sub"] = json!("https://eve.example/card#me");
    assert_eq!(subscribe(&token(&SERVER.key, stranger)).status, 403);
}

#[test]
fn no_other_door_takes_such_a_token() {
    let bearer = format!("Bearer {}", token(&SERVER.key, |_| ()));
    let stranger = TRUSTING.stranger();
    for (method, path) in [("GET", "/alice/"), ("POST", "/.notifications/WebSocketChannel2023/")] {
        let told = stranger.ask(method, path, &[("authorization", &bearer)], "");
        assert_eq!(told.status, 401, "{method} {path}: {told:?}");
    }
    assert_eq!(ALICE.get(ENDPOINT).status, 200, "by DPoP as ever");
}
