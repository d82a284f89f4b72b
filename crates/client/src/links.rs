//! `Link` header fields.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc8288#section-3>

use http::{HeaderMap, header};
use url::Url;

/// Where the links of a relation lead, in order; relative ones resolve against `base`.
pub(crate) fn links(headers: &HeaderMap, base: &Url, relation: &str) -> Vec<Url> {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let links = values
        .flat_map(split)
        .filter(|(_, relations)| relations.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(relation)));
    links.filter_map(|(target, _)| base.join(target).ok()).collect()
}

/// The links of one value: targets with their relations. What is no link ends it.
fn split(mut rest: &str) -> Vec<(&str, String)> {
    let mut links = Vec::new();
    while let Some((target, after)) =
        rest.trim_start_matches([' ', '\t', ',']).strip_prefix('<').and_then(|link| link.split_once('>'))
    {
        let end = unquoted(after, ',').unwrap_or(after.len());
        let (mut parameters, mut relations) = (&after[..end], None);
        while let Some(start) = unquoted(parameters, ';') {
            parameters = &parameters[start + 1..];
            let parameter = &parameters[..unquoted(parameters, ';').unwrap_or(parameters.len())];
            let Some((name, value)) = parameter.split_once('=') else { continue };
            // Of two the first counts.
            if name.trim().eq_ignore_ascii_case("rel") && relations.is_none() {
                relations = Some(value.trim().trim_matches('"').to_owned());
            }
        }
        links.push((target, relations.unwrap_or_default()));
        rest = &after[end..];
    }
    links
}

/// Where a character stands outside of quotes.
fn unquoted(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().find_map(|(at, c)| {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if c == wanted && !quoted {
            return Some(at);
        }
        None
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn links_are_found_by_relation_whatever_stands_beside_them() {
        let mut headers = HeaderMap::new();
        for value in [
            "<.meta>; title=\"a, b; <c>\\\"\"; rel=\"describedby x\", </d>;rel=other",
            "<https://pod.example/e>; REL=Other ,<f>",
            "no link, </g>; rel=other",
        ] {
            headers.append(header::LINK, value.parse().unwrap());
        }
        let base = Url::parse("https://pod.example/a/b").unwrap();
        let found = |relation| links(&headers, &base, relation).iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(found("describedby"), ["https://pod.example/a/.meta"]);
        assert_eq!(found("x"), ["https://pod.example/a/.meta"]);
        assert_eq!(found("other"), ["https://pod.example/d", "https://pod.example/e"]);
        assert_eq!(found("none"), [""; 0]);
    }
}
