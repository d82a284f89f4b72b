//! The model's nouns as columns, and back.

use podbell_model::{Generation, ResourceClass, ResourceIri, Sequence, StorageId, Timestamp, Uuid};
use rusqlite::{Row, types::Type};
use std::{sync::Arc, time::Duration};

/// A count or number; SQLite's are signed, and none of ours comes near the end.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Nanoseconds since 1970; what lies beyond the year 2262 is held at its end.
pub(crate) fn nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// In nanoseconds; what is longer than 292 years is held there.
pub(crate) fn span(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// Ids one after the other.
pub(crate) fn joined(ids: &[Uuid]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}

/// The way back; of none, none.
pub(crate) fn parted(row: &Row<'_>, column: usize) -> rusqlite::Result<Arc<[Uuid]>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null()?.unwrap_or_default();
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(rusqlite::Error::InvalidColumnType(column, "ids".into(), Type::Blob));
    }
    Ok(ids.iter().map(|id| Uuid::from_bytes(*id)).collect())
}

/// An instant that stands in that column.
pub(crate) fn instant(column: usize, nanos: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_nanosecond(nanos.into()).map_err(|error| foreign(column, Type::Integer, error))
}

pub(crate) fn class_number(class: ResourceClass) -> i64 {
    match class {
        ResourceClass::Container => 0,
        ResourceClass::RdfSource => 1,
        ResourceClass::NonRdfSource => 2,
    }
}

/// Reads typed columns of a row.
pub(crate) trait Columns {
    fn number(&self, column: usize) -> rusqlite::Result<u64>;
    fn time(&self, column: usize) -> rusqlite::Result<Timestamp>;
    fn time_if(&self, column: usize) -> rusqlite::Result<Option<Timestamp>>;
    fn span_if(&self, column: usize) -> rusqlite::Result<Option<Duration>>;
    fn iri(&self, column: usize) -> rusqlite::Result<ResourceIri>;
    fn class(&self, column: usize) -> rusqlite::Result<ResourceClass>;
    fn uuid(&self, column: usize) -> rusqlite::Result<Uuid>;

    fn sequence(&self, column: usize) -> rusqlite::Result<Sequence> {
        self.number(column).map(Sequence)
    }

    fn generation(&self, column: usize) -> rusqlite::Result<Generation> {
        self.sequence(column).map(Generation)
    }

    fn storage(&self, column: usize) -> rusqlite::Result<StorageId> {
        self.number(column).map(StorageId)
    }
}

impl Columns for Row<'_> {
    fn number(&self, column: usize) -> rusqlite::Result<u64> {
        self.get(column).map(unsigned)
    }

    fn time(&self, column: usize) -> rusqlite::Result<Timestamp> {
        instant(column, self.get(column)?)
    }

    fn time_if(&self, column: usize) -> rusqlite::Result<Option<Timestamp>> {
        self.get::<_, Option<i64>>(column)?.map(|nanos| instant(column, nanos)).transpose()
    }

    fn span_if(&self, column: usize) -> rusqlite::Result<Option<Duration>> {
        Ok(self.get::<_, Option<i64>>(column)?.map(|nanos| Duration::from_nanos(unsigned(nanos))))
    }

    fn iri(&self, column: usize) -> rusqlite::Result<ResourceIri> {
        iri(self.get_ref(column)?.as_str()?).map_err(|error| foreign(column, Type::Text, error))
    }

    fn class(&self, column: usize) -> rusqlite::Result<ResourceClass> {
        match self.get(column)? {
            0 => Ok(ResourceClass::Container),
            1 => Ok(ResourceClass::RdfSource),
            2 => Ok(ResourceClass::NonRdfSource),
            other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
        }
    }

    fn uuid(&self, column: usize) -> rusqlite::Result<Uuid> {
        let bytes: [u8; 16] = self.get(column)?;
        Ok(Uuid::from_bytes(bytes))
    }
}

/// What stands in a column was not written by this program.
pub(crate) fn foreign(
    column: usize,
    of: Type,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, of, Box::new(error))
}

/// An IRI that was written in its normal form: its authority need not be taken apart again.
pub(crate) fn iri(text: &str) -> Result<ResourceIri, podbell_model::IriError> {
    let path = text.find("://").and_then(|scheme| Some(scheme + 3 + text[scheme + 3..].find('/')?));
    let (origin, path) = text.split_at(path.ok_or(podbell_model::IriError::NotHttp)?);
    ResourceIri::at(origin, path)
}
