//! What the specifications ask of a resource server, as tables of facts: each row is a request, or a few, to a running
//! server, and is named by the fact that it shows.
//!
//! The tables re-express those of the official test suites and of the suites that clients rely on. How many rows a
//! table has is promised in one place, so that none is lost unseen.
//!
//! Spec: <https://solidproject.org/TR/protocol>, <https://solidproject.org/TR/wac>
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod conformance {
    mod acls;
    mod auxiliaries;
    mod clients;
    mod conditions;
    mod containers;
    mod cors;
    mod events;
    mod facts;
    mod headers;
    #[path = "../it/issuer.rs"]
    mod issuer;
    mod limits;
    mod managed;
    mod n3;
    mod names;
    mod negotiation;
    mod origins;
    mod people;
    mod permissions;
    mod precedence;
    mod refusals;
    mod rules;
    #[path = "../it/socket.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod socket;
    mod sparql;
    mod walks;
    #[path = "../it/world.rs"]
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;

    /// Whether each pod has an origin of its own.
    const SUBDOMAINS: bool = false;
}
