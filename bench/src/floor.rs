//! The floor: the least that fanning out can cost. Frames made beforehand, one non-blocking write per socket.
//!
//! It reads commands from standard input: `fire N` writes N rounds to every socket, one after the other.

use anyhow::{Context, Result};
use std::{io::Write as _, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Runs until standard input ends.
pub async fn run(sockets: usize, frame: usize) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let mut open = Vec::with_capacity(sockets);
    while open.len() < sockets {
        let (stream, _) = listener.accept().await?;
        open.push(accept(stream).await?);
    }
    println!("ready");
    std::io::stdout().flush()?;
    let frame = text_frame(frame);
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    while let Some(command) = commands.next_line().await? {
        let rounds: usize = command.strip_prefix("fire ").context("an unknown command")?.parse()?;
        for _ in 0..rounds {
            for stream in &open {
                write_all(stream, &frame).await?;
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

async fn write_all(stream: &TcpStream, mut rest: &[u8]) -> Result<()> {
    while !rest.is_empty() {
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                tokio::time::timeout(Duration::from_secs(30), stream.writable()).await??;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Answers an opening; the listener of this program does not check the accept value.
async fn accept(mut stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut head).await?;
    }
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").await?;
    Ok(stream)
}

fn text_frame(length: usize) -> Vec<u8> {
    let mut frame = vec![0x81, 126];
    frame.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    frame.resize(4 + length, b'x');
    frame
}
