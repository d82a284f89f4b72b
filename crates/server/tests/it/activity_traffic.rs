//! `/.notifications/traffic/`: how much changed and was delivered, for the owner of a storage.

use super::{
    activity::{ALICE, BOB, about},
    ears::{Listener, Way},
    hooks::Hook,
    world::{Agent, Reply, until},
};
use podbell_model::Timestamp;
use podbell_test_client::receiver::Receiver;

fn traffic(agent: &Agent, root: &str) -> Reply {
    let told = agent.get(&about(agent, "traffic", root, ""));
    assert_eq!(told.status, 200, "{told:?}");
    told
}

/// Changes and deliveries of the last hour.
fn sums(agent: &Agent, root: &str) -> (u64, u64) {
    let minutes = traffic(agent, root).json()["minutes"].as_array().unwrap().clone();
    let sum = |name: &str| minutes.iter().map(|minute| minute[name].as_u64().unwrap()).sum();
    (sum("changes"), sum("deliveries"))
}

#[test]
fn an_hour_is_told_minute_by_minute_with_those_in_which_nothing_happened() {
    let told = traffic(&ALICE, "/alice/");
    assert_eq!(told.header("cache-control"), Some("no-store"));
    assert!(told.header("content-type").unwrap().starts_with("application/ld+json"));
    let minutes = told.json()["minutes"].as_array().unwrap().clone();
    assert_eq!(minutes.len(), 60);
    let at: Vec<Timestamp> = minutes.iter().map(|minute| minute["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(at.windows(2).all(|pair| pair[1].as_second() - pair[0].as_second() == 60), "{at:?}");
    assert!(minutes[0]["at"].as_str().unwrap().ends_with(":00Z"));
    assert!((Timestamp::now().as_second() - at[59].as_second()) < 120);
    assert_eq!((&minutes[0]["changes"], &minutes[0]["deliveries"]), (&0.into(), &0.into()));
}

/// Both storages are written to by nobody else here: the tests of `activity` share no storage with this one.
#[test]
fn changes_count_where_they_are_made_and_deliveries_where_what_they_tell_of_is() {
    let world: &'static super::world::World = Box::leak(Box::new(super::world::World::trusting(&[])));
    let (alice, bob) = (world.log_in("ALICE"), world.log_in("BOB"));
    let at = "/alice/traffic/";
    alice.put(at, "");
    alice.rules(at, &format!("acl:agent <{}>; acl:mode acl:Read", world.webid("BOB")));
    let doc = format!("{at}d");
    alice.put(&doc, "");
    let (before, none) = sums(&alice, "/alice/");
    let (his, _) = sums(&bob, "/bob/");
    assert_eq!(none, 0);
    let listener = Listener::from(&bob);
    let mut ears: Vec<_> =
        [Way::WebSocket, Way::Events, Way::Lines, Way::Ess].map(|way| listener.listen(way, &[&doc]).1).into();
    let receiver = Receiver::willing().unwrap();
    let hook = Hook::new(&bob, &[&doc], receiver);
    for number in 0..3 {
        alice.put(&doc, &format!("<> <#is> {number} ."));
        for ear in &mut ears {
            ear.told();
        }
    }
    hook.told(3);
    until("all is counted", || sums(&alice, "/alice/").1 >= 15);
    assert_eq!(sums(&alice, "/alice/"), (before + 3, 15), "four connections and a receiver");
    assert_eq!(sums(&bob, "/bob/"), (his, 0), "nothing of whoever listens");
    alice.rules(at, "");
    let (rules, _) = sums(&alice, "/alice/");
    assert_eq!(rules, before + 4, "rules are in the log too");
    alice.put(&doc, "<> a <#Secret>.");
    assert_eq!(sums(&alice, "/alice/"), (rules + 1, 15), "what is kept back is no delivery");
    assert_eq!(sums(&BOB, "/bob/").1, 0);
}
