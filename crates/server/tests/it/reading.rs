//! GET and HEAD in a pod, and which refusal comes first.

use super::world::{ALICE, ANYBODY, BOB, LD, Reply, TURTLE, container, for_bob, public};

#[test]
fn the_public_meets_401_and_a_stranger_403_whatever_is_there() {
    let at = container("private", "");
    ALICE.put(&format!("{at}there"), "");
    ALICE.put(&format!("{at}sub/x"), "");
    for path in
        ["there", "absent", "sub/", "nosub/", "sub/deep/absent", "there.acl", "absent.acl", "there.meta", "there/x"]
    {
        let path = format!("{at}{path}");
        for (method, headers, body) in [
            ("GET", &[][..], ""),
            ("HEAD", &[], ""),
            ("PUT", &[TURTLE], ""),
            ("PUT", &[LD], "{"),
            ("POST", &[TURTLE], ""),
            ("PATCH", &[("content-type", "text/n3")], "broken"),
            ("DELETE", &[], ""),
        ] {
            let (nobody, stranger) = (ANYBODY.ask(method, &path, headers, body), BOB.ask(method, &path, headers, body));
            assert_eq!((nobody.status, stranger.status), (401, 403), "{method} {path} {body}");
            for told in [nobody, stranger] {
                assert_eq!((told.header("etag"), told.header("last-modified")), (None, None), "{method} {path}");
                assert_eq!(told.header("wac-allow"), None);
            }
        }
    }
}

#[test]
fn what_exists_and_what_does_not_are_refused_in_the_same_words() {
    let at = container("alike", "");
    ALICE.put(&format!("{at}seen"), "");
    ALICE.put(&format!("{at}seen.meta"), "<#a> <#b> 1 .");
    let words = |told: &Reply, name: &str| {
        let mut headers: Vec<_> = told.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        headers.sort();
        format!("{} {headers:?} {}", told.status, told.text()).replace(name, "*")
    };
    for (method, suffix) in
        [("GET", ""), ("GET", ".acl"), ("GET", ".meta"), ("PUT", ""), ("DELETE", ""), ("PATCH", ""), ("HEAD", "")]
    {
        for agent in [&*ANYBODY, &*BOB] {
            let ask = |name: &str| agent.ask(method, &format!("{at}{name}{suffix}"), &[TURTLE], "");
            assert_eq!(words(&ask("seen"), "seen"), words(&ask("gone"), "gone"), "{method} {suffix}");
        }
    }
}

#[test]
fn a_reader_learns_of_absence_and_of_nothing_else() {
    let at = container("readable", &public("acl:Read"));
    ALICE.put(&format!("{at}doc"), "<#a> <#b> 1 .");
    let told = ANYBODY.get(&format!("{at}absent"));
    told.is_problem(404);
    // How it could be made; rdflib edits nothing whose 404 does not say so.
    assert_eq!(told.header("accept-patch"), Some("text/n3, application/sparql-update"));
    assert!(told.header("allow").is_some_and(|allowed| allowed.contains("PUT")), "{told:?}");
    BOB.get(&format!("{at}absent")).is_problem(404);
    // Not granted comes before what the resource is.
    ANYBODY.ask("POST", &format!("{at}doc"), &[TURTLE], "").is_problem(401);
    BOB.ask("DELETE", &at, &[], "").is_problem(403);
    BOB.ask("PUT", &at, &[TURTLE], "").is_problem(403);
    ALICE.ask("POST", &format!("{at}doc"), &[TURTLE], "").is_problem(405);
    ALICE.ask("PUT", &at, &[TURTLE], "<#a> <#b> 1 .").is_problem(409);
    ALICE.ask("PUT", &format!("{at}doc/"), &[TURTLE], "").is_problem(409);
    ALICE.ask("PUT", &format!("{at}doc/below"), &[TURTLE], "").is_problem(409);
    BOB.get(&format!("{at}.acl")).is_problem(403);
    BOB.ask("GET", &format!("{at}doc"), &[("accept", "image/png")], "").is_problem(406);
}

#[test]
fn whoever_may_only_delete_does_not_learn_what_is_there() {
    let at = container("write-only", &for_bob("acl:Write"));
    ALICE.put(&format!("{at}there"), "");
    BOB.ask("DELETE", &format!("{at}absent"), &[], "").is_problem(403);
    BOB.get(&format!("{at}there")).is_problem(403);
    BOB.get(&format!("{at}absent")).is_problem(403);
    ALICE.ask("DELETE", &format!("{at}absent"), &[], "").is_problem(404);
    // A write that is permitted says nothing of what stood there.
    let told = BOB.ask("PUT", &format!("{at}there"), &[TURTLE], "<#a> <#b> 1 .");
    assert_eq!((told.status, told.body.len()), (204, 0));
}

#[test]
fn rights_are_told_with_what_is_read() {
    let at = container("rights", &public("acl:Read"));
    let rights = |told: Reply| {
        let text = told.header("wac-allow").unwrap().to_owned();
        let part = |name: &str| {
            let (_, rest) = text.split_once(&format!("{name}=\"")).unwrap();
            let mut modes: Vec<_> = rest.split_once('"').unwrap().0.split(' ').map(str::to_owned).collect();
            modes.retain(|mode| mode != "append");
            modes.sort();
            modes.join(" ")
        };
        (part("user"), part("public"))
    };
    for path in [at.clone(), format!("{at}absent")] {
        for method in ["GET", "HEAD"] {
            let of = |agent: &super::world::Agent| rights(agent.ask(method, &path, &[], ""));
            assert_eq!(of(&ANYBODY), ("read".into(), "read".into()));
            assert_eq!(of(&BOB), ("read".into(), "read".into()));
            assert_eq!(of(&ALICE), ("control read write".into(), "read".into()));
        }
    }
}

#[test]
fn what_a_pod_holds_cannot_act_as_this_server() {
    let at = container("page", &public("acl:Read"));
    for (name, kind) in [("a.html", "text/html"), ("b.svg", "image/svg+xml"), ("c", "application/xhtml+xml;x=y")] {
        let path = format!("{at}{name}");
        assert_eq!(ALICE.ask("PUT", &path, &[("content-type", kind)], "<script>alert(1)</script>").status, 201);
        let told = ANYBODY.get(&path);
        assert_eq!(told.header("content-security-policy"), Some("sandbox"));
        assert_eq!(told.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(told.header("content-disposition"), Some("attachment"));
    }
    // A name that is echoed in a problem stays within JSON.
    let told = ANYBODY.get(&format!("{at}%3Cscript%3Ealert(1)%3C%2Fscript%3E"));
    assert!(told.status == 400 || told.status == 404);
    told.is_problem(told.status);
    // A type cannot break out of its header.
    let split = ALICE.ask("PUT", &format!("{at}split"), &[("content-type", "text/plain;a=\"b\\\r\n x: y\"")], "x");
    assert!((200..500).contains(&split.status));
    assert_eq!(ANYBODY.get(&format!("{at}split")).header("x"), None);
}

#[test]
fn methods_that_nobody_knows_are_405() {
    for method in ["TRACE", "INVALID", "PROPFIND", "LOCK"] {
        ANYBODY.ask(method, "/alice/profile/card", &[], "").is_problem(405);
    }
    let told = super::world::WORLD.raw("CONNECT example.org:80 HTTP/1.1\r\nhost: example.org:80\r\n\r\n");
    assert!((400..500).contains(&told.status), "{told:?}");
    // A request for another server is answered by this one's names, or not at all.
    let told = super::world::WORLD
        .raw("GET http://evil.example/alice/ HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    assert!(!told.headers.iter().any(|(_, value)| value.contains("evil.example")), "{told:?}");
}
