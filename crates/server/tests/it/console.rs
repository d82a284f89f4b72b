//! The console: what is there, to whom it is shown, and that nothing of a pod is ever on its origin (S20).

use super::world::{ALICE, ANYBODY, Reply, WORLD, World, container, head, public, split, talk};
use serde_json::Value;
use std::net::TcpListener;

/// One of every kind of document, with its type.
const SHOWN: [(&str, &str); 9] = [
    ("/", "text/html; charset=utf-8"),
    ("/notifications.html", "text/html; charset=utf-8"),
    ("/favicon.ico", "image/svg+xml"),
    ("/console/icon.svg", "image/svg+xml"),
    ("/console/style.css", "text/css; charset=utf-8"),
    ("/console/js/session.js", "text/javascript; charset=utf-8"),
    ("/console/vendor/oauth4webapi.LICENSE.md", "text/plain; charset=utf-8"),
    ("/console/config.json", "application/json"),
    ("/console/client.jsonld", "application/ld+json"),
];

fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    talk(WORLD.provider_port(), &head(method, path, headers, None), b"")
}

fn json(url: &str) -> Value {
    let (port, path) = split(url);
    talk(port, &head("GET", &path, &[], None), b"").json()
}

/// Nobody frames it or reads it from elsewhere, and it is what its type says.
#[track_caller]
fn is_guarded(told: &Reply, what: &str) {
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(told.header(name), Some(value), "{what}: {name}");
    }
    let policy = told.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
        "{what}: {policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
    let is_shared = told.headers.iter().any(|(name, _)| name.starts_with("access-control-"));
    assert!(!is_shared && told.header("set-cookie").is_none(), "{what}: {told:?}");
    assert_eq!(told.header("strict-transport-security"), None, "{what}: that is for the proxy to say");
}

#[test]
fn pages_and_their_parts_are_what_their_types_say_and_are_guarded() {
    for (path, media_type) in SHOWN {
        let told = ask("GET", path, &[("origin", "http://evil.example")]);
        assert_eq!((told.status, told.header("content-type")), (200, Some(media_type)), "{path}");
        is_guarded(&told, path);
        assert_eq!(told.header("cache-control"), Some("no-cache"), "{path}");
        let is_page = media_type.starts_with("text/html");
        let policy = told.header("content-security-policy").unwrap();
        assert_eq!(policy.contains("script-src 'self';"), is_page, "{path}: {policy}");
        assert_eq!(policy.ends_with("sandbox"), !is_page, "{path}: {policy}");
        let trusted = "require-trusted-types-for 'script'; trusted-types 'none'";
        assert!(!is_page || policy.contains(trusted) && policy.contains("form-action 'none'"), "{path}: {policy}");
        let head = ask("HEAD", path, &[("origin", "http://evil.example")]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), Some(&*told.body.len().to_string()), "{path}");
        let but_date = |told: &Reply| -> Vec<_> {
            let mut headers = told.headers.clone();
            headers.retain(|(name, _)| name != "date");
            headers.sort();
            headers
        };
        assert_eq!(but_date(&head), but_date(&told), "{path}");
    }
    let page = ask("GET", "/", &[("accept", "application/json")]);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "whatever is asked for, it is a page");
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    for (path, _) in &SHOWN[..7] {
        let first = ask("GET", path, &[]);
        let tag = first.header("etag").unwrap();
        let weak = format!("W/{tag}");
        for known in [tag, &weak, &format!("\"other\", {tag}"), &format!("\"a\",{weak}, \"b\""), "*"] {
            for method in ["GET", "HEAD"] {
                let told = ask(method, path, &[("if-none-match", known)]);
                assert_eq!((told.status, told.body.len()), (304, 0), "{path}: {known}");
                assert_eq!((told.header("etag"), told.header("content-type")), (Some(tag), None), "{path}");
                assert_eq!(told.header("content-security-policy"), first.header("content-security-policy"), "{path}");
                is_guarded(&told, path);
            }
        }
        for other in ["\"other\"", "W/\"other\"", tag.trim_matches('"')] {
            assert_eq!(ask("GET", path, &[("if-none-match", other)]).status, 200, "{path}: {other}");
        }
    }
    let (style, script) = (ask("GET", "/console/style.css", &[]), ask("GET", "/console/js/session.js", &[]));
    assert_ne!(style.header("etag"), script.header("etag"));
}

#[test]
fn nothing_but_what_is_in_the_executable_is_found() {
    for path in [
        "/console/absent.js",
        "/console/index.html",
        "/console/notifications.html",
        "/console/Style.css",
        "/console/style.css/",
        "/console//style.css",
        "/console/./style.css",
        "/console/../console/style.css",
        "/console/js/../style.css",
        "/console/js%2Fsession.js",
        "/console/%73tyle.css",
        "/console/..%2fCargo.toml",
        "/console/%2e%2e/src/lib.rs",
        "/console/../../../../../../etc/passwd",
        "/console//etc/passwd",
        "/console/%00",
        "/console/%ff",
        "/console/js\\session.js",
        "/client/../package.json",
        "/client/package.json",
        "/client/index.d.ts",
    ] {
        let told = ask("GET", path, &[]);
        told.is_problem(404);
        is_guarded(&told, path);
        assert_eq!(told.header("content-security-policy").unwrap().rsplit("; ").next(), Some("sandbox"), "{path}");
    }
    for path in ["/index.html", "/console/", "/console", "/client/", "/style.css", "/js/session.js"] {
        ask("GET", path, &[]).is_problem(404);
    }
    ask("GET", &format!("/console/{}", "a".repeat(3_000)), &[]).is_problem(414);
    assert_eq!(ask("GET", "/console/style.css?version=1", &[]).status, 200);
}

#[test]
fn nothing_can_be_written_there() {
    let pages = SHOWN.iter().map(|(path, _)| *path);
    for path in pages.chain(["/console/new.js", "/console/js/", "/client/index.js", "/client/new.js"]) {
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            let headers = [("content-type", "text/html"), ("origin", "http://evil.example")];
            let told = ask(method, path, &headers);
            told.is_problem(405);
            assert_eq!(told.header("allow"), Some("GET, HEAD, OPTIONS"), "{method} {path}");
            is_guarded(&told, path);
        }
        let told = ask("OPTIONS", path, &[]);
        assert_eq!((told.status, told.header("allow")), (204, Some("GET, HEAD, OPTIONS")), "{path}");
        is_guarded(&told, path);
    }
    // Whoever may write a pod cannot write one there, by its path either.
    let page = "<script>alert(1)</script>";
    for path in ["/alice/page.html", "/alice/", "/.notifications/WebSocketChannel2023/"] {
        let url = format!("{}{}", WORLD.issuer().trim_end_matches('/'), path);
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            let own = ALICE.credentials(method, &url);
            let own = own.iter().map(|(name, value)| (*name, value.as_str()));
            let headers: Vec<_> = own.chain([("content-type", "text/html")]).collect();
            let told = talk(WORLD.provider_port(), &head(method, path, &headers, Some(page.len())), page.as_bytes());
            assert!(matches!(told.status, 404 | 405), "{method} {path}: {told:?}");
        }
    }
    assert_eq!(ALICE.get("/alice/page.html").status, 404);
}

#[test]
fn a_script_or_a_frame_beside_the_provider_has_no_part_in_what_people_do_there() {
    let others = ["empty", "iframe", "frame", "object", "embed", "image", "script", "serviceworker", ""];
    for path in ["/.oidc/account", "/.oidc/sign-up", "/.oidc/authorize", "/.oidc/logout"] {
        for (method, dest) in ["GET", "POST"].into_iter().flat_map(|method| others.map(|dest| (method, dest))) {
            let own = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", dest)];
            let told = ask(method, path, &own);
            told.is_problem(403);
            assert!(told.header("set-cookie").is_none(), "{method} {path} {dest}");
        }
        let person = [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        let told = ask("GET", path, &person);
        assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"), "{path}: {told:?}");
    }
}

#[test]
fn what_pods_hold_is_never_answered_there_whatever_the_host_or_the_path() {
    let at = container("console-origin", &public("acl:Read"));
    let page = format!("{at}page.html");
    ALICE.ask("PUT", &page, &[("content-type", "text/html")], "<p>of a pod</p><script>alert(1)</script>");
    assert!(ANYBODY.get(&page).text().contains("of a pod"));
    let own = ["/.well-known/solid", "/.notifications/channels/", "/.notifications/sender", "/alice/profile/card"];
    let pods = WORLD.origin.trim_start_matches("http://");
    for host in [pods, &format!("alice.{pods}"), "alice.localhost", "localhost", "127.0.0.1", "evil.example", ""] {
        for path in [&*page, &*at, "/alice/"].into_iter().chain(own) {
            for target in [path.to_owned(), format!("/{path}"), format!("{}{path}", WORLD.origin)] {
                for forwarded in [pods, "evil.example"] {
                    let forwarded = [("x-forwarded-host", forwarded), ("x-forwarded-for", "127.0.0.1")];
                    let asked = head("GET", &target, &forwarded, None);
                    let asked = asked.replace("host: localhost\r\n", &format!("host: {host}\r\n"));
                    let told = talk(WORLD.provider_port(), &asked, b"");
                    assert!((400..500).contains(&told.status), "{host} {target}: {told:?}");
                    assert!(!told.text().contains("of a pod"), "{host} {target}");
                }
            }
        }
    }
}

#[test]
fn pages_and_scripts_that_pods_hold_are_sandboxed_even_for_service_workers() {
    let at = container("stored-scripts", &public("acl:Read"));
    ALICE.put(&format!("{at}console/"), "");
    for (name, media_type, is_page) in [
        ("page.html", "text/html", true),
        ("image.svg", "image/svg+xml", true),
        ("page.xhtml", "application/xhtml+xml", true),
        ("page.xml", "application/xml", true),
        ("worker.js", "text/javascript", false),
        ("module.mjs", "application/javascript", false),
        ("console/session.js", "text/javascript", false),
        ("notifications.html", "text/html; charset=utf-8", true),
        ("nothing", "unknown", true),
    ] {
        let path = format!("{at}{name}");
        let put = ALICE.ask("PUT", &path, &[("content-type", media_type)], "self.attack = true");
        if put.status == 400 {
            continue;
        }
        assert_eq!(put.status, 201, "{path}: {put:?}");
        let tag = ANYBODY.get(&path).header("etag").map(str::to_owned);
        let known = tag.as_deref().unwrap_or("*");
        for (method, headers) in [
            ("GET", &[][..]),
            ("HEAD", &[]),
            ("GET", &[("service-worker", "script"), ("sec-fetch-dest", "serviceworker")]),
            ("GET", &[("accept", "text/html"), ("sec-fetch-dest", "document")]),
            ("GET", &[("range", "bytes=0-3")]),
            ("GET", &[("if-none-match", known)]),
            ("PUT", &[("content-type", media_type)]),
        ] {
            let told = ANYBODY.ask(method, &path, headers, "");
            let policy = told.header("content-security-policy").unwrap();
            assert!(policy == "sandbox" || policy.starts_with("sandbox; default-src 'none'; "), "{path}: {policy}");
            assert_eq!(told.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
            assert_eq!(told.header("service-worker-allowed"), None, "{method} {path}");
            let is_saved = told.header("content-disposition") == Some("attachment");
            assert!(told.status != 200 || is_saved == is_page, "{method} {path}: {told:?}");
        }
    }
}

/// What an app sends people to, as the console's.
fn log_in(issuer: &str, client: &str, redirect: &str) -> Reply {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", redirect),
        ("scope", "openid webid offline_access"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ] {
        query.append_pair(name, value);
    }
    let (port, path) = split(&format!("{issuer}.oidc/authorize?{}", query.finish()));
    talk(port, &head("GET", &path, &[], None), b"")
}

/// Its identity as an app is a document of its own, which providers read; this one without connecting to itself.
fn is_an_app(issuer: &str, console: &str, pods: &str) {
    let config = json(&format!("{console}console/config.json"));
    let client = json(config["client"].as_str().unwrap());
    assert_eq!((&client["client_id"], &client["client_uri"]), (&config["client"], &Value::from(console)));
    let expected = [
        ("pods", pods.to_owned()),
        ("issuer", issuer.to_owned()),
        ("account", format!("{issuer}account")),
        ("discovery", format!("{issuer}.well-known/openid-configuration")),
        ("description", format!("{pods}.well-known/solid")),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    for (name, value) in expected {
        assert_eq!(config[name], value, "{config}");
    }
    let redirects: Vec<_> = client["redirect_uris"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(redirects, [console.to_owned(), format!("{console}notifications.html")]);
    let id = config["client"].as_str().unwrap();
    for redirect in redirects {
        let page = log_in(issuer, id, redirect);
        assert!(page.status == 200 && page.text().contains("Podbell console"), "{page:?}");
    }
    assert_eq!(log_in(issuer, id, "http://evil.example/").status, 400);
    assert_eq!(log_in(issuer, &format!("{console}console/config.json"), console).status, 400);
}

#[test]
fn providers_know_it_as_an_app_and_send_people_back_to_its_pages_alone() {
    is_an_app(WORLD.issuer(), WORLD.issuer(), &WORLD.url("/"));
}

#[test]
fn on_an_origin_of_its_own_it_is_alone() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let console = format!("http://localhost:{port}/");
    let settings = [("PODBELL_CONSOLE_URL", &*console), ("PODBELL_PODS_LAYOUT", "subdomain")];
    let world = &*Box::leak(Box::new(World::start(&settings)));
    is_an_app(world.issuer(), &console, &world.url("/"));
    let ask = |port: u16, path: &str| talk(port, &head("GET", path, &[], None), b"");
    for (path, _) in SHOWN {
        assert_eq!(ask(port, path).status, 200, "{path}");
        ask(world.provider_port(), path).is_problem(404);
    }
    for path in ["/.well-known/openid-configuration", "/.oidc/jwks", "/account", "/alice/", "/.well-known/solid"] {
        let told = ask(port, path);
        told.is_problem(404);
        is_guarded(&told, path);
    }
    let welcome = world.stranger().ask("GET", "/", &[("accept", "text/html")], "").text();
    assert!(welcome.contains(&format!("<a href=\"{console}notifications.html\">")), "{welcome}");
    assert!(welcome.contains(&format!("<a href=\"{console}\">")), "{welcome}");
    world.stop("TERM");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
