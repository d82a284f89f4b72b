//! RDF written piece by piece, for documents that are never in memory as a whole.
//!
//! What has been written can be taken at any time; only the statement that is being written is remembered.

use super::RdfFormat;
use crate::vocab;
use oxjsonld::{JsonLdSerializer, WriterJsonLdSerializer};
use oxrdf::{Dataset, Quad, QuadRef, TripleRef};
use oxttl::{
    NQuadsSerializer, NTriplesSerializer, TurtleSerializer, nquads::WriterNQuadsSerializer,
    ntriples::WriterNTriplesSerializer, turtle::WriterTurtleSerializer,
};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A document that is being written. Turtle and N-Triples hold the default graph only.
pub struct Pieces {
    writer: Writer,
    written: Buffer,
}

enum Writer {
    Turtle(WriterTurtleSerializer<Buffer>),
    JsonLd(WriterJsonLdSerializer<Buffer>),
    NTriples(WriterNTriplesSerializer<Buffer>),
    NQuads(WriterNQuadsSerializer<Buffer>),
}

impl Pieces {
    /// Begins a document. `prefixes` are used where the syntax knows prefixes; one whose IRI does not parse is left
    /// out.
    pub fn new(format: RdfFormat, prefixes: &[(&str, &str)]) -> Self {
        let written = Buffer::default();
        let writer = match format {
            RdfFormat::Turtle => {
                let mut serializer = TurtleSerializer::new();
                for (name, iri) in prefixes {
                    serializer = serializer.clone().with_prefix(*name, *iri).unwrap_or(serializer);
                }
                Writer::Turtle(serializer.for_writer(written.clone()))
            }
            RdfFormat::JsonLd => {
                let mut serializer = JsonLdSerializer::new();
                for (name, iri) in prefixes {
                    serializer = serializer.clone().with_prefix(*name, *iri).unwrap_or(serializer);
                }
                Writer::JsonLd(serializer.for_writer(written.clone()))
            }
            RdfFormat::NTriples => Writer::NTriples(NTriplesSerializer::new().for_writer(written.clone())),
            RdfFormat::NQuads => Writer::NQuads(NQuadsSerializer::new().for_writer(written.clone())),
        };
        Self { writer, written }
    }

    /// Writes statements, in an order in which the writers can fold neighbours: graphs, subjects, and within one its
    /// predicates, types first.
    pub fn add(&mut self, dataset: &Dataset) {
        let mut quads: Vec<_> = dataset.iter().collect();
        quads.sort_by_cached_key(|quad| {
            let graph = (!quad.graph_name.is_default_graph()).then(|| quad.graph_name.to_string());
            let other = quad.predicate.as_str() != vocab::rdf::TYPE;
            (graph, quad.subject.to_string(), other, quad.predicate.to_string(), quad.object.to_string())
        });
        infallible(quads.into_iter().try_for_each(|quad| self.writer.write(quad)));
    }

    /// Writes statements in their order; neighbours should have a subject, and within it a predicate, in common.
    pub fn write(&mut self, quads: &[Quad]) {
        infallible(quads.iter().try_for_each(|quad| self.writer.write(quad.as_ref())));
    }

    /// What was written since it was last taken.
    pub fn take(&mut self) -> Vec<u8> {
        self.written.take()
    }

    /// Ends the document: what was written since it was last taken.
    pub fn finish(self) -> Vec<u8> {
        let ended = match self.writer {
            Writer::Turtle(writer) => writer.finish().map(drop),
            Writer::JsonLd(writer) => writer.finish().map(drop),
            Writer::NTriples(writer) => {
                writer.finish();
                Ok(())
            }
            Writer::NQuads(writer) => {
                writer.finish();
                Ok(())
            }
        };
        infallible(ended);
        self.written.take()
    }
}

impl Writer {
    fn write(&mut self, quad: QuadRef<'_>) -> io::Result<()> {
        let triple = TripleRef::new(quad.subject, quad.predicate, quad.object);
        match self {
            Self::Turtle(_) | Self::NTriples(_) if !quad.graph_name.is_default_graph() => Ok(()),
            Self::Turtle(writer) => writer.serialize_triple(triple),
            Self::JsonLd(writer) => writer.serialize_quad(quad),
            Self::NTriples(writer) => writer.serialize_triple(triple),
            Self::NQuads(writer) => writer.serialize_quad(quad),
        }
    }
}

fn infallible(written: io::Result<()>) {
    written.unwrap_or_else(|error| unreachable!("writing to memory failed: {error}"));
}

/// Where a writer writes, and its owner reads meanwhile.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes())
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, serialize};
    use super::*;

    #[test]
    fn pieces_make_the_same_document_in_every_syntax() {
        let parts =
            ["<http://x/a> a <http://x/T>, <http://x/S>; <http://x/p> 1 .", "<http://x/b> <http://x/p> \"v\" ."]
                .map(|part| parse(RdfFormat::Turtle, "http://x/", part.as_bytes()).unwrap());
        let whole: Dataset = parts.iter().flat_map(|part| part.iter().map(oxrdf::QuadRef::into_owned)).collect();
        for format in [RdfFormat::Turtle, RdfFormat::JsonLd, RdfFormat::NTriples, RdfFormat::NQuads] {
            let mut pieces = Pieces::new(format, &[("x", "http://x/")]);
            let mut written = Vec::new();
            for part in &parts {
                pieces.add(part);
                written.extend(pieces.take());
            }
            written.extend(pieces.finish());
            assert_eq!(written, serialize(format, &whole, &[("x", "http://x/")]));
            assert_eq!(parse(format, "http://x/", &written).unwrap(), whole);
        }
    }
}
