//! The attacks first: too many, too big, too slow, too early.

use super::*;
use crate::shutdown::{self, Stopper};
use axum::{Router, body::Body, extract::Extension, response::IntoResponse as _, routing::get};
use http::{Response, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Notify, mpsc},
    task::JoinHandle,
};

fn limits() -> Limits {
    Limits {
        connections: 50,
        connections_per_address: 50,
        exempt: Vec::new(),
        header_timeout: Duration::from_mins(1),
        header_bytes: 16 * 1_024,
        header_lines: 100,
        http2_streams: 10,
        http2_resets: 10,
        unacknowledged: Duration::from_mins(1),
        grace: Duration::from_mins(1),
    }
}

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    served: JoinHandle<()>,
}

async fn start(router: Router, limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stopper, stop) = shutdown::channel();
    let served = tokio::spawn(serve(vec![listener], router, limits, stop));
    Running { address, stopper, served }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// Sends bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn request_with(lines: usize, padding: usize) -> String {
    let lines: Vec<_> = (2..lines).map(|n| format!("x-{n}: {}\r\n", "a".repeat(padding))).collect();
    let lines = lines.concat();
    format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n")
}

#[tokio::test]
async fn a_hundred_header_lines_are_taken_and_one_more_is_not() {
    let server = start(hello(), limits()).await;
    assert!(exchange(server.address, request_with(100, 1).as_bytes()).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(exchange(server.address, request_with(101, 1).as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let server = start(hello(), Limits { header_lines: 20, ..limits() }).await;
    assert!(exchange(server.address, request_with(21, 1).as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let server = start(hello(), limits()).await;
    let endless = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(100_000));
    assert!(exchange(server.address, endless.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let server = start(hello(), Limits { header_timeout: Duration::from_millis(300), ..limits() }).await;
    for beginning in ["GET / HT", "", "PRI * HTTP/2.0\r\n\r\nSM", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = exchange(server.address, beginning.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{beginning}: {answer}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_let_go() {
    let server = start(hello(), Limits { header_timeout: Duration::from_millis(300), ..limits() }).await;
    let answer = exchange(server.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_room_is_given_back() {
    let server = start(hello(), Limits { connections: 1, ..limits() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    assert!(exchange(server.address, b"").await.starts_with("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\n"));
    drop(first);
    while !exchange(server.address, request_with(0, 0).as_bytes()).await.starts_with("HTTP/1.1 200") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_served() {
    let server = start(hello(), limits()).await;
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://{}/", server.address)).body(Body::empty()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status(), response.version()), (http::StatusCode::OK, http::Version::HTTP_2));
}

#[tokio::test]
async fn the_peer_is_known_to_every_request() {
    let router = Router::new()
        .route("/", get(|Extension(connection): Extension<Connection>| async move { connection.peer.to_string() }));
    let server = start(router, limits()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(&stream.local_addr().unwrap().to_string()), "{answer}");
}

#[tokio::test]
async fn the_bare_socket_is_recovered_after_an_upgrade() {
    let (ended, mut has_ended) = mpsc::channel(1);
    let upgrade = move |mut request: axum::extract::Request| async move {
        let upgrading = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let parts =
                hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgrading.await.unwrap())
                    .unwrap();
            let early = parts.read_buf;
            let mut stream: TcpStream = parts.io.into_inner();
            stream.write_all(&early).await.unwrap();
            stream.write_all(b"!").await.unwrap();
            ended.send(()).await.unwrap();
        });
        Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "echo")
            .body(Body::empty())
            .unwrap()
    };
    let server = start(Router::new().route("/", get(upgrade)), limits()).await;
    let asked = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nearly";
    let answer = exchange(server.address, asked).await;
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n") && answer.ends_with("early!"), "{answer}");
    has_ended.recv().await.unwrap();
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_takes_no_more() {
    let (asked, mut is_asked) = mpsc::channel(1);
    let release = Arc::new(Notify::new());
    let handler = {
        let release = Arc::clone(&release);
        move || async move {
            asked.send(()).await.unwrap();
            release.notified().await;
            "late"
        }
    };
    let server = start(Router::new().route("/", get(handler)), limits()).await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let request = tokio::spawn(async move { exchange(server.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await });
    is_asked.recv().await.unwrap();
    server.stopper.stop();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.notify_one();
    assert!(request.await.unwrap().ends_with("late"));
    server.served.await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn what_outlasts_the_grace_period_is_cut() {
    let (asked, mut is_asked) = mpsc::channel(1);
    let handler = move || async move {
        asked.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let server =
        start(Router::new().route("/", get(handler)), Limits { grace: Duration::from_millis(20), ..limits() }).await;
    let request = tokio::spawn(async move { exchange(server.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await });
    is_asked.recv().await.unwrap();
    server.stopper.stop();
    server.served.await.unwrap();
    assert_eq!(request.await.unwrap(), "");
}

fn capabilities() -> Router {
    let taken = |request: axum::extract::Request| async move {
        let is_bare = request.extensions().get::<Bare>().is_some();
        if request.uri().query() == Some("refused") {
            return (StatusCode::FORBIDDEN, format!("bare: {is_bare}")).into_response();
        }
        let connection = request.extensions().get::<Connection>().cloned().unwrap();
        let mut response = "not sent".into_response();
        response.headers_mut().insert("x-kind", "stream".parse().unwrap());
        response.extensions_mut().insert(TakeOver::new(move |mut stream, early| {
            tokio::spawn(async move {
                stream.write_all(&early).await.unwrap();
                drop(connection);
            });
        }));
        response
    };
    hello().route("/.notifications/connect/{capability}", get(taken))
}

const CONNECT: &str = "GET /.notifications/connect/";

#[tokio::test]
async fn a_request_for_a_capability_may_keep_its_bare_socket() {
    let server = start(capabilities(), limits()).await;
    let asked = format!("{CONNECT}abc HTTP/1.1\r\nhost: x\r\n\r\nearly");
    let answer = exchange(server.address, asked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("x-kind: stream\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nearly") && !answer.contains("content-length"), "{answer}");
    // Even if it comes a byte at a time.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in asked.as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn a_refused_capability_is_answered_in_full_and_ends_the_connection() {
    let server = start(capabilities(), limits()).await;
    let asked = format!("{CONNECT}abc?refused HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = exchange(server.address, asked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n") && answer.ends_with("\r\n\r\nbare: true"), "{answer}");
    for line in ["content-length: 10\r\n", "connection: close\r\n", "date: "] {
        assert!(answer.contains(line), "{answer}");
    }
    for body in ["content-length: 3\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let asked = format!("{CONNECT}abc?refused HTTP/1.1\r\nhost: x\r\n{body}");
        assert!(exchange(server.address, asked.as_bytes()).await.ends_with("bare: false"));
    }
    // Later on a connection, hyper serves it.
    let asked = format!(
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n{CONNECT}abc?refused HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    );
    assert!(exchange(server.address, asked.as_bytes()).await.ends_with("bare: false"));
}

#[tokio::test]
async fn a_request_for_a_capability_is_held_to_the_limits() {
    let limits = Limits { header_timeout: Duration::from_millis(300), header_lines: 20, ..limits() };
    let server = start(capabilities(), limits).await;
    for slow in ["GET /.notif".to_owned(), format!("{CONNECT}abc HTTP/1.1\r\n")] {
        assert!(!exchange(server.address, slow.as_bytes()).await.contains("200 OK"));
    }
    let lines = "x: y\r\n".repeat(20);
    for (bad, status) in [
        (format!("{CONNECT}{}", "a".repeat(100_000)), 431),
        (format!("{CONNECT}a HTTP/1.1\r\nhost: x\r\n{lines}\r\n"), 431),
        (format!("{CONNECT}a HTTP/1.1\r\nho st: x\r\n\r\n"), 400),
        (format!("{CONNECT}a HTTP/1.1\nhost: x\n\n"), 400),
        (format!("{CONNECT}a b HTTP/1.1\r\nhost: x\r\n\r\n"), 400),
    ] {
        let answer = exchange(server.address, bad.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{bad:.60}: {answer}");
    }
}
