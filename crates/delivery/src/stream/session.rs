//! One stream on a bare socket from the head of its answer to its end.
//!
//! A future written by hand, because of its size, as that of WebSockets is. The client has nothing to say: what it sends
//! is read and dropped, so that its end is seen.

use super::socket::Socket;
use podbell_hub::Connection;
use std::{
    io,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Reads of one wake-up, so that a flood on one socket leaves its thread to others.
const READS: usize = 16;

/// An open stream; done when either side has ended it. Dropping it ends it too.
#[must_use = "nobody sees the client's end unless it is polled"]
pub struct Session<T> {
    socket: Arc<Socket>,
    _connection: Arc<Connection>,
    /// What lives as long as the socket does.
    _held: T,
}

impl<T> Session<T> {
    pub(super) fn new(socket: Arc<Socket>, connection: Arc<Connection>, held: T) -> Self {
        Self { socket, _connection: connection, _held: held }
    }

    /// Breaks when the stream has ended.
    fn read(&self) -> ControlFlow<()> {
        let mut buffer = [0; 4_096];
        for _ in 0..READS {
            match self.socket.stream().try_read(&mut buffer) {
                Ok(0) => return ControlFlow::Break(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return ControlFlow::Continue(()),
                Err(_) => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }
}

impl<T> Drop for Session<T> {
    /// Whoever waits for room waits no longer than what is held here.
    fn drop(&mut self) {
        self.socket.cut();
    }
}

impl<T: Unpin> Future for Session<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // Yields by itself when this task has had its share.
            if ready!(self.socket.stream().poll_read_ready(context)).is_err() || self.read().is_break() {
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
