//! The lines: for people, at a terminal and elsewhere, and as JSON.

use crate::{
    support::Place,
    watcher::{Watcher, demo, put, rules},
};
use http::Method;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_read_what_happened_and_programs_what_came() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let folder = format!("{}alice/words/", server.base);
    put(&alice, &format!("{folder}first"), "x").await;
    rules(&server, &alice, &folder, "acl:agentClass foaf:Agent").await;
    let credentials = place.data().join("me.env");
    let [issuer, id, secret] =
        ["SOLID_IDENTITY_PROVIDER", "USERS_ALICE_CLIENTID", "USERS_ALICE_CLIENTSECRET"].map(|name| &server.env[name]);
    let text = format!("PODBELL_ISSUER={issuer}\nPODBELL_CLIENT_ID={id}\nPODBELL_CLIENT_SECRET={secret}\n");
    std::fs::write(&credentials, text).unwrap();
    let env = place.data().join("demo.env");
    let as_alice = demo(&place, "alice");
    // Everybody, by each way to say who it is.
    let watchers = [
        Watcher::at_terminal(&[&as_alice[..], &[&folder]].concat()),
        Watcher::piped(&[&as_alice[..], &[&folder]].concat()),
        Watcher::piped(&["--json", &folder]),
        Watcher::piped(&["--credentials", credentials.to_str().unwrap(), "--json", &folder]),
        Watcher::piped(&["--credentials", env.to_str().unwrap(), "--as", "alice", "--only", "Remove", &folder]),
        Watcher::piped(
            &[&demo(&place, "bob")[..], &["--json", "--recursive", "--only", "create,delete", &folder]].concat(),
        ),
    ];
    for watcher in &watchers {
        watcher.listens().await;
    }
    let url = format!("{folder}a%20b.txt");
    put(&alice, &url, "x").await;
    put(&alice, &url, "y").await;
    alice.request(Method::DELETE, &url, None, "").await.unwrap().success("delete").unwrap();
    let lines = [2, 2, 2, 2, 1, 2];
    for (watcher, count) in watchers.iter().zip(lines) {
        watcher.wait("all lines", |watcher| watcher.out().len() >= count).await;
        assert_eq!(watcher.out().len(), count, "{:?}", watcher.out());
    }
    let [terminal, piped, anybody, of_file, of_env, recursive] = &watchers;
    let words = |line: &String| line.split_once("  ").unwrap().1.to_owned();
    let added = "/alice/words/a%20b.txt  to /alice/words/";
    assert_eq!(words(&piped.out()[0]), format!("Add     {added}"));
    assert_eq!(words(&piped.out()[1]), "Remove  /alice/words/a%20b.txt  from /alice/words/");
    assert_eq!(words(&terminal.out()[0]), format!("\u{1b}[32mAdd   \u{1b}[0m  {added}"));
    assert!(piped.out()[0].as_bytes()[2] == b':', "the time is told: {}", piped.out()[0]);
    assert!(of_env.out()[0].contains("Remove"));
    for watcher in [anybody, of_file] {
        let [added, removed] = &watcher.json()[..] else { panic!("two") };
        assert_eq!((&added["type"], &removed["type"]), (&"Add".into(), &"Remove".into()));
        assert!(added["@context"].is_array() && added["urn:podbell:terms#cursor"].is_string());
        assert!(watcher.out()[0].starts_with("{\"@context\":["), "as it came: {}", watcher.out()[0]);
    }
    assert!(anybody.err().contains("without log-in"), "{}", anybody.err());
    let kinds: Vec<_> = recursive.json().iter().map(|told| told["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["Create", "Delete"]);
}
