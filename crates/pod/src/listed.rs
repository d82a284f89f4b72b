//! A listing as bytes: a small one whole, a large one as it is read.
//!
//! The container is described first. In JSON-LD it is one node with one `ldp:contains`, however many members there are,
//! since readers that look for no more than the first node would miss the rest: so the members are gone through twice,
//! once for their names and once for what is said of them, and nothing is kept between. What came after the listing had
//! begun is not in it; of what went meanwhile there may be no more than the name.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-basic-container>

use crate::{
    conditions::Variant,
    document::aside,
    listing::{PREFIXES, containment, graph, nodes},
    members::{MemberStream, PORTION, portions},
    negotiate::Form,
    operation::{Operation, Representation, RepresentationBody},
    pod::Pod,
    problem::Problem,
    shape::Shape,
    store::{ByteStream, Member, Resource, StoreError},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use oxrdf::{Dataset, GraphNameRef, NamedNodeRef};
use podbell_model::{
    ResourceIri, Sequence,
    rdf::{Pieces, RdfFormat},
};
use std::{future::ready, io, sync::Arc};

/// A part of a listing, in the order in which it is written.
enum Part {
    /// That the container contains these.
    Names(Vec<Member>),
    /// What its owner says of other things.
    Others(Box<Dataset>),
    /// What these are.
    Nodes(Vec<Member>),
    /// Both, in the syntaxes that say it as well in several places.
    Members(Vec<Member>),
}

impl Pod {
    /// Writes the listing of a container.
    pub(crate) async fn listing(
        &self,
        representation: &mut Representation,
        container: &Resource,
        operation: &Operation,
        variant: Variant,
        description: Option<Dataset>,
    ) -> Result<(), Problem> {
        let first =
            if variant.minimal { Vec::new() } else { self.store.members_after(&container.iri, None, PORTION).await? };
        let last = first.last().map(|last| last.iri.clone()).filter(|_| first.len() == PORTION);
        let format = match variant.form {
            Form::Rdf(format) => format,
            Form::Stored | Form::Page => RdfFormat::Turtle,
        };
        let (own, others) = apart(graph(container, operation.shape == Shape::Root, description), &container.iri);
        let mut pieces = Pieces::new(format, PREFIXES);
        pieces.add(&own);
        let (names, others, nodes) = (Part::Names(first.clone()), Part::Others(others.into()), Part::Nodes(first));
        let Some(last) = last else {
            let (of, size) = (container.iri.clone(), others.bytes() + nodes.bytes());
            let work = move || {
                for part in [names, others, nodes] {
                    part.write(&mut pieces, &of);
                }
                Ok(pieces.finish())
            };
            representation.whole(aside(size, work).await?.into());
            return Ok(());
        };
        let rest = || self.members(&container.iri, Some(last.clone()));
        let once = |part| stream::once(ready(Ok(part)));
        let parts = if format == RdfFormat::JsonLd {
            let begun = self.store.newest().await?;
            let names = once(names).chain(as_of(rest(), begun).map_ok(Part::Names));
            names.chain(once(others)).chain(once(nodes)).chain(as_of(rest(), begun).map_ok(Part::Nodes)).boxed()
        } else {
            once(names).chain(once(others)).chain(once(nodes)).chain(rest().map_ok(Part::Members)).boxed()
        };
        representation.body = RepresentationBody::Stream(written(pieces, container.iri.clone(), parts));
        Ok(())
    }

    pub(crate) fn members(&self, container: &ResourceIri, after: Option<ResourceIri>) -> MemberStream {
        portions(Arc::clone(&self.store), container.clone(), after)
    }
}

/// What is said of the container itself, and the rest.
fn apart(graph: Dataset, container: &ResourceIri) -> (Dataset, Dataset) {
    let Ok(subject) = NamedNodeRef::new(container.as_str()) else { return (graph, Dataset::new()) };
    graph.iter().partition(|quad| quad.subject == subject.into() && quad.graph_name == GraphNameRef::DefaultGraph)
}

/// The members that were there when the listing began.
fn as_of(members: MemberStream, begun: Sequence) -> impl Stream<Item = Result<Vec<Member>, StoreError>> + Send {
    members.map_ok(move |mut portion| {
        portion.retain(|member| member.generation.0 <= begun);
        portion
    })
}

/// The parts as they are written, one at a time.
fn written(
    pieces: Pieces,
    container: ResourceIri,
    parts: impl Stream<Item = Result<Part, StoreError>> + Send + Unpin + 'static,
) -> ByteStream {
    stream::try_unfold(Some((pieces, parts)), move |state| {
        let container = container.clone();
        async move {
            let Some((mut pieces, mut parts)) = state else { return Ok(None) };
            let Some(part) = parts.try_next().await.map_err(io::Error::other)? else {
                return Ok(Some((Bytes::from(pieces.finish()), None)));
            };
            let size = part.bytes();
            let work = move || {
                part.write(&mut pieces, &container);
                Ok((Bytes::from(pieces.take()), pieces))
            };
            let (written, pieces) = aside(size, work).await.map_err(io::Error::other)?;
            Ok(Some((written, Some((pieces, parts)))))
        }
    })
    // Whoever reads takes an empty chunk for the end.
    .try_filter(|written| ready(!written.is_empty()))
    .boxed()
}

impl Part {
    fn write(&self, pieces: &mut Pieces, container: &ResourceIri) {
        match self {
            Self::Names(members) => pieces.write(&containment(container, members)),
            Self::Others(statements) => pieces.add(statements),
            Self::Nodes(members) => pieces.write(&nodes(members)),
            Self::Members(members) => {
                pieces.write(&containment(container, members));
                pieces.write(&nodes(members));
            }
        }
    }

    /// About how many bytes it is when it is written.
    fn bytes(&self) -> u64 {
        match self {
            Self::Names(members) => members.len() as u64 * 100,
            Self::Others(statements) => statements.len() as u64 * 100,
            Self::Nodes(members) | Self::Members(members) => members.len() as u64 * 300,
        }
    }
}
