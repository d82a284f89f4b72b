//! Nobody hears what they may not read, from the very answer on that took the right away.

use super::{
    connect::{Socket, opening, receive_from},
    ears::{Ear, Listener, Way},
    services::subscribe,
    streams::document,
    world::{ALICE, BOB, WORLD, container, for_bob, unique, until},
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

/// The ACL of a document `r` that alice may do everything with and bob may read.
fn of_its_own() -> String {
    format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{}>; acl:accessTo <r>; \
         acl:mode acl:Read, acl:Write, acl:Control. <#b> a acl:Authorization; acl:agent <{}>; acl:accessTo <r>; \
         acl:mode acl:Read.",
        WORLD.webid("ALICE"),
        WORLD.webid("BOB")
    )
}

/// R-AUTH-1.
#[test]
fn t_z01_what_comes_after_a_revocation_is_not_told() {
    for round in 0..20 {
        let (at, mut socket) = listening(&format!("revoked-{round}"));
        ALICE.rules(&at, "");
        ALICE.put(&format!("{at}secret"), "");
        assert_eq!(socket.closed(), Some(4403));
        BOB.get(&at).is_problem(403);
    }
}

/// R-AUTH-1, on every transport that names what is added.
#[test]
fn nothing_written_beside_a_revocation_is_told_once_that_is_answered() {
    const WAYS: [Way; 8] = [
        Way::WebSocket,
        Way::Events,
        Way::Lines,
        Way::Standing,
        Way::Http2Events,
        Way::Http2Lines,
        Way::Lws,
        Way::LwsEvents,
    ];
    for round in 0..10 {
        let at = container(&format!("raced-{round}"), &for_bob("acl:Read"));
        let ears = WAYS.map(|way| Listener::from(&*BOB).listen(way, &[&at]).1);
        let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (heard, before) = std::thread::scope(|scope| {
            let heard = ears.map(|ear| scope.spawn(move || names_until_closed(ear)));
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
            (heard.map(|heard| heard.join().unwrap()), before)
        });
        for (way, (names, code)) in WAYS.iter().zip(heard) {
            assert_eq!(code, way.farewell(), "{way:?}");
            for name in &names {
                assert!(before.contains(name), "{way:?}: {name} was begun after the answer");
            }
        }
    }
}

/// The last segments of what is added, until the grant is lost; and how that was said.
fn names_until_closed(mut ear: Ear) -> (Vec<String>, Option<u16>) {
    let mut names = Vec::new();
    while let Some(told) = ear.next() {
        names.push(told.object.rsplit('/').next().unwrap().to_owned());
    }
    (names, ear.code)
}

/// R-AUTH-2.
#[test]
fn t_z06_what_is_made_anew_under_an_old_name_is_another_thing() {
    let at = container("anew", "");
    let path = format!("{at}r");
    ALICE.put(&path, "");
    let acl = of_its_own();
    ALICE.put(&format!("{path}.acl"), &acl);
    let mut socket = Socket::of(&subscribe(&BOB, &path));
    assert_eq!(ALICE.ask("DELETE", &path, &[], "").status, 204);
    assert_eq!(socket.heard()["type"], "Delete", "the end of what could be read is told");
    // Without its own rules the new one is under the container's, which say nothing of bob.
    ALICE.put(&path, "<#new> <#is> 1 .");
    assert_eq!(socket.closed(), Some(4403));
}

/// R-AUTH-1.
#[test]
fn t_z03_a_capability_outlives_no_right() {
    let at = container("outlived", &for_bob("acl:Read"));
    let path = receive_from(&subscribe(&BOB, &at));
    ALICE.rules(&at, "");
    let told = WORLD.raw(opening(&path, &[]));
    assert!(matches!(told.status, 403 | 404 | 410), "{told:?}");
}

/// R-AUTH-3.
#[test]
fn t_z07_members_that_may_not_be_read_are_named_by_their_container_only() {
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

/// R-AUTH-1: who loses the right and has it again is told anew, of what comes, through a new subscription.
#[test]
fn t_z05_who_has_access_again_subscribes_again() {
    for way in Way::ALL {
        let at = document(&unique("again"), &for_bob("acl:Read"));
        let (above, bob) = (at.strip_suffix('r').unwrap(), Listener::from(&*BOB));
        let (place, mut ear) = bob.listen(way, &[&at]);
        ALICE.rules(above, "");
        ALICE.put(&at, "<> a <#Secret>.");
        assert!(ear.next().is_none(), "{way:?}");
        ALICE.rules(above, &for_bob("acl:Read"));
        if way.has_channel() {
            assert!(bob.connect(way, &place, None).is_err(), "{way:?}: the old channel has ended");
        }
        let mut ear = bob.listen(way, &[&at]).1;
        ALICE.put(&at, "<> a <#Open>.");
        assert_eq!(ear.told(), (way.word("Update").into(), at.clone()), "{way:?}");
    }
}

/// R-AUTH-2: the rules just before it decide who hears of a deletion, on every transport.
#[test]
fn t_z06_a_deletion_is_told_to_who_could_read_what_is_deleted() {
    for way in Way::ALL {
        let at = document(&unique("deleted"), "");
        let acl = of_its_own();
        ALICE.put(&format!("{at}.acl"), &acl);
        let mut ear = Listener::from(&*BOB).listen(way, &[&at]).1;
        assert_eq!(ALICE.ask("DELETE", &at, &[], "").status, 204);
        let told = ear.next().unwrap_or_else(|| panic!("{way:?}"));
        assert_eq!((&*told.kind, &*told.object), (way.word("Delete"), &*at), "{way:?}");
        assert!(told.message.get("state").is_none());
        assert!(ear.next().is_none(), "{way:?}: the rules that are left say nothing of bob");
    }
}

/// R-AUTH-3: who may read the container is told of the member, and of nothing in it.
#[test]
fn t_z07_a_container_names_a_member_that_may_not_be_read() {
    for way in Way::SOLID {
        let at = container(&unique("secretive"), &for_bob("acl:Read"));
        let secret = format!("{at}secret");
        let bob = Listener::from(&*BOB);
        let mut above = bob.listen(way, &[&at]).1;
        ALICE.put(&secret, "");
        assert_eq!(above.told(), ("Add".into(), secret.clone()), "{way:?}");
        let mut itself = bob.listen(way, &[&secret]).1;
        let owner = WORLD.webid("ALICE");
        let acl = format!(
            "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{owner}>; \
             acl:accessTo <secret>; acl:mode acl:Read, acl:Write, acl:Control."
        );
        ALICE.put(&format!("{secret}.acl"), &acl);
        ALICE.put(&secret, "<> a <#x>.");
        assert_eq!(ALICE.ask("DELETE", &secret, &[], "").status, 204);
        assert!(itself.next().is_none(), "{way:?}");
        assert_eq!(above.told(), ("Remove".into(), secret), "{way:?}");
    }
}
