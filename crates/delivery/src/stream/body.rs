//! A stream as a body: for HTTP/2, and for connections that the server keeps.

use super::pipe::{Asked, CutShort, Pipe};
use bytes::Bytes;
use http_body::{Body, Frame};
use podbell_hub::Connection;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A body that goes on until its channel ends. Dropping it ends the stream.
#[must_use = "nothing is told unless it is polled"]
pub struct StreamBody<T> {
    pipe: Arc<Pipe>,
    connection: Arc<Connection>,
    /// What lives as long as the body does.
    _held: T,
}

impl<T> StreamBody<T> {
    pub(super) fn new(pipe: Arc<Pipe>, connection: Arc<Connection>, held: T) -> Self {
        Self { pipe, connection, _held: held }
    }
}

// Nothing in it is ever pinned.
impl<T> Unpin for StreamBody<T> {}

impl<T> Drop for StreamBody<T> {
    /// Whoever is just writing finds nobody any more.
    fn drop(&mut self) {
        self.pipe.end();
    }
}

impl<T> Body for StreamBody<T> {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        loop {
            match self.pipe.ask(context.waker()) {
                // The hub writes meanwhile, or has nothing to write any more.
                Asked::Tell => self.connection.writable(),
                Asked::Answer(answer) => return answer.map(|piece| piece.map(|piece| piece.map(Frame::data))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pipe.is_over()
    }
}

#[cfg(test)]
mod tests;
