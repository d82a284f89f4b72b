//! Connections that hear of nothing by themselves, and on which many things may be heard.
//!
//! They are counted like those that hear: whoever only keeps them open takes room from others all the same.

use crate::{ConnectError, Hub, Network, crowds::Holder, engine::Inner};
use podbell_model::Subject;
use std::{fmt, sync::Arc};

/// A connection that is counted; dropping it gives its place back.
#[must_use = "dropping it gives the place back"]
pub struct Presence {
    inner: Arc<Inner>,
    holders: Vec<Holder>,
}

impl Hub {
    /// Counts a connection of somebody; `network`: where they come from, if they have not logged in.
    ///
    /// # Errors
    /// If they have as many as allowed, or the server stops.
    pub fn be_present(&self, subject: &Subject, network: Option<Network>) -> Result<Presence, ConnectError> {
        let holders = Holder::who(subject, network);
        let counted = holders.clone();
        self.inner.with(|shard, _| {
            if shard.draining {
                return Err(ConnectError::Unavailable);
            }
            shard.count_in(counted).map_err(|(full, limit)| ConnectError::TooMany { full, limit })
        })?;
        Ok(Presence { inner: Arc::clone(&self.inner), holders })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.inner.with(|shard, _| shard.count_out(&self.holders));
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").finish_non_exhaustive()
    }
}
