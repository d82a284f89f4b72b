//! Consent: what it covers, and what an app can do to the page that asks for it.

use super::bench::{BACK, Bench, at, csrf, encode, page, param, redirect};
use crate::PageKind;
use serde_json::json;

#[tokio::test]
async fn consent_to_less_is_none_to_more() {
    let bench = Bench::new().await;
    let app = bench.app().await;
    let less = Bench::query(&app.id, &[("scope", "openid webid")]);
    let (cookie, consent) = bench.log_in(&less, at(0)).await;
    assert!(!consent.html.contains("stay logged in"));
    let agree = async |query: &str, page: &crate::Page| {
        let form = encode(&[("csrf", &csrf(page)), ("action", "allow")]);
        redirect(&bench.visit(query, Some(&form), Some(&cookie), at(0)).await)
    };
    agree(&less, &consent).await;
    let more = Bench::query(&app.id, &[("scope", "openid webid offline_access"), ("prompt", "none")]);
    let to = redirect(&bench.visit(&more, None, Some(&cookie), at(0)).await);
    assert_eq!(param(&to, "error").as_deref(), Some("consent_required"), "nobody was told of a refresh token");

    let asking = Bench::query(&app.id, &[]);
    let shown = page(&bench.visit(&asking, None, Some(&cookie), at(0)).await);
    assert!(shown.kind == PageKind::Consent && shown.html.contains("stay logged in"));
    agree(&asking, &shown).await;
    for query in [&more, &format!("{less}&prompt=none")] {
        assert!(param(&redirect(&bench.visit(query, None, Some(&cookie), at(0)).await), "code").is_some());
    }
}

#[tokio::test]
async fn what_an_app_calls_itself_neither_hides_nor_moves_the_rest_of_the_page() {
    let bench = Bench::new().await;
    // Hidden, reordering or blank characters; the last one is a name in a script that runs from right to left.
    for (name, gone) in [
        ("good\u{202e}elpmaxe", '\u{202e}'),
        ("good\u{061c}name", '\u{061c}'),
        ("\u{3164}\u{3164}", '\u{3164}'),
        ("go\u{ad}od", '\u{ad}'),
        ("good\u{e0041}", '\u{e0041}'),
        ("good\u{2800}\u{115f}", '\u{115f}'),
        ("a\nb", '\n'),
    ] {
        let app = bench.register(json!({ "redirect_uris": [BACK], "client_name": name })).await;
        let (_, consent) = bench.log_in(&Bench::query(&app.id, &[]), at(0)).await;
        assert!(!consent.html.contains(gone), "{name:?}");
        assert!(consent.html.contains("app.example"));
    }
    let app = bench.register(json!({ "redirect_uris": [BACK], "client_name": "\u{5d0}\u{5d1}" })).await;
    let (_, consent) = bench.log_in(&Bench::query(&app.id, &[]), at(0)).await;
    assert!(consent.html.contains("<bdi>\u{5d0}\u{5d1}</bdi>"), "its direction ends with it");
}

#[tokio::test]
async fn a_page_loads_nothing_that_an_app_names() {
    let bench = Bench::new().await;
    let evil = "https://evil.example/pixel";
    let metadata = json!({
        "redirect_uris": [BACK], "client_name": "App",
        "logo_uri": evil, "client_uri": evil, "policy_uri": evil, "tos_uri": "javascript:alert(1)",
    });
    let app = bench.register(metadata).await;
    let (_, consent) = bench.log_in(&Bench::query(&app.id, &[]), at(0)).await;
    for part in ["evil.example", "javascript:", "<img", "<script", "src=", "<a "] {
        assert!(!consent.html.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_document_of_an_app_is_judged_anew_for_each_redirect_uri() {
    let bench = Bench::new().await;
    let id = "https://app.example/id";
    let document = |extra: serde_json::Value| {
        let mut document = json!({
            "@context": ["https://www.w3.org/ns/solid/oidc-context.jsonld"], "client_id": id, "redirect_uris": [BACK],
        });
        document.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        document.to_string()
    };
    let ask = async |now| page(&bench.visit(&Bench::query(id, &[]), None, None, at(now)).await).kind;
    for (at_second, extra, kind) in [
        (0, json!({ "client_id": "https://evil.example/id" }), PageKind::BadRequest),
        (100, json!({ "redirect_uris": ["https://evil.example/"] }), PageKind::BadRequest),
        (200, json!({ "redirect_uris": ["javascript:alert(1)", "data:text/html,x"] }), PageKind::BadRequest),
        (300, json!({ "@context": {} }), PageKind::BadRequest),
        (400, json!({}), PageKind::LogIn),
    ] {
        bench.web.0.lock().insert(id.into(), document(extra));
        assert_eq!(ask(at_second).await, kind, "{at_second}");
    }
    for strange in
        ["https://user@app.example/id", "https://app.example/id#it", "file:///etc/passwd", "https:app.example/id"]
    {
        let answer = bench.visit(&Bench::query(strange, &[]), None, None, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::BadRequest, "{strange}");
    }
}
