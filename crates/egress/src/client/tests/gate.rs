//! Nothing leaves through a gate that is shut, in the open and under TLS.

use super::*;
use crate::Gate;
use parking_lot::Mutex;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use tokio::io::AsyncRead;

/// Lets so many writes through.
struct Steps(AtomicUsize);

impl Gate for Steps {
    fn pass(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Option<Poll<io::Result<usize>>> {
        self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).ok()?;
        Some(write())
    }
}

fn steps(steps: usize) -> Arc<dyn Gate> {
    Arc::new(Steps(AtomicUsize::new(steps)))
}

/// What a receiver got, connection by connection.
type Got = Arc<Mutex<Vec<usize>>>;

/// Reads until a connection ends; answers what ends with a mark.
async fn receive(mut stream: impl AsyncRead + tokio::io::AsyncWrite + Unpin, got: &Got) {
    let (mut buffer, mut all) = (vec![0; 64 * 1024], 0);
    loop {
        let came = stream.read(&mut buffer).await.unwrap_or(0);
        all += came;
        if came > 0 && buffer[..came].ends_with(b"!") {
            let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
        if came == 0 {
            got.lock().push(all);
            return;
        }
    }
}

/// A receiver, with TLS or without, and a client that trusts it.
async fn receiver(tls: bool) -> (String, Client, Got, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let made = rcgen::generate_simple_self_signed(vec!["hook.example".to_owned()]).unwrap();
    let acceptor = acceptor(&made);
    let (got, mut task) = (Got::default(), JoinSet::new());
    let log = Arc::clone(&got);
    task.spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if tls {
                if let Ok(stream) = acceptor.accept(tcp).await {
                    receive(stream, &log).await;
                }
            } else {
                receive(tcp, &log).await;
            }
        }
    });
    let roots = crate::roots_from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = Client::with_resolver(Policy { roots, ..development() }, Answers::new([&["127.0.0.1"][..]])).unwrap();
    (format!("{}://hook.example:{port}/", if tls { "https" } else { "http" }), client, got, task)
}

async fn got(got: &Got) -> usize {
    loop {
        if let Some(all) = got.lock().pop() {
            return all;
        }
        tokio::task::yield_now().await;
    }
}

fn post(url: &str, body: Bytes, gate: Arc<dyn Gate>) -> Exchange {
    Exchange { gate: Some(gate), ..exchange_to(url, body) }
}

#[tokio::test]
async fn not_one_byte_of_a_request_passes_a_shut_gate() {
    for tls in [false, true] {
        let (url, client, log, _task) = receiver(tls).await;
        let refused = client.exchange(post(&url, "{}!".into(), steps(0))).await;
        assert_eq!(refused.unwrap_err(), FetchError::Withheld, "{url}");
        assert_eq!(got(&log).await, 0, "{url}");
        // The same way is open to the next, and serves no other after it was shut.
        let answer = client.exchange(post(&url, "{}!".into(), steps(100))).await.unwrap();
        assert_eq!((answer.status, client.kept.len()), (StatusCode::OK, 1), "{url}");
        assert_eq!(client.exchange(post(&url, "{}!".into(), steps(0))).await.unwrap_err(), FetchError::Withheld);
        assert_eq!(client.kept.len(), 0);
        assert!(got(&log).await < 400, "the first request, and nothing of the second");
    }
}

#[tokio::test]
async fn a_gate_that_shuts_breaks_the_rest_off() {
    let body = Bytes::from(vec![b'x'; 16 << 20]);
    for tls in [false, true] {
        let (url, client, log, _task) = receiver(tls).await;
        let refused = client.exchange(post(&url, body.clone(), steps(2))).await;
        assert_eq!(refused.unwrap_err(), FetchError::Withheld, "{url}");
        let came = got(&log).await;
        assert!(came < body.len(), "{url}: {came}");
    }
}
