//! A listing as bytes: a small one whole, a large one as it is read.
//!
//! The container is described first. In JSON-LD it is one node with one `ldp:contains`, however many members there are,
//! since readers that look for no more than the first node would miss the rest: so the members are gone through twice,
//! once for their names and once for what is said of them, and nothing is kept between.
//!
//! The rule: a reader who is slow sees nothing that came after the listing had begun, since by then it may be closed to
//! them. Of what went meanwhile there may be no more than the name.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-basic-container>

use crate::{
    budget::Parsed,
    conditions::Variant,
    document::aside,
    listing::{PREFIXES, containment, graph, nodes},
    members::{MemberStream, PORTION, portions},
    negotiate::Form,
    operation::{Operation, Representation, RepresentationBody},
    pod::Pod,
    problem::Problem,
    read::said,
    shape::Shape,
    store::{ByteStream, Member, Resource},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use oxrdf::{NamedOrBlankNodeRef, QuadRef};
use podbell_model::{
    Auxiliary, ResourceIri, Sequence,
    rdf::{Pieces, RdfFormat},
};
use std::{future::ready, io, sync::Arc};

/// A part of a listing, in the order in which it is written.
enum Part {
    /// That the container contains these.
    Names(Vec<Member>),
    /// What its owner says of other things: the description, of which that is written.
    Others(Option<Box<Parsed>>),
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
        description: Option<Parsed>,
    ) -> Result<(), Problem> {
        let first =
            if variant.minimal { Vec::new() } else { self.store.members_after(&container.iri, None, PORTION).await? };
        let last = first.last().map(|last| last.iri.clone()).filter(|_| first.len() == PORTION);
        let format = match variant.form {
            Form::Rdf(format) => format,
            Form::Stored | Form::Page => RdfFormat::Turtle,
        };
        let mut own = graph(container, operation.shape == Shape::Root, None);
        own.extend(description.iter().flat_map(|said| said.iter()).filter(|quad| is_about(*quad, &container.iri)));
        let mut pieces = Pieces::new(format, PREFIXES);
        pieces.add(&own);
        let (names, nodes) = (Part::Names(first.clone()), Part::Nodes(first));
        let Some(last) = last else {
            let parts = [names, Part::Others(description.map(Box::new)), nodes];
            let (of, size) = (container.iri.clone(), parts.iter().map(Part::bytes).sum());
            let work = move || {
                for part in parts {
                    part.write(&mut pieces, &of);
                }
                Ok(pieces.finish())
            };
            representation.whole(aside(size, work).await?.into());
            return Ok(());
        };
        // What is said of others is parsed again when its turn comes: a slow reader has no share.
        drop(description);
        let (store, budget) = (Arc::clone(&self.store), Arc::clone(&self.budget));
        let kept = store.resource(&container.iri.auxiliary(Auxiliary::Description)).await?;
        let others = async move {
            let said = said(&*store, &budget, kept.as_ref()).await;
            said.map(|said| Part::Others(said.map(Box::new))).map_err(io::Error::other)
        };
        let begun = self.store.newest().await?;
        let rest = || self.members(&container.iri, Some(last.clone()), begun).map_err(io::Error::other);
        let once = |part| stream::once(ready(Ok(part)));
        let parts = if format == RdfFormat::JsonLd {
            let names = once(names).chain(rest().map_ok(Part::Names));
            names.chain(stream::once(others)).chain(once(nodes)).chain(rest().map_ok(Part::Nodes)).boxed()
        } else {
            let first = once(names).chain(stream::once(others)).chain(once(nodes));
            first.chain(rest().map_ok(Part::Members)).boxed()
        };
        representation.body = RepresentationBody::Stream(written(pieces, container.iri.clone(), parts));
        Ok(())
    }

    /// The members that come after `after` and were there when a listing began.
    pub(crate) fn members(&self, container: &ResourceIri, after: Option<ResourceIri>, begun: Sequence) -> MemberStream {
        let portions = portions(Arc::clone(&self.store), container.clone(), after);
        portions.map_ok(move |portion| as_of(portion, begun)).try_filter(|portion| ready(!portion.is_empty())).boxed()
    }
}

/// Whether it is said of the container itself, in the graph that a listing is.
fn is_about(quad: QuadRef<'_>, container: &ResourceIri) -> bool {
    let NamedOrBlankNodeRef::NamedNode(subject) = quad.subject else { return false };
    subject.as_str() == container.as_str() && quad.graph_name.is_default_graph()
}

/// The members that were there when the listing began.
fn as_of(mut portion: Vec<Member>, begun: Sequence) -> Vec<Member> {
    portion.retain(|member| member.generation.0 <= begun);
    portion
}

/// The parts as they are written, one at a time.
fn written(
    pieces: Pieces,
    container: ResourceIri,
    parts: impl Stream<Item = io::Result<Part>> + Send + Unpin + 'static,
) -> ByteStream {
    stream::try_unfold(Some((pieces, parts)), move |state| {
        let container = container.clone();
        async move {
            let Some((mut pieces, mut parts)) = state else { return Ok(None) };
            let Some(part) = parts.try_next().await? else {
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
            Self::Others(None) => {}
            Self::Others(Some(said)) => {
                pieces.add(&said.iter().filter(|quad| !is_about(*quad, container)).collect());
            }
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
            Self::Others(said) => said.as_ref().map_or(0, |said| said.len()) as u64 * 100,
            Self::Nodes(members) | Self::Members(members) => members.len() as u64 * 300,
        }
    }
}
