//! Histories that failed once, shrunk.

use crate::{
    ask::Ask,
    history::{Step, prelude},
    model::{OWNER, Voice, Way},
    returning::From,
    run_in_memory,
};

/// How many channels, each with a connection, there are after the prelude.
const BEGUN: usize = 13;

fn begun(steps: Vec<Step>) {
    run_in_memory(prelude().into_iter().chain(steps).collect());
}

#[test]
fn a_channel_that_loses_all_topics_at_once_ends() {
    begun(vec![Step::Yield(1), Step::Ask(OWNER, Ask::PutAcl { path: "/c/", rules: vec![] })]);
}

#[test]
fn who_lost_a_storage_meanwhile_comes_back_to_the_others() {
    let way = Way { voice: Voice::LwsEvents, ..Way::LWS };
    begun(vec![
        Step::Listen { agent: "ann", topics: vec!["/c/", "~/"], way },
        Step::Cut(BEGUN, 0, Ask::Describe { path: "~/" }),
        Step::Ask(OWNER, Ask::PutAcl { path: "/c/", rules: vec![] }),
        Step::Ask(OWNER, Ask::Describe { path: "~/" }),
        Step::Return(BEGUN + 1),
    ]);
}

#[test]
fn a_cut_between_a_gap_and_how_the_topics_stand_is_a_gap_again() {
    // Room for the gap; for the first topic; for the last, so that nothing is missing.
    for room in [450, 950, 1_300] {
        let way = Way { voice: Voice::Events, ..Way::SOLID };
        begun(vec![
            Step::Listen { agent: "bob", topics: vec!["/c/", "/c/x"], way },
            Step::Connect(BEGUN, From::Other(None)),
            Step::Room(BEGUN + 1, room),
            Step::Yield(8),
            Step::Return(BEGUN + 1),
        ]);
    }
}
