//! What is done with what a client says: signs of life, pings to answer, the client's end.
//!
//! A client of a notification channel has nothing to say; its data is checked and dropped.

use super::{
    decode::{Decoder, Message},
    frame::CloseCode,
    socket::Socket,
};
use std::ops::ControlFlow;

/// Breaks when the conversation is over.
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
