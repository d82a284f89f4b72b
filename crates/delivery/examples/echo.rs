//! A WebSocket server that sends back what it hears: Podbell's codec alone, for conformance suites.
//!
//! Its argument is the largest message, in bytes. It listens on a free port of loopback, prints its URL, and ends when
//! its standard input does.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455>

use podbell_delivery::websocket::{
    decode::{Decoder, Message},
    frame::{self, CloseCode, Opcode},
    handshake::{self, Opening, Subprotocol},
};
use std::{
    error::Error,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// Most bytes of an opening.
const HEAD: u64 = 16 * 1_024;
/// How long a peer may take to end after the close was said.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let limit = std::env::args().nth(1).map_or(Ok(64 * 1_024), |limit| limit.parse())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("ws://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Peers of a conformance suite break off as they like.
            thread::spawn(move || serve(&stream, limit));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn serve(stream: &TcpStream, limit: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let early = open(stream)?;
    let mut decoder = Decoder::new(limit);
    let (mut buffer, mut said) = ([0; 16 * 1_024], hear(stream, &mut decoder, &early)?);
    while !said {
        let read = (&*stream).read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        said = hear(stream, &mut decoder, &buffer[..read])?;
    }
    // What is still on its way is read, so that it does not reset the connection before the close has arrived.
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    while (&*stream).read(&mut buffer)? > 0 {}
    Ok(())
}

/// Answers the opening; returns what came after it.
fn open(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream.take(HEAD));
    let (mut key, mut version) = (None, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("sec-websocket-key") => key = Some(value.to_owned()),
            Some((name, value)) if name.eq_ignore_ascii_case("sec-websocket-version") => {
                version = Some(value.to_owned());
            }
            _ if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let opening = Opening { key: key.as_deref(), version: version.as_deref(), protocols: None };
    let accepted = handshake::open(&opening, Subprotocol::First).map_err(io::Error::other)?;
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    (&*stream).write_all(format!("{head}Sec-WebSocket-Accept: {}\r\n\r\n", accepted.accept).as_bytes())?;
    Ok(reader.buffer().to_vec())
}

/// Sends back what is whole; true once the close was said.
fn hear(mut stream: &TcpStream, decoder: &mut Decoder, mut input: &[u8]) -> io::Result<bool> {
    loop {
        let (answer, last) = match decoder.next(&mut input) {
            Ok(None) => return Ok(false),
            Ok(Some(Message::Text(text))) => (frame::frame(Opcode::Text, text.as_bytes()), false),
            Ok(Some(Message::Binary(bytes))) => (frame::frame(Opcode::Binary, &bytes), false),
            Ok(Some(Message::Ping(payload))) => (frame::frame(Opcode::Pong, &payload), false),
            Ok(Some(Message::Pong)) => continue,
            Ok(Some(Message::Close(code))) => (frame::close(code.unwrap_or(CloseCode::NORMAL), ""), true),
            Err(violation) => (frame::close(violation.code, violation.rule), true),
        };
        stream.write_all(&answer)?;
        if last {
            return Ok(true);
        }
    }
}
