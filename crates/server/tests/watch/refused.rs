//! What it cannot do, it says at once, with what to do about it.

use crate::{
    support::Place,
    watcher::{Watcher, demo},
};

async fn told(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let mut watcher = Watcher::piped_with(arguments, variables);
    let ended = watcher.ended().await;
    assert_eq!(watcher.out(), [""; 0]);
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_said_at_once() {
    let place = Place::new();
    let server = place.start().await;
    let root = format!("{}alice/", server.base);
    let data = place.data().to_str().unwrap();
    let as_alice = demo(&place, "alice");
    let issuer = server.env["SOLID_IDENTITY_PROVIDER"].as_str();

    for (arguments, variables, code, words) in [
        (vec![], vec![], 2, "<URL>"),
        (vec!["--type", "pigeon", &root], vec![], 2, "websocket"),
        (vec!["--only", "Destroy", &root], vec![], 2, "Create, Update, Delete, Add, Remove"),
        (vec!["localhost:3000/alice/"], vec![], 2, "is it http://localhost:3000/alice/?"),
        (vec!["--as", "nobody", "--data", data, &root], vec![], 2, "knows no demo account nobody"),
        (vec!["--as", "alice", "--data", "/nonexistent", &root], vec![], 2, "--data"),
        (vec!["http://localhost:1/"], vec![], 1, "is the server running?"),
        // Cursors begin with whatever they do.
        (vec!["--since", "-6x", "http://localhost:1/"], vec![], 1, "is the server running?"),
        (vec![&root], vec![], 3, "log in with --as or --credentials"),
        ([&demo(&place, "bob")[..], &[&root]].concat(), vec![], 3, "whoever owns it can give you Read"),
        ([&as_alice[..], &["--issuer", "http://pods.example/", &root]].concat(), vec![], 1, "use https"),
        (
            vec![&root],
            vec![("PODBELL_ISSUER", issuer), ("PODBELL_CLIENT_ID", "x"), ("PODBELL_CLIENT_SECRET", "y")],
            3,
            "does not let this client in",
        ),
        (vec![&root], vec![("PODBELL_CLIENT_ID", "x")], 2, "PODBELL_CLIENT_SECRET"),
    ] {
        let (was, err) = told(&arguments, &variables).await;
        assert_eq!(was, code, "{arguments:?}: {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
    }
    // Whoever asks by another name of this machine is told the right one.
    let other = root.replace("localhost", "127.0.0.1");
    let (code, err) = told(&[&as_alice[..], &[&other]].concat(), &[]).await;
    assert!(code == 2 && err.contains(&root), "{code}: {err}");
}
