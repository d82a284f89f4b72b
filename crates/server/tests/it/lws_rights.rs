//! Who hears what: §5 of the reference, T-LWS-24 to T-LWS-29. What is judged is always the object of the activity.
//!
//! That nothing is told is shown by what is told next.

use super::{
    ears::{Listener, N1, Way},
    events::patch,
    lws::{fact, heard, listed, managed, socket},
    world::{ALICE, BOB, LD, WORLD, container, for_bob, until},
};
use serde_json::json;

/// A container that bob may read, with `a` and `d/b` in it.
fn tree(name: &str) -> String {
    let at = container(name, &for_bob("acl:Read"));
    ALICE.put(&format!("{at}a"), "");
    ALICE.put(&format!("{at}d/b"), "");
    at
}

/// Rules by which bob reads a container itself, and nothing in it.
fn reads_itself_alone(at: &str) {
    let (url, alice, bob) = (WORLD.url(at), WORLD.webid("ALICE"), WORLD.webid("BOB"));
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>.
         <#owner> a acl:Authorization; acl:agent <{alice}>; acl:accessTo <{url}>; acl:default <{url}>;
             acl:mode acl:Read, acl:Write, acl:Control.
         <#bob> a acl:Authorization; acl:agent <{bob}>; acl:accessTo <{url}>; acl:mode acl:Read."
    );
    ALICE.put(&format!("{at}.acl"), &acl);
}

/// LW23, R-LWS-15.
#[test]
fn t_lws_24_what_may_not_be_read_is_silent_where_a_solid_channel_tells_of_membership() {
    let at = tree("lws-secret");
    reads_itself_alone(&at);
    let (mut bob, _) = socket(&BOB, &[&at]);
    let (_, mut solid) = Listener::from(&*BOB).listen(Way::WebSocket, &[&at]);
    let secret = format!("{at}secret");
    ALICE.put(&secret, "");
    ALICE.put(&secret, "<> a <#x>.");
    ALICE.ask("DELETE", &secret, &[], "");
    assert!(patch(&at, "<> a <#x> .").status < 300);
    assert_eq!(heard(&mut bob), fact("Update", &*at));
    assert_eq!([solid.told(), solid.told()], [fact("Add", &*secret), fact("Remove", &*secret)]);
}

/// LW24.
#[test]
fn t_lws_25_what_is_lost_falls_silent_and_the_rest_goes_on() {
    let at = tree("lws-part");
    let (mut bob, made) = socket(&BOB, &[&at]);
    ALICE.put(&format!("{at}d/b"), "<> a <#1>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{at}d/b")));
    ALICE.rules(&format!("{at}d/"), "");
    ALICE.put(&format!("{at}d/b"), "<> a <#2>.");
    ALICE.put(&format!("{at}a"), "<> a <#2>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{at}a")));
    assert!(listed(&BOB).contains(&managed(&made)));
    // What is given back is heard again.
    ALICE.rules(&format!("{at}d/"), &for_bob("acl:Read"));
    ALICE.put(&format!("{at}d/b"), "<> a <#3>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{at}d/b")));
}

/// LW24.
#[test]
fn t_lws_25_of_several_topics_those_that_are_left_go_on() {
    let (at, other) = (tree("lws-one-topic"), tree("lws-other-topic"));
    let (mut bob, made) = socket(&BOB, &[&at, &other]);
    ALICE.rules(&at, "");
    ALICE.put(&format!("{at}a"), "<> a <#2>.");
    ALICE.put(&format!("{other}a"), "<> a <#2>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{other}a")));
    until("the topic is gone", || BOB.get(&managed(&made)).json()["topic"] == json!([WORLD.url(&other)]));
}

/// LW24, R-LWS-23.
#[test]
fn t_lws_26_who_lost_everything_has_no_subscription() {
    let (at, other) = (tree("lws-all-1"), tree("lws-all-2"));
    let (mut bob, made) = socket(&BOB, &[&at, &other]);
    ALICE.rules(&at, "");
    ALICE.rules(&other, "");
    ALICE.put(&format!("{at}a"), "<> a <#2>.");
    assert_eq!(bob.closed(), Some(4403));
    until("it is gone", || BOB.get(&managed(&made)).status == 404);
    assert!(!listed(&BOB).contains(&managed(&made)));
    assert_eq!(BOB.ask("DELETE", &managed(&made), &[], "").status, 404);
}

/// R-LWS-14: what waits to be sent is judged again. A rate makes it wait.
#[test]
fn t_lws_27_what_was_withdrawn_before_it_was_sent_is_not_sent() {
    let (at, other) = (tree("lws-waits"), tree("lws-goes-on"));
    let (mut bob, made) = socket(&BOB, &[&at, &other]);
    let channel = managed(&made).replace("/LWS/", "/channels/");
    let renewed = BOB.ask("POST", &channel, &[LD], json!({ "@context": N1, "rate": "PT1S" }).to_string());
    assert_eq!(renewed.status, 200, "{renewed:?}");
    ALICE.put(&format!("{at}a"), "<> a <#1>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{at}a")));
    ALICE.put(&format!("{at}a"), "<> a <#2>.");
    ALICE.rules(&at, "");
    // The second of these waits for longer than what was withdrawn.
    ALICE.put(&format!("{other}a"), "<> a <#1>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{other}a")));
    ALICE.put(&format!("{other}a"), "<> a <#2>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{other}a")));
}

/// R-LWS-14.
#[test]
fn t_lws_28_what_could_not_be_read_when_it_happened_is_never_told() {
    let at = tree("lws-later");
    ALICE.rules(&format!("{at}d/"), "");
    let (mut bob, _) = socket(&BOB, &[&at]);
    ALICE.put(&format!("{at}d/b"), "<> a <#1>.");
    ALICE.rules(&format!("{at}d/"), &for_bob("acl:Read"));
    ALICE.put(&format!("{at}a"), "<> a <#1>.");
    assert_eq!(heard(&mut bob), fact("Update", format!("{at}a")));
}

/// R-AUTH-2, R-LWS-14.
#[test]
fn t_lws_29_a_deletion_is_judged_by_the_rules_just_before_it() {
    let at = tree("lws-own-rules");
    reads_itself_alone(&at);
    let path = format!("{at}a");
    let (url, alice, bob) = (WORLD.url(&path), WORLD.webid("ALICE"), WORLD.webid("BOB"));
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>.
         <#owner> a acl:Authorization; acl:agent <{alice}>; acl:accessTo <{url}>;
             acl:mode acl:Read, acl:Write, acl:Control.
         <#bob> a acl:Authorization; acl:agent <{bob}>; acl:accessTo <{url}>; acl:mode acl:Read."
    );
    ALICE.put(&format!("{path}.acl"), &acl);
    let (mut container, _) = socket(&BOB, &[&at]);
    let (mut alone, made) = socket(&BOB, &[&path]);
    ALICE.ask("DELETE", &path, &[], "");
    assert_eq!(heard(&mut container), fact("Delete", &*path));
    assert_eq!(heard(&mut alone), fact("Delete", &*path));
    // What has the name next is nothing that he may read.
    ALICE.put(&path, "");
    assert!(patch(&at, "<> a <#x> .").status < 300);
    assert_eq!(heard(&mut container), fact("Update", &*at));
    until("it is gone with its last topic", || BOB.get(&managed(&made)).status == 404);
}
