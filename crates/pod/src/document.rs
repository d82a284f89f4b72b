//! RDF documents as bytes: received, parsed, converted and written back.
//!
//! What is written is kept as it came; every other form is made of it on demand.

use crate::{
    budget::{Budget, Parsed, Share},
    problem::Problem,
    store::{Body, ByteStream, Store, StoreError},
};
use bytes::{Bytes, BytesMut};
use oxrdf::{Dataset, GraphNameRef, NamedOrBlankNodeRef, TermRef};
use oxttl::TurtleParser;
use podbell_model::{
    ResourceIri,
    rdf::{self, RdfError, RdfFormat},
    vocab,
};
use std::{collections::BTreeSet, future::poll_fn, sync::Arc};

/// Longest RDF document, in bytes.
pub const MAX_RDF: u64 = 16 * 1024 * 1024;
/// Longest ACL or description, in bytes.
pub const MAX_CONTROL: u64 = 64 * 1024;
/// Documents from this size on, in bytes, are worked on outside the threads that serve connections.
pub(crate) const LARGE: u64 = 64 * 1024;

/// All of a stream.
async fn collect(mut stream: ByteStream) -> Result<Bytes, StoreError> {
    let mut all = BytesMut::new();
    while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        all.extend_from_slice(&chunk.map_err(|error| StoreError(Box::new(error)))?);
    }
    Ok(all.freeze())
}

/// Receives a document of at most `limit` bytes, which are counted as they come.
pub(crate) async fn receive(budget: &Budget, mut stream: ByteStream, limit: u64) -> Result<Bytes, Problem> {
    let (mut all, mut counted) = (BytesMut::new(), budget.receiving());
    while let Some(chunk) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        let chunk = chunk.map_err(Problem::Receive)?;
        let size = all.len() + chunk.len();
        if size as u64 > limit {
            return Err(Problem::TooLarge(limit));
        }
        counted.grow(size)?;
        all.extend_from_slice(&chunk);
    }
    Ok(counted.keep(all.freeze()))
}

/// The bytes of a stored body.
pub(crate) async fn load(store: &dyn Store, body: &Body) -> Result<Bytes, Problem> {
    match body {
        Body::Inline(bytes) => Ok(bytes.clone()),
        Body::File { .. } => Ok(collect(store.open(body, 0).await?).await?),
    }
}

/// Runs work on a document of that size where it holds up no connection.
pub(crate) async fn aside<T: Send + 'static>(
    size: u64,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    if size < LARGE {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::Interrupted)?
}

/// Parses a received document, in its share of the budget.
pub(crate) async fn parse(
    budget: &Budget,
    format: RdfFormat,
    base: &ResourceIri,
    bytes: Bytes,
) -> Result<Parsed, Problem> {
    let share = budget.share(bytes.len() as u64).await?;
    parse_in(share, format, base, bytes).await
}

/// Parses a stored document, in its share of the budget: it is not in memory before it has one.
pub(crate) async fn parse_stored(
    store: &dyn Store,
    budget: &Budget,
    format: RdfFormat,
    base: &ResourceIri,
    body: &Body,
) -> Result<Parsed, Problem> {
    let share = budget.share(body.size()).await?;
    parse_in(share, format, base, load(store, body).await?).await
}

async fn parse_in(share: Share, format: RdfFormat, base: &ResourceIri, bytes: Bytes) -> Result<Parsed, Problem> {
    let base = base.clone();
    let size = bytes.len() as u64;
    aside(size, move || Ok(Parsed::new(rdf::parse(format, base.as_str(), &bytes)?, share))).await
}

/// Makes another representation of a stored document, in its share of the budget.
pub(crate) async fn convert(
    store: &dyn Store,
    budget: &Budget,
    from: RdfFormat,
    to: RdfFormat,
    base: &ResourceIri,
    body: &Body,
) -> Result<Bytes, Problem> {
    let share = budget.share(body.size()).await?;
    let (base, bytes) = (base.clone(), load(store, body).await?);
    let size = bytes.len() as u64;
    let made = aside(size, move || {
        let dataset = Parsed::new(rdf::parse(from, base.as_str(), &bytes)?, share);
        Ok(write(to, &dataset, &prefixes(from, &base, &bytes)))
    });
    budget.until_taken(made.await?)
}

/// Writes a dataset with these prefixes.
pub(crate) fn write(format: RdfFormat, dataset: &Dataset, prefixes: &[(String, String)]) -> Bytes {
    let prefixes: Vec<(&str, &str)> = prefixes.iter().map(|(name, iri)| (&**name, &**iri)).collect();
    rdf::serialize(format, dataset, &prefixes).into()
}

/// The prefixes that a Turtle document declares ahead of its first statement.
pub(crate) fn prefixes(format: RdfFormat, base: &ResourceIri, bytes: &[u8]) -> Vec<(String, String)> {
    let parser = match TurtleParser::new().with_base_iri(base.as_str()) {
        Ok(parser) if format == RdfFormat::Turtle => parser,
        _ => return Vec::new(),
    };
    let mut parser = parser.for_slice(bytes);
    // Prefixes are known once the statement after them is read.
    let _first = parser.next();
    parser.prefixes().map(|(name, iri)| (name.to_owned(), iri.to_owned())).collect()
}

/// The same graph in N-Triples with absolute IRIs, for the history of rules.
pub(crate) fn n_triples(dataset: &Dataset) -> Result<Arc<str>, Problem> {
    text(rdf::serialize(RdfFormat::NTriples, dataset, &[]))
}

/// The statements that make a document a group document, in N-Triples; none if it is no group document.
pub(crate) fn group(dataset: &Dataset) -> Result<Option<Arc<str>>, Problem> {
    let members: Dataset = dataset
        .quads_for_graph_name(GraphNameRef::DefaultGraph)
        .filter(|quad| quad.predicate.as_str() == vocab::vcard::HAS_MEMBER)
        .collect();
    if members.is_empty() { Ok(None) } else { n_triples(&members).map(Some) }
}

fn text(bytes: Vec<u8>) -> Result<Arc<str>, Problem> {
    String::from_utf8(bytes).map(Arc::from).map_err(|error| {
        Problem::Rdf(RdfError::Syntax { format: RdfFormat::NTriples.media_type(), message: error.to_string() })
    })
}

/// Subjects, and the issuers that may speak for them.
pub(crate) type Issuers = BTreeSet<(String, String)>;

/// Who may speak for the WebIDs of a document: its `solid:oidcIssuer` statements about subjects in itself.
pub(crate) fn issuers(document: &ResourceIri, dataset: &Dataset) -> Issuers {
    dataset
        .quads_for_graph_name(GraphNameRef::DefaultGraph)
        .filter(|quad| quad.predicate.as_str() == vocab::solid::OIDC_ISSUER)
        .filter_map(|quad| match quad.subject {
            NamedOrBlankNodeRef::NamedNode(subject) => Some((subject.as_str(), quad.object)),
            NamedOrBlankNodeRef::BlankNode(_) => None,
        })
        .filter(|(subject, _)| subject.split('#').next() == Some(document.as_str()))
        .map(|(subject, issuer)| (subject.to_owned(), issuer.to_string()))
        .collect()
}

/// The inbox that a description names for its subject.
pub(crate) fn inbox(description: &Dataset, subject: &ResourceIri) -> Option<String> {
    description
        .quads_for_graph_name(GraphNameRef::DefaultGraph)
        .filter(|quad| {
            quad.predicate.as_str() == vocab::ldp::INBOX && quad.subject.to_string() == format!("<{subject}>")
        })
        .find_map(|quad| match quad.object {
            TermRef::NamedNode(inbox) => Some(inbox.as_str().to_owned()),
            _ => None,
        })
}
