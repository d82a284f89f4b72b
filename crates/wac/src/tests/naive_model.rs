//! The same answers as a second reading of the text, which loops over statements and knows no optimisation.

use super::world::{World, agent, from, iri};
use crate::OriginRule;
use podbell_model::Subject;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PATHS: [&str; 4] = ["/", "/c/", "/c/d/", "/c/d/r"];
const AGENTS: [&str; 3] = ["alice", "bob", "owner"];
const ORIGINS: [&str; 3] = ["https://a", "https://b", "https://own"];
const MODES: [&str; 5] = ["Read", "Write", "Append", "Control", "Fly"];

/// One authorization, statement by statement.
#[derive(Clone, Debug)]
struct Rule {
    typed: bool,
    access_to: Option<usize>,
    default: Option<usize>,
    agent: Option<usize>,
    class: Option<bool>,
    group: Option<usize>,
    origin: Option<usize>,
    modes: BTreeSet<usize>,
}

type Acl = Vec<Rule>;

fn rule() -> impl Strategy<Value = Rule> {
    (
        prop::bool::weighted(0.95),
        prop::option::of(0..PATHS.len()),
        prop::option::of(0..PATHS.len()),
        prop::option::of(0..AGENTS.len()),
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.3, 0..2_usize),
        prop::option::weighted(0.3, 0..2_usize),
        prop::collection::btree_set(0..MODES.len(), 0..3),
    )
        .prop_map(|(typed, access_to, default, agent, class, group, origin, modes)| Rule {
            typed,
            access_to,
            default,
            agent,
            class,
            group,
            origin,
            modes,
        })
}

fn turtle(acl: &Acl) -> String {
    let write = |(index, rule): (usize, &Rule)| {
        let mut says = vec![format!("<#{index}> a acl:{}", if rule.typed { "Authorization" } else { "Draft" })];
        let mut say =
            |property: &str, value: Option<String>| says.extend(value.map(|value| format!("acl:{property} {value}")));
        say("accessTo", rule.access_to.map(|at| format!("<{}>", PATHS[at])));
        say("default", rule.default.map(|at| format!("<{}>", PATHS[at])));
        say("agent", rule.agent.map(|at| format!("a:{}", AGENTS[at])));
        say("agentClass", rule.class.map(|all| if all { "foaf:Agent" } else { "acl:AuthenticatedAgent" }.to_owned()));
        say("agentGroup", rule.group.map(|at| format!("</groups#{at}>")));
        say("origin", rule.origin.map(|at| format!("<{}>", ORIGINS[at])));
        for mode in &rule.modes {
            say("mode", Some(format!("acl:{}", MODES[*mode])));
        }
        says.join("; ") + ".\n"
    };
    acl.iter().enumerate().map(write).collect()
}

/// The modes of `name` on `PATHS[target]`, by the text.
fn naive(
    acls: &BTreeMap<usize, Acl>,
    members: &BTreeSet<(usize, usize)>,
    (name, origin): (Option<usize>, Option<usize>),
    target: usize,
    strictness: OriginRule,
) -> BTreeSet<&'static str> {
    let mut modes = BTreeSet::new();
    let Some((owner, acl)) = (0..=target).rev().find_map(|at| acls.get(&at).map(|acl| (at, acl))) else {
        return if name == Some(2) && (origin.is_none_or(|at| at == 2) || strictness != OriginRule::Strict) {
            BTreeSet::from(["Control"])
        } else {
            modes
        };
    };
    let applies = |rule: &&Rule| {
        rule.typed && if owner == target { rule.access_to == Some(target) } else { rule.default == Some(owner) }
    };
    let trusted = origin.is_none_or(|at| at == 2);
    for mode in ["Read", "Write", "Append", "Control"] {
        let grants = |rule: &&Rule| {
            let has = |name: &str| rule.modes.iter().any(|at| MODES[*at] == name);
            has(mode) || (mode == "Append" && has("Write"))
        };
        let rules: Vec<_> = acl.iter().filter(applies).filter(grants).collect();
        let public = rules.iter().any(|rule| rule.class == Some(true));
        let agent = mode == "Control" && name == Some(2)
            || rules.iter().any(|rule| {
                let named = name.is_some_and(|name| {
                    rule.agent == Some(name)
                        || rule.class == Some(false)
                        || rule.group.is_some_and(|group| members.contains(&(group, name)))
                });
                named && (strictness == OriginRule::Ignore || trusted || rule.origin.is_none() || rule.origin == origin)
            });
        let page = strictness != OriginRule::Strict || trusted || rules.iter().any(|rule| rule.origin == origin);
        if public || (agent && page) {
            modes.insert(mode);
        }
    }
    modes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn decisions_agree_with_the_naive_reading(
        acls in prop::collection::btree_map(0..PATHS.len(), prop::collection::vec(rule(), 0..4), 0..4),
        members in prop::collection::btree_set((0..2_usize, 0..AGENTS.len()), 0..4),
        name in prop::option::of(0..AGENTS.len()),
        origin in prop::option::of(0..ORIGINS.len()),
        target in 0..PATHS.len(),
        strictness in prop::sample::select(vec![OriginRule::Ignore, OriginRule::RestrictIfPresent, OriginRule::Strict]),
    ) {
        let mut world = World::default();
        for (at, acl) in &acls {
            world.acls.insert(iri(PATHS[*at]).acl(), turtle(acl));
        }
        let says = members.iter().map(|(group, name)| format!("<#{group}> vcard:hasMember a:{}.\n", AGENTS[*name]));
        let mut world = world.with_group("http://x/groups", &says.collect::<String>());
        world.rules.origin = strictness;
        world.rules.own_origins = vec![ORIGINS[2].into()];
        let name_text = name.map_or("", |at| AGENTS[at]);
        let subject: Subject = origin.map_or_else(|| agent(name_text), |at| from(name_text, ORIGINS[at]));
        let decision = world.decide(&subject, PATHS[target]);
        let in_order = |modes: BTreeSet<&str>| {
            let order = ["Read", "Write", "Append", "Control"];
            order.into_iter().filter(|mode| modes.contains(mode)).map(str::to_lowercase).collect::<Vec<_>>().join(" ")
        };
        let expected = in_order(naive(&acls, &members, (name, origin), target, strictness));
        prop_assert_eq!(decision.user.to_string(), expected);
        let public = in_order(naive(&acls, &members, (None, None), target, strictness));
        prop_assert_eq!(decision.public.to_string(), public);
        prop_assert!(decision.user.meets(decision.public));
    }
}
