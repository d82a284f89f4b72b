//! How topics stand, for listeners that ask for the state on connecting.

use podbell_hub::{Standing, States, Topic, Unavailable};
use podbell_log::Log;
use podbell_pod::store::Store;
use std::sync::Arc;

/// Reads how topics stand from the store.
pub struct Standings {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
}

impl Standings {
    /// From a store and its log.
    pub fn new(log: Arc<dyn Log>, store: Arc<dyn Store>) -> Self {
        Self { log, store }
    }
}

#[async_trait::async_trait]
impl States for Standings {
    async fn standing(&self, topic: &Topic) -> Result<Standing, Unavailable> {
        let as_of = self.log.head();
        let resource = self.store.resource(&topic.resource).await.map_err(|error| Unavailable(Box::new(error)))?;
        // Another storage under the same name is another topic.
        let version = resource.filter(|found| found.storage == topic.storage).map(|found| found.version);
        Ok(Standing { as_of, version })
    }
}
