//! The guarded client against hosts and names that mean harm. All listeners are on loopback.

use super::*;
use crate::connection::MAX_FIELDS;
use crate::guard::MAX_ADDRESSES;
use crate::testing::{Answers, Canary, forbidden};
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

mod gate;
mod harm;
mod kept;

fn ok(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn development() -> Policy {
    Policy { development: true, ..Policy::default() }
}

fn exchange_to(url: &str, body: Bytes) -> Exchange {
    Exchange {
        method: Method::POST,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body,
        total: Duration::from_secs(5),
        keep: 16,
        gate: None,
    }
}

async fn get(client: &Client, url: &str, redirects: u8) -> Result<Document, FetchError> {
    client.get(&Get { url: crate::parse(url)?, accept: "text/turtle", redirects }).await
}

#[tokio::test]
async fn a_document_comes_with_its_type_and_age() {
    let canary = Canary::answering(ok(
        "Content-Type: Text/Turtle; charset=utf-8\r\nCache-Control: private, max-age=70\r\n",
        "x",
    ))
    .await;
    let document = get(&Client::new(development()).unwrap(), &canary.url("/a?b#c"), 0).await.unwrap();
    assert_eq!((document.media_type.as_str(), &document.body[..]), ("text/turtle", &b"x"[..]));
    assert_eq!(document.max_age, Some(Duration::from_secs(70)));
    assert_eq!(document.url.as_str(), canary.url("/a?b"));
    let request = canary.requests.lock().join("").to_ascii_lowercase();
    let mut lines: Vec<_> = request.trim_end().lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: text/turtle",
            "connection: close",
            "get /a?b http/1.1",
            &format!("host: 127.0.0.1:{}", canary.port),
            "user-agent: podbell",
        ]
    );
}

#[tokio::test]
async fn no_spelling_of_a_forbidden_place_is_connected_to() {
    let canary = Canary::answering(ok("", "x")).await;
    let policy = Policy { ports: vec![443, 80, canary.port], ..Policy::default() };
    // Whatever is a name after all leads to the canary.
    let resolver = Answers::new([&["127.0.0.1"][..]]);
    let system = Client::new(policy.clone()).unwrap();
    let own = get(&system, &format!("https://localhost:{}/", canary.port), 0).await;
    assert_eq!(own.unwrap_err(), FetchError::Refused);
    let client = Client::with_resolver(policy, Arc::clone(&resolver) as _).unwrap();
    let urls = forbidden(canary.port);
    assert!(urls.len() >= 250, "{}", urls.len());
    for url in &urls {
        assert_eq!(get(&client, url, 3).await.unwrap_err(), FetchError::Refused, "{url}");
        // What another parser would let through is judged by the client itself.
        if let Ok(url) = Url::parse(url) {
            let exchange = exchange_to(url.as_str(), Bytes::new());
            assert!(client.exchange(exchange).await.is_err(), "{url}");
        }
    }
    assert_eq!(canary.touched(), 0);
    // The canary lives: in development it is reached, with the same resolver.
    let client = Client::with_resolver(development(), resolver).unwrap();
    get(&client, &format!("http://localhost:{}/", canary.port), 0).await.unwrap();
    assert_eq!(canary.touched(), 1);
}

#[tokio::test]
async fn one_bad_address_spoils_the_whole_answer() {
    let many: Vec<_> = (0..1_000).map(|number| format!("8.8.{}.{}", number / 256, number % 256)).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(many.len() > MAX_ADDRESSES);
    for answer in [
        &["8.8.8.8", "127.0.0.1"][..],
        &["127.0.0.1", "8.8.8.8"],
        &["8.8.8.8", "::1"],
        &["2606:4700::1", "10.0.0.1"],
        &["8.8.8.8", "::ffff:8.8.8.8"],
        &many,
    ] {
        for development in [false, true] {
            let resolver = Answers::new([answer]);
            let policy = Policy { development, ..Policy::default() };
            let client = Client::with_resolver(policy, resolver).unwrap();
            let refused = get(&client, "https://public.example/", 0).await.unwrap_err();
            assert_eq!(refused, FetchError::Refused, "{answer:?}");
        }
    }
    let policy = Policy { refused: vec!["8.8.8.0/24".parse().unwrap()], ..Policy::default() };
    let client = Client::with_resolver(policy, Answers::new([&["8.8.8.8"][..]])).unwrap();
    assert_eq!(get(&client, "https://own.example/", 0).await.unwrap_err(), FetchError::Refused);
}

#[tokio::test]
async fn development_opens_loopback_and_nothing_else() {
    let client = Client::with_resolver(development(), Answers::new([&["8.8.8.8"][..]])).unwrap();
    for url in [
        "http://public.example/",
        "https://public.example:8443/",
        "http://10.0.0.1/",
        "https://192.168.1.1/",
        "http://169.254.169.254/latest/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
    ] {
        assert_eq!(get(&client, url, 0).await.unwrap_err(), FetchError::Refused, "{url}");
    }
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_judged() {
    let canary = Canary::answering(ok("", "x")).await;
    let resolver = Answers::new([&["127.0.0.1"][..], &["10.0.0.1"]]);
    let client = Client::with_resolver(development(), Arc::clone(&resolver) as _).unwrap();
    let url = format!("http://rebinding.example:{}/", canary.port);
    get(&client, &url, 0).await.unwrap();
    assert_eq!((resolver.asked(), canary.touched()), (1, 1));
    assert_eq!(get(&client, &url, 0).await.unwrap_err(), FetchError::Refused);
    assert_eq!((resolver.asked(), canary.touched()), (2, 1));
}

#[tokio::test]
async fn every_redirect_is_judged_and_counted() {
    let to = |target: &str| format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    let client = Client::new(development()).unwrap();
    for bad in [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "gopher://127.0.0.1/",
        "http://u:p@127.0.0.1/",
        "file:///etc/passwd",
    ] {
        let canary = Canary::answering(to(bad)).await;
        assert_eq!(get(&client, &canary.url("/"), 3).await.unwrap_err(), FetchError::Refused, "{bad}");
        assert_eq!(canary.touched(), 1);
    }
    let round = Canary::answering(to("/again")).await;
    assert_eq!(get(&client, &round.url("/"), 3).await.unwrap_err(), FetchError::Status(302));
    assert_eq!(round.touched(), 4);
    assert_eq!(get(&client, &round.url("/"), 0).await.unwrap_err(), FetchError::Status(302));
    assert_eq!(round.touched(), 5);
    let found = Canary::sing(vec![to("b").into(), ok("", "x").into()], false).await;
    assert_eq!(get(&client, &found.url("/a"), 1).await.unwrap().url.as_str(), found.url("/b"));
}

#[tokio::test]
async fn only_200_is_a_document() {
    let client = Client::new(development()).unwrap();
    for status in [204, 206, 301, 304, 401, 404, 500] {
        let canary = Canary::answering(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")).await;
        assert_eq!(get(&client, &canary.url("/"), 3).await.unwrap_err(), FetchError::Status(status));
    }
}

#[tokio::test]
async fn what_comes_back_is_bounded() {
    let client = Client::new(Policy { max_body: 1_000, ..development() }).unwrap();
    let large = FetchError::TooLarge { limit: 1_000 };
    let body = "x".repeat(1_001);
    let chunks = format!("3e9\r\n{body}\r\n").repeat(100);
    for (answer, error) in [
        (ok("", &body), large.clone()),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".into(), large.clone()),
        (format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"), large.clone()),
        (format!("HTTP/1.1 200 OK\r\n\r\n{body}"), large),
        (format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "x".repeat(64 * 1024)), FetchError::Unreachable),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_FIELDS + 1)), FetchError::Unreachable),
        ("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nhalf".into(), FetchError::Unreachable),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n".into(), FetchError::Unreachable),
        ("SSH-2.0-OpenSSH_9\r\n".into(), FetchError::Unreachable),
        (String::new(), FetchError::Unreachable),
    ] {
        let canary = Canary::answering(answer.clone()).await;
        let answered = get(&client, &canary.url("/"), 0).await.unwrap_err();
        assert_eq!(answered, error, "{}", &answer[..answer.len().min(60)]);
        assert!(!format!("{answered} {answered:?}").contains("127.0.0.1"));
    }
    let exact = Canary::answering(ok("", &body[1..])).await;
    assert_eq!(get(&client, &exact.url("/"), 0).await.unwrap().body.len(), 1_000);
}

#[tokio::test]
async fn a_host_that_holds_on_is_left() {
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow"] {
        let canary = Canary::sing(vec![answer.into()], true).await;
        let client = Client::new(Policy { total: Duration::from_millis(200), ..development() }).unwrap();
        assert_eq!(get(&client, &canary.url("/"), 0).await.unwrap_err(), FetchError::TimedOut, "{answer}");
    }
}

#[tokio::test]
async fn one_host_cannot_take_every_place() {
    let canary = Canary::sing(vec![Vec::new()], true).await;
    let client = Client::new(Policy { per_host: 1, ..development() }).unwrap();
    let mut first = JoinSet::new();
    let (held, url) = (client.clone(), canary.url("/"));
    first.spawn(async move { get(&held, &url, 0).await });
    canary.came.notified().await;
    assert_eq!(get(&client, &canary.url("/"), 0).await.unwrap_err(), FetchError::Busy);
    assert_eq!(canary.touched(), 1);
    // On another port there may be somebody else.
    let free = Canary::answering(ok("", "x")).await;
    get(&client, &free.url("/"), 0).await.unwrap();
    // A fetch that is given up gives its place back.
    first.shutdown().await;
    let url = canary.url("/");
    first.spawn(async move { get(&client, &url, 0).await });
    canary.came.notified().await;
}

#[tokio::test]
async fn an_exchange_follows_nothing_and_reads_only_the_beginning() {
    let answer = format!(
        "HTTP/1.1 307 X\r\nlocation: /b\r\nretry-after: 5\r\ncontent-length: 9000\r\n\r\n{}",
        "x".repeat(9_000)
    );
    let canary = Canary::answering(answer).await;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/ld+json"));
    headers.insert(HOST, HeaderValue::from_static("evil.example"));
    let exchange = Exchange { headers, ..exchange_to(&canary.url("/hook"), Bytes::from_static(b"{}")) };
    let client = Client::new(development()).unwrap();
    let answer = client.exchange(exchange.clone()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len(), canary.touched()), (307, 16, 1));
    assert_eq!(answer.headers["retry-after"], "5");
    // What was asked for has come, and the rest is not waited for.
    let holding =
        Canary::sing(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nsixteen letters!".into()], true).await;
    let answer = client.exchange(Exchange { url: holding.url("/").parse().unwrap(), ..exchange }).await.unwrap();
    assert_eq!(&answer.body[..], b"sixteen letters!");
    let request = canary.requests.lock().join("").to_ascii_lowercase();
    assert!(request.starts_with("post /hook http/1.1\r\n") && request.contains("content-length: 2\r\n"), "{request}");
    assert!(!request.contains("evil.example"), "{request}");
}

fn acceptor(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> tokio_rustls::TlsAcceptor {
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn tls_asks_for_the_name_and_trusts_only_what_it_should() {
    let made = rcgen::generate_simple_self_signed(vec!["pod.example".to_owned()]).unwrap();
    let acceptor = acceptor(&made);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(tcp).await {
                let name = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
                let mut request = [0; 1024];
                let _length = stream.read(&mut request).await;
                let _sent = stream.write_all(ok("", &name).as_bytes()).await;
                let _closed = stream.shutdown().await;
            }
        }
    });
    let client = |roots| {
        let policy = Policy { roots, ..development() };
        Client::with_resolver(policy, Answers::new([&["127.0.0.1"][..]])).unwrap()
    };
    let trusting = client(crate::roots_from_pem(made.cert.pem().as_bytes()).unwrap());
    let document = get(&trusting, &format!("https://pod.example:{port}/"), 0).await.unwrap();
    assert_eq!(&document.body[..], b"pod.example");
    let other = get(&trusting, &format!("https://other.example:{port}/"), 0).await;
    assert_eq!(other.unwrap_err(), FetchError::Unreachable);
    let untrusting = get(&client(Vec::new()), &format!("https://pod.example:{port}/"), 0).await;
    assert_eq!(untrusting.unwrap_err(), FetchError::Unreachable);
    assert!(crate::roots_from_pem(b"junk").is_err());
}

#[test]
fn how_long_a_document_may_be_kept() {
    for (value, age) in [
        ("max-age=60", Some(60)),
        ("public, MAX-AGE=\"60\"", Some(60)),
        ("no-cache, max-age=60", Some(0)),
        ("max-age=60, no-store", Some(0)),
        ("max-age=soon", None),
        ("private", None),
    ] {
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(value))]);
        assert_eq!(max_age(&headers), age.map(Duration::from_secs), "{value}");
    }
}

#[tokio::test]
async fn a_check_judges_and_connects_to_nothing() {
    let canary = Canary::answering(ok("", "x")).await;
    let client = |policy| Client::with_resolver(policy, Answers::new([&["127.0.0.1"][..]])).unwrap();
    let url = crate::parse(&format!("https://hook.example:{}/", canary.port)).unwrap();
    let public = client(Policy { ports: vec![canary.port], ..Policy::default() });
    assert_eq!(public.check(&url).await, Err(FetchError::Refused));
    assert_eq!(client(development()).check(&url).await, Ok(()));
    let allowed = vec!["127.0.0.0/8".parse().unwrap()];
    let opened = client(Policy { allowed, ..Policy::default() });
    assert_eq!(opened.check(&url).await, Ok(()), "on every port");
    let plain = crate::parse(&format!("http://hook.example:{}/", canary.port)).unwrap();
    assert_eq!(opened.check(&plain).await, Err(FetchError::Refused), "with https only");
    assert_eq!(canary.touched(), 0);
}
