//! The ways to listen, and what is expected of each.

/// How somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// WebSocketChannel2023.
    WebSocket,
    /// The socket of the ESS gateway.
    Ess,
    /// EventSourceChannel2023.
    Events,
    /// StreamingHTTPChannel2023.
    Lines,
    /// The stream of a topic without a subscription, over HTTP/1.1.
    Standing,
    /// EventSourceChannel2023 over HTTP/2.
    Http2Events,
    /// StreamingHTTPChannel2023 over HTTP/2.
    Http2Lines,
    /// The event stream of a topic without a subscription, over HTTP/2.
    Http2Standing,
    /// WebSocketSubscription of Linked Web Storage.
    Lws,
    /// EventSourceSubscription of Linked Web Storage.
    LwsEvents,
    /// The socket of `solid-0.1`, with credentials on its opening.
    Solid01,
    /// The same as `Updates-Via` gives it, and as old applications open it: with nothing but its URL.
    UpdatesVia,
}

impl Way {
    pub(super) const ALL: [Self; 12] = [
        Self::WebSocket,
        Self::Ess,
        Self::Events,
        Self::Lines,
        Self::Standing,
        Self::Http2Events,
        Self::Http2Lines,
        Self::Http2Standing,
        Self::Lws,
        Self::LwsEvents,
        Self::Solid01,
        Self::UpdatesVia,
    ];
    /// Those that have a channel of the Solid Notifications Protocol or none at all.
    pub(super) const SOLID: [Self; 7] = [
        Self::WebSocket,
        Self::Events,
        Self::Lines,
        Self::Standing,
        Self::Http2Events,
        Self::Http2Lines,
        Self::Http2Standing,
    ];

    /// The type of what is subscribed to.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::WebSocket | Self::Ess => "WebSocketChannel2023",
            Self::Events | Self::Http2Events | Self::Http2Standing => "EventSourceChannel2023",
            Self::Lines | Self::Http2Lines | Self::Standing => "StreamingHTTPChannel2023",
            Self::Lws => super::lws::WEBSOCKET,
            Self::LwsEvents => super::lws::EVENTS,
            Self::Solid01 | Self::UpdatesVia => panic!("one subscribes on the socket"),
        }
    }

    pub(super) fn is_http2(self) -> bool {
        matches!(self, Self::Http2Events | Self::Http2Lines | Self::Http2Standing)
    }

    /// Whether it needs no subscription; then it begins with how its one topic stands.
    pub(super) fn is_standing(self) -> bool {
        matches!(self, Self::Standing | Self::Http2Standing)
    }

    pub(super) fn is_events(self) -> bool {
        matches!(self, Self::Events | Self::Http2Events | Self::Http2Standing | Self::LwsEvents)
    }

    pub(super) fn is_lws(self) -> bool {
        matches!(self, Self::Lws | Self::LwsEvents)
    }

    pub(super) fn is_solid_0_1(self) -> bool {
        matches!(self, Self::Solid01 | Self::UpdatesVia)
    }

    /// Whether there is something that lives beside the connection, and ends by itself.
    pub(super) fn has_channel(self) -> bool {
        !self.is_standing() && !self.is_solid_0_1()
    }

    /// Whether it opens once: afterwards one subscribes anew, or never left.
    pub(super) fn opens_once(self) -> bool {
        matches!(self, Self::Ess | Self::Lws)
    }

    /// How it says what happened: `solid-0.1` has one word for everything.
    pub(super) fn word(self, kind: &str) -> &str {
        if self.is_solid_0_1() { "pub" } else { kind }
    }

    /// With which code it is closed when nothing is left that may be heard.
    pub(super) fn farewell(self) -> Option<u16> {
        match self {
            Self::WebSocket | Self::Lws => Some(4403),
            Self::Ess => Some(1008),
            _ => None,
        }
    }
}
