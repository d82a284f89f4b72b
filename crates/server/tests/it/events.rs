//! What is told of every change, over every transport: §6, Events, of the reference of the notifications protocol.
//!
//! A listener hears what happens, and then a change of which the test knows: between the two is all that there was.

use super::{
    ears::{Ear, Listener, Told, Way},
    world::{ALICE, ANYBODY, BOB, Reply, TURTLE, WORLD, container, for_bob, split},
};

/// What was done, and what is told of it: types and names below the container.
type Case<'a> = (&'a str, &'a dyn Fn(&str), &'a [(&'a str, &'a str)]);

const N3: (&str, &str) = ("content-type", "text/n3");

/// The version that an entity-tag begins with: what all representations of one state share.
pub(super) fn version(tag: &str) -> &str {
    tag.trim_matches('"').split(['.', '-']).next().unwrap()
}

/// An `ETag` that is told.
#[track_caller]
pub(super) fn tag(told: &Reply) -> String {
    told.header("etag").unwrap_or_else(|| panic!("{told:?}")).to_owned()
}

pub(super) fn patch(path: &str, statement: &str) -> Reply {
    let patch = format!(
        "@prefix solid: <http://www.w3.org/ns/solid/terms#>. [] a solid:InsertDeletePatch; solid:inserts {{ {statement} }} ."
    );
    ALICE.ask("PATCH", path, &[N3], patch)
}

/// All that is told until a last change of the topic.
fn until_last(ear: &mut Ear, topic: &str, last: &str) -> Vec<Told> {
    let mut heard = Vec::new();
    loop {
        let told = ear.next().expect("it goes on");
        let is_last = if topic.ends_with('/') {
            told.object == format!("{topic}last")
        } else {
            told.message["state"].as_str().is_some_and(|state| version(state) == last)
        };
        if is_last {
            return heard;
        }
        heard.push(told);
    }
}

/// What bob hears of a topic in every way, while something is done: the same in each.
pub(super) fn heard(at: &str, name: &str, act: impl FnOnce()) -> Vec<Told> {
    let topic = format!("{at}{name}");
    let mut ears: Vec<_> =
        Way::SOLID.iter().map(|way| (way, Listener::from(&*BOB).listen(*way, &[&topic]).1)).collect();
    act();
    let last = if topic.ends_with('/') { format!("{topic}last") } else { topic.clone() };
    let last = tag(&ALICE.put(&last, "<> a <#Last> ."));
    if topic.ends_with('/') {
        assert_eq!(ALICE.ask("DELETE", &format!("{topic}last"), &[], "").status, 204);
    }
    let mut all: Vec<_> = ears.iter_mut().map(|(way, ear)| (*way, until_last(ear, &topic, version(&last)))).collect();
    let (_, first) = all.remove(0);
    for (way, others) in &all {
        let fields = |told: &Told| (told.message["id"].clone(), told.message["state"].clone());
        let compared = |told: &Vec<Told>| told.iter().map(fields).collect::<Vec<_>>();
        assert_eq!(compared(others), compared(&first), "{way:?} hears the same");
    }
    first
}

/// That so much is told of a topic, and nothing else.
fn check(what: &str, topic: &str, cases: &[Case<'_>]) {
    let at = container(what, &for_bob("acl:Read"));
    for (number, (case, act, expected)) in cases.iter().enumerate() {
        let at = format!("{at}{number}/");
        ALICE.put(&at, "");
        ALICE.put(&format!("{at}r"), "");
        ALICE.put(&format!("{at}c/child"), "");
        let told: Vec<_> = heard(&at, topic, || act(&at)).into_iter().map(|told| (told.kind, told.object)).collect();
        let expected: Vec<_> =
            expected.iter().map(|(kind, name)| ((*kind).to_owned(), format!("{at}{name}"))).collect();
        assert_eq!(told, expected, "{case}");
    }
}

fn put(path: &str) {
    ALICE.put(path, "<> a <#x> .");
}

fn delete(path: &str) {
    assert_eq!(ALICE.ask("DELETE", path, &[], "").status, 204, "{path}");
}

/// R-EVT-1.
#[test]
fn t_e01_what_comes_to_be_is_a_create() {
    check("e01", "x", &[("PUT", &|at| put(&format!("{at}x")), &[("Create", "x")])]);
}

/// R-EVT-1, R-EVT-2.
#[test]
fn t_e02_t_e03_t_e09_t_e11_t_e12_what_changes_is_an_update() {
    let cases: &[Case<'_>] = &[
        ("T-E02, PUT", &|at| put(&format!("{at}r")), &[("Update", "r")]),
        ("T-E03, PATCH", &|at| assert_eq!(patch(&format!("{at}r"), "<#a> <#b> 1").status, 204), &[("Update", "r")]),
        ("T-E09, the same bytes", &|at| drop(ALICE.put(&format!("{at}r"), "")), &[("Update", "r")]),
        ("T-E11, its description", &|at| describe(&format!("{at}r")), &[("Update", "r"), ("Update", "r")]),
        ("T-E12, its rules", &|at| rule(&format!("{at}r")), &[]),
    ];
    check("e02", "r", cases);
}

fn describe(path: &str) {
    ALICE.put(&format!("{path}.meta"), &format!("<{}> <#says> 1 .", WORLD.url(path)));
    assert_eq!(patch(&format!("{path}.meta"), &format!("<{}> <#says> 2", WORLD.url(path))).status, 204);
}

/// Rules that leave everybody what they had: written, written again, and deleted.
fn rule(path: &str) {
    let acl = |who: &str, modes: &str, number: u32| {
        let at = WORLD.url(path);
        format!("<#{number}> a acl:Authorization; acl:agent <{who}>; acl:accessTo <{at}>; acl:mode {modes} .\n")
    };
    let owner = acl(WORLD.webid("ALICE"), "acl:Read, acl:Write, acl:Control", 1);
    let bob = acl(WORLD.webid("BOB"), "acl:Read", 2);
    for more in ["", "# again"] {
        ALICE.put(
            &format!("{path}.acl"),
            &format!("@prefix acl: <http://www.w3.org/ns/auth/acl#>.\n{owner}{bob}{more}"),
        );
    }
    delete(&format!("{path}.acl"));
}

/// R-EVT-1, R-EVT-6.
#[test]
fn t_e04_the_end_is_a_delete_and_has_no_state() {
    let at = container("e04", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}r"), "");
    let told = heard(&at, "r", || delete(&format!("{at}r")));
    // What stands there last is a life of its own.
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].kind, told[0].message.get("state")), ("Delete", None));
}

/// R-EVT-1, R-EVT-6, R-EVT-7, R-AUTH-3.
#[test]
fn t_e05_t_e06_a_container_tells_who_joins_and_who_leaves() {
    let at = container("e05", &for_bob("acl:Read"));
    let mut location = String::new();
    let mut states = Vec::new();
    let told = heard(&at, "", || {
        let made = ALICE.ask("POST", &at, &[TURTLE], "");
        location = split(made.header("location").unwrap()).1;
        states.push(tag(&ALICE.get(&at)));
        delete(&location);
        states.push(tag(&ALICE.get(&at)));
    });
    assert_eq!(told.len(), 2);
    for ((told, kind), state) in told.iter().zip(["Add", "Remove"]).zip(states) {
        assert_eq!((&*told.kind, &*told.object), (kind, &*location));
        assert_eq!(told.message["target"], WORLD.url(&at));
        assert_eq!(version(told.message["state"].as_str().unwrap()), version(&state), "the container's state");
        assert_eq!(told.message.get("origin"), None);
    }
}

/// R-EVT-1, R-EVT-3, R-EVT-4.
#[test]
fn t_e07_t_e08_t_e24_a_container_tells_of_its_members_alone() {
    let cases: &[Case<'_>] = &[
        ("T-E07, a member that changes", &|at| put(&format!("{at}c/child")), &[]),
        ("a member that is described", &|at| describe(&format!("{at}c/child")), &[]),
        ("the rules of a member", &|at| rule(&format!("{at}c/child")), &[]),
        ("T-E08, containers on the way", &|at| put(&format!("{at}c/x/y/z.ttl")), &[("Add", "c/x/")]),
        (
            "inside a member",
            &|at| {
                put(&format!("{at}c/x/y"));
                delete(&format!("{at}c/x/y"));
            },
            &[("Add", "c/x/")],
        ),
    ];
    check("e07", "c/", cases);
    // Each container on the way has a Create of its own, and no Add.
    let way: &[Case<'_>] = &[("T-E08, for itself", &|at| put(&format!("{at}n/y/z.ttl")), &[("Create", "n/")])];
    check("e08", "n/", way);
}

/// R-EVT-1.
#[test]
fn t_e24_a_container_that_is_deleted_is_told_of_and_removed() {
    let at = container("e24", &for_bob("acl:Read"));
    let bob = Listener::from(&*BOB);
    for way in Way::SOLID {
        ALICE.put(&format!("{at}c/"), "");
        let (mut itself, mut above) = (bob.listen(way, &[&format!("{at}c/")]).1, bob.listen(way, &[&at]).1);
        delete(&format!("{at}c/"));
        assert_eq!(itself.told(), ("Delete".into(), format!("{at}c/")), "{way:?}");
        let told = above.next().unwrap();
        assert_eq!((&*told.kind, told.object), ("Remove", format!("{at}c/")), "{way:?}");
        assert_eq!(told.message["target"], WORLD.url(&at));
    }
}

/// R-EVT-2.
#[test]
fn t_e10_what_is_refused_or_fails_is_not_told() {
    let fails = |at: &str| {
        for name in ["r", "c/new", "c/child"] {
            let path = format!("{at}{name}");
            BOB.ask("PUT", &path, &[TURTLE], "").is_problem(403);
            ANYBODY.ask("DELETE", &path, &[], "").is_problem(401);
            ALICE.ask("PUT", &path, &[TURTLE, ("if-match", "\"x\"")], "").is_problem(412);
            ALICE.ask("PUT", &path, &[TURTLE], "broken").is_problem(400);
        }
        ALICE.ask("PUT", &format!("{at}r"), &[TURTLE, ("if-none-match", "*")], "").is_problem(412);
        ALICE.ask("PUT", &format!("{at}r/x"), &[TURTLE], "").is_problem(409);
        ALICE.ask("DELETE", &format!("{at}c/"), &[], "").is_problem(409);
        ALICE.ask("POST", &format!("{at}r"), &[TURTLE], "").is_problem(405);
        assert_eq!((ALICE.get(at).status, BOB.get(&format!("{at}r")).status), (200, 200), "reading is no change");
    };
    check("e10", "r", &[("T-E10", &fails, &[])]);
    check("e10c", "c/", &[("T-E10", &fails, &[])]);
}

/// R-EVT-2.
#[test]
fn t_e25_changes_are_told_in_their_order() {
    let changes = |at: &str| {
        put(&format!("{at}r"));
        put(&format!("{at}r"));
        delete(&format!("{at}r"));
    };
    let cases: &[Case<'_>] = &[("T-E25", &changes, &[("Update", "r"), ("Update", "r"), ("Delete", "r")])];
    check("e25", "r", cases);
}

/// R-EVT-2.
#[test]
fn t_e23_two_channels_on_one_topic_are_told_once_each() {
    let at = container("e23", &for_bob("acl:Read"));
    ALICE.put(&format!("{at}r"), "");
    for way in Way::SOLID {
        let mut ears = [0, 1].map(|_| Listener::from(&*BOB).listen(way, &[&format!("{at}r")]).1);
        put(&format!("{at}r"));
        let last = tag(&ALICE.put(&format!("{at}r"), ""));
        for ear in &mut ears {
            let told = until_last(ear, &format!("{at}r"), version(&last));
            assert_eq!(told.len(), 1, "{way:?} {told:?}");
        }
    }
}
