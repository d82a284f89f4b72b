//! Keys of this history, made when they are first asked for. A restored copy begins with others, so that what was sealed
//! for the history that was lost opens nothing.

use crate::{Sqlite, error::EngineError};
use aws_lc_rs::rand;
use rusqlite::OptionalExtension as _;

impl Sqlite {
    /// The key of that name; 256 bits.
    ///
    /// # Errors
    /// The engine below failed, or there is no randomness.
    pub async fn key(&self, name: &'static str) -> Result<[u8; 32], EngineError> {
        let mut fresh = [0; 32];
        rand::fill(&mut fresh).map_err(|_| EngineError::Stopped)?;
        let key = self.writer.write::<_, EngineError>(move |step| {
            let sql = "SELECT key FROM keys WHERE name = ?1";
            if let Some(key) = step.db.query_row(sql, [name], |row| row.get(0)).optional()? {
                return Ok(key);
            }
            step.db.execute("INSERT INTO keys (name, key) VALUES (?1, ?2)", rusqlite::params![name, fresh])?;
            Ok(fresh)
        });
        key.await
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, Sqlite};
    use podbell_model::Timestamp;

    #[tokio::test]
    async fn a_key_stays_until_the_history_is_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let open = |options: &Options| Sqlite::open(directory.path(), options).unwrap();
        let key = open(&Options::default()).key("a").await.unwrap();
        let store = open(&Options::default());
        assert_eq!(store.key("a").await.unwrap(), key);
        assert_ne!(store.key("b").await.unwrap(), key);
        drop(store);
        let restored = Options { restored: Some(Timestamp::UNIX_EPOCH), ..Options::default() };
        assert_ne!(open(&restored).key("a").await.unwrap(), key);
    }
}
