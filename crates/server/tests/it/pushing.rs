//! Subscribing to what is pushed: `/.notifications/WebhookChannel2023/` and its like. The cases T-K01 to T-K03, T-L01,
//! T-L04, T-L05, T-P01 to T-P03 and T-P07. Nothing is sent here: what is sent is tried elsewhere.

use super::{
    services::{N1, N2, changed},
    streams::document,
    world::{ALICE, ANYBODY, Agent, BOB, LD, Reply, WORLD, for_bob, public, split},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use podbell_egress::{Client, Policy, Resolve};
use podbell_pod::Storages;
use podbell_server::{
    notifications::Targets,
    own_origins::OwnOrigins,
    settings::{BaseUrl, Layout},
};
use podbell_wire::ChannelType;
use serde_json::{Value, json};
use std::{
    io,
    net::{IpAddr, TcpListener},
    sync::{Arc, LazyLock},
};

const NOTIFY: &str = "http://www.w3.org/ns/solid/notifications#";
const TERMS: &str = "urn:podbell:terms#";

/// Where nothing is sent, since nothing changes.
const SEND_TO: &str = "http://localhost:9/in";

/// A key that something can be encrypted with.
static POINT: LazyLock<String> = LazyLock::new(|| {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode(pair.public_key_raw())
});

/// Asks for a channel of a type on a path, with other members of the body; what is null is left out.
pub(super) fn pushed(agent: &Agent, kind: &str, path: &str, more: &Value) -> Reply {
    let auth = BASE64_URL_SAFE_NO_PAD.encode([7; 16]);
    let mut body = json!({ "@context": [N1], "type": kind, "topic": agent.world.url(path), "sendTo": SEND_TO });
    if kind == "WebPushChannel2023" {
        body["keys"] = json!({ "auth": auth, "p256dh": *POINT });
    }
    agent.ask("POST", &format!("/.notifications/{kind}/"), &[LD], changed(&body, more).to_string())
}

fn id_of(channel: &Reply) -> String {
    assert!(channel.status < 300, "{channel:?}");
    split(channel.json()["id"].as_str().unwrap()).1
}

/// R-WH-9, R-REQ-8.
#[test]
fn t_k01_t_l01_a_channel_that_pushes_names_receiver_and_sender() {
    let at = document("named-hook", &for_bob("acl:Read"));
    for (kind, status) in [("WebhookChannel2023", 200), ("LDNChannel2023", 201), ("WebPushChannel2023", 201)] {
        let told = pushed(&BOB, kind, &at, &json!({}));
        assert_eq!(told.status, status, "{told:?}");
        let channel = told.json();
        let id = channel["id"].as_str().unwrap();
        assert_eq!(told.header("content-location"), Some(id));
        assert_eq!(told.header("location"), (status == 201).then_some(id));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert_eq!((&channel["type"], &channel["topic"]), (&kind.into(), &WORLD.url(&at).into()));
        assert_eq!(
            (&channel["sendTo"], &channel["sender"]),
            (&SEND_TO.into(), &WORLD.url("/.notifications/sender").into())
        );
        // It lives as long as what is sent is acknowledged, and nobody connects to it.
        let keys: Vec<_> = channel.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["@context", "id", "sendTo", "sender", "topic", "type"]);
        assert!(!told.text().contains(&*POINT));
    }
}

/// R-WH-9, R-WP-4: of where it pushes to, the owner of a storage learns nothing.
#[test]
fn a_receiver_is_shown_to_whoever_named_it_alone() {
    let at = document("hidden", &for_bob("acl:Read"));
    for kind in ["WebhookChannel2023", "LDNChannel2023", "WebPushChannel2023"] {
        let id = id_of(&pushed(&BOB, kind, &at, &json!({ "lifecycle": "http://localhost:9/life", "secret": true })));
        let mine = BOB.get(&id).json();
        assert_eq!((&mine["sendTo"], &mine["type"]), (&SEND_TO.into(), &format!("{NOTIFY}{kind}").into()));
        assert_eq!(mine[format!("{TERMS}lifecycle")]["id"], "http://localhost:9/life");
        assert_eq!(mine[format!("{TERMS}pending")], 0);
        let hers = ALICE.get(&id);
        assert_eq!((&hers.json()["topic"], &hers.json()["type"]), (&mine["topic"], &mine["type"]));
        let root = utf8_percent_encode(&WORLD.url("/alice/"), NON_ALPHANUMERIC).to_string();
        let listed = super::looking_after::all(&ALICE, &format!("?storage={root}"));
        let listed = listed.iter().find(|found| found["id"] == mine["id"]).unwrap().to_string();
        for told in [hers.text(), listed] {
            assert!(!told.contains("localhost:9") && !told.contains("sender\"") && !told.contains("whsec_"), "{told}");
        }
        for accept in ["application/ld+json", "text/turtle", "application/n-triples"] {
            let told = BOB.ask("GET", &id, &[("accept", accept)], "").text();
            assert!(told.contains(SEND_TO) && !told.contains("whsec_") && !told.contains(&*POINT), "{told}");
        }
        let own = super::looking_after::all(&BOB, "");
        assert_eq!(own.iter().find(|found| found["id"] == mine["id"]).unwrap()["sendTo"], SEND_TO);
        ANYBODY.get(&id).is_problem(401);
    }
}

/// R-WH-1, CA-10.
#[test]
fn t_k02_a_receiver_has_a_url_that_can_be_sent_to() {
    let at = document("sent", &for_bob("acl:Read"));
    for kind in ["WebhookChannel2023", "LDNChannel2023", "WebPushChannel2023"] {
        let slug = |send_to: Value| {
            let told = pushed(&BOB, kind, &at, &json!({ "sendTo": send_to }));
            told.is_problem(422).json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
        };
        assert_eq!(slug(Value::Null), "missing-property");
        for refused in [
            "mailto:bob@example.com",
            "ftp://hook.example/",
            "https://user@hook.example/",
            "https://user:password@hook.example/",
            "https://hook.example/in#fragment",
            "http://hook.example/in",
        ] {
            assert_eq!(slug(refused.into()), "invalid-target", "{refused}");
        }
    }
    // This server is one for development.
    assert_eq!(pushed(&BOB, "WebhookChannel2023", &at, &json!({ "sendTo": "http://localhost:9/x" })).status, 200);
    for lifecycle in ["https://user@hook.example/", "http://hook.example/", "https://10.0.0.1/"] {
        pushed(&BOB, "WebhookChannel2023", &at, &json!({ "lifecycle": lifecycle })).is_problem(422);
    }
}

/// Names that lead where they should not.
struct Names;

#[async_trait::async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = match name {
            "inside.example" => "10.0.0.1",
            "mixed.example" => "93.184.215.14 127.0.0.1",
            "hook.example" => "93.184.215.14",
            _ => "",
        };
        Ok(addresses.split_whitespace().map(|address| address.parse().unwrap()).collect())
    }
}

/// R-WH-3: the same words, whatever the reason.
#[test]
fn t_k03_a_receiver_is_not_where_nobody_else_can_reach() {
    let at = document("inside", &for_bob("acl:Read"));
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let port = canary.local_addr().unwrap().port();
    let mut texts = Vec::new();
    for refused in [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0x0a000001/",
        "https://no-such-name.invalid/",
        "https://8.8.8.8:25/",
    ] {
        let told = pushed(&BOB, "WebhookChannel2023", &at, &json!({ "sendTo": refused }));
        texts.push(told.is_problem(422).text());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    // But for which of two URLs it is about, and what this server takes.
    let told = pushed(&BOB, "WebhookChannel2023", &at, &json!({ "lifecycle": "https://10.0.0.1/" }));
    let detail = told.is_problem(422).json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("lifecycle leads") && detail.contains("http URLs on this machine"), "{detail}");
    // In earnest, loopback is refused too.
    let base: BaseUrl = "https://pod.example/".parse().unwrap();
    let client = Client::with_resolver(Policy::default(), Arc::new(Names)).unwrap();
    let origins = OwnOrigins::new(&base, Layout::Path, None);
    let targets = Targets::new(client, origins, Arc::new(Storages::default()));
    let open = |url: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(targets.judge("sendTo", url, ChannelType::Webhook)).is_ok()
    };
    for refused in [
        "https://127.0.0.1/",
        &format!("https://127.0.0.1:{port}/"),
        &format!("http://localhost:{port}/"),
        "https://169.254.169.254/",
        "https://inside.example/",
        "https://mixed.example/",
        "https://unknown.example/",
        "http://hook.example/",
        "https://hook.example:8443/",
    ] {
        assert!(!open(refused), "{refused}");
    }
    assert!(open("https://hook.example/in"));
    assert!(canary.accept().is_err(), "nobody has connected");
}

/// A resource of a pod may be sent to, whatever stands there; what this server has beside the pods may not.
#[test]
fn a_receiver_on_this_server_is_a_resource() {
    let at = document("here", &for_bob("acl:Read"));
    let told = |kind: &str, path: &str| pushed(&BOB, kind, &at, &json!({ "sendTo": WORLD.url(path) }));
    for kind in ["WebhookChannel2023", "LDNChannel2023"] {
        assert!(told(kind, "/alice/inbox/").status < 300);
        for refused in [
            "/.notifications/WebhookChannel2023/",
            "/.notifications/channels/x",
            "/.notifications/connect/x",
            "/.well-known/solid",
            "/alice/.notifications/WebhookChannel2023/",
            "/alice/%2Enotifications/WebhookChannel2023/",
            "/alice/.well-known/solid",
            "/alice/inbox/?query",
            "/nowhere/inbox/",
        ] {
            told(kind, refused).is_problem(422);
        }
        let provider = format!("{}.oidc/token", WORLD.issuer());
        let alias = format!("http://127.0.0.1:{}/alice/inbox/", split(&WORLD.url("/")).0);
        for refused in [provider, alias] {
            pushed(&BOB, kind, &at, &json!({ "sendTo": refused })).is_problem(422);
        }
    }
    told("WebPushChannel2023", "/alice/inbox/").is_problem(422);
}

/// R-WH-2.
#[test]
fn t_a08_nobody_is_sent_anything_by_nobody() {
    let at = document("anonymous-hook", &public("acl:Read"));
    for kind in ["WebhookChannel2023", "LDNChannel2023", "WebPushChannel2023"] {
        let told = pushed(&ANYBODY, kind, &at, &json!({}));
        assert!(told.is_problem(401).header("www-authenticate").is_some());
        assert!(pushed(&BOB, kind, &at, &json!({})).status < 300);
    }
}

#[test]
fn whoever_may_not_read_a_topic_hears_nothing_of_it() {
    let at = document("unread-hook", "");
    for kind in ["WebhookChannel2023", "LDNChannel2023", "WebPushChannel2023"] {
        pushed(&BOB, kind, &at, &json!({})).is_problem(403);
        pushed(&BOB, kind, "/alice/unread-hook/none", &json!({})).is_problem(403);
    }
}

/// Every feature, beside several topics of several pods.
#[test]
fn a_channel_that_pushes_has_what_others_have() {
    let at = document("full-hook", &for_bob("acl:Read"));
    BOB.put("/bob/full-hook", "");
    let more = json!({
        "topic": [WORLD.url(&at), WORLD.url("/bob/full-hook")],
        "startAt": "2099-01-01T00:00:00Z", "endAt": "2199-01-01T00:00:00Z", "rate": "PT5S", "accept": "text/turtle",
        "recursive": true, "activityType": ["Create", "Delete"], "notCausedByMe": true, "cursor": true,
    });
    for kind in ["WebhookChannel2023", "LDNChannel2023", "WebPushChannel2023"] {
        let told = pushed(&BOB, kind, &at, &more);
        let channel = told.json();
        assert_eq!(channel["endAt"], "2199-01-01T00:00:00.000Z", "as far ahead as was asked: {told:?}");
        let found = BOB.get(&id_of(&told)).json();
        for name in ["topic", "startAt", "endAt", "rate", "accept", "sendTo", "sender"] {
            assert_eq!(found[name], channel[name], "{name}");
        }
        for name in ["recursive", "notCausedByMe", "cursor"] {
            assert_eq!(found[format!("{TERMS}{name}")], true, "{name}");
        }
        assert_eq!(found[format!("{NOTIFY}activityType")].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_secret_is_shown_once() {
    let at = document("secret-hook", &for_bob("acl:Read"));
    let secret = |more: Value| {
        let told = pushed(&BOB, "WebhookChannel2023", &at, &more);
        let again = BOB.get(&id_of(&told)).text();
        let secret = told.json()[format!("{TERMS}secret")].as_str().map(str::to_owned);
        assert!(!again.contains("whsec_"), "{again}");
        secret
    };
    assert_eq!(secret(json!({})), None);
    let (one, other) = (secret(json!({ "secret": true })).unwrap(), secret(json!({ "secret": true })).unwrap());
    assert!(one.starts_with("whsec_") && one != other);
    assert_eq!(secret(json!({ "secret": one })), Some(one.clone()));
    pushed(&BOB, "WebhookChannel2023", &at, &json!({ "secret": "hunter2" })).is_problem(422);
    assert!(!WORLD.log().contains(&one));
}

/// R-LDN-6.
#[test]
fn t_l04_a_channel_is_changed_by_whoever_made_it() {
    let at = document("changed-hook", &for_bob("acl:Read"));
    for kind in ["LDNChannel2023", "WebhookChannel2023", "WebPushChannel2023"] {
        let id = id_of(&pushed(&BOB, kind, &at, &json!({ "notCausedByMe": true })));
        let change = |agent: &Agent, members: Value| {
            let body = changed(&json!({ "@context": N1 }), &members);
            agent.ask("POST", &id, &[LD], body.to_string())
        };
        let told = change(
            &BOB,
            json!({ "endAt": "2099-01-01T00:00:00Z", "rate": "PT1S", "accept": "text/turtle", "activityType": "Add",
                    "sendTo": "http://localhost:9/other" }),
        );
        assert_eq!(told.status, 200, "{told:?}");
        let found = BOB.get(&id).json();
        assert_eq!(found, told.json());
        assert_eq!((&found["endAt"], &found["rate"]), (&"2099-01-01T00:00:00.000Z".into(), &"PT1S".into()));
        assert_eq!((&found["accept"], &found["sendTo"]), (&"text/turtle".into(), &"http://localhost:9/other".into()));
        assert_eq!(found[format!("{NOTIFY}activityType")]["id"], "https://www.w3.org/ns/activitystreams#Add");
        assert_eq!(found[format!("{TERMS}notCausedByMe")], true, "this was not changed");
        for refused in ["https://10.0.0.1/", "https://u@hook.example/", "http://hook.example/"] {
            change(&BOB, json!({ "sendTo": refused })).is_problem(422);
        }
        assert_eq!(BOB.get(&id).json(), found);
        change(&ALICE, json!({ "sendTo": "http://localhost:9/hers" })).is_problem(403);
        change(&ANYBODY, json!({ "sendTo": "http://localhost:9/mine" })).is_problem(401);
        assert_eq!(change(&BOB, json!({ "endAt": "1999-01-01T00:00:00Z" })).status, 410);
    }
}

/// R-WH-9.
#[test]
fn t_l05_a_channel_is_deleted_by_whoever_made_it() {
    let at = document("deleted-hook", &for_bob("acl:Read"));
    for kind in ["LDNChannel2023", "WebhookChannel2023", "WebPushChannel2023"] {
        let id = id_of(&pushed(&BOB, kind, &at, &json!({})));
        ANYBODY.ask("DELETE", &id, &[], "").is_problem(401);
        assert_eq!(BOB.ask("DELETE", &id, &[], "").status, 204);
        BOB.get(&id).is_problem(410);
        BOB.ask("DELETE", &id, &[], "").is_problem(410);
        for below in ["attempts", "dead-letters"] {
            BOB.get(&format!("{id}/{below}")).is_problem(410);
        }
    }
}

/// R-WP-5: of a key that stays.
#[test]
fn t_p01_a_service_for_web_push_tells_its_key() {
    let service = "/.notifications/WebPushChannel2023/";
    let told = ANYBODY.ask("GET", service, &[("accept", "application/ld+json")], "").json();
    let key = told["vapidPublicKey"].as_str().unwrap_or_else(|| panic!("{told}"));
    let point = BASE64_URL_SAFE_NO_PAD.decode(key).unwrap();
    assert_eq!((point.len(), point[0]), (65, 4));
    assert_eq!(told["https://purl.org/solid-web-push/vocab#vapidPublicKey"], key);
    let turtle = ANYBODY.ask("GET", service, &[("accept", "text/turtle")], "").text();
    assert_eq!(turtle.matches(key).count(), 2, "{turtle}");
    for path in ["/.well-known/solid", "/alice/.well-known/solid"] {
        assert!(ANYBODY.get(path).text().contains(key));
    }
}

#[test]
fn t_p02_a_request_in_turtle_with_the_terms_of_the_draft_is_answered_whole() {
    let at = document("turtle-push", &for_bob("acl:Read"));
    let (topic, auth) = (WORLD.url(&at), BASE64_URL_SAFE_NO_PAD.encode([9; 16]));
    let body = format!(
        "@prefix notify: <{NOTIFY}> . @prefix push: <https://purl.org/solid-web-push/vocab#> .
         <> a notify:WebPushChannel2023 ; notify:topic <{topic}> ; notify:sendTo <{SEND_TO}> ;
            push:keys [ push:auth \"{auth}\" ; push:p256dh \"{}\" ] .",
        *POINT
    );
    let told = BOB.ask("POST", "/.notifications/WebPushChannel2023/", &[("content-type", "text/turtle")], body);
    assert_eq!((told.status, told.header("content-type")), (201, Some("text/turtle")), "{told:?}");
    let text = told.text();
    let id = told.header("location").unwrap();
    for said in [
        &format!("<{id}> a notify:WebPushChannel2023"),
        &format!("notify:topic <{topic}>"),
        &format!("notify:sendTo <{SEND_TO}>"),
        "notify:sender <",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    assert!(!text.contains(&auth));
}

#[test]
fn t_p03_a_request_as_sai_sends_it_is_answered_in_json_with_an_id() {
    let at = document("sai-push", &for_bob("acl:Read"));
    let body = json!({
        "@context": [N2, { "notify": NOTIFY }],
        "type": "notify:WebPushChannel2023",
        "topic": WORLD.url(&at),
        "sendTo": SEND_TO,
        "notify:keys": { "notify:auth": BASE64_URL_SAFE_NO_PAD.encode([9; 16]), "notify:p256dh": *POINT },
    });
    let told = BOB.ask("POST", "/.notifications/WebPushChannel2023", &[LD], body.to_string());
    assert_eq!(told.status, 201, "{told:?}");
    assert_eq!(told.header("location"), told.json()["id"].as_str());
    assert_eq!(told.json()["type"], "notify:WebPushChannel2023");
}

#[test]
fn t_p07_a_push_without_keys_that_something_can_be_encrypted_with_is_refused() {
    let at = document("keyless-push", &for_bob("acl:Read"));
    let auth = BASE64_URL_SAFE_NO_PAD.encode([7; 16]);
    let no_point = BASE64_URL_SAFE_NO_PAD.encode([4; 65]);
    for keys in [
        Value::Null,
        json!({}),
        json!({ "auth": auth }),
        json!({ "auth": "short", "p256dh": *POINT }),
        json!({ "auth": auth, "p256dh": "short" }),
        json!({ "auth": auth, "p256dh": no_point }),
    ] {
        pushed(&BOB, "WebPushChannel2023", &at, &json!({ "keys": keys })).is_problem(422);
    }
}
