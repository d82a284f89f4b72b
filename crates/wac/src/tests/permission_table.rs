//! Which request is let in with which modes on the container and on the resource, existing or not.

use super::world::{World, agent, iri};
use crate::{Access, Modes, Place, Refusal};

const C: &str = "/c/";
const R: &str = "/c/r";
const N: &str = "/c/d/";
const NEW: &str = "/c/d/r";

/// Method, target, modes on `/c/` itself, modes on everything below it, and whether it is let in when the target
/// exists and when it does not. Modes: `r`ead, `w`rite, `a`ppend, `c`ontrol.
const TABLE: &[(&str, &str, &str, &str, bool, bool)] = &[
    ("GET", R, "", "", false, false),
    ("GET", R, "", "r", true, true),
    ("GET", R, "r", "", false, false),
    ("GET", R, "rwac", "wac", false, false),
    ("GET", C, "r", "", true, true),
    ("GET", C, "", "r", false, false),
    ("GET", C, "wac", "", false, false),
    ("PUT", R, "", "", false, false),
    ("PUT", R, "", "w", true, false),
    ("PUT", R, "a", "w", true, true),
    ("PUT", R, "w", "w", true, true),
    ("PUT", R, "w", "", false, false),
    ("PUT", R, "a", "a", false, false),
    ("PUT", R, "w", "ra", false, false),
    ("PUT", R, "r", "rw", true, false),
    ("PUT", R, "c", "c", false, false),
    ("PUT", NEW, "a", "w", true, true),
    ("PUT", NEW, "r", "w", true, false),
    ("PUT", NEW, "a", "a", false, false),
    ("PUT", N, "a", "w", true, true),
    ("PUT", N, "", "w", true, false),
    ("POST", C, "a", "", true, true),
    ("POST", C, "w", "", true, true),
    ("POST", C, "r", "rwac", false, false),
    ("POST", C, "c", "", false, false),
    ("POST", R, "w", "r", false, false),
    ("POST", R, "", "a", true, true),
    ("PATCH +", R, "", "a", true, false),
    ("PATCH +", R, "a", "a", true, true),
    ("PATCH +", R, "w", "w", true, true),
    ("PATCH +", R, "rwac", "r", false, false),
    ("PATCH +", NEW, "a", "a", true, true),
    ("PATCH +", NEW, "", "w", true, false),
    ("PATCH ?+", R, "a", "a", false, false),
    ("PATCH ?+", R, "a", "ra", true, true),
    ("PATCH ?-", R, "a", "ra", false, false),
    ("PATCH ?-", R, "a", "w", false, false),
    ("PATCH ?-", R, "a", "rw", true, true),
    ("PATCH", R, "a", "", false, false),
    ("DELETE", R, "w", "w", true, false),
    ("DELETE", R, "", "w", false, false),
    ("DELETE", R, "w", "", false, false),
    ("DELETE", R, "a", "w", false, false),
    ("DELETE", R, "w", "ra", false, false),
    ("DELETE", R, "r", "r", false, true),
    ("DELETE", R, "c", "c", false, false),
    ("DELETE", R, "rw", "rw", true, true),
    ("DELETE", N, "w", "w", false, false),
    ("DELETE", N, "w", "rw", true, false),
    ("DELETE", C, "rw", "", false, false),
    ("GET", "/c/r.acl", "rwa", "rwa", false, false),
    ("GET", "/c/r.acl", "", "c", true, true),
    ("PUT", "/c/r.acl", "", "c", true, true),
    ("DELETE", "/c/r.acl", "", "c", true, true),
    ("PATCH +", "/c/.acl", "rwa", "c", false, false),
    ("PATCH +", "/c/.acl", "c", "", true, true),
    ("GET", "/c/r.meta", "", "r", true, true),
    ("PUT", "/c/r.meta", "", "a", false, false),
    ("PUT", "/c/r.meta", "", "w", true, true),
    ("PATCH +", "/c/r.meta", "", "a", true, true),
    ("DELETE", "/c/r.meta", "", "w", true, false),
];

fn turtle_modes(modes: &str) -> String {
    let names = modes.chars().map(|mode| match mode {
        'r' => "acl:Read",
        'w' => "acl:Write",
        'a' => "acl:Append",
        _ => "acl:Control",
    });
    names.collect::<Vec<_>>().join(",")
}

fn world(own: &str, below: &str, agent: &str) -> World {
    let rule = |name: &str, property: &str, modes: &str| match modes {
        "" => String::new(),
        modes => {
            format!("<#{name}> a acl:Authorization; {property} <./>; {agent}; acl:mode {}.\n", turtle_modes(modes))
        }
    };
    World::new(&[("/c/", &(rule("own", "acl:accessTo", own) + &rule("below", "acl:default", below)))])
}

fn access(method: &str, target: &str, exists: bool) -> Access {
    let resource = iri(target);
    let place = if exists { Place::Exists } else { Place::Absent { nearest: iri(C) } };
    match method {
        "GET" => Access::Read { resource },
        "PUT" => Access::Put { resource, place },
        "POST" => Access::Post { container: resource },
        "DELETE" => Access::Delete { resource, exists },
        patch => {
            let parts = patch.chars().map(|part| match part {
                '+' => Modes::APPEND,
                '-' => Modes::READ | Modes::WRITE,
                '?' => Modes::READ,
                _ => Modes::NONE,
            });
            Access::Patch { resource, place, modes: parts.collect() }
        }
    }
}

#[test]
fn each_request_is_let_in_by_the_modes_that_it_needs() {
    for (method, target, own, below, existing, absent) in TABLE {
        let row = format!("{method} {target} with [{own}] on the container and [{below}] below");
        for (exists, expected) in [(true, *existing), (false, *absent)] {
            let row = format!("{row}, exists: {exists}");
            let private = world(own, below, "acl:agent a:alice");
            let let_in =
                |world: &World, name: &str| world.authorize(&agent(name), access(method, target, exists)).map(|_| ());
            let forbidden = if expected { Ok(()) } else { Err(Refusal::Forbidden) };
            let unauthenticated = if expected { Ok(()) } else { Err(Refusal::Unauthenticated) };
            assert_eq!(let_in(&private, "alice"), forbidden, "{row}");
            assert_eq!(let_in(&private, "bob"), Err(Refusal::Forbidden), "{row}, by another");
            assert_eq!(let_in(&private, ""), Err(Refusal::Unauthenticated), "{row}, by the public");
            assert_eq!(let_in(&world(own, below, "acl:agentClass foaf:Agent"), ""), unauthenticated, "{row}, public");
        }
    }
}

#[test]
fn a_permit_carries_what_it_rests_on() {
    let world = world("a", "w", "acl:agent a:alice");
    let permitted = world.authorize(&agent("alice"), access("PUT", NEW, false)).unwrap();
    let depends_on: Vec<_> = permitted.permit().depends_on().iter().map(|iri| iri.path().to_owned()).collect();
    assert_eq!(depends_on, ["/c/.acl", "/c/d/.acl", "/c/d/r.acl"]);
    assert_eq!(permitted.permit().permitted_as_of().0, 7);
    assert_eq!(permitted.permit().decision(&iri("/c/d/r.meta")).unwrap().user, Modes::WRITE);
    assert!(permitted.permit().decision(&iri("/elsewhere")).is_none());
}
