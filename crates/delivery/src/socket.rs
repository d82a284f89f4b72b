//! One client's socket as an outlet of the hub: finished bytes go out without waking anybody.
//!
//! Nothing is kept per idle socket but the stream and a few words of state. Words of the protocol itself (ping, pong,
//! close, comments) and the hub's frames share the stream, so one lock knows whether part of a frame is out.

use crate::heart::{Beating, Heart};
use parking_lot::Mutex;
use podbell_hub::{Ending, Outlet};
use std::{
    io::{self, IoSlice},
    sync::{Arc, OnceLock, Weak},
};
use tokio::net::TcpStream;

/// Most bytes of the protocol's own words that wait for room; a peer that floods us with pings gets no more pongs than
/// that.
const WAITING_WORDS: usize = 256;
/// Most bytes that wait in the kernel to be sent. What waits with the hub is bounded as it is set, is given up for newer
/// news, and is judged again before it goes; what is in the kernel is none of that.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 32 * 1024;

/// What a protocol says by itself, beside the hub's frames.
pub(crate) trait Voice: Send + Sync + Sized + 'static {
    /// One heartbeat.
    fn beat(&self, socket: &Socket<Self>);

    /// Whether receivers may take each write for one notification, so that two never go together.
    fn one_by_one(&self) -> bool {
        false
    }

    /// The last words.
    fn last_words(&self, ending: Ending) -> bytes::Bytes;
}

/// An open connection, server side.
pub(crate) struct Socket<V> {
    stream: TcpStream,
    pub(crate) voice: V,
    writer: Mutex<Writer>,
    /// Told when there is room again.
    room: OnceLock<Box<dyn Fn() + Send + Sync>>,
    heart: Weak<Heart>,
    this: Weak<Self>,
}

#[derive(Debug, Default)]
struct Writer {
    /// Part of one of the hub's frames is out, the rest is with the hub.
    mid_frame: bool,
    /// The last words were queued or sent: nothing may follow them.
    closing: bool,
    /// Someone waits for room already.
    waiting: bool,
    /// Words of our own that wait for room; the first may be partly out.
    words: Vec<u8>,
}

impl<V: Voice> Socket<V> {
    /// Takes over the stream of an accepted opening.
    pub(crate) fn new(stream: TcpStream, voice: V, heart: &Arc<Heart>) -> Arc<Self> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // The peer may be gone already; then serving it ends at once.
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
        let socket = Arc::new_cyclic(|this| Self {
            stream,
            voice,
            writer: Mutex::default(),
            room: OnceLock::new(),
            heart: Arc::downgrade(heart),
            this: this.clone(),
        });
        heart.watch(socket.this.clone());
        socket
    }

    /// Says who is told when there is room again; the first call counts.
    pub(crate) fn on_room(&self, told: Box<dyn Fn() + Send + Sync>) {
        let _ = self.room.set(told);
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Says something as soon as no frame is partly out and there is room.
    pub(crate) fn say(&self, words: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.closing || writer.words.len() + words.len() > WAITING_WORDS {
            return;
        }
        writer.words.extend_from_slice(words);
        self.flush_words(&mut writer);
    }

    /// Says something now, or not at all: neither inside a frame nor where there is no room.
    pub(crate) fn mention(&self, words: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.closing || writer.mid_frame || !writer.words.is_empty() {
            return;
        }
        match self.stream.try_write(words) {
            Ok(written) if written < words.len() => {
                writer.words.extend_from_slice(&words[written..]);
                self.wait_for_room(&mut writer);
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.give_up(&mut writer),
            Ok(_) | Err(_) => {}
        }
    }

    /// Sends whole frames as far as there is room; how many. The rest of one that has begun goes before anything else.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if none has begun; any other says that none ever will.
    pub(crate) fn send(&self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut writer = self.writer.lock();
        if !writer.closing {
            self.flush_words(&mut writer);
        }
        if writer.closing {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !writer.words.is_empty() || writer.mid_frame {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut written = match frames {
            [frame] => self.stream.try_write(frame)?,
            frames => self.stream.try_write_vectored(frames)?,
        };
        for (sent, frame) in frames.iter().enumerate() {
            if written < frame.len() {
                if written == 0 {
                    return Ok(sent);
                }
                writer.words.extend_from_slice(&frame[written..]);
                self.wait_for_room(&mut writer);
                return Ok(sent + 1);
            }
            written -= frame.len();
        }
        Ok(frames.len())
    }

    /// Says the last words; the peer has a moment to end too.
    pub(crate) fn finish(&self, last_words: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.closing {
            return;
        }
        if writer.mid_frame {
            drop(writer);
            return self.cut();
        }
        writer.words.extend_from_slice(last_words);
        writer.closing = true;
        self.flush_words(&mut writer);
        drop(writer);
        if let Some(heart) = self.heart.upgrade() {
            heart.expect_end(self.this.clone());
        }
    }

    /// Ends the connection without a word.
    pub(crate) fn cut(&self) {
        self.give_up(&mut self.writer.lock());
    }

    /// Nothing is written any more, and nothing waits for room: what waits on a dead stream would wait for ever, or be
    /// woken again and again.
    fn give_up(&self, writer: &mut Writer) {
        writer.closing = true;
        writer.words = Vec::new();
        // The reader sees the end and lets the socket go.
        let _ = socket2::SockRef::from(&self.stream).shutdown(std::net::Shutdown::Both);
    }

    /// Writes the words that wait if no frame is partly out; after the last ones nothing more.
    fn flush_words(&self, writer: &mut Writer) {
        if writer.mid_frame {
            return;
        }
        if !writer.words.is_empty() {
            match self.stream.try_write(&writer.words) {
                Ok(written) => drop(writer.words.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return self.give_up(writer),
            }
            if !writer.words.is_empty() {
                return self.wait_for_room(writer);
            }
            writer.words = Vec::new();
        }
        if writer.closing {
            // A peer that does not understand the last words sees the end too.
            let _ = socket2::SockRef::from(&self.stream).shutdown(std::net::Shutdown::Write);
        }
    }

    /// One task per socket that waits, and only while it waits.
    fn wait_for_room(&self, writer: &mut Writer) {
        if writer.waiting {
            return;
        }
        let Some(socket) = self.this.upgrade() else { return };
        writer.waiting = true;
        tokio::spawn(async move {
            let _ = socket.stream.writable().await;
            {
                let mut writer = socket.writer.lock();
                writer.waiting = false;
                socket.flush_words(&mut writer);
            }
            if let Some(told) = socket.room.get() {
                told();
            }
        });
    }

    /// What waits for room.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Vec<u8> {
        self.writer.lock().words.clone()
    }
}

impl<V: Voice> Beating for Socket<V> {
    fn beat(&self) {
        self.voice.beat(self);
    }

    fn cut(&self) {
        self.cut();
    }
}

impl<V: Voice> Outlet for Socket<V> {
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut writer = self.writer.lock();
        if !writer.closing {
            self.flush_words(&mut writer);
        }
        if writer.closing {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !writer.words.is_empty() && !writer.mid_frame {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let parts = if self.voice.one_by_one() { &parts[..parts.len().min(1)] } else { parts };
        let written = match parts {
            [part] => self.stream.try_write(part)?,
            parts => self.stream.try_write_vectored(parts)?,
        };
        writer.mid_frame = ends_inside(parts, written);
        self.flush_words(&mut writer);
        Ok(written)
    }

    fn wake_when_writable(&self) {
        self.wait_for_room(&mut self.writer.lock());
    }

    fn close(&self, ending: Ending, mid_frame: bool) {
        if mid_frame {
            return self.cut();
        }
        self.finish(&self.voice.last_words(ending));
    }
}

/// Whether writing stopped inside a part. Every part ends at the end of a frame.
pub(crate) fn ends_inside(parts: &[IoSlice<'_>], mut written: usize) -> bool {
    for part in parts {
        if written < part.len() {
            return written > 0;
        }
        written -= part.len();
    }
    false
}
