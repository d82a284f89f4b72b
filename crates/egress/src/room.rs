//! Bounds on what goes on at once: for one host and port, and in total.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Counts what is under way by host and port.
#[derive(Clone, Default)]
pub(crate) struct Room(Arc<Mutex<HashMap<String, usize>>>);

/// A place, given back when dropped.
pub(crate) struct Place {
    room: Room,
    host: String,
}

impl Room {
    /// Takes a place if there is one; nobody waits.
    pub(crate) fn enter(&self, host: &str, per_host: usize, at_once: usize) -> Option<Place> {
        let mut hosts = self.0.lock();
        let here = hosts.get(host).copied().unwrap_or(0);
        if here >= per_host || hosts.values().sum::<usize>() >= at_once {
            return None;
        }
        hosts.insert(host.to_owned(), here + 1);
        Some(Place { room: self.clone(), host: host.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut hosts = self.room.0.lock();
        if let Some(here) = hosts.get_mut(&self.host) {
            *here -= 1;
            if *here == 0 {
                hosts.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let room = Room::default();
        let one = room.enter("a", 1, 2).unwrap();
        assert!(room.enter("a", 1, 2).is_none());
        let two = room.enter("b", 1, 2).unwrap();
        assert!(room.enter("c", 1, 2).is_none());
        drop(one);
        let _three = room.enter("c", 1, 2).unwrap();
        drop(two);
        assert_eq!(room.0.lock().len(), 1);
    }
}
