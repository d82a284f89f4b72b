//! Proofs that have been used: each counts once.
//!
//! The store is asked only for proofs that stand beside a token which its issuer has signed, so strangers cannot fill
//! it. It forgets a proof when nobody would accept it any more, never earlier; a full store refuses.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9449#section-11.1>

use crate::proof::Proof;
use async_trait::async_trait;
use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::Mutex;
use podbell_model::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// How long a proof is remembered after its end: a request that came in time may still wait for its issuer.
const MARGIN: i64 = 60;

/// Why a proof does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It has been used.
    #[error("the proof has been used before")]
    Used,
    /// It was made before this store began to remember, so it may have been used.
    #[error("the proof is older than the memory of used proofs")]
    BeforeMemory,
    /// Nothing more can be remembered now.
    #[error("the memory of used proofs is full")]
    Full,
    /// The store cannot be asked.
    #[error("the memory of used proofs cannot be reached")]
    Unavailable,
}

/// Remembers used proofs. Nodes that serve one name share a store.
#[async_trait]
pub trait ReplayStore: Send + Sync + 'static {
    /// Uses up a proof: of any number of calls with one (`jkt`, `jti`, `htu`), at any time until `proof.expires`,
    /// exactly one succeeds.
    async fn use_up(&self, proof: &Proof, now: Timestamp) -> Result<(), ReplayError>;
}

/// 128 bits of a hash: enough that nobody finds two proofs with one key.
type Key = [u8; 16];

/// A bounded store in memory, for one process.
pub struct MemoryReplay {
    capacity: usize,
    started: Timestamp,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    keys: HashSet<Key>,
    // By the second in which they may be forgotten.
    ends: BTreeMap<i64, Vec<Key>>,
}

impl MemoryReplay {
    /// Room for the three minutes that a proof is remembered, at more than 10,000 requests a second; about 100 MiB when
    /// it is full, nothing when nobody asks.
    pub const DEFAULT_CAPACITY: usize = 1 << 21;

    /// An empty store for at most `capacity` live proofs. `started` is when the process began: proofs made in an
    /// earlier second are refused, since an earlier process may have seen them.
    pub fn new(capacity: usize, started: Timestamp) -> Self {
        Self { capacity, started, used: Mutex::default() }
    }

    /// How many proofs are remembered.
    pub fn len(&self) -> usize {
        self.used.lock().keys.len()
    }

    /// Whether no proof is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn test_and_set(&self, proof: &Proof, now: Timestamp) -> Result<(), ReplayError> {
        if proof.issued_at.as_second() < self.started.as_second() {
            return Err(ReplayError::BeforeMemory);
        }
        let key = key(proof);
        let mut used = self.used.lock();
        used.forget_before(now.as_second());
        if used.keys.contains(&key) {
            return Err(ReplayError::Used);
        }
        if used.keys.len() >= self.capacity {
            return Err(ReplayError::Full);
        }
        used.keys.insert(key);
        used.ends.entry(proof.expires.as_second().saturating_add(MARGIN)).or_default().push(key);
        Ok(())
    }
}

impl Used {
    fn forget_before(&mut self, second: i64) {
        while let Some(entry) = self.ends.first_entry().filter(|entry| *entry.key() < second) {
            for key in entry.remove() {
                self.keys.remove(&key);
            }
        }
    }
}

/// Of fixed size, whatever a client sends; the lengths keep the parts apart.
fn key(proof: &Proof) -> Key {
    let mut context = Context::new(&SHA256);
    for part in [&proof.jkt, &proof.jti, &proof.htu] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut key = Key::default();
    key.copy_from_slice(&context.finish().as_ref()[..16]);
    key
}

#[async_trait]
impl ReplayStore for MemoryReplay {
    async fn use_up(&self, proof: &Proof, now: Timestamp) -> Result<(), ReplayError> {
        self.test_and_set(proof, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn proof(jti: &str, issued: i64) -> Proof {
        Proof {
            jkt: "key".into(),
            jti: jti.into(),
            htu: "https://pod.example/a".into(),
            issued_at: at(issued),
            expires: at(issued + 120),
        }
    }

    #[test]
    fn a_proof_counts_once_until_nobody_would_accept_it() {
        let store = MemoryReplay::new(8, at(0));
        let one = proof("one", 0);
        store.test_and_set(&one, at(0)).unwrap();
        assert_eq!(store.test_and_set(&one, at(1)), Err(ReplayError::Used));
        assert_eq!(store.test_and_set(&one, at(120)), Err(ReplayError::Used));
        for other in [
            Proof { jkt: "other".into(), ..one.clone() },
            Proof { htu: "https://pod.example/b".into(), ..one.clone() },
            Proof { jti: "two".into(), ..one.clone() },
        ] {
            store.test_and_set(&other, at(1)).unwrap();
        }
        store.test_and_set(&proof("three", 180), at(180)).unwrap();
        assert_eq!(store.len(), 5);
        store.test_and_set(&proof("four", 181), at(181)).unwrap();
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn a_full_store_refuses_and_evicts_nothing_alive() {
        let store = MemoryReplay::new(2, at(0));
        store.test_and_set(&proof("one", 0), at(0)).unwrap();
        store.test_and_set(&proof("two", 60), at(0)).unwrap();
        assert_eq!(store.test_and_set(&proof("three", 0), at(0)), Err(ReplayError::Full));
        assert_eq!(store.test_and_set(&proof("one", 0), at(0)), Err(ReplayError::Used));
        store.test_and_set(&proof("four", 181), at(181)).unwrap();
        assert_eq!(store.test_and_set(&proof("two", 60), at(181)), Err(ReplayError::Used));
    }

    #[test]
    fn after_a_restart_earlier_proofs_are_refused() {
        let restarted = MemoryReplay::new(8, at(10));
        assert_eq!(restarted.test_and_set(&proof("one", 9), at(11)), Err(ReplayError::BeforeMemory));
        restarted.test_and_set(&proof("one", 10), at(11)).unwrap();
    }

    #[test]
    fn of_many_at_once_exactly_one_succeeds() {
        let store = Arc::new(MemoryReplay::new(8, at(0)));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    (0..100).filter(|_| store.test_and_set(&proof("one", 0), at(0)).is_ok()).count()
                })
            })
            .collect();
        assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 1);
    }
}
