//! What the server says.

use super::SUBPROTOCOL;

/// One message of the server. A URI stands in it as the client spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    /// The greeting, before everything else.
    Protocol,
    /// The client asked for no subprotocol; it may stay all the same.
    MissingSubprotocol,
    /// The client asked for other subprotocols alone.
    OtherSubprotocol,
    /// What was said is not understood.
    Warning(&'a str),
    /// What was asked for is not done.
    Error(&'a str),
    /// From now on the client hears of that resource.
    Ack(&'a str),
    /// The client does not hear of that resource, or no longer: it may not read it, or would not if there were such a
    /// resource.
    Forbidden(&'a str),
    /// The resource was created, changed or deleted; or of a container, one of its members was.
    Pub(&'a str),
    /// The client no longer hears of that resource, as it wished.
    Removed(&'a str),
    /// Answers a ping, with its words.
    Pong(&'a str),
}

impl Says<'_> {
    /// The message: one line, without its end.
    pub fn line(self) -> String {
        let mut line = match self {
            Self::Protocol => format!("protocol {SUBPROTOCOL}"),
            Self::MissingSubprotocol => {
                format!("warning Missing Sec-WebSocket-Protocol header, expected value '{SUBPROTOCOL}'")
            }
            Self::OtherSubprotocol => format!("error Client does not support protocol {SUBPROTOCOL}"),
            Self::Warning(text) => format!("warning {text}"),
            Self::Error(text) => format!("error {text}"),
            Self::Ack(uri) => format!("ack {uri}"),
            Self::Forbidden(uri) => format!("err {uri} forbidden"),
            Self::Pub(uri) => format!("pub {uri}"),
            Self::Removed(uri) => format!("removed {uri}"),
            Self::Pong("") => "pong".to_owned(),
            Self::Pong(rest) => format!("pong {rest}"),
        };
        if line.contains(char::is_control) {
            // Whatever the text was made of, it is one message.
            line = line.replace(char::is_control, " ");
        }
        line
    }
}
