//! Whatever a receiver answers: it costs a bounded time and a bounded number of bytes.

use super::*;
use std::time::Instant;

/// What a receiver does after it was asked.
enum Does {
    /// Sends this and closes.
    Says(String),
    /// Sends this, and then that for ever.
    Floods(&'static str, String),
    /// Sends this a byte at a time, and begins again.
    Drips(&'static str),
    /// Sends this and holds on.
    Holds(&'static str),
}

async fn act(mut stream: tokio::net::TcpStream, does: &Does) -> std::io::Result<()> {
    let mut request = [0; 4_096];
    let _came = stream.read(&mut request).await?;
    match does {
        Does::Says(text) => stream.write_all(text.as_bytes()).await,
        Does::Floods(first, rest) => {
            stream.write_all(first.as_bytes()).await?;
            loop {
                stream.write_all(rest.as_bytes()).await?;
            }
        }
        Does::Drips(text) => loop {
            for byte in text.as_bytes() {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        },
        Does::Holds(text) => {
            stream.write_all(text.as_bytes()).await?;
            std::future::pending().await
        }
    }
}

#[tokio::test]
async fn whatever_comes_back_costs_a_bounded_time_and_size() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let broken = Err(FetchError::Unreachable);
    let late = Err(FetchError::TimedOut);
    let says = |text: &str| Does::Says(text.to_owned());
    let floods = |first: &'static str, rest: &str| Does::Floods(first, rest.repeat(64));
    for (number, (does, comes)) in [
        (says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), Ok((200, 2))),
        // It ends, later than anybody waits for.
        (floods("", "HTTP/1.1 100 Continue\r\n\r\n"), broken.clone()),
        (floods("", "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"), broken.clone()),
        (floods("HTTP/1.1 200 OK\r\n\r\n", "body"), Ok((200, 4_096))),
        (floods("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n", "body"), broken.clone()),
        (floods("HTTP/1.1 200 OK\r\ncontent-length: 1844674407370955161\r\n\r\n", "body"), Ok((200, 4_096))),
        (floods(CHUNKED, "4\r\nbody\r\n"), Ok((200, 4_096))),
        (floods("HTTP/1.1 500 No\r\n\r\n", "body"), Ok((500, 4_096))),
        // Malformed, or without end.
        (floods("HTTP/1.1 200 OK", "K"), broken.clone()),
        (floods("HTTP/1.1 200 OK\r\na: ", "x"), broken.clone()),
        (floods(HEAD, "a: b\r\n"), broken.clone()),
        (floods(HEAD, "\r"), broken.clone()),
        (floods("", "\r\n"), broken.clone()),
        (floods("", "\0"), broken.clone()),
        (floods(CHUNKED, "0"), broken.clone()),
        (floods("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "x"), broken.clone()),
        (floods("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "a: b\r\n"), broken.clone()),
        (floods("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "x"), broken.clone()),
        (says(&format!("{CHUNKED}-1\r\nx\r\n0\r\n\r\n")), broken.clone()),
        (says(&format!("{CHUNKED}2\r\nokX\r\n0\r\n\r\n")), broken.clone()),
        (says(&format!("{CHUNKED}2\r\nok")), broken.clone()),
        (says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"), broken.clone()),
        (says("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok"), broken.clone()),
        (says("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"), broken.clone()),
        (says(&format!("{HEAD}a: {}\r\n\r\n", "x".repeat(17 * 1024))), broken.clone()),
        (says("HTTP/2 200 OK\r\n\r\n"), broken.clone()),
        (says("ICY 200 OK\r\n\r\n"), broken.clone()),
        (says(""), broken),
        // One byte at a time.
        (Does::Drips("HTTP/1.1 200 OK\r\na: b\r\n"), late.clone()),
        (Does::Drips("HTTP/1.1 100 Continue\r\n\r\n"), late.clone()),
        (Does::Drips("HTTP/1.1 200 OK\r\n\r\nbody"), late.clone()),
        (Does::Holds(""), late.clone()),
        (Does::Holds("HTTP/1.1 200 OK\r\n\r\n"), late.clone()),
        (Does::Holds("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no"), late),
        (Does::Holds("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), Ok((200, 2))),
    ]
    .into_iter()
    .enumerate()
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(act(stream, &does).await);
            }
        });
        let client = Client::new(development()).unwrap();
        let began = Instant::now();
        let exchange = Exchange { total: Duration::from_millis(500), keep: 4_096, ..exchange_to(&url, "{}".into()) };
        let told = client.exchange(exchange).await.map(|answer| (answer.status.as_u16(), answer.body.len()));
        assert_eq!(told, comes, "number {number}");
        assert!(began.elapsed() < Duration::from_secs(5), "number {number}");
    }
}
