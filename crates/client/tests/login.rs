//! Log-in beside servers that ask for nonces, and that no longer take a token.
#![allow(clippy::unwrap_used, reason = "tests")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use podbell_client::{Client, Credentials, WatchError};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use std::sync::{Arc, OnceLock};

fn answer(status: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{fields}\r\n{body}");
    Reply::Bytes(text.into_bytes())
}

/// The claims of a proof.
fn claims(request: &Received) -> serde_json::Value {
    let proof = request.header("dpop").unwrap();
    let middle = proof.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

fn issuer(base: &Arc<OnceLock<String>>, request: &Received) -> Option<Reply> {
    let base = base.get().unwrap();
    match request.target.as_str() {
        "/.well-known/openid-configuration" => {
            let body = format!("{{\"issuer\":\"{base}\",\"token_endpoint\":\"{base}token\"}}");
            Some(answer("200 OK", "", &body))
        }
        "/token" if claims(request)["nonce"] != "n1" => {
            Some(answer("400 Bad Request", "dpop-nonce: n1\r\n", "{\"error\":\"use_dpop_nonce\"}"))
        }
        "/token" => Some(answer("200 OK", "", "{\"access_token\":\"t\",\"expires_in\":600}")),
        _ => None,
    }
}

fn client(base: &str) -> Client {
    Client::builder().credentials(Credentials::new(base, "a:b", "c d")).build().unwrap()
}

#[tokio::test]
async fn nonces_are_taken_up_wherever_they_are_asked_for() {
    let base = Arc::new(OnceLock::new());
    let shared = Arc::clone(&base);
    let server = Receiver::http(move |_, request| {
        issuer(&shared, request).unwrap_or_else(|| match claims(request)["nonce"].as_str() {
            Some("n2") => answer("200 OK", "content-type: text/plain\r\npodbell-cursor: c\r\n", "hello"),
            _ => {
                answer("401 Unauthorized", "dpop-nonce: n2\r\nwww-authenticate: DPoP error=\"use_dpop_nonce\"\r\n", "")
            }
        })
    })
    .unwrap();
    base.set(server.url("/")).unwrap();
    let read = client(&server.url("/")).read(&server.url("/a?b"), "*/*").await.unwrap();
    assert_eq!((&read.body[..], read.cursor.as_deref()), (&b"hello"[..], Some("c")));
    let received = server.received();
    let targets: Vec<_> = received.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(targets, ["/.well-known/openid-configuration", "/token", "/token", "/a?b", "/a?b"]);
    let last = claims(&received[4]);
    assert!(last["ath"].is_string() && last["htu"].as_str().unwrap().ends_with("/a"), "{last}");
    assert_eq!(received[4].header("authorization"), Some("DPoP t"));
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_is_renewed_and_then_that_is_that() {
    let base = Arc::new(OnceLock::new());
    let shared = Arc::clone(&base);
    let refusing = move |_, request: &Received| {
        let refusal = || answer("401 Unauthorized", "www-authenticate: DPoP error=\"invalid_token\"\r\n", "");
        issuer(&shared, request).unwrap_or_else(refusal)
    };
    let server = Receiver::http(refusing).unwrap();
    base.set(server.url("/")).unwrap();
    let refused = client(&server.url("/")).read(&server.url("/a"), "*/*").await.unwrap_err();
    assert!(matches!(refused, WatchError::Refused { status: 401, .. }), "{refused}");
    let tries = server.received().iter().filter(|request| request.target == "/a").count();
    assert!((2..=3).contains(&tries), "{tries}");
}

#[tokio::test]
async fn credentials_stay_where_they_belong() {
    for url in ["http://pod.example/a", "http://192.0.2.1/"] {
        let refused = client("http://localhost:1/").read(url, "*/*").await.unwrap_err();
        assert!(matches!(refused, WatchError::Unsupported { .. }), "{refused}");
    }
    let refused = client("http://issuer.example/").read("https://pod.example/", "*/*").await.unwrap_err();
    assert!(matches!(refused, WatchError::Unsupported { .. }), "{refused}");
    // Another issuer's document is not believed.
    let base = Arc::new(OnceLock::from("http://other.example/".to_owned()));
    let server = Receiver::http(move |_, request| issuer(&base, request).unwrap()).unwrap();
    let refused = client(&server.url("/")).read(&server.url("/"), "*/*").await.unwrap_err();
    assert!(refused.to_string().contains("another issuer"), "{refused}");
    assert_eq!(server.received().len(), 1, "no credentials were sent");
}
