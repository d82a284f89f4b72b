//! The pages: who may fill in which form, and how often.

use super::bench::{Bench, PASSWORD, at, cookie, csrf, encode, page, param, redirect};
use crate::PageKind;

#[tokio::test]
async fn a_log_in_form_of_another_browser_does_not_count() {
    let bench = Bench::new().await;
    let query = Bench::query(&bench.app().await.id, &[]);
    let answer = bench.visit(&query, None, None, at(0)).await;
    let (own, token) = (cookie(&answer).unwrap(), csrf(&page(&answer)));
    let other = cookie(&bench.visit(&query, None, None, at(0)).await).unwrap();
    let form = |token: &str| encode(&[("csrf", token), ("action", "login"), ("name", "alice"), ("password", PASSWORD)]);
    for (token, cookie) in [(token.as_str(), None), (&token, Some(other.as_str())), ("", Some(&own)), ("x", Some(&own))]
    {
        let answer = bench.visit(&query, Some(&form(token)), cookie, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::LogIn);
    }
    let answer = bench.visit(&query, Some(&form(&token)), Some(&own), at(0)).await;
    assert_eq!(page(&answer).kind, PageKind::Consent);
    assert_ne!(cookie(&answer).unwrap(), own, "the cookie from before the log-in is worth nothing");
}

#[tokio::test]
async fn consent_counts_for_the_request_and_the_session_that_it_was_shown_for() {
    let bench = Bench::new().await;
    let (app, evil) = (bench.app().await, bench.app().await);
    let (query, other) = (Bench::query(&app.id, &[]), Bench::query(&evil.id, &[]));
    let (cookie, consent) = bench.log_in(&query, at(0)).await;
    let (foreign, _) = bench.log_in(&query, at(0)).await;
    let form = |token: &str| encode(&[("csrf", token), ("action", "allow")]);
    let token = csrf(&consent);
    for (query, cookie, token) in [(&other, &cookie, token.as_str()), (&query, &foreign, &token), (&query, &cookie, "")]
    {
        let answer = bench.visit(query, Some(&form(token)), Some(cookie), at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::Consent, "it is asked again");
    }
    assert_eq!(page(&bench.visit(&query, Some(&form(&token)), None, at(0)).await).kind, PageKind::LogIn);
    let to = redirect(&bench.visit(&query, Some(&form(&token)), Some(&cookie), at(0)).await);
    assert!(param(&to, "code").is_some());
}

#[tokio::test]
async fn a_new_log_in_that_the_client_wants_cannot_be_skipped() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let (cookie, _) = bench.log_in(&Bench::query(&app.id, &[]), at(0)).await;
    let query = Bench::query(&app.id, &[("prompt", "login")]);
    let answer = bench.visit(&query, Some("csrf=x&action=allow"), Some(&cookie), at(1)).await;
    assert_eq!(page(&answer).kind, PageKind::LogIn);
}

#[tokio::test]
async fn who_denies_sends_no_code_and_who_switches_is_logged_out() {
    let bench = Bench::new().await;
    let query = Bench::query(&bench.app().await.id, &[]);
    let (cookie, consent) = bench.log_in(&query, at(0)).await;
    let answer = async |action: &str| {
        let form = encode(&[("csrf", &csrf(&consent)), ("action", action)]);
        bench.visit(&query, Some(&form), Some(&cookie), at(0)).await
    };
    let to = redirect(&answer("deny").await);
    assert_eq!((param(&to, "error").as_deref(), param(&to, "code")), (Some("access_denied"), None));
    assert_eq!(page(&answer("switch").await).kind, PageKind::LogIn);
    assert_eq!(page(&answer("allow").await).kind, PageKind::LogIn);
}

#[tokio::test]
async fn passwords_cannot_be_guessed_for_long() {
    let bench = Bench::with(|config| config.limits.failures_per_account = 2).await;
    let query = Bench::query(&bench.app().await.id, &[]);
    let answer = bench.visit(&query, None, None, at(0)).await;
    let (browser, token) = (cookie(&answer).unwrap(), csrf(&page(&answer)));
    let guess = async |name: &str, password: &str, now| {
        let form = encode(&[("csrf", &token), ("action", "login"), ("name", name), ("password", password)]);
        page(&bench.visit(&query, Some(&form), Some(&browser), at(now)).await).kind
    };
    for name in ["alice", "nobody"] {
        assert_eq!(guess(name, "wrong password", 0).await, PageKind::LogInRefused);
        assert_eq!(guess(name, &"x".repeat(2_000), 0).await, PageKind::LogInRefused);
        assert_eq!(guess(name, PASSWORD, 1).await, PageKind::TooManyAttempts);
    }
    assert_eq!(guess("alice", PASSWORD, 900).await, PageKind::Consent);
}

#[tokio::test]
async fn what_a_client_calls_itself_is_text() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let answer = bench.visit(&Bench::query(&app.id, &[("login_hint", "\"><b>")]), None, None, at(0)).await;
    let html = page(&answer).html;
    assert!(html.contains("An &lt;b&gt;app&lt;/b&gt;") && !html.contains("<b>"));
    assert!(html.contains("value=\"&quot;&gt;&lt;b&gt;\"") && html.contains("app.example"));
}

#[tokio::test]
async fn a_name_that_nobody_has_takes_as_long_as_a_wrong_password() {
    let bench = Bench::new().await;
    bench.provider.create_account("locked", super::bench::webid("locked"), None).await.unwrap();
    let query = Bench::query(&bench.app().await.id, &[]);
    let answer = bench.visit(&query, None, None, at(0)).await;
    let (browser, token) = (cookie(&answer).unwrap(), csrf(&page(&answer)));
    // The shortest of a few: what is left out makes it shorter each time, a busy machine does not.
    let shortest = async |name: &str| {
        let mut shortest = std::time::Duration::MAX;
        for _ in 0..3 {
            let form = encode(&[("csrf", &token), ("action", "login"), ("name", name), ("password", "a wrong one")]);
            let before = std::time::Instant::now();
            let answer = page(&bench.visit(&query, Some(&form), Some(&browser), at(0)).await);
            shortest = shortest.min(before.elapsed());
            assert_eq!(answer.kind, PageKind::LogInRefused);
            assert!(answer.html.contains("Name or password is wrong."));
        }
        shortest
    };
    let known = shortest("alice").await;
    for name in ["nobody", "locked"] {
        let unknown = shortest(name).await;
        assert!(unknown * 4 > known, "{name}: {unknown:?}, alice: {known:?}");
    }
}
