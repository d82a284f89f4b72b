//! Statements that the server itself makes, in a fixed order and layout.
//!
//! Deployed clients read the Turtle with regular expressions, so its layout is part of the contract: absolute IRIs,
//! prefixed names for vocabulary, one line for each statement whose object is an absolute IRI, statements in the
//! order in which they were made.

use oxrdf::{Dataset, GraphName, Literal, NamedNode, NamedOrBlankNode, Term, Triple};
use podbell_model::{rdf, vocab};
use serde_json::{Map, Value};

pub(crate) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
pub(crate) const NOTIFY: (&str, &str) = ("notify", vocab::notify::NS);
pub(crate) const PIM: (&str, &str) = ("pim", "http://www.w3.org/ns/pim/space#");
pub(crate) const SOLID: (&str, &str) = ("solid", vocab::solid::NS);
pub(crate) const AS: (&str, &str) = ("as", vocab::activitystreams::NS);
pub(crate) const XSD_PREFIX: (&str, &str) = ("xsd", XSD);
pub(crate) const RDF: (&str, &str) = ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#");
pub(crate) const SECURITY: (&str, &str) = ("sec", "https://w3id.org/security#");

/// Statements, in the order in which they are written.
#[derive(Debug, Default)]
pub(crate) struct Statements(Vec<Triple>);

impl Statements {
    /// `subject predicate <object>`. What is no IRI is left out: it could not be written without changing the rest.
    pub(crate) fn link(&mut self, subject: &str, predicate: &str, object: &str) {
        if let Ok(object) = NamedNode::new(object) {
            self.push(subject, predicate, object.into());
        }
    }

    /// `subject a <class>`
    pub(crate) fn class(&mut self, subject: &str, class: &str) {
        self.link(subject, vocab::rdf::TYPE, class);
    }

    /// `subject predicate "text"`
    pub(crate) fn text(&mut self, subject: &str, predicate: &str, text: &str) {
        self.push(subject, predicate, Literal::new_simple_literal(text).into());
    }

    /// `subject predicate "text"^^xsd:datatype`
    pub(crate) fn typed(&mut self, subject: &str, predicate: &str, text: &str, datatype: &str) {
        let datatype = NamedNode::new_unchecked(format!("{XSD}{datatype}"));
        self.push(subject, predicate, Literal::new_typed_literal(text, datatype).into());
    }

    /// `subject predicate "value"^^rdf:JSON`
    pub(crate) fn json(&mut self, subject: &str, predicate: &str, value: &Value) {
        let datatype = NamedNode::new_unchecked(format!("{}JSON", RDF.1));
        self.push(subject, predicate, Literal::new_typed_literal(value.to_string(), datatype).into());
    }

    fn push(&mut self, subject: &str, predicate: &str, object: Term) {
        if let (Ok(subject), Ok(predicate)) = (NamedNode::new(subject), NamedNode::new(predicate)) {
            self.0.push(Triple::new(subject, predicate, object));
        }
    }

    pub(crate) fn n_triples(&self) -> Vec<u8> {
        self.0.iter().flat_map(|triple| format!("{triple} .\n").into_bytes()).collect()
    }

    /// An array of expanded node objects. Their types are keywords, where those who know no JSON-LD look for them.
    pub(crate) fn expanded_json_ld(&self) -> Vec<u8> {
        let quads = self.0.iter().map(|triple| triple.clone().in_graph(GraphName::DefaultGraph));
        let written = rdf::serialize(rdf::RdfFormat::JsonLd, &quads.collect::<Dataset>(), &[]);
        let Ok(mut nodes) = serde_json::from_slice::<Vec<Map<String, Value>>>(&written) else { return written };
        for node in &mut nodes {
            if let Some(Value::Array(classes)) = node.remove(vocab::rdf::TYPE) {
                let names = classes.into_iter().filter_map(|mut class| class.get_mut("@id").map(Value::take));
                node.insert("@type".into(), names.collect());
            }
        }
        crate::json(&nodes)
    }

    pub(crate) fn turtle(&self, prefixes: &[(&str, &str)]) -> Vec<u8> {
        let mut out = String::new();
        for (name, namespace) in prefixes {
            out.extend(["@prefix ", name, ": <", namespace, "> .\n"]);
        }
        let mut last: Option<(&NamedOrBlankNode, &NamedNode)> = None;
        for triple in &self.0 {
            let object = term(&triple.object, prefixes);
            match last {
                Some((subject, predicate))
                    if *subject == triple.subject && *predicate == triple.predicate && !object.starts_with('<') =>
                {
                    out.extend([", ", &object]);
                }
                Some((subject, _)) if *subject == triple.subject => {
                    out.extend([" ;\n    ", &verb(&triple.predicate, prefixes), " ", &object]);
                }
                _ => {
                    if last.is_some() {
                        out += " .\n";
                    }
                    let verb = verb(&triple.predicate, prefixes);
                    let gap = if verb == "a" { " " } else { "\n    " };
                    out.extend([&triple.subject.to_string(), gap, &verb, " ", &object]);
                }
            }
            last = Some((&triple.subject, &triple.predicate));
        }
        if last.is_some() {
            out += " .\n";
        }
        out.into_bytes()
    }
}

fn verb(predicate: &NamedNode, prefixes: &[(&str, &str)]) -> String {
    if predicate.as_str() == vocab::rdf::TYPE { "a".to_owned() } else { name(predicate, prefixes) }
}

fn term(object: &Term, prefixes: &[(&str, &str)]) -> String {
    match object {
        Term::NamedNode(node) => name(node, prefixes),
        Term::Literal(literal) if literal.datatype().as_str() != format!("{XSD}string") => {
            let text = Literal::new_simple_literal(literal.value());
            format!("{text}^^{}", name(&literal.datatype().into_owned(), prefixes))
        }
        other => other.to_string(),
    }
}

fn name(node: &NamedNode, prefixes: &[(&str, &str)]) -> String {
    let short = prefixes.iter().find_map(|(prefix, namespace)| {
        let local = node.as_str().strip_prefix(namespace)?;
        let plain =
            local.bytes().all(|b| b.is_ascii_alphanumeric()) && local.starts_with(|c: char| c.is_ascii_alphabetic());
        plain.then(|| format!("{prefix}:{local}"))
    });
    short.unwrap_or_else(|| node.to_string())
}
