//! Channels that ask for more than the protocol has: everything below a container, and filters.

use super::{
    ears::{Listener, Way},
    streams::{events, receive_from},
    world::{ALICE, BOB, container, for_bob, unique},
};
use serde_json::json;

#[test]
fn t_z08_everything_below_a_container_is_told_to_those_who_may_read_it() {
    let at = container("below", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}secret/"), "");
    ALICE.rules(&format!("{at}secret/"), "");
    let recursive = json!({ "urn:podbell:terms#recursive": true });
    let (_, mut stream) = events(&BOB, &at, recursive);
    ALICE.put(&format!("{at}secret/x"), "");
    ALICE.put(&format!("{at}a/b/c"), "");
    ALICE.put(&format!("{at}a/b/c"), "<> a <#x>.");
    ALICE.ask("DELETE", &format!("{at}a/b/c"), &[], "");
    let mut told: Vec<_> = (0..3).map(|_| stream.told()).collect();
    told.sort();
    let created = |path: &str| ("Create".to_owned(), format!("{at}{path}"));
    assert_eq!(told, [created("a/"), created("a/b/"), created("a/b/c")]);
    assert_eq!(stream.told(), ("Update".into(), format!("{at}a/b/c")));
    assert_eq!(stream.told(), ("Delete".into(), format!("{at}a/b/c")));
}

/// R-AUTH-4. What is withdrawn below is told no more, then or on coming back, and the rest is.
#[test]
fn t_z08_what_is_withdrawn_below_a_container_is_told_no_more() {
    let recursive = || json!({ "urn:podbell:terms#recursive": true });
    let bob = Listener::from(&*BOB);
    for way in [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines] {
        let at = container(&unique("below-lost"), &for_bob("acl:Read"));
        let (lost, kept) = (format!("{at}in/lost"), format!("{at}kept"));
        for path in [&lost, &kept] {
            ALICE.put(path, "");
        }
        let channel = bob.subscribe(way, &[&at], recursive());
        let place = receive_from(&channel);
        let connect = |since| bob.connect(way, &place, since).unwrap_or_else(|status| panic!("{way:?} {status}"));
        let mut ear = connect(None);
        let cursor = BOB.get(&at).header("podbell-cursor").unwrap().to_owned();
        ALICE.put(&lost, "<> a <#Seen>.");
        assert_eq!(ear.told(), ("Update".into(), lost.clone()), "{way:?}");
        ALICE.rules(&format!("{at}in/"), "");
        ALICE.put(&lost, "<> a <#Secret>.");
        ALICE.put(&format!("{at}in/secret"), "");
        ALICE.put(&kept, "<> a <#Other>.");
        assert_eq!(ear.told(), ("Update".into(), kept.clone()), "{way:?}");
        // Nor what could be heard then: it is judged by now as well.
        assert_eq!(connect(Some(&cursor)).told(), ("Update".into(), kept.clone()), "{way:?}");
        ALICE.rules(&at, "");
        ALICE.put(&kept, "<> a <#Secret>.");
        assert!(ear.next().is_none(), "{way:?}");
        assert_eq!(ear.code, (way == Way::WebSocket).then_some(4403));
    }
}

#[test]
fn filters_choose_by_type_and_by_who_did_it() {
    let at = container("filtered", &for_bob("acl:Read, acl:Write"));
    let (_, mut added) = events(&BOB, &at, json!({ "activityType": "Remove" }));
    let (_, mut others) = events(&BOB, &at, json!({ "urn:podbell:terms#notCausedByMe": true }));
    BOB.put(&format!("{at}mine"), "");
    ALICE.put(&format!("{at}hers"), "");
    ALICE.ask("DELETE", &format!("{at}hers"), &[], "");
    assert_eq!(added.told(), ("Remove".into(), format!("{at}hers")));
    assert_eq!(others.told(), ("Add".into(), format!("{at}hers")));
}
