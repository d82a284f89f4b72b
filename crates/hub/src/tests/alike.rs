//! Whether it is pulled or pushed, a channel hears the same.

use super::world::*;
use crate::{Channel, Filter, Leave, What};
use proptest::prelude::*;

const RESOURCES: [&str; 6] = ["/a", "/c/", "/c/x", "/c/d/", "/c/d/e", "/b/y"];
/// Objects below recursive topics, and no topics themselves.
const ACLS: [&str; 2] = ["/c/x", "/c/d/e"];
const PEOPLE: [&[&str]; 2] = [&["alice", "bob"], &["alice"]];
const CHANNELS: [(&str, bool, &[&str]); 4] = [
    ("alice", false, &["/a", "/c/x", "/c/"]),
    ("alice", false, &["/c/d/", "/b/y", "/b/"]),
    ("bob", true, &["/c/"]),
    ("bob", true, &["/c/", "/c/d/", "/a"]),
];

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Delete(usize),
    Allow(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..RESOURCES.len()).prop_map(Step::Write),
        2 => (0..RESOURCES.len()).prop_map(Step::Delete),
        2 => (0..ACLS.len(), 0..PEOPLE.len()).prop_map(|(acl, people)| Step::Allow(acl, people)),
    ]
}

/// What is owed and may be told, in the words that a listener hears.
async fn told(world: &World, channel: &Channel) -> Vec<String> {
    let mut told = Vec::new();
    for owed in world.owed(channel).await {
        let What::Change { body, .. } = &owed.what else { panic!("no topic is ever lost") };
        if let Leave::Granted(grant) = world.hub.leave(channel, &owed.about).await {
            assert!(grant.within(|| ()).is_some());
            told.push(std::str::from_utf8(&body.bytes).unwrap().trim_end().to_owned());
        }
    }
    told
}

async fn run(steps: Vec<Step>, kinds: u8) {
    let world = World::new();
    let mut both = Vec::new();
    for (name, recursive, paths) in CHANNELS {
        let filter = Filter::from_code(kinds, false);
        let channel = || Channel { recursive, filter, ..world.channel(name, paths) };
        both.push((world.listen(&channel()).await, world.pushes(channel()).await, Vec::new()));
    }
    for step in steps {
        match step {
            Step::Write(resource) => drop(world.write(RESOURCES[resource])),
            Step::Delete(resource) => drop(world.delete(RESOURCES[resource])),
            Step::Allow(acl, people) => drop(world.allow(ACLS[acl], PEOPLE[people])),
        }
        world.quiet().await;
        for (_, channel, heard) in &mut both {
            heard.extend(told(&world, channel).await);
        }
        world.owing.take();
    }
    for (listener, _, heard) in &both {
        assert_eq!(listener.ear.heard(), *heard);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_pushed_is_what_a_listener_hears(
        steps in proptest::collection::vec(step(), 1..40),
        kinds in prop_oneof![Just(31_u8), 1..31_u8],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps, kinds));
    }
}
