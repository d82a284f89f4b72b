//! The bytes of one connection: what leaves is let through by the gate of the request under way, at each system call;
//! what comes is counted.
//!
//! [`Below`] lies below TLS, so what TLS holds back and writes later passes the same gate. [`Above`] lies above it and
//! knows whether all of a request has left.

use crate::Gate;
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that a peer may send before the first request, for TLS.
const HANDSHAKE: u64 = 256 * 1024;

/// What is known of a connection's bytes.
pub(crate) struct Line {
    gate: Mutex<Option<Arc<dyn Gate>>>,
    refused: AtomicBool,
    /// Whether any byte left since the request began.
    touched: AtomicBool,
    /// Whether something was written that has not all left.
    pending: AtomicBool,
    /// How many bytes may still come.
    left: AtomicU64,
}

impl Line {
    /// Without a gate, for the handshake.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Mutex::default(),
            refused: AtomicBool::new(false),
            touched: AtomicBool::new(false),
            pending: AtomicBool::new(false),
            left: AtomicU64::new(HANDSHAKE),
        })
    }

    /// A request begins: its bytes pass that gate, and at most so many bytes come back.
    pub(crate) fn begin(&self, gate: Option<Arc<dyn Gate>>, most: u64) {
        *self.gate.lock() = gate;
        self.touched.store(false, SeqCst);
        self.pending.store(true, SeqCst);
        self.left.store(most, SeqCst);
    }

    /// Whether the gate was shut when something was to leave; nothing leaves any more.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(SeqCst)
    }

    /// Whether nothing of the request has left.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.touched.load(SeqCst)
    }

    /// Whether all of the request has left: nothing of it will pass another's gate.
    pub(crate) fn has_left(&self) -> bool {
        !self.pending.load(SeqCst)
    }

    fn write(&self, write: &mut dyn FnMut() -> Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if self.is_refused() {
            return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()));
        }
        let gate = self.gate.lock().clone();
        let wrote = match gate {
            Some(gate) => gate.pass(write),
            None => Some(write()),
        };
        let Some(wrote) = wrote else {
            self.refused.store(true, SeqCst);
            return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()));
        };
        if matches!(wrote, Poll::Ready(Ok(1..))) {
            self.touched.store(true, SeqCst);
        }
        wrote
    }
}

/// The connection itself, judged and counted.
pub(crate) struct Below<S> {
    stream: S,
    line: Arc<Line>,
}

impl<S> Below<S> {
    pub(crate) fn new(stream: S, line: Arc<Line>) -> Self {
        Self { stream, line }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Below<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let came = (buf.filled().len() - before) as u64;
        let left = self.line.left.load(SeqCst);
        self.line.left.store(left.saturating_sub(came), SeqCst);
        Poll::Ready(if came > left { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Below<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.line.write(&mut || Pin::new(&mut this.stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.line.write(&mut || Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // A socket holds nothing back, so neither of these sends any byte.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What HTTP writes to: the connection or TLS over it.
pub(crate) struct Above<S> {
    stream: S,
    line: Arc<Line>,
}

impl<S> Above<S> {
    pub(crate) fn new(stream: S, line: Arc<Line>) -> Self {
        Self { stream, line }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Above<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Above<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.line.pending.store(true, SeqCst);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line.pending.store(true, SeqCst);
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // Who writes flushes only when all that it had was taken.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if !self.line.is_untouched() {
            self.line.pending.store(false, SeqCst);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
