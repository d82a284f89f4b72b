//! Leave to send, asked at each system call: for requests whose content may stop being allowed while they go out.

use std::{io, task::Poll};

/// Lets through, or does not, what is about to be written. It sees no bytes: those before TLS are what it rules.
pub trait Gate: Send + Sync + 'static {
    /// Calls `write` if it may be called now, and gives what it returned; none if not: the request is broken off there.
    fn pass(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Option<Poll<io::Result<usize>>>;
}
