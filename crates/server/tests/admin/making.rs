//! Pods that are made and deleted while the server runs: all works at once, and all ends at once.

use super::{command, done, get, put, refused, support::Place};
use podbell_test_client::Client;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// Listens to a container with curl, and writes into it: what is told.
fn ring(data: &Path, container: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podbell"));
    let config = config_of(command.args(["as", "--data"]).arg(data).args(["alice", "ring", container]));
    let mut curl = Command::new("curl").arg("-sK-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    curl.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
    // Frames of a socket are among it.
    let mut told = Vec::new();
    curl.stdout.take().unwrap().read_to_end(&mut told).unwrap();
    curl.wait().unwrap();
    String::from_utf8_lossy(&told).into_owned()
}

fn config_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_pod_made_beside_a_running_server_is_told_of_at_once_by_path_and_by_subdomain() {
    for subdomains in [false, true] {
        let place = Place::new();
        let layout: &[&str] = if subdomains { &["--subdomains"] } else { &[] };
        let server = place.start_with(layout).await;
        let webid = &server.env["USERS_ALICE_WEBID"];
        let root = if subdomains { server.base.replace("://", "://carol.") } else { format!("{}carol/", server.base) };
        let said = done(place.data(), &["create", "carol", "--owner", webid]);
        assert_eq!(said, format!("{root}\towned by {webid}\n"));
        assert!(refused(place.data(), &["create", "carol"]).contains("there is a pod at"));
        let told = ring(place.data(), &root);
        // An `Add` if it comes after the connection, else how the container is since.
        let is_told = told.contains("notifications-context/v1") && told.contains(&format!("\":\"{root}\""));
        assert!(told.contains("-> 201") && is_told, "{told}");
        if !subdomains {
            let described = get(&Client::new().unwrap(), &format!("{root}.well-known/solid")).await;
            let described = String::from_utf8(described.body.to_vec()).unwrap();
            assert!(described.contains("Storage") && described.contains("WebSocketChannel2023"), "{described}");
        }
    }
}

#[tokio::test]
async fn a_deleted_pod_ends_its_channels() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let webid = &server.env["USERS_ALICE_WEBID"];
    let root = format!("{}carol/", server.base);
    done(place.data(), &["create", "carol", "--owner", webid]);
    let wanted = serde_json::json!({
        "@context": ["https://www.w3.org/ns/solid/notification/v1"],
        "type": "http://www.w3.org/ns/solid/notifications#WebSocketChannel2023",
        "topic": root,
    });
    let service = format!("{}.notifications/WebSocketChannel2023/", server.base);
    let made =
        alice.request(http::Method::POST, &service, Some("application/ld+json"), wanted.to_string()).await.unwrap();
    let channel = made.success("a subscription").unwrap().json().unwrap();
    let capability = channel["receiveFrom"].as_str().unwrap();
    let (authority, path) = capability.split_once("://").unwrap().1.split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(put(&alice, &format!("{root}heard"), "text/plain", "x").await.status, 201);
    // What is still on its way when the pod goes may be read no more.
    let (heard, mut told) = (format!("{root}heard"), Vec::new());
    while !String::from_utf8_lossy(&told).contains(&heard) {
        let more = reader.fill_buf().unwrap().to_vec();
        assert!(!more.is_empty(), "{}", String::from_utf8_lossy(&told));
        reader.consume(more.len());
        told.extend(more);
    }
    done(place.data(), &["delete", &root, "--yes"]);
    // Everything until the end, which comes by itself.
    let mut rest = Vec::new();
    let ended = reader.read_to_end(&mut rest);
    assert!(ended.is_ok() || !rest.is_empty(), "{ended:?}");
    assert!(rest.contains(&0x88), "no close frame: {rest:?}");
    assert!(matches!(get(&alice, &root).await.status.as_u16(), 401 | 403 | 404));
    // The name is free again, and opens nothing old.
    done(place.data(), &["create", "carol", "--owner", webid]);
    assert_eq!(get(&alice, &format!("{root}heard")).await.status, 404);
}

#[tokio::test]
async fn a_pod_is_deleted_with_its_account_or_without_and_that_is_said() {
    let place = Place::new();
    let mut server = place.start().await;
    let root = format!("{}bob/", server.base);
    let account = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_podbell"))
            .args(["account", "--data"])
            .arg(place.data())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    assert!(account(&["list"]).contains("bob\t"));
    let said = done(place.data(), &["delete", "bob", "--yes"]);
    assert!(said.starts_with(&format!("{root} is deleted\n")), "{said}");
    assert!(said.contains("the account bob stays") && said.contains("`podbell account remove bob`"), "{said}");
    assert!(account(&["list"]).contains("bob\t"));
    for running in [true, false] {
        if !running {
            server.kill_9().await;
        }
        let name = if running { "carol" } else { "dave" };
        account(&["add", name, "--generate"]);
        assert!(account(&["list"]).contains(&format!("{name}\t")));
        let said = done(place.data(), &["delete", name, "--with-account", "--yes"]);
        assert!(said.contains("is deleted") && said.contains(&format!("the account {name} is removed")), "{said}");
        assert!(!account(&["list"]).contains(&format!("{name}\t")));
        // Nobody loses a pod over an account that is not there.
        done(place.data(), &["create", "erin", "--owner", "https://id.example/erin#me"]);
        let said = refused(place.data(), &["delete", "erin", "--with-account", "--yes"]);
        assert!(said.contains("no account has its WebID in"), "{said}");
        assert!(done(place.data(), &["list"]).contains("/erin/"));
        done(place.data(), &["delete", "erin", "--yes"]);
    }
}

#[tokio::test]
async fn names_of_the_servers_own_are_given_to_nobody() {
    let place = Place::new();
    let mut server = place.start().await;
    server.kill_9().await;
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    for name in ["www", "admin", "mail", "localhost", "notifications", "postmaster", "xn--pypal-4ve"] {
        for arguments in [&["create", name][..], &["import", empty, name]] {
            let said = refused(place.data(), arguments);
            assert!(said.contains("is kept for the server itself"), "{said}");
        }
    }
    for name in [".well-known", ".notifications", ".oidc", "a/b", ".."] {
        assert!(refused(place.data(), &["create", name]).contains("is no name of a pod"), "{name}");
    }
}

#[tokio::test]
async fn whoever_has_heard_enough_closes_the_pipe() {
    let place = Place::new();
    let mut server = place.start().await;
    server.kill_9().await;
    // The base URL is that of the pods there.
    assert!(done(place.data(), &["list"]).contains(&server.base));
    let mut child = command(place.data(), &["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success() && said.is_empty(), "{said}");
}
