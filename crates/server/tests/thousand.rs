//! A thousand pods, one subscriber, one receiver: each pod's changes arrive, and one that withdraws Read falls silent
//! alone. On paths, and fewer with an origin each.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod thousand {
    mod pods;
    #[path = "../it/world.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;

    /// Whether each pod has an origin of its own; here that is a setting.
    const SUBDOMAINS: bool = false;
}
