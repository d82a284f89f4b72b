//! `/.notifications/activity/`: what changed lately in a storage, for its owner.

use super::{
    activity::{ALICE, BOB, all, entries, first, shown},
    world::Agent,
};
use serde_json::Value;

/// A container of alice, in which bob may do as `modes` says.
fn container(alice: &Agent, path: &str, modes: &str) {
    alice.put(path, "");
    alice.rules(path, &format!("acl:agent <{}>; acl:mode {modes}", alice.world.webid("BOB")));
}

#[test]
fn what_changed_is_told_newest_first_in_the_words_of_each_resource() {
    let at = "/alice/lately-words/";
    container(&ALICE, at, "acl:Read, acl:Write");
    BOB.put(&format!("{at}a"), "");
    ALICE.put(&format!("{at}a"), "<> a <#x>.");
    ALICE.put(&format!("{at}deep/b"), "");
    assert_eq!(ALICE.ask("DELETE", &format!("{at}a"), &[], "").status / 100, 2);
    let page = first(&ALICE, "/alice/", "&limit=7");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.header("content-type").unwrap().starts_with("application/ld+json"));
    assert_eq!(page.json()["@context"]["@vocab"], "urn:podbell:terms#");
    assert_eq!(
        shown(&ALICE, "/alice/", at),
        ["Delete a", "Create deep/b", "Create deep/", "Update a", "Create a", "Create "],
        "each once, with what was made on the way, and nothing of rules"
    );
    let found = all(&ALICE, "/alice/", 100);
    let (alice, bob) = (ALICE.world.webid("ALICE"), ALICE.world.webid("BOB"));
    let of = |kind: &str, name: &str| -> Value {
        let object = ALICE.world.url(&format!("{at}{name}"));
        found.iter().find(|entry| entry["type"] == kind && entry["object"] == *object).unwrap().clone()
    };
    assert_eq!(of("Create", "a")["actor"], bob);
    assert_eq!(of("Delete", "a")["actor"], alice);
    assert!(of("Create", "a")["id"].as_str().unwrap().starts_with("urn:uuid:"));
    let told = |kind: &str, name: &str| of(kind, name)["published"].as_str().unwrap().to_owned();
    assert!(told("Create", "a") <= told("Update", "a") && told("Update", "a") <= told("Delete", "a"));
    assert!(told("Create", "a").ends_with('Z'));
}

#[test]
fn pages_go_back_without_a_gap_while_more_happens() {
    let at = "/alice/lately-pages/";
    ALICE.put(at, "");
    for number in 0..7 {
        ALICE.put(&format!("{at}{number}"), "");
    }
    let mut page = first(&ALICE, "/alice/", "&limit=2");
    let mut found = entries(&page);
    while let Some(next) = page.link("next") {
        ALICE.put(&format!("{at}meanwhile"), "<> a <#x>.");
        page = ALICE.get(&super::world::split(&next).1);
        assert_eq!(page.status, 200, "{page:?}");
        found.extend(entries(&page));
        if found.len() > 40 {
            break;
        }
    }
    let below = ALICE.world.url(at);
    let named = |entry: &Value| entry["object"].as_str().and_then(|iri| iri.strip_prefix(&below)).map(str::to_owned);
    let named: Vec<_> = found.iter().filter_map(named).filter(|name| name.len() == 1).collect();
    assert_eq!(named, ["6", "5", "4", "3", "2", "1", "0"]);
    let mut ids: Vec<_> = found.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), found.len(), "nothing twice");
}

/// Promise 1, by the rules of now: decision 4 for what is gone.
#[test]
fn what_the_owner_may_not_read_herself_is_not_shown() {
    let at = "/alice/lately-own/";
    container(&ALICE, at, "acl:Read");
    for name in ["kept", "hidden"] {
        ALICE.put(&format!("{at}{name}"), "");
    }
    let hidden = format!("{at}hidden");
    let only_control = |path: &str| {
        let (webid, iri) = (ALICE.world.webid("ALICE"), ALICE.world.url(path));
        let acl = format!(
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>.\n<#own> a acl:Authorization; acl:accessTo <{iri}>;
             acl:agent <{webid}>; acl:mode acl:Write, acl:Control."
        );
        ALICE.put(&format!("{path}.acl"), &acl);
    };
    assert_eq!(shown(&ALICE, "/alice/", at), ["Create hidden", "Create kept", "Create "]);
    only_control(&hidden);
    ALICE.put(&hidden, "<> a <#Secret>.");
    assert_eq!(shown(&ALICE, "/alice/", at), ["Create kept", "Create "], "neither before nor after");
    // By the rules of then: what happened while she could not read it stays unseen.
    assert!(ALICE.ask("DELETE", &format!("{hidden}.acl"), &[], "").status < 300);
    ALICE.put(&hidden, "<> a <#Open>.");
    assert_eq!(shown(&ALICE, "/alice/", at), ["Update hidden", "Create hidden", "Create kept", "Create "]);
    // The end of a life, under rules of its own, and another life of the name.
    only_control(&hidden);
    assert!(ALICE.ask("DELETE", &hidden, &[], "").status < 300);
    assert_eq!(shown(&ALICE, "/alice/", at), ["Create kept", "Create "], "its last rules hold");
    ALICE.put(&hidden, "");
    assert_eq!(
        shown(&ALICE, "/alice/", at),
        ["Create hidden", "Create kept", "Create "],
        "creating the name again opens nothing old"
    );
}

/// A request looks at a thousand records at most, and says where to go on; what is shown stays complete.
#[test]
fn what_is_hidden_costs_a_request_no_more_than_a_part_of_the_log() {
    let at = "/bob/lately-bound/";
    BOB.put(at, "");
    let secret = format!("{at}secret");
    BOB.put(&secret, "");
    let (webid, iri) = (BOB.world.webid("BOB"), BOB.world.url(&secret));
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>.\n<#own> a acl:Authorization; acl:accessTo <{iri}>;
         acl:agent <{webid}>; acl:mode acl:Write, acl:Control."
    );
    BOB.put(&format!("{secret}.acl"), &acl);
    for number in 0..1_050 {
        BOB.put(&secret, &format!("<> <#is> {number} ."));
    }
    let page = first(&BOB, "/bob/", "");
    assert!(entries(&page).is_empty() && page.link("next").is_some(), "{page:?}");
    assert_eq!(shown(&BOB, "/bob/", at), ["Create "], "and all of it is found in the end");
}
