//! How often one address may try what costs the server something and needs no log-in: registering clients, filling in
//! forms, subscribing as nobody; and how often other things may be asked for.
//!
//! Counts in windows of a minute or an hour. The table is bounded: when it is full of current counts, strangers wait for the next
//! window rather than push others out.

use ipnet::IpNet;
use parking_lot::Mutex;
use podbell_model::Timestamp;
use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
};

/// The most that are counted at once.
const COUNTED: usize = 16_384;

/// Counts of the current window, by address or by something else.
#[derive(Debug)]
pub struct Attempts<K = IpAddr> {
    limit: u32,
    /// The window, in seconds.
    window: i64,
    counts: Mutex<Counts<K>>,
}

#[derive(Debug)]
struct Counts<K> {
    window: i64,
    by_key: HashMap<K, u32>,
}

impl Attempts {
    /// Counts an attempt of an address; the seconds to wait if it is one too many.
    pub fn admit(&self, client: IpAddr, now: Timestamp) -> Result<(), u64> {
        self.count(network(client), now)
    }
}

impl<K: Eq + Hash> Attempts<K> {
    /// At most `limit` attempts in a minute.
    pub fn per_minute(limit: u32) -> Self {
        Self::per(60, limit)
    }

    /// At most `limit` attempts in an hour.
    pub fn per_hour(limit: u32) -> Self {
        Self::per(3_600, limit)
    }

    fn per(window: i64, limit: u32) -> Self {
        Self { limit, window, counts: Mutex::new(Counts { window: 0, by_key: HashMap::new() }) }
    }

    /// Counts an attempt; the seconds to wait if it is one too many.
    pub fn count(&self, key: K, now: Timestamp) -> Result<(), u64> {
        let mut counts = self.counts.lock();
        let window = now.as_second().div_euclid(self.window);
        if counts.window != window {
            *counts = Counts { window, by_key: HashMap::new() };
        }
        let wait = self.window - now.as_second().rem_euclid(self.window);
        let full = counts.by_key.len() >= COUNTED;
        let count = match counts.by_key.get_mut(&key) {
            Some(count) => count,
            None if full => return Err(wait.unsigned_abs()),
            None => counts.by_key.entry(key).or_default(),
        };
        if *count >= self.limit {
            return Err(wait.unsigned_abs());
        }
        *count += 1;
        Ok(())
    }
}

/// What a client is counted by; nothing on this machine, and at an address that says nothing of who asks: a proxy's.
pub(crate) fn counted(client: IpAddr, proxies: &[IpNet]) -> Option<IpAddr> {
    let client = client.to_canonical();
    let is_exempt = client.is_loopback() || proxies.iter().any(|proxy| proxy.contains(&client));
    (!is_exempt).then(|| network(client))
}

/// An IPv6 client has a whole /64 network to choose addresses from.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_waits_for_the_next_window_and_nobody_else_does() {
        let attempts = Attempts::per_minute(2);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!([(); 3].map(|()| attempts.admit(one, at(70))), [Ok(()), Ok(()), Err(50)]);
        assert_eq!(attempts.admit(other, at(70)), Ok(()));
        assert_eq!(attempts.admit(one, at(120)), Ok(()));
    }

    #[test]
    fn a_network_of_addresses_counts_as_one() {
        let attempts = Attempts::per_minute(1);
        assert_eq!(attempts.admit(address("2001:db8::1"), at(0)), Ok(()));
        assert_eq!(attempts.admit(address("2001:db8::ffff"), at(0)), Err(60));
        assert_eq!(attempts.admit(address("2001:db8:0:1::1"), at(0)), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let attempts = Attempts::per_minute(1);
        let known = address("10.255.0.1");
        assert_eq!(attempts.admit(known, at(0)), Ok(()));
        for n in 0..2 * u32::try_from(COUNTED).unwrap() {
            let _ = attempts.admit(IpAddr::from(n.to_be_bytes()), at(0));
        }
        assert_eq!(attempts.counts.lock().by_key.len(), COUNTED);
        assert_eq!(attempts.admit(address("192.0.2.1"), at(1)), Err(59));
        assert_eq!(attempts.admit(address("192.0.2.1"), at(60)), Ok(()));
    }
}
