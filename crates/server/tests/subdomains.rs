//! What the specifications ask of a resource server, where each pod has an origin of its own: the tables of
//! `conformance`, gone through again. Left out is what has nothing to do with names: the forms of RDF in all their
//! ways to be wrong, limits, and settings.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance {
    mod acls;
    mod auxiliaries;
    mod conditions;
    mod containers;
    mod cors;
    mod events;
    mod facts;
    mod headers;
    #[path = "../it/lines.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod lines;
    mod managed;
    mod n3;
    mod names;
    mod negotiation;
    mod people;
    mod permissions;
    mod precedence;
    mod refusals;
    mod rules;
    #[path = "../it/socket.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod socket;
    #[path = "../it/solid_0_1_hosts.rs"]
    mod solid_0_1_hosts;
    mod sparql;
    #[path = "../it/updates_via.rs"]
    mod updates_via;
    mod walks;
    #[path = "../it/world.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;

    /// Whether each pod has an origin of its own.
    const SUBDOMAINS: bool = true;
}
