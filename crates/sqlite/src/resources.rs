//! Resources as rows.

use crate::columns::{Columns, class_number, nanos, signed};
use podbell_model::{Generation, ResourceClass, ResourceIri, Sequence, StorageId};
use podbell_pod::store::{Body, Member, Resource};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use std::sync::Arc;

/// What a write needs to know of a resource.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) storage: StorageId,
    pub(crate) class: ResourceClass,
    pub(crate) generation: Generation,
    pub(crate) version: Arc<str>,
    pub(crate) digest: Option<Arc<str>>,
}

/// A resource without its body.
pub(crate) fn node(db: &Connection, iri: &ResourceIri) -> rusqlite::Result<Option<Node>> {
    let sql = "SELECT storage, class, generation, version, digest FROM resources WHERE iri = ?1";
    let node = |row: &Row<'_>| {
        Ok(Node {
            storage: row.storage(0)?,
            class: row.class(1)?,
            generation: row.generation(2)?,
            version: row.get(3)?,
            digest: row.get(4)?,
        })
    };
    db.prepare_cached(sql)?.query_row([iri.as_str()], node).optional()
}

/// A resource with its body.
pub(crate) fn resource(db: &Connection, iri: &ResourceIri) -> rusqlite::Result<Option<Resource>> {
    let sql = "SELECT storage, class, generation, version, listing, modified, content_type, size, digest, body
               FROM resources WHERE iri = ?1";
    let resource = |row: &Row<'_>| {
        let body = match row.get::<_, Option<Arc<str>>>(8)? {
            Some(digest) => Body::File { digest, size: row.number(7)? },
            None => Body::Inline(row.get::<_, Vec<u8>>(9)?.into()),
        };
        Ok(Resource {
            iri: iri.clone(),
            storage: row.storage(0)?,
            class: row.class(1)?,
            generation: row.generation(2)?,
            version: row.get(3)?,
            listing: row.number(4)?,
            modified: row.time(5)?,
            content_type: row.get(6)?,
            body,
        })
    };
    db.prepare_cached(sql)?.query_row([iri.as_str()], resource).optional()
}

/// Some of the non-auxiliary children of a container, by IRI: by the index alone, however many there are before them.
pub(crate) fn members(
    db: &Connection,
    container: &ResourceIri,
    after: Option<&ResourceIri>,
    limit: usize,
) -> rusqlite::Result<Vec<Member>> {
    let sql = "SELECT iri, class, content_type, modified, size, generation FROM resources
               WHERE parent = ?1 AND iri > ?2 ORDER BY iri LIMIT ?3";
    let member = |row: &Row<'_>| {
        Ok(Member {
            iri: row.iri(0)?,
            class: row.class(1)?,
            content_type: row.get(2)?,
            modified: row.time(3)?,
            size: row.number(4)?,
            generation: row.generation(5)?,
        })
    };
    let after = after.map_or("", ResourceIri::as_str);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare_cached(sql)?.query_map(params![container.as_str(), after, limit], member)?.collect()
}

/// The newest commit.
pub(crate) fn newest(db: &Connection) -> rusqlite::Result<Sequence> {
    db.prepare_cached("SELECT head FROM standing")?.query_row([], |row| row.sequence(0))
}

/// Whether a container has no non-auxiliary children.
pub(crate) fn is_empty(db: &Connection, container: &ResourceIri) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM resources WHERE parent = ?1)";
    db.prepare_cached(sql)?.query_row([container.as_str()], |row| row.get(0))
}

/// Creates or replaces a resource.
pub(crate) fn write(db: &Connection, row: &Resource, parent: Option<&ResourceIri>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO resources
                   (iri, storage, parent, class, generation, version, listing, modified, content_type, size, digest, body)
               VALUES
                   (:iri, :storage, :parent, :class, :generation, :version, :listing, :modified, :content_type, :size,
                    :digest, :body)
               ON CONFLICT (iri) DO UPDATE SET
                   class = excluded.class, version = excluded.version, listing = excluded.listing,
                   modified = excluded.modified, content_type = excluded.content_type, size = excluded.size,
                   digest = excluded.digest, body = excluded.body";
    let (digest, body) = match &row.body {
        Body::Inline(bytes) => (None, Some(bytes.as_ref())),
        Body::File { digest, .. } => (Some(digest.as_ref()), None),
    };
    db.prepare_cached(sql)?.execute(named_params! {
        ":iri": row.iri.as_str(),
        ":storage": signed(row.storage.0),
        ":parent": parent.map(ResourceIri::as_str),
        ":class": class_number(row.class),
        ":generation": signed(row.generation.0.0),
        ":version": &*row.version,
        ":listing": signed(row.listing),
        ":modified": nanos(row.modified),
        ":content_type": &*row.content_type,
        ":size": signed(row.body.size()),
        ":digest": digest,
        ":body": body,
    })?;
    Ok(())
}
