//! Tokens and proofs that are not what they seem: always 401, also where everybody may read.

use super::{
    issuer::Issuer,
    world::{ALICE, ANYBODY, Agent, BOB, Reply, WORLD, container, head, public, split, unique},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, SigningKey};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    sync::LazyLock,
};

fn ask(method: &str, path: &str, authorization: &[&str], proofs: &[&str]) -> Reply {
    let headers = authorization.iter().map(|value| ("authorization", *value));
    let headers: Vec<_> = headers.chain(proofs.iter().map(|value| ("dpop", *value))).collect();
    WORLD.raw(head(method, path, &headers, None))
}

/// A resource that everybody may read.
static OPEN: LazyLock<String> = LazyLock::new(|| {
    let path = format!("{}open", container("credentials", &public("acl:Read")));
    ALICE.put(&path, "");
    path
});

fn prove(agent: &Agent, method: &str, url: &str) -> String {
    agent.key.prove(method, url, &unique("own"), Timestamp::now(), None).unwrap()
}

/// An issuer of this test, and a WebID in alice's pod that names it.
pub(super) static ISSUER: LazyLock<(Issuer, String)> = LazyLock::new(|| {
    let issuer = Issuer::start();
    let at = container("issued", &public("acl:Read"));
    let names = format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{}> .", issuer.url);
    ALICE.put(&format!("{at}card"), &names);
    (issuer, WORLD.url(&format!("{at}card#me")))
});

/// What is wrong with a token; told the time in seconds.
type Change = fn(&mut Value, i64);

/// A good token, changed.
pub(super) fn claims(change: impl FnOnce(&mut Value)) -> Value {
    let now = Timestamp::now().as_second();
    let jkt = ANYBODY.key.thumbprint();
    let (issuer, webid) = (&ISSUER.0.url, &ISSUER.1);
    let mut claims = json!({ "iss": issuer, "sub": webid, "webid": webid, "aud": "solid", "client_id": "c", "azp": "c",
        "iat": now, "exp": now + 300, "jti": unique("token"), "cnf": { "jkt": jkt } });
    change(&mut claims);
    claims
}

fn present(token: &str, scheme: &str) -> Reply {
    let proof = prove(&ANYBODY, "GET", &WORLD.url(&OPEN));
    ask("GET", &OPEN, &[&format!("{scheme} {token}")], &[&proof])
}

#[test]
fn only_the_whole_truth_about_a_token_is_believed() {
    let sign = |claims: Value| ISSUER.0.key.sign_token("at+jwt", &claims).unwrap();
    assert_eq!(present(&sign(claims(|_| {})), "DPoP").status, 200, "a good token of any issuer that the profile names");
    let now = Timestamp::now().as_second();
    let changes: [(&str, Change); 14] = [
        ("expired", |claims, now| claims["exp"] = (now - 600).into()),
        ("without an end", |claims, _| drop(claims.as_object_mut().unwrap().remove("exp"))),
        ("of the future", |claims, now| claims["iat"] = (now + 86_400).into()),
        ("not before tomorrow", |claims, now| claims["nbf"] = (now + 86_400).into()),
        ("for somebody else", |claims, _| claims["aud"] = "other".into()),
        ("for nobody", |claims, _| drop(claims.as_object_mut().unwrap().remove("aud"))),
        ("of another issuer", |claims, _| claims["iss"] = "https://issuer.example/".into()),
        ("of our own provider", |claims, _| {
            claims["iss"] = format!("http://localhost:{}/", WORLD.provider_port()).into();
        }),
        ("for a WebID that names another issuer", |claims, _| claims["webid"] = WORLD.webid("ALICE").into()),
        ("for no WebID", |claims, _| {
            claims["webid"] = "nobody".into();
            claims["sub"] = "nobody".into();
        }),
        ("bound to another key", |claims, _| claims["cnf"]["jkt"] = BOB.key.thumbprint().into()),
        ("bound to nothing", |claims, _| drop(claims.as_object_mut().unwrap().remove("cnf"))),
        ("with an end that is no number", |claims, _| claims["exp"] = "never".into()),
        ("with an end beyond all numbers", |claims, _| claims["exp"] = json!(1e300)),
    ];
    for (what, change) in changes {
        let told = present(&sign(claims(|claims| change(claims, now))), "DPoP");
        assert!(told.status == 401 || (told.status == 503 && what == "of another issuer"), "{what}: {told:?}");
        told.is_problem(told.status);
    }
}

#[test]
fn signatures_that_sign_nothing_are_refused() {
    let (good, other) = (claims(|_| {}), SigningKey::generate(Algorithm::Es256).unwrap());
    let kid = ISSUER.0.key.thumbprint();
    let encode = |value: &Value| BASE64.encode(value.to_string());
    let body = encode(&good);
    let header = |alg: &str| encode(&json!({ "alg": alg, "typ": "at+jwt", "kid": kid }));
    let signed = ISSUER.0.key.sign_token("at+jwt", &good).unwrap();
    let (start, signature) = signed.rsplit_once('.').unwrap();
    let own_key = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "jwk": other.public_value() });
    let elsewhere =
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "jku": "http://localhost:1/", "crit": ["jku"] });
    for token in [
        format!("{}.{body}.", header("none")),
        format!("{}.{body}.{signature}", header("None")),
        format!("{}.{body}.{signature}", header("HS256")),
        format!("{}.{body}.{}", header("ES256"), BASE64.encode([0; 64])),
        format!("{}.{body}.{}", header("ES256"), BASE64.encode([0; 4_000])),
        format!("{start}."),
        format!("{start}.{}", &signature[1..]),
        format!("{signed}.{signature}"),
        other.sign_token("at+jwt", &good).unwrap(),
        other.sign_parts(&own_key, &good).unwrap(),
        ISSUER.0.key.sign_parts(&elsewhere, &good).unwrap(),
        "a.b.c".into(),
        "...".into(),
        "x".repeat(9_000),
        format!("{}.{}.x", BASE64.encode("[".repeat(4_000)), BASE64.encode("{".repeat(1_000))),
    ] {
        present(&token, "DPoP").is_problem(401);
    }
}

#[test]
fn headers_that_say_two_things_or_nothing_are_refused() {
    let token = ALICE.token.as_ref().unwrap();
    let bound = format!("DPoP {token}");
    let proof = || prove(&ALICE, "GET", &WORLD.url(&OPEN));
    assert_eq!(ask("GET", &OPEN, &[&bound], &[&proof()]).status, 200);
    ask("GET", &OPEN, &[&bound, &bound], &[&proof()]).is_problem(401);
    ask("GET", &OPEN, &[&bound, "DPoP x"], &[&proof()]).is_problem(401);
    ask("GET", &OPEN, &[&bound], &[]).is_problem(401);
    ask("GET", &OPEN, &[&bound], &[&proof(), &proof()]).is_problem(401);
    ask("GET", &OPEN, &[&format!("Bearer {token}")], &[]).is_problem(401);
    ask("GET", &OPEN, &[&format!("Bearer {token}")], &[&proof()]).is_problem(401);
    for junk in ["", "DPoP", "DPoP ", "Basic YTpi", "DPoP a b c", "Negotiate x", "DPoP \u{ff}", "Bearer null", token] {
        ask("GET", &OPEN, &[junk], &[&proof()]).is_problem(401);
        ask("POST", "/.notifications/WebSocketChannel2023/", &[junk], &[&proof()]).is_problem(401);
        ask("GET", "/.notifications/channels/x", &[junk], &[&proof()]).is_problem(401);
    }
}

#[test]
fn a_proof_is_for_one_request_once() {
    let bound = format!("DPoP {}", ALICE.token.as_ref().unwrap());
    let url = WORLD.url(&OPEN);
    let once = prove(&ALICE, "GET", &url);
    assert_eq!(ask("GET", &OPEN, &[&bound], &[&once]).status, 200);
    ask("GET", &OPEN, &[&bound], &[&once]).is_problem(401);
    for (what, proof) in [
        ("another method", prove(&ALICE, "PUT", &url)),
        ("another case of the method", prove(&ALICE, "get", &url)),
        ("another resource", prove(&ALICE, "GET", &format!("{url}x"))),
        ("another server", prove(&ALICE, "GET", &url.replace("localhost", "evil.example"))),
        ("another port", prove(&ALICE, "GET", &url.replace("http://localhost:", "http://localhost:1"))),
        ("another scheme", prove(&ALICE, "GET", &url.replace("http:", "https:"))),
        ("another key", prove(&BOB, "GET", &url)),
        ("no proof", "x.y.z".into()),
        ("a token", ALICE.token.clone().unwrap()),
    ] {
        let told = ask("GET", &OPEN, &[&bound], &[&proof]);
        assert_eq!(told.status, 401, "{what}");
        told.is_problem(401);
    }
    let now = Timestamp::now();
    for seconds in [-3_600, -300, 300, 86_400] {
        let at = Timestamp::from_second(now.as_second() + seconds).unwrap();
        let proof = ALICE.key.prove("GET", &url, &unique("time"), at, None).unwrap();
        ask("GET", &OPEN, &[&bound], &[&proof]).is_problem(401);
    }
    let other = ALICE.key.prove("GET", &url, &unique("ath"), now, Some("another token")).unwrap();
    ask("GET", &OPEN, &[&bound], &[&other]).is_problem(401);
    for empty in ["", &"j".repeat(1_000)] {
        let proof = ALICE.key.prove("GET", &url, empty, now, None).unwrap();
        ask("GET", &OPEN, &[&bound], &[&proof]).is_problem(401);
    }
}

#[test]
fn host_headers_do_not_change_what_a_proof_is_for() {
    let token = ALICE.token.as_ref().unwrap();
    let proof = prove(&ALICE, "GET", &format!("http://evil.example{}", *OPEN));
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\nconnection: close\r\n\
         authorization: DPoP {token}\r\ndpop: {proof}\r\n\r\n",
        *OPEN
    );
    WORLD.raw(request).is_problem(401);
}

#[test]
fn a_used_proof_stays_used_on_whatever_route() {
    let bound = format!("DPoP {}", BOB.token.as_ref().unwrap());
    let path = "/.notifications/channels/00000000-0000-4000-8000-000000000000";
    let proof = prove(&BOB, "DELETE", &WORLD.url(path));
    ask("DELETE", path, &[&bound], &[&proof]).is_problem(403);
    ask("DELETE", path, &[&bound], &[&proof]).is_problem(401);
}

#[test]
fn the_provider_gives_nothing_to_whoever_has_no_secret() {
    let port = WORLD.provider_port();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let body = "grant_type=client_credentials&client_id=x&client_secret=y";
    let head = head("POST", "/.oidc/token", &[("content-type", "application/x-www-form-urlencoded")], Some(body.len()));
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(split(&ISSUER.0.url).1, "/");
}
