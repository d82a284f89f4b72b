//! Channels that ask for more than the protocol has: everything below a container, and filters.

use super::{
    stream::events,
    world::{ALICE, BOB, container, for_bob},
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
