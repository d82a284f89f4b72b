//! What a stream says by itself: how it begins, and what it says when there is nothing to tell.

use podbell_hub::{Connection, Cursor};

/// How a stream is framed, as far as it says something by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `text/event-stream`: begins with the time after which to connect again, beats with an id or a comment.
    Events,
    /// The same, and begins with the id to come back with as well: who has heard nothing yet comes back to a channel that
    /// waits for nobody else.
    Returning,
    /// Documents one after the other.
    Stream {
        /// Beats with an empty line. Some receivers take that for a document, so only where it was asked for.
        heartbeat: bool,
    },
    /// The same in chunks of HTTP/1.1, the last of which is empty. Whoever was cut off misses that one.
    Chunks,
}

/// A comment, in an event stream.
const COMMENT: &[u8] = b":\n\n";

impl Kind {
    /// What comes before everything else.
    pub(super) fn opening(self) -> &'static [u8] {
        match self {
            Self::Events | Self::Returning => b"retry: 3000\n\n",
            Self::Stream { .. } | Self::Chunks => b"",
        }
    }

    /// What comes next, as soon as there is somebody who hears: said by `say`, if nothing is to be told before it.
    pub(super) fn placed(self, connection: &Connection, say: impl FnOnce(&[u8])) {
        if self == Self::Returning {
            connection.when_idle(|cursor| say(&id(cursor)));
        }
    }

    /// What comes at the end of a stream that is whole.
    pub(super) fn ending(self) -> &'static [u8] {
        match self {
            Self::Chunks => b"0\r\n\r\n",
            Self::Events | Self::Returning | Self::Stream { .. } => b"",
        }
    }

    /// Says one beat by `mention`, which says it between two notifications or not at all.
    ///
    /// A listener that has been told everything gets the cursor of that, in an event without data, which reaches no
    /// handler: when it comes back much later, what others heard meanwhile need not be looked through.
    pub(super) fn beat(self, connection: Option<&Connection>, mention: impl Fn(&[u8])) {
        match self {
            Self::Events | Self::Returning => {
                let mut is_idle = false;
                if let Some(connection) = connection {
                    connection.when_idle(|cursor| {
                        is_idle = true;
                        mention(&id(cursor));
                    });
                }
                if !is_idle {
                    mention(COMMENT);
                }
            }
            Self::Stream { heartbeat: true } => mention(b"\n"),
            Self::Stream { heartbeat: false } | Self::Chunks => {}
        }
    }
}

/// An event without data: it only moves the id that the client comes back with.
fn id(cursor: &Cursor) -> Vec<u8> {
    [b"id: ", cursor.as_slice(), b"\n\n"].concat()
}
