//! Connections that are kept a little while, for the next request to the same place.
//!
//! The name is resolved and judged for each request; a connection serves it only if it leads to one of the addresses
//! of this time. So a name that has moved is never reached where it was.

use crate::connection::Connection;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a connection is kept that nobody uses.
pub(crate) const IDLE: Duration = Duration::from_secs(10);
/// How often what has been kept too long is closed.
const SWEEP: Duration = Duration::from_secs(1);
/// Most that are kept to one scheme, host and port.
pub(crate) const PER_LANE: usize = 8;
/// Most that are kept.
const IN_ALL: usize = 256;

/// Idle connections.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Idle>>);

#[derive(Default)]
struct Idle {
    /// Each with its end, the longest idle first.
    connections: VecDeque<(Connection, Instant)>,
    /// Whether somebody closes those whose time is over.
    swept: bool,
}

impl Kept {
    /// A connection to that place at one of these addresses, if one is kept.
    pub(crate) fn take(&self, lane: &str, addresses: &[SocketAddr]) -> Option<Connection> {
        let mut idle = self.0.lock();
        idle.sweep();
        let fits = |(kept, _): &(Connection, Instant)| *kept.lane == *lane && addresses.contains(&kept.address);
        let at = idle.connections.iter().rposition(fits)?;
        Some(idle.connections.remove(at)?.0)
    }

    /// Keeps a connection that is idle, for so long at most.
    pub(crate) fn put(&self, connection: Connection, time: Duration) {
        let mut idle = self.0.lock();
        let same = idle.connections.iter().filter(|(kept, _)| kept.lane == connection.lane).count();
        if same >= PER_LANE {
            return;
        }
        if idle.connections.len() >= IN_ALL {
            idle.connections.pop_front();
        }
        idle.connections.push_back((connection, Instant::now() + time.min(IDLE)));
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let mut idle = self.0.lock();
        idle.sweep();
        idle.connections.len()
    }
}

impl Idle {
    fn sweep(&mut self) {
        let now = Instant::now();
        self.connections.retain(|(kept, until)| now < *until && kept.is_ready());
    }
}

async fn sweep(idle: Weak<Mutex<Idle>>) {
    loop {
        sleep(SWEEP).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut idle = idle.lock();
        idle.sweep();
        idle.swept = !idle.connections.is_empty();
        if !idle.swept {
            return;
        }
    }
}
