//! What is asked of the pod, and what comes of it.
//!
//! A [`Request`] is planned into an [`Operation`], which says what it does; `wac` alone turns an operation into a
//! permitted one; only that can be applied.

use crate::{
    access::possible,
    budget::Parsed,
    conditions::Preconditions,
    members::MemberStream,
    patch::Patch,
    problem::Problem,
    shape::{Links, Shape},
    store::{Body, ByteStream},
};
use bytes::Bytes;
use parking_lot::Mutex;
use podbell_model::{ResourceIri, Sequence, Storage, Timestamp, Uuid};
use podbell_wac::Access;
use std::{fmt, sync::Arc};

/// A request about one resource.
#[derive(Debug)]
pub struct Request {
    /// The resource that it is about.
    pub target: ResourceIri,
    /// What is asked.
    pub action: Action,
    /// What must hold for it to be done.
    pub preconditions: Preconditions,
    /// When it is done.
    pub now: Timestamp,
    /// The channels whose deliveries led to it; empty for most.
    pub causes: Arc<[Uuid]>,
    /// See [`WriteSet::rules_as_of`](crate::store::WriteSet::rules_as_of); none for most.
    pub rules_as_of: Option<Sequence>,
}

/// What is asked.
#[derive(Debug)]
pub enum Action {
    /// GET and HEAD.
    Read(Reading),
    /// PUT.
    Put {
        /// The representation.
        content: Content,
    },
    /// POST.
    Post {
        /// The representation of the new member.
        content: Content,
        /// The value of `Slug`.
        slug: Option<Arc<str>>,
        /// Whether a `Link` with `rel="type"` asks for a container.
        container: bool,
    },
    /// PATCH.
    Patch {
        /// The patch document.
        content: Content,
    },
    /// DELETE.
    Delete,
}

/// How a representation is asked for.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The value of `Accept`, several lines joined by commas.
    pub accept: Option<Arc<str>>,
    /// The value of `Range`.
    pub range: Option<Arc<str>>,
    /// The value of `If-Range`.
    pub if_range: Option<Arc<str>>,
    /// The value of `Prefer`.
    pub prefer: Option<Arc<str>>,
    /// Whether the body is not wanted (HEAD).
    pub head: bool,
    /// Whether RDF is also had as a page for people, which the caller makes of [`RepresentationBody::Page`].
    pub pages: bool,
}

/// The content of a request.
pub struct Content {
    /// The value of `Content-Type`.
    pub content_type: Option<Arc<str>>,
    /// How many bytes are announced, where that is known.
    pub(crate) announced: Option<u64>,
    pub(crate) payload: Payload,
}

pub(crate) enum Payload {
    // Behind a lock only so that a request can be looked at from several threads; it is never waited for.
    Stream(Mutex<ByteStream>),
    /// Received before: the operation was handed back.
    Kept(Body),
}

impl Content {
    /// No content: no `Content-Type` is needed.
    pub fn none() -> Self {
        Self::kept(None, Body::Inline(Bytes::new()))
    }

    /// Content as it comes.
    pub fn stream(content_type: Option<Arc<str>>, body: ByteStream) -> Self {
        Self { content_type, announced: None, payload: Payload::Stream(Mutex::new(body)) }
    }

    /// The same, of an announced length in bytes: what is too much, or does not fit, is refused before it comes.
    #[must_use]
    pub fn of_length(mut self, bytes: Option<u64>) -> Self {
        self.announced = bytes;
        self
    }

    /// Content that is in memory.
    pub fn bytes(content_type: Option<Arc<str>>, body: impl Into<Bytes>) -> Self {
        Self::kept(content_type, Body::Inline(body.into()))
    }

    pub(crate) fn kept(content_type: Option<Arc<str>>, body: Body) -> Self {
        Self { content_type, announced: Some(body.size()), payload: Payload::Kept(body) }
    }

    /// The media type.
    ///
    /// # Errors
    /// [`Problem::NoContentType`] if there is none but content.
    pub(crate) fn media_type(&self) -> Result<Arc<str>, Problem> {
        match (&self.content_type, &self.payload) {
            (Some(content_type), _) => Ok(Arc::clone(content_type)),
            (None, Payload::Kept(body)) if body.size() == 0 => Ok("application/octet-stream".into()),
            (None, _) => Err(Problem::NoContentType),
        }
    }
}

impl fmt::Debug for Content {
    /// Leaves the content itself out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// A request as far as it is read without looking at what exists.
#[derive(Debug)]
pub struct Outline {
    pub(crate) request: Request,
    pub(crate) storage: Arc<Storage>,
    pub(crate) shape: Shape,
    pub(crate) patch: Option<Result<Patch, Problem>>,
}

impl Outline {
    /// What it may turn out to do, by what exists. Who is granted none of these is refused before anything is looked
    /// at, so that a refusal takes the same time whatever exists.
    pub fn accesses(&self) -> Vec<Access> {
        possible(&self.request, self.patch.as_ref())
    }
}

/// A planned request: it says what it does, so that it can be authorized.
#[derive(Debug)]
pub struct Operation {
    pub(crate) request: Request,
    pub(crate) storage: Arc<Storage>,
    pub(crate) shape: Shape,
    pub(crate) patch: Option<Result<Patch, Problem>>,
    pub(crate) access: Access,
}

impl Operation {
    /// The storage that the target is in.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// What the target can be.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The resource that the request is about.
    pub fn target(&self) -> &ResourceIri {
        &self.request.target
    }
}

impl podbell_wac::Operation for Operation {
    fn access(&self) -> Access {
        self.access.clone()
    }
}

/// What came of a permitted operation.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "made once for a request and taken apart at once")]
pub enum Applied {
    /// It was done.
    Done(Outcome),
    /// The rules, or what it needs, changed meanwhile and nothing was done: plan and authorize it anew.
    Again(Request),
}

/// What was done.
#[derive(Debug)]
pub enum Outcome {
    /// A representation was read.
    Read(Box<Representation>),
    /// The client's copy is current.
    NotModified(Validators),
    /// Something was written, or a patch changed nothing.
    Written(Box<Written>),
}

/// What tells one state of a representation from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// Entity-tag, quoted, strong.
    pub etag: String,
    /// Last-Modified; to be told in whole seconds.
    pub modified: Timestamp,
}

/// A representation, or a part of one.
#[derive(Debug)]
pub struct Representation {
    /// Of the representation.
    pub validators: Validators,
    /// Its media type.
    pub content_type: Arc<str>,
    /// Bytes in `body`, where known; with HEAD what the body would have.
    pub length: Option<u64>,
    /// If it is a part: first and last byte, both included, and the length of the whole.
    pub part: Option<(u64, u64, u64)>,
    /// Whether ranges are served of it: it is a stored body.
    pub ranges: bool,
    /// Whether it is a page for people: HTML that the server makes, not what a pod holds.
    pub page: bool,
    /// Value of `Preference-Applied`.
    pub preference_applied: Option<&'static str>,
    /// What links lead to.
    pub links: Links,
    /// The bytes.
    pub body: RepresentationBody,
}

/// The bytes of a representation.
pub enum RepresentationBody {
    /// Not wanted.
    None,
    /// In memory.
    Bytes(Bytes),
    /// As they come; exactly as many as the length says, where it says so.
    Stream(ByteStream),
    /// What a page is to be made of.
    Page(Box<PageContent>),
}

/// What a page for people shows.
pub enum PageContent {
    /// A container.
    Container {
        /// What its owner says about it.
        description: Option<Parsed>,
        /// Its members, ordered by IRI, some at a time.
        members: MemberStream,
    },
    /// An RDF document.
    Document(Parsed),
}

impl fmt::Debug for RepresentationBody {
    /// Leaves the content itself out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bytes(_) => "Bytes",
            Self::Stream(_) => "Stream",
            Self::Page(_) => "Page",
        })
    }
}

/// What became of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It exists since.
    Created,
    /// It existed and was written.
    Replaced,
    /// It exists no longer.
    Deleted,
    /// A patch left everything as it was: nothing was committed.
    Unchanged,
}

/// A write that was done.
#[derive(Debug)]
pub struct Written {
    /// What became of the resource.
    pub effect: Effect,
    /// The resource; after POST the new member, for `Location`.
    pub resource: ResourceIri,
    /// Of the default representation; none after a deletion.
    pub validators: Option<Validators>,
    /// What links lead to.
    pub links: Links,
}
