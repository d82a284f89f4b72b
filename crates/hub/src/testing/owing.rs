//! What channels are owed, as long as the process lives: for tests.

use super::MemoryChannels;
use crate::{Anew, Channel, ChannelId, ChannelStore, ChannelStoreError, Owed, Owing, Topic};
use parking_lot::Mutex;
use podbell_model::{Sequence, StorageId};
use std::sync::Arc;

/// What goes wrong the next time that something is to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It fails before anything is kept.
    Before,
    /// All is kept, and nobody is told so.
    After,
}

/// What is owed, beside channels in memory.
#[derive(Debug)]
pub struct MemoryOwing {
    channels: Arc<MemoryChannels>,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    derived: Sequence,
    owed: Vec<Owed>,
    trouble: Trouble,
    transactions: usize,
    off: Vec<ChannelId>,
    missed: Vec<ChannelId>,
    /// How much is taken in the next time that something is owed anew.
    room: usize,
}

impl MemoryOwing {
    /// For these channels; nothing is owed yet.
    pub fn new(channels: Arc<MemoryChannels>) -> Self {
        let kept = Kept {
            derived: Sequence::default(),
            owed: Vec::new(),
            trouble: Trouble::None,
            transactions: 0,
            off: Vec::new(),
            missed: Vec::new(),
            room: usize::MAX,
        };
        Self { channels, kept: Mutex::new(kept) }
    }

    /// What is owed, oldest first. What was owed to channels that are gone is forgotten.
    pub fn owed(&self) -> Vec<Owed> {
        let there = self.channels.all();
        let mut kept = self.kept.lock();
        kept.owed.retain(|owed| there.iter().any(|channel| channel.id == owed.channel));
        kept.owed.clone()
    }

    /// The same, and it is owed no more.
    pub fn take(&self) -> Vec<Owed> {
        let owed = self.owed();
        self.kept.lock().owed.clear();
        owed
    }

    /// Switches a channel off.
    pub fn disable(&self, channel: ChannelId) {
        self.kept.lock().off.push(channel);
    }

    /// What goes wrong next, once.
    pub fn trouble(&self, trouble: Trouble) {
        self.kept.lock().trouble = trouble;
    }

    /// The channels that have missed something, each as often as it has.
    pub fn missed(&self) -> Vec<ChannelId> {
        self.kept.lock().missed.clone()
    }

    /// Only so much is taken in the next time that something is owed anew.
    pub fn room(&self, room: usize) {
        self.kept.lock().room = room;
    }

    /// How often something was kept.
    pub fn transactions(&self) -> usize {
        self.kept.lock().transactions
    }

    /// Where the cursor stands.
    pub fn through(&self) -> Sequence {
        self.kept.lock().derived
    }
}

#[async_trait::async_trait]
impl Owing for MemoryOwing {
    async fn derived(&self) -> Result<Sequence, ChannelStoreError> {
        Ok(self.through())
    }

    async fn any(&self) -> Result<bool, ChannelStoreError> {
        Ok(self.channels.all().iter().any(|channel| channel.push.is_some()))
    }

    async fn candidates(&self, at: &[Topic], above: &[Topic]) -> Result<Vec<Arc<Channel>>, ChannelStoreError> {
        let off = self.kept.lock().off.clone();
        let listens = |channel: &Channel| {
            let has = |topics: &[Topic]| channel.topics.iter().any(|topic| topics.contains(topic));
            has(at) || channel.recursive && has(above)
        };
        let mut channels = self.channels.all();
        channels.retain(|channel| channel.push.is_some() && !off.contains(&channel.id) && listens(channel));
        channels.sort_by_key(|channel| channel.id);
        Ok(channels.into_iter().map(Arc::new).collect())
    }

    async fn owe(&self, owed: Vec<Owed>, through: Option<Sequence>) -> Result<(), ChannelStoreError> {
        let mut there = Vec::new();
        for owed in owed {
            if self.channels.get(owed.channel).await?.is_some() {
                there.push(owed);
            }
        }
        let mut kept = self.kept.lock();
        let trouble = std::mem::take(&mut kept.trouble);
        if trouble != Trouble::Before {
            kept.transactions += 1;
            for owed in there {
                let same = |known: &Owed| known.channel == owed.channel && known.message == owed.message;
                if !kept.owed.iter().any(same) {
                    kept.owed.push(owed);
                }
            }
            kept.derived = kept.derived.max(through.unwrap_or_default());
        }
        if trouble == Trouble::None { Ok(()) } else { Err(ChannelStoreError("no".into())) }
    }

    async fn owe_again(&self, owed: Vec<Owed>) -> Result<Anew, ChannelStoreError> {
        let mut kept = self.kept.lock();
        let room = std::mem::replace(&mut kept.room, usize::MAX);
        let taken = owed.len().min(room);
        let mut anew = 0;
        for owed in owed.into_iter().take(room) {
            let same = |known: &Owed| known.channel == owed.channel && known.message == owed.message;
            let before = kept.owed.len();
            kept.owed.retain(|known| !same(known));
            anew += u64::from(kept.owed.len() == before);
            kept.owed.push(owed);
        }
        Ok(Anew { taken, owed: anew })
    }

    async fn missed(
        &self,
        storage: Option<StorageId>,
        before: Sequence,
        through: Option<Sequence>,
    ) -> Result<(), ChannelStoreError> {
        let concerned = |channel: &Channel| {
            let there = |storage| channel.topics.iter().any(|topic| topic.storage == storage);
            channel.push.as_ref().is_some_and(|push| push.since < before) && storage.is_none_or(there)
        };
        let concerned: Vec<_> = self.channels.all().into_iter().filter(concerned).map(|channel| channel.id).collect();
        let mut kept = self.kept.lock();
        kept.missed.extend(concerned);
        kept.derived = kept.derived.max(through.unwrap_or_default());
        Ok(())
    }
}
