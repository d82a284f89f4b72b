//! What holds for everything that a client sends over a WebSocket, stated once: tried briefly by the tests below, and for
//! long by `fuzz/`. A property that does not hold panics.

use crate::websocket::{
    decode::{Decoder, Message, Violation},
    handshake::{Opening, Subprotocol, open},
};
use podbell_wire::solid_0_1::Said;

const LIMIT: usize = 300;

/// However the bytes are cut, the same messages come out of them, and none is larger than it may be.
pub fn websocket(bytes: &[u8], cut: usize) {
    let whole = messages(&[bytes]);
    let (head, tail) = bytes.split_at(cut % (bytes.len() + 1));
    assert_eq!(messages(&[head, tail]), whole, "cut at {}", head.len());
    assert_eq!(messages(&bytes.chunks(1).collect::<Vec<_>>()), whole, "cut everywhere");
    let size = |message: &Message| match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) => bytes.len(),
        Message::Pong | Message::Close(_) => 0,
    };
    assert!(whole.0.iter().all(|message| size(message) <= LIMIT), "a message is larger than it may be");
    assert!(whole.0.iter().map(size).sum::<usize>() <= bytes.len(), "there is more than was sent");
}

/// An opening is accepted with a key's answer, or refused; a protocol that is chosen was offered.
pub fn opening(key: &str, protocols: &str) {
    let opening = Opening { key: Some(key), version: Some("13"), protocols: Some(protocols) };
    for choice in [Subprotocol::First, Subprotocol::Only("solid-0.2"), Subprotocol::Rather("solid-0.1")] {
        let Ok(accepted) = open(&opening, choice) else { continue };
        assert_eq!(accepted.accept.len(), 28, "the length of a digest in Base64");
        let offered = |chosen: &String| protocols.split(',').any(|offered| offered.trim() == chosen);
        assert!(accepted.protocol.as_ref().is_none_or(offered), "{accepted:?} of {protocols:?}");
    }
}

/// A line of `solid-0.1` means the same in one frame and in two, wherever it is cut.
pub fn lines(text: &str, cut: usize) {
    let (head, tail) = text.as_bytes().split_at(cut % (text.len() + 1));
    let frames = [fragment(0x01, head), fragment(0x80, tail)].concat();
    if let Ok(Some(message)) = Decoder::new(usize::MAX).next(&mut &frames[..]) {
        let Message::Text(heard) = message else { panic!("{text:?} is no text any more") };
        assert_eq!(Said::parse(&heard), Said::parse(text));
    } else {
        panic!("{text:?} does not arrive");
    }
}

/// Part of a message, with a mask of zeros.
fn fragment(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        length @ 0..=125 => vec![0x80 | u8::try_from(length).unwrap_or_default()],
        length => match u16::try_from(length) {
            Ok(length) => [&[0xfe][..], &length.to_be_bytes()].concat(),
            Err(_) => [&[0xff][..], &(length as u64).to_be_bytes()].concat(),
        },
    };
    [&[first][..], &length, &[0; 4], payload].concat()
}

fn messages(pieces: &[&[u8]]) -> (Vec<Message>, Option<Violation>) {
    let (mut decoder, mut messages) = (Decoder::new(LIMIT), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
    }
    (messages, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select};

    /// Frames that look like frames: a first byte, a length that fits or not, a mask of zeros, a payload.
    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let first = select(&[0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, 0xc1, 0x83][..]);
        (first, vec(any::<u8>(), 0..140), any::<bool>()).prop_map(|(first, payload, is_honest)| {
            let length = if is_honest { payload.len() } else { payload.len() + 3 };
            let mut frame = vec![first];
            if length > 125 {
                frame.push(0xfe);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            } else {
                frame.push(0x80 | u8::try_from(length).unwrap());
            }
            frame.extend([0; 4]);
            frame.extend(payload);
            frame
        })
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_is_read(
            frames in vec(frame(), 0..6),
            noise in vec(any::<u8>(), 0..60),
            cut in any::<usize>(),
        ) {
            websocket(&noise, cut);
            websocket(&[frames.concat(), noise].concat(), cut);
        }

        #[test]
        fn a_line_in_two_frames_is_one_line(uri in "\\PC{0,40}", word in "sub |unsub |ping ", cut in any::<usize>()) {
            lines(&format!("{word}https://pod.example/{uri}"), cut);
            lines(&uri, cut);
        }

        #[test]
        fn what_is_chosen_was_offered(key in "[A-Za-z0-9+/]{21}[AQgw]==|\\PC{0,30}", protocols in "(solid-0\\.2|[a-z,\" ]){0,10}") {
            opening(&key, &protocols);
        }
    }
}
