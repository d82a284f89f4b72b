//! Servers that stop, crash and come again: channels stay, listeners are told to come back, and nothing is lost.

use super::{
    ears::{Ear, Listener, Way},
    events::{tag, version},
    world::{Agent, World, split},
};
use serde_json::json;

/// The ways that come back to a channel.
const WAYS: [Way; 5] = [Way::WebSocket, Way::Events, Way::Lines, Way::Http2Events, Way::Http2Lines];

/// A server of the test's own, alice and bob, and a document of hers that he may read.
fn begin() -> (&'static World, Agent, Agent, String) {
    let world: &'static World = Box::leak(Box::new(World::start(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let at = "/alice/restart/";
    alice.put(at, "");
    alice.rules(at, &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    alice.put(&format!("{at}r"), "");
    (world, alice, bob, format!("{at}r"))
}

/// The same server, started again, with those who log in anew.
fn again(world: &World) -> (&'static World, Agent, Agent) {
    let world: &'static World = Box::leak(Box::new(world.start_again(&[])));
    (world, world.log_in("ALICE"), world.log_in("BOB"))
}

fn state(ear: &mut Ear) -> String {
    let told = ear.next().expect("it goes on");
    version(told.message["state"].as_str().unwrap_or_else(|| panic!("{told:?}"))).to_owned()
}

/// R-WS-6, R-LIFE-6.
#[test]
fn t_w11_t_q08_a_server_that_stops_says_so_and_its_channels_go_on_after() {
    let (world, alice, bob, at) = begin();
    let who = Listener::from(&bob);
    let mut ears: Vec<_> = WAYS.iter().map(|way| (*way, who.listen(*way, &[&at]))).collect();
    let mut ess = who.listen(Way::Ess, &[&at]).1;
    let mut direct = who.listen(Way::Standing, &[&at]).1;
    let heard = tag(&alice.put(&at, "<> a <#1>."));
    let cursor = bob.get(&at).header("podbell-cursor").unwrap().to_owned();
    for (_, (_, ear)) in &mut ears {
        assert_eq!(state(ear), version(&heard));
    }
    ess.told();
    direct.told();
    world.stop("TERM");
    for (way, (_, ear)) in &mut ears {
        assert!(ear.next().is_none(), "{way:?}");
        assert_eq!(ear.code, (*way == Way::WebSocket).then_some(1001));
    }
    assert!(ess.next().is_none() && direct.next().is_none());
    assert_eq!(ess.code, Some(1001));
    let (_again, alice, bob) = again(world);
    let missed = tag(&alice.put(&at, "<> a <#2>."));
    let who = Listener::from(&bob);
    for (way, (place, _)) in &ears {
        let connect = |since| who.connect(*way, place, since).unwrap_or_else(|status| panic!("{way:?}: {status}"));
        assert_eq!(state(&mut connect(Some(&cursor))), version(&missed), "{way:?}");
        let mut ear = connect(None);
        let live = tag(&alice.put(&at, "<> a <#3>."));
        assert_eq!(state(&mut ear), version(&live), "{way:?}");
    }
}

/// The write was answered, so it is told: to who knows an older state, and to who comes back by a cursor.
#[test]
fn t_e26_what_was_answered_just_before_a_crash_is_told_after_it() {
    let (world, alice, bob, at) = begin();
    let who = Listener::from(&bob);
    let known = tag(&bob.get(&at));
    let place = |way, more| split(who.subscribe(way, &[&at], more).json()["receiveFrom"].as_str().unwrap()).1;
    let places: Vec<_> =
        WAYS.iter().map(|way| (*way, place(*way, json!({ "state": known })), place(*way, json!({})))).collect();
    let cursor = bob.get(&at).header("podbell-cursor").unwrap().to_owned();
    let written = tag(&alice.put(&at, "<> a <#1>."));
    world.stop("9");
    let (_again, _, bob) = again(world);
    let who = Listener::from(&bob);
    assert_eq!(version(&tag(&bob.get(&at))), version(&written));
    for (way, by_state, by_cursor) in &places {
        for (place, since) in [(by_state, None), (by_cursor, Some(&*cursor))] {
            let mut ear = who.connect(*way, place, since).unwrap_or_else(|status| panic!("{way:?}: {status}"));
            assert_eq!(state(&mut ear), version(&written), "{way:?} {since:?}");
        }
    }
}
