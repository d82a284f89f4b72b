//! What changed lately, as its owner asks: a server of its own for those tests, so that nothing else changes there.

use super::world::{Agent, Reply, World, split};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::sync::LazyLock;

static WORLD: LazyLock<World> = LazyLock::new(|| World::trusting(&[]));
pub(super) static ALICE: LazyLock<Agent> = LazyLock::new(|| WORLD.log_in("ALICE"));
pub(super) static BOB: LazyLock<Agent> = LazyLock::new(|| WORLD.log_in("BOB"));
pub(super) static ANYBODY: LazyLock<Agent> = LazyLock::new(|| WORLD.stranger());

/// The path that asks about a storage; `more` begins with `&`, or is nothing.
pub(super) fn about(agent: &Agent, what: &str, root: &str, more: &str) -> String {
    let root = agent.world.url(root);
    format!("/.notifications/{what}/?storage={}{more}", utf8_percent_encode(&root, NON_ALPHANUMERIC))
}

/// The first page of what changed.
pub(super) fn first(agent: &Agent, root: &str, more: &str) -> Reply {
    let told = agent.get(&about(agent, "activity", root, more));
    assert_eq!(told.status, 200, "{told:?}");
    told
}

/// The entries of a page.
pub(super) fn entries(page: &Reply) -> Vec<Value> {
    page.json()["activity"].as_array().unwrap().clone()
}

/// All that is shown, page by page.
pub(super) fn all(agent: &Agent, root: &str, limit: usize) -> Vec<Value> {
    let mut page = first(agent, root, &format!("&limit={limit}"));
    let mut found = entries(&page);
    while let Some(next) = page.link("next") {
        page = agent.get(&split(&next).1);
        assert_eq!(page.status, 200, "{page:?}");
        assert!(entries(&page).len() <= limit);
        found.extend(entries(&page));
    }
    found
}

/// Types and names of what is shown below a container, the newest first.
pub(super) fn shown(agent: &Agent, root: &str, below: &str) -> Vec<String> {
    let at = agent.world.url(below);
    let word = |entry: &Value| {
        let name = entry["object"].as_str()?.strip_prefix(&at)?;
        Some(format!("{} {name}", entry["type"].as_str()?))
    };
    all(agent, root, 100).iter().filter_map(word).collect()
}

/// Somebody's token, changed in one place.
pub(super) fn damaged(path: &str) -> String {
    let last = path.chars().last().unwrap();
    // The last character of a token stands for whole bits.
    format!("{}{}", &path[..path.len() - 1], if last == 'A' { 'B' } else { 'A' })
}
