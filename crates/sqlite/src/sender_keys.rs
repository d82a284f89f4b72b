//! The keys that this server signs with as the sender of what it pushes.

use crate::{
    Sqlite,
    columns::{Columns, nanos},
    error::EngineError,
};
use podbell_delivery::push::keys::{KeptKey, KeyStore, KeyStoreError, Purpose};
use rusqlite::{Row, params, types::Type};
use std::sync::Arc;

#[async_trait::async_trait]
impl KeyStore for Sqlite {
    async fn sender_keys(&self) -> Result<Vec<KeptKey>, KeyStoreError> {
        let sql = "SELECT kid, purpose, pkcs8, created, signs FROM sender_keys ORDER BY signs, created";
        let keys =
            self.readers.read(move |db| Ok(db.prepare_cached(sql)?.query_map([], key)?.collect::<Result<_, _>>()?));
        keys.await.map_err(failed)
    }

    async fn change_sender_keys(&self, new: &[KeptKey], gone: &[Arc<str>]) -> Result<(), KeyStoreError> {
        let (new, gone) = (new.to_vec(), gone.to_vec());
        let change = self.writer.write::<_, EngineError>(move |step| {
            for key in &new {
                let sql = "INSERT INTO sender_keys (kid, purpose, pkcs8, created, signs) VALUES (?1, ?2, ?3, ?4, ?5)";
                let row = params![&*key.kid, key.purpose.as_str(), &*key.pkcs8, nanos(key.created), nanos(key.signs)];
                step.db.prepare_cached(sql)?.execute(row)?;
            }
            for kid in &gone {
                step.db.prepare_cached("DELETE FROM sender_keys WHERE kid = ?1")?.execute([&**kid])?;
            }
            Ok(())
        });
        change.await.map_err(failed)
    }
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeptKey> {
    let purpose: String = row.get(1)?;
    let unknown = || rusqlite::Error::FromSqlConversionFailure(1, Type::Text, "no purpose of a key".into());
    Ok(KeptKey {
        purpose: Purpose::from_name(&purpose).ok_or_else(unknown)?,
        kid: row.get::<_, String>(0)?.into(),
        pkcs8: row.get::<_, Vec<u8>>(2)?.into(),
        created: row.time(3)?,
        signs: row.time(4)?,
    })
}

fn failed(error: EngineError) -> KeyStoreError {
    KeyStoreError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use podbell_delivery::push::keys::{Change, Keys};
    use podbell_model::Timestamp;
    use std::time::Duration;

    const EVERY: Duration = Duration::from_hours(2_160);

    fn names(keys: &Keys, now: Timestamp) -> Vec<Vec<String>> {
        let of = |purpose| keys.published(purpose, now).iter().map(|key| key.thumbprint().to_owned()).collect();
        Purpose::ALL.map(of).to_vec()
    }

    #[tokio::test]
    async fn keys_outlive_the_process_and_those_that_are_over_are_gone() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Sqlite::open(directory.path(), &Options::default()).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let store = open();
        let keys = Keys::open(store.clone(), EVERY, now).await.unwrap();
        keys.replace(Change::Announced, now).await.unwrap();
        let before = names(&keys, now);
        assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        drop((keys, store));
        let store = open();
        let keys = Keys::open(store.clone(), EVERY, now).await.unwrap();
        assert_eq!(names(&keys, now), before);
        keys.replace(Change::AtOnce, now).await.unwrap();
        let kept = store.sender_keys().await.unwrap();
        assert_eq!(kept.len(), 3);
        assert_eq!(names(&keys, now)[2], before[2]);
    }

    #[tokio::test]
    async fn a_change_is_made_whole_or_not_at_all() {
        let store = crate::fresh::store();
        let now = Timestamp::UNIX_EPOCH;
        let key = KeptKey {
            purpose: Purpose::Vapid,
            kid: "k".into(),
            pkcs8: [7].as_slice().into(),
            created: now,
            signs: now,
        };
        store.change_sender_keys(std::slice::from_ref(&key), &[]).await.unwrap();
        let other = KeptKey { kid: "l".into(), ..key.clone() };
        assert!(store.change_sender_keys(&[other, key.clone()], &["k".into()]).await.is_err());
        assert_eq!(store.sender_keys().await.unwrap(), [key]);
    }
}
