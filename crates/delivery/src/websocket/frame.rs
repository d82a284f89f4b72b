//! Frames as the server writes them: whole, unmasked, unfragmented.
//!
//! A finished frame is plain bytes that every listener of one rendering shares.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455#section-5.2>

use bytes::{BufMut, Bytes, BytesMut};

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// The next part of a message.
    Continuation,
    /// A text message, or its first part.
    Text,
    /// A binary message, or its first part.
    Binary,
    /// Ends the connection.
    Close,
    /// Asks for a sign of life.
    Ping,
    /// Gives one.
    Pong,
}

impl Opcode {
    /// From the four bits of the wire; none for a reserved one.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    /// Control frames may stand between the parts of a message; they are short and whole.
    pub fn is_control(self) -> bool {
        self.bits() >= 8
    }
}

/// Why a connection is closed.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1>; 4000–4999 are for private use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose is fulfilled: `endAt`, or the channel was deleted.
    pub const NORMAL: Self = Self(1000);
    /// The server stops.
    pub const AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// A text message that is no UTF-8.
    pub const NOT_UTF8: Self = Self(1007);
    /// A rule was broken that has no code of its own; the ESS dialect's word for a lost grant.
    pub const POLICY: Self = Self(1008);
    /// A message larger than is read.
    pub const TOO_BIG: Self = Self(1009);
    /// Overloaded: come again.
    pub const TRY_AGAIN: Self = Self(1013);
    /// The grant to read was withdrawn.
    pub const FORBIDDEN: Self = Self(4403);

    /// Whether a peer may send it.
    pub fn may_be_received(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// A whole frame.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(0x80 | opcode.bits());
    match payload.len() {
        length @ 0..=125 => frame.put_u8(u8::try_from(length).unwrap_or_default()),
        length @ 126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(u16::try_from(length).unwrap_or_default());
        }
        length => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// A close frame; the reason is cut to what a control frame holds.
pub fn close(code: CloseCode, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(123)];
    let mut payload = code.0.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    frame(Opcode::Close, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let bytes = frame(Opcode::Text, &vec![b'x'; length]);
            assert_eq!(bytes.len(), head + length, "{length}");
            assert_eq!(bytes[0], 0x81);
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let bytes = close(CloseCode::NORMAL, &"é".repeat(100));
        assert!(bytes.len() <= 127);
        assert!(std::str::from_utf8(&bytes[4..]).is_ok());
    }
}
