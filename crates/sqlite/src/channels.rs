//! Notification channels that outlive the process.

use crate::{
    Sqlite,
    columns::{Columns, nanos, signed, span},
    crowds,
    error::{self, EngineError},
    queue::{self, receivers},
};
use podbell_hub::{
    After, Channel, ChannelId, ChannelLimits, ChannelStore, ChannelStoreError, ConnectionLimit, Filter, InsertError,
    Network, RenderingId, Renewal, Topic, Whose,
};
use podbell_model::{Subject, Timestamp, Uuid, WebId};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params, params};
use std::sync::Arc;

const COLUMNS: &str = "id, webid, client, issuer, origin, rendering, capability, concurrent, total, created, connect_by, \
                       start_at, end_at, rate, state, recursive, kinds, not_by_subject, network, linger";
/// Behind [`COLUMNS`] come those of what is pushed.
const TABLES: &str = "channels LEFT JOIN pushes ON pushes.channel = channels.id";

#[async_trait::async_trait]
impl ChannelStore for Sqlite {
    async fn insert(&self, channel: &Channel, limits: &ChannelLimits) -> Result<(), InsertError> {
        let (channel, limits) = (channel.clone(), limits.clone());
        let insert = self.writer.write::<_, EngineError>(move |step| {
            let admitted = crowds::admit(step.db, &channel, &limits)?;
            if admitted.is_ok() {
                insert(step.db, &channel)?;
                if let Some(push) = &channel.push {
                    receivers::insert(step.db, &channel, push, step.ledger.head)?;
                }
            }
            Ok(admitted)
        });
        Ok(insert.await.map_err(error::channel)??)
    }

    async fn get(&self, id: ChannelId) -> Result<Option<Channel>, ChannelStoreError> {
        self.readers.read(move |db| get(db, id)).await.map_err(error::channel)
    }

    async fn by_capability(&self, hash: &[u8; 32]) -> Result<Option<Channel>, ChannelStoreError> {
        let hash = *hash;
        let found = self.readers.read(move |db| select(db, "capability = ?1", [hash]));
        Ok(found.await.map_err(error::channel)?.pop())
    }

    async fn page(&self, whose: &Whose, after: Option<After>, limit: usize) -> Result<Vec<Channel>, ChannelStoreError> {
        let (whose, limit) = (whose.clone(), signed(limit as u64));
        let (created, id) = after.map_or((i64::MIN, ChannelId(Uuid::nil())), |(created, id)| (nanos(created), id));
        let found = self.readers.read(move |db| match whose {
            Whose::Agent(webid) => {
                let chosen = "webid = ?1 AND (created, id) > (?2, ?3)";
                select_some(db, chosen, params![webid.as_str(), created, id.0.as_bytes(), limit])
            }
            Whose::Storage(storage) => {
                let chosen = "id IN (SELECT channel FROM topics WHERE storage = ?1) AND (created, id) > (?2, ?3)";
                select_some(db, chosen, params![signed(storage.0), created, id.0.as_bytes(), limit])
            }
        });
        found.await.map_err(error::channel)
    }

    async fn renew(&self, id: ChannelId, renewal: &Renewal) -> Result<bool, ChannelStoreError> {
        let renewal = *renewal;
        let sql = "UPDATE channels SET end_at = ifnull(?2, end_at), rate = ifnull(?3, rate),
                       rendering = ifnull(?4, rendering), kinds = ifnull(?5, kinds),
                       not_by_subject = ifnull(?6, not_by_subject) WHERE id = ?1";
        let renew = self.writer.write::<_, EngineError>(move |step| {
            let rate = renewal.rate.map(span);
            let rendering = renewal.rendering.map(|rendering| rendering.0);
            let kinds = renewal.filter.map(podbell_hub::Filter::code);
            let not_by_subject = renewal.filter.map(|filter| filter.not_by_subject);
            let end_at = renewal.end_at.map(nanos);
            let changed = params![id.0.as_bytes(), end_at, rate, rendering, kinds, not_by_subject];
            Ok(step.db.prepare_cached(sql)?.execute(changed)? > 0)
        });
        renew.await.map_err(error::channel)
    }

    async fn narrow(&self, id: ChannelId, topics: &[Topic]) -> Result<bool, ChannelStoreError> {
        let topics: Vec<_> = topics.to_vec();
        let narrow = self.writer.write::<_, EngineError>(move |step| {
            let Some(channel) = get(step.db, id)? else { return Ok(false) };
            // Of those that it still has: one that was overtaken brings nothing back.
            let (left, lost): (Vec<Topic>, Vec<Topic>) =
                channel.topics.iter().cloned().partition(|kept| topics.contains(kept));
            if left.is_empty() {
                if channel.push.is_none() {
                    remove(step.db, id)?;
                }
                return Ok(false);
            }
            if channel.push.is_some() {
                receivers::narrow(step.db, id, &lost)?;
            }
            step.db.prepare_cached("DELETE FROM topics WHERE channel = ?1")?.execute([id.0.as_bytes()])?;
            insert_topics(step.db, id, &left)?;
            Ok(true)
        });
        narrow.await.map_err(error::channel)
    }

    async fn use_capability(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        let sql = "UPDATE channels SET uses = min(uses + 1, 4294967295), stranded = NULL
                   WHERE id = ?1 AND (total IS NULL OR uses < total)";
        let used = self
            .writer
            .write::<_, EngineError>(move |step| Ok(step.db.prepare_cached(sql)?.execute([id.0.as_bytes()])? > 0));
        used.await.map_err(error::channel)
    }

    async fn come_back(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        let sql = "UPDATE channels SET stranded = NULL WHERE id = ?1 AND linger > 0 AND uses > 0";
        let back = self
            .writer
            .write::<_, EngineError>(move |step| Ok(step.db.prepare_cached(sql)?.execute([id.0.as_bytes()])? > 0));
        back.await.map_err(error::channel)
    }

    async fn strand(&self, now: Timestamp) -> Result<(), ChannelStoreError> {
        let sql = "UPDATE channels SET stranded = ?1 + min(linger, 9223372036854775807 - ?1)
                   WHERE linger IS NOT NULL AND uses > 0";
        let strand = self.writer.write::<_, EngineError>(move |step| {
            step.db.prepare_cached(sql)?.execute([nanos(now)])?;
            Ok(())
        });
        strand.await.map_err(error::channel)
    }

    async fn advance_state(&self, id: ChannelId, state: Option<&str>) -> Result<(), ChannelStoreError> {
        let state = state.map(str::to_owned);
        let advance = self.writer.write::<_, EngineError>(move |step| {
            let sql = "UPDATE channels SET state = ?2 WHERE id = ?1";
            step.db.prepare_cached(sql)?.execute(params![id.0.as_bytes(), state])?;
            Ok(())
        });
        advance.await.map_err(error::channel)
    }

    async fn remove(&self, id: ChannelId) -> Result<bool, ChannelStoreError> {
        let removed = self.writer.write::<_, EngineError>(move |step| remove(step.db, id));
        removed.await.map_err(error::channel)
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<ChannelId>, ChannelStoreError> {
        // Those that want to be told of their end stay for whoever tells them, however long the server was down.
        let sql = "DELETE FROM channels WHERE (connect_by <= ?1 AND uses = 0) OR stranded <= ?1 OR (end_at <= ?1 AND NOT EXISTS (
                       SELECT 1 FROM pushes WHERE channel = id AND lifecycle IS NOT NULL))
                   RETURNING id";
        let sweep = self.writer.write::<_, EngineError>(move |step| {
            queue::sweep(step.db, now)?;
            let mut statement = step.db.prepare_cached(sql)?;
            let ended = statement.query_map([nanos(now)], |row| row.uuid(0).map(ChannelId))?;
            Ok(ended.collect::<Result<_, _>>()?)
        });
        sweep.await.map_err(error::channel)
    }
}

fn insert(db: &Connection, channel: &Channel) -> Result<(), EngineError> {
    let sql = "INSERT INTO channels
                   (id, webid, client, issuer, origin, rendering, capability, concurrent, total, created, connect_by,
                    start_at, end_at, rate, state, recursive, kinds, not_by_subject, network, linger)
               VALUES
                   (:id, :webid, :client, :issuer, :origin, :rendering, :capability, :concurrent, :total, :created,
                    :connect_by, :start_at, :end_at, :rate, :state, :recursive, :kinds, :not_by_subject,
                    :network, :linger)";
    let subject = &channel.subject;
    db.prepare_cached(sql)?.execute(named_params! {
        ":id": channel.id.0.as_bytes(),
        ":webid": subject.webid.as_ref().map(WebId::as_str),
        ":client": subject.client.as_deref(),
        ":issuer": subject.issuer.as_deref(),
        ":origin": subject.origin.as_deref(),
        ":network": channel.network.map(|network| network.0),
        ":rendering": channel.rendering.0,
        ":capability": channel.capability,
        ":concurrent": channel.connections.concurrent,
        ":total": channel.connections.total,
        ":created": nanos(channel.created),
        ":connect_by": channel.connect_by.map(nanos),
        ":start_at": channel.start_at.map(nanos),
        ":end_at": channel.end_at.map(nanos),
        ":rate": channel.rate.map(span),
        ":state": channel.state.as_deref(),
        ":recursive": channel.recursive,
        ":kinds": channel.filter.code(),
        ":not_by_subject": channel.filter.not_by_subject,
        ":linger": channel.linger.map(span),
    })?;
    insert_topics(db, channel.id, &channel.topics)
}

fn insert_topics(db: &Connection, id: ChannelId, topics: &[Topic]) -> Result<(), EngineError> {
    let sql = "INSERT INTO topics (channel, ordinal, storage, resource) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = db.prepare_cached(sql)?;
    for (topic, ordinal) in topics.iter().zip(0_i64..) {
        let row = params![id.0.as_bytes(), ordinal, signed(topic.storage.0), topic.resource.as_str()];
        statement.execute(row)?;
    }
    Ok(())
}

/// A channel by its id.
pub(crate) fn get(db: &Connection, id: ChannelId) -> Result<Option<Channel>, EngineError> {
    Ok(select(db, "id = ?1", [id.0.as_bytes()])?.pop())
}

/// A channel that pushes, with one topic for each storage: that is enough for who delivers, and costs little however many
/// there are.
pub(crate) fn receiver(db: &Connection, id: ChannelId) -> Result<Option<Channel>, EngineError> {
    let pushed = receivers::COLUMNS;
    let sql = format!("SELECT {COLUMNS}, {pushed} FROM {TABLES} WHERE id = ?1");
    let Some(mut found) = db.prepare_cached(&sql)?.query_row([id.0.as_bytes()], channel).optional()? else {
        return Ok(None);
    };
    let sql = "SELECT storage, min(resource) FROM push_topics WHERE channel = ?1 GROUP BY storage";
    found.topics = db.prepare_cached(sql)?.query_map([id.0.as_bytes()], topic)?.collect::<Result<_, _>>()?;
    Ok(Some(found))
}

/// Forgets a channel, with all that hangs on it; true if there was one.
pub(crate) fn remove(db: &Connection, id: ChannelId) -> Result<bool, EngineError> {
    Ok(db.prepare_cached("DELETE FROM channels WHERE id = ?1")?.execute([id.0.as_bytes()])? > 0)
}

/// The channels that a condition chooses, oldest first.
fn select(db: &Connection, condition: &str, values: impl Params) -> Result<Vec<Channel>, EngineError> {
    let pushed = receivers::COLUMNS;
    let sql = format!("SELECT {COLUMNS}, {pushed} FROM {TABLES} WHERE {condition} ORDER BY created, id");
    read(db, &sql, values)
}

/// The same, at most as many as the fourth value says.
fn select_some(db: &Connection, condition: &str, values: impl Params) -> Result<Vec<Channel>, EngineError> {
    let pushed = receivers::COLUMNS;
    let sql = format!("SELECT {COLUMNS}, {pushed} FROM {TABLES} WHERE {condition} ORDER BY created, id LIMIT ?4");
    read(db, &sql, values)
}

fn read(db: &Connection, sql: &str, values: impl Params) -> Result<Vec<Channel>, EngineError> {
    let mut channels =
        db.prepare_cached(sql)?.query_map(values, channel)?.collect::<rusqlite::Result<Vec<Channel>>>()?;
    let sql = "SELECT storage, resource FROM topics WHERE channel = ?1 ORDER BY ordinal";
    let mut statement = db.prepare_cached(sql)?;
    for channel in &mut channels {
        channel.topics = statement.query_map([channel.id.0.as_bytes()], topic)?.collect::<Result<_, _>>()?;
    }
    Ok(channels)
}

fn topic(row: &Row<'_>) -> rusqlite::Result<Topic> {
    Ok(Topic { storage: row.storage(0)?, resource: row.iri(1)? })
}

/// All but its topics.
fn channel(row: &Row<'_>) -> rusqlite::Result<Channel> {
    let subject = Subject {
        webid: row.get::<_, Option<Arc<str>>>(1)?.map(WebId::new),
        client: row.get(2)?,
        issuer: row.get(3)?,
        origin: row.get(4)?,
    };
    Ok(Channel {
        id: ChannelId(row.uuid(0)?),
        subject: Arc::new(subject),
        topics: Arc::new([]),
        rendering: RenderingId(row.get(5)?),
        capability: row.get(6)?,
        connections: ConnectionLimit { concurrent: row.get(7)?, total: row.get(8)? },
        created: row.time(9)?,
        connect_by: row.time_if(10)?,
        start_at: row.time_if(11)?,
        end_at: row.time_if(12)?,
        rate: row.span_if(13)?,
        state: row.get(14)?,
        recursive: row.get(15)?,
        filter: Filter::from_code(row.get(16)?, row.get(17)?),
        network: row.get::<_, Option<[u8; 16]>>(18)?.map(Network),
        linger: row.span_if(19)?,
        push: receivers::push(row, 20)?,
    })
}

#[cfg(test)]
mod tests {
    async fn make() -> crate::Sqlite {
        crate::fresh::store()
    }

    podbell_hub::channel_store_contract!(make);
}
