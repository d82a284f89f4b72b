//! Matches a basic graph pattern against the default graph of a dataset.
//!
//! Blank nodes are existential: what they stand for is found, but does not tell two mappings apart. The work is
//! counted and bounded, because patterns can be made that take longer than anybody lives.
//!
//! Spec: <https://www.w3.org/TR/sparql11-query/#BasicGraphPattern>

use super::{MAX_EFFECT_BYTES, PatchConflict, Pattern, Slot, bytes_of};
use oxrdf::{Dataset, NamedNode, NamedOrBlankNode, QuadRef, Term};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What each variable stands for.
pub(super) type Mapping = BTreeMap<String, Term>;

/// Most statements looked at for one pattern.
const MAX_STEPS: usize = 2_000_000;
/// Most mappings of one pattern.
const MAX_MAPPINGS: usize = 10_000;

/// The one mapping; none if nothing matches.
///
/// # Errors
/// [`PatchConflict::ManyMappings`] if there is a second one.
pub(super) fn one(patterns: &[Pattern], dataset: &Dataset) -> Result<Option<Mapping>, PatchConflict> {
    let mut search = Search::new(dataset, 2);
    search.run(patterns)?;
    let mut found = search.found.into_iter();
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(PatchConflict::ManyMappings),
        (first, None) => Ok(first),
    }
}

/// Every mapping.
pub(super) fn all(patterns: &[Pattern], dataset: &Dataset) -> Result<Vec<Mapping>, PatchConflict> {
    let mut search = Search::new(dataset, MAX_MAPPINGS + 1);
    search.run(patterns)?;
    if search.found.len() > MAX_MAPPINGS {
        return Err(PatchConflict::TooMuchWork { what: "matches", limit: MAX_MAPPINGS });
    }
    Ok(search.found.into_iter().collect())
}

struct Search<'d> {
    dataset: &'d Dataset,
    enough: usize,
    steps: usize,
    bytes: usize,
    bound: HashMap<Slot, Term>,
    found: HashSet<Mapping>,
}

impl<'d> Search<'d> {
    fn new(dataset: &'d Dataset, enough: usize) -> Self {
        Self { dataset, enough, steps: 0, bytes: 0, bound: HashMap::new(), found: HashSet::new() }
    }

    fn run(&mut self, patterns: &[Pattern]) -> Result<(), PatchConflict> {
        let mut open: Vec<&Pattern> = patterns.iter().collect();
        self.deepen(&mut open)
    }

    fn deepen(&mut self, open: &mut Vec<&Pattern>) -> Result<(), PatchConflict> {
        if self.found.len() >= self.enough {
            return Ok(());
        }
        // The pattern with the most known places first: it branches least.
        let Some(next) = (0..open.len()).max_by_key(|at| self.known(open[*at])) else {
            let variables = self.bound.iter().filter_map(|(slot, term)| match slot {
                Slot::Variable(name) => Some((name.clone(), term.clone())),
                _ => None,
            });
            let mapping: Mapping = variables.collect();
            self.bytes += mapping.values().map(|term| bytes_of(term.as_ref())).sum::<usize>();
            if self.bytes > MAX_EFFECT_BYTES {
                return Err(PatchConflict::TooMuchWork { what: "bytes of matches", limit: MAX_EFFECT_BYTES });
            }
            self.found.insert(mapping);
            return Ok(());
        };
        let pattern = open.swap_remove(next);
        let result = self.branch(pattern, open);
        open.push(pattern);
        let last = open.len() - 1;
        open.swap(next, last);
        result
    }

    fn branch(&mut self, pattern: &Pattern, open: &mut Vec<&Pattern>) -> Result<(), PatchConflict> {
        let subject = self.value(&pattern.subject);
        let predicate = self.value(&pattern.predicate);
        let object = self.value(&pattern.object);
        let dataset = self.dataset;
        let (subject_node, predicate_node) = (subject.clone().map(node), predicate.clone().map(iri));
        let candidates: Box<dyn Iterator<Item = QuadRef<'d>> + '_> = match (&subject_node, &object, &predicate_node) {
            (Some(None), ..) | (_, _, Some(None)) => return Ok(()),
            (Some(Some(subject)), ..) => Box::new(dataset.quads_for_subject(subject)),
            (_, Some(object), _) => Box::new(dataset.quads_for_object(object)),
            (_, _, Some(Some(predicate))) => Box::new(dataset.quads_for_predicate(predicate)),
            _ => Box::new(dataset.iter()),
        };
        for quad in candidates {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(PatchConflict::TooMuchWork { what: "steps of matching", limit: MAX_STEPS });
            }
            if !quad.graph_name.is_default_graph() {
                continue;
            }
            let places: [(&Slot, Term); 3] = [
                (&pattern.subject, quad.subject.into_owned().into()),
                (&pattern.predicate, quad.predicate.into_owned().into()),
                (&pattern.object, quad.object.into_owned()),
            ];
            let mut newly = Vec::new();
            if places.into_iter().all(|(slot, term)| self.unify(slot, term, &mut newly)) {
                self.deepen(open)?;
            }
            for slot in newly {
                self.bound.remove(&slot);
            }
            if self.found.len() >= self.enough {
                break;
            }
        }
        Ok(())
    }

    fn unify(&mut self, slot: &Slot, term: Term, newly: &mut Vec<Slot>) -> bool {
        if let Some(value) = self.value(slot) {
            return value == term;
        }
        self.bound.insert(slot.clone(), term);
        newly.push(slot.clone());
        true
    }

    fn value(&self, slot: &Slot) -> Option<Term> {
        match slot {
            Slot::Iri(iri) => Some(iri.clone().into()),
            Slot::Literal(literal) => Some(literal.clone().into()),
            Slot::Variable(_) | Slot::Blank(_) => self.bound.get(slot).cloned(),
        }
    }

    fn known(&self, pattern: &Pattern) -> usize {
        let weigh = |slot, weight| if self.value(slot).is_some() { weight } else { 0 };
        weigh(&pattern.subject, 4) + weigh(&pattern.object, 3) + weigh(&pattern.predicate, 1)
    }
}

fn node(term: Term) -> Option<NamedOrBlankNode> {
    match term {
        Term::NamedNode(node) => Some(node.into()),
        Term::BlankNode(node) => Some(node.into()),
        Term::Literal(_) => None,
    }
}

fn iri(term: Term) -> Option<NamedNode> {
    match term {
        Term::NamedNode(node) => Some(node),
        Term::BlankNode(_) | Term::Literal(_) => None,
    }
}
