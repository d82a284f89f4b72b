//! Bounds of RDF documents, so that nobody sends little that comes to much: short forms stand for long ones, nesting
//! meets recursion, and contexts expand.

use super::{MAX_DEPTH, MAX_QUADS, MAX_TERMS, MAX_WRITTEN_OUT, RdfError};
use crate::iri::{MAX_IRI, MAX_SEGMENT};
use json_event_parser::{JsonEvent, SliceJsonParser};
use oxrdf::{Dataset, GraphNameRef, LiteralRef, NamedOrBlankNodeRef, QuadRef, TermRef};

/// What a document comes to when every statement is written out, with its bounds.
#[derive(Debug, Default)]
pub struct WrittenOut {
    statements: usize,
    bytes: usize,
}

impl WrittenOut {
    /// Adds one statement.
    pub fn statement(&mut self) -> Result<(), RdfError> {
        self.statements += 1;
        if self.statements > MAX_QUADS {
            return Err(RdfError::TooComplex { what: "statements", limit: MAX_QUADS });
        }
        Ok(())
    }

    /// Adds an IRI.
    pub fn iri(&mut self, iri: &str) -> Result<(), RdfError> {
        if iri.len() > MAX_IRI {
            return Err(RdfError::TooComplex { what: "bytes in one IRI", limit: MAX_IRI });
        }
        self.text(iri)
    }

    /// Adds a literal.
    pub fn literal(&mut self, literal: LiteralRef<'_>) -> Result<(), RdfError> {
        self.text(literal.value())?;
        match literal.language() {
            Some(language) if language.len() > MAX_SEGMENT => {
                Err(RdfError::TooComplex { what: "bytes in one language tag", limit: MAX_SEGMENT })
            }
            Some(language) => self.text(language),
            None => self.iri(literal.datatype().as_str()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), RdfError> {
        self.bytes += text.len();
        if self.bytes > MAX_WRITTEN_OUT {
            return Err(RdfError::TooComplex { what: "bytes when it is written out", limit: MAX_WRITTEN_OUT });
        }
        Ok(())
    }

    /// Adds a statement with its terms.
    pub fn quad(&mut self, quad: QuadRef<'_>) -> Result<(), RdfError> {
        self.statement()?;
        if let NamedOrBlankNodeRef::NamedNode(subject) = quad.subject {
            self.iri(subject.as_str())?;
        }
        self.iri(quad.predicate.as_str())?;
        match quad.object {
            TermRef::NamedNode(object) => self.iri(object.as_str())?,
            TermRef::Literal(literal) => self.literal(literal)?,
            TermRef::BlankNode(_) => {}
        }
        match quad.graph_name {
            GraphNameRef::NamedNode(graph) => self.iri(graph.as_str()),
            GraphNameRef::BlankNode(_) | GraphNameRef::DefaultGraph => Ok(()),
        }
    }
}

/// Refuses a dataset that [`parse`] would refuse once it is written.
pub fn check(dataset: &Dataset) -> Result<(), RdfError> {
    let mut written_out = WrittenOut::default();
    dataset.iter().try_for_each(|quad| written_out.quad(quad))
}

/// Refuses deep nesting before a recursive algorithm meets it.
pub(super) fn check_depth(json: &[u8]) -> Result<(), RdfError> {
    let (mut depth, mut string, mut escaped) = (0_usize, false, false);
    for &byte in json {
        match (string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => string = !string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(RdfError::TooComplex { what: "levels of nesting", limit: MAX_DEPTH });
        }
    }
    Ok(())
}

/// Refuses large inline contexts: a term may be defined by the next one, and the expansion of a long chain of them
/// would overflow the stack; and contexts whose terms would come to too much, because the parser keeps what it expands
/// of an object until its end.
pub(super) fn check_contexts(json: &[u8]) -> Result<(), RdfError> {
    let mut parser = SliceJsonParser::new(json);
    let (mut depth, mut context, mut terms) = (0_usize, None, 0_usize);
    let (mut uses, mut longest, mut relative) = (0_usize, 0_usize, 0_usize);
    // What follows a syntax error is never expanded.
    while let Ok(event) = parser.parse_next() {
        match event {
            JsonEvent::Eof => break,
            JsonEvent::StartObject | JsonEvent::StartArray => depth += 1,
            JsonEvent::ObjectKey(key) => {
                uses += usize::from(context.is_none());
                if context.is_some() {
                    terms += usize::from(!key.starts_with('@'));
                } else if key == "@context" {
                    context = Some(depth);
                }
                continue;
            }
            JsonEvent::EndObject | JsonEvent::EndArray => depth = depth.saturating_sub(1),
            JsonEvent::String(text) if context.is_some() => {
                longest = longest.max(text.len());
                // Added to what another value says.
                relative += if text.contains("://") { 0 } else { text.len() };
            }
            JsonEvent::String(_) | JsonEvent::Number(_) | JsonEvent::Boolean(_) | JsonEvent::Null => uses += 1,
        }
        // Back at the depth of its key, the value has ended.
        if context == Some(depth) {
            context = None;
        }
        if terms > MAX_TERMS {
            return Err(RdfError::TooComplex { what: "terms in contexts", limit: MAX_TERMS });
        }
    }
    if uses.saturating_mul(longest + relative) > MAX_WRITTEN_OUT {
        return Err(RdfError::TooComplex { what: "bytes when it is written out", limit: MAX_WRITTEN_OUT });
    }
    Ok(())
}
