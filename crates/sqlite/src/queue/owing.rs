//! What channels are owed, found by one cursor over the log that moves in the same transaction as the last of it.

use crate::{
    Sqlite, channels,
    columns::{Columns, signed},
    error::{self, EngineError},
    queue::{
        again,
        entering::{self, Bounds, Entry},
        heads,
    },
};
use podbell_hub::{Anew, Channel, ChannelId, ChannelStoreError, Owed, Owing, Topic};
use podbell_model::{Sequence, StorageId};
use rusqlite::{Connection, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many are written at once: nobody else waits longer than these take.
const PORTION: usize = 256;

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
        // What waits to be written goes in between.
        for (portion, through) in portions(owed, through) {
            self.owe_some(portion, through).await.map_err(error::channel)?;
        }
        Ok(())
    }

    async fn owe_again(&self, owed: Vec<Owed>) -> Result<Anew, ChannelStoreError> {
        let (mut bounds, mut replaced) = (Bounds::new(self.pending), self.under_way.replacing());
        let owe = self.writer.write::<_, EngineError>(move |step| {
            let anew = again::owe(step.db, &owed, &mut bounds, &mut replaced)?;
            // Until the transaction is over.
            Ok((anew, replaced))
        });
        Ok(owe.await.map_err(error::channel)?.0)
    }

    async fn missed(
        &self,
        storage: Option<StorageId>,
        before: Sequence,
        through: Option<Sequence>,
    ) -> Result<(), ChannelStoreError> {
        let missed = self.writer.write::<_, EngineError>(move |step| {
            again::missed(step.db, storage, before)?;
            Ok(advance(step.db, through)?)
        });
        missed.await.map_err(error::channel)
    }
}

/// What is written in one transaction each: commit by commit, so that what is owed after a kill in between, and so heard
/// again, is older than nothing that was heard.
fn portions(mut owed: Vec<Owed>, through: Option<Sequence>) -> Vec<(Vec<Owed>, Option<Sequence>)> {
    let mut portions = Vec::new();
    if through.is_some() && owed.is_sorted_by_key(commit) && owed.first().is_none_or(|first| commit(first).is_some()) {
        while owed.len() > PORTION {
            let rest = owed.split_off(PORTION);
            let (last, next) = (owed.last().and_then(commit), rest.first().and_then(commit));
            // Of a commit that is cut, not all is known.
            let known = if last == next { last.map(Sequence::before) } else { last };
            portions.push((std::mem::replace(&mut owed, rest), known));
        }
    }
    portions.push((owed, through));
    portions
}

/// The commit that a change was part of.
fn commit(owed: &Owed) -> Option<Sequence> {
    owed.position().map(|position| position.sequence)
}

impl Sqlite {
    async fn owe_some(&self, owed: Vec<Owed>, through: Option<Sequence>) -> Result<(), EngineError> {
        let (mut bounds, mut replaced) = (Bounds::new(self.pending), self.under_way.replacing());
        let owe = self.writer.write::<_, EngineError>(move |step| {
            let mut targets = BTreeSet::new();
            for owed in &owed {
                match entering::enter(step.db, owed, &mut bounds, None, &mut replaced)? {
                    Entry::Queued(target) => {
                        targets.insert(target);
                    }
                    Entry::Full => entering::miss(step.db, owed)?,
                    Entry::Nothing | Entry::Merged => {}
                }
            }
            targets.into_iter().try_for_each(|target| heads::settle(step.db, target))?;
            advance(step.db, through)?;
            // Until the transaction is over.
            Ok(replaced)
        });
        owe.await.map(drop)
    }
}

/// Never back.
fn advance(db: &Connection, through: Option<Sequence>) -> rusqlite::Result<()> {
    if let Some(through) = through {
        let sql = "UPDATE standing SET derived = ?1 WHERE derived < ?1";
        db.prepare_cached(sql)?.execute([signed(through.0)])?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_delivery::push::testing::{change, channel};

    /// How many each portion has, and up to where all is known then.
    fn cut(commits: &[(u64, usize)], through: Option<u64>) -> Vec<(usize, Option<u64>)> {
        let receiver = channel(1, "hook.example", &["a"]);
        let of = |(number, count): &(u64, usize)| vec![change(&receiver, "a", *number); *count];
        let owed = commits.iter().flat_map(of).collect();
        let portions = portions(owed, through.map(Sequence)).into_iter();
        portions.map(|(some, known)| (some.len(), known.map(|known| known.0))).collect()
    }

    #[test]
    fn very_much_is_kept_commit_by_commit() {
        assert_eq!(cut(&[], Some(9)), [(0, Some(9))]);
        assert_eq!(cut(&[(5, 256)], Some(9)), [(256, Some(9))]);
        assert_eq!(cut(&[(5, 256), (7, 1)], Some(9)), [(256, Some(5)), (1, Some(9))]);
        assert_eq!(cut(&[(5, 600)], Some(5)), [(256, Some(4)), (256, Some(4)), (88, Some(5))]);
        assert_eq!(cut(&[(5, 200), (6, 100)], Some(6)), [(256, Some(5)), (44, Some(6))]);
        assert_eq!(cut(&[(5, 300)], None), [(300, None)], "nobody would ask again");
        assert_eq!(cut(&[(6, 200), (5, 100)], Some(6)), [(300, Some(6))], "nothing is known of what comes first");
    }
}
