//! Which words a channel's notifications are written in, as a number that is kept with the channel.

use crate::{ChannelType, NotificationsContext, Syntax};

/// How notifications follow each other on a connection, or whose requests they are the bodies of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// One text frame of a WebSocket each.
    #[default]
    WebSocket,
    /// One event of an event stream each.
    ///
    /// Spec: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
    Events,
    /// One after the other: JSON in a line each, other documents with an empty line behind.
    Stream,
    /// The same, each in a chunk of its own: many receivers take a chunk for a document.
    ///
    /// Spec: <https://www.rfc-editor.org/rfc/rfc9112#section-7.1>
    Chunks,
    /// The body of a request to a webhook each: a document that stands alone.
    Webhook,
    /// The body of a request to an inbox each, likewise.
    Inbox,
    /// The content of a push message each, likewise.
    WebPush,
}

impl Framing {
    /// That of the channels of a type.
    pub fn of(channel_type: ChannelType) -> Self {
        match channel_type {
            ChannelType::EventSource => Self::Events,
            ChannelType::StreamingHttp => Self::Stream,
            ChannelType::WebSocket => Self::WebSocket,
            ChannelType::Webhook => Self::Webhook,
            ChannelType::Ldn => Self::Inbox,
            ChannelType::WebPush => Self::WebPush,
        }
    }

    /// The type of the channels that have it.
    pub fn channel_type(self) -> ChannelType {
        match self {
            Self::WebSocket => ChannelType::WebSocket,
            Self::Events => ChannelType::EventSource,
            Self::Stream | Self::Chunks => ChannelType::StreamingHttp,
            Self::Webhook => ChannelType::Webhook,
            Self::Inbox => ChannelType::Ldn,
            Self::WebPush => ChannelType::WebPush,
        }
    }

    fn code(self) -> u32 {
        match self {
            Self::WebSocket => 0,
            Self::Events => 1,
            Self::Stream => 2,
            Self::Chunks => 3,
            Self::Webhook => 4,
            Self::Inbox => 5,
            Self::WebPush => 6,
        }
    }

    /// Where its code is in that of a rendering.
    fn bits(self) -> u32 {
        (self.code() & 3) << 17 | self.code() >> 2 << 20
    }

    fn from_bits(rendering: u32) -> Self {
        Self::from_code(rendering >> 17 & 3 | (rendering >> 20 & 3) << 2)
    }

    fn from_code(code: u32) -> Self {
        match code {
            0 => Self::WebSocket,
            1 => Self::Events,
            2 => Self::Stream,
            3 => Self::Chunks,
            4 => Self::Webhook,
            5 => Self::Inbox,
            _ => Self::WebPush,
        }
    }
}

/// A dialect with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rendering {
    /// Solid Notifications Protocol.
    Solid {
        /// Which spelling of the context, as the subscriber used it.
        context: NotificationsContext,
        /// Which syntax.
        syntax: Syntax,
        /// Whether to name the actor; the protocol does not.
        actor: bool,
        /// How one notification is set apart from the next.
        framing: Framing,
        /// Whether each tells its cursor in its own text; events have a field for it.
        cursor: bool,
    },
    /// The frames of the ESS WebSocket service, always JSON.
    Ess {
        /// Whether to name the actor, as that protocol does.
        actor: bool,
    },
    /// The lines of `solid-0.1`: a `pub` says the topic in the listener's own spelling, which only the socket knows. So a
    /// notification is a [`MARK`](crate::solid_0_1::MARK), and the socket makes the line of it.
    Solid01,
    /// The envelopes of Linked Web Storage, always JSON.
    Lws {
        /// How one envelope is set apart from the next.
        framing: Framing,
        /// Whether to name the actor; the draft advises against it.
        actor: bool,
    },
}

impl Rendering {
    /// The number under which it is kept; never changes its meaning.
    ///
    /// Bits 0-7 the dialect, 8-11 the context, 12-15 the syntax, 16 the actor, 17-18 and 20-21 the framing, 19 the
    /// cursor.
    pub fn code(self) -> u32 {
        match self {
            Self::Solid { context, syntax, actor, framing, cursor } => {
                let context = match context {
                    NotificationsContext::V0_2 => 0,
                    NotificationsContext::V0_3 => 1,
                };
                let syntax = match syntax {
                    Syntax::JsonLd => 0,
                    Syntax::Turtle => 1,
                    Syntax::NTriples => 2,
                };
                let facts = u32::from(actor) << 16 | u32::from(cursor) << 19 | framing.bits();
                1 | context << 8 | syntax << 12 | facts
            }
            Self::Ess { actor } => 2 | u32::from(actor) << 16,
            Self::Solid01 => 3,
            Self::Lws { framing, actor } => 4 | u32::from(actor) << 16 | framing.bits(),
        }
    }

    /// The rendering kept under that number; none if there is none.
    pub fn from_code(code: u32) -> Option<Self> {
        let actor = code >> 16 & 1 == 1;
        let rendering = match code & 0xff {
            1 => Self::Solid {
                context: match code >> 8 & 0xf {
                    0 => NotificationsContext::V0_2,
                    _ => NotificationsContext::V0_3,
                },
                syntax: match code >> 12 & 0xf {
                    0 => Syntax::JsonLd,
                    1 => Syntax::Turtle,
                    _ => Syntax::NTriples,
                },
                actor,
                framing: Framing::from_bits(code),
                cursor: code >> 19 & 1 == 1,
            },
            2 => Self::Ess { actor },
            3 => Self::Solid01,
            4 => Self::Lws { framing: Framing::from_bits(code), actor },
            _ => return None,
        };
        // Bits that mean nothing yet are refused rather than guessed.
        (rendering.code() == code).then_some(rendering)
    }

    /// The same with another framing; ESS and `solid-0.1` have but one.
    #[must_use]
    pub fn with_framing(mut self, chosen: Framing) -> Self {
        if let Self::Solid { framing, .. } | Self::Lws { framing, .. } = &mut self {
            *framing = chosen;
        }
        self
    }

    /// The same in another syntax; only Solid has several.
    #[must_use]
    pub fn with_syntax(mut self, chosen: Syntax) -> Self {
        if let Self::Solid { syntax, .. } = &mut self {
            *syntax = chosen;
        }
        self
    }

    /// The same with cursors; only Solid has them.
    #[must_use]
    pub fn with_cursor(mut self) -> Self {
        if let Self::Solid { cursor, .. } = &mut self {
            *cursor = true;
        }
        self
    }

    /// How notifications follow each other.
    pub fn framing(self) -> Framing {
        match self {
            Self::Solid { framing, .. } | Self::Lws { framing, .. } => framing,
            Self::Ess { .. } | Self::Solid01 => Framing::WebSocket,
        }
    }

    /// Media type of the notifications.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Solid { syntax, .. } => syntax.media_type(),
            Self::Ess { .. } => "application/json",
            Self::Solid01 => "text/plain",
            Self::Lws { .. } => crate::lws::MEDIA_TYPE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_one_rendering() {
        let mut seen = 0;
        for code in 0..1 << 23 {
            if let Some(rendering) = Rendering::from_code(code) {
                assert_eq!(rendering.code(), code);
                seen += 1;
            }
        }
        assert_eq!(seen, 2 * 3 * 2 * 7 * 2 + 2 + 1 + 7 * 2);
    }

    #[test]
    fn every_type_has_a_framing_that_names_it() {
        for channel_type in ChannelType::ALL {
            assert_eq!(Framing::of(channel_type).channel_type(), channel_type);
        }
    }

    #[test]
    fn codes_do_not_move() {
        let (context, syntax) = (NotificationsContext::V0_3, Syntax::Turtle);
        let (actor, framing, cursor) = (false, Framing::WebSocket, false);
        assert_eq!(Rendering::Solid { context, syntax, actor, framing, cursor }.code(), 0x1101);
        assert_eq!(
            Rendering::Solid { context, syntax, actor, framing: Framing::Stream, cursor: true }.code(),
            0xc_1101
        );
        let pushed = |framing| Rendering::Solid { context, syntax, actor, framing, cursor }.code();
        assert_eq!([Framing::Webhook, Framing::Inbox, Framing::WebPush].map(pushed), [0x10_1101, 0x12_1101, 0x14_1101]);
        assert_eq!(Rendering::Ess { actor: true }.code(), 0x1_0002);
        assert_eq!(Rendering::Solid01.code(), 3);
        assert_eq!(Rendering::Lws { framing: Framing::Webhook, actor: true }.code(), 0x11_0004);
    }
}
