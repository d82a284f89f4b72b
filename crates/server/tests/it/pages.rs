//! What a browser sees in a pod: pages, made of what strangers wrote.

use super::world::{ALICE, ANYBODY, BOB, LD, Reply, TURTLE, WORLD, container, public};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8");

fn see(path: &str) -> Reply {
    ANYBODY.ask("GET", path, &[BROWSER], "")
}

/// That it is a page that can do nothing, and its text.
#[track_caller]
fn is_page(told: &Reply, status: u16) -> String {
    assert_eq!((told.status, told.header("content-type")), (status, Some("text/html; charset=utf-8")), "{told:?}");
    let policy = told.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("allow-") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(told.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(told.header("x-frame-options"), Some("DENY"));
    assert_eq!(told.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(told.header("content-disposition"), None);
    assert!(told.all("vary").contains(&"Accept"), "{told:?}");
    let text = told.text();
    assert!(text.starts_with("<!doctype html>") && text.ends_with("</html>"), "{text}");
    assert_eq!(text.matches("<style>").count(), 1);
    for tag in ["<script", "<img", "<svg", "<iframe", "<link", "<form", "<base", "<object"] {
        assert!(!text.contains(tag), "{tag}: {text}");
    }
    text
}

#[test]
fn a_browser_sees_pages_and_programs_see_rdf() {
    let at = container("pages", &public("acl:Read"));
    let doc = format!("{at}doc");
    ALICE.put(&doc, "<#me> a <http://f/Person>; <http://f/name> \"Zoë\" .");
    ALICE.ask("PUT", &format!("{at}sub/my%20notes.txt"), &[("content-type", "text/plain")], "hello");
    let listing = is_page(&see(&at), 200);
    assert!(listing.contains(&format!("href=\"{}\"", WORLD.url(&doc))), "{listing}");
    assert!(listing.contains("<bdi>sub/</bdi>") && listing.contains("<bdi>text/turtle</bdi>"), "{listing}");
    assert!(!listing.contains(".acl"), "{listing}");
    assert!(is_page(&see(&format!("{at}sub/")), 200).contains("<bdi>my notes.txt</bdi>"));
    assert!(is_page(&see(&doc), 200).contains("<bdi>Zoë</bdi>"));
    is_page(&see(&format!("{doc}.meta")), 200);
    is_page(&ALICE.ask("GET", "/alice/", &[BROWSER], ""), 200);
    assert!(is_page(&ALICE.ask("GET", &format!("{at}.acl"), &[BROWSER], ""), 200).contains("agentClass"));
    for path in [&at, &doc] {
        for (accept, kind) in [
            ("*/*", "text/turtle"),
            ("text/turtle", "text/turtle"),
            ("text/html, text/turtle", "text/turtle"),
            ("text/turtle;q=0.9, text/html;q=0.8, */*;q=0.1", "text/turtle"),
            ("application/ld+json", "application/ld+json"),
            ("application/ld+json, text/html;q=0.5", "application/ld+json"),
        ] {
            let told = ANYBODY.ask("GET", path, &[("accept", accept)], "");
            assert_eq!((told.status, told.header("content-type")), (200, Some(kind)), "{accept}");
            assert_eq!(told.header("content-security-policy"), Some("sandbox"));
        }
        assert_eq!(ANYBODY.get(path).header("content-type"), Some("text/turtle"));
    }
}

#[test]
fn a_page_has_a_tag_of_its_own_and_the_headers_of_the_resource() {
    let at = container("page-tags", &public("acl:Read"));
    let doc = format!("{at}doc");
    ALICE.put(&doc, "<#a> <#b> 1 .");
    for path in [&at, &doc] {
        let (page, rdf) = (see(path), ANYBODY.get(path));
        let head = ANYBODY.ask("HEAD", path, &[BROWSER], "");
        let tag = page.header("etag").unwrap();
        assert_ne!(Some(tag), rdf.header("etag"));
        for name in ["last-modified", "wac-allow", "allow", "accept-patch", "accept-put"] {
            assert_eq!(page.header(name), rdf.header(name), "{name}");
            assert_eq!(head.header(name), rdf.header(name), "{name}");
        }
        for name in ["etag", "content-type", "content-security-policy", "x-frame-options"] {
            assert_eq!(head.header(name), page.header(name), "{name}");
        }
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(page.all("link"), rdf.all("link"));
        let again = ANYBODY.ask("GET", path, &[BROWSER, ("if-none-match", tag)], "");
        assert_eq!((again.status, again.header("etag")), (304, Some(tag)));
        let rdf_tag = rdf.header("etag").unwrap();
        assert_eq!(ANYBODY.ask("GET", path, &[BROWSER, ("if-none-match", rdf_tag)], "").status, 200);
        assert_eq!(ANYBODY.ask("GET", path, &[("if-none-match", tag)], "").status, 200);
    }
    // The tag of any variant pins the resource for a write.
    let tag = see(&doc).header("etag").unwrap().to_owned();
    let told = ALICE.ask("PUT", &doc, &[TURTLE, ("if-match", &tag)], "<#a> <#b> 2 .");
    assert_eq!(told.status, 204, "{told:?}");
    assert_eq!(ALICE.ask("PUT", &doc, &[TURTLE, ("if-match", &tag)], "").status, 412);
}

#[test]
fn hostile_names_and_statements_are_text_on_a_page() {
    let at = container("hostile", &public("acl:Read"));
    for name in [
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "%3Cimg%20src=x%20onerror=alert(1)%3E",
        "'onclick='alert(1)",
        "%22%20onmouseover=%22alert(1)",
        "%E2%80%AEgpj.exe",
        "%3C%2Fbdi%3E",
        "javascript:alert(1)",
        "&lt;b&gt;",
    ] {
        ALICE.ask("PUT", &format!("{at}{name}"), &[("content-type", "text/plain")], "x");
    }
    let hostile = r#"<> <http://p/say> "</bdi></table><script>alert(1)</script>", "\u202Egpj.exe\u2069", "<img src=x>"@en ;
        <javascript:alert(2)> <javascript:alert(3)>, <data:text/html,%3Cscript%3Ealert(4)%3C/script%3E>, <vbscript:x> ;
        <http://p/'onclick='alert(5)> <http://o/'onclick='alert(6)> ; <http://p/x> "y"^^<javascript:alert(7)> .
        <#'onclick='a> <http://p/x> 1 . _:b <http://p/x> <#'onclick='a> ."#;
    ALICE.put(&format!("{at}.meta"), hostile);
    ALICE.put(&format!("{at}turtle"), hostile);
    let json = r#"{"@id":"javascript:alert(1)","http://p/<script>":[{"@value":"<script>alert(2)</script>"}],
        "http://p/x":[{"@id":"https://x/\"onclick=\"alert(1)"},{"@value":"v","@language":"en"}]}"#;
    ALICE.ask("PUT", &format!("{at}json"), &[LD], json);
    for path in [at.clone(), format!("{at}.meta"), format!("{at}turtle"), format!("{at}json")] {
        let page = is_page(&see(&path), 200);
        for bad in [
            "<img",
            "href=\"javascript",
            "href=\"data",
            "href=\"vbscript",
            "'onclick",
            "\"onclick",
            "\u{202e}",
            "\u{2069}",
        ] {
            assert!(!page.contains(bad), "{path}: {bad}: {page}");
        }
        for link in page.split("<a ").skip(1).map(|rest| rest.split_once('>').unwrap().0) {
            let outside = link.starts_with("href=\"http") && link.ends_with("rel=\"noopener noreferrer nofollow\"");
            assert!(outside || link.starts_with("href=\"#_:"), "{link}");
        }
    }
    // What is a page itself is still never shown on this origin.
    ALICE.ask("PUT", &format!("{at}own.html"), &[("content-type", "text/html")], "<script>alert(1)</script>");
    let told = see(&format!("{at}own.html"));
    assert_eq!(
        (told.header("content-disposition"), told.header("content-security-policy")),
        (Some("attachment"), Some("sandbox"))
    );
}

#[test]
fn refusals_are_pages_that_tell_no_more_than_the_problem() {
    let at = container("refused-pages", "");
    let open = container("open-pages", &public("acl:Read"));
    ALICE.put(&format!("{at}there"), "");
    let there = see(&format!("{at}there"));
    let private = is_page(&there, 401);
    assert!(private.contains("This is private") && private.contains("https://solidproject.org/apps"), "{private}");
    let account = format!("{}account", WORLD.issuer());
    assert!(private.contains(&format!("<a href=\"{account}\"")), "{private}");
    assert!(there.header("www-authenticate").unwrap().starts_with("DPoP "));
    assert_eq!(there.header("cache-control"), Some("no-store"));
    assert!(there.link("acl").is_some());
    assert_eq!(there.text(), see(&format!("{at}gone")).text(), "what exists and what does not look alike");
    assert!(is_page(&BOB.ask("GET", &at, &[BROWSER], ""), 403).contains("not open to you"));
    assert!(is_page(&see(&format!("{open}absent%3Cscript%3E")), 404).contains("nothing here"));
    is_page(&see("/nobody/"), 404);
    is_page(&see("/alice/a%2fb"), 400);
    is_page(&ANYBODY.ask("GET", &open, &[("accept", "text/html;q=0.5, image/png")], ""), 200);
    let head = ANYBODY.ask("HEAD", &format!("{at}there"), &[BROWSER], "");
    assert_eq!(head.header("content-length"), Some(&*there.body.len().to_string()));
    assert_eq!((head.status, head.header("content-type"), head.body.len()), (401, Some("text/html; charset=utf-8"), 0));
    // Programs get problems, and so does everybody who writes.
    ANYBODY.get(&at).is_problem(401);
    ANYBODY.ask("PUT", &format!("{at}x"), &[TURTLE, BROWSER], "").is_problem(401);
}

#[test]
fn a_listing_tells_the_dates_that_its_members_have() {
    let at = container("dates", &public("acl:Read"));
    ALICE.put(&format!("{at}doc"), "<#a> <#b> 1 .");
    ALICE.put(&format!("{at}sub/deep"), "");
    let bytes = "x".repeat(100_000);
    ALICE.ask("PUT", &format!("{at}big.bin"), &[("content-type", "application/x-thing;a=b")], &bytes);
    let listing = ANYBODY.ask("GET", &at, &[("accept", "application/n-triples")], "").text();
    for (name, size, class) in [
        ("doc", Some(13), Some("text/turtle")),
        ("sub/", None, None),
        ("big.bin", Some(100_000), Some("application/x-thing")),
    ] {
        let iri = WORLD.url(&format!("{at}{name}"));
        let head = ANYBODY.ask("HEAD", &format!("{at}{name}"), &[], "");
        let value = |predicate: &str| {
            let start = format!("<{iri}> <{predicate}> ");
            listing.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix(" .")).map(str::to_owned)
        };
        let modified = value("http://purl.org/dc/terms/modified").unwrap();
        let date = modified
            .strip_prefix('"')
            .unwrap()
            .split_once("\"^^<http://www.w3.org/2001/XMLSchema#dateTime>")
            .unwrap()
            .0;
        let date: podbell_model::Timestamp = date.parse().unwrap();
        let told = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(head.header("last-modified"), Some(&*told), "{name}");
        let integer = |value: i64| format!("\"{value}\"^^<http://www.w3.org/2001/XMLSchema#integer>");
        assert_eq!(value("http://www.w3.org/ns/posix/stat#mtime"), Some(integer(date.as_second())));
        assert_eq!(value("http://www.w3.org/ns/posix/stat#size"), size.map(integer));
        let typed = format!(
            "<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/iana/media-types/"
        );
        let found = listing.lines().find_map(|line| line.strip_prefix(&typed)?.strip_suffix("#Resource> ."));
        assert_eq!(found, class, "{name}: {listing}");
    }
}
