//! What a name can be, by its spelling alone, and which operations such a name takes.
//!
//! Nothing here looks at what exists, so that an answer about methods tells nothing about existence.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-allow-methods>,
//! <https://solidproject.org/TR/protocol#server-accept-headers>

use podbell_model::{Auxiliary, ResourceClass, ResourceIri, Storage, vocab};

/// What a name can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The root container of the storage.
    Root,
    /// Another container.
    Container,
    /// A document.
    Document,
    /// The ACL of a subject.
    Acl {
        /// Whose.
        subject: ResourceIri,
        /// Whether it is the root container's.
        root: bool,
    },
    /// The description (`.meta`) of a subject.
    Description {
        /// Whose.
        subject: ResourceIri,
    },
    /// A name in which an auxiliary's suffix stands where none can be (`x.acl.acl`, `x.acl/`, `x.meta/y`): nothing
    /// is ever there.
    Reserved,
}

/// An operation of the protocol by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Read a representation.
    Get,
    /// Read about a representation.
    Head,
    /// Ask what is possible.
    Options,
    /// Create or replace.
    Put,
    /// Create a member.
    Post,
    /// Change statements.
    Patch,
    /// Delete.
    Delete,
}

impl Verb {
    /// The name as it stands in `Allow`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The patch languages, as `Accept-Patch` lists them.
pub const ACCEPT_PATCH: &str = "text/n3, application/sparql-update";

/// What a name takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// In the order in which `Allow` lists them.
    pub verbs: &'static [Verb],
    /// Value of `Accept-Put`, if PUT is allowed.
    pub accept_put: Option<&'static str>,
    /// Value of `Accept-Post`, if POST is allowed.
    pub accept_post: Option<&'static str>,
    /// Value of `Accept-Patch`, if PATCH is allowed.
    pub accept_patch: Option<&'static str>,
}

impl Allowed {
    /// Whether the operation is among them.
    pub fn contains(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// Value of `Allow`.
    pub fn header(&self) -> String {
        self.verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Shape {
    /// What `target` can be within its storage.
    pub fn of(target: &ResourceIri, storage: &Storage) -> Self {
        if *target == storage.root {
            return Self::Root;
        }
        if is_reserved(target, storage) {
            return Self::Reserved;
        }
        match target.as_auxiliary() {
            Some((_, subject)) if !storage.contains(&subject) => Self::Document,
            Some((Auxiliary::Acl, subject)) => Self::Acl { root: subject == storage.root, subject },
            Some((Auxiliary::Description, subject)) => Self::Description { subject },
            None if target.is_container() => Self::Container,
            None => Self::Document,
        }
    }

    /// What such a name takes.
    pub fn allowed(&self) -> Allowed {
        use Verb::{Delete, Get, Head, Options, Patch, Post, Put};
        const RDF: &str = "text/turtle, application/ld+json, application/n-triples";
        let (verbs, accept_put, accept_post): (&'static [Verb], _, _) = match self {
            Self::Root => (&[Get, Head, Options, Put, Post, Patch], Some(RDF), Some("*/*")),
            Self::Container => (&[Get, Head, Options, Put, Post, Patch, Delete], Some(RDF), Some("*/*")),
            Self::Document => (&[Get, Head, Options, Put, Patch, Delete], Some("*/*"), None),
            Self::Acl { root: true, .. } => (&[Get, Head, Options, Put, Patch], Some(RDF), None),
            Self::Acl { .. } | Self::Description { .. } => (&[Get, Head, Options, Put, Patch, Delete], Some(RDF), None),
            Self::Reserved => (&[Get, Head, Options], None, None),
        };
        let accept_patch = verbs.contains(&Patch).then_some(ACCEPT_PATCH);
        Allowed { verbs, accept_put, accept_post, accept_patch }
    }
}

/// Whether an auxiliary's suffix stands where none can be.
fn is_reserved(target: &ResourceIri, storage: &Storage) -> bool {
    let within = |iri: &ResourceIri| storage.contains(iri) && *iri != storage.root;
    let containers = target.ancestors().take_while(within).any(|container| is_reserved_name(container.name()));
    let itself = target.is_container() && is_reserved_name(target.name());
    containers || itself || target.as_auxiliary().is_some_and(|(_, subject)| subject.as_auxiliary().is_some())
}

/// Whether a last segment is that of an auxiliary resource.
pub(crate) fn is_reserved_name(name: &str) -> bool {
    [Auxiliary::Acl, Auxiliary::Description].iter().any(|kind| name.ends_with(kind.suffix()))
}

/// What links about a resource lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// `rel="acl"`; of an ACL itself none.
    pub acl: Option<ResourceIri>,
    /// `rel="describedby"`; of an auxiliary resource none.
    pub describedby: Option<ResourceIri>,
    /// `rel="describes"`: of a description its subject.
    pub describes: Option<ResourceIri>,
    /// `rel="type"`: the LDP classes and, for a root, `pim:Storage`; empty if the class is not to be told.
    pub types: Vec<&'static str>,
    /// The root of the storage, where its description hangs.
    pub storage: ResourceIri,
    /// `rel="ldp:inbox"`, from the description of the resource.
    pub inbox: Option<String>,
}

impl Links {
    /// What the name alone tells; the class only where the resource may be read or was just written.
    pub fn of(target: &ResourceIri, storage: &Storage, class: Option<ResourceClass>) -> Self {
        let shape = Shape::of(target, storage);
        let mut types = class.map_or(Vec::new(), |class| types(class).to_vec());
        if shape == Shape::Root {
            types.push(vocab::pim::STORAGE_CLASS);
        }
        let (acl, describedby, describes) = match shape {
            Shape::Root | Shape::Container | Shape::Document => {
                (Some(target.acl()), Some(target.auxiliary(Auxiliary::Description)), None)
            }
            Shape::Description { subject } => (Some(subject.acl()), None, Some(subject)),
            Shape::Acl { .. } | Shape::Reserved => (None, None, None),
        };
        Self { acl, describedby, describes, types, storage: storage.root.clone(), inbox: None }
    }
}

/// The LDP classes of a resource.
///
/// Spec: <https://www.w3.org/TR/ldp/#ldpr-gen-linktypehdr>
pub fn types(class: ResourceClass) -> &'static [&'static str] {
    use vocab::ldp::{BASIC_CONTAINER, CONTAINER, NON_RDF_SOURCE, RDF_SOURCE, RESOURCE};
    match class {
        ResourceClass::Container => &[BASIC_CONTAINER, CONTAINER, RDF_SOURCE, RESOURCE],
        ResourceClass::RdfSource => &[RDF_SOURCE, RESOURCE],
        ResourceClass::NonRdfSource => &[NON_RDF_SOURCE, RESOURCE],
    }
}
