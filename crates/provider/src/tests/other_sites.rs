//! What other sites can make a browser do here: fill in forms, log in as somebody else, log out, be sent elsewhere.

use super::bench::{App, BACK, Bench, PASSWORD, at, challenge, csrf, encode, page, param, redirect};
use crate::{Answer, BrowserRequest, PageKind};
use serde_json::json;

const BYE: &str = "https://app.example/bye";

/// A form that another origin sent to the authorization endpoint.
async fn sent(bench: &Bench, query: &str, form: &str, cookie: Option<&str>) -> Answer {
    bench.provider.authorize(BrowserRequest { query, form: Some(form), cookie, foreign: true, now: at(0) }).await
}

async fn leave(bench: &Bench, query: &str, form: Option<&str>, cookie: Option<&str>, foreign: bool) -> Answer {
    bench.provider.end_session(BrowserRequest { query, form, cookie, foreign, now: at(0) }).await
}

/// An app that may be returned to after a log-out, and the ID token of a person who is logged in to it.
async fn left_app(bench: &Bench) -> (App, String, String) {
    let app = bench.register(json!({ "redirect_uris": [BACK], "post_logout_redirect_uris": [BYE] })).await;
    let query = Bench::query(&app.id, &[]);
    let (cookie, consent) = bench.log_in(&query, at(0)).await;
    let form = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
    let to = redirect(&bench.visit(&query, Some(&form), Some(&cookie), at(0)).await);
    let answer = bench.redeem(&app, &param(&to, "code").unwrap(), at(0)).await.unwrap();
    (app, cookie, answer["id_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_log_in_form_that_another_site_fills_in_logs_nobody_in_as_the_attacker() {
    let bench = Bench::new().await;
    let query = Bench::query(&bench.app().await.id, &[]);
    // The attacker's own page, whose cookie was planted at the victim's browser.
    let shown = bench.visit(&query, None, None, at(0)).await;
    let planted = super::bench::cookie(&shown).unwrap();
    let form =
        encode(&[("csrf", &csrf(&page(&shown))), ("action", "login"), ("name", "alice"), ("password", PASSWORD)]);
    let answer = sent(&bench, &query, &form, Some(&planted)).await;
    assert!(answer.set_cookie.is_none(), "no session is opened, and none of the victim's is pushed out");
    let again = redirect(&answer);
    let (endpoint, again) = again.split_once('?').unwrap();
    assert_eq!(endpoint, "http://localhost:3001/.oidc/authorize");
    assert_eq!(page(&bench.visit(again, None, Some(&planted), at(0)).await).kind, PageKind::LogIn);
}

#[tokio::test]
async fn consent_that_another_site_gives_is_none() {
    let bench = Bench::new().await;
    let query = Bench::query(&bench.app().await.id, &[]);
    let (cookie, consent) = bench.log_in(&query, at(0)).await;
    let form = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
    let to = redirect(&sent(&bench, &query, &form, Some(&cookie)).await);
    assert!(to.starts_with("http://localhost:3001/.oidc/authorize?") && param(&to, "code").is_none(), "{to}");
    let silent = redirect(&bench.visit(&format!("{query}&prompt=none"), None, Some(&cookie), at(0)).await);
    assert_eq!(param(&silent, "error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn an_app_may_send_its_request_as_a_form() {
    let bench = Bench::new().await;
    let query = Bench::query(&bench.app().await.id, &[("nonce", "n")]);
    let to = redirect(&sent(&bench, "", &query, None).await);
    let again = to.split_once('?').unwrap().1;
    assert_eq!((param(&to, "nonce").as_deref(), param(&to, "state").as_deref()), (Some("n"), Some("s&1")));
    let (cookie, _) = bench.log_in(again, at(0)).await;
    assert_eq!(page(&bench.visit(again, None, Some(&cookie), at(0)).await).kind, PageKind::Consent);
    let bad = sent(&bench, "", "client_id=nobody&redirect_uri=https%3A%2F%2Fevil.example%2F", None).await;
    assert_eq!(page(&bad).kind, PageKind::BadRequest);
}

#[tokio::test]
async fn another_site_logs_nobody_out() {
    let bench = Bench::new().await;
    let (_, cookie, _) = left_app(&bench).await;
    let asked = page(&leave(&bench, "", None, Some(&cookie), false).await);
    let form = encode(&[("csrf", &csrf(&asked)), ("action", "logout")]);
    // A browser keeps the cookie back from a form of another site; the answer must not make it forget it.
    for held in [None, Some(cookie.as_str())] {
        let answer = leave(&bench, "", Some(&form), held, true).await;
        assert!(answer.set_cookie.is_none());
        assert_eq!(redirect(&answer), "http://localhost:3001/.oidc/logout?");
    }
    assert!(leave(&bench, "", None, None, false).await.set_cookie.is_none());
    assert!(bench.provider.sessions.get(&cookie, at(0)).is_some());
}

#[tokio::test]
async fn leaving_sends_nobody_to_a_place_that_neither_they_nor_their_app_asked_for() {
    let bench = Bench::new().await;
    let (app, cookie, hint) = left_app(&bench).await;
    let evil =
        bench.register(json!({ "redirect_uris": [BACK], "post_logout_redirect_uris": ["https://evil.example/"] }));
    let evil = evil.await;
    let lure = encode(&[("client_id", &evil.id), ("post_logout_redirect_uri", "https://evil.example/")]);
    let answer = leave(&bench, &lure, None, None, false).await;
    assert_eq!(page(&answer).kind, PageKind::LoggedOut, "an id that anybody can have proves nothing");
    let mixed = format!("{lure}&{}", encode(&[("id_token_hint", &hint)]));
    let answer = leave(&bench, &mixed, None, Some(&cookie), false).await;
    assert_eq!(page(&answer).kind, PageKind::BadRequest, "the ID token of one app, the id of another");
    assert!(bench.provider.sessions.get(&cookie, at(0)).is_some());
    let own = encode(&[("client_id", &app.id), ("post_logout_redirect_uri", BYE), ("id_token_hint", &hint)]);
    assert_eq!(redirect(&leave(&bench, &own, None, Some(&cookie), false).await), BYE);
}

#[tokio::test]
async fn no_error_goes_to_a_place_that_was_not_registered() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    // Each would be an error for the client; the redirect URI is judged before.
    for changes in [
        [("redirect_uri", "https://evil.example/"), ("prompt", "none")],
        [("redirect_uri", "https://evil.example/"), ("response_type", "token")],
        [("redirect_uri", "https://evil.example/"), ("scope", "none")],
        [("redirect_uri", "javascript:alert(1)"), ("code_challenge", "")],
        [("redirect_uri", "data:text/html,x"), ("max_age", "x")],
        [("client_id", "nobody"), ("prompt", "none")],
    ] {
        let answer = bench.visit(&Bench::query(&app.id, &changes), None, None, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::BadRequest, "{changes:?}");
    }
}

#[tokio::test]
async fn a_local_app_gets_its_code_at_the_port_that_it_registered() {
    let bench = Bench::new().await;
    let registered = "http://127.0.0.1:9000/back";
    let app = bench.register(json!({ "redirect_uris": [registered] })).await;
    for uri in [
        "http://127.0.0.1:9001/back",
        "http://127.0.0.1/back",
        "http://localhost:9000/back",
        "http://[::1]:9000/back",
        "http://127.1:9000/back",
        "http://127.0.0.1:9000/%62ack",
        "http://127.0.0.1:9000/back?",
        "http://127.0.0.1:9000//back",
        "http://127.0.0.1:9000@evil.example/back",
    ] {
        let answer = bench.visit(&Bench::query(&app.id, &[("redirect_uri", uri)]), None, None, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::BadRequest, "{uri}");
    }
    let good = bench.visit(&Bench::query(&app.id, &[("redirect_uri", registered)]), None, None, at(0)).await;
    assert_eq!(page(&good).kind, PageKind::LogIn);
}

#[tokio::test]
async fn every_answer_to_a_client_names_the_issuer() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let denied = [("code_challenge", challenge("x").as_str()), ("response_mode", "form_post")]
        .map(|change| Bench::query(&app.id, &[change, ("prompt", "none")]));
    for query in denied {
        let to = redirect(&bench.visit(&query, None, None, at(0)).await);
        assert_eq!(param(&to, "iss").as_deref(), Some(super::bench::ISSUER), "{to}");
        assert_eq!((param(&to, "state").as_deref(), param(&to, "code")), (Some("s&1"), None));
    }
    let to = bench.agree(&Bench::query(&app.id, &[]), at(0)).await;
    assert_eq!(param(&to, "iss").as_deref(), Some(super::bench::ISSUER));
}

#[tokio::test]
async fn where_there_is_tls_the_cookie_is_one_that_no_neighbour_can_plant() {
    let bench = Bench::with(|config| *config = crate::Config::new("https://id.example/")).await;
    let query = Bench::query(&bench.app().await.id, &[]);
    let set = bench.visit(&query, None, None, at(0)).await.set_cookie.unwrap();
    assert!(set.starts_with("__Host-podbell_session="), "{set}");
    for flag in ["; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(flag), "{set}");
    }
    assert!(!set.contains("Domain"));
    assert_eq!(bench.provider.session_cookie(), "__Host-podbell_session");
}
