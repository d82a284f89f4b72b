//! How many connections there are, in all and from one address.

use crate::attempts::counted;
use ipnet::IpNet;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Counts connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_per_address: usize,
    exempt: Vec<IpNet>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Room for one connection; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    connections: Connections,
    address: Option<IpAddr>,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The server holds as many as it may.
    Server,
    /// That address holds as many as it may.
    Address,
}

impl Connections {
    pub(super) fn new(most: usize, most_per_address: usize, exempt: Vec<IpNet>) -> Self {
        Self(Arc::new(Inner { most, most_per_address, exempt, open: Mutex::default() }))
    }

    pub(super) fn admit(&self, peer: SocketAddr) -> Result<Permit, Full> {
        let address = counted(peer.ip(), &self.0.exempt);
        let mut open = self.0.open.lock();
        if open.total >= self.0.most {
            return Err(Full::Server);
        }
        if let Some(address) = address {
            let count = open.by_address.entry(address).or_default();
            if *count >= self.0.most_per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        open.total += 1;
        Ok(Permit { connections: self.clone(), address })
    }

    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        self.0.open.lock().total
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.connections.0.open.lock();
        open.total = open.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), 1)
    }

    #[test]
    fn room_is_given_back() {
        let connections = Connections::new(3, 2, vec!["192.0.2.0/24".parse().unwrap()]);
        let first = connections.admit(peer("198.51.100.1")).unwrap();
        let _second = connections.admit(peer("::ffff:198.51.100.1")).unwrap();
        assert_eq!(connections.admit(peer("198.51.100.1")).unwrap_err(), Full::Address);
        let _other = connections.admit(peer("198.51.100.2")).unwrap();
        assert_eq!(connections.admit(peer("198.51.100.3")).unwrap_err(), Full::Server);
        drop(first);
        connections.admit(peer("198.51.100.1")).unwrap();
        assert_eq!(connections.open(), 2);
    }

    #[test]
    fn proxies_and_this_machine_are_exempt_but_counted() {
        let connections = Connections::new(5, 1, vec!["192.0.2.0/24".parse().unwrap()]);
        let held: Vec<_> = ["192.0.2.1", "192.0.2.1", "127.0.0.1", "127.0.0.1", "::1"]
            .map(|ip| connections.admit(peer(ip)).unwrap())
            .into();
        assert_eq!(connections.admit(peer("127.0.0.1")).unwrap_err(), Full::Server);
        drop(held);
        assert_eq!(connections.open(), 0);
    }

    #[test]
    fn an_ipv6_subscriber_is_one_party() {
        let connections = Connections::new(9, 1, Vec::new());
        let _held = connections.admit(peer("2001:db8:1:2::1")).unwrap();
        assert_eq!(connections.admit(peer("2001:db8:1:2:ffff::9")).unwrap_err(), Full::Address);
        connections.admit(peer("2001:db8:1:3::1")).unwrap();
    }
}
