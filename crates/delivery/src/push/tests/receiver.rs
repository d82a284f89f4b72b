//! A receiver on loopback that answers by script.

use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// What it does with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answers {
    /// A head, and nothing more.
    Head(&'static str),
    /// A head, and then bytes without end.
    Endless(&'static str),
    /// A head, and then one byte a second.
    Drips(&'static str),
    /// Takes the request and never answers.
    Hangs,
    /// Ends in the middle of its head.
    ClosesEarly,
    /// Closes before it has read.
    Slams,
    /// Says something that is no HTTP.
    Babbles,
}

pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) bodies: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Receiver {
    pub(super) async fn start(answers: Answers) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers)
    }

    pub(super) fn on(listener: TcpListener, answers: Answers) -> Self {
        let url = format!("http://{}/hook?key=1", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers, Arc::clone(&kept)));
            }
        });
        Self { url, bodies, task: task.abort_handle() }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answers: Answers, bodies: Arc<Mutex<Vec<String>>>) -> Option<()> {
    if let Answers::Slams = answers {
        return None;
    }
    let mut request = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        break (end + 4, length.parse::<usize>().unwrap());
    };
    while request.len() < head + length {
        stream.read_buf(&mut request).await.ok()?;
    }
    bodies.lock().push(String::from_utf8_lossy(&request[head..]).into_owned());
    let mut say = async |text: &str| stream.write_all(text.as_bytes()).await.ok();
    match answers {
        Answers::Head(head) => say(&format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n")).await,
        Answers::Endless(head) => {
            say(&format!("HTTP/1.1 {head}\r\n\r\n")).await?;
            loop {
                say(&"x".repeat(1_024)).await?;
            }
        }
        Answers::Drips(head) => {
            say(&format!("HTTP/1.1 {head}\r\ncontent-length: 60\r\n\r\n")).await?;
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                say("x").await?;
            }
        }
        Answers::Hangs => std::future::pending().await,
        Answers::ClosesEarly => say("HTTP/1.1 200 O").await,
        Answers::Babbles => say("hello\r\n\r\n").await,
        Answers::Slams => None,
    }
}
