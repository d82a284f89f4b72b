//! What a webhook receives, over TLS: the message, who sent it, and that nobody else did. The cases T-K04 to T-K07, T-K14
//! and T-K15.

use super::{
    events::{tag, version},
    hooks::{Hook, WEBHOOK},
    streams::document,
    world::{ALICE, ANYBODY, AUTHORITY, BOB, WORLD, for_bob},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use podbell_egress::{Client, Policy};
use podbell_model::Timestamp;
use podbell_oidc::{Algorithm, Config, MemoryReplay, Presented, PublicJwk, Verifier};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

/// That acknowledges everything, over TLS.
fn willing() -> Receiver {
    Receiver::https(&AUTHORITY, |_, _| Reply::status(204)).unwrap()
}

/// A document that bob may read, and a webhook of his on it.
fn hooked(name: &str) -> (String, Hook) {
    let at = document(name, &for_bob("acl:Read"));
    let hook = Hook::new(&BOB, &[&at], willing());
    (at, hook)
}

/// A part of a token.
fn part(token: &str, place: usize) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(place).unwrap()).unwrap()).unwrap()
}

fn token(received: &Received) -> &str {
    received.header("authorization").unwrap().strip_prefix("DPoP ").unwrap()
}

/// R-WH-7, R-WH-8: what is not asked for is not sent, and no receiver is asked whether it wants to be one.
#[test]
fn t_k04_a_change_is_one_signed_post_of_a_notification() {
    let (at, hook) = hooked("posted-hook");
    let first = tag(&ALICE.put(&at, "<> a <#1> ."));
    hook.receiver.wait(1);
    let second = tag(&ALICE.put(&at, "<> a <#2> ."));
    let received = hook.receiver.wait(2);
    assert_eq!(received.len(), 2, "each once, and nothing before");
    let mut ids = BTreeSet::new();
    for (received, written) in received.iter().zip([first, second]) {
        assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/in"));
        assert_eq!(received.header("content-type"), Some("application/ld+json"));
        assert!(!token(received).is_empty());
        let message = received.json();
        let keys: BTreeSet<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["@context", "id", "object", "published", "state", "type"]), "no actor");
        assert_eq!((&message["type"], &message["object"]), (&"Update".into(), &WORLD.url(&at).into()));
        assert_eq!(version(message["state"].as_str().unwrap()), version(&written));
        assert_eq!(message["@context"][0], "https://www.w3.org/ns/activitystreams");
        let id = message["id"].as_str().unwrap();
        assert!(id.starts_with("urn:uuid:") && ids.insert(id.to_owned()), "{message}");
    }
}

/// R-WH-4: by the WebID that the answer to the subscription named, with the token of the one receiver.
#[tokio::test]
async fn t_k05_t_k06_the_receiver_verifies_who_has_sent_it() {
    let (at, hook) = hooked("verified-hook");
    ALICE.put(&at, "<> a <#1> .");
    ALICE.put(&at, "<> a <#2> .");
    let received = hook.receiver.wait(2);
    let client = Client::new(Policy { development: true, ..Policy::default() }).unwrap();
    let replay = Arc::new(MemoryReplay::new(100, Timestamp::now() - Duration::from_hours(1)));
    let verifier = Verifier::new(Config { development: true, ..Config::default() }, Arc::new(client), replay);
    let uri = hook.receiver.url("/in");
    let (mut seen, sender) = (BTreeSet::new(), hook.made.json()["sender"].clone());
    for received in &received {
        let proof = received.header("dpop").unwrap();
        let (authorization, dpop) = ([received.header("authorization").unwrap()], [proof]);
        let presented = |uri| Presented { method: "POST", uri, authorization: &authorization, dpop: &dpop };
        let elsewhere = hook.receiver.url("/elsewhere");
        assert!(verifier.verify(&presented(&elsewhere), Timestamp::now()).await.is_err(), "for this URL alone");
        let credentials = verifier.verify(&presented(&uri), Timestamp::now()).await.unwrap().unwrap();
        assert_eq!(credentials.webid.as_str(), sender);
        assert!(verifier.verify(&presented(&uri), Timestamp::now()).await.is_err(), "once");
        let (head, claims) = (part(proof, 0), part(proof, 1));
        assert_eq!((&head["typ"], &head["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
        assert_eq!((&claims["htm"], &claims["htu"]), (&"POST".into(), &uri.as_str().into()));
        let now = Timestamp::now().as_second();
        assert!((now - 60..=now).contains(&claims["iat"].as_i64().unwrap()), "seconds: {claims}");
        assert!(claims["ath"].is_string() && seen.insert(claims["jti"].to_string()));
    }
}

/// A query is no part of `htu`, and is signed all the same.
#[test]
fn t_k06_a_proof_names_the_receiver_without_its_query() {
    let at = document("queried-hook", &for_bob("acl:Read"));
    let receiver = willing();
    let more = json!({ "sendTo": receiver.url("/in?token=x&y") });
    let hook = Hook::with(&BOB, WEBHOOK, &[&at], receiver, &more);
    ALICE.put(&at, "<> a <#1> .");
    let received = &hook.receiver.wait(1)[0];
    assert_eq!(received.target, "/in?token=x&y");
    assert_eq!(part(received.header("dpop").unwrap(), 1)["htu"], hook.receiver.url("/in"));
    is_signed(received, &hook);
}

/// R-WH-4.
#[test]
fn t_k07_the_token_is_of_the_issuer_that_the_sender_names() {
    let (at, hook) = hooked("issued-hook");
    ALICE.put(&at, "<> a <#1> .");
    let received = &hook.receiver.wait(1)[0];
    let (head, claims) = (part(token(received), 0), part(token(received), 1));
    let sender = hook.made.json()["sender"].as_str().unwrap().to_owned();
    for name in ["webid", "sub", "azp"] {
        assert_eq!(claims[name], sender, "{name}");
    }
    let issuer = claims["iss"].as_str().unwrap();
    let turtle = ANYBODY.ask("GET", &sender, &[("accept", "text/turtle")], "").text();
    assert!(turtle.contains(&format!("<{issuer}>")), "{turtle}");
    let configuration = ANYBODY.get(&format!("{issuer}/.well-known/openid-configuration")).json();
    assert_eq!(configuration["issuer"], issuer);
    let keys = ANYBODY.get(configuration["jwks_uri"].as_str().unwrap()).json();
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == head["kid"]), "{keys}");
    let audience = [Value::from("solid"), hook.receiver.url("").into()];
    assert_eq!(claims["aud"], json!(audience), "of use to one receiver");
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 1_200);
}

/// That the signature of the message verifies with a published key.
#[track_caller]
fn is_signed(received: &Received, hook: &Hook) {
    let value = |name: &str| received.header(name).unwrap_or_else(|| panic!("{name} of {received:?}"));
    let content_digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(digest(&SHA256, &received.body)));
    assert_eq!(value("content-digest"), content_digest);
    let params = value("signature-input").strip_prefix("sig=").unwrap();
    let (names, rest) = params.strip_prefix('(').unwrap().split_once(')').unwrap();
    let (path, query) = received.target.split_once('?').unwrap_or((&received.target, ""));
    let (origin, query) = (hook.receiver.url(""), format!("?{query}"));
    let mut base = String::new();
    for name in names.split(' ') {
        let value = match name.trim_matches('"') {
            "@method" => "POST",
            "@scheme" => "https",
            "@authority" => origin.strip_prefix("https://").unwrap(),
            "@path" => path,
            "@query" => &query,
            name => value(name),
        };
        writeln!(base, "{name}: {value}").unwrap();
    }
    for covered in ["@method", "@authority", "@path", "content-digest", "content-type"] {
        assert!(names.contains(&format!("\"{covered}\"")), "{covered} in {names}");
    }
    assert_eq!(names.contains("@query"), received.target.contains('?'));
    write!(base, "\"@signature-params\": {params}").unwrap();
    let keyid = rest.split_once("keyid=\"").unwrap().1.split('"').next().unwrap();
    let sender = hook.made.json()["sender"].as_str().unwrap().to_owned();
    let document = ANYBODY.ask("GET", &sender, &[("accept", "application/ld+json")], "").json();
    let methods = document["verificationMethod"].as_array().unwrap();
    let method = methods.iter().find(|method| method["id"] == keyid).unwrap_or_else(|| panic!("{keyid}: {methods:?}"));
    let key = PublicJwk::from_json(method["publicKeyJwk"].to_string().as_bytes()).unwrap();
    let signature = value("signature").strip_prefix("sig=:").unwrap().strip_suffix(':').unwrap();
    let signature = BASE64_STANDARD.decode(signature).unwrap();
    assert!(key.verify(Algorithm::Es256, base.as_bytes(), &signature), "{base}");
    assert!(!key.verify(Algorithm::Es256, base.replace("POST", "PUT").as_bytes(), &signature));
}

/// R-WH-5.
#[test]
fn t_k14_a_message_is_signed_with_a_published_key() {
    let (at, hook) = hooked("signed-hook");
    ALICE.put(&at, "<> a <#1> .");
    is_signed(&hook.receiver.wait(1)[0], &hook);
}

/// R-FEAT-4: how the topic stands, if it is not as the subscriber knows it.
#[test]
fn t_k15_who_knows_another_state_is_told_at_once() {
    let at = document("stated-hook", &for_bob("acl:Read"));
    let stands = tag(&BOB.get(&at));
    let state = |state: &str| Hook::with(&BOB, WEBHOOK, &[&at], willing(), &json!({ "state": state }));
    let (other, same) = (state("\"abc\""), state(&stands));
    let received = other.receiver.wait(1);
    let message = received[0].json();
    assert_eq!((&message["type"], &message["object"]), (&"Update".into(), &WORLD.url(&at).into()));
    assert_eq!(version(message["state"].as_str().unwrap()), version(&stands));
    let changed = tag(&ALICE.put(&at, "<> a <#1> ."));
    for (hook, count) in [(&other, 2), (&same, 1)] {
        let received = hook.receiver.wait(count);
        assert_eq!(received.len(), count);
        assert_eq!(version(received[count - 1].json()["state"].as_str().unwrap()), version(&changed));
    }
}
