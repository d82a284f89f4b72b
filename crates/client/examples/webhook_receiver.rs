//! A receiver of webhooks: it prints what the sender tells, once, and refuses everything else.
//!
//! `cargo run --release -p podbell-client --example webhook_receiver -- SENDER URL`, as in
//! `webhook_receiver http://localhost:3000/.notifications/sender http://localhost:8080/in`
//!
//! SENDER and URL are the `sender` and the `sendTo` of the channel. It listens on this machine, at the port of URL; if that
//! is a proxy's, which ends TLS and leads here, set PORT to another.

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use podbell_client::{Client, misleads, webhook::Verifier};
use serde_json::Value;
use std::{
    collections::HashMap,
    convert::Infallible,
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

/// What may go wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Most bytes of a message.
const LARGEST: usize = 64 * 1024;
/// How long a request may take to come, and a connection to stay.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(2));
/// Most connections at once.
const CONNECTIONS: usize = 64;
/// How long ids are known: longer than a server tries.
const KNOWN: Duration = Duration::from_hours(5 * 24);

/// Takes messages.
pub struct Receiver {
    verifier: Verifier,
    url: Uri,
    /// The ids of what was taken: each message comes at least once. Who works on messages keeps these beside the work.
    known: Mutex<HashMap<String, Instant>>,
    tell: Box<dyn Fn(&Value) + Send + Sync>,
}

impl Receiver {
    /// Of what `sender` sends to `url`; each message is told once.
    pub fn new(sender: &str, url: &str, tell: impl Fn(&Value) + Send + Sync + 'static) -> Result<Arc<Self>, Failure> {
        let verifier = Verifier::new(&Client::builder().build()?, sender)?;
        let url: Uri = url.parse()?;
        url.authority().ok_or("the URL is none")?;
        Ok(Arc::new(Self { verifier, url, known: Mutex::default(), tell: Box::new(tell) }))
    }

    /// Listens until it is dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> Result<Infallible, Failure> {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let place = Arc::clone(&room).acquire_owned().await?;
            let Ok((stream, _)) = listener.accept().await else {
                // No connection can be had now, but later.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let receiver = Arc::clone(&self);
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let receiver = Arc::clone(&receiver);
                    async move {
                        let mut response = Response::new(Empty::<Bytes>::new());
                        *response.status_mut() = receiver.take(request).await;
                        Ok::<_, Infallible>(response)
                    }
                });
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(PATIENCE.0);
                // Whoever breaks off, or stays too long, is told nothing.
                drop(timeout(PATIENCE.1, http.serve_connection(TokioIo::new(stream), answer)).await);
                drop(place);
            });
        }
    }

    /// The status to answer with.
    async fn take(&self, request: Request<Incoming>) -> StatusCode {
        let (mut head, body) = request.into_parts();
        let body = match timeout(PATIENCE.0, Limited::new(body, LARGEST).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return StatusCode::PAYLOAD_TOO_LARGE,
            _ => return StatusCode::BAD_REQUEST,
        };
        // The URL as the server calls it, whatever is in between.
        let mut url = self.url.clone().into_parts();
        url.path_and_query = head.uri.path_and_query().cloned();
        let Ok(url) = Uri::from_parts(url) else { return StatusCode::BAD_REQUEST };
        head.uri = url;
        let request = Request::from_parts(head, body);
        if let Err(refused) = self.verifier.verify(&request).await {
            eprintln!("refused: {refused}");
            return if refused.is_transient() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::UNAUTHORIZED };
        }
        let Ok(message) = serde_json::from_slice::<Value>(request.body()) else { return StatusCode::BAD_REQUEST };
        let id = message["id"].as_str().unwrap_or_default().to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| at.elapsed() < KNOWN);
        if known.insert(id, Instant::now()).is_none() {
            (self.tell)(&message);
        }
        StatusCode::NO_CONTENT
    }
}

/// Runs it.
#[allow(dead_code, reason = "a test receives by itself")]
#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [sender, url] = arguments.as_slice() else { return Err("usage: webhook_receiver SENDER URL".into()) };
    let receiver = Receiver::new(sender, url, |message| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // What a message says does not steer the terminal.
        let line: String = format!("{} {}", text(&message["type"]), text(&message["object"]));
        let line = line.replace(misleads, "\u{fffd}");
        // Whoever no longer looks is told nothing.
        drop(writeln!(std::io::stdout(), "{line}"));
    })?;
    let port = match std::env::var("PORT") {
        Ok(port) => port.parse()?,
        Err(_) => receiver.url.port_u16().unwrap_or(8080),
    };
    let listener = TcpListener::bind(("localhost", port)).await?;
    receiver.serve(listener).await?;
    Ok(())
}
