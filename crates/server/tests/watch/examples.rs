//! The examples of the client do what they say.

#[allow(unreachable_pub, clippy::unwrap_used, reason = "an example stands for itself")]
#[path = "../../../client/examples/live_folder.rs"]
mod live_folder;

use crate::{support::Place, watcher::put};
use http::Method;
use podbell_client::{Client, Credentials};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_folder_is_drawn_whenever_it_is_another() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let folder = format!("{}alice/live/", server.base);
    put(&alice, &format!("{folder}a"), "x").await;
    let [issuer, id, secret] =
        ["SOLID_IDENTITY_PROVIDER", "USERS_ALICE_CLIENTID", "USERS_ALICE_CLIENTSECRET"].map(|name| &server.env[name]);
    let client = Client::builder().credentials(Credentials::new(issuer, id, secret)).build().unwrap();
    let (drawn, mut drawings) = tokio::sync::mpsc::unbounded_channel();
    let following = {
        let folder = folder.clone();
        tokio::spawn(async move {
            live_folder::follow(&client, &folder, |members| {
                drawn.send(members.to_vec()).unwrap();
                !members.is_empty()
            })
            .await
        })
    };
    assert_eq!(drawings.recv().await.unwrap(), ["a"]);
    put(&alice, &format!("{folder}b"), "x").await;
    assert_eq!(drawings.recv().await.unwrap(), ["a", "b"]);
    for name in ["a", "b"] {
        alice.request(Method::DELETE, &format!("{folder}{name}"), None, "").await.unwrap().success("delete").unwrap();
    }
    let mut last = vec!["?".to_owned()];
    while !last.is_empty() {
        last = drawings.recv().await.unwrap();
    }
    following.await.unwrap().unwrap();
}
