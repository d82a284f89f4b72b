//! What a client sends: bytes in, messages out, with every rule that a server checks.
//!
//! A machine without a socket: it can be fed any split of the input and yields the same messages. It holds nothing
//! between messages.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc6455#section-5>

use super::frame::{CloseCode, Opcode};

/// A whole message from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text; valid UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// To be answered by a pong with the same payload.
    Ping(Vec<u8>),
    /// A sign of life.
    Pong,
    /// The client ends; its code, if it gave one.
    Close(Option<CloseCode>),
}

/// The client broke a rule: the connection is closed with that code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct Violation {
    /// What the connection is closed with.
    pub code: CloseCode,
    /// The rule, for the close reason.
    pub rule: &'static str,
}

fn violation(code: CloseCode, rule: &'static str) -> Violation {
    Violation { code, rule }
}

/// The frame whose payload is being read.
#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    last: bool,
    mask: [u8; 4],
    /// Payload bytes read.
    read: u64,
    /// Payload bytes in all.
    length: u64,
}

/// Reads the frames of one client.
#[derive(Debug)]
pub struct Decoder {
    /// Largest message, in bytes.
    limit: usize,
    header: [u8; 14],
    header_read: u8,
    frame: Option<Frame>,
    /// Kind of the message whose parts are being read.
    message: Option<Opcode>,
    payload: Vec<u8>,
    /// How much of a text payload has been found valid.
    valid: usize,
    control: Vec<u8>,
}

impl Decoder {
    /// A decoder that refuses messages over `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            header: [0; 14],
            header_read: 0,
            frame: None,
            message: None,
            payload: Vec::new(),
            valid: 0,
            control: Vec::new(),
        }
    }

    /// Whether nothing of a frame or message is held, so that a new decoder would go on as well.
    pub fn is_between_messages(&self) -> bool {
        self.header_read == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Takes bytes from `input` until a message is whole or nothing is left.
    ///
    /// # Errors
    /// The first broken rule; the decoder must not be fed again.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            if self.frame.is_none() && !self.read_header(input)? {
                return Ok(None);
            }
            if let Some(message) = self.read_payload(input)? {
                return Ok(Some(message));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
    }

    /// True once the header is whole and `self.frame` stands.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<bool, Violation> {
        loop {
            let read = usize::from(self.header_read);
            let needed = if read < 2 { 2 } else { header_length(self.header[1]) };
            if read >= 2 && read == needed {
                break;
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(false) };
            self.header[read] = byte;
            self.header_read += 1;
            *input = rest;
            if read == 1 {
                self.check_start()?;
            }
        }
        self.header_read = 0;
        self.frame = Some(self.parse_header()?);
        Ok(true)
    }

    /// The rules that the first two bytes can break, checked before more is read.
    fn check_start(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.header;
        if first & 0x70 != 0 {
            return Err(violation(CloseCode::PROTOCOL, "a reserved bit is set"));
        }
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(violation(CloseCode::PROTOCOL, "the opcode is reserved"))?;
        if second & 0x80 == 0 {
            return Err(violation(CloseCode::PROTOCOL, "a client must mask its frames"));
        }
        let last = first & 0x80 != 0;
        if opcode.is_control() && (!last || second & 0x7f > 125) {
            return Err(violation(CloseCode::PROTOCOL, "a control frame is whole and at most 125 bytes"));
        }
        match (opcode, self.message) {
            (Opcode::Continuation, None) => Err(violation(CloseCode::PROTOCOL, "a continuation without a message")),
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                Err(violation(CloseCode::PROTOCOL, "a new message inside another one"))
            }
            _ => Ok(()),
        }
    }

    fn parse_header(&mut self) -> Result<Frame, Violation> {
        let header = &self.header;
        let (length, mask_at, least) = match header[1] & 0x7f {
            126 => (u64::from(u16::from_be_bytes([header[2], header[3]])), 4, 126),
            127 => {
                let mut length = [0; 8];
                length.copy_from_slice(&header[2..10]);
                (u64::from_be_bytes(length), 10, 65_536)
            }
            length => (u64::from(length), 2, 0),
        };
        if !(least..1 << 63).contains(&length) {
            return Err(violation(CloseCode::PROTOCOL, "a length takes its shortest form and has 63 bits"));
        }
        let mut mask = [0; 4];
        mask.copy_from_slice(&header[mask_at..mask_at + 4]);
        let opcode =
            Opcode::from_bits(header[0] & 0x0f).ok_or(violation(CloseCode::PROTOCOL, "the opcode is reserved"))?;
        if !opcode.is_control() {
            let room = self.limit.saturating_sub(self.payload.len()) as u64;
            if length > room {
                return Err(violation(CloseCode::TOO_BIG, "the message is larger than is read"));
            }
            if opcode != Opcode::Continuation {
                self.message = Some(opcode);
            }
        }
        Ok(Frame { opcode, last: header[0] & 0x80 != 0, mask, read: 0, length })
    }

    fn read_payload(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Violation> {
        let Some(frame) = &mut self.frame else { return Ok(None) };
        let left = usize::try_from(frame.length - frame.read).unwrap_or(usize::MAX);
        let (taken, rest) = input.split_at(left.min(input.len()));
        *input = rest;
        let into = if frame.opcode.is_control() { &mut self.control } else { &mut self.payload };
        into.extend(taken.iter().zip(frame.read..).map(|(byte, at)| byte ^ frame.mask[(at % 4) as usize]));
        frame.read += taken.len() as u64;
        let (whole, opcode, last) = (frame.read == frame.length, frame.opcode, frame.last);
        if !opcode.is_control() && self.message == Some(Opcode::Text) {
            self.check_text(whole && last)?;
        }
        if !whole {
            return Ok(None);
        }
        self.frame = None;
        if opcode.is_control() {
            return control_message(opcode, std::mem::take(&mut self.control)).map(Some);
        }
        if !last {
            return Ok(None);
        }
        let payload = std::mem::take(&mut self.payload);
        self.valid = 0;
        Ok(match self.message.take() {
            Some(Opcode::Text) => Some(Message::Text(
                String::from_utf8(payload).map_err(|_| violation(CloseCode::NOT_UTF8, "the text is no UTF-8"))?,
            )),
            _ => Some(Message::Binary(payload)),
        })
    }

    /// Fails at the first byte that no continuation can mend.
    fn check_text(&mut self, ended: bool) -> Result<(), Violation> {
        match std::str::from_utf8(&self.payload[self.valid..]) {
            Ok(_) => self.valid = self.payload.len(),
            Err(error) if error.error_len().is_some() || ended => {
                return Err(violation(CloseCode::NOT_UTF8, "the text is no UTF-8"));
            }
            Err(error) => self.valid += error.valid_up_to(),
        }
        Ok(())
    }
}

fn header_length(second: u8) -> usize {
    6 + match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}

fn control_message(opcode: Opcode, payload: Vec<u8>) -> Result<Message, Violation> {
    match opcode {
        Opcode::Ping => Ok(Message::Ping(payload)),
        Opcode::Pong => Ok(Message::Pong),
        _ => match payload.as_slice() {
            [] => Ok(Message::Close(None)),
            [high, low, reason @ ..] => {
                let code = CloseCode(u16::from_be_bytes([*high, *low]));
                if !code.may_be_received() {
                    Err(violation(CloseCode::PROTOCOL, "the close code is not for use"))
                } else if std::str::from_utf8(reason).is_err() {
                    Err(violation(CloseCode::NOT_UTF8, "the close reason is no UTF-8"))
                } else {
                    Ok(Message::Close(Some(code)))
                }
            }
            [_] => Err(violation(CloseCode::PROTOCOL, "a close payload has two bytes at least")),
        },
    }
}

#[cfg(test)]
mod tests;
