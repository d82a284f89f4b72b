//! Histories that failed once, shrunk.

use crate::{
    ask::Ask,
    history::{Step, prelude},
    model::OWNER,
    run_in_memory,
};

fn begun(steps: Vec<Step>) {
    run_in_memory(prelude().into_iter().chain(steps).collect());
}

#[test]
fn a_channel_that_loses_all_topics_at_once_ends() {
    begun(vec![Step::Yield(1), Step::Ask(OWNER, Ask::PutAcl { path: "/c/", rules: vec![] })]);
}
