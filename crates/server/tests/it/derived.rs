//! What clients derive instead of discovering it: the place of a stream from its topic, that of a rule from a link.

use super::world::{ALICE, ANYBODY, BOB, WORLD, container, for_bob, split};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// CA-16: applications put the type and the encoded topic behind the origin, or behind the root of the storage.
#[test]
fn ca16_a_stream_is_found_below_the_origin_and_below_its_storage() {
    let at = container("derived", &for_bob("acl:Read"));
    let topic = utf8_percent_encode(&WORLD.url(&at), NON_ALPHANUMERIC).to_string();
    for kind in ["StreamingHTTPChannel2023", "EventSourceChannel2023"] {
        for root in ["/", "/alice/"] {
            for end in ["", "/"] {
                let place = format!("{root}.notifications/{kind}/{topic}{end}");
                let head = BOB.ask("HEAD", &place, &[], "");
                assert_eq!((head.status, head.body.len()), (200, 0), "{place}");
                ANYBODY.get(&place).is_problem(401);
                ALICE.ask("POST", &place, &[], "").is_problem(405);
            }
        }
        // Only there: elsewhere an encoded slash is no part of a name.
        BOB.get(&format!("{at}.notifications/{kind}/{topic}")).is_problem(400);
        BOB.get(&format!("/alice/.notifications/{kind}/{topic}/{topic}")).is_problem(400);
        BOB.get(&format!("/alice/.notifications/Unknown/{topic}")).is_problem(400);
    }
}

/// CA-19 wants no comma in a target; where the name has one, a target without it would be another resource's.
#[test]
fn ca19_a_name_with_a_comma_is_linked_to_its_own_rules() {
    let at = container("comma", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}a,b"), "");
    let told = ALICE.get(&format!("{at}a,b"));
    for (rel, suffix) in [("acl", ".acl"), ("describedby", ".meta")] {
        assert_eq!(told.link(rel), Some(WORLD.url(&format!("{at}a,b{suffix}"))));
    }
    ALICE.rules(&format!("{at}a,b"), "");
    let rules = ALICE.get(&split(&told.link("acl").unwrap()).1);
    assert_eq!(rules.status, 200, "{rules:?}");
    BOB.get(&format!("{at}a,b")).is_problem(403);
    let stream = told.link("http://www.w3.org/ns/solid/terms#updatesViaStreamingHttp2023").unwrap();
    assert!(stream.ends_with("a%2Cb"), "{stream}");
    let storage = told.link("http://www.w3.org/ns/solid/terms#storageDescription").unwrap();
    assert!(!storage.contains(','), "{storage}");
}
