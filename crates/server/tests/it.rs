//! The server as a stranger meets it: over HTTP and sockets. One server for all tests; the modules mirror its URLs.
//!
//! Bad input gets a clear problem and loses nothing.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod it {
    mod activity;
    mod activity_attacks;
    mod activity_listing;
    mod activity_traffic;
    mod again;
    mod brisk;
    mod chains;
    mod changes;
    mod channel_limits;
    mod channels;
    mod coming_back;
    mod connect;
    mod console;
    mod conversation;
    mod cors;
    mod credentials;
    mod derived;
    mod dialects;
    mod discovery;
    mod ears;
    mod ess;
    mod ess_burst;
    mod ess_discovery;
    mod ess_events;
    mod ess_features;
    mod ess_gateway;
    mod ess_sockets;
    mod ess_subscribing;
    mod event_source;
    mod events;
    mod extensions;
    mod failing;
    mod given_up;
    mod h2;
    mod health;
    mod hearing;
    mod hooks;
    mod http2;
    mod http2_streams;
    mod identity;
    mod inboxes;
    mod issuer;
    mod last_words;
    mod lines;
    mod looking_after;
    mod lws;
    mod lws_attacks;
    mod lws_description;
    mod lws_events;
    mod lws_managing;
    mod lws_rights;
    mod lws_streaming;
    mod lws_subscribing;
    mod lws_tokens;
    mod lws_webhooks;
    mod managing;
    mod messages;
    mod names;
    mod owner_clearing;
    mod owner_hooks;
    mod owner_listing;
    mod owner_live;
    mod pages;
    mod paused;
    mod pushed_features;
    mod pushing;
    mod reading;
    mod receiver;
    mod restart;
    mod sender;
    mod services;
    mod slow;
    mod socket;
    mod solid_0_1_attacks;
    mod solid_0_1_events;
    mod solid_0_1_grasping;
    mod solid_0_1_hosts;
    mod solid_0_1_talk;
    mod streaming;
    mod streams;
    mod transcript;
    mod two_worlds;
    mod updates_via;
    mod ways;
    mod web_push;
    mod webhooks;
    mod websocket;
    mod withdrawal;
    #[allow(dead_code, reason = "each test binary uses a part of it")]
    mod world;
    mod writing;

    // Discovery, subscribing and what deployed clients do, by the numbers of `cases`.
    mod cases;
    mod every_type;
    mod farewells;
    mod features;
    mod field;
    mod many_topics;
    mod overheard;
    mod own_origins;
    mod pace;
    mod refused;
    mod requests;
    mod subscribers;

    /// Whether each pod has an origin of its own.
    const SUBDOMAINS: bool = false;
}
