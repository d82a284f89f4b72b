//! How many topics a channel may have. The case T-X14: its two hundred topics are more than the 128 that a server takes
//! by default, so that is tried where the setting says two hundred.

use super::{
    connect::{Socket, receive_from},
    services::{N1, SERVICE, TYPE},
    world::{ALICE, Agent, BOB, LD, Reply, TURTLE, WORLD, World, container, for_bob},
};
use serde_json::json;
use std::collections::BTreeSet;

/// Asks for a channel on numbered resources of a container.
fn subscribe(agent: &Agent, at: &str, count: usize) -> Reply {
    let topics: Vec<_> = (0..count).map(|number| agent.world.url(&format!("{at}{number}"))).collect();
    let body = json!({ "@context": [N1], "type": TYPE, "topic": topics });
    agent.ask("POST", SERVICE, &[LD], body.to_string())
}

/// R-REQ-6.
#[test]
fn a_channel_has_as_many_topics_as_the_setting_says_and_no_more() {
    let at = container("many-topics", &for_bob("acl:Read"));
    let told = subscribe(&BOB, &at, 128);
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.json()["topic"].as_array().unwrap().len(), 128);
    let told = subscribe(&BOB, &at, 129);
    assert_eq!(told.is_problem(422).json()["limit"], 128, "{told:?}");
    let topics: Vec<_> = (0..129).map(|number| WORLD.url(&format!("{at}{number}"))).collect();
    let gateway = |topics: &[String]| {
        let body = json!({ "topic": topics }).to_string();
        BOB.ask("POST", "/.notifications/ess/", &[("content-type", "application/json")], body)
    };
    assert_eq!(gateway(&topics[..128]).status, 200);
    gateway(&topics).is_problem(422);
}

#[test]
fn t_x14_two_hundred_topics_are_told_of_over_one_socket() {
    let world = &*Box::leak(Box::new(World::start(&[("PODBELL_LIMITS_TOPICS_PER_CHANNEL", "200")])));
    let owner = world.log_in("ALICE");
    let at = "/alice/many/";
    let channel = subscribe(&owner, at, 200);
    assert_eq!(channel.json()["topic"].as_array().unwrap().len(), 200);
    let mut socket = Socket::try_open(world, &receive_from(&channel), &[]).unwrap().0;
    for number in 0..200 {
        let told = owner.ask("PUT", &format!("{at}{number}"), &[TURTLE], "");
        assert_eq!(told.status, 201, "{told:?}");
    }
    let heard: BTreeSet<_> = (0..200)
        .map(|_| {
            let told = socket.heard();
            assert_eq!(told["type"], "Create");
            told["object"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(heard, (0..200).map(|number| world.url(&format!("{at}{number}"))).collect());
    assert_eq!(subscribe(&owner, at, 201).is_problem(422).json()["limit"], 200);
    assert_eq!(ALICE.get("/alice/").status, 200, "the other server goes on");
}
