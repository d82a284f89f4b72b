//! Nobody hears what they may not read, from the very answer on that took the right away.

use super::{
    connect::{Socket, opening, receive_from},
    services::subscribe,
    world::{ALICE, BOB, TURTLE, WORLD, container, for_bob, public, until},
};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Instant,
};

/// A container that bob may read, and a socket of his.
fn listening(name: &str) -> (String, Socket) {
    let at = container(name, &for_bob("acl:Read"));
    let mut socket = Socket::of(&subscribe(&BOB, &at));
    ALICE.put(&format!("{at}heard"), "");
    assert_eq!(socket.heard()["type"], "Add");
    (at, socket)
}

#[test]
fn what_comes_after_a_revocation_is_not_told() {
    for round in 0..20 {
        let (at, mut socket) = listening(&format!("revoked-{round}"));
        ALICE.rules(&at, "");
        ALICE.put(&format!("{at}secret"), "");
        assert_eq!(socket.closed(), Some(4403));
        BOB.get(&at).is_problem(403);
    }
}

#[test]
fn nothing_written_beside_a_revocation_is_told_once_that_is_answered() {
    for round in 0..10 {
        let (at, socket) = listening(&format!("raced-{round}"));
        let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (heard, before) = std::thread::scope(|scope| {
            let heard = scope.spawn(move || names_until_closed(socket));
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let (at, stop, written) = (&at, &stop, &written);
                    scope.spawn(move || {
                        let mut begun = Vec::new();
                        while !stop.load(Ordering::SeqCst) {
                            let name = format!("w{writer}-{}", begun.len());
                            begun.push((Instant::now(), name.clone()));
                            ALICE.put(&format!("{at}{name}"), "");
                            written.fetch_add(1, Ordering::SeqCst);
                        }
                        begun
                    })
                })
                .collect();
            until("all write", || written.load(Ordering::SeqCst) > 8);
            ALICE.rules(&at, "");
            let answered = Instant::now();
            // Written for certain after the answer.
            ALICE.put(&format!("{at}secret"), "");
            stop.store(true, Ordering::SeqCst);
            let begun = writers.into_iter().flat_map(|writer| writer.join().unwrap());
            let before: Vec<_> = begun.filter(|(begun, _)| *begun < answered).map(|(_, name)| name).collect();
            (heard.join().unwrap(), before)
        });
        for name in &heard {
            assert!(before.contains(name), "{name} was begun after the answer");
        }
    }
}

/// The last segments of what is added, until the grant is lost.
fn names_until_closed(mut socket: Socket) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        match socket.frame().expect("a close frame comes first") {
            (1, text) => {
                let told: serde_json::Value = serde_json::from_slice(&text).unwrap();
                names.push(told["object"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
            }
            (8, code) => {
                assert_eq!(code[..2], 4403_u16.to_be_bytes());
                return names;
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_made_anew_under_an_old_name_is_another_thing() {
    let at = container("anew", "");
    let path = format!("{at}r");
    ALICE.put(&path, "");
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{}>; acl:accessTo <r>; \
         acl:mode acl:Read, acl:Write, acl:Control. <#b> a acl:Authorization; acl:agent <{}>; acl:accessTo <r>; \
         acl:mode acl:Read.",
        WORLD.webid("ALICE"),
        WORLD.webid("BOB")
    );
    ALICE.put(&format!("{path}.acl"), &acl);
    let mut socket = Socket::of(&subscribe(&BOB, &path));
    assert_eq!(ALICE.ask("DELETE", &path, &[], "").status, 204);
    assert_eq!(socket.heard()["type"], "Delete", "the end of what could be read is told");
    // Without its own rules the new one is under the container's, which say nothing of bob.
    ALICE.put(&path, "<#new> <#is> 1 .");
    assert_eq!(socket.closed(), Some(4403));
}

#[test]
fn groups_are_rules_too() {
    let at = container("grouped", "");
    let group = format!("{at}group");
    let members = |who: Option<&str>| {
        let member =
            who.map(|who| format!("; <http://www.w3.org/2006/vcard/ns#hasMember> <{who}>")).unwrap_or_default();
        format!("<#g> a <http://www.w3.org/2006/vcard/ns#Group>{member} .")
    };
    ALICE.put(&group, &members(Some(WORLD.webid("BOB"))));
    ALICE.rules(&at, &format!("acl:agentGroup <{group}#g>; acl:mode acl:Read"));
    let mut socket = Socket::of(&subscribe(&BOB, &at));
    ALICE.put(&format!("{at}heard"), "");
    assert_eq!(socket.heard()["type"], "Add");
    ALICE.put(&group, &members(None));
    ALICE.put(&format!("{at}secret"), "");
    assert_eq!(socket.closed(), Some(4403));
}

#[test]
fn a_capability_outlives_no_right() {
    let at = container("outlived", &for_bob("acl:Read"));
    let path = receive_from(&subscribe(&BOB, &at));
    ALICE.rules(&at, "");
    let told = WORLD.raw(opening(&path, &[]));
    assert!(matches!(told.status, 403 | 404 | 410), "{told:?}");
}

#[test]
fn members_that_may_not_be_read_are_named_by_their_container_only() {
    let at = container("named", &for_bob("acl:Read"));
    let secret = format!("{at}secret/");
    ALICE.put(&secret, "");
    ALICE.rules(&secret, "");
    let mut socket = Socket::of(&subscribe(&BOB, &at));
    // Nothing of what happens inside reaches whoever may read only the container above.
    ALICE.put(&format!("{secret}x"), "");
    ALICE.put(&format!("{secret}x"), "<#a> <#b> 1 .");
    assert_eq!(ALICE.ask("DELETE", &format!("{secret}x"), &[], "").status, 204);
    ALICE.put(&format!("{at}seen"), "");
    let heard = socket.heard();
    assert_eq!(
        (heard["type"].as_str(), heard["object"].as_str()),
        (Some("Add"), Some(&*WORLD.url(&format!("{at}seen"))))
    );
}

#[test]
fn refused_writes_ring_for_nobody() {
    let at = container("quiet", &public("acl:Read"));
    ALICE.put(&format!("{at}r"), "");
    let mut socket = Socket::of(&subscribe(&BOB, &at));
    BOB.ask("PUT", &format!("{at}x"), &[TURTLE], "").is_problem(403);
    ALICE.ask("PUT", &format!("{at}x"), &[TURTLE], "broken").is_problem(400);
    ALICE.ask("PUT", &format!("{at}r"), &[TURTLE, ("if-match", "\"x\"")], "").is_problem(412);
    ALICE.ask("PUT", &format!("{at}r/x"), &[TURTLE], "").is_problem(409);
    ALICE.ask("POST", &format!("{at}r"), &[TURTLE], "").is_problem(405);
    ALICE.put(&format!("{at}last"), "");
    assert_eq!(socket.heard()["object"], WORLD.url(&format!("{at}last")));
}
