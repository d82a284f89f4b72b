//! A server whose times are short and whose limits are low, for tests that would wait for either.

use super::{
    ears::Listener,
    world::{Agent, World},
};
use std::sync::LazyLock;

pub(super) static BRISK: LazyLock<World> = LazyLock::new(|| {
    World::trusting(&[
        ("PODBELL_LIMITS_PING", "500ms"),
        ("PODBELL_LIMITS_BODY_TIMEOUT", "1s"),
        ("PODBELL_LIMITS_CHANNELS_PER_AGENT", "40"),
        ("PODBELL_LIMITS_SEND_QUEUE", "16 KiB"),
        ("PODBELL_WEBHOOKS_TIMEOUT", "1s"),
    ])
});
pub(super) static BRISK_ALICE: LazyLock<Agent> = LazyLock::new(|| BRISK.log_in("ALICE"));
pub(super) static BRISK_BOB: LazyLock<Agent> = LazyLock::new(|| BRISK.log_in("BOB"));

/// A document of alice that bob may read.
pub(super) fn document(name: &str) -> String {
    let at = format!("/alice/{name}/");
    BRISK_ALICE.put(&at, "");
    BRISK_ALICE.rules(&at, &format!("acl:agent <{}>; acl:mode acl:Read", BRISK.webid("BOB")));
    let path = format!("{at}r");
    BRISK_ALICE.put(&path, "");
    path
}

/// Bob there.
pub(super) fn bob() -> Listener<'static> {
    Listener::from(&*BRISK_BOB)
}
