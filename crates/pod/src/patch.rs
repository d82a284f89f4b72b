//! Patches: what to find, to delete and to insert in the default graph of a document.
//!
//! Two languages are read into one form. An N3 patch has one step that must match once and whose deletions must be
//! there; a SPARQL update has steps that apply to each match, however many.
//!
//! Spec: <https://solidproject.org/TR/protocol#n3-patch>, <https://www.w3.org/TR/sparql11-update/>

mod n3;
mod solve;
mod sparql;

use crate::problem::Problem;
use oxrdf::{BlankNode, Dataset, GraphName, Literal, NamedNode, NamedOrBlankNode, Quad, Term, TermRef};
use podbell_model::{ResourceIri, iri::MAX_IRI, rdf::RdfError};
use solve::Mapping;
use std::collections::HashMap;

/// Most patterns in one formula.
const MAX_PATTERNS: usize = 256;
/// Most statements that one patch deletes or inserts.
const MAX_EFFECT: usize = 100_000;
/// Most bytes in the terms of those statements.
const MAX_EFFECT_BYTES: usize = 64 * 1024 * 1024;

/// A patch that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    dialect: Dialect,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    N3,
    Sparql,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Step {
    find: Vec<Pattern>,
    delete: Vec<Pattern>,
    insert: Vec<Pattern>,
}

/// A triple with places to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    subject: Slot,
    predicate: Slot,
    object: Slot,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Iri(NamedNode),
    Literal(Literal),
    Variable(String),
    /// In a pattern to find: anything, the same for each label. In an insertion: a new node for each label.
    Blank(String),
}

impl Slot {
    fn bytes(&self) -> u64 {
        (match self {
            Self::Iri(node) => node.as_str().len(),
            Self::Literal(literal) => literal.value().len() + literal.datatype().as_str().len(),
            // What it is filled with is in the document, and bounded.
            Self::Variable(_) => MAX_IRI,
            Self::Blank(label) => label.len(),
        }) as u64
    }
}

/// Why bytes are no patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// Not of the declared syntax.
    #[error("the patch does not parse: {0}")]
    Syntax(String),
    /// No patch subject, or several.
    #[error("the document has {0} patch subjects instead of one")]
    Subjects(usize),
    /// The patch subject has no `a solid:InsertDeletePatch`.
    #[error("the patch subject is not declared a solid:InsertDeletePatch")]
    NoType,
    /// A predicate is used more than once.
    #[error("the patch has more than one solid:{0}")]
    Repeated(&'static str),
    /// The object of a predicate is no formula.
    #[error("the object of solid:{0} is no formula")]
    NoFormula(&'static str),
    /// A formula, list or implication inside a formula.
    #[error("solid:{0} holds something else than plain triples and patterns")]
    NotPlain(&'static str),
    /// A variable that the condition does not bind.
    #[error("the variable ?{0} does not occur in solid:where")]
    Unbound(String),
    /// A blank node in the deletions.
    #[error("solid:deletes holds a blank node")]
    BlankDeletion,
    /// A label of a blank node in two places that do not share nodes.
    #[error("the blank node _:{0} is used across formulae")]
    SharedBlank(String),
    /// Larger than any patch that is accepted.
    #[error("the patch has more than {limit} {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: usize,
    },
    /// Its terms are larger than those of any document.
    #[error(transparent)]
    Rdf(RdfError),
    /// A part of SPARQL Update that is not offered.
    #[error(
        "of SPARQL Update, only INSERT DATA, DELETE DATA and DELETE/INSERT WHERE with a plain graph pattern are offered"
    )]
    Unsupported,
}

impl PatchError {
    /// The requirement that is broken.
    pub(crate) fn requirement(&self) -> Option<&'static str> {
        Some(match self {
            Self::Subjects(_) => "https://solidproject.org/TR/protocol#server-patch-n3-single",
            Self::NoType => "https://solidproject.org/TR/protocol#server-patch-n3-type",
            Self::Repeated(_)
            | Self::NoFormula(_)
            | Self::NotPlain(_)
            | Self::SharedBlank(_)
            | Self::Unbound(_)
            | Self::BlankDeletion => "https://solidproject.org/TR/protocol#server-patch-n3-invalid",
            Self::Syntax(_) | Self::TooComplex { .. } | Self::Rdf(_) | Self::Unsupported => return None,
        })
    }
}

/// Why a patch does not fit the state of its target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchConflict {
    /// The condition matches nowhere.
    #[error("the condition of the patch matches nothing")]
    NoMapping,
    /// The condition matches more than once.
    #[error("the condition of the patch matches more than once")]
    ManyMappings,
    /// A statement to delete is not there.
    #[error("the statement to delete is not there: `{0}`")]
    Absent(String),
    /// A literal would become a subject or predicate.
    #[error("a variable puts a literal where none can stand")]
    LiteralPosition,
    /// Finding the matches, or applying the patch to them, takes more work than is accepted.
    #[error("the patch takes more than {limit} {what}")]
    TooMuchWork {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: usize,
    },
}

/// What a patch did to a dataset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    /// The statements that it named for deletion.
    pub(crate) deleted: Vec<Quad>,
    /// The statements that it named for insertion.
    pub(crate) inserted: Vec<Quad>,
    /// Whether the dataset is another one now.
    pub(crate) changed: bool,
}

impl Patch {
    /// Reads a patch; relative IRIs resolve against `target`.
    pub(crate) fn parse(media_type: &str, target: &ResourceIri, bytes: &[u8]) -> Result<Self, Problem> {
        match media_type {
            "text/n3" => Ok(n3::parse(target.as_str(), bytes)?),
            "application/sparql-update" => Ok(sparql::parse(target.as_str(), bytes)?),
            other => Err(Problem::UnknownPatch(other.to_owned())),
        }
    }

    /// Whether it looks at what is there.
    pub(crate) fn looks(&self) -> bool {
        self.steps.iter().any(|step| !step.find.is_empty())
    }

    /// Whether it deletes.
    pub(crate) fn deletes(&self) -> bool {
        self.steps.iter().any(|step| !step.delete.is_empty())
    }

    /// Whether it inserts.
    pub(crate) fn inserts(&self) -> bool {
        self.steps.iter().any(|step| !step.insert.is_empty())
    }

    /// The most that its insertions come to, in bytes.
    pub(crate) fn cost(&self) -> u64 {
        // What is found can be many; a patch in N3 finds one.
        if self.dialect == Dialect::Sparql && self.looks() {
            return MAX_EFFECT_BYTES as u64;
        }
        let inserted = self.steps.iter().flat_map(|step| &step.insert);
        inserted.flat_map(|pattern| [&pattern.subject, &pattern.predicate, &pattern.object]).map(Slot::bytes).sum()
    }

    /// Applies the patch; the dataset is to be thrown away if this fails.
    pub(crate) fn apply(&self, dataset: &mut Dataset) -> Result<Effect, PatchConflict> {
        let mut effect = Effect::default();
        let mut before: HashMap<Quad, bool> = HashMap::new();
        let mut bytes = 0;
        for step in &self.steps {
            let mappings = self.mappings(step, dataset)?;
            let (mut deleted, mut inserted) = (Vec::new(), Vec::new());
            for mapping in &mappings {
                let mut fresh = HashMap::new();
                let deletions = step.delete.iter().map(|pattern| (pattern, true));
                for (pattern, deletes) in deletions.chain(step.insert.iter().map(|pattern| (pattern, false))) {
                    let Some(quad) = self.fill(pattern, mapping, &mut fresh)? else { continue };
                    bytes += bytes_of(quad.subject.as_ref().into()) + bytes_of(quad.object.as_ref());
                    if bytes > MAX_EFFECT_BYTES {
                        return Err(PatchConflict::TooMuchWork {
                            what: "bytes of statements",
                            limit: MAX_EFFECT_BYTES,
                        });
                    }
                    if deletes { deleted.push(quad) } else { inserted.push(quad) }
                }
                if deleted.len() + inserted.len() > MAX_EFFECT {
                    return Err(PatchConflict::TooMuchWork { what: "statements", limit: MAX_EFFECT });
                }
            }
            for quad in &deleted {
                let there = dataset.remove(quad);
                // Twice the same deletion is one deletion.
                if self.dialect == Dialect::N3 && !there && !before.contains_key(quad) {
                    return Err(PatchConflict::Absent(quad.to_string()));
                }
                before.entry(quad.clone()).or_insert(there);
            }
            for quad in &inserted {
                let new = dataset.insert(quad);
                before.entry(quad.clone()).or_insert(!new);
            }
            effect.deleted.append(&mut deleted);
            effect.inserted.append(&mut inserted);
        }
        effect.changed = before.iter().any(|(quad, there)| dataset.contains(quad) != *there);
        Ok(effect)
    }

    fn mappings(&self, step: &Step, dataset: &Dataset) -> Result<Vec<Mapping>, PatchConflict> {
        match self.dialect {
            Dialect::Sparql => solve::all(&step.find, dataset),
            Dialect::N3 => match solve::one(&step.find, dataset)? {
                Some(mapping) => Ok(vec![mapping]),
                None => Err(PatchConflict::NoMapping),
            },
        }
    }

    /// The statement that a pattern becomes; in SPARQL one that cannot be is left out.
    fn fill(
        &self,
        pattern: &Pattern,
        mapping: &Mapping,
        fresh: &mut HashMap<String, BlankNode>,
    ) -> Result<Option<Quad>, PatchConflict> {
        let subject = term(&pattern.subject, mapping, fresh);
        let predicate = term(&pattern.predicate, mapping, fresh);
        let object = term(&pattern.object, mapping, fresh);
        let (subject, predicate) = match (subject, predicate) {
            (Some(Term::NamedNode(subject)), Some(Term::NamedNode(predicate))) => {
                (NamedOrBlankNode::from(subject), predicate)
            }
            (Some(Term::BlankNode(subject)), Some(Term::NamedNode(predicate))) => (subject.into(), predicate),
            _ if self.dialect == Dialect::Sparql => return Ok(None),
            _ => return Err(PatchConflict::LiteralPosition),
        };
        Ok(object.map(|object| Quad::new(subject, predicate, object, GraphName::DefaultGraph)))
    }
}

/// The bytes of a term.
fn bytes_of(term: TermRef<'_>) -> usize {
    match term {
        TermRef::NamedNode(iri) => iri.as_str().len(),
        TermRef::Literal(literal) => literal.value().len() + literal.datatype().as_str().len(),
        TermRef::BlankNode(_) => 0,
    }
}

fn term(slot: &Slot, mapping: &Mapping, fresh: &mut HashMap<String, BlankNode>) -> Option<Term> {
    match slot {
        Slot::Iri(iri) => Some(iri.clone().into()),
        Slot::Literal(literal) => Some(literal.clone().into()),
        Slot::Variable(name) => mapping.get(name).cloned(),
        Slot::Blank(label) => Some(fresh.entry(label.clone()).or_default().clone().into()),
    }
}

#[cfg(test)]
mod tests;
