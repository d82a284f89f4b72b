//! A server behind TLS, with a certificate by an authority of one's own.

use crate::{
    support::Place,
    watcher::{Watcher, demo},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use podbell_egress::{Answer, Client, Exchange, Policy, roots_from_pem};
use podbell_oidc::{Algorithm, SigningKey};
use podbell_test_client::tls::Authority;
use std::{collections::HashMap, process::Stdio, time::Duration};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use url::Url;

/// Ends TLS, and leads to a port of this machine; the URL.
async fn front(authority: &Authority, to: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(authority.server("localhost").unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust the certificate leaves.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let Ok(mut inside) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                drop(copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    url
}

/// A program that trusts the authority.
struct Trusting(Client);

impl Trusting {
    async fn send(&self, method: Method, url: &str, fields: &[(&str, &str)], body: &str) -> Option<Answer> {
        let fields = fields.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let exchange = Exchange {
            method,
            url: podbell_egress::parse(url).unwrap(),
            headers: fields.collect::<HeaderMap>(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            total: Duration::from_secs(30),
            keep: 100_000,
            gate: None,
        };
        self.0.exchange(exchange).await.ok()
    }
}

fn proof(key: &SigningKey, method: &str, url: &str) -> String {
    key.prove(method, url, &uuid::Uuid::new_v4().to_string(), jiff::Timestamp::now(), None).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_ones_own_is_trusted_if_it_is_named() {
    let (place, authority) = (Place::new(), Authority::new().unwrap());
    let port = Url::parse(&place.base()).unwrap().port().unwrap();
    let (base, issuer) = (front(&authority, port).await, front(&authority, port + 1).await);
    let pem = place.data().join("authority.pem");
    std::fs::write(&pem, authority.pem()).unwrap();
    let _server = tokio::process::Command::new(env!("CARGO_BIN_EXE_podbell"))
        .args(["serve", "--base-url", &base, "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(place.data())
        .env("PODBELL_PROVIDER_URL", &issuer)
        .env("PODBELL_PROVIDER_LISTEN", format!("127.0.0.1:{}", port + 1))
        .env("PODBELL_EGRESS_EXTRA_ROOTS", &pem)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let roots = roots_from_pem(authority.pem().as_bytes()).unwrap();
    let trusting = Trusting(Client::new(Policy { development: true, roots, ..Policy::default() }).unwrap());
    let probe = format!("{base}.well-known/solid");
    while trusting.send(Method::GET, &probe, &[], "").await.is_none_or(|answer| answer.status != 200) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let folder = format!("{base}alice/");
    let stranger = [&demo(&place, "alice")[..], &[&folder]].concat();
    let (code, err) = Watcher::piped(&stranger).ended().await;
    assert!(code == 1 && err.contains("UnknownIssuer"), "{code}: {err}");
    for (file, words) in [("none.pem", "cannot read"), ("demo.env", "no certificate")] {
        let file = place.data().join(file);
        let (code, err) = Watcher::piped(&["--ca", file.to_str().unwrap(), &folder]).ended().await;
        assert!(code == 2 && err.contains(words), "{code}: {err}");
    }

    let watchers = ["websocket", "eventsource", "streaming"].map(|way| {
        let named = ["--ca", pem.to_str().unwrap(), "--recursive", "--type", way, &folder];
        Watcher::piped(&[&demo(&place, "alice")[..], &named].concat())
    });
    for watcher in &watchers {
        watcher.listens().await;
    }
    let env = std::fs::read_to_string(place.data().join("demo.env")).unwrap();
    let env: HashMap<_, _> = env.lines().filter_map(|line| line.split_once('=')).collect();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let found = trusting.send(Method::GET, &format!("{issuer}.well-known/openid-configuration"), &[], "").await;
    let found: serde_json::Value = serde_json::from_slice(&found.unwrap().body).unwrap();
    let endpoint = found["token_endpoint"].as_str().unwrap();
    let basic = format!("{}:{}", env["USERS_ALICE_CLIENTID"], env["USERS_ALICE_CLIENTSECRET"]);
    let fields = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", &format!("Basic {}", BASE64_STANDARD.encode(basic))),
        ("dpop", &proof(&key, "POST", endpoint)),
    ];
    let answer = trusting.send(Method::POST, endpoint, &fields, "grant_type=client_credentials").await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let url = format!("{folder}secret.txt");
    let fields = [
        ("content-type", "text/plain"),
        ("authorization", &format!("DPoP {}", answer["access_token"].as_str().unwrap())),
        ("dpop", &proof(&key, "PUT", &url)),
    ];
    assert_eq!(trusting.send(Method::PUT, &url, &fields, "x").await.unwrap().status, 201);
    for watcher in &watchers {
        watcher.wait("it is told", |told| told.out().iter().any(|line| line.contains("/alice/secret.txt"))).await;
    }
}
