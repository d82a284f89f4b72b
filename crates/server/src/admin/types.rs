//! Media types that the name of a file does not tell, in the words of Community Solid Server.
//!
//! They stand in the description: the type without its parameters, and each parameter in a node of its own. Here they
//! are no part of what somebody said about a resource, so they are taken out of it.

use oxrdf::{Dataset, Term};
use std::fmt::Write as _;

const FORMAT: &str = "http://www.w3.org/ns/ma-ont#format";
const PARAMETER: &str = "urn:npm:solid:community-server:meta:contentTypeParameter";
const VALUE: &str = "urn:npm:solid:community-server:meta:value";
/// Between the statements and the comment.
const END: &str = " . # ";
const LABEL: &str = "http://www.w3.org/2000/01/rdf-schema#label";

/// The last line of a `.meta`: the media type of the document of that part of a URL.
pub(super) fn line(part: &str, content_type: &str) -> String {
    let parsed = content_type.parse::<mime::Mime>().ok();
    let essence = parsed.as_ref().map_or(content_type, mime::Mime::essence_str);
    let mut line = format!("\n<./{part}> <{FORMAT}> {}", literal(essence));
    for (name, value) in parsed.iter().flat_map(mime::Mime::params) {
        let _ = write!(
            line,
            "; <{PARAMETER}> [ <{LABEL}> {}; <{VALUE}> {} ]",
            literal(name.as_str()),
            literal(value.as_str())
        );
    }
    // As it was written, for whoever reads this very line.
    let _ = writeln!(line, "{END}{content_type}");
    line
}

/// A `.meta` without such a line at its end, byte by byte as it was, and the media type.
pub(super) fn without_line<'m>(meta: &'m [u8], part: &str) -> Option<(&'m [u8], String)> {
    let at = meta.strip_suffix(b"\n")?.iter().rposition(|byte| *byte == b'\n')?;
    let (_, content_type) = std::str::from_utf8(&meta[at..]).ok()?.trim_end().rsplit_once(END)?;
    (meta[at..] == *line(part, content_type).as_bytes()).then(|| (&meta[..at], content_type.to_owned()))
}

/// The media type that a description tells of its subject, and the description without that; none if it tells nothing.
/// `given` is what the name of the file tells.
pub(super) fn told(graph: &Dataset, subject: &str, given: &str) -> Option<(String, Dataset)> {
    let about = format!("<{subject}>");
    let of_subject = |predicate: &str| {
        let mut objects = Vec::new();
        for quad in graph.iter().filter(|quad| quad.predicate.as_str() == predicate) {
            if quad.subject.to_string() == about {
                objects.push(quad.object.into_owned());
            }
        }
        objects
    };
    let text = |node: &Term, predicate: &str| {
        let mut quads = graph.iter().filter(|quad| quad.predicate.as_str() == predicate);
        quads
            .find(|quad| quad.subject.to_string() == node.to_string())
            .and_then(|quad| plain(&quad.object.into_owned()))
    };
    let (formats, parameters) = (of_subject(FORMAT), of_subject(PARAMETER));
    if formats.is_empty() && parameters.is_empty() {
        return None;
    }
    let mut content_type = formats.first().and_then(plain).unwrap_or_else(|| given.to_owned());
    for node in &parameters {
        let (name, value) = (text(node, LABEL)?, text(node, VALUE)?);
        let is_token = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
        let value = if is_token && !value.is_empty() { value } else { literal(&value) };
        let _ = write!(content_type, "; {name}={value}");
    }
    content_type.parse::<mime::Mime>().ok()?;
    let nodes: Vec<_> = parameters.iter().map(ToString::to_string).collect();
    let rest = graph.iter().filter(|quad| {
        let subject = quad.subject.to_string();
        let is_type = subject == about && matches!(quad.predicate.as_str(), FORMAT | PARAMETER);
        let is_parameter = nodes.contains(&subject) && matches!(quad.predicate.as_str(), LABEL | VALUE);
        !is_type && !is_parameter
    });
    Some((content_type, rest.collect()))
}

fn plain(term: &Term) -> Option<String> {
    match term {
        Term::Literal(literal) => Some(literal.value().to_owned()),
        _ => None,
    }
}

fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use podbell_model::rdf::{self, RdfFormat};

    #[test]
    fn a_type_that_no_name_tells_is_read_back() {
        for content_type in ["application/x-own", "text/plain; charset=utf-8", "x/y; z=\"a b\""] {
            let line = line("a%20b", content_type);
            let meta = format!("<> <p> <o> .{line}");
            assert_eq!(without_line(meta.as_bytes(), "a%20b"), Some((&b"<> <p> <o> ."[..], content_type.to_owned())));
            assert_eq!(without_line(meta.as_bytes(), "other"), None);
            let graph = rdf::parse(RdfFormat::Turtle, "http://x/a%20b.meta", meta.as_bytes()).unwrap();
            let (told, rest) = told(&graph, "http://x/a%20b", "text/plain").unwrap();
            assert_eq!(told.parse::<mime::Mime>().unwrap(), content_type.parse::<mime::Mime>().unwrap());
            assert_eq!(rest.len(), 1, "{rest}");
        }
    }

    #[test]
    fn parameters_of_a_type_that_the_name_tells_are_read() {
        let meta = "<a.txt> <urn:npm:solid:community-server:meta:contentTypeParameter> _:n;
                      <http://www.w3.org/2000/01/rdf-schema#label> \"A\" .
                    _:n <http://www.w3.org/2000/01/rdf-schema#label> \"charset\";
                      <urn:npm:solid:community-server:meta:value> \"iso-8859-1\" .";
        let graph = rdf::parse(RdfFormat::Turtle, "http://x/a.txt.meta", meta.as_bytes()).unwrap();
        let (content_type, rest) = told(&graph, "http://x/a.txt", "text/plain").unwrap();
        assert_eq!((content_type.as_str(), rest.len()), ("text/plain; charset=iso-8859-1", 1));
        assert!(told(&graph, "http://x/b.txt", "text/plain").is_none());
        assert!(told(&rest, "http://x/a.txt", "text/plain").is_none());
    }
}
