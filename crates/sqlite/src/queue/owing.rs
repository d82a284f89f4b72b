//! What channels are owed, found by one cursor over the log that moves in the same transaction.

use crate::{
    Sqlite, channels,
    columns::{Columns, signed},
    error::{self, EngineError},
    queue::{entering, heads},
};
use podbell_hub::{Channel, ChannelId, ChannelStoreError, Owed, Owing, Topic};
use podbell_model::Sequence;
use rusqlite::{Connection, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[async_trait::async_trait]
impl Owing for Sqlite {
    async fn derived(&self) -> Result<Sequence, ChannelStoreError> {
        self.readers.read(|db| Ok(derived(db)?)).await.map_err(error::channel)
    }

    async fn any(&self) -> Result<bool, ChannelStoreError> {
        self.readers.read(|db| Ok(any(db)?)).await.map_err(error::channel)
    }

    async fn candidates(&self, at: &[Topic], above: &[Topic]) -> Result<Vec<Arc<Channel>>, ChannelStoreError> {
        let (at, above) = (at.to_vec(), above.to_vec());
        self.readers.read(move |db| candidates(db, &at, &above)).await.map_err(error::channel)
    }

    async fn owe(&self, owed: Vec<Owed>, through: Option<Sequence>) -> Result<(), ChannelStoreError> {
        let (bound, mut replaced) = (self.pending, self.under_way.replacing());
        let owe = self.writer.write::<_, EngineError>(move |step| {
            let mut targets = BTreeSet::new();
            for owed in &owed {
                targets.extend(entering::enter(step.db, owed, bound, &mut replaced)?);
            }
            targets.into_iter().try_for_each(|target| heads::settle(step.db, target))?;
            if let Some(through) = through {
                let sql = "UPDATE standing SET derived = ?1 WHERE derived < ?1";
                step.db.prepare_cached(sql)?.execute([signed(through.0)])?;
            }
            // Until the transaction is over.
            Ok(replaced)
        });
        owe.await.map(drop).map_err(error::channel)
    }
}

/// Up to which commit it is known what is owed.
pub(crate) fn derived(db: &Connection) -> rusqlite::Result<Sequence> {
    db.prepare_cached("SELECT derived FROM standing")?.query_row([], |row| row.sequence(0))
}

pub(crate) fn any(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM pushes)")?.query_row([], |row| row.get(0))
}

fn candidates(db: &Connection, at: &[Topic], above: &[Topic]) -> Result<Vec<Arc<Channel>>, EngineError> {
    let sql = "SELECT t.channel FROM push_topics t JOIN pushes p ON p.channel = t.channel
               WHERE t.storage = ?1 AND t.resource = ?2 AND p.disabled IS NULL";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = BTreeMap::new();
    for (topics, need_recursive) in [(at, false), (above, true)] {
        for topic in topics {
            let key = params![signed(topic.storage.0), topic.resource.as_str()];
            for id in statement.query_map(key, |row| row.uuid(0).map(ChannelId))? {
                let id = id?;
                if found.contains_key(&id) {
                    continue;
                }
                let channel = channels::get(db, id)?;
                found.extend(channel.filter(|channel| channel.recursive || !need_recursive).map(|it| (id, it.into())));
            }
        }
    }
    Ok(found.into_values().collect())
}
