//! Pods made by the thousand, and what one receiver hears of them.

use super::world::{Agent, LD, World, split};
use podbell_model::{ResourceIri, Timestamp, Uuid, WebId};
use podbell_pod::Pod;
use podbell_test_client::receiver::{Received, Receiver};
use podbell_wac::Rules;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc, thread};

/// Topics of one channel.
const TOPICS: usize = 100;
const WRITERS: usize = 4;
const N1: &str = "https://www.w3.org/ns/solid/notification/v1";

/// The roots of new pods of alice, made while nobody serves them.
fn pods(world: &World, count: usize, root: impl Fn(usize) -> String) -> Vec<String> {
    let roots: Vec<_> = (0..count).map(root).collect();
    let owner = WebId::new(world.webid("ALICE").to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let pod = Pod::open(world.held(), Arc::new(Uuid::new_v4), Arc::new(Rules::default())).await.unwrap();
        for root in &roots {
            let root = ResourceIri::parse(root).unwrap();
            pod.create_pod(&root, &owner, "", "a pod", Timestamp::now()).await.unwrap();
        }
    });
    roots
}

/// Does something with each, several at a time.
fn each(roots: &[String], act: impl Fn(&str) + Sync) {
    thread::scope(|scope| {
        for part in roots.chunks(roots.len().div_ceil(WRITERS)) {
            let act = &act;
            scope.spawn(move || part.iter().for_each(|root| act(root)));
        }
    });
}

fn subscribe(agent: &Agent, roots: &[String], receiver: &Receiver) -> String {
    let topics: Vec<_> = roots.iter().map(|root| format!("{root}r")).collect();
    let body = json!({ "@context": [N1], "type": "WebhookChannel2023", "topic": topics, "sendTo": receiver.url("/") });
    let told = agent.ask("POST", "/.notifications/WebhookChannel2023/", &[LD], body.to_string());
    assert_eq!(told.status, 200, "{told:?}");
    split(told.json()["id"].as_str().unwrap()).1
}

/// How often each resource was told of.
fn told(received: &[Received]) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for received in received {
        *told.entry(received.json()["object"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    told
}

fn every_pod_is_heard_but_one_that_withdraws(count: usize, layout: &str, root: impl Fn(&str, usize) -> String) {
    let settings = [
        ("PODBELL_PODS_LAYOUT", layout),
        ("PODBELL_WEBHOOKS_PER_SECOND", "10000"),
        ("PODBELL_WEBHOOKS_BURST", "10000"),
    ];
    let first = World::start(&settings);
    first.stop("TERM");
    let roots = pods(&first, count, |number| root(&first.url("/"), number));
    let world: &'static World = Box::leak(Box::new(first.start_again(&settings)));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let read = format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB"));
    each(&roots, |root| {
        alice.rules(root, &read);
        alice.put(&format!("{root}r"), "");
    });
    let receiver = Receiver::willing().unwrap();
    let channels: Vec<_> = roots.chunks(TOPICS).map(|roots| subscribe(&bob, roots, &receiver)).collect();
    each(&roots, |root| drop(alice.put(&format!("{root}r"), "<> a <#1> .")));
    let expected: BTreeMap<_, _> = roots.iter().map(|root| (format!("{root}r"), 1)).collect();
    assert_eq!(told(&receiver.wait(count)), expected, "each once");
    let silent = &roots[count / 2];
    alice.rules(silent, "");
    alice.put(&format!("{silent}r"), "<> a <#Secret> .");
    each(&roots, |root| drop(alice.put(&format!("{root}r"), "<> a <#2> .")));
    let received = receiver.wait(2 * count - 1);
    let expected = expected.into_iter().filter(|(object, _)| !object.starts_with(silent));
    assert_eq!(told(&received[count..]), expected.collect(), "each once, and nothing of what may not be read");
    // The channel goes on with the others.
    for id in &channels {
        let told = bob.get(id);
        assert_eq!(told.status, 200, "{told:?}");
    }
    // Who has access again subscribes again.
    alice.rules(silent, &read);
    subscribe(&bob, std::slice::from_ref(silent), &receiver);
    alice.put(&format!("{silent}r"), "<> a <#3> .");
    assert_eq!(receiver.wait(2 * count)[2 * count - 1].json()["object"], format!("{silent}r"));
}

#[test]
fn of_a_thousand_pods_one_falls_silent() {
    every_pod_is_heard_but_one_that_withdraws(1_000, "path", |base, number| format!("{base}pod-{number}/"));
}

#[test]
fn of_pods_with_origins_of_their_own_one_falls_silent() {
    every_pod_is_heard_but_one_that_withdraws(120, "subdomain", |base, number| {
        base.replace("localhost", &format!("pod-{number}.localhost"))
    });
}
