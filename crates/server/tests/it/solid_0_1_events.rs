//! What `solid-0.1` publishes of every change: the last column of §5 of its reference, row by row, and the forum's story
//! (§8) on a socket beside a channel.

use super::{
    ears::{Listener, Way},
    events::patch,
    lines::Client,
    world::{ALICE, ANYBODY, BOB, TURTLE, WORLD, container, for_bob},
};

/// What was done, and which names are published of it.
type Row<'a> = (&'a str, &'a dyn Fn(&str), &'a [&'a str]);

/// What was done, how often the container is published for it, and what a channel tells of it: a type and a name.
type Chapter<'a> = (&'a dyn Fn(), usize, Option<(&'a str, &'a str)>);

/// Every name that a row may touch, below the container of its own.
const NAMES: &[&str] = &["", "r", "r.acl", "r.meta", "new", "x/", "x/f", "c/", "c/child"];

fn put(path: &str) {
    ALICE.put(path, "<> a <#x> .");
}

fn delete(path: &str) {
    assert_eq!(ALICE.ask("DELETE", path, &[], "").status, 204, "{path}");
}

fn fails(method: &str, path: &str, headers: &[(&str, &str)], status: u16) {
    assert_eq!(ALICE.ask(method, path, headers, "").status, status, "{method} {path}");
}

#[test]
fn t_lg5_every_change_is_published_once_to_whom_it_concerns() {
    let rows: &[Row<'_>] = &[
        ("PUT creates", &|at| put(&format!("{at}new")), &["", "new"]),
        ("PUT updates", &|at| put(&format!("{at}r")), &["", "r"]),
        ("PATCH updates", &|at| assert!(patch(&format!("{at}r"), "<> a <#y> .").status < 300), &["", "r"]),
        ("DELETE", &|at| delete(&format!("{at}r")), &["", "r"]),
        ("POST", &|at| assert_eq!(ALICE.ask("POST", at, &[TURTLE, ("slug", "new")], "").status, 201), &["", "new"]),
        ("PUT of a document in a container that is missing", &|at| put(&format!("{at}x/f")), &["", "x/", "x/f"]),
        ("PUT in a container below", &|at| put(&format!("{at}c/child")), &["c/", "c/child"]),
        ("DELETE in a container that stays", &|at| delete(&format!("{at}c/child")), &["c/", "c/child"]),
        (
            "DELETE of a container",
            &|at| {
                delete(&format!("{at}c/child"));
                delete(&format!("{at}c/"));
            },
            &["", "c/", "c/", "c/child"],
        ),
        ("a precondition fails", &|at| fails("PUT", &format!("{at}r"), &[TURTLE, ("if-none-match", "*")], 412), &[]),
        ("a container is not empty", &|at| fails("DELETE", &format!("{at}c/"), &[], 409), &[]),
        ("nothing is there", &|at| fails("DELETE", &format!("{at}none"), &[], 404), &[]),
        ("nobody may", &|at| assert_eq!(ANYBODY.ask("PUT", &format!("{at}new"), &[TURTLE], "").status, 401), &[]),
        ("a PATCH fails", &|at| assert_eq!(patch(&format!("{at}r"), "<> a").status, 400), &[]),
        ("it is read", &|at| assert_eq!(ALICE.get(&format!("{at}r")).status, 200), &[]),
        ("an ACL is made", &|at| drop(ALICE.put(&format!("{at}r.acl"), &own(&format!("{at}r")))), &["r.acl"]),
        (
            "an ACL is deleted",
            &|at| {
                ALICE.put(&format!("{at}r.acl"), &own(&format!("{at}r")));
                delete(&format!("{at}r.acl"));
            },
            &["r.acl", "r.acl"],
        ),
    ];
    let at = container("lines-rows", &for_bob("acl:Read"));
    for (number, (what, act, expected)) in rows.iter().enumerate() {
        let at = format!("{at}{number}/");
        ALICE.put(&format!("{at}r"), "");
        ALICE.put(&format!("{at}c/child"), "");
        let mut client = Client::open(&ALICE);
        for name in NAMES {
            client.sub(&format!("{at}{name}"));
        }
        assert_eq!(client.publishes(&at, || act(&at)), *expected, "{what}");
    }
}

fn own(of: &str) -> String {
    let (owner, of) = (WORLD.webid("ALICE"), WORLD.url(of));
    format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#owner> a acl:Authorization; acl:agent <{owner}>; \
         acl:accessTo <{of}>; acl:mode acl:Read, acl:Write, acl:Control ."
    )
}

/// Deployed servers compute a parent that does not exist here.
#[test]
fn what_is_directly_in_the_root_publishes_the_root() {
    WORLD.pod(&["create", "lines-root", "--owner", WORLD.webid("ALICE")]);
    let mut client = Client::open(&ALICE);
    for name in ["", "r"] {
        client.sub(&format!("/lines-root/{name}"));
    }
    for act in [put, put, delete] {
        assert_eq!(client.publishes("/lines-root/", || act("/lines-root/r")), ["", "r"]);
    }
}

#[test]
fn a_topic_that_is_missing_is_heard_when_it_comes_and_when_it_comes_again() {
    let at = container("lines-missing", &for_bob("acl:Read"));
    let mut client = Client::open(&BOB);
    client.sub(&format!("{at}r"));
    for act in [put, delete, put] {
        assert_eq!(client.publishes(&at, || act(&format!("{at}r"))), ["r"]);
    }
}

#[test]
fn the_story_of_the_forum_on_a_socket_beside_a_channel() {
    let at = container("lines-story", &for_bob("acl:Read"));
    let mut client = Client::open(&BOB);
    client.sub(&at);
    let (_, mut channel) = Listener::from(&*BOB).listen(Way::WebSocket, &[&at]);
    let file = format!("{at}my_folder/my_file");
    let story: &[Chapter<'_>] = &[
        (&|| put(&file), 1, Some(("Add", "my_folder/"))),
        (&|| put(&file), 0, None),
        (&|| delete(&file), 0, None),
        (&|| delete(&format!("{at}my_folder/")), 1, Some(("Remove", "my_folder/"))),
        (&|| put(&format!("{at}child")), 1, Some(("Add", "child"))),
        (&|| put(&format!("{at}child")), 1, None),
        (&|| drop(ALICE.put(&format!("{at}child.acl"), &own(&format!("{at}child")))), 0, None),
    ];
    for (number, (act, published, told)) in story.iter().enumerate() {
        assert_eq!(client.publishes(&at, act), vec![""; *published], "{number}");
        if let Some((kind, name)) = told {
            assert_eq!(channel.told(), ((*kind).to_owned(), format!("{at}{name}")), "{number}");
        }
    }
    // Where a channel was to be silent, the next that it told would not have been the next of the story.
    put(&format!("{at}last"));
    assert_eq!(channel.told(), ("Add".to_owned(), format!("{at}last")));
}
