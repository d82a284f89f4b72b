//! The listening half of a socket: signs of life, pings to answer, the client's end.
//!
//! A client of a notification channel has nothing to say; its data is read, checked and dropped.

use super::{
    decode::{Decoder, Message},
    frame::CloseCode,
    socket::Socket,
};
use std::{future::poll_fn, io, ops::ControlFlow};

/// Reads of one wake-up, so that a flood on one socket leaves its thread to others.
const READS: usize = 16;

/// Reads until the connection ends; `decoder` has heard what came together with the opening.
pub(super) async fn listen(socket: &Socket, mut decoder: Decoder) {
    loop {
        // `readable()` would keep the finished connection task of the opening alive in the waker's place.
        if poll_fn(|context| socket.stream().poll_read_ready(context)).await.is_err() {
            return;
        }
        if read(socket, &mut decoder).is_break() {
            return;
        }
        tokio::task::consume_budget().await;
    }
}

fn read(socket: &Socket, decoder: &mut Decoder) -> ControlFlow<()> {
    let mut buffer = [0; 4_096];
    for _ in 0..READS {
        match socket.stream().try_read(&mut buffer) {
            Ok(0) => return ControlFlow::Break(()),
            Ok(read) => hear(socket, decoder, &buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ControlFlow::Continue(()),
            Err(_) => return ControlFlow::Break(()),
        }
    }
    ControlFlow::Continue(())
}

pub(super) fn hear(socket: &Socket, decoder: &mut Decoder, mut input: &[u8]) -> ControlFlow<()> {
    loop {
        match decoder.next(&mut input) {
            Ok(None) => return ControlFlow::Continue(()),
            Ok(Some(message)) => {
                socket.alive();
                match message {
                    Message::Ping(payload) => socket.pong(&payload),
                    Message::Close(code) => {
                        socket.say_close(code.unwrap_or(CloseCode::NORMAL), "");
                        return ControlFlow::Break(());
                    }
                    Message::Text(_) | Message::Binary(_) | Message::Pong => {}
                }
            }
            Err(violation) => {
                socket.say_close(violation.code, violation.rule);
                return ControlFlow::Break(());
            }
        }
    }
}
