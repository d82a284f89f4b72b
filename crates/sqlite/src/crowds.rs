//! How many channels there are, counted in the transaction that keeps one more.

use crate::{columns::Columns, columns::signed, error::EngineError};
use podbell_delivery::push::Lane;
use podbell_hub::{Channel, ChannelLimits, Crowd, TooMany};
use podbell_model::WebId;
use rusqlite::{Connection, Params, params};

/// Whether one more channel may be kept.
pub(crate) fn admit(
    db: &Connection,
    channel: &Channel,
    limits: &ChannelLimits,
) -> Result<Result<(), TooMany>, EngineError> {
    let subject = &channel.subject;
    let (webid, client) = (subject.webid.as_ref().map(WebId::as_str), subject.client.as_deref());
    limits.admit(channel, |crowd, most| match crowd {
        Crowd::Client => count(db, "channels WHERE webid = ?2 AND client IS ?3", params![signed(most), webid, client]),
        Crowd::Agent => count(db, "channels WHERE webid = ?2", params![signed(most), webid]),
        Crowd::Public => count(db, "channels WHERE webid IS NULL", params![signed(most)]),
        Crowd::Network => {
            let network = channel.network.map(|network| network.0);
            count(db, "channels WHERE network = ?2", params![signed(most), network])
        }
        Crowd::TopicsOfAgent => count(
            db,
            "topics WHERE channel IN (SELECT id FROM channels WHERE webid = ?2)",
            params![signed(most), webid],
        ),
        Crowd::TopicsOfNetwork => {
            let network = channel.network.map(|network| network.0);
            let rows = "topics WHERE channel IN (SELECT id FROM channels WHERE network = ?2)";
            count(db, rows, params![signed(most), network])
        }
        Crowd::Topic(resource) => {
            let Some(topic) = channel.topics.iter().find(|topic| topic.resource == *resource) else { return Ok(0) };
            let about = params![signed(most), signed(topic.storage.0), resource.as_str()];
            count(db, "topics WHERE storage = ?2 AND resource = ?3", about)
        }
        Crowd::Pushed(resource) => {
            let Some(topic) = channel.topics.iter().find(|topic| topic.resource == *resource) else { return Ok(0) };
            let rows = "push_topics JOIN channels ON channels.id = push_topics.channel
                        WHERE storage = ?2 AND resource = ?3 AND webid = ?4";
            count(db, rows, params![signed(most), signed(topic.storage.0), resource.as_str(), webid])
        }
        Crowd::Targets => {
            let Some(push) = &channel.push else { return Ok(0) };
            targets(db, channel, &Lane::of(&push.send_to), most)
        }
    })
}

/// How many lanes the agent of a channel pushes to with other channels, but for one lane; at most `most`.
pub(crate) fn targets(db: &Connection, channel: &Channel, but: &Lane, most: u64) -> Result<u64, EngineError> {
    let sql = "SELECT count(*) FROM (
                   SELECT DISTINCT lane FROM targets JOIN channels ON channels.id = targets.channel
                   WHERE webid = ?2 AND purpose = 0 AND lane <> ?3 AND channels.id <> ?4 LIMIT ?1)";
    let webid = channel.subject.webid.as_ref().map(WebId::as_str);
    let values = params![signed(most), webid, &*but.0, channel.id.0.as_bytes()];
    Ok(db.prepare_cached(sql)?.query_row(values, |row| row.number(0))?)
}

/// How many rows there are, at most as many as the first value says.
fn count(db: &Connection, rows: &str, values: impl Params) -> Result<u64, EngineError> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT ?1)");
    Ok(db.prepare_cached(&sql)?.query_row(values, |row| row.number(0))?)
}
