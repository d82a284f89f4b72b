//! The flows as the clients in use walk them.

use super::bench::{App, BACK};
use super::bench::{Bench, ISSUER, PASSWORD, at, code_form, cookie, csrf, encode, page, param, redirect, webid};
use crate::{BrowserRequest, PageKind, TokenRequest, UserinfoRequest};
use podbell_oidc::{MemoryReplay, Presented, Verifier};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn discovery_has_every_field() {
    let expected = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "http://localhost:3001/.oidc/authorize",
        "token_endpoint": "http://localhost:3001/.oidc/token",
        "jwks_uri": "http://localhost:3001/.oidc/jwks",
        "registration_endpoint": "http://localhost:3001/.oidc/register",
        "userinfo_endpoint": "http://localhost:3001/.oidc/userinfo",
        "end_session_endpoint": "http://localhost:3001/.oidc/logout",
        "scopes_supported": ["openid", "profile", "offline_access", "webid"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "claims_supported": ["sub", "webid", "iss", "aud", "azp", "exp", "iat"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "dpop_signing_alg_values_supported": ["ES256", "ES384", "EdDSA", "PS256", "RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    assert_eq!(Bench::new().await.provider.discovery(), expected);
}

#[tokio::test]
async fn a_code_becomes_tokens_that_the_published_keys_verify() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let to = bench.agree(&Bench::query(&app.id, &[("nonce", "n")]), at(0)).await;
    assert!(to.starts_with("https://app.example/back?a=b&code="), "{to}");
    assert_eq!(param(&to, "state").as_deref(), Some("s&1"));
    assert_eq!(param(&to, "iss").as_deref(), Some(ISSUER));

    let answer = bench.redeem(&app, &param(&to, "code").unwrap(), at(5)).await.unwrap();
    assert_eq!(answer["token_type"], "DPoP");
    assert_eq!(answer["expires_in"], 600);
    assert_eq!(answer["scope"], "openid offline_access webid");

    let alice = webid("alice");
    let access = bench.verified(&answer["access_token"], "at+jwt");
    let id = bench.verified(&answer["id_token"], "JWT");
    for claims in [&access, &id] {
        assert_eq!((&claims["sub"], &claims["webid"]), (&json!(alice.as_str()), &json!(alice.as_str())));
        assert_eq!(claims["azp"], *app.id);
        assert_eq!(claims["cnf"]["jkt"], *bench.key.thumbprint());
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(at(5).as_second()), &json!(at(605).as_second())));
    }
    assert_eq!((&access["aud"], &access["client_id"]), (&json!("solid"), &json!(app.id)));
    assert_eq!(id["aud"], json!([app.id, "solid"]));
    assert_eq!((&id["nonce"], &id["auth_time"]), (&json!("n"), &json!(at(0).as_second())));
}

#[tokio::test]
async fn a_resource_server_accepts_the_token_by_what_is_published() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    let alice = webid("alice");
    let profile = format!("<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <{ISSUER}>.");
    bench.web.0.lock().extend([
        (format!("{ISSUER}.well-known/openid-configuration"), bench.provider.discovery().to_string()),
        (format!("{ISSUER}.oidc/jwks"), bench.provider.jwks().to_string()),
        (alice.document().to_owned(), profile),
    ]);
    let config = podbell_oidc::Config { development: true, ..podbell_oidc::Config::default() };
    let replay = Arc::new(MemoryReplay::new(10, at(0)));
    let verifier = Verifier::new(config, bench.web.clone(), replay);
    let token = answer["access_token"].as_str().unwrap();
    let uri = "http://localhost:3000/alice/";
    let (proof, authorization) =
        (bench.key.prove("GET", uri, "one", at(1), Some(token)).unwrap(), format!("DPoP {token}"));
    let presented = Presented { method: "GET", uri, authorization: &[&authorization], dpop: &[&proof] };
    let credentials = verifier.verify(&presented, at(1)).await.unwrap().unwrap();
    assert_eq!(credentials.webid, alice);
}

#[tokio::test]
async fn an_id_token_is_signed_as_the_client_registered() {
    let bench = Bench::new().await;
    for algorithm in ["ES256", "RS256"] {
        let metadata = json!({ "redirect_uris": [BACK], "id_token_signed_response_alg": algorithm });
        let app = bench.register(metadata).await;
        let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
        let head = |token: &str| jsonwebtoken::decode_header(answer[token].as_str().unwrap()).unwrap().alg;
        assert_eq!(format!("{:?}", head("id_token")), algorithm);
        assert_eq!(head("access_token"), jsonwebtoken::Algorithm::ES256);
        bench.verified(&answer["id_token"], "JWT");
    }
}

#[tokio::test]
async fn client_credentials_give_the_same_token_with_and_without_scope() {
    let bench = Bench::new().await;
    let made = bench.provider.create_credentials(&webid("alice"), "tests", at(0)).await.unwrap();
    assert!(!format!("{made:?}").contains(&made.secret));
    let safe = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    assert!(safe(&made.id) && safe(&made.secret));
    let app = App { id: made.id.clone(), secret: Some(made.secret.clone()) };
    let grant = ("grant_type", "client_credentials");
    for pairs in
        [vec![grant], vec![grant, ("scope", "openid offline_access webid"), ("token_endpoint_auth_method", "x")]]
    {
        let answer = bench.token_with(&bench.key, &app, &pairs, at(0)).await.unwrap();
        let claims = bench.verified(&answer["access_token"], "at+jwt");
        assert_eq!(claims["webid"], *webid("alice").as_str());
        assert_eq!((&claims["aud"], &claims["client_id"]), (&json!("solid"), &json!(made.id)));
        assert_eq!(claims["exp"], at(3_600).as_second());
        assert_eq!(claims["cnf"]["jkt"], *bench.key.thumbprint());
        assert_eq!((answer.get("refresh_token"), answer.get("id_token")), (None, None));
        assert_eq!(answer["scope"], "webid");
    }
    // The secret in the body will do too.
    let form = encode(&[grant, ("client_id", &made.id), ("client_secret", &made.secret)]);
    let proof = bench.proof(&bench.key, at(0));
    let request = TokenRequest { form: &form, authorization: None, dpop: &[&proof], now: at(0) };
    bench.provider.token(request).await.unwrap();
}

#[tokio::test]
async fn a_client_named_by_its_document_logs_in_and_stays_logged_in() {
    let bench = Bench::new().await;
    let app = App { id: "https://app.example/id".into(), secret: None };
    let document = json!({
        "@context": ["https://www.w3.org/ns/solid/oidc-context.jsonld"],
        "client_id": app.id,
        "redirect_uris": [BACK],
    });
    bench.web.0.lock().insert(app.id.clone(), document.to_string());
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(1)).await.unwrap();
    assert_eq!(bench.verified(&answer["access_token"], "at+jwt")["client_id"], *app.id);
    let token = answer["refresh_token"].as_str().unwrap();
    let answer = bench.refresh(&bench.key, &app, token, at(2)).await.unwrap();
    assert_eq!(bench.verified(&answer["id_token"], "JWT")["aud"], json!([app.id, "solid"]));
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_confidential_client_may_change_its_key() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let mut answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    for second in 1..4 {
        let (token, key) = (answer["refresh_token"].clone(), super::bench::new_key());
        answer = bench.refresh(&key, &app, token.as_str().unwrap(), at(second)).await.unwrap();
        assert_ne!(answer["refresh_token"], token);
        assert_eq!(bench.verified(&answer["access_token"], "at+jwt")["cnf"]["jkt"], *key.thumbprint());
        assert!(bench.verified(&answer["id_token"], "JWT").get("nonce").is_none());
    }
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let to = bench.agree(&Bench::query(&app.id, &[("scope", "openid webid unknown")]), at(0)).await;
    let answer = bench.redeem(&app, &param(&to, "code").unwrap(), at(0)).await.unwrap();
    assert_eq!(answer["scope"], "openid webid");
    assert!(answer.get("refresh_token").is_none());
}

#[tokio::test]
async fn who_has_agreed_here_is_not_asked_again_unless_the_client_wants_it() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let query = Bench::query(&app.id, &[]);
    let silent = Bench::query(&app.id, &[("prompt", "none")]);
    let to = redirect(&bench.visit(&silent, None, None, at(0)).await);
    assert_eq!(param(&to, "error").as_deref(), Some("login_required"));

    let (cookie, consent) = bench.log_in(&query, at(0)).await;
    let to = redirect(&bench.visit(&silent, None, Some(&cookie), at(0)).await);
    assert_eq!(param(&to, "error").as_deref(), Some("consent_required"));
    assert_eq!((param(&to, "iss").as_deref(), param(&to, "state").as_deref()), (Some(ISSUER), Some("s&1")));

    let form = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
    redirect(&bench.visit(&query, Some(&form), Some(&cookie), at(0)).await);
    for again in [&query, &silent] {
        assert!(param(&redirect(&bench.visit(again, None, Some(&cookie), at(1)).await), "code").is_some());
    }
    let kind = async |changes: &[(&str, &str)], now| {
        page(&bench.visit(&Bench::query(&app.id, changes), None, Some(&cookie), at(now)).await).kind
    };
    assert_eq!(kind(&[("prompt", "consent")], 1).await, PageKind::Consent);
    assert_eq!(kind(&[("prompt", "login")], 1).await, PageKind::LogIn);
    assert_eq!(kind(&[("max_age", "10")], 11).await, PageKind::LogIn);
    assert_eq!(kind(&[], 24 * 60 * 60).await, PageKind::LogIn);
}

#[tokio::test]
async fn development_can_log_in_by_itself() {
    let bench = Bench::with(|config| config.auto_login = Some("alice".into())).await;
    let app = bench.app().await;
    let to = redirect(&bench.visit(&Bench::query(&app.id, &[("prompt", "consent")]), None, None, at(0)).await);
    let answer = bench.redeem(&app, &param(&to, "code").unwrap(), at(0)).await.unwrap();
    assert_eq!(bench.verified(&answer["id_token"], "JWT")["webid"], *webid("alice").as_str());
}

#[tokio::test]
async fn userinfo_tells_the_bearer_who_it_is() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let ask = async |key: &podbell_oidc::SigningKey, jti: &str, token: &str, now| {
        let endpoint = "http://localhost:3001/.oidc/userinfo";
        let proof = key.prove("GET", endpoint, jti, now, Some(token)).unwrap();
        let authorization = format!("DPoP {token}");
        let request = UserinfoRequest { method: "GET", authorization: Some(&authorization), dpop: &[&proof], now };
        bench.provider.userinfo(request).await.map_err(|error| error.code.as_str())
    };
    let alice = webid("alice");
    assert_eq!(ask(&bench.key, "a", token, at(1)).await, Ok(json!({ "sub": alice.as_str(), "webid": alice.as_str() })));
    assert_eq!(ask(&bench.key, "a", token, at(1)).await, Err("invalid_dpop_proof"), "a replay");
    assert_eq!(ask(&super::bench::new_key(), "b", token, at(1)).await, Err("invalid_dpop_proof"));
    assert_eq!(ask(&bench.key, "c", token, at(600)).await, Err("invalid_token"), "expired");
    let id_token = answer["id_token"].as_str().unwrap();
    assert_eq!(ask(&bench.key, "d", id_token, at(1)).await, Err("invalid_token"));
}

#[tokio::test]
async fn only_the_person_or_their_client_logs_out() {
    let bench = Bench::new().await;
    let bye = "https://app.example/bye";
    let metadata = json!({ "redirect_uris": [BACK], "post_logout_redirect_uris": [bye] });
    let app = bench.register(metadata).await;
    let query = Bench::query(&app.id, &[]);
    let (session, consent) = bench.log_in(&query, at(0)).await;
    let form = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
    let to = redirect(&bench.visit(&query, Some(&form), Some(&session), at(0)).await);
    let answer = bench.redeem(&app, &param(&to, "code").unwrap(), at(0)).await.unwrap();

    let leave = async |query: &str, form: Option<&str>| {
        let request = BrowserRequest { query, form, cookie: Some(&session), foreign: false, now: at(9_000) };
        bench.provider.end_session(request).await
    };
    let asked = page(&leave("", None).await);
    assert_eq!(asked.kind, PageKind::LogOut);
    assert_eq!(page(&leave("", Some("csrf=x&action=logout")).await).kind, PageKind::LogOut);
    assert!(bench.provider.sessions.get(&session, at(9_000)).is_some());
    let form = encode(&[("csrf", &csrf(&asked)), ("action", "logout")]);
    let left = leave("", Some(&form)).await;
    assert_eq!((page(&left).kind, cookie(&left).as_deref()), (PageKind::LoggedOut, Some("")));
    assert!(bench.provider.sessions.get(&session, at(9_000)).is_none());

    let hint = answer["id_token"].as_str().unwrap();
    let leaving = |uri: &str| encode(&[("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("state", "x")]);
    assert_eq!(redirect(&leave(&leaving(bye), None).await), format!("{bye}?state=x"));
    let elsewhere = leave(&leaving("https://evil.example/"), None).await;
    assert_eq!(page(&elsewhere).kind, PageKind::LoggedOut, "an unregistered place is not visited");
}

#[tokio::test]
async fn an_account_that_is_removed_takes_its_log_ins_along() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let answer = bench.redeem(&app, &bench.code(&app, at(0)).await, at(0)).await.unwrap();
    let code = bench.code(&app, at(0)).await;
    bench.provider.remove_account("alice").await.unwrap();
    let token = answer["refresh_token"].as_str().unwrap();
    assert_eq!(
        super::bench::code_of(bench.refresh(&bench.key, &app, token, at(1)).await),
        crate::ErrorCode::InvalidGrant
    );
    let late = bench.token_with(&bench.key, &app, &code_form(&code), at(1)).await;
    assert_eq!(super::bench::code_of(late), crate::ErrorCode::InvalidGrant);
    bench.provider.create_account("alice", webid("alice"), Some(PASSWORD)).await.unwrap();
}
