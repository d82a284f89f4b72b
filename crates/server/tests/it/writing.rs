//! PUT, POST, PATCH and DELETE in a pod: what is refused, and that a refusal loses nothing.

use super::world::{ALICE, ANYBODY, BOB, LD, TURTLE, WORLD, container, head, listed, public};
use std::io::{Read as _, Write as _};

const N3: (&str, &str) = ("content-type", "text/n3");
const SPARQL: (&str, &str) = ("content-type", "application/sparql-update");

#[test]
fn malformed_content_is_a_problem_and_nothing_is_stored() {
    let at = container("malformed", "");
    ALICE.put(&format!("{at}kept"), "<#it> <#says> \"before\" .");
    let tag = ALICE.get(&format!("{at}kept")).header("etag").unwrap().to_owned();
    let deep_json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_turtle = format!("<#a> <#b> {}1{} .", "( ".repeat(100_000), " )".repeat(100_000));
    for (kind, body) in [
        (TURTLE, "<#it> broken"),
        (TURTLE, "@prefix : <"),
        (TURTLE, "\u{0}"),
        (TURTLE, "<a b> <#c> <#d> ."),
        (LD, "{"),
        (LD, "[1, 2"),
        (LD, "{\"@id\": \"\\ud800\"}"),
        (LD, "{\"@context\": {\"a\": 1}}"),
        (LD, &deep_json),
        (("content-type", "application/n-triples"), "<#relative> <#b> <#c> ."),
    ] {
        for name in ["kept", "new"] {
            let told = ALICE.ask("PUT", &format!("{at}{name}"), &[kind], body);
            assert!((400..500).contains(&told.status), "{} {told:?}", &body[..body.len().min(40)]);
            told.is_problem(told.status);
        }
        let told = ALICE.ask("POST", &at, &[kind, ("slug", "new")], body);
        told.is_problem(told.status);
        assert!((400..500).contains(&told.status), "{told:?}");
    }
    // Deep is not broken: whether it is taken or refused, the server lives.
    let told = ALICE.ask("PUT", &format!("{at}kept"), &[TURTLE, ("if-none-match", "*")], deep_turtle);
    assert!((400..500).contains(&told.status), "{told:?}");
    let not_utf8 = ALICE.ask("PUT", &format!("{at}kept"), &[TURTLE], b"<#a> <#b> \"\xff\" .");
    not_utf8.is_problem(400);
    assert_eq!(ALICE.get(&format!("{at}kept")).header("etag").unwrap(), tag);
    assert_eq!(listed(&at), [WORLD.url(&format!("{at}kept"))]);
}

#[test]
fn a_syntax_error_is_400_and_says_where() {
    let at = container("syntax", "");
    for (kind, body) in [(TURTLE, "<#it> broken"), (LD, "{"), (LD, "")] {
        let told = ALICE.ask("PUT", &format!("{at}x"), &[kind], body);
        let told = told.is_problem(400).json();
        assert!(told["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{told}");
    }
}

#[test]
fn deeply_nested_documents_do_not_end_the_server() {
    let at = container("deep", "");
    for (kind, body) in [
        (TURTLE, format!("<#a> <#b> {}", "[ <#b> ".repeat(200_000))),
        (TURTLE, format!("<#a> <#b> {}", "( ".repeat(200_000))),
        (TURTLE, format!("<#a> <#b> {}", "<< ".repeat(200_000))),
        (LD, "[".repeat(200_000)),
        (LD, "{\"@graph\":".repeat(100_000)),
        (LD, format!("{{\"@context\":{}", "[".repeat(200_000))),
        (LD, format!("{{\"@id\":\"#a\",\"http://p/p\":{}1{}}}", "{\"@list\":[".repeat(50_000), "]}".repeat(50_000))),
    ] {
        let told = ALICE.ask("PUT", &format!("{at}x"), &[kind], &body);
        assert!((200..500).contains(&told.status), "{} {told:?}", &body[..20]);
    }
    ALICE.put(&format!("{at}y"), "<#a> <#b> 1 .");
    for (kind, body) in [
        (N3, format!("<> <http://www.w3.org/ns/solid/terms#inserts> {}", "{ ".repeat(200_000))),
        (N3, format!("<> <http://www.w3.org/ns/solid/terms#inserts> {{ <#a> <#b> {}", "( ".repeat(200_000))),
        (SPARQL, format!("INSERT DATA {}", "{ ".repeat(200_000))),
        (SPARQL, format!("INSERT DATA {{ <#a> <#b> {}", "( ".repeat(200_000))),
        (SPARQL, format!("DELETE {{}} INSERT {{}} WHERE {}", "\\u007B".repeat(200_000))),
        (SPARQL, format!("DELETE {{}} INSERT {{}} WHERE {{ FILTER {}", "(".repeat(200_000))),
    ] {
        let told = ALICE.ask("PATCH", &format!("{at}y"), &[kind], &body);
        assert!((400..500).contains(&told.status), "{} {told:?}", &body[..20]);
    }
    assert_eq!(ALICE.get(&format!("{at}y")).status, 200);
}

#[test]
fn unknown_contexts_and_media_types_are_refused() {
    let at = container("media", "");
    let context = "{\"@context\": \"https://example.org/unknown\", \"@id\": \"#it\"}";
    ALICE.ask("PUT", &format!("{at}x"), &[LD], context).is_problem(422);
    ALICE.ask("PUT", &format!("{at}x"), &[], "text").is_problem(400);
    ALICE.ask("PUT", &format!("{at}x"), &[("content-type", "nonsense")], "text").is_problem(400);
    ALICE.ask("PUT", &format!("{at}x"), &[TURTLE, TURTLE], "").is_problem(400);
    ALICE.ask("PUT", &format!("{at}x"), &[TURTLE, ("content-encoding", "gzip")], "").is_problem(415);
    // The names alone say that these take RDF only.
    for name in ["sub/", ".acl", "x.meta"] {
        let told = ALICE.ask("PUT", &format!("{at}{name}"), &[("content-type", "text/plain")], "text");
        told.is_problem(415);
        assert!(told.header("accept-put").unwrap().contains("text/turtle"), "{told:?}");
    }
    ALICE.put(&format!("{at}doc"), "");
    let told = ALICE.ask("PATCH", &format!("{at}doc"), &[("content-type", "text/plain")], "text");
    assert_eq!(told.is_problem(415).header("accept-patch"), Some("text/n3, application/sparql-update"));
    assert_eq!(listed(&at), [WORLD.url(&format!("{at}doc"))]);
}

#[test]
fn contexts_are_never_fetched() {
    let at = container("fetch", "");
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("http://localhost:{}/context", canary.local_addr().unwrap().port());
    let context = format!("{{\"@context\": \"{url}\", \"@id\": \"#it\", \"type\": \"WebSocketChannel2023\"}}");
    ALICE.ask("PUT", &format!("{at}x"), &[LD], &context).is_problem(422);
    ALICE.ask("POST", &at, &[LD], &context).is_problem(422);
    ALICE.ask("PUT", &format!("{at}.acl"), &[LD], &context).is_problem(422);
    ANYBODY.ask("POST", "/.notifications/WebSocketChannel2023/", &[LD], &context).is_problem(422);
    let import = format!("{{\"@context\": {{\"@version\": 1.1, \"@import\": \"{url}\"}}, \"@id\": \"#it\"}}");
    let told = ALICE.ask("PUT", &format!("{at}x"), &[LD], &import);
    assert!((400..500).contains(&told.status), "{told:?}");
    let linked = ALICE.ask(
        "PUT",
        &format!("{at}y"),
        &[
            ("content-type", "application/json"),
            ("link", &format!("<{url}>; rel=\"http://www.w3.org/ns/json-ld#context\"")),
        ],
        "{}",
    );
    assert!(linked.status < 500);
    assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came for the context");
}

#[test]
fn too_much_is_refused_by_its_length_and_by_its_bytes() {
    let at = container("large", "");
    let own = ALICE.credentials("PUT", &WORLD.url(&format!("{at}.acl")));
    let mut headers: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.push(TURTLE);
    // Said to be large: refused before it comes.
    WORLD.raw(head("PUT", &format!("{at}.acl"), &headers, Some(2 * 1024 * 1024 * 1024))).is_problem(413);
    // Large without saying so.
    let own = ALICE.credentials("PUT", &WORLD.url(&format!("{at}.acl")));
    let mut headers: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([TURTLE, ("transfer-encoding", "chunked")]);
    let mut stream = WORLD.connect();
    stream.write_all(head("PUT", &format!("{at}.acl"), &headers, None).as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", "#".repeat(0x1_0000));
    for _ in 0..2 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    let service = "/.notifications/WebSocketChannel2023/";
    WORLD.raw(head("POST", service, &[LD], Some(1024 * 1024))).is_problem(413);
    assert_eq!(ALICE.get(&format!("{at}.acl")).status, 200, "the rules are still there");
}

#[test]
fn large_heads_are_refused_and_the_connection_ends() {
    let line = format!("x: {}\r\n", "y".repeat(1_000));
    WORLD.raw(format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}\r\n", line.repeat(20))).is_problem(431);
    let told = WORLD.raw(format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}\r\n", "x: y\r\n".repeat(150)));
    assert_eq!(told.status, 431);
    WORLD.raw("GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n").is_problem(400);
    WORLD.raw("GET / HTTP/1.1\r\nconnection: close\r\n\r\n").is_problem(400);
}

#[test]
fn a_body_that_breaks_off_is_not_stored() {
    let at = container("broken-off", public("acl:Read, acl:Write").as_str());
    let mut stream = WORLD.connect();
    let head = head("PUT", &format!("{at}half"), &[("content-type", "text/plain")], Some(1_000));
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"half").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    // Whether it is still answered is up to the server.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(ALICE.get(&format!("{at}half")).status, 404);
    // Two lengths, and a length beside chunks, mean two bodies to two servers on the way.
    for framing in ["content-length: 3\r\ncontent-length: 4", "content-length: 3\r\ntransfer-encoding: chunked"] {
        let mut stream = WORLD.connect();
        let request = format!(
            "PUT {at}smuggled HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: text/plain\r\n{framing}\r\n\r\n\
             xyz!\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(ALICE.get(&format!("{at}smuggled")).status, 404);
}

#[test]
fn the_root_stays_and_full_containers_stay() {
    let told = ALICE.ask("DELETE", "/alice/", &[], "");
    assert!(!told.is_problem(405).header("allow").unwrap().contains("DELETE"));
    let told = ALICE.ask("DELETE", "/alice/.acl", &[], "");
    assert!(!told.is_problem(405).header("allow").unwrap().contains("DELETE"));
    ANYBODY.ask("DELETE", "/alice/", &[], "").is_problem(401);
    BOB.ask("DELETE", "/alice/", &[], "").is_problem(403);
    let at = container("full", "");
    ALICE.put(&format!("{at}x"), "");
    ALICE.ask("DELETE", &at, &[], "").is_problem(409);
    assert_eq!(ALICE.ask("DELETE", &format!("{at}x"), &[], "").status, 204);
    assert_eq!(ALICE.ask("DELETE", &at, &[], "").status, 204);
    ALICE.get(&at).is_problem(404);
}

#[test]
fn preconditions_hold_or_nothing_happens() {
    let at = container("conditions", "");
    let x = format!("{at}x");
    ALICE.ask("PUT", &x, &[TURTLE, ("if-match", "*")], "").is_problem(412);
    let first = ALICE.ask("PUT", &x, &[TURTLE, ("if-none-match", "*")], "<#a> <#b> 1 .");
    assert_eq!(first.status, 201);
    let tag = ALICE.get(&x).header("etag").unwrap().to_owned();
    ALICE.ask("PUT", &x, &[TURTLE, ("if-none-match", "*")], "").is_problem(412);
    ALICE.ask("PUT", &x, &[TURTLE, ("if-match", "\"other\"")], "").is_problem(412);
    ALICE.ask("PUT", &x, &[TURTLE, ("if-match", "nonsense")], "").is_problem(400);
    ALICE.ask("DELETE", &x, &[("if-match", "\"other\"")], "").is_problem(412);
    let past = ("if-unmodified-since", "Mon, 01 Jan 2001 00:00:00 GMT");
    ALICE.ask("DELETE", &x, &[past], "").is_problem(412);
    assert_eq!(ALICE.get(&x).header("etag"), Some(&*tag));
    // Any representation's tag means the same state.
    let json = ALICE.ask("GET", &x, &[("accept", "application/ld+json")], "");
    let other = json.header("etag").unwrap();
    assert_ne!(other, tag);
    assert_eq!(ALICE.ask("PUT", &x, &[TURTLE, ("if-match", other)], "<#a> <#b> 2 .").status, 204);
    ALICE.ask("PUT", &x, &[TURTLE, ("if-match", &tag)], "").is_problem(412);
    // Whoever may not write learns nothing of the state.
    BOB.ask("PUT", &x, &[TURTLE, ("if-match", "\"other\"")], "").is_problem(403);
    ANYBODY.ask("DELETE", &x, &[("if-match", "\"other\"")], "").is_problem(401);
    BOB.ask("GET", &x, &[("if-none-match", "*")], "").is_problem(403);
}

#[test]
fn a_patch_applies_as_a_whole_or_not_at_all() {
    let x = format!("{}x", container("patch", ""));
    ALICE.put(&x, "<#a> <#b> 1 .");
    let patch = |body: &str| {
        let body =
            format!("@prefix solid: <http://www.w3.org/ns/solid/terms#>. <> a solid:InsertDeletePatch; {body} .");
        ALICE.ask("PATCH", &x, &[N3], body)
    };
    let tag = ALICE.get(&x).header("etag").unwrap().to_owned();
    patch("solid:deletes { <#a> <#b> 2 }; solid:inserts { <#a> <#b> 3 }").is_problem(409);
    patch("solid:where { ?s <#none> ?o }; solid:inserts { ?s <#b> 3 }").is_problem(409);
    patch("solid:inserts { ?s <#b> 3 }").is_problem(422);
    patch("solid:inserts { _:b <#b> 3 }; solid:deletes { _:b <#b> 3 }").is_problem(422);
    patch("solid:inserts { <#a> <#b> ").is_problem(400);
    let two = ALICE.ask("PATCH", &x, &[N3], "<> a <http://www.w3.org/ns/solid/terms#Other> .");
    two.is_problem(422);
    assert_eq!(ALICE.get(&x).header("etag"), Some(&*tag));
    assert_eq!(patch("solid:deletes { <#a> <#b> 1 }; solid:inserts { <#a> <#b> 2 }").status, 204);
    BOB.ask("PATCH", &x, &[N3], "<> a <http://www.w3.org/ns/solid/terms#InsertDeletePatch> .").is_problem(403);
    assert!(ALICE.ask("GET", &x, &[("accept", "application/n-triples")], "").text().contains("\"2\""));
}

#[test]
fn rules_that_lock_out_or_say_nothing_readable_are_refused() {
    let at = container("rules", "");
    for (kind, body) in [(TURTLE, "<#it> broken"), (LD, "{"), (("content-type", "text/plain"), "x")] {
        let told = ALICE.ask("PUT", &format!("{at}.acl"), &[kind], body);
        assert!((400..500).contains(&told.status), "{told:?}");
    }
    assert_eq!(ALICE.get(&at).status, 200, "the rules are those of before");
    BOB.ask("PUT", &format!("{at}.acl"), &[TURTLE], "").is_problem(403);
    BOB.ask("GET", &format!("{at}.acl"), &[], "").is_problem(403);
    ANYBODY.ask("DELETE", &format!("{at}.acl"), &[], "").is_problem(401);
}

#[test]
fn a_patch_is_not_received_from_those_who_may_do_nothing() {
    let at = container("unreceived", "");
    for name in ["there", "absent", "there.acl", "there.meta"] {
        ALICE.put(&format!("{at}there"), "");
        // None of it comes.
        let patch = head("PATCH", &format!("{at}{name}"), &[("content-type", "text/n3")], Some(1_000_000));
        WORLD.raw(patch).is_problem(401);
    }
}

#[test]
fn what_is_no_chain_of_causes_changes_nothing() {
    let at = container("causes", "");
    let long = "A".repeat(4_000);
    for (number, chain) in ["", "x", "urn:uuid:7", &"A".repeat(414), &long].into_iter().enumerate() {
        let told = ALICE.ask("PUT", &format!("{at}{number}"), &[TURTLE, ("podbell-cause", chain)], "<#a> <#b> 1 .");
        assert_eq!(told.status, 201, "{told:?}");
    }
}
