//! Names that try to be something else.

use super::world::{ALICE, ANYBODY, Reply, TURTLE, WORLD, container, listed, public};

fn put(path: &[u8]) -> Reply {
    let mut request = b"PUT ".to_vec();
    request.extend_from_slice(path);
    request.extend_from_slice(
        b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: text/turtle\r\ncontent-length: 0\r\n\r\n",
    );
    WORLD.raw(request)
}

#[test]
fn paths_that_play_tricks_are_refused_and_nothing_is_stored() {
    // Everybody may write here, so that nothing but the name stands against it.
    let at = container("tricks", &public("acl:Read, acl:Write"));
    ALICE.put(&format!("{at}kept"), "");
    for trick in [
        "..", "../x", "%2e%2e", "%2E%2e/x", ".%2e/x", ".", "./x", "a/../x", "a/./x", "a/%2e/x", "a//b", "/x", "a%2fb",
        "a%2Fb", "%2f", "a%5cb", "a%5Cb", "a\\b", "%00", "x%00.acl", "a%0ab", "a%7f", "%", "%4", "%zz", "a%", "%c0%ae",
        "%ff", "%C2%80", "a%u002e", "<x>", "a|b", "a^b", "a`b", "{a}", "\"a\"",
    ] {
        let told = put(format!("{at}{trick}").as_bytes());
        assert_eq!(told.status, 400, "{trick}: {}", String::from_utf8_lossy(&told.body));
    }
    for reserved in [".acl.acl", "x.acl.acl", "x.meta.acl.acl", "x.acl/", "x.acl/y", "x.meta/y", ".acl/x"] {
        let told = put(format!("{at}{reserved}").as_bytes());
        assert!(matches!(told.status, 400 | 401 | 403 | 404), "{reserved}: {told:?}");
        let told = ALICE.ask("PUT", &format!("{at}{reserved}"), &[TURTLE], "");
        assert!(matches!(told.status, 400 | 403 | 404 | 405), "{reserved}: {} {told:?}", told.text());
    }
    // Rules are nobody's who lacks Control, however their name is spelled.
    for acl in [".acl", "%2eacl", ".%61cl", "kept.ac%6c", "kept%2Eacl"] {
        assert_eq!(put(format!("{at}{acl}").as_bytes()).status, 401, "{acl}");
        assert_eq!(ANYBODY.get(&format!("{at}{acl}")).status, 401, "{acl}");
    }
    assert_eq!(put(format!("{at}{}", "a".repeat(4_096)).as_bytes()).status, 414);
    assert_eq!(put(format!("{at}{}", "a".repeat(1_500)).as_bytes()).status, 400, "a segment has its own bound");
    assert!((400..500).contains(&put(&[at.as_bytes(), b"a\x00b"].concat()).status));
    assert_eq!(listed(&at), [WORLD.url(&format!("{at}kept"))]);
}

#[test]
fn one_name_has_many_spellings_and_one_resource() {
    let at = container("spellings", &public("acl:Read, acl:Write"));
    ALICE.put(&format!("{at}a-b"), "<#x> <#y> 1 .");
    for spelled in ["%61-b", "a%2db", "a%2Db", "%61%2D%62"] {
        assert_eq!(ANYBODY.get(&format!("{at}{spelled}")).status, 200, "{spelled}");
        assert_eq!(put(format!("{at}{spelled}").as_bytes()).status, 204, "{spelled}");
    }
    assert_eq!(listed(&at), [WORLD.url(&format!("{at}a-b"))]);
}

#[test]
fn a_slug_is_a_wish_and_no_path() {
    let at = container("slugs", &public("acl:Read, acl:Append"));
    let above = listed("/alice/").len();
    let mut made = 0;
    for slug in [
        "..",
        "../x",
        "..%2fx",
        "%2e%2e",
        "a/b",
        "/etc/passwd",
        "a\\b",
        ".acl",
        "x.acl",
        "%2eacl",
        "x.meta",
        ".",
        "",
        "a%00b",
        "%",
        "a?b=c",
        "a#b",
        "http://evil.example/",
        "..\u{2f}.acl",
        &"a".repeat(3_000),
        "\u{feff}x",
        "x.acl ",
        " .acl",
        "x%2Eacl",
        "x%252eacl",
    ] {
        let told = ANYBODY.ask("POST", &at, &[TURTLE, ("slug", slug)], "");
        if told.status == 201 {
            made += 1;
            let location = told.header("location").unwrap();
            let name = location.strip_prefix(&WORLD.url(&at)).unwrap_or_else(|| panic!("{slug}: {location}"));
            assert!(!name.is_empty() && !name.contains('/'), "{slug}: {location}");
            assert!(![".acl", ".meta"].iter().any(|end| name.ends_with(end)), "{slug}: {location}");
            assert_eq!(ANYBODY.get(location.strip_prefix(&WORLD.origin).unwrap()).status, 200, "{slug}");
        } else {
            assert!(matches!(told.status, 400 | 403), "{slug}: {told:?}");
            told.is_problem(told.status);
        }
    }
    assert_eq!(listed(&at).len(), made);
    assert!(listed("/alice/").len() >= above);
    assert_eq!(ALICE.get(&format!("{at}.acl")).status, 200);
}

#[test]
fn the_same_slug_twice_makes_two_resources() {
    let at = container("twice", "");
    let make = || ALICE.ask("POST", &at, &[TURTLE, ("slug", "same")], "").header("location").unwrap().to_owned();
    let (first, second) = (make(), make());
    assert_ne!(first, second);
    assert_eq!(listed(&at).len(), 2);
}

#[test]
fn names_outside_every_pod_hold_nothing() {
    for path in ["/", "/nobody/", "/alicea", "/alice", "/.well-known/x", "/.notifications/", "/.oidc/token"] {
        let told = ALICE.ask("PUT", path, &[TURTLE], "");
        assert!((400..500).contains(&told.status), "{path}: {told:?}");
        told.is_problem(told.status);
        let told = ANYBODY.get(path);
        assert!((400..500).contains(&told.status), "{path}: {told:?}");
    }
}

#[test]
fn the_root_welcomes_people_and_directs_programs() {
    let page = ANYBODY.ask("GET", "/", &[("accept", "text/html,*/*;q=0.8")], "");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'; style-src 'sha256-"), "{policy}");
    let html = page.text();
    assert!(html.contains("href=\"https://solidproject.org/apps\""), "{html}");
    assert_eq!(ANYBODY.get("/favicon.ico").status, 204, "browsers ask for it with every page");
    assert!(html.contains(&WORLD.url("/.well-known/solid")) && !html.contains("<script"), "{html}");
    assert!(!html.contains("alice") && !html.contains("bob"), "who has a pod here is not listed: {html}");
    let told = ANYBODY.get("/");
    told.is_problem(404);
    assert!(told.text().contains("/.well-known/solid") && !told.text().contains("alice"), "{}", told.text());
    assert_eq!(told.header("content-security-policy"), Some("sandbox"));
}

#[test]
fn a_pod_without_its_slash_is_named_and_nothing_else_is() {
    let told = ANYBODY.get("/alice");
    told.is_problem(404);
    assert!(told.text().contains(&WORLD.url("/alice/, with a slash")), "{}", told.text());
    // What is in a pod, or is not, has no part in it.
    let at = container("unseen", "");
    ALICE.put(&format!("{at}c/x"), "");
    for path in [format!("{at}c"), format!("{at}nothing"), at.trim_end_matches('/').to_owned()] {
        let told = ANYBODY.get(&path);
        assert!(told.status == 401 && !told.text().contains("slash"), "{path}: {}", told.text());
    }
    assert!(!ANYBODY.get("/nobody").text().contains("slash"));
}

#[test]
fn what_the_client_calls_the_server_changes_no_name() {
    let at = container("called", &public("acl:Read, acl:Append"));
    let request = format!(
        "POST {at} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\nx-forwarded-proto: https\r\n\
         forwarded: host=evil.example\r\nconnection: close\r\ncontent-type: text/turtle\r\ncontent-length: 0\r\n\r\n"
    );
    let told = WORLD.raw(request);
    assert_eq!(told.status, 201);
    assert!(told.header("location").unwrap().starts_with(&WORLD.url(&at)));
    assert!(!told.headers.iter().any(|(_, value)| value.contains("evil.example")), "{told:?}");
}
