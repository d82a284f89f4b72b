//! How many channels there may be: of a client, of an agent, of an address, of everybody, about a topic; and how long
//! they live.

use super::world::{Agent, LD, Reply, World, until};
use podbell_model::Timestamp;
use serde_json::{Value, json};
use std::sync::LazyLock;

const SERVICE: &str = "/.notifications/WebSocketChannel2023/";

fn subscribe_with(agent: &Agent, path: &str, headers: &[(&str, &str)], more: Value) -> Reply {
    let context = "https://www.w3.org/ns/solid/notification/v1";
    let mut body = json!({ "@context": [context], "type": "WebSocketChannel2023", "topic": agent.world.url(path) });
    if let Value::Object(more) = more {
        body.as_object_mut().unwrap().extend(more);
    }
    let headers: Vec<_> = headers.iter().copied().chain([LD]).collect();
    agent.ask("POST", SERVICE, &headers, body.to_string())
}

fn subscribe(agent: &Agent, path: &str) -> Reply {
    subscribe_with(agent, path, &[], json!({}))
}

/// That there is no room for one more, and that the answer says how many there may be and when to come again.
#[track_caller]
fn full(told: &Reply, limit: u64) {
    told.is_problem(429);
    assert_eq!(told.json()["limit"], limit, "{told:?}");
    assert!(told.header("retry-after").unwrap().parse::<u64>().unwrap() > 0, "{told:?}");
}

#[track_caller]
fn made(told: &Reply) -> String {
    assert_eq!(told.status, 200, "{told:?}");
    let id = told.json()["id"].as_str().unwrap().to_owned();
    id[id.find("/.notifications/").unwrap()..].to_owned()
}

/// T-Q07.
#[test]
fn t_q07_an_agent_has_so_many_channels_with_one_client_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| World::start(&[("PODBELL_LIMITS_CHANNELS_PER_CLIENT", "3")]));
    let (alice, bob) = (HERE.log_in("ALICE"), HERE.log_in("BOB"));
    let first = made(&subscribe(&alice, "/alice/a"));
    made(&subscribe(&alice, "/alice/b"));
    made(&subscribe(&alice, "/alice/a"));
    full(&subscribe(&alice, "/alice/a"), 3);
    made(&subscribe(&bob, "/bob/a"));
    // Deleting one makes room for one.
    assert_eq!(alice.ask("DELETE", &first, &[], "").status, 204);
    made(&subscribe(&alice, "/alice/a"));
    full(&subscribe(&alice, "/alice/a"), 3);
    // The gateway counts with the services.
    let body = json!({ "topic": alice.world.url("/alice/a") }).to_string();
    let json = ("content-type", "application/json");
    let gateway = alice.ask("POST", "/.notifications/gateway", &[json], json!({ "protocols": ["ws"] }).to_string());
    let endpoint = gateway.json()["endpoint"].as_str().unwrap().to_owned();
    full(&alice.ask("POST", &endpoint, &[json], body), 3);
}

#[test]
fn an_agent_has_so_many_channels_with_all_clients_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| World::start(&[("PODBELL_LIMITS_CHANNELS_PER_AGENT", "2")]));
    let alice = HERE.log_in("ALICE");
    made(&subscribe(&alice, "/alice/a"));
    made(&subscribe(&alice, "/alice/a"));
    full(&subscribe(&alice, "/alice/a"), 2);
    made(&subscribe(&HERE.log_in("BOB"), "/bob/a"));
}

#[test]
fn a_topic_has_so_many_channels_and_no_more_but_for_its_owner() {
    static HERE: LazyLock<World> = LazyLock::new(|| World::start(&[("PODBELL_LIMITS_CHANNELS_PER_TOPIC", "2")]));
    let (alice, bob, stranger) = (HERE.log_in("ALICE"), HERE.log_in("BOB"), HERE.stranger());
    alice.put("/alice/public/", "");
    alice.rules("/alice/public/", "acl:agentClass foaf:Agent; acl:mode acl:Read");
    let first = made(&subscribe(&bob, "/alice/public/"));
    made(&subscribe(&stranger, "/alice/public/"));
    full(&subscribe(&bob, "/alice/public/"), 2);
    full(&subscribe(&stranger, "/alice/public/"), 2);
    made(&subscribe(&bob, "/alice/public/below"));
    assert_eq!(bob.ask("DELETE", &first, &[], "").status, 204);
    made(&subscribe(&bob, "/alice/public/"));
    full(&subscribe(&stranger, "/alice/public/"), 2);
    // Nobody can crowd her out of her own.
    made(&subscribe(&alice, "/alice/public/"));
}

#[test]
fn an_address_has_so_many_channels_without_a_log_in_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| {
        World::start(&[
            ("PODBELL_LIMITS_ANONYMOUS_CHANNELS_PER_ADDRESS", "2"),
            ("PODBELL_LIMITS_ANONYMOUS_CHANNELS", "5"),
            ("PODBELL_PROXIES_TRUSTED", "127.0.0.1"),
        ])
    });
    let (alice, stranger) = (HERE.log_in("ALICE"), HERE.stranger());
    alice.put("/alice/public/", "");
    alice.rules("/alice/public/", "acl:agentClass foaf:Agent; acl:mode acl:Read");
    let from = |address| subscribe_with(&stranger, "/alice/public/", &[("x-forwarded-for", address)], json!({}));
    let first = made(&from("192.0.2.1"));
    made(&from("192.0.2.1"));
    full(&from("192.0.2.1"), 2);
    made(&from("2001:db8::1"));
    made(&from("2001:db8::2"));
    full(&from("2001:db8::3"), 2);
    // Who logs in is not counted with the address.
    made(&subscribe_with(&alice, "/alice/public/", &[("x-forwarded-for", "192.0.2.1")], json!({})));
    made(&from("192.0.2.9"));
    full(&from("192.0.2.10"), 5);
    assert_eq!(stranger.ask("DELETE", &first, &[], "").status, 204);
    made(&from("192.0.2.1"));
}

#[test]
fn an_address_makes_so_many_channels_in_an_hour_and_no_more() {
    static HERE: LazyLock<World> =
        LazyLock::new(|| World::start(&[("PODBELL_LIMITS_ANONYMOUS_CHANNELS_PER_HOUR", "2")]));
    let (alice, stranger) = (HERE.log_in("ALICE"), HERE.stranger());
    alice.put("/alice/public/", "");
    alice.rules("/alice/public/", "acl:agentClass foaf:Agent; acl:mode acl:Read");
    for _ in 0..2 {
        made(&subscribe(&stranger, "/alice/public/"));
    }
    let told = subscribe(&stranger, "/alice/public/");
    full(&told, 2);
    let wait: u64 = told.header("retry-after").unwrap().parse().unwrap();
    assert!(wait <= 3_600);
    made(&subscribe(&alice, "/alice/public/"));
}

#[test]
fn a_channel_lives_as_long_as_it_may_and_no_longer() {
    static HERE: LazyLock<World> = LazyLock::new(|| {
        World::start(&[("PODBELL_LIMITS_CHANNEL_LIFE", "1h"), ("PODBELL_LIMITS_UNUSED_CAPABILITY", "1s")])
    });
    let alice = HERE.log_in("ALICE");
    let now = Timestamp::now();
    let ends = |told: &Reply| {
        let end: Timestamp = told.json()["endAt"].as_str().unwrap().parse().unwrap();
        end.duration_since(now).as_secs()
    };
    let after =
        |seconds: i64| json!({ "endAt": Timestamp::from_second(now.as_second() + seconds).unwrap().to_string() });
    assert!((3_599..3_630).contains(&ends(&subscribe(&alice, "/alice/a"))));
    assert!((3_500..3_601).contains(&ends(&subscribe_with(&alice, "/alice/a", &[], after(3_599)))));
    assert!((3_599..3_630).contains(&ends(&subscribe_with(&alice, "/alice/a", &[], after(9_000)))));
    // Nobody has connected.
    let unused = made(&subscribe(&alice, "/alice/a"));
    until("it is gone", || alice.get(&unused).status != 200);
    assert!(matches!(alice.get(&unused).status, 403 | 404 | 410));
}

#[test]
fn a_channel_has_so_many_topics_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| World::start(&[("PODBELL_LIMITS_TOPICS_PER_CHANNEL", "3")]));
    let alice = HERE.log_in("ALICE");
    let about = |count: usize| {
        let topics: Vec<_> = (0..count).map(|number| HERE.url(&format!("/alice/t{number}"))).collect();
        subscribe_with(&alice, "/alice/a", &[], json!({ "topic": topics }))
    };
    assert_eq!(about(3).status, 200);
    assert_eq!(about(4).is_problem(422).json()["limit"], 3);
}

/// S23: a change is sent once for each channel, and what a host may be sent a second is bounded by name.
#[test]
fn an_agent_pushes_about_a_topic_and_to_hosts_so_often_and_no_more() {
    static HERE: LazyLock<World> = LazyLock::new(|| {
        World::start(&[("PODBELL_WEBHOOKS_CHANNELS_PER_TOPIC", "2"), ("PODBELL_WEBHOOKS_TARGETS_PER_AGENT", "2")])
    });
    let (alice, bob) = (HERE.log_in("ALICE"), HERE.log_in("BOB"));
    let push = |agent: &Agent, path: &str, send_to: &str| {
        let context = "https://www.w3.org/ns/solid/notification/v1";
        let body = json!({ "@context": context, "type": "WebhookChannel2023", "topic": agent.world.url(path), "sendTo": send_to });
        agent.ask("POST", "/.notifications/WebhookChannel2023/", &[LD], body.to_string())
    };
    let (one, two, three) = ("http://localhost:9/a", "http://127.0.0.1:9/", "http://localhost:10/");
    let first = made(&push(&alice, "/alice/a", one));
    let second = made(&push(&alice, "/alice/a", two));
    full(&push(&alice, "/alice/a", one), 2);
    full(&push(&alice, "/alice/b", three), 2);
    made(&push(&alice, "/alice/b", "http://localhost:9/b"));
    made(&push(&bob, "/bob/a", three));
    made(&subscribe(&alice, "/alice/a"));
    // Nor by leading one that stands elsewhere.
    let lead = |id: &str, send_to: &str| {
        let body = json!({ "@context": "https://www.w3.org/ns/solid/notification/v1", "sendTo": send_to });
        alice.ask("POST", id, &[LD], body.to_string())
    };
    full(&lead(&first, three), 2);
    assert_eq!(alice.get(&first).json()["sendTo"], one);
    assert_eq!(lead(&second, three).status, 200, "the only one there goes elsewhere");
    assert_eq!(alice.ask("DELETE", &first, &[], "").status, 204);
    made(&push(&alice, "/alice/a", one));
}
