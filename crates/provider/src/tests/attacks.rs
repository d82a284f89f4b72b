//! Each attack changes one thing in an otherwise good request; the good requests stand in `flows`.

use super::bench::{App, BACK, Bench, VERIFIER, at, challenge, code_form, code_of, new_key, page, param, redirect};
use crate::{ErrorCode, PageKind, TokenRequest, store::Store};
use serde_json::json;

#[tokio::test]
async fn pkce_cannot_be_left_out_or_weakened() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let plain = [("code_challenge_method", "plain"), ("code_challenge", VERIFIER)];
    for changes in [
        &[("code_challenge", "")][..],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &plain,
        &[("code_challenge", "short")],
        &[("code_challenge", ""), ("code_challenge_method", "")],
    ] {
        let to = redirect(&bench.visit(&Bench::query(&app.id, changes), None, None, at(0)).await);
        assert_eq!(param(&to, "error").as_deref(), Some("invalid_request"), "{changes:?}");
        assert!(param(&to, "iss").is_some() && param(&to, "state").is_some() && param(&to, "code").is_none());
    }
}

#[tokio::test]
async fn only_the_verifier_of_the_challenge_opens_a_code() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    for verifier in ["", &challenge(VERIFIER), "another-verifier-another-verifier-another-v", &VERIFIER[..42]] {
        let code = bench.code(&app, at(0)).await;
        let mut form = code_form(&code);
        form[3].1 = verifier;
        let refused = bench.token_with(&bench.key, &app, &form, at(0)).await;
        assert_eq!(code_of(refused), ErrorCode::InvalidGrant, "{verifier}");
        assert_eq!(code_of(bench.redeem(&app, &code, at(0)).await), ErrorCode::InvalidGrant, "it is used up");
    }
}

#[tokio::test]
async fn a_code_used_twice_revokes_what_came_of_it() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let code = bench.code(&app, at(0)).await;
    let answer = bench.redeem(&app, &code, at(1)).await.unwrap();
    assert_eq!(code_of(bench.redeem(&app, &code, at(2)).await), ErrorCode::InvalidGrant);
    let token = answer["refresh_token"].as_str().unwrap();
    assert_eq!(code_of(bench.refresh(&bench.key, &app, token, at(3)).await), ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn a_code_used_twice_at_once_gives_nothing_that_lasts() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let code = bench.code(&app, at(0)).await;
    // The second use comes before the first one has founded its family.
    let (one, other) = tokio::join!(bench.redeem(&app, &code, at(1)), bench.redeem(&app, &code, at(1)));
    assert_eq!((code_of(one), code_of(other)), (ErrorCode::InvalidGrant, ErrorCode::InvalidGrant));
    assert_eq!(bench.store.sweep(at(100_000_000), at(0)).await.unwrap(), 0, "no family is left");
}

#[tokio::test]
async fn another_client_cannot_use_a_code_nor_a_refresh_token() {
    let bench = Bench::new().await;
    let (app, thief) = (bench.app().await, bench.app().await);
    let code = bench.code(&app, at(0)).await;
    assert_eq!(code_of(bench.redeem(&thief, &code, at(1)).await), ErrorCode::InvalidGrant);
    assert_eq!(code_of(bench.redeem(&app, &code, at(1)).await), ErrorCode::InvalidGrant, "a code that leaked is void");

    let code = bench.code(&app, at(2)).await;
    let answer = bench.redeem(&app, &code, at(2)).await.unwrap();
    assert_eq!(code_of(bench.redeem(&thief, &code, at(2)).await), ErrorCode::InvalidGrant);
    let token = answer["refresh_token"].as_str().unwrap();
    assert_eq!(code_of(bench.refresh(&bench.key, &app, token, at(3)).await), ErrorCode::InvalidGrant);

    let answer = bench.redeem(&app, &bench.code(&app, at(4)).await, at(4)).await.unwrap();
    let token = answer["refresh_token"].as_str().unwrap();
    assert_eq!(code_of(bench.refresh(&bench.key, &thief, token, at(5)).await), ErrorCode::InvalidGrant);
    bench.refresh(&bench.key, &app, token, at(5)).await.unwrap();
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let code = bench.code(&app, at(0)).await;
    assert_eq!(code_of(bench.redeem(&app, &code, at(60)).await), ErrorCode::InvalidGrant);
    let code = bench.code(&app, at(60)).await;
    bench.redeem(&app, &code, at(119)).await.unwrap();
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_the_very_same_is_never_visited() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    for uri in [
        "",
        "https://app.example/",
        "https://app.example/back",
        "https://app.example/back?a=b&c=d",
        "https://app.example/back?a=bb",
        "https://app.example/back/../back?a=b",
        "https://app.example:443/back?a=b",
        "https://app.example:8443/back?a=b",
        "https://APP.example/back?a=b",
        "http://app.example/back?a=b",
        "https://app.example.evil.example/back?a=b",
        "https://app.example@evil.example/back?a=b",
        "https://app.example/back?a=b#x",
        "https://app.example/Back?a=b",
        " https://app.example/back?a=b",
    ] {
        let answer = bench.visit(&Bench::query(&app.id, &[("redirect_uri", uri)]), None, None, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::BadRequest, "{uri}");
    }
    let code = bench.code(&app, at(0)).await;
    let mut form = code_form(&code);
    form[2].1 = "https://app.example/back";
    assert_eq!(code_of(bench.token_with(&bench.key, &app, &form, at(0)).await), ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn repeated_and_unsupported_parameters_are_refused() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", Bench::query(&app.id, &[]));
    assert_eq!(page(&bench.visit(&twice, None, None, at(0)).await).kind, PageKind::BadRequest);
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("response_mode", "fragment", "invalid_request"),
        ("scope", "webid", "invalid_scope"),
        ("request", "e30", "request_not_supported"),
        ("request_uri", "https://evil.example/", "request_uri_not_supported"),
        ("prompt", "none login", "invalid_request"),
        ("max_age", "x", "invalid_request"),
        ("dpop_jkt", "x", "invalid_request"),
    ] {
        let to = redirect(&bench.visit(&Bench::query(&app.id, &[(name, value)]), None, None, at(0)).await);
        assert_eq!(param(&to, "error").as_deref(), Some(error), "{name}={value}");
    }
}

#[tokio::test]
async fn an_old_refresh_token_ends_the_family() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    let old = answer["refresh_token"].as_str().unwrap();
    let answer = bench.refresh(&bench.key, &app, old, at(1)).await.unwrap();
    assert_eq!(code_of(bench.refresh(&bench.key, &app, old, at(2)).await), ErrorCode::InvalidGrant);
    let new = answer["refresh_token"].as_str().unwrap();
    assert_eq!(code_of(bench.refresh(&bench.key, &app, new, at(3)).await), ErrorCode::InvalidGrant);
}

#[tokio::test]
async fn a_refresh_token_of_a_public_client_needs_its_key() {
    let bench = Bench::new().await;
    let app = bench.register(json!({ "redirect_uris": [BACK], "token_endpoint_auth_method": "none" })).await;
    assert_eq!(app.secret, None);
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    let token = answer["refresh_token"].as_str().unwrap();
    assert_eq!(code_of(bench.refresh(&new_key(), &app, token, at(1)).await), ErrorCode::InvalidGrant);
    bench.refresh(&bench.key, &app, token, at(1)).await.expect("the thief without the key has spoilt nothing");
}

#[tokio::test]
async fn a_refresh_token_ends_unused_and_never_grows() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    let token = answer["refresh_token"].as_str().unwrap();
    let wider = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid profile")];
    assert_eq!(code_of(bench.token_with(&bench.key, &app, &wider, at(1)).await), ErrorCode::InvalidScope);
    let late = at(14 * 24 * 60 * 60);
    assert_eq!(code_of(bench.refresh(&bench.key, &app, token, late).await), ErrorCode::InvalidGrant);
    for junk in ["x", "", &"A".repeat(65), "é".repeat(40).as_str()] {
        let code = code_of(bench.refresh(&bench.key, &app, junk, at(1)).await);
        assert!(matches!(code, ErrorCode::InvalidGrant | ErrorCode::InvalidRequest), "{junk}");
    }
}

#[tokio::test]
async fn every_token_request_needs_one_fresh_proof() {
    let bench = Bench::new().await;
    let made = bench.provider.create_credentials(&super::bench::webid("alice"), "", at(0)).await.unwrap();
    let app = App { id: made.id, secret: Some(made.secret) };
    let basic = app.basic();
    let ask = async |dpop: &[&str]| {
        let form = "grant_type=client_credentials";
        let request = TokenRequest { form, authorization: basic.as_deref(), dpop, now: at(200) };
        bench.provider.token(request).await.map(|_| ()).map_err(|error| error.code)
    };
    let refused = Err(ErrorCode::InvalidDpopProof);
    let good = bench.proof(&bench.key, at(200));
    assert_eq!(ask(&[]).await, refused);
    assert_eq!(ask(&[&good, &good]).await, refused);
    assert_eq!(ask(&["x"]).await, refused);
    assert_eq!(ask(&[&bench.proof(&bench.key, at(79))]).await, refused, "stale");
    let token_endpoint = "http://localhost:3001/.oidc/token";
    for (method, uri) in [("GET", token_endpoint), ("POST", "http://localhost:3000/.oidc/token")] {
        assert_eq!(ask(&[&bench.key.prove(method, uri, "x", at(200), None).unwrap()]).await, refused);
    }
    assert_eq!(ask(&[&good]).await, Ok(()));
    assert_eq!(ask(&[&good]).await, refused, "a replay");
}

#[tokio::test]
async fn a_code_bound_to_a_key_needs_that_key() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let jkt = bench.key.thumbprint().to_owned();
    let code = async || {
        let to = bench.agree(&Bench::query(&app.id, &[("dpop_jkt", &jkt)]), at(0)).await;
        param(&to, "code").unwrap()
    };
    let stolen = code().await;
    let refused = bench.token_with(&new_key(), &app, &code_form(&stolen), at(0)).await;
    assert_eq!(code_of(refused), ErrorCode::InvalidGrant);
    bench.redeem(&app, &code().await, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_client_with_a_secret_must_know_it() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let made = bench.provider.create_credentials(&super::bench::webid("alice"), "", at(0)).await.unwrap();
    for secret in [None, Some("wrong".to_owned()), Some(String::new())] {
        for (id, grant) in [(&app.id, "authorization_code"), (&made.id, "client_credentials")] {
            let liar = App { id: id.clone(), secret: secret.clone() };
            let pairs = [("grant_type", grant), ("code", "x")];
            let code = code_of(bench.token_with(&bench.key, &liar, &pairs, at(0)).await);
            assert_eq!(code, ErrorCode::InvalidClient, "{grant} {secret:?}");
        }
    }
    let url = App { id: "https://app.example/id".into(), secret: Some("x".into()) };
    let pairs = [("grant_type", "client_credentials")];
    assert_eq!(code_of(bench.token_with(&bench.key, &url, &pairs, at(0)).await), ErrorCode::InvalidClient);
}

#[tokio::test]
async fn people_and_credentials_do_not_borrow_each_others_grants() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let made = bench.provider.create_credentials(&super::bench::webid("alice"), "", at(0)).await.unwrap();
    let machine = App { id: made.id, secret: Some(made.secret) };
    let pairs = [("grant_type", "client_credentials")];
    assert_eq!(code_of(bench.token_with(&bench.key, &app, &pairs, at(0)).await), ErrorCode::UnauthorizedClient);
    let pairs = [("grant_type", "password"), ("username", "alice")];
    assert_eq!(code_of(bench.token_with(&bench.key, &app, &pairs, at(0)).await), ErrorCode::UnsupportedGrantType);
    let code = bench.code(&app, at(0)).await;
    assert_eq!(code_of(bench.redeem(&machine, &code, at(0)).await), ErrorCode::InvalidGrant);
    let answer = bench.visit(&Bench::query(&machine.id, &[]), None, None, at(0)).await;
    assert_eq!(page(&answer).kind, PageKind::BadRequest, "nobody logs in to a machine");
}

#[tokio::test]
async fn what_is_kept_of_secrets_opens_nothing() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let kept = bench.store.client(&app.id).await.unwrap().unwrap();
    assert_ne!(kept.secret.unwrap().0, app.secret.as_ref().unwrap().as_bytes()[..32]);
    let shown = format!("{:?}", bench.store);
    for secret in [app.secret.as_deref().unwrap(), super::bench::PASSWORD, "pbkdf2", "pkcs8"] {
        assert!(!shown.contains(secret));
    }
}
