//! `Updates-Via`: every answer about a resource leads to the legacy socket, and an agent's to one that speaks for it.

use super::{
    socket::opening,
    world::{ALICE, ANYBODY, Agent, BOB, Reply, TURTLE, WORLD, World, container, for_bob, public},
};

/// The socket on the host of a name.
fn socket(name: &str) -> String {
    let url = WORLD.url(name);
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    format!("ws://{host}/.notifications/solid-0.1")
}

/// The capability in an answer to an agent.
#[track_caller]
fn capability(told: &Reply, name: &str) -> String {
    let via = told.header("updates-via").unwrap_or_else(|| panic!("{told:?}"));
    let capability = via.strip_prefix(&socket(name)).and_then(|rest| rest.strip_prefix('/'));
    capability.filter(|rest| rest.len() > 100 && !rest.contains('/')).unwrap_or_else(|| panic!("{via}")).to_owned()
}

fn keeps_apart(told: &Reply) -> bool {
    told.all("vary").iter().flat_map(|line| line.split(',')).any(|name| name.trim() == "Authorization")
}

#[test]
fn t_d18_every_answer_about_a_resource_leads_to_the_legacy_socket() {
    let at = container("updates-via", &public("acl:Read"));
    let private = container("updates-via-private", "");
    let (doc, new) = (format!("{at}doc"), format!("{at}new"));
    let etag = ALICE.put(&doc, "").header("etag").unwrap().to_owned();
    let bare = socket("/alice/");
    for (method, path, headers, status) in [
        ("GET", &*doc, &[][..], 200),
        ("HEAD", &doc, &[], 200),
        ("OPTIONS", &doc, &[], 204),
        ("GET", &at, &[], 200),
        ("GET", &doc, &[("if-none-match", &*etag)], 304),
        ("GET", &doc, &[("accept", "image/png")], 406),
        ("GET", &new, &[], 404),
        ("GET", &private, &[], 401),
        ("GET", &format!("{private}x"), &[], 401),
        ("PUT", &new, &[TURTLE], 401),
        ("GET", &doc, &[("authorization", "DPoP x")], 401),
        ("GET", "/alice/.well-known/solid", &[], 200),
        ("POST", "/alice/.well-known/solid", &[], 405),
    ] {
        let told = ANYBODY.ask(method, path, headers, "");
        assert_eq!(told.status, status, "{method} {path}: {told:?}");
        assert_eq!(told.header("updates-via"), Some(&*bare), "{method} {path}: {told:?}");
        assert!(keeps_apart(&told), "{told:?}");
        let exposed = told.header("access-control-expose-headers").unwrap_or_default();
        assert!(exposed.contains("Updates-Via"), "{exposed}");
    }
    let mut told = Vec::new();
    for (agent, method, path, headers, status) in [
        (&*ALICE, "GET", &*doc, &[][..], 200),
        (&ALICE, "HEAD", &doc, &[], 200),
        (&ALICE, "GET", &doc, &[("if-none-match", &*etag)], 304),
        (&ALICE, "PUT", &new, &[TURTLE], 201),
        (&ALICE, "PUT", &new, &[TURTLE], 204),
        (&ALICE, "PUT", &new, &[TURTLE, ("if-none-match", "*")], 412),
        (&ALICE, "GET", "/alice/absent", &[], 404),
        (&ALICE, "DELETE", &new, &[], 204),
        (&BOB, "GET", &private, &[], 403),
        (&BOB, "GET", &doc, &[], 200),
    ] {
        let answer = agent.ask(method, path, headers, "");
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let caching = answer.header("cache-control").unwrap_or_default().to_owned();
        assert!(["private", "no-store"].contains(&&*caching), "{method} {path}: {caching}");
        assert!(keeps_apart(&answer), "{answer:?}");
        told.push(capability(&answer, path));
    }
    // One for each agent, whatever is asked.
    assert!(told[..8].iter().all(|one| *one == told[0]) && told[8] == told[9], "{told:?}");
    assert_ne!(told[0], told[9]);
    assert_eq!(ANYBODY.get(&doc).header("cache-control"), None);
}

#[test]
fn a_capability_is_of_one_agent_and_one_storage_and_tells_neither() {
    let of = |agent: &Agent, name: &str| capability(&agent.get(name), name);
    let all = [of(&ALICE, "/alice/"), of(&ALICE, "/bob/"), of(&BOB, "/alice/"), of(&BOB, "/bob/")];
    for (place, one) in all.iter().enumerate() {
        assert!(all[..place].iter().all(|other| other[..20] != one[..20]), "{all:?}");
    }
    assert_eq!(of(&BOB, "/alice/absent"), all[2]);
    let again = WORLD.log_in("BOB");
    assert_eq!(of(&again, "/alice/"), all[2], "a new token is no new agent");
}

#[test]
fn no_capability_is_logged() {
    let at = container("updates-via-log", &for_bob("acl:Read"));
    let capability = capability(&BOB.get(&at), &at);
    for path in [
        format!("/.notifications/solid-0.1/{capability}"),
        format!("/.notifications/%73olid-0.1/{capability}?x"),
        format!("/.notifications/solid-0.1%2F{capability}"),
    ] {
        ANYBODY.get(&path);
    }
    ANYBODY.get("/alice/updates-via-log-ends");
    super::world::until("what was asked is logged", || WORLD.log().contains("updates-via-log-ends"));
    assert!(!WORLD.log().contains(&capability[..40]));
}

#[test]
fn what_is_no_resource_of_a_storage_leads_nowhere() {
    for path in ["/.notifications/WebSocketChannel2023/", "/nobody/x", "/.notifications/sender"] {
        for agent in [&*ANYBODY, &*ALICE] {
            assert_eq!(agent.get(path).header("updates-via"), None, "{path}");
        }
    }
}

#[test]
fn switched_off_nothing_leads_there_and_nothing_is_there() {
    let world: &'static World = Box::leak(Box::new(World::start(&[("PODBELL_SOLID_0_1_ENABLED", "false")])));
    let alice = world.log_in("ALICE");
    for told in [alice.get("/alice/"), alice.ask("OPTIONS", "/alice/", &[], "")] {
        assert_eq!((told.header("updates-via"), told.header("cache-control")), (None, None), "{told:?}");
    }
    for path in ["/.notifications/solid-0.1", "/.notifications/solid-0.1/x"] {
        world.raw(opening(path, &[])).is_problem(404);
    }
    world.stop("9");
}
