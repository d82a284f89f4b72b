//! An issuer of tokens that belongs to the tests: it signs whatever they ask for, and publishes its key.

use podbell_oidc::{Algorithm, SigningKey};
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

/// The issuer; it answers for as long as this process lives.
pub(super) struct Issuer {
    pub(super) url: String,
    pub(super) key: SigningKey,
}

impl Issuer {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let configuration = json!({ "issuer": url, "jwks_uri": format!("{url}jwks"),
            "authorization_endpoint": url, "token_endpoint": url, "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"] });
        let (configuration, keys) = (configuration.to_string(), json!({ "keys": [key.published()] }).to_string());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4_096];
                let count = stream.read(&mut request).unwrap_or_default();
                let is_keys = String::from_utf8_lossy(&request[..count]).starts_with("GET /jwks");
                let body = if is_keys { &keys } else { &configuration };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                // Whoever asked may have gone.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { url, key }
    }
}
