use super::*;

const JWS: &str = "eyJ0eXAi.e30.c2ln-_";

#[test]
fn every_message_of_the_grammar_is_understood() {
    let at = "https://pod.example/a%20b?c#d";
    for (text, said) in [
        (format!("sub {at}"), Said::Sub(at)),
        (format!("sub {at} "), Said::Sub(at)),
        (format!("unsub {at}"), Said::Unsub(at)),
        (format!("sub {JWS}"), Said::SubProved(JWS)),
        (format!("dpop {JWS}"), Said::Dpop(JWS)),
        (format!("auth DPoP {JWS}"), Said::Auth { scheme: "DPoP", token: JWS }),
        ("ping".into(), Said::Ping("")),
        ("ping a  b ".into(), Said::Ping("a  b ")),
        ("sub HTTP://POD.example".into(), Said::Sub("HTTP://POD.example")),
    ] {
        assert_eq!(Said::parse(&text), Ok(said), "{text}");
    }
}

#[test]
fn nothing_else_is_a_subscription() {
    for text in [
        "",
        " ",
        "sub",
        "sub ",
        "sub  https://pod.example/a",
        " sub https://pod.example/a",
        "SUB https://pod.example/a",
        "Sub https://pod.example/a",
        "subscribe https://pod.example/a",
        "sub\thttps://pod.example/a",
        "sub https://pod.example/a extra words",
        "sub https://pod.example/a\nsub https://pod.example/b",
        "sub https://pod.example/a\r\n",
        "sub https://pod.example/a\0",
        "sub https://pod.example/a\u{85}b",
        "sub https://pod.example/a\u{2028}b",
        "sub https://pod.example/a\u{a0}b",
        "sub /a",
        "sub a",
        "sub //pod.example/a",
        "sub pod.example",
        "sub http://",
        "sub https:/pod.example/a",
        "sub wss://pod.example/a",
        "sub file:///etc/passwd",
        "sub javascript://pod.example/a",
        "sub a.b",
        "sub a.b.c.d",
        "sub a..c",
        "pub https://pod.example/a",
        "ack https://pod.example/a",
        "auth-header authorization:DPoP x",
        "auth DPoP",
        "auth  x",
        "auth DPoP a b",
        "dpop",
        "dpop a.b",
        "dpop a.b.c d",
        "ping a\nsub https://pod.example/a",
    ] {
        assert!(Said::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_long_uri_is_refused_by_its_characters() {
    let of = |length: usize| format!("sub https://pod.example/{}", "ä".repeat(length - 20));
    assert!(matches!(Said::parse(&of(MAX_URI)), Ok(Said::Sub(_))));
    assert_eq!(Said::parse(&of(MAX_URI + 1)), Err(Misheard::LongUri));
}

#[test]
fn what_is_asked_for_and_not_done_is_an_error_and_all_else_a_warning() {
    assert!(Said::parse("sub /relative").unwrap_err().is_error());
    assert!(!Said::parse("hello").unwrap_err().is_error() && !Said::parse("").unwrap_err().is_error());
}

#[test]
fn tokens_and_proofs_are_not_shown() {
    for text in [format!("auth DPoP {JWS}"), format!("dpop {JWS}"), format!("sub {JWS}")] {
        assert!(!format!("{:?}", Said::parse(&text)).contains(JWS), "{text}");
    }
}

#[test]
fn the_lines_are_those_that_clients_know() {
    let at = "https://pod.example/a";
    for (says, line) in [
        (Says::Protocol, "protocol solid-0.1"),
        (Says::MissingSubprotocol, "warning Missing Sec-WebSocket-Protocol header, expected value 'solid-0.1'"),
        (Says::OtherSubprotocol, "error Client does not support protocol solid-0.1"),
        (Says::Ack(at), "ack https://pod.example/a"),
        (Says::Forbidden(at), "err https://pod.example/a forbidden"),
        (Says::Pub(at), "pub https://pod.example/a"),
        (Says::Removed(at), "removed https://pod.example/a"),
        (Says::Pong(""), "pong"),
        (Says::Pong("a b"), "pong a b"),
        (Says::Error("a\r\npub https://pod.example/b"), "error a  pub https://pod.example/b"),
    ] {
        assert_eq!(says.line(), line);
    }
}
