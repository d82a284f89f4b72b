//! N3 Patch documents.
//!
//! The parser yields formulae as statements in graphs named by blank nodes; all rules about what a patch may hold
//! are checked on those.
//!
//! Spec: <https://solidproject.org/TR/protocol#n3-patch> (0.12: blank nodes in insertions become new nodes)

use super::{Dialect, MAX_EFFECT, MAX_PATTERNS, Patch, PatchError, Pattern, Slot, Step};
use oxrdf::{BlankNode, GraphName};
use oxttl::{
    N3Parser,
    n3::{N3Quad, N3Term},
};
use podbell_model::{rdf::WrittenOut, vocab};
use std::collections::{HashMap, HashSet};

const TYPE: &str = "http://www.w3.org/ns/solid/terms#InsertDeletePatch";
const PARTS: [&str; 3] = ["where", "deletes", "inserts"];
const IMPLIES: &str = "http://www.w3.org/2000/10/swap/log#implies";
const FIRST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#first";
const REST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest";

/// Reads an N3 Patch document.
pub(super) fn parse(base: &str, bytes: &[u8]) -> Result<Patch, PatchError> {
    let parser = N3Parser::new().with_base_iri(base).map_err(|e| PatchError::Syntax(e.to_string()))?;
    let mut quads = Vec::new();
    let mut written_out = WrittenOut::default();
    for quad in parser.for_slice(bytes) {
        let quad = quad.map_err(|e| PatchError::Syntax(e.to_string()))?;
        for term in [&quad.subject, &quad.predicate, &quad.object] {
            weigh(&mut written_out, term)?;
        }
        quads.push(quad);
        if quads.len() > MAX_EFFECT {
            return Err(PatchError::TooComplex { what: "statements", limit: MAX_EFFECT });
        }
    }
    let document = Document::new(&quads);
    let subject = document.patch_subject()?;
    let [find, delete, insert] = PARTS;
    let step = Step {
        find: document.formula(subject, find)?,
        delete: document.formula(subject, delete)?,
        insert: document.formula(subject, insert)?,
    };
    check(&step)?;
    document.check_labels(subject)?;
    Ok(Patch { dialect: Dialect::N3, steps: vec![step] })
}

/// A prefix can stand for much, and its names be many.
fn weigh(written_out: &mut WrittenOut, term: &N3Term) -> Result<(), PatchError> {
    let weighed = match term {
        N3Term::NamedNode(iri) => written_out.iri(iri.as_str()),
        N3Term::Literal(literal) => written_out.literal(literal.as_ref()),
        N3Term::BlankNode(_) | N3Term::Variable(_) => Ok(()),
    };
    weighed.map_err(PatchError::Rdf)
}

/// The rules about variables and blank nodes.
fn check(step: &Step) -> Result<(), PatchError> {
    if step.find.len() > MAX_PATTERNS {
        return Err(PatchError::TooComplex { what: "patterns in solid:where", limit: MAX_PATTERNS });
    }
    let slots = |patterns: &[Pattern]| -> HashSet<Slot> {
        patterns.iter().flat_map(|p| [p.subject.clone(), p.predicate.clone(), p.object.clone()]).collect()
    };
    let bound = slots(&step.find);
    let deleted = slots(&step.delete);
    if deleted.iter().any(|slot| matches!(slot, Slot::Blank(_))) {
        return Err(PatchError::BlankDeletion);
    }
    match deleted.union(&slots(&step.insert)).find(|s| matches!(s, Slot::Variable(_)) && !bound.contains(*s)) {
        Some(Slot::Variable(name)) => Err(PatchError::Unbound(name.clone())),
        _ => Ok(()),
    }
}

/// The statements of a patch document: its own and those of its formulae.
struct Document<'q> {
    own: Vec<&'q N3Quad>,
    formulae: HashMap<&'q BlankNode, Vec<&'q N3Quad>>,
}

impl<'q> Document<'q> {
    fn new(quads: &'q [N3Quad]) -> Self {
        let mut document = Self { own: Vec::new(), formulae: HashMap::new() };
        for quad in quads {
            match &quad.graph_name {
                GraphName::BlankNode(formula) => document.formulae.entry(formula).or_default().push(quad),
                GraphName::DefaultGraph | GraphName::NamedNode(_) => document.own.push(quad),
            }
        }
        document
    }

    fn patch_subject(&self) -> Result<&'q N3Term, PatchError> {
        let declared = |quad: &N3Quad| is(&quad.predicate, vocab::rdf::TYPE) && is(&quad.object, TYPE);
        let speaks = |quad: &N3Quad| PARTS.iter().any(|part| is_part(&quad.predicate, part));
        let subjects: HashSet<&N3Term> =
            self.own.iter().filter(|quad| declared(quad) || speaks(quad)).map(|quad| &quad.subject).collect();
        let mut subjects = subjects.into_iter();
        let (Some(subject), 0) = (subjects.next(), subjects.len()) else {
            let count = subjects.len() + usize::from(subjects.len() > 0);
            return Err(PatchError::Subjects(count));
        };
        if !self.own.iter().any(|quad| declared(quad)) {
            return Err(PatchError::NoType);
        }
        match subject {
            N3Term::NamedNode(_) => Ok(subject),
            N3Term::BlankNode(node) if !self.formulae.contains_key(node) => Ok(subject),
            _ => Err(PatchError::Subjects(0)),
        }
    }

    /// The patterns of one part; empty if the part is absent or its formula is.
    fn formula(&self, subject: &N3Term, part: &'static str) -> Result<Vec<Pattern>, PatchError> {
        let mut objects = self.own.iter().filter(|q| q.subject == *subject && is_part(&q.predicate, part));
        let Some(quad) = objects.next() else { return Ok(Vec::new()) };
        if objects.next().is_some() {
            return Err(PatchError::Repeated(part));
        }
        let N3Term::BlankNode(formula) = &quad.object else { return Err(PatchError::NoFormula(part)) };
        match self.formulae.get(formula) {
            Some(quads) => quads.iter().map(|quad| self.pattern(quad, part)).collect(),
            // An empty formula leaves only its node; a label or a node that says something is none.
            None if formula.as_ref().unique_id().is_none() || self.mentions(formula) > 1 => {
                Err(PatchError::NoFormula(part))
            }
            None => Ok(Vec::new()),
        }
    }

    fn pattern(&self, quad: &N3Quad, part: &'static str) -> Result<Pattern, PatchError> {
        let subject = self.slot(&quad.subject, part)?;
        let predicate = self.slot(&quad.predicate, part)?;
        let list = matches!(&quad.subject, N3Term::BlankNode(node) if node.as_ref().unique_id().is_some())
            && (is(&quad.predicate, FIRST) || is(&quad.predicate, REST));
        let fits = !matches!(subject, Slot::Literal(_)) && matches!(predicate, Slot::Iri(_) | Slot::Variable(_));
        if list || !fits || is(&quad.predicate, IMPLIES) {
            return Err(PatchError::NotPlain(part));
        }
        Ok(Pattern { subject, predicate, object: self.slot(&quad.object, part)? })
    }

    fn slot(&self, term: &N3Term, part: &'static str) -> Result<Slot, PatchError> {
        Ok(match term {
            N3Term::NamedNode(iri) => Slot::Iri(iri.clone()),
            N3Term::Literal(literal) => Slot::Literal(literal.clone()),
            N3Term::Variable(variable) => Slot::Variable(variable.as_str().to_owned()),
            // The name of another graph: a formula inside a formula.
            N3Term::BlankNode(node) if self.formulae.contains_key(node) => return Err(PatchError::NotPlain(part)),
            N3Term::BlankNode(node) => Slot::Blank(node.as_str().to_owned()),
        })
    }

    fn mentions(&self, node: &BlankNode) -> usize {
        self.all().flat_map(|quad| [&quad.subject, &quad.object]).filter(|term| is_node(term, node)).count()
    }

    /// A label means one node in one formula, and nothing across formulae.
    fn check_labels(&self, subject: &N3Term) -> Result<(), PatchError> {
        let mut places: HashMap<&BlankNode, Option<&BlankNode>> = HashMap::new();
        let formulae: HashSet<&BlankNode> = self
            .own
            .iter()
            .filter(|quad| quad.subject == *subject)
            .filter_map(|quad| match &quad.object {
                N3Term::BlankNode(node) => Some(node),
                _ => None,
            })
            .collect();
        for quad in self.all() {
            let place = match &quad.graph_name {
                GraphName::BlankNode(formula) if formulae.contains(formula) => Some(formula),
                _ => None,
            };
            for term in [&quad.subject, &quad.predicate, &quad.object] {
                let N3Term::BlankNode(node) = term else { continue };
                if *places.entry(node).or_insert(place) != place {
                    return Err(PatchError::SharedBlank(node.as_str().to_owned()));
                }
            }
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &'q N3Quad> {
        self.own.iter().chain(self.formulae.values().flatten()).copied()
    }
}

fn is(term: &N3Term, iri: &str) -> bool {
    matches!(term, N3Term::NamedNode(node) if node.as_str() == iri)
}

fn is_part(predicate: &N3Term, part: &str) -> bool {
    matches!(predicate, N3Term::NamedNode(node) if node.as_str().strip_prefix(vocab::solid::NS) == Some(part))
}

fn is_node(term: &N3Term, node: &BlankNode) -> bool {
    matches!(term, N3Term::BlankNode(other) if other == node)
}
