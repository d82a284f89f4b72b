//! Listing, reading and cancelling: §7 of the reference, T-LWS-39 to T-LWS-42.

use super::{
    looking_after::all,
    lws::{
        CONTEXT, ENDPOINT, EVENTS, INBOX, TYPE, WEBHOOK, WEBSOCKET, capability, fact, heard, listed, made, managed,
        socket,
    },
    world::{ALICE, ANYBODY, BOB, WORLD, World, container, for_bob, split},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use std::collections::BTreeSet;

fn topic(name: &str) -> String {
    container(name, &for_bob("acl:Read"))
}

/// LW29, LW31, LW32, R-LWS-23.
#[test]
fn t_lws_39_t_lws_40_who_asks_walks_through_their_own_and_no_others() {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let empty = alice.get(ENDPOINT);
    assert_eq!((&empty.json()["totalItems"], &empty.json()["items"]), (&json!(0), &json!([])));
    assert!(empty.link("first").is_some() && empty.link("next").is_none() && empty.link("prev").is_none());
    let mut all = BTreeSet::new();
    for number in 0..250 {
        let kind = [WEBHOOK, WEBSOCKET, EVENTS][number % 3];
        all.insert(managed(&made(&bob, kind, &["/bob/"])));
    }
    // A channel of another door is none of these.
    super::ears::Listener::from(&bob).subscribe(super::ears::Way::WebSocket, &["/bob/"], json!({}));
    let (mut at, mut found, mut pages) = (ENDPOINT.to_owned(), Vec::new(), 0);
    loop {
        let told = bob.get(&at);
        let body = told.json();
        assert_eq!((told.status, told.header("content-type")), (200, Some("application/lws+json")));
        assert_eq!(
            (&body["@context"], &body["type"], &body["totalItems"]),
            (&json!(CONTEXT), &json!("Container"), &json!(250))
        );
        assert_eq!(body["id"], world.url(ENDPOINT));
        assert_eq!(told.link("type").as_deref(), Some("https://www.w3.org/ns/lws#Container"));
        let first = told.link("first").expect("a first page");
        assert_eq!(bob.get(&split(&first).1).json()["items"][0], bob.get(ENDPOINT).json()["items"][0]);
        found.extend(body["items"].as_array().unwrap().clone());
        (pages, at) = match told.link("next") {
            Some(next) => (pages + 1, split_with_query(&next)),
            None => break,
        };
        assert!(pages > 0 || told.link("prev").is_none());
    }
    assert!(pages >= 2, "{pages}");
    let ids: Vec<_> = found.iter().map(|item| split(item["id"].as_str().unwrap()).1).collect();
    assert_eq!((ids.len(), ids.iter().cloned().collect::<BTreeSet<_>>()), (250, all));
    let item = &found[0];
    assert_eq!(item["type"], json!(["DataResource", "https://www.w3.org/ns/lws#WebhookSubscription"]));
    assert_eq!(item["mediaType"], "application/lws+json");
    assert_eq!(item["size"], bob.get(&ids[0]).body.len());
    assert!(item["modified"].as_str().unwrap().ends_with('Z'));
    assert!(!found.iter().any(|item| item.to_string().contains("/connect/")), "never by capability");
    assert_eq!(alice.get(ENDPOINT).json()["totalItems"], 0);
    for query in ["?after=x", "?after=1", "?after=99999999999999999999999999999999999999999.x", "?page=2"] {
        bob.get(&format!("{ENDPOINT}{query}")).is_problem(400);
    }
}

fn split_with_query(url: &str) -> String {
    split(url).1
}

/// LW30, R-LWS-23.
#[test]
fn t_lws_41_one_is_read_and_cancelled_by_who_made_it() {
    let at = topic("lws-cancelled");
    for kind in [WEBHOOK, WEBSOCKET, EVENTS] {
        let made = made(&BOB, kind, &[&at]);
        let path = managed(&made);
        let told = BOB.get(&path);
        assert_eq!((told.status, told.header("content-type")), (200, Some("application/lws+json")));
        let state = told.json();
        assert_eq!((&state["@context"], &state["type"]), (&json!(CONTEXT), &json!(kind)));
        assert_eq!(state["subscription"], made.header("location").unwrap());
        assert_eq!(state["topic"], json!([WORLD.url(&at)]));
        assert_eq!(state["inbox"], if kind == WEBHOOK { json!(INBOX) } else { json!(null) });
        let tag = told.header("etag").unwrap();
        assert_eq!(BOB.ask("GET", &path, &[("if-none-match", tag)], "").status, 304);
        assert_eq!(BOB.ask("HEAD", &path, &[], "").status, 200);
        assert_eq!(BOB.ask("OPTIONS", &path, &[], "").header("allow"), Some("GET, HEAD, OPTIONS, DELETE"));
        for method in ["PUT", "POST", "PATCH"] {
            BOB.ask(method, &path, &[TYPE], "{}").is_problem(405);
        }
        BOB.ask("DELETE", &path, &[("if-match", "\"another\"")], "").is_problem(412);
        assert!(listed(&BOB).contains(&path));
        assert_eq!(BOB.ask("DELETE", &path, &[("if-match", tag)], "").status, 204);
        BOB.get(&path).is_problem(404);
        BOB.ask("DELETE", &path, &[], "").is_problem(404);
        assert!(!listed(&BOB).contains(&path));
        if kind != WEBHOOK {
            assert!(ANYBODY.get(&capability(&made)).status >= 400);
        }
    }
    let (mut bob, made) = socket(&BOB, &[&at]);
    ALICE.put(&format!("{at}n"), "");
    assert_eq!(heard(&mut bob), fact("Create", format!("{at}n")));
    assert_eq!(BOB.ask("DELETE", &managed(&made), &[], "").status, 204);
    ALICE.put(&format!("{at}n"), "<> a <#x>.");
    assert!(bob.closed().is_some());
}

/// R-LWS-23: to strangers there is none, whatever the id.
#[test]
fn t_lws_42_others_find_nothing_and_end_nothing() {
    let at = "/bob/lws-others/";
    BOB.put(at, "");
    let (mut bob, made) = socket(&BOB, &[at]);
    let path = managed(&made);
    let never = format!("{ENDPOINT}00000000-0000-4000-8000-000000000000");
    for method in ["GET", "HEAD", "DELETE"] {
        let (theirs, none) = (ALICE.ask(method, &path, &[], ""), ALICE.ask(method, &never, &[], ""));
        assert_eq!((theirs.status, &theirs.body), (404, &none.body), "{method}");
        assert_eq!(ANYBODY.ask(method, &path, &[], "").status, 401);
        assert_eq!(ANYBODY.ask(method, &never, &[], "").status, 401);
    }
    assert_eq!(ALICE.get(&format!("{ENDPOINT}nonsense")).status, 404);
    BOB.put(&format!("{at}n"), "");
    assert_eq!(heard(&mut bob), fact("Create", format!("{at}n")));
}

/// R-LWS-23, R-LIFE-5: the owner of a storage sees who listens there, and ends what they like; not where it pushes to.
#[test]
fn the_owner_of_a_storage_sees_and_ends_what_is_there() {
    let at = topic("lws-owner");
    let hook = made(&BOB, WEBHOOK, &[&at]);
    let (mut bob, socket) = socket(&BOB, &[&at]);
    let root = utf8_percent_encode(&WORLD.url("/alice/"), NON_ALPHANUMERIC).to_string();
    for made in [&hook, &socket] {
        let path = managed(made);
        let told = ALICE.get(&path);
        assert_eq!((told.status, told.json().get("inbox")), (200, None));
        assert!(!listed(&ALICE).contains(&path), "only what she made");
        let channel = WORLD.url(&path.replace("/LWS/", "/channels/"));
        let seen = all(&ALICE, &format!("?storage={root}"));
        assert!(seen.iter().any(|entry| entry["id"] == channel), "{channel}");
        assert_eq!(ALICE.ask("DELETE", &path, &[], "").status, 204);
        BOB.get(&path).is_problem(404);
    }
    assert!(bob.closed().is_some());
}
