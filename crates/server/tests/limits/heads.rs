//! What a request may bring along: its head, its target, its body, and the time for them.

use super::world::{LD, World, head};
use std::{
    io::{Read as _, Write as _},
    sync::LazyLock,
};

static HERE: LazyLock<World> = LazyLock::new(|| {
    World::start(&[
        ("PODBELL_LIMITS_HEADER_BYTES", "8 KiB"),
        ("PODBELL_LIMITS_HEADER_LINES", "30"),
        ("PODBELL_LIMITS_URL_BYTES", "500"),
        ("PODBELL_LIMITS_CONTROL_BODY", "2 KiB"),
        ("PODBELL_LIMITS_HEADER_TIMEOUT", "1s"),
        ("PODBELL_LIMITS_BODY_TIMEOUT", "1s"),
    ])
});

/// On the path that capabilities have too, whose heads are read by other means.
const PATHS: [(&str, u16); 2] = [("/alice/", 401), ("/.notifications/connect/x", 404)];

#[test]
fn a_head_has_so_many_lines_and_no_more() {
    for (path, otherwise) in PATHS {
        // Beside `host` and `connection`.
        for (more, status) in [(28, otherwise), (29, 431)] {
            let names: Vec<_> = (0..more).map(|number| format!("x-{number}")).collect();
            let headers: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
            assert_eq!(HERE.raw(head("GET", path, &headers, None)).status, status, "{path} {more}");
        }
    }
}

#[test]
fn a_head_is_so_large_and_no_larger() {
    for (path, otherwise) in PATHS {
        // What is counted: the target and the lines.
        let counted = head("GET", path, &[("x", "")], None).len() - "GET  HTTP/1.1\r\n\r\n".len();
        for (bytes, status) in [(8 * 1024, otherwise), (8 * 1024 + 1, 431)] {
            let value = "y".repeat(bytes - counted);
            assert_eq!(HERE.raw(head("GET", path, &[("x", &value)], None)).status, status, "{path} {bytes}");
        }
    }
}

#[test]
fn a_target_is_so_long_and_no_longer() {
    for (bytes, status) in [(500, 401), (501, 414)] {
        let path = format!("/alice/{}?{}", "x".repeat(200), "x".repeat(bytes - "/alice/?".len() - 200));
        assert_eq!(HERE.raw(head("GET", &path, &[], None)).status, status, "{bytes}");
    }
}

/// T-S36: also where it does not say how large it is.
#[test]
fn t_s36_a_subscription_is_so_large_and_no_larger() {
    let alice = HERE.log_in("ALICE");
    let body = |bytes: usize| {
        let body = format!(
            "{{\"@context\":\"https://www.w3.org/ns/solid/notification/v1\",\"type\":\"WebSocketChannel2023\",\
             \"topic\":\"{}\"}}",
            HERE.url("/alice/a")
        );
        body.clone() + &" ".repeat(bytes - body.len())
    };
    let path = "/.notifications/WebSocketChannel2023/";
    assert_eq!(alice.ask("POST", path, &[LD], body(2_048)).status, 200);
    alice.ask("POST", path, &[LD], body(2_049)).is_problem(413);
    let own = alice.credentials("POST", &HERE.url(path));
    let own = own.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
    for (bytes, status) in [(2_048, 200), (2_049, 413)] {
        let own = if bytes == 2_048 { own.clone() } else { String::new() };
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/ld+json\r\n{own}\
             transfer-encoding: chunked\r\n\r\n{bytes:x}\r\n{}\r\n0\r\n\r\n",
            body(bytes)
        );
        assert_eq!(HERE.raw(request).status, status, "{bytes}");
    }
}

/// T-Q13: a head or a body that does not come is not waited for.
#[test]
fn t_q13_a_request_takes_so_long_and_no_longer() {
    let post = "POST /.notifications/WebSocketChannel2023/ HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/ld+json\r\ncontent-length: 100\r\n\r\n{";
    for (half, status) in
        [("GET /alice/ HT", None), ("GET /.notifications/connect/x HTTP/1.1\r\nho", None), (post, Some(408))]
    {
        let mut stream = HERE.connect();
        stream.write_all(half.as_bytes()).unwrap();
        let mut answer = String::new();
        // Until the server closes.
        stream.read_to_string(&mut answer).unwrap();
        let told = answer.split(' ').nth(1).map(|status| status.parse::<u16>().unwrap());
        assert!(told == status || status.is_none() && told == Some(408), "{half}: {answer}");
    }
}
