//! SPARQL Update, as far as a document needs it: INSERT DATA, DELETE DATA, DELETE/INSERT WHERE with a plain graph
//! pattern, on the default graph.
//!
//! What is offered hardly nests, so text that nests deeply is refused before a recursive parser meets it.
//!
//! Spec: <https://www.w3.org/TR/sparql11-update/#graphUpdate>

use super::{Dialect, MAX_EFFECT, MAX_PATTERNS, Patch, PatchError, Pattern, Slot, Step};
use spargebra::{
    GraphUpdateOperation, SparqlParser,
    algebra::GraphPattern,
    term::{
        GraphName, GraphNamePattern, GroundQuad, GroundQuadPattern, GroundTerm, GroundTermPattern, NamedNodePattern,
        NamedOrBlankNode, Quad, QuadPattern, Term, TermPattern, TriplePattern,
    },
};

/// Deepest nesting of `[ … ]`.
const MAX_BRACKETS: usize = 32;
/// Most bytes that its names may come to.
const MAX_NAMES: usize = 64 * 1024 * 1024;
/// Deepest nesting of `( … )`, which the parser tries in several ways at each level.
const MAX_LISTS: usize = 4;
/// Most operations in one update.
const MAX_STEPS: usize = 256;

/// Reads a SPARQL update.
pub(super) fn parse(base: &str, bytes: &[u8]) -> Result<Patch, PatchError> {
    let text = std::str::from_utf8(bytes).map_err(|error| PatchError::Syntax(error.to_string()))?;
    check_plain(text, base)?;
    let update = SparqlParser::new()
        .with_base_iri(base)
        .map_err(|error| PatchError::Syntax(error.to_string()))?
        .parse_update(text)
        .map_err(|error| PatchError::Syntax(error.to_string()))?;
    if update.operations.len() > MAX_STEPS {
        return Err(PatchError::TooComplex { what: "operations", limit: MAX_STEPS });
    }
    let steps = update.operations.into_iter().map(step).collect::<Result<Vec<_>, _>>()?;
    if steps.iter().any(|step| step.find.len() > MAX_PATTERNS) {
        return Err(PatchError::TooComplex { what: "patterns", limit: MAX_PATTERNS });
    }
    if steps.iter().any(|step| step.insert.len() + step.delete.len() > MAX_EFFECT) {
        return Err(PatchError::TooComplex { what: "statements", limit: MAX_EFFECT });
    }
    Ok(Patch { dialect: Dialect::Sparql, steps })
}

/// Refuses what belongs to the parts of the language that nest: operators, braces in braces, much in parentheses.
fn check_plain(text: &str, base: &str) -> Result<(), PatchError> {
    let (mut braces, mut brackets, mut lists) = (0_usize, 0_usize, 0_usize);
    let (mut names, mut longest) = (0_usize, base.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            '(' => lists += 1,
            ')' => lists = lists.saturating_sub(1),
            '<' => {
                let after = after_iri(rest)?;
                longest = longest.max(rest.len() - after.len());
                names += 1;
                rest = after;
            }
            ':' => names += 1,
            '#' => rest = rest.split_once(['\n', '\r']).map_or("", |(_, after)| after),
            '\'' | '"' => {
                rest = after_string(c, rest);
                // A datatype; in any other place the sign begins a path, which nests.
                rest = rest.strip_prefix("^^").unwrap_or(rest);
            }
            '\\' => rest = rest.strip_prefix(|_: char| true).unwrap_or(""),
            '^' | '|' | '&' | '!' | '=' | '/' | '*' => return Err(PatchError::Unsupported),
            _ => {}
        }
        if braces > 1 || brackets > MAX_BRACKETS || lists > MAX_LISTS {
            return Err(PatchError::Unsupported);
        }
    }
    // Each name may stand for the longest IRI, and the parser writes all of them out.
    if names.saturating_mul(longest) > MAX_NAMES {
        return Err(PatchError::TooComplex { what: "bytes when it is written out", limit: MAX_NAMES });
    }
    Ok(())
}

/// What follows an IRI whose opening bracket has been read; a comparison is no IRI.
fn after_iri(text: &str) -> Result<&str, PatchError> {
    let (iri, after) = text.split_once('>').ok_or(PatchError::Unsupported)?;
    if iri.contains(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '"' | '<')) {
        return Err(PatchError::Unsupported);
    }
    Ok(after)
}

/// What follows a string whose opening quote has been read.
fn after_string(quote: char, text: &str) -> &str {
    let quotes = |count| quote.to_string().repeat(count);
    match text.strip_prefix(&quotes(2)) {
        Some(long) => skip_to(long, &quotes(3)),
        None => skip_to(text, &quotes(1)),
    }
}

fn skip_to<'t>(text: &'t str, end: &str) -> &'t str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if text[at..].starts_with(end) => return &text[at + end.len()..],
            _ => {}
        }
    }
    ""
}

fn step(operation: GraphUpdateOperation) -> Result<Step, PatchError> {
    match operation {
        GraphUpdateOperation::InsertData { data } => {
            Ok(Step { insert: data.into_iter().map(inserted).collect::<Result<_, _>>()?, ..Step::default() })
        }
        GraphUpdateOperation::DeleteData { data } => {
            Ok(Step { delete: data.into_iter().map(deleted).collect::<Result<_, _>>()?, ..Step::default() })
        }
        GraphUpdateOperation::DeleteInsert { delete, insert, using: None, pattern } => Ok(Step {
            find: find(*pattern)?,
            delete: delete.into_iter().map(delete_pattern).collect::<Result<_, _>>()?,
            insert: insert.into_iter().map(insert_pattern).collect::<Result<_, _>>()?,
        }),
        _ => Err(PatchError::Unsupported),
    }
}

fn find(pattern: GraphPattern) -> Result<Vec<Pattern>, PatchError> {
    match pattern {
        GraphPattern::Bgp { patterns } => Ok(patterns.into_iter().map(triple_pattern).collect()),
        _ => Err(PatchError::Unsupported),
    }
}

fn triple_pattern(triple: TriplePattern) -> Pattern {
    Pattern { subject: any(triple.subject), predicate: name(triple.predicate), object: any(triple.object) }
}

fn insert_pattern(quad: QuadPattern) -> Result<Pattern, PatchError> {
    match quad.graph_name {
        GraphNamePattern::DefaultGraph => {
            Ok(Pattern { subject: any(quad.subject), predicate: name(quad.predicate), object: any(quad.object) })
        }
        _ => Err(PatchError::Unsupported),
    }
}

fn delete_pattern(quad: GroundQuadPattern) -> Result<Pattern, PatchError> {
    match quad.graph_name {
        GraphNamePattern::DefaultGraph => Ok(Pattern {
            subject: ground_pattern(quad.subject),
            predicate: name(quad.predicate),
            object: ground_pattern(quad.object),
        }),
        _ => Err(PatchError::Unsupported),
    }
}

fn inserted(quad: Quad) -> Result<Pattern, PatchError> {
    let subject = match quad.subject {
        NamedOrBlankNode::NamedNode(iri) => Slot::Iri(iri),
        NamedOrBlankNode::BlankNode(node) => Slot::Blank(node.into_string()),
    };
    let object = match quad.object {
        Term::NamedNode(iri) => Slot::Iri(iri),
        Term::BlankNode(node) => Slot::Blank(node.into_string()),
        Term::Literal(literal) => Slot::Literal(literal),
    };
    data(subject, Slot::Iri(quad.predicate), object, &quad.graph_name)
}

fn deleted(quad: GroundQuad) -> Result<Pattern, PatchError> {
    let object = match quad.object {
        GroundTerm::NamedNode(iri) => Slot::Iri(iri),
        GroundTerm::Literal(literal) => Slot::Literal(literal),
    };
    data(Slot::Iri(quad.subject), Slot::Iri(quad.predicate), object, &quad.graph_name)
}

fn data(subject: Slot, predicate: Slot, object: Slot, graph: &GraphName) -> Result<Pattern, PatchError> {
    match graph {
        GraphName::DefaultGraph => Ok(Pattern { subject, predicate, object }),
        GraphName::NamedNode(_) => Err(PatchError::Unsupported),
    }
}

fn any(term: TermPattern) -> Slot {
    match term {
        TermPattern::NamedNode(iri) => Slot::Iri(iri),
        TermPattern::BlankNode(node) => Slot::Blank(node.into_string()),
        TermPattern::Literal(literal) => Slot::Literal(literal),
        TermPattern::Variable(variable) => Slot::Variable(variable.into_string()),
    }
}

fn ground_pattern(term: GroundTermPattern) -> Slot {
    match term {
        GroundTermPattern::NamedNode(iri) => Slot::Iri(iri),
        GroundTermPattern::Literal(literal) => Slot::Literal(literal),
        GroundTermPattern::Variable(variable) => Slot::Variable(variable.into_string()),
    }
}

fn name(predicate: NamedNodePattern) -> Slot {
    match predicate {
        NamedNodePattern::NamedNode(iri) => Slot::Iri(iri),
        NamedNodePattern::Variable(variable) => Slot::Variable(variable.into_string()),
    }
}
