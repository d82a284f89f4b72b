//! Where it is kept what is owed, so that the courier hears of it at once.

use podbell_hub::{Anew, Channel, ChannelStoreError, Owed, Owing, Topic};
use podbell_model::{Sequence, StorageId};
use std::sync::Arc;
use tokio::sync::Notify;

/// Passes everything on, and wakes the courier whenever something is owed.
pub struct Waking {
    owing: Arc<dyn Owing>,
    owed: Arc<Notify>,
}

impl Waking {
    /// In front of that one; `owed`: see [`CourierPorts::owed`](super::CourierPorts::owed).
    pub fn new(owing: Arc<dyn Owing>, owed: Arc<Notify>) -> Self {
        Self { owing, owed }
    }
}

#[async_trait::async_trait]
impl Owing for Waking {
    async fn derived(&self) -> Result<Sequence, ChannelStoreError> {
        self.owing.derived().await
    }

    async fn any(&self) -> Result<bool, ChannelStoreError> {
        self.owing.any().await
    }

    async fn candidates(&self, at: &[Topic], above: &[Topic]) -> Result<Vec<Arc<Channel>>, ChannelStoreError> {
        self.owing.candidates(at, above).await
    }

    async fn owe(&self, owed: Vec<Owed>, through: Option<Sequence>) -> Result<(), ChannelStoreError> {
        let something = !owed.is_empty();
        self.owing.owe(owed, through).await?;
        if something {
            self.owed.notify_one();
        }
        Ok(())
    }

    async fn owe_again(&self, owed: Vec<Owed>) -> Result<Anew, ChannelStoreError> {
        let anew = self.owing.owe_again(owed).await?;
        self.owed.notify_one();
        Ok(anew)
    }

    async fn missed(
        &self,
        storage: Option<StorageId>,
        before: Sequence,
        through: Option<Sequence>,
    ) -> Result<(), ChannelStoreError> {
        self.owing.missed(storage, before, through).await
    }
}
