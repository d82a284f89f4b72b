//! A receiver of what is pushed, for tests: HTTP/1.1 on loopback, with TLS or without. It keeps every request and answers
//! by a script, also as no receiver should.
//!
//! It has a thread of its own for each connection and blocks in it, so it goes on whatever the test's runtime does.

use crate::tls::Authority;
use anyhow::Result;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for requests.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a thread that holds a connection looks whether the receiver is gone.
const LOOK: Duration = Duration::from_millis(20);

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// When it was complete.
    pub at: Instant,
}

impl Received {
    /// A header field that stands there once or not at all.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none())
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, header fields, an empty body.
    Status(u16, Vec<(String, String)>),
    /// A status, then a body of which one byte comes each time, without an end.
    Drip(u16, Duration),
    /// A status, then a body that comes as fast as it can, without an end.
    Endless(u16),
    /// Nothing, as long as the connection stands.
    Hang,
    /// The end of the connection.
    Close,
    /// Half a head, then the end.
    Cut,
    /// These bytes, then the end.
    Bytes(Vec<u8>),
}

impl Reply {
    /// A status alone.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new())
    }

    /// A status with one header field.
    pub fn with(status: u16, name: &str, value: &str) -> Self {
        Self::Status(status, vec![(name.to_owned(), value.to_owned())])
    }
}

/// What it answers: to the request of that number, from 0.
pub type Script = dyn Fn(usize, &Received) -> Reply + Send + Sync;

/// What its threads share.
struct Inner {
    script: Box<Script>,
    requests: Mutex<Vec<Received>>,
    came: Condvar,
    connections: AtomicUsize,
    gone: AtomicBool,
    tls: Option<Arc<rustls::ServerConfig>>,
}

/// A running receiver; ends when it is dropped.
pub struct Receiver {
    inner: Arc<Inner>,
    address: SocketAddr,
}

impl Receiver {
    /// Over plain HTTP.
    pub fn http(script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Result<Self> {
        Self::start(Box::new(script), None)
    }

    /// Over TLS, with a certificate for `localhost`.
    pub fn https(
        authority: &Authority,
        script: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::start(Box::new(script), Some(authority.server("localhost")?))
    }

    /// That acknowledges everything.
    pub fn willing() -> Result<Self> {
        Self::http(|_, _| Reply::status(204))
    }

    fn start(script: Box<Script>, tls: Option<Arc<rustls::ServerConfig>>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (requests, came) = (Mutex::default(), Condvar::new());
        let (connections, gone) = (AtomicUsize::new(0), AtomicBool::new(false));
        let inner = Arc::new(Inner { script, requests, came, connections, gone, tls });
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.gone.load(Ordering::SeqCst) {
                    break;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let inner = Arc::clone(&shared);
                thread::spawn(move || {
                    // A peer that goes away is as good as one that stays.
                    let _ = inner.serve(stream);
                });
            }
        });
        Ok(Self { inner, address })
    }

    /// Its URL with that path.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.inner.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.address.port())
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.inner.requests().clone()
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// What came, once it is that much.
    ///
    /// # Panics
    /// If it does not come in time.
    pub fn wait(&self, count: usize) -> Vec<Received> {
        self.wait_until(&format!("{count} requests"), |requests| requests.len() >= count)
    }

    /// What came, once it is as it should be.
    ///
    /// # Panics
    /// If it does not become so in time.
    pub fn wait_until(&self, what: &str, mut done: impl FnMut(&[Received]) -> bool) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        let mut requests = self.inner.requests();
        while !done(&requests) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not in time: {what}; there are {} requests", requests.len());
            requests = self.inner.came.wait_timeout(requests, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        requests.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.inner.gone.store(true, Ordering::SeqCst);
        // Wakes who waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

/// A connection, with TLS or without.
trait Wire: Read + Write {}
impl<S: Read + Write> Wire for S {}

impl Inner {
    fn requests(&self) -> MutexGuard<'_, Vec<Received>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
        let wire: Box<dyn Wire> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let session = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Box::new(rustls::StreamOwned::new(session, stream))
            }
        };
        let mut wire = BufReader::new(Patient { inner: self, wire });
        while let Some(request) = read(&mut wire)? {
            let last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            let mut requests = self.requests();
            let number = requests.len();
            requests.push(request.clone());
            drop(requests);
            self.came.notify_all();
            if !self.answer(&mut wire, &(self.script)(number, &request))? || last {
                break;
            }
        }
        Ok(())
    }

    /// Answers; whether the connection goes on.
    fn answer(&self, wire: &mut BufReader<Patient<'_>>, reply: &Reply) -> io::Result<bool> {
        let head = |status, fields: &str| format!("HTTP/1.1 {status} x\r\n{fields}\r\n");
        let endless = |status| head(status, "content-length: 1000000000000\r\n");
        match reply {
            Reply::Status(status, fields) => {
                let length = if *status == 204 { "" } else { "content-length: 0\r\n" };
                let lines = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
                let lines = lines.fold(length.to_owned(), |lines, line| lines + &line);
                wire.get_mut().write_all(head(status, &lines).as_bytes())?;
                wire.get_mut().flush()?;
                return Ok(true);
            }
            Reply::Drip(status, pause) => {
                wire.get_mut().write_all(endless(status).as_bytes())?;
                while !self.gone.load(Ordering::SeqCst) {
                    wire.get_mut().write_all(b"x")?;
                    wire.get_mut().flush()?;
                    thread::sleep(*pause);
                }
            }
            Reply::Endless(status) => {
                wire.get_mut().write_all(endless(status).as_bytes())?;
                while !self.gone.load(Ordering::SeqCst) {
                    wire.get_mut().write_all(&[b'x'; 4096])?;
                }
            }
            Reply::Hang => {
                // Until the peer goes away.
                wire.read_to_end(&mut Vec::new())?;
            }
            Reply::Close => {}
            Reply::Cut => wire.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-le")?,
            Reply::Bytes(bytes) => wire.get_mut().write_all(bytes)?,
        }
        wire.get_mut().flush()?;
        Ok(false)
    }
}

/// Reads for as long as it takes, but not longer than the receiver is there.
struct Patient<'r> {
    inner: &'r Inner,
    wire: Box<dyn Wire>,
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.wire.read(buffer) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if self.inner.gone.load(Ordering::SeqCst) {
                        return Ok(0);
                    }
                }
                read => return read,
            }
        }
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wire.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

/// The next request; none at the end.
fn read(wire: &mut impl BufRead) -> io::Result<Option<Received>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first().map(String::as_str).unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let fields = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    wire.read_exact(&mut body)?;
    Ok(Some(Received { method, target, headers, body, at: Instant::now() }))
}

/// A URL on loopback at which nobody listens.
pub fn nobody() -> Result<String> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    Ok(format!("http://localhost:{port}/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn requests_of_one_connection_are_kept_and_answered_by_the_script() {
        let receiver = Receiver::http(|number, _| match number {
            0 => Reply::with(503, "retry-after", "5"),
            1 => Reply::status(204),
            _ => Reply::Close,
        });
        let receiver = receiver.unwrap();
        let mut stream = TcpStream::connect(receiver.address).unwrap();
        let request = b"POST /in HTTP/1.1\r\nHost: x\r\nX-A: b\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
        stream.write_all(&request.repeat(3)).unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        assert_eq!(told, "HTTP/1.1 503 x\r\ncontent-length: 0\r\nretry-after: 5\r\n\r\nHTTP/1.1 204 x\r\n\r\n");
        let received = receiver.wait(3);
        assert_eq!((received.len(), receiver.connections()), (3, 1));
        assert_eq!((received[0].method.as_str(), received[0].target.as_str()), ("POST", "/in"));
        assert_eq!((received[0].header("x-a"), received[0].json()["a"].as_i64()), (Some("b"), Some(1)));
    }
}
