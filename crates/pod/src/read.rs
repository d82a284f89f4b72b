//! Reading: which representation, whether the client has it, and which part of it.
//!
//! Spec: <https://solidproject.org/TR/protocol#reading-resources>, RFC 9110 §13.2.2.

use crate::{
    budget::{Budget, Parsed},
    conditions::{UNWRITTEN, Variant, Verdict, tag},
    document::{convert, inbox, parse_stored},
    negotiate::{Form, PAGE, Usual, format_of, negotiate},
    operation::{Operation, Outcome, PageContent, Reading, Representation, RepresentationBody, Validators},
    pod::Pod,
    problem::Problem,
    range::{Asked, asked},
    shape::{Links, Shape},
    store::{Body, ByteStream, Resource, Store},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use podbell_model::{Auxiliary, ResourceClass, ResourceIri, rdf::RdfFormat};
use std::{future::ready, sync::Arc};

const MINIMAL: &str = "http://www.w3.org/ns/ldp#PreferMinimalContainer";

impl Pod {
    /// Reads a representation.
    pub(crate) async fn read(&self, operation: &Operation, reading: &Reading) -> Result<Outcome, Problem> {
        let target = operation.target();
        let resource = self.standing(&operation.shape, target).await?;
        let container = resource.class == ResourceClass::Container;
        let usual = if matches!(operation.shape, Shape::Acl { .. }) { Usual::Turtle } else { Usual::Stored };
        let form = negotiate(reading.accept.as_deref(), &resource.content_type, usual, reading.pages)?;
        let minimal = container && prefers_minimal(reading.prefer.as_deref());
        let variant = Variant { form, minimal };
        let validators = Validators { etag: tag(&resource, variant), modified: resource.modified };
        match operation.request.preconditions.judge_read(&validators.etag, validators.modified) {
            Verdict::Proceed => {}
            Verdict::NotModified => return Ok(Outcome::NotModified(validators)),
            Verdict::Failed(header) => return Err(Problem::Precondition(header)),
        }
        let mut links = Links::of(target, &operation.storage, Some(resource.class));
        let description = self.description(&operation.shape, target).await?;
        links.inbox = description.as_ref().and_then(|description| inbox(description, target));
        // Given back before a share for the document is waited for.
        let description = description.filter(|_| container);
        let mut representation = Representation {
            validators,
            content_type: match form {
                Form::Stored => Arc::clone(&resource.content_type),
                Form::Rdf(format) => format.media_type().into(),
                Form::Page => PAGE.into(),
            },
            length: None,
            part: None,
            ranges: false,
            page: form == Form::Page,
            preference_applied: minimal.then_some("return=representation"),
            links,
            body: RepresentationBody::None,
        };
        match (form, format_of(&resource.content_type)) {
            _ if container && reading.head => {}
            (Form::Page, _) if container => {
                let members = if minimal {
                    stream::empty().boxed()
                } else {
                    self.members(&resource.iri, None, self.store.newest().await?)
                };
                let content = PageContent::Container { description, members };
                representation.body = RepresentationBody::Page(Box::new(content));
            }
            _ if container => self.listing(&mut representation, &resource, operation, variant, description).await?,
            (Form::Page | Form::Rdf(_), Some(_)) if reading.head => {}
            (Form::Page, Some(stored)) => {
                let dataset = parse_stored(&*self.store, &self.budget, stored, target, &resource.body).await?;
                representation.body = RepresentationBody::Page(Box::new(PageContent::Document(dataset)));
            }
            (Form::Rdf(wanted), Some(stored)) => {
                let made = convert(&*self.store, &self.budget, stored, wanted, target, &resource.body).await?;
                representation.whole(made);
            }
            (Form::Stored, _) | (_, None) => self.stored(&mut representation, &resource.body, reading).await?,
        }
        Ok(Outcome::Read(Box::new(representation)))
    }

    /// The resource as a reader finds it: a description that was never written is there and empty.
    pub(crate) async fn standing(&self, shape: &Shape, target: &ResourceIri) -> Result<Resource, Problem> {
        match (self.store.resource(target).await?, shape) {
            (_, Shape::Reserved) => Err(Problem::NotFound(target.clone())),
            (Some(resource), _) => Ok(resource),
            (None, Shape::Description { subject }) => {
                let subject = self.store.resource(subject).await?.ok_or_else(|| Problem::NotFound(target.clone()))?;
                Ok(Resource {
                    iri: target.clone(),
                    class: ResourceClass::RdfSource,
                    version: UNWRITTEN.into(),
                    listing: 0,
                    content_type: RdfFormat::Turtle.media_type().into(),
                    body: Body::Inline(Bytes::new()),
                    ..subject
                })
            }
            (None, _) => Err(Problem::NotFound(target.clone())),
        }
    }

    /// What the description of an ordinary resource says; none if there is none.
    pub(crate) async fn description(&self, shape: &Shape, subject: &ResourceIri) -> Result<Option<Parsed>, Problem> {
        if !matches!(shape, Shape::Root | Shape::Container | Shape::Document) {
            return Ok(None);
        }
        described(&*self.store, &self.budget, subject).await
    }

    /// The stored bytes, or the part that is asked for.
    async fn stored(&self, representation: &mut Representation, body: &Body, reading: &Reading) -> Result<(), Problem> {
        let size = body.size();
        representation.ranges = true;
        let current = reading.if_range.as_deref().is_none_or(|tag| tag.trim() == representation.validators.etag);
        let (first, length) = match asked(reading.range.as_deref().filter(|_| current && !reading.head), size) {
            Asked::Beyond => return Err(Problem::Range(size)),
            Asked::Whole => (0, size),
            Asked::Part(first, last) => {
                representation.part = Some((first, last, size));
                (first, last - first + 1)
            }
        };
        representation.length = Some(length);
        if !reading.head {
            representation.body = match body {
                Body::Inline(bytes) => {
                    // In bounds: both are within the body, which is in memory.
                    let start = usize::try_from(first).unwrap_or(bytes.len());
                    let end = usize::try_from(first + length).unwrap_or(bytes.len());
                    RepresentationBody::Bytes(bytes.slice(start..end))
                }
                Body::File { .. } => RepresentationBody::Stream(take(self.store.open(body, first).await?, length)),
            };
        }
        Ok(())
    }
}

impl Representation {
    pub(crate) fn whole(&mut self, bytes: Bytes) {
        self.length = Some(bytes.len() as u64);
        self.body = RepresentationBody::Bytes(bytes);
    }
}

/// What the description of a resource says; none if there is none.
async fn described(store: &dyn Store, budget: &Budget, subject: &ResourceIri) -> Result<Option<Parsed>, Problem> {
    let kept = store.resource(&subject.auxiliary(Auxiliary::Description)).await?;
    said(store, budget, kept.as_ref()).await
}

/// What a description says; none if there is none.
pub(crate) async fn said(
    store: &dyn Store,
    budget: &Budget,
    description: Option<&Resource>,
) -> Result<Option<Parsed>, Problem> {
    let Some(description) = description else { return Ok(None) };
    let Some(format) = format_of(&description.content_type) else { return Ok(None) };
    parse_stored(store, budget, format, &description.iri, &description.body).await.map(Some)
}

/// The first bytes of a stream.
fn take(stream: ByteStream, length: u64) -> ByteStream {
    stream
        .scan(length, |left, chunk| {
            let chunk = chunk.map(|bytes| {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= wanted as u64;
                bytes.slice(..wanted)
            });
            ready((!matches!(&chunk, Ok(bytes) if bytes.is_empty())).then_some(chunk))
        })
        .boxed()
}

/// Whether a `Prefer` asks for a container without its members.
pub(crate) fn prefers_minimal(prefer: Option<&str>) -> bool {
    prefer.is_some_and(|prefer| {
        prefer.split([';', ',']).any(|parameter| {
            let value = parameter.trim().strip_prefix("include=").unwrap_or_default();
            value.trim_matches('"').split_ascii_whitespace().any(|iri| iri == MINIMAL)
        })
    })
}
