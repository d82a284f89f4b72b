//! What a container says: its members and their metadata, kept by the server, and its owner's own statements.
//!
//! A large container is told in portions: its own statements and the first members, then more of them.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-basic-container>,
//! <https://solidproject.org/TR/protocol#server-contained-resource-metadata>

use crate::{
    problem::Problem,
    shape::types,
    store::{Member, Resource},
};
use mime::Mime;
use oxrdf::{Dataset, GraphName, Literal, NamedNode, NamedNodeRef, NamedOrBlankNodeRef, Quad, QuadRef, Term, TermRef};
use podbell_model::{ResourceClass, ResourceIri, Timestamp, vocab};

const MODIFIED: &str = "http://purl.org/dc/terms/modified";
const POSIX: &str = "http://www.w3.org/ns/posix/stat#";
const MTIME: &str = "http://www.w3.org/ns/posix/stat#mtime";
const SIZE: &str = "http://www.w3.org/ns/posix/stat#size";
const MEDIA_TYPES: &str = "http://www.w3.org/ns/iana/media-types/";
const DATE_TIME: &str = "http://www.w3.org/2001/XMLSchema#dateTime";
const INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";

/// The prefixes of a listing.
pub(crate) const PREFIXES: &[(&str, &str)] = &[
    ("ldp", vocab::ldp::NS),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("stat", POSIX),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// What is said of a container beside its members.
pub(crate) fn graph(container: &Resource, is_root: bool, description: Option<Dataset>) -> Dataset {
    let mut kept = Statements::default();
    let name = container.iri.as_str();
    for class in types(ResourceClass::Container) {
        kept.link(name, vocab::rdf::TYPE, class);
    }
    if is_root {
        kept.link(name, vocab::rdf::TYPE, vocab::pim::STORAGE_CLASS);
    }
    kept.dates(name, container.modified);
    let mut graph = description.unwrap_or_default();
    graph.extend(kept.0);
    graph
}

/// That a container contains its members. No dataset, here and below: its indexes would take many times the room of the
/// statements.
pub(crate) fn containment(container: &ResourceIri, members: &[Member]) -> Vec<Quad> {
    let mut kept = Statements::default();
    for member in members {
        kept.link(container.as_str(), vocab::ldp::CONTAINS, member.iri.as_str());
    }
    kept.0
}

/// What members are, in an order in which writers can fold neighbours.
pub(crate) fn nodes(members: &[Member]) -> Vec<Quad> {
    let mut kept = Statements::default();
    for member in members {
        kept.node(member);
    }
    kept.0
}

/// Refuses statements that the server keeps, and leaves out those about the container's own classes that are true
/// of it anyway.
///
/// Every client sends `<> a ldp:Container` with a new container; that is no attempt to change anything.
pub(crate) fn own_statements(container: &ResourceIri, is_root: bool, written: &Dataset) -> Result<Dataset, Problem> {
    let mut own = Dataset::new();
    for quad in written {
        if restates(container, is_root, quad) {
            continue;
        }
        refuse_managed(container, quad)?;
        own.insert(quad);
    }
    Ok(own)
}

/// Refuses a statement of a container that the server keeps.
pub(crate) fn refuse_managed(container: &ResourceIri, quad: QuadRef<'_>) -> Result<(), Problem> {
    let NamedOrBlankNodeRef::NamedNode(subject) = quad.subject else { return Ok(()) };
    let (subject, predicate) = (subject.as_str(), quad.predicate.as_str());
    let itself = subject == container.as_str();
    if !quad.graph_name.is_default_graph() || !(itself || is_member_name(container, subject)) {
        return Ok(());
    }
    match predicate {
        vocab::ldp::CONTAINS if itself => Err(Problem::Containment(statement(quad))),
        MODIFIED | MTIME | SIZE => Err(Problem::ManagedStatement(statement(quad))),
        vocab::rdf::TYPE if is_managed_class(quad.object, itself) => Err(Problem::ManagedStatement(statement(quad))),
        _ => Ok(()),
    }
}

/// Whether the statement says of a container what every container is.
pub(crate) fn restates(container: &ResourceIri, is_root: bool, quad: QuadRef<'_>) -> bool {
    let (NamedOrBlankNodeRef::NamedNode(subject), TermRef::NamedNode(class)) = (quad.subject, quad.object) else {
        return false;
    };
    subject.as_str() == container.as_str()
        && quad.predicate.as_str() == vocab::rdf::TYPE
        && quad.graph_name.is_default_graph()
        && (types(ResourceClass::Container).contains(&class.as_str())
            || is_root && class.as_str() == vocab::pim::STORAGE_CLASS)
}

fn is_member_name(container: &ResourceIri, iri: &str) -> bool {
    iri.strip_prefix(container.as_str()).is_some_and(|rest| {
        let name = rest.strip_suffix('/').unwrap_or(rest);
        !name.is_empty() && !name.contains(['/', '#', '?'])
    })
}

fn is_managed_class(class: TermRef<'_>, of_container: bool) -> bool {
    let TermRef::NamedNode(class) = class else { return false };
    let class = class.as_str();
    class.starts_with(vocab::ldp::NS)
        || class.starts_with(MEDIA_TYPES)
        || of_container && class == vocab::pim::STORAGE_CLASS
}

fn statement(quad: QuadRef<'_>) -> String {
    quad.to_string()
}

/// Statements made of strings that the server chose; one that is no IRI is left out.
#[derive(Default)]
struct Statements(Vec<Quad>);

impl Statements {
    fn node(&mut self, member: &Member) {
        let child = member.iri.as_str();
        for class in types(member.class) {
            self.link(child, vocab::rdf::TYPE, class);
        }
        let is_container = member.class == ResourceClass::Container;
        if let Ok(mime) = member.content_type.parse::<Mime>()
            && !is_container
        {
            self.link(child, vocab::rdf::TYPE, &format!("{MEDIA_TYPES}{}#Resource", mime.essence_str()));
        }
        self.dates(child, member.modified);
        if !is_container {
            self.literal(child, SIZE, member.size.to_string(), INTEGER);
        }
    }

    fn link(&mut self, subject: &str, predicate: &str, object: &str) {
        if let Ok(object) = NamedNode::new(object) {
            self.add(subject, predicate, object.into());
        }
    }

    fn literal(&mut self, subject: &str, predicate: &str, value: String, datatype: &str) {
        if let Ok(datatype) = NamedNode::new(datatype) {
            self.add(subject, predicate, Literal::new_typed_literal(value, datatype).into());
        }
    }

    /// In whole seconds, so that they denote the instant of Last-Modified.
    fn dates(&mut self, subject: &str, at: Timestamp) {
        let seconds = at.as_second();
        let date = Timestamp::from_second(seconds).unwrap_or(at);
        self.literal(subject, MODIFIED, date.to_string(), DATE_TIME);
        self.literal(subject, MTIME, seconds.to_string(), INTEGER);
    }

    fn add(&mut self, subject: &str, predicate: &str, object: Term) {
        if let (Ok(subject), Ok(predicate)) = (NamedNodeRef::new(subject), NamedNodeRef::new(predicate)) {
            self.0.push(Quad::new(subject.into_owned(), predicate.into_owned(), object, GraphName::DefaultGraph));
        }
    }
}
