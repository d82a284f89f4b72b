//! The examples of the client do what they say.

#[allow(unreachable_pub, clippy::unwrap_used, reason = "an example stands for itself")]
#[path = "../../../client/examples/live_folder.rs"]
mod live_folder;
#[allow(unreachable_pub, clippy::unwrap_used, reason = "an example stands for itself")]
#[path = "../../../client/examples/webhook_receiver.rs"]
mod webhook_receiver;

use crate::{support::Place, watcher::put};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::{client::legacy::Client as Http, rt::TokioExecutor};
use podbell_client::{Client, Credentials};
use podbell_test_client::receiver::{Received, Receiver, Reply};
use serde_json::{Value, json};

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

/// Somebody who has overheard a request sends it again, changed or not; the status of the answer.
async fn again(url: &str, overheard: &Received, body: &[u8]) -> u16 {
    let mut request = Request::post(url);
    for (name, value) in overheard.headers.iter().filter(|(name, _)| name != "host" && name != "content-length") {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
    Http::builder(TokioExecutor::new()).build_http().request(request).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_takes_what_the_server_sends_and_nothing_else() {
    let place = Place::new();
    let server = place.start().await;
    let alice = server.log_in("ALICE").await;
    let topic = format!("{}alice/hooked", server.base);
    put(&alice, &topic, "0").await;
    let sender = format!("{}.notifications/sender", server.base);
    let subscribe = async |send_to: &str| {
        let wish = json!({
            "@context": ["https://www.w3.org/ns/solid/notification/v1"],
            "type": "WebhookChannel2023", "topic": topic, "sendTo": send_to,
        });
        let service = format!("{}.notifications/WebhookChannel2023/", server.base);
        let answer = alice.request(Method::POST, &service, Some("application/ld+json"), wish.to_string()).await;
        assert_eq!(answer.unwrap().success("subscribe").unwrap().json().unwrap()["sender"], sender.as_str());
    };

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/in?for=alice", listener.local_addr().unwrap().port());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel::<Value>();
    let receiver = webhook_receiver::Receiver::new(&sender, &url, move |message| tell.send(message.clone()).unwrap());
    let receiving = tokio::spawn(receiver.unwrap().serve(listener));
    subscribe(&url).await;
    put(&alice, &topic, "1").await;
    let first = told.recv().await.unwrap();
    assert_eq!((&first["type"], &first["object"]), (&"Update".into(), &topic.as_str().into()));

    // What is for another receiver is none of this one's; on a wire in between, all may be overheard.
    let elsewhere = Receiver::willing().unwrap();
    subscribe(&elsewhere.url("/in?for=alice")).await;
    put(&alice, &topic, "2").await;
    assert_ne!(told.recv().await.unwrap()["id"], first["id"]);
    let overheard = elsewhere.wait(1).remove(0);
    assert_eq!(again(&url, &overheard, &overheard.body).await, 401, "it is signed for another URL");
    let nobody = Received { headers: Vec::new(), ..overheard };
    assert_eq!(again(&url, &nobody, b"{}").await, 401);
    assert_eq!(again(&url, &nobody, &vec![b' '; 100_000]).await, 413);
    receiving.abort();

    // A wire on which somebody sits: the first request goes through, is changed, and comes again.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let inner = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let wire = Receiver::http(|_, _| Reply::status(204)).unwrap();
    let url = wire.url("/wire");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel::<Value>();
    let receiver = webhook_receiver::Receiver::new(&sender, &url, move |message| tell.send(message.clone()).unwrap());
    tokio::spawn(receiver.unwrap().serve(listener));
    subscribe(&url).await;
    put(&alice, &topic, "3").await;
    let caught = wire.wait(1).remove(0);
    let to = format!("{inner}{}", caught.target);
    let body = String::from_utf8(caught.body.clone()).unwrap();
    assert_eq!(again(&to, &caught, body.replace("Update", "Delete").as_bytes()).await, 401);
    assert_eq!(again(&format!("{to}/else"), &caught, &caught.body).await, 401);
    assert_eq!(again(&to, &caught, &caught.body).await, 204);
    assert_eq!(again(&to, &caught, &caught.body).await, 401, "the same comes once");
    assert_eq!(told.recv().await.unwrap()["object"], topic.as_str());
    assert!(told.try_recv().is_err());
}
