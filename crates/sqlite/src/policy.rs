//! The history of rules as rows: what every ACL and group document was, and until when.

use crate::columns::{Columns, signed};
use podbell_log::{At, LogError, PolicyBody, PolicyKind, PolicySnapshot};
use podbell_model::{Generation, ResourceIri, Sequence};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

fn kind_number(kind: PolicyKind) -> i64 {
    match kind {
        PolicyKind::Acl => 0,
        PolicyKind::Group => 1,
    }
}

pub(crate) fn kind(number: i64) -> PolicyKind {
    if number == 0 { PolicyKind::Acl } else { PolicyKind::Group }
}

/// The commit that last touched a document; 0 if none did.
pub(crate) fn touched(db: &Connection, document: &ResourceIri) -> rusqlite::Result<Sequence> {
    let sql = "SELECT ifnull(max(sequence), 0) FROM policy WHERE iri = ?1";
    db.prepare_cached(sql)?.query_row([document.as_str()], |row| row.sequence(0))
}

/// The oldest commit as of which the rules can be read.
pub(crate) fn floor(db: &Connection) -> rusqlite::Result<Sequence> {
    db.prepare_cached("SELECT floor FROM standing")?.query_row([], |row| row.sequence(0))
}

/// Whether a document rules now.
pub(crate) fn rules(db: &Connection, document: &ResourceIri) -> rusqlite::Result<bool> {
    let sql = "SELECT body IS NOT NULL FROM policy WHERE iri = ?1 ORDER BY sequence DESC LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row([document.as_str()], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Writes the next entry of a document's history; without a body it ends.
pub(crate) fn write(
    db: &Connection,
    document: &ResourceIri,
    sequence: Sequence,
    kind: PolicyKind,
    body: Option<&str>,
) -> rusqlite::Result<()> {
    let (iri, sequence) = (document.as_str(), signed(sequence.0));
    db.prepare_cached(
        "UPDATE policy SET until = ?2
         WHERE iri = ?1 AND sequence = (SELECT max(sequence) FROM policy WHERE iri = ?1) AND until IS NULL",
    )?
    .execute(params![iri, sequence])?;
    db.prepare_cached("INSERT OR REPLACE INTO policy (iri, sequence, kind, until, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![iri, sequence, kind_number(kind), body.is_none().then_some(sequence), body])?;
    Ok(())
}

/// Several documents as of one commit; a gap if the history does not reach back.
pub(crate) fn read(
    db: &Connection,
    documents: &[ResourceIri],
    at: At,
) -> rusqlite::Result<Result<PolicySnapshot, LogError>> {
    let (head, floor) = db
        .prepare_cached("SELECT head, floor FROM standing")?
        .query_row([], |row| Ok((row.sequence(0)?, row.sequence(1)?)))?;
    let as_of = match at {
        At::Now => head,
        At::Commit(sequence) => sequence.min(head),
    };
    if as_of < floor {
        return Ok(Err(LogError::Gap));
    }
    let mut entry = db.prepare_cached(
        "SELECT sequence, kind, until, body FROM policy WHERE iri = ?1 AND sequence <= ?2
         ORDER BY sequence DESC LIMIT 1",
    )?;
    let mut read = Vec::with_capacity(documents.len());
    for document in documents {
        let found = entry.query_row(params![document.as_str(), signed(as_of.0)], |row| standing(row, as_of));
        read.push(found.optional()?.unwrap_or_default());
    }
    Ok(Ok(PolicySnapshot { as_of, documents: read }))
}

fn standing(row: &Row<'_>, as_of: Sequence) -> rusqlite::Result<(Sequence, Option<Arc<PolicyBody>>)> {
    let since = row.sequence(0)?;
    let body: Option<Arc<str>> = row.get(3)?;
    // The entry that says so may have been pruned first: what has ended does not come back.
    let until = row.get::<_, Option<i64>>(2)?.map(|_| row.sequence(2)).transpose()?;
    match (body, until) {
        (Some(body), until) if until.is_none_or(|until| until > as_of) => {
            Ok((since, Some(Arc::new(PolicyBody { since, kind: kind(row.get(1)?), body }))))
        }
        (_, until) => Ok((until.unwrap_or(since), None)),
    }
}

/// The commit that ended a life; none while it lives, and a gap if nothing is known of it any longer.
pub(crate) fn ended(
    db: &Connection,
    resource: &ResourceIri,
    generation: Generation,
) -> rusqlite::Result<Result<Option<Sequence>, LogError>> {
    let key = params![resource.as_str(), signed(generation.0.0)];
    let sql = "SELECT sequence FROM ended WHERE iri = ?1 AND generation = ?2";
    let ended = db.prepare_cached(sql)?.query_row(key, |row| row.sequence(0)).optional()?;
    if ended.is_some() {
        return Ok(Ok(ended));
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM resources WHERE iri = ?1 AND generation = ?2)";
    let lives: bool = db.prepare_cached(sql)?.query_row(key, |row| row.get(0))?;
    Ok(if lives || generation.0 > floor(db)? { Ok(None) } else { Err(LogError::Gap) })
}
