use super::*;
use proptest::prelude::*;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(0xfe);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0xff);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ MASK[at % 4]));
    frame
}

fn all(decoder: &mut Decoder, mut input: &[u8]) -> Result<Vec<Message>, Violation> {
    let mut messages = Vec::new();
    while let Some(message) = decoder.next(&mut input)? {
        messages.push(message);
    }
    assert!(input.is_empty());
    Ok(messages)
}

fn decode(input: &[u8]) -> Result<Vec<Message>, Violation> {
    all(&mut Decoder::new(1_000), input)
}

#[test]
fn whole_and_fragmented_messages_are_read() {
    let mut input = masked(0x81, "héllo".as_bytes());
    input.extend(masked(0x01, &"hé".as_bytes()[..2]));
    input.extend(masked(0x89, b"p"));
    input.extend(masked(0x80, &"hé".as_bytes()[2..]));
    input.extend(masked(0x82, &[7; 200]));
    input.extend(masked(0x8a, b""));
    input.extend(masked(0x88, &[0x03, 0xe8]));
    let messages = decode(&input).unwrap();
    assert_eq!(
        messages,
        [
            Message::Text("héllo".into()),
            Message::Ping(b"p".to_vec()),
            Message::Text("hé".into()),
            Message::Binary(vec![7; 200]),
            Message::Pong,
            Message::Close(Some(CloseCode::NORMAL)),
        ]
    );
}

#[test]
fn every_broken_rule_has_its_code() {
    for (input, code) in [
        (masked(0xc1, b"rsv"), CloseCode::PROTOCOL),
        (masked(0x83, b"reserved opcode"), CloseCode::PROTOCOL),
        (masked(0x8b, b"reserved control"), CloseCode::PROTOCOL),
        (vec![0x81, 0x01, b'x'], CloseCode::PROTOCOL),
        (masked(0x09, b"fragmented ping"), CloseCode::PROTOCOL),
        (masked(0x89, &[0; 126]), CloseCode::PROTOCOL),
        (masked(0x80, b"continuation first"), CloseCode::PROTOCOL),
        ([masked(0x01, b"a"), masked(0x81, b"b")].concat(), CloseCode::PROTOCOL),
        (masked(0x88, &[3]), CloseCode::PROTOCOL),
        (masked(0x88, &1005_u16.to_be_bytes()), CloseCode::PROTOCOL),
        (masked(0x88, &[0x03, 0xe8, 0xff]), CloseCode::NOT_UTF8),
        (masked(0x81, &[0xff]), CloseCode::NOT_UTF8),
        (masked(0x81, &[0xc3]), CloseCode::NOT_UTF8),
        (masked(0x82, &[0; 1_001]), CloseCode::TOO_BIG),
        ([masked(0x02, &[0; 600]), masked(0x80, &[0; 600])].concat(), CloseCode::TOO_BIG),
    ] {
        assert_eq!(decode(&input).unwrap_err().code, code, "{input:x?}");
    }
}

#[test]
fn a_giant_length_is_refused_before_its_payload_comes() {
    let mut input = vec![0x82, 0xff];
    input.extend(i64::MAX.to_be_bytes());
    input.extend(MASK);
    assert_eq!(decode(&input).unwrap_err().code, CloseCode::TOO_BIG);
}

#[test]
fn a_length_in_a_longer_form_than_needed_is_refused() {
    for length in [[0xfe, 0, 0].as_slice(), &[0xfe, 0, 125], &[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], &[0xff; 9]] {
        let input = [&[0x82], length, &MASK].concat();
        assert_eq!(decode(&input).unwrap_err().code, CloseCode::PROTOCOL, "{input:x?}");
    }
}

#[test]
fn invalid_text_fails_before_the_message_is_whole() {
    let frame = masked(0x81, b"ab\xffcd");
    assert_eq!(decode(&frame[..9]).unwrap_err().code, CloseCode::NOT_UTF8);
}

proptest! {
    #[test]
    fn split_input_equals_whole(
        frames in prop::collection::vec((0_usize..6, prop::collection::vec(any::<u8>(), 0..200)), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let starts = [0x81, 0x82, 0x89, 0x8a, 0x01, 0x80];
        let input: Vec<u8> = frames.iter().flat_map(|(at, payload)| masked(starts[*at], payload)).collect();
        let whole = decode(&input);
        let (head, tail) = input.split_at(cut.index(input.len() + 1));
        let mut decoder = Decoder::new(1_000);
        let split = all(&mut decoder, head).and_then(|mut messages| {
            messages.extend(all(&mut decoder, tail)?);
            Ok(messages)
        });
        prop_assert_eq!(whole, split);
    }

    #[test]
    fn no_input_panics(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::new(100);
        let mut rest = input.as_slice();
        while let Ok(Some(_)) = decoder.next(&mut rest) {}
    }
}
