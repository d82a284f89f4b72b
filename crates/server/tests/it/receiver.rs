//! The receiver that other tests push to, tried by itself: it answers as its script says, with TLS and without.

use bytes::Bytes;
use http::{HeaderMap, Method};
use podbell_egress::{Answer, Client, Exchange, FetchError, Policy, roots_from_pem};
use podbell_test_client::{
    receiver::{Receiver, Reply},
    tls::Authority,
};
use std::time::Duration;

/// One request, by somebody who is on the same machine and trusts an authority.
async fn push(url: &str, authority: Option<&Authority>, total: Duration) -> Result<Answer, FetchError> {
    let roots = authority.map(|authority| roots_from_pem(authority.pem().as_bytes()).unwrap()).unwrap_or_default();
    let client = Client::new(Policy { development: true, roots, ..Policy::default() }).unwrap();
    let exchange = Exchange {
        method: Method::POST,
        url: podbell_egress::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"a\":1}"),
        total,
        keep: 4,
        gate: None,
    };
    client.exchange(exchange).await
}

#[tokio::test]
async fn a_receiver_answers_as_its_script_says() {
    let (long, short) = (Duration::from_secs(30), Duration::from_millis(200));
    for (reply, total, expected) in [
        (Reply::status(204), long, Ok(204)),
        (Reply::with(503, "retry-after", "5"), long, Ok(503)),
        (Reply::with(301, "location", "http://localhost:9/"), long, Ok(301)),
        (Reply::Drip(200, Duration::from_millis(1)), long, Ok(200)),
        (Reply::Endless(200), long, Ok(200)),
        (Reply::Hang, short, Err(FetchError::TimedOut)),
        (Reply::Close, long, Err(FetchError::Unreachable)),
        (Reply::Cut, long, Err(FetchError::Unreachable)),
        (Reply::Bytes(b"no HTTP\r\n\r\n".to_vec()), long, Err(FetchError::Unreachable)),
    ] {
        let script = reply.clone();
        let receiver = Receiver::http(move |_, _| script.clone()).unwrap();
        let told = push(&receiver.url("/in?x"), None, total).await.map(|answer| answer.status.as_u16());
        assert_eq!(told, expected, "{reply:?}");
        let received = receiver.wait(1);
        assert_eq!((received[0].target.as_str(), received[0].json()["a"].as_i64()), ("/in?x", Some(1)));
    }
    let nobody = podbell_test_client::receiver::nobody().unwrap();
    assert_eq!(push(&nobody, None, long).await.unwrap_err(), FetchError::Unreachable);
}

#[tokio::test]
async fn a_receiver_with_tls_is_reached_by_who_trusts_its_authority() {
    let authority = Authority::new().unwrap();
    let receiver = Receiver::https(&authority, |_, _| Reply::status(202)).unwrap();
    let total = Duration::from_secs(30);
    assert_eq!(push(&receiver.url("/in"), None, total).await.unwrap_err(), FetchError::Unreachable);
    assert!(receiver.received().is_empty());
    assert_eq!(push(&receiver.url("/in"), Some(&authority), total).await.unwrap().status, 202);
    assert_eq!(receiver.wait(1)[0].method, "POST");
}
