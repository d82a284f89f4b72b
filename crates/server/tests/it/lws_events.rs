//! What a subscription tells: §3 of the reference, T-LWS-16 to T-LWS-23, T-LWS-30 and T-LWS-31.
//!
//! That nothing is told is shown by what is told next.

use super::{
    events::patch,
    lws::{CONTEXT, WEBSOCKET, fact, heard, made, short, socket},
    world::{ALICE, ANYBODY, BOB, TURTLE, WORLD, container, for_bob},
};
use podbell_model::Timestamp;
use serde_json::{Value, json};

/// A container that bob may read, with `a` and `d/b` in it.
fn tree(name: &str) -> String {
    let at = container(name, &for_bob("acl:Read"));
    ALICE.put(&format!("{at}a"), "");
    ALICE.put(&format!("{at}d/b"), "");
    at
}

fn delete(path: &str) {
    let told = ALICE.ask("DELETE", path, &[], "");
    assert!(told.status < 300, "{told:?}");
}

/// LW08 to LW15, LW21, R-LWS-18.
#[test]
fn t_lws_16_t_lws_17_t_lws_18_a_container_tells_of_everything_below_it() {
    let at = tree("lws-below");
    let (mut bob, _) = socket(&BOB, &[&at]);
    ALICE.put(&format!("{at}n"), "");
    ALICE.put(&format!("{at}d/b"), "<> a <#x>.");
    delete(&format!("{at}d/b"));
    let told = [bob.heard(), bob.heard(), bob.heard()];
    let expected =
        [fact("Create", format!("{at}n")), fact("Update", format!("{at}d/b")), fact("Delete", format!("{at}d/b"))];
    assert_eq!(told.each_ref().map(short), expected);
    let [create, update, delete] = told.map(|envelope| envelope["activity"].clone());
    assert_eq!((&create["target"], create.get("origin")), (&json!(WORLD.url(&at)), None));
    assert_eq!((update.get("target"), update.get("origin")), (None, None));
    assert_eq!((&delete["origin"], delete.get("target")), (&json!(WORLD.url(&format!("{at}d/"))), None));
}

/// R-LWS-18.
#[test]
fn t_lws_19_a_container_of_its_own_changes() {
    let at = tree("lws-container");
    let (mut bob, _) = socket(&BOB, &[&at]);
    assert!(patch(&at, "<> a <#x> .").status < 300);
    let told = bob.heard();
    assert_eq!(short(&told), fact("Update", &*at));
    assert_eq!(told["activity"]["object"]["type"], json!(["Container"]));
}

/// LW21.
#[test]
fn t_lws_20_a_resource_tells_of_itself_alone() {
    let at = tree("lws-alone");
    let (mut bob, _) = socket(&BOB, &[&format!("{at}a")]);
    ALICE.put(&format!("{at}x"), "");
    ALICE.put(&format!("{at}a"), "<> a <#x>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{at}a")));
}

/// R-LWS-16.
#[test]
fn t_lws_21_a_name_that_only_begins_alike_is_not_below() {
    let at = tree("lws-prefix");
    ALICE.put(&format!("{at}foo/"), "");
    let (mut bob, _) = socket(&BOB, &[&format!("{at}foo/")]);
    ALICE.put(&format!("{at}foo2/x"), "");
    ALICE.put(&format!("{at}foo/x"), "");
    assert_eq!(heard(&mut bob), fact("Create", format!("{at}foo/x")));
}

/// R-LWS-17.
#[test]
fn t_lws_22_topics_that_overlap_tell_once() {
    let at = tree("lws-overlap");
    let (mut bob, _) = socket(&BOB, &[&at, &format!("{at}a"), &format!("{at}d/")]);
    ALICE.put(&format!("{at}a"), "<> a <#x>.");
    ALICE.put(&format!("{at}d/b"), "<> a <#x>.");
    ALICE.put(&format!("{at}last"), "");
    let told = [heard(&mut bob), heard(&mut bob), heard(&mut bob)];
    let expected =
        [fact("Update", format!("{at}a")), fact("Update", format!("{at}d/b")), fact("Create", format!("{at}last"))];
    assert_eq!(told, expected);
}

/// LW06 to LW14, R-LWS-5, R-LWS-6, R-LWS-8.
#[test]
fn t_lws_23_an_envelope_has_the_members_of_the_draft_and_no_others() {
    let at = tree("lws-shape");
    let (mut bob, _) = socket(&BOB, &[&at]);
    let (mut other, _) = socket(&BOB, &[&format!("{at}a")]);
    ALICE.put(&format!("{at}a"), "<> a <#x>.");
    let told = bob.heard();
    assert_eq!(told, other.heard(), "the same in every subscription");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&told), "@context activity storage type");
    assert_eq!(told["@context"], json!([CONTEXT, "https://www.w3.org/ns/activitystreams"]));
    assert_eq!(told["type"], "Notification");
    assert_eq!(told["storage"], WORLD.url("/alice/.notifications/LWS/storage"));
    let activity = &told["activity"];
    assert_eq!(keys(activity), "id object published type", "no actor");
    assert_eq!(activity["type"], json!(["Update"]));
    assert_eq!(activity["object"], json!({ "id": WORLD.url(&format!("{at}a")), "type": ["DataResource"] }));
    assert!(activity["id"].as_str().unwrap().starts_with("urn:uuid:"));
    let published = activity["published"].as_str().unwrap();
    assert!(published.len() == 24 && published.ends_with('Z') && published.parse::<Timestamp>().is_ok(), "{published}");
}

/// R-LWS-18.
#[test]
fn t_lws_30_each_resource_on_the_way_has_an_activity_of_its_own() {
    let at = tree("lws-deep");
    let (mut bob, _) = socket(&BOB, &[&at]);
    ALICE.put(&format!("{at}p/q/r"), "");
    for path in ["p/q/r", "p/q/", "p/"] {
        delete(&format!("{at}{path}"));
    }
    let told: Vec<_> = (0..6).map(|_| heard(&mut bob)).collect();
    let all = ["Create p/", "Create p/q/", "Create p/q/r", "Delete p/q/r", "Delete p/q/", "Delete p/"];
    let expected = all.map(|fact| fact.split_once(' ').unwrap());
    assert_eq!(told, expected.map(|(kind, path)| fact(kind, format!("{at}{path}"))));
    // What holds something is not deleted at a stroke; nothing is told of the attempt.
    let refused = ALICE.ask("DELETE", &at, &[("depth", "infinity")], "");
    assert!(refused.status >= 400, "{refused:?}");
    ALICE.put(&format!("{at}last"), "");
    assert_eq!(heard(&mut bob), fact("Create", format!("{at}last")));
}

/// R-EVT-4, R-LWS-18.
#[test]
fn t_lws_31_what_did_not_happen_and_policy_are_not_told() {
    let at = tree("lws-nothing");
    let (mut bob, _) = socket(&BOB, &[&at]);
    let path = format!("{at}a");
    for (agent, method, headers, body) in [
        (&*BOB, "PUT", &[TURTLE][..], "<> a <#refused>."),
        (&*ANYBODY, "DELETE", &[], ""),
        (&*ALICE, "PUT", &[TURTLE], "this is no Turtle"),
        (&*ALICE, "PUT", &[TURTLE, ("if-match", "\"never\"")], "<> a <#x>."),
        (&*ALICE, "PUT", &[TURTLE, ("if-none-match", "*")], "<> a <#x>."),
    ] {
        let told = agent.ask(method, &path, headers, body);
        assert!(told.status >= 400, "{told:?}");
    }
    ALICE.rules(&at, &for_bob("acl:Read, acl:Append"));
    ALICE.put(&format!("{at}last"), "");
    assert_eq!(heard(&mut bob), fact("Create", format!("{at}last")));
}

/// LW14: the draft advises against it, so it is asked for in the settings.
#[test]
fn who_made_a_change_is_told_only_where_the_settings_say_so() {
    let settings = [("PODBELL_LWS_ACTOR", "true")];
    let world: &'static super::world::World = Box::leak(Box::new(super::world::World::start(&settings)));
    let alice = world.log_in("ALICE");
    let made = made(&alice, WEBSOCKET, &["/alice/"]);
    let path = super::lws::capability(&made);
    let (mut heard, _) = super::socket::Socket::try_open(world, &path, &[]).unwrap_or_else(|status| panic!("{status}"));
    alice.put("/alice/x", "");
    assert_eq!(heard.heard()["activity"]["actor"], world.webid("ALICE"));
}
