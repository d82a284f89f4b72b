//! Whoever subscribes without logging in: counted by the network that they come from.
//!
//! What is kept with a channel is a keyed hash of the network, which tells nothing to who reads the database without
//! asking this server.

use crate::{
    attempts::{Attempts, counted},
    problem::Problem,
    settings::Settings,
};
use aws_lc_rs::hmac;
use ipnet::IpNet;
use podbell_hub::Network;
use podbell_model::Timestamp;
use serde_json::json;
use std::net::IpAddr;

/// Counts them.
#[derive(Debug)]
pub struct Strangers {
    attempts: Attempts,
    per_hour: u32,
    key: hmac::Key,
    /// Proxies: an address of theirs says nothing of who asks.
    proxies: Vec<IpNet>,
}

impl Strangers {
    pub(crate) fn new(settings: &Settings, key: &[u8; 32]) -> Self {
        Self {
            attempts: Attempts::per_hour(settings.limits.anonymous_channels_per_hour),
            per_hour: settings.limits.anonymous_channels_per_hour,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            proxies: settings.proxies.networks(),
        }
    }

    /// Counts a subscription.
    ///
    /// # Errors
    /// 429 if there were too many from that address.
    pub(crate) fn admit(&self, client: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let admitted = self.attempts.admit(client, now);
        admitted.map_err(|seconds| {
            let limit = self.per_hour;
            let why = format!("{limit} channels an hour are made at your address without a log-in; log in, or wait");
            Problem::too_many(why, seconds).member("limit", json!(limit))
        })
    }

    /// What the channels and connections of that client are counted by; nothing on this machine, and at a proxy that
    /// does not say for whom it asks.
    pub(crate) fn network(&self, client: IpAddr) -> Option<Network> {
        let network = counted(client, &self.proxies)?;
        let hash = hmac::sign(&self.key, network.to_string().as_bytes());
        Some(Network(*hash.as_ref().first_chunk()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_told_apart_by_who_has_the_key() {
        let mut settings = Settings::default();
        settings.proxies.trusted = vec!["10.0.0.0/8".parse().unwrap()];
        let (one, two) = (Strangers::new(&settings, &[1; 32]), Strangers::new(&settings, &[2; 32]));
        let at = |strangers: &Strangers, client: &str| strangers.network(client.parse().unwrap());
        assert_eq!(at(&one, "192.0.2.1"), at(&one, "::ffff:192.0.2.1"));
        assert_ne!(at(&one, "192.0.2.1"), at(&one, "192.0.2.2"));
        assert_ne!(at(&one, "192.0.2.1"), at(&two, "192.0.2.1"));
        assert_eq!(at(&one, "2001:db8::1"), at(&one, "2001:db8::ffff:2"));
        assert_ne!(at(&one, "2001:db8::1"), at(&one, "2001:db8:0:1::1"));
        for nobody in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3"] {
            assert_eq!(at(&one, nobody), None, "{nobody}");
        }
    }
}
