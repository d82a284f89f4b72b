//! The receiving side of what is pushed, in a process of its own: so many receivers that acknowledge everything, and so
//! many that never answer, each on a port of its own.
//!
//! It prints `listening` and the ports, first of those that answer; then it obeys as `listen` does, each request counting
//! as a frame.

use crate::listen::Heard;
use anyhow::{Context, Result, ensure};
use std::{io::Write as _, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// The longest request that is read.
const LONGEST: usize = 64 * 1024;

/// Runs until standard input ends.
pub(crate) async fn run(healthy: usize, hung: usize) -> Result<()> {
    let heard = Arc::new(Heard::new(true));
    let mut ports = Vec::new();
    for number in 0..healthy + hung {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(listener.local_addr()?.port().to_string());
        let heard = (number < healthy).then(|| Arc::clone(&heard));
        tokio::spawn(accept(listener, heard));
    }
    println!("listening {}", ports.join(" "));
    std::io::stdout().flush()?;
    heard.obey(&mut BufReader::new(tokio::io::stdin()).lines()).await
}

async fn accept(listener: TcpListener, heard: Option<Arc<Heard>>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        match &heard {
            Some(heard) => drop(tokio::spawn(answer(stream, Arc::clone(heard)))),
            None => drop(tokio::spawn(hang(stream))),
        }
    }
}

/// Reads what comes, until the peer goes away.
async fn hang(mut stream: TcpStream) -> Result<()> {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

async fn answer(mut stream: TcpStream, heard: Arc<Heard>) -> Result<()> {
    let mut bytes = Vec::with_capacity(8 * 1024);
    loop {
        while let Some((head, length)) = whole(&bytes)? {
            heard.time(&bytes[head..length]);
            heard.came(1);
            bytes.drain(..length);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
        }
        let read = stream.read_buf(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        heard.grew(read);
    }
}

/// The lengths of the head and of the whole request that `bytes` begin with, if it is there.
fn whole(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    ensure!(bytes.len() <= LONGEST, "a request is too long");
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = lengths.next().context("no content-length")?.1.trim().parse()?;
    Ok(Some((end + 4, end + 4 + length)).filter(|(_, whole)| *whole <= bytes.len()))
}
