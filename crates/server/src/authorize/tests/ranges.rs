//! An answer says for how long it is the same, and what can end that; both must be true of every history.

use super::world::World;
use podbell_hub::Answer;
use podbell_log::At;
use podbell_model::Sequence;
use proptest::prelude::*;

const DOCUMENTS: [&str; 4] = ["/.acl", "/c/.acl", "/c/r.acl", "/g"];

/// What a commit may write into each document.
fn body(document: usize, choice: usize) -> Option<String> {
    let (target, property) = [("/", "default"), ("/c/", "default"), ("/c/r", "accessTo"), ("", "")][document];
    let rule = |who: &str| Some(format!("acl:{property} <{target}>; {who}; acl:mode acl:Read."));
    match (document, choice) {
        (_, 0) => None,
        (3, 1) => Some("<#w> vcard:hasMember a:bob.".to_owned()),
        (3, _) => Some("<#w> vcard:hasMember a:eve.".to_owned()),
        (_, 1) => rule("acl:agent a:bob"),
        (_, 2) => rule("acl:agentGroup </g#w>"),
        (..) => rule("acl:agent a:eve"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn an_answer_holds_from_since_to_as_of_and_until_a_dependency_is_touched(
        commits in prop::collection::vec(prop::collection::vec((0..DOCUMENTS.len(), 0..4_usize), 0..3), 3..9),
        born in 0..3_usize,
        life in 0..6_usize,
    ) {
        let world = World::new();
        let mut touched: Vec<Vec<usize>> = Vec::new();
        let (born, end) = (born, born + 1 + life);
        for (at, changes) in commits.iter().enumerate() {
            let mut changes: Vec<_> = changes.clone();
            changes.sort_unstable();
            changes.dedup_by_key(|change| change.0);
            if at == end {
                // Its ACL goes with the resource.
                changes.retain(|change| change.0 != 2);
                changes.push((2, 0));
            }
            let bodies: Vec<_> = changes.iter().map(|(document, choice)| body(*document, *choice)).collect();
            let changes: Vec<_> = changes.iter().map(|change| change.0).collect();
            let named: Vec<_> = changes.iter().zip(&bodies).map(|(at, body)| (DOCUMENTS[*at], body.as_deref())).collect();
            world.commit(&named);
            touched.push(changes);
        }
        let sequence = |at: usize| Sequence(at as u64 + 1);
        if end < commits.len() {
            world.end("/c/r", sequence(born), sequence(end));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answers: Vec<Answer> = (born..commits.len())
            .map(|at| runtime.block_on(world.ask("bob", "/c/r", Some(sequence(born)), At::Commit(sequence(at)))))
            .collect();
        for (index, answer) in answers.iter().enumerate() {
            let at = born + index;
            prop_assert_eq!(answer.as_of, sequence(at));
            prop_assert!(answer.since <= answer.as_of);
            for (earlier, other) in answers[..index].iter().enumerate() {
                if sequence(born + earlier) >= answer.since {
                    prop_assert_eq!(other.allowed, answer.allowed, "from {} to {}", answer.since, answer.as_of);
                }
            }
            let depends = |document: &usize| answer.depends_on.iter().any(|iri| iri.path() == DOCUMENTS[*document]);
            for later in at + 1..commits.len() {
                if touched[later].iter().any(depends) {
                    break;
                }
                prop_assert_eq!(answers[later - born].allowed, answer.allowed, "{} still holds at {}", at, later);
            }
        }
        let newest = runtime.block_on(world.ask("bob", "/c/r", Some(sequence(born)), At::Now));
        prop_assert_eq!(Some(&newest), answers.last());
    }
}
