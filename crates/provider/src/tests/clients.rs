//! Registration, and client identifier documents.

use super::bench::{App, BACK, Bench, at, page, param, redirect};
use crate::{ErrorCode, PageKind};
use serde_json::{Value, json};

#[tokio::test]
async fn a_registration_is_answered_as_the_clients_in_use_expect() {
    let bench = Bench::new().await;
    let sent = json!({
        "redirect_uris": ["http://localhost:9/back", BACK],
        "client_name": "An app",
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "ES256",
        "application_type": "web",
        "subject_type": "public",
        "token_endpoint_auth_method": "client_secret_basic",
        "unknown": 7,
    });
    let answer = bench.provider.register(sent.to_string().as_bytes(), at(0)).await.unwrap();
    for (member, value) in sent.as_object().unwrap().iter().filter(|(member, _)| *member != "unknown") {
        assert_eq!(answer[member], *value, "{member}");
    }
    assert!(answer.get("unknown").is_none());
    assert_eq!(answer["client_secret_expires_at"], 0);
    assert_eq!(answer["client_id_issued_at"], at(0).as_second());
    for member in ["client_id", "client_secret"] {
        let text = answer[member].as_str().unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{member}");
    }
}

#[tokio::test]
async fn each_fault_of_a_registration_has_its_code() {
    let bench = Bench::new().await;
    let many: Vec<_> = (0..33).map(|n| format!("https://app.example/{n}")).collect();
    for (change, code) in [
        (json!({ "redirect_uris": [] }), ErrorCode::InvalidRedirectUri),
        (json!({ "redirect_uris": null }), ErrorCode::InvalidClientMetadata),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "redirect_uris": ["https://app.example/#x"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "redirect_uris": many }), ErrorCode::InvalidRedirectUri),
        (json!({ "post_logout_redirect_uris": ["data:,x"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "client_name": "x".repeat(257) }), ErrorCode::InvalidClientMetadata),
        (json!({ "client_name": 7 }), ErrorCode::InvalidClientMetadata),
        (json!({ "grant_types": ["client_credentials"] }), ErrorCode::InvalidClientMetadata),
        (json!({ "response_types": ["token"] }), ErrorCode::InvalidClientMetadata),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), ErrorCode::InvalidClientMetadata),
        (json!({ "id_token_signed_response_alg": "none" }), ErrorCode::InvalidClientMetadata),
        (json!({ "id_token_signed_response_alg": "HS256" }), ErrorCode::InvalidClientMetadata),
        (json!({ "subject_type": "pairwise" }), ErrorCode::InvalidClientMetadata),
    ] {
        let mut metadata = json!({ "redirect_uris": [BACK] });
        metadata.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = bench.provider.register(metadata.to_string().as_bytes(), at(0)).await;
        assert_eq!(refused.unwrap_err().code, code, "{change}");
    }
    let twice = format!(r#"{{"redirect_uris":["{BACK}"],"redirect_uris":["https://evil.example/"]}}"#);
    let long = format!(r#"{{"redirect_uris":["{BACK}"],"x":"{}"}}"#, "x".repeat(64 * 1024));
    for body in [&twice, &long, "[]", "{", ""] {
        let refused = bench.provider.register(body.as_bytes(), at(0)).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidClientMetadata);
    }
}

#[tokio::test]
async fn a_full_table_makes_room_only_by_forgetting_unused_clients() {
    let bench = Bench::with(|config| config.limits.clients = 1).await;
    let app = bench.app().await;
    let body = json!({ "redirect_uris": [BACK] }).to_string();
    let refused = bench.provider.register(body.as_bytes(), at(3_600)).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TemporarilyUnavailable);
    bench.redeem(&app, &bench.code(&app, at(3_000)).await, at(3_000)).await.unwrap();
    let refused = bench.provider.register(body.as_bytes(), at(8_000)).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TemporarilyUnavailable, "somebody is logged in with it");

    let bench = Bench::with(|config| config.limits.clients = 1).await;
    bench.app().await;
    bench.provider.register(body.as_bytes(), at(3_601)).await.unwrap();
}

async fn visit_with(document: &Value) -> PageKind {
    let bench = Bench::new().await;
    bench.web.0.lock().insert("https://app.example/id".into(), document.to_string());
    page(&bench.visit(&Bench::query("https://app.example/id", &[]), None, None, at(0)).await).kind
}

#[tokio::test]
async fn a_client_document_must_be_about_its_own_url_and_redirect() {
    let good = json!({
        "@context": "https://www.w3.org/ns/solid/oidc-context.jsonld",
        "client_id": "https://app.example/id",
        "redirect_uris": BACK,
    });
    assert_eq!(visit_with(&good).await, PageKind::LogIn);
    for (member, value) in [
        ("client_id", json!("https://evil.example/id")),
        ("redirect_uris", json!(["https://evil.example/"])),
        ("@context", json!([])),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert_eq!(visit_with(&bad).await, PageKind::BadRequest, "{member}");
    }
    assert_eq!(visit_with(&json!("x")).await, PageKind::BadRequest);
}

#[tokio::test]
async fn a_client_id_that_no_document_can_be_at_is_refused() {
    let bench = Bench::with(|config| {
        *config = crate::Config::new("https://id.example/");
    })
    .await;
    for id in ["unknown", "http://app.example/id", "https://u@app.example/id", "https://app.example/id#x", "did:x:y"] {
        let answer = bench.visit(&Bench::query(id, &[]), None, None, at(0)).await;
        assert_eq!(page(&answer).kind, PageKind::BadRequest, "{id}");
    }
}

#[tokio::test]
async fn a_request_for_a_code_may_come_by_post() {
    let bench = Bench::with(|config| config.auto_login = Some("alice".into())).await;
    let app: App = bench.app().await;
    let answer = bench.visit("", Some(&Bench::query(&app.id, &[])), None, at(0)).await;
    assert!(param(&redirect(&answer), "code").is_some());
}
