//! The page of an RDF document: a table of properties for each of its subjects.
//!
//! A page is for reading: of a very large document it shows the beginning, and says so.

use super::{
    frame::{END, begin_at},
    text::{escape, isolated, link},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use oxrdf::{Dataset, GraphNameRef, NamedOrBlankNodeRef, QuadRef, TermRef};
use podbell_model::{ResourceIri, vocab::rdf};
use podbell_pod::Parsed;
use std::{collections::HashMap, fmt::Write as _, io};

/// Most statements that are shown.
const MAX_SHOWN: usize = 2_000;
/// Most statements that are put in order: what is beyond is not looked at.
const MAX_SORTED: usize = 10 * MAX_SHOWN;
/// What ends a table in which a value has been written.
const CLOSE: &str = "</div></td></tr></tbody></table>";
const STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

/// The page; made when it is asked for, away from the threads that serve connections.
pub(super) fn page(
    document: ResourceIri,
    root: ResourceIri,
    dataset: Parsed,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::once(async move {
        let work = move || {
            let mut page = begin_at(&document, &root);
            page.push_str(&tables(&document, &dataset));
            if dataset.is_empty() {
                page.push_str("<p class=\"soft\">This document says nothing yet.</p>");
            }
            page + END
        };
        tokio::task::spawn_blocking(work).await.map(Bytes::from).map_err(io::Error::other)
    })
}

/// The tables of all subjects; nothing for an empty dataset.
pub(super) fn tables(document: &ResourceIri, dataset: &Dataset) -> String {
    let mut quads: Vec<_> = dataset.iter().take(MAX_SORTED).collect();
    quads.sort_by_cached_key(|quad| order(document, *quad));
    let mut tables = Tables { document: document.as_str(), blanks: HashMap::new(), html: String::new() };
    let mut before: Option<QuadRef<'_>> = None;
    for quad in quads.iter().take(MAX_SHOWN).copied() {
        tables.statement(before, quad);
        before = Some(quad);
    }
    if before.is_some() {
        tables.html.push_str(CLOSE);
    }
    if dataset.len() > MAX_SHOWN {
        let _ = write!(
            tables.html,
            "<p class=\"soft\">These are {MAX_SHOWN} of {} statements; programs get all of them.</p>",
            dataset.len()
        );
    }
    tables.html
}

/// The document's own graph first, in it what the document is about; of a subject first its types.
fn order(document: &ResourceIri, quad: QuadRef<'_>) -> impl Ord + use<> {
    let graph = (!quad.graph_name.is_default_graph()).then(|| quad.graph_name.to_string());
    let (rank, subject) = match quad.subject {
        NamedOrBlankNodeRef::NamedNode(node) if node.as_str() == document.as_str() => (0, node.as_str()),
        NamedOrBlankNodeRef::NamedNode(node) if fragment(document.as_str(), node.as_str()).is_some() => {
            (1, node.as_str())
        }
        NamedOrBlankNodeRef::NamedNode(node) => (2, node.as_str()),
        NamedOrBlankNodeRef::BlankNode(node) => (3, node.as_str()),
    };
    let predicate = quad.predicate.as_str();
    (graph, rank, subject.to_owned(), predicate != rdf::TYPE, predicate.to_owned(), quad.object.to_string())
}

/// What comes after the `#` of an IRI in the document.
fn fragment<'i>(document: &str, iri: &'i str) -> Option<&'i str> {
    iri.strip_prefix(document)?.strip_prefix('#')
}

/// Tables that are being written.
struct Tables<'d> {
    document: &'d str,
    /// Blank nodes by their labels, numbered as they are met: the labels mean nothing.
    blanks: HashMap<&'d str, usize>,
    html: String,
}

impl<'d> Tables<'d> {
    fn statement(&mut self, before: Option<QuadRef<'d>>, quad: QuadRef<'d>) {
        let same_graph = before.is_some_and(|before| before.graph_name == quad.graph_name);
        let same_subject = same_graph && before.is_some_and(|before| before.subject == quad.subject);
        if !same_subject {
            if before.is_some() {
                self.html.push_str(CLOSE);
            }
            if !same_graph && quad.graph_name != GraphNameRef::DefaultGraph {
                let graph = match quad.graph_name {
                    GraphNameRef::NamedNode(node) => self.iri(node.as_str()),
                    GraphNameRef::BlankNode(node) => self.blank(node.as_str()),
                    GraphNameRef::DefaultGraph => String::new(),
                };
                let _ = write!(self.html, "<h2 class=\"soft\">In the graph {graph}</h2>");
            }
            self.subject(quad.subject);
        }
        if same_subject && before.is_some_and(|before| before.predicate == quad.predicate) {
            self.html.push_str("</div><div>");
        } else {
            if same_subject {
                self.html.push_str("</div></td></tr>");
            }
            let predicate = quad.predicate.as_str();
            let name = if predicate == rdf::TYPE { "type" } else { local_name(predicate) };
            let _ = write!(
                self.html,
                "<tr><th scope=\"row\" title=\"{}\">{}</th><td><div>",
                escape(predicate),
                link(predicate, name)
            );
        }
        let object = self.object(quad.object);
        self.html.push_str(&object);
    }

    /// A heading that can be linked to, and the table below it.
    fn subject(&mut self, subject: NamedOrBlankNodeRef<'d>) {
        let (id, name) = match subject {
            NamedOrBlankNodeRef::NamedNode(node) => {
                let id = fragment(self.document, node.as_str()).unwrap_or_default().to_owned();
                (id, self.iri(node.as_str()))
            }
            NamedOrBlankNodeRef::BlankNode(node) => {
                (format!("_:{}", self.number(node.as_str())), self.blank(node.as_str()))
            }
        };
        let _ = write!(self.html, "<h2 id=\"{}\">{name}</h2><table class=\"of\"><tbody>", escape(&id));
    }

    fn object(&mut self, object: TermRef<'d>) -> String {
        match object {
            TermRef::NamedNode(node) => self.iri(node.as_str()),
            TermRef::BlankNode(node) => self.blank(node.as_str()),
            TermRef::Literal(literal) => {
                let value = isolated(literal.value());
                match (literal.language(), literal.datatype().as_str()) {
                    (Some(language), _) => format!("{value} <span class=\"soft\">{}</span>", isolated(language)),
                    (None, STRING) => value,
                    (None, datatype) => {
                        let name = isolated(local_name(datatype));
                        format!("{value} <span class=\"soft\" title=\"{}\">{name}</span>", escape(datatype))
                    }
                }
            }
        }
    }

    /// IRIs of the document by their fragment, others whole.
    fn iri(&self, iri: &str) -> String {
        match fragment(self.document, iri) {
            Some(fragment) => link(iri, &format!("#{fragment}")),
            None => link(iri, iri),
        }
    }

    fn blank(&mut self, label: &'d str) -> String {
        let number = self.number(label);
        format!("<a href=\"#_:{number}\">_:{number}</a>")
    }

    fn number(&mut self, label: &'d str) -> usize {
        let next = self.blanks.len() + 1;
        *self.blanks.entry(label).or_insert(next)
    }
}

/// The last part of an IRI, as people call a property.
fn local_name(iri: &str) -> &str {
    let name = iri.trim_end_matches(['/', '#']).rsplit(['#', '/', ':']).next().unwrap_or_default();
    if name.is_empty() { iri } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::rdf::{RdfFormat, parse};

    fn shown(format: RdfFormat, document: &str) -> String {
        let iri = ResourceIri::parse("http://x/alice/doc").unwrap();
        tables(&iri, &parse(format, iri.as_str(), document.as_bytes()).unwrap())
    }

    #[test]
    fn every_statement_is_in_the_table_of_its_subject() {
        let page = shown(
            RdfFormat::Turtle,
            "@prefix f: <http://f/>. <#me> a f:Person; f:name \"Zoë\"@fr, \"Zoe\"; f:age 7; f:knows [ f:name \"Bo\" ], <http://y/> .
             <> f:about <#me> .",
        );
        let about = page.find("<bdi>http://x/alice/doc</bdi>").unwrap();
        let me = page.find("<h2 id=\"me\"><a href=\"http://x/alice/doc#me\"").unwrap();
        assert!(about < me, "the document first: {page}");
        assert_eq!(page.matches("<table").count(), 3);
        assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
        assert_eq!(page.matches("<div>").count(), page.matches("</div>").count());
        assert_eq!(page.matches("<tr>").count(), page.matches("</tr>").count());
        assert!(page.contains("<bdi>Zoë</bdi> <span class=\"soft\"><bdi>fr</bdi></span>"), "{page}");
        assert!(page.contains("<bdi>7</bdi> <span class=\"soft\" title=\"http://www.w3.org/2001/XMLSchema#integer\">"));
        assert!(page.contains("<a href=\"#_:1\">_:1</a>") && page.contains("<h2 id=\"_:1\">"), "{page}");
        assert!(page.contains("href=\"http://y/\" rel=\"noopener noreferrer nofollow\""));
        let named = r#"{"@id":"http://g/","@graph":[{"@id":"http://s/","http://p/q":"o"}]}"#;
        assert!(shown(RdfFormat::JsonLd, named).contains("In the graph <a href=\"http://g/\""));
    }

    #[test]
    fn hostile_statements_stay_text() {
        let page = shown(
            RdfFormat::Turtle,
            r#"<#a> <javascript:alert(1)> <javascript:alert(2)>, <data:text/html,x>, "</bdi><script>alert(3)</script>",
               "\u202Egnp.exe", "<img src=x onerror=alert(4)>"@en-x-a, "x"^^<javascript:alert(5)> .
               <#'onmouseover='alert(6)> <http://p/'onclick='a> <http://o/'onclick='b> .
               <javascript:alert(7)> <http://p/x> 1 . _:a <http://p/x> _:b ."#,
        );
        for bad in ["<script", "<img", "href=\"javascript", "href=\"data", "='alert", "'onclick='", "\u{202e}"] {
            assert!(!page.contains(bad), "{bad}: {page}");
        }
        for number in 1..=7 {
            assert!(page.contains(&format!("alert({number})")), "it is told as text: {number} {page}");
        }
    }

    #[test]
    fn a_large_document_is_shown_in_part() {
        let statements = (0..2_500).map(|n| format!("<#s{n}> <http://p/x> {n} .\n")).collect::<Vec<_>>().concat();
        let page = shown(RdfFormat::Turtle, &statements);
        assert_eq!(page.matches("<table").count(), MAX_SHOWN);
        assert!(page.contains("2000 of 2500 statements"));
        assert_eq!(shown(RdfFormat::Turtle, ""), "");
    }
}
