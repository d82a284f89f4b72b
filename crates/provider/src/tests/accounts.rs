//! The page of one's own account: who may do what there, and what it ends.

use super::bench::{App, Bench, PASSWORD, at, code_of, cookie, csrf, encode, page, redirect, webid};
use crate::{Answer, BrowserRequest, ErrorCode, Next, Page, PageKind, TokenRequest, store::Store as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use podbell_model::Timestamp;

async fn visit(bench: &Bench, form: Option<&str>, cookie: Option<&str>, now: Timestamp) -> Answer {
    bench.provider.account_page(BrowserRequest { query: "", form, cookie, foreign: false, now }).await
}

/// Logs in at the account page; the session's cookie.
async fn enter(bench: &Bench, name: &str, password: &str, now: Timestamp) -> Result<String, PageKind> {
    let shown = visit(bench, None, None, now).await;
    let form = encode(&[("csrf", &csrf(&page(&shown))), ("action", "login"), ("name", name), ("password", password)]);
    let answer = visit(bench, Some(&form), cookie(&shown).as_deref(), now).await;
    match &answer.next {
        Next::Redirect(to) => {
            assert_eq!(to, "http://localhost:3001/.oidc/account");
            Ok(cookie(&answer).unwrap())
        }
        Next::Page(page) => Err(page.kind),
    }
}

async fn shown(bench: &Bench, cookie: &str, now: Timestamp) -> Page {
    page(&visit(bench, None, Some(cookie), now).await)
}

/// Fills in a form of the page.
async fn act(bench: &Bench, cookie: &str, action: &str, fields: &[(&str, &str)], now: Timestamp) -> Answer {
    let token = csrf(&shown(bench, cookie, now).await);
    let fields = [&[("csrf", token.as_str()), ("action", action)], fields].concat();
    visit(bench, Some(&encode(&fields)), Some(cookie), now).await
}

fn done(answer: &Answer, what: &str) -> bool {
    matches!(&answer.next, Next::Redirect(to) if to.ends_with(&format!("/.oidc/account?done={what}")))
}

/// What stands in an element of a page.
fn text<'p>(page: &'p Page, id: &str) -> &'p str {
    let (_, rest) = page.html.split_once(&format!("id=\"{id}\">")).unwrap();
    rest.split_once('<').unwrap().0
}

async fn token_of(bench: &Bench, id: &str, secret: &str) -> Result<serde_json::Value, crate::OAuthError> {
    let (basic, proof) = (STANDARD.encode(format!("{id}:{secret}")), bench.proof(&bench.key, at(0)));
    let authorization = format!("Basic {basic}");
    let request = TokenRequest {
        form: "grant_type=client_credentials",
        authorization: Some(&authorization),
        dpop: &[&proof],
        now: at(0),
    };
    bench.provider.token(request).await
}

async fn with_bob() -> Bench {
    let bench = Bench::new().await;
    bench.provider.create_account("bob", webid("bob"), Some("bob's own words")).await.unwrap();
    bench
}

/// An app that alice is logged in to, its refresh token, and the cookie of the session.
async fn app_with_token(bench: &Bench) -> (App, String) {
    let app = bench.app().await;
    let code = bench.code(&app, at(0)).await;
    let answer = bench.redeem(&app, &code, at(0)).await.unwrap();
    (app, answer["refresh_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn only_the_password_opens_the_page_and_guessing_ends() {
    let bench = Bench::with(|config| config.limits.failures_per_account = 3).await;
    assert_eq!(page(&visit(&bench, None, Some("planted-planted-plante"), at(0)).await).kind, PageKind::LogIn);
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let page = shown(&bench, &own, at(1)).await;
    assert!(page.kind == PageKind::Account && page.html.contains(webid("alice").as_str()), "{}", page.html);
    for _ in 0..3 {
        assert_eq!(enter(&bench, "alice", "wrong", at(2)).await.unwrap_err(), PageKind::LogInRefused);
    }
    assert_eq!(enter(&bench, "alice", PASSWORD, at(3)).await.unwrap_err(), PageKind::TooManyAttempts);
    let fields = [("current", PASSWORD), ("new", "another secret"), ("again", "another secret")];
    let answer = act(&bench, &own, "password", &fields, at(4)).await;
    assert_eq!(super::bench::page(&answer).kind, PageKind::TooManyAttempts, "also for whoever is logged in");
}

#[tokio::test]
async fn a_cookie_that_was_planted_before_the_log_in_opens_nothing() {
    let bench = Bench::new().await;
    let answer = visit(&bench, None, None, at(0)).await;
    let planted = cookie(&answer).unwrap();
    let form =
        encode(&[("csrf", &csrf(&page(&answer))), ("action", "login"), ("name", "alice"), ("password", PASSWORD)]);
    let answer = visit(&bench, Some(&form), Some(&planted), at(0)).await;
    assert_ne!(cookie(&answer).unwrap(), planted);
    assert_eq!(page(&visit(&bench, None, Some(&planted), at(0)).await).kind, PageKind::LogIn);
}

#[tokio::test]
async fn no_form_counts_from_another_site_another_browser_or_without_its_token() {
    let bench = with_bob().await;
    let made = bench.provider.create_credentials(&webid("alice"), "bot", at(0)).await.unwrap();
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let second = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let token = csrf(&shown(&bench, &own, at(0)).await);
    let others = csrf(&shown(&bench, &second, at(0)).await);
    let log_in = csrf(&page(&visit(&bench, None, None, at(0)).await));
    let forms: [(&str, &[(&str, &str)]); 5] = [
        ("password", &[("current", PASSWORD), ("new", "another secret"), ("again", "another secret")]),
        ("new-credentials", &[("label", "evil")]),
        ("revoke-credentials", &[("id", &made.id)]),
        ("revoke-app", &[("client", "app")]),
        ("everywhere", &[]),
    ];
    for (action, fields) in forms {
        for wrong in ["", "x", &others, &log_in] {
            let form = encode(&[&[("csrf", wrong), ("action", action)], fields].concat());
            let answer = visit(&bench, Some(&form), Some(&own), at(0)).await;
            assert_eq!(page(&answer).kind, PageKind::AccountRefused, "{action} with {wrong:?}");
        }
        let form = encode(&[&[("csrf", token.as_str()), ("action", action)], fields].concat());
        for cookie in [None, Some(own.as_str())] {
            let request = BrowserRequest { query: "", form: Some(&form), cookie, foreign: true, now: at(0) };
            let answer = bench.provider.account_page(request).await;
            assert_eq!(redirect(&answer), "http://localhost:3001/.oidc/account", "{action}");
            assert!(answer.set_cookie.is_none());
        }
        let answer = visit(&bench, Some(&form), None, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::LogIn, "{action} without a session");
    }
    assert_eq!(bench.store.credentials_of(&webid("alice")).await.unwrap().len(), 1);
    assert!(bench.provider.sessions.get(&second, at(0)).is_some());
    enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_new_password_takes_the_old_one_and_ends_what_stood_on_it() {
    let bench = Bench::new().await;
    let (app, refresh) = app_with_token(&bench).await;
    let waiting = bench.code(&app, at(0)).await;
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let elsewhere = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let bot = bench.provider.create_credentials(&webid("alice"), "bot", at(0)).await.unwrap();
    let change = async |current: &str, new: &str, again: &str| {
        act(&bench, &own, "password", &[("current", current), ("new", new), ("again", again)], at(1)).await
    };
    for (current, new, again) in [
        ("", "another secret", "another secret"),
        ("wrong", "another secret", "another secret"),
        (PASSWORD, "another secret", "another"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "", ""),
    ] {
        let refused = page(&change(current, new, again).await);
        assert_eq!(refused.kind, PageKind::AccountRefused, "{current} {new} {again}");
        assert!(!refused.html.contains("another secret"));
    }
    assert!(bench.provider.sessions.get(&elsewhere, at(1)).is_some());

    let answer = change(PASSWORD, "another secret", "another secret").await;
    assert!(done(&answer, "password"));
    let new = cookie(&answer).unwrap();
    for gone in [&own, &elsewhere] {
        assert!(bench.provider.sessions.get(gone, at(2)).is_none());
    }
    assert_eq!(shown(&bench, &new, at(2)).await.kind, PageKind::Account);
    assert_eq!(code_of(bench.refresh(&bench.key, &app, &refresh, at(2)).await), ErrorCode::InvalidGrant);
    assert_eq!(code_of(bench.redeem(&app, &waiting, at(2)).await), ErrorCode::InvalidGrant, "a code that waited");
    assert_eq!(enter(&bench, "alice", PASSWORD, at(2)).await.unwrap_err(), PageKind::LogInRefused);
    enter(&bench, "alice", "another secret", at(2)).await.unwrap();
    token_of(&bench, &bot.id, &bot.secret).await.expect("programs keep their credentials");
}

#[tokio::test]
async fn credentials_are_made_shown_once_and_revoked() {
    let bench = Bench::new().await;
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let hostile = "<script>alert(1)</script>";
    let made = page(&act(&bench, &own, "new-credentials", &[("label", hostile)], at(1)).await);
    let (id, secret) = (text(&made, "client-id"), text(&made, "client-secret"));
    token_of(&bench, id, secret).await.unwrap();
    let later = shown(&bench, &own, at(2)).await;
    assert!(later.html.contains(id) && !later.html.contains(secret) && !later.html.contains("<script"));
    for empty in ["", "  ", "a\nb", &"x".repeat(65)] {
        let answer = act(&bench, &own, "new-credentials", &[("label", empty)], at(2)).await;
        assert_eq!(page(&answer).kind, PageKind::AccountRefused, "{empty:?}");
    }
    assert!(done(&act(&bench, &own, "revoke-credentials", &[("id", id)], at(3)).await, "revoked"));
    assert_eq!(code_of(token_of(&bench, id, secret).await), ErrorCode::InvalidClient);
}

#[tokio::test]
async fn nobody_revokes_the_credentials_or_the_apps_of_another() {
    let bench = with_bob().await;
    let (app, refresh) = app_with_token(&bench).await;
    let alices = bench.provider.create_credentials(&webid("alice"), "bot", at(0)).await.unwrap();
    let bob = enter(&bench, "bob", "bob's own words", at(0)).await.unwrap();
    let page_of_bob = shown(&bench, &bob, at(0)).await;
    assert!(!page_of_bob.html.contains(&alices.id) && !page_of_bob.html.contains(&app.id));
    let answer = act(&bench, &bob, "revoke-credentials", &[("id", &alices.id)], at(0)).await;
    assert_eq!(page(&answer).kind, PageKind::AccountRefused);
    assert!(done(&act(&bench, &bob, "revoke-app", &[("client", &app.id)], at(0)).await, "app"));
    token_of(&bench, &alices.id, &alices.secret).await.unwrap();
    bench.refresh(&bench.key, &app, &refresh, at(1)).await.unwrap();
}

#[tokio::test]
async fn lasting_access_from_an_old_session_takes_the_password() {
    let bench = Bench::new().await;
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    assert!(!shown(&bench, &own, at(600)).await.html.contains("credentials-current"));
    assert!(shown(&bench, &own, at(601)).await.html.contains("credentials-current"));
    for fields in [&[("label", "bot")][..], &[("label", "bot"), ("current", "wrong")]] {
        let answer = act(&bench, &own, "new-credentials", fields, at(601)).await;
        assert_eq!(page(&answer).kind, PageKind::AccountRefused);
    }
    assert!(bench.store.credentials_of(&webid("alice")).await.unwrap().is_empty());
    let fields = [("label", "bot"), ("current", PASSWORD)];
    let made = page(&act(&bench, &own, "new-credentials", &fields, at(601)).await);
    assert!(!text(&made, "client-secret").is_empty());
}

#[tokio::test]
async fn access_that_is_withdrawn_from_an_app_is_asked_for_again() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let query = Bench::query(&app.id, &[]);
    let (own, consent) = bench.log_in(&query, at(0)).await;
    let agreed = encode(&[("csrf", &csrf(&consent)), ("action", "allow")]);
    let to = redirect(&bench.visit(&query, Some(&agreed), Some(&own), at(0)).await);
    let answer = bench.redeem(&app, &super::bench::param(&to, "code").unwrap(), at(0)).await.unwrap();
    let refresh = answer["refresh_token"].as_str().unwrap();
    let to = redirect(&bench.visit(&query, None, Some(&own), at(1)).await);
    let waiting = super::bench::param(&to, "code").expect("it is not asked again");
    let listed = shown(&bench, &own, at(1)).await;
    assert!(
        listed.html.contains("An &lt;b&gt;app&lt;/b&gt;") && listed.html.contains("app.example"),
        "{}",
        listed.html
    );
    assert!(done(&act(&bench, &own, "revoke-app", &[("client", &app.id)], at(1)).await, "app"));
    assert!(!shown(&bench, &own, at(2)).await.html.contains("app.example"));
    assert_eq!(code_of(bench.refresh(&bench.key, &app, refresh, at(2)).await), ErrorCode::InvalidGrant);
    assert_eq!(code_of(bench.redeem(&app, &waiting, at(2)).await), ErrorCode::InvalidGrant);
    assert_eq!(page(&bench.visit(&query, None, Some(&own), at(2)).await).kind, PageKind::Consent);
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_and_every_app() {
    let bench = with_bob().await;
    let (app, refresh) = app_with_token(&bench).await;
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    let bob = enter(&bench, "bob", "bob's own words", at(0)).await.unwrap();
    assert!(shown(&bench, &own, at(0)).await.html.contains("and one other"));
    let answer = act(&bench, &own, "everywhere", &[], at(1)).await;
    assert_eq!(page(&answer).kind, PageKind::LoggedOut);
    assert!(answer.set_cookie.unwrap().contains("Max-Age=0"));
    assert_eq!(page(&visit(&bench, None, Some(&own), at(2)).await).kind, PageKind::LogIn);
    assert_eq!(code_of(bench.refresh(&bench.key, &app, &refresh, at(2)).await), ErrorCode::InvalidGrant);
    assert!(bench.provider.sessions.get(&bob, at(2)).is_some());
}

#[tokio::test]
async fn a_removed_account_is_logged_in_nowhere() {
    let bench = Bench::new().await;
    let own = enter(&bench, "alice", PASSWORD, at(0)).await.unwrap();
    bench.provider.remove_account("alice").await.unwrap();
    assert_eq!(page(&visit(&bench, None, Some(&own), at(0)).await).kind, PageKind::LogIn);
    // Whoever gets the name next is somebody else.
    bench.provider.create_account("alice", webid("other"), Some(PASSWORD)).await.unwrap();
    assert_eq!(page(&visit(&bench, None, Some(&own), at(0)).await).kind, PageKind::LogIn);
}
