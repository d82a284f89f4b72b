//! What the `Link` of a request asks for: a container, if it says that this is the type of the new resource.
//!
//! What follows a fault in the header is not read.
//!
//! Spec: <https://www.w3.org/TR/ldp/#ldpc-linktypehdr>, RFC 8288 §3.

use podbell_model::vocab::ldp;

/// Whether the value of `Link` asks for a container.
pub fn asks_for_container(value: &str) -> bool {
    links(value).any(|link| {
        // A link that is anchored elsewhere says nothing of the new resource.
        let is_type = !link.anchored && link.rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("type"));
        is_type && (link.target == ldp::BASIC_CONTAINER || link.target == ldp::CONTAINER)
    })
}

/// One link of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link<'v> {
    pub(crate) target: &'v str,
    /// The first `rel`; the others do not count.
    pub(crate) rel: String,
    pub(crate) anchored: bool,
}

/// The links of a header, up to its first fault.
pub(crate) fn links(value: &str) -> impl Iterator<Item = Link<'_>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let text = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        let (target, after) = text.strip_prefix('<')?.split_once('>')?;
        let mut link = Link { target, rel: String::new(), anchored: false };
        let (mut after, mut related) = (after.trim_ascii_start(), false);
        while let Some(parameter) = after.strip_prefix(';') {
            let (name, value, left) = parse_parameter(parameter)?;
            link.anchored |= name.eq_ignore_ascii_case("anchor");
            if name.eq_ignore_ascii_case("rel") && !related {
                related = true;
                link.rel = value;
            }
            after = left.trim_ascii_start();
        }
        if !after.is_empty() && !after.starts_with(',') {
            return None;
        }
        rest = after;
        Some(link)
    })
}

/// The name and value of a parameter, and what follows it; an empty name if there is none.
fn parse_parameter(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_ascii_start();
    let end = text.find(|c: char| matches!(c, '=' | ';' | ',') || c.is_ascii_whitespace()).unwrap_or(text.len());
    let (name, after) = text.split_at(end);
    let Some(value) = after.trim_ascii_start().strip_prefix('=') else { return Some((name, String::new(), after)) };
    let value = value.trim_ascii_start();
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find(|c: char| matches!(c, ';' | ',') || c.is_ascii_whitespace()).unwrap_or(value.len());
        return Some((name, value[..end].to_owned(), &value[end..]));
    };
    let (mut unquoted, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            c if escaped => {
                unquoted.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((name, unquoted, &quoted[at + 1..])),
            c => unquoted.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_asked_for_by_its_type() {
        let container = "<http://www.w3.org/ns/ldp#BasicContainer>";
        for (value, asks) in [
            (format!("{container}; rel=\"type\""), true),
            (format!("{container};rel=type"), true),
            (format!("{container} ; REL = Type ; title=x"), true),
            (format!("{container}; rel=\"up type\""), true),
            (format!("<http://x/a,b>; rel=\"up\", {container}; rel=\"type\""), true),
            (
                "<http://www.w3.org/ns/ldp#Resource>; rel=\"type\",,<http://www.w3.org/ns/ldp#Container>; rel=type"
                    .into(),
                true,
            ),
            ("<http://www.w3.org/ns/ldp#Resource>; rel=\"type\"".into(), false),
            (format!("{container}; rel=\"up\""), false),
            (format!("{container}; rel=\"up\"; rel=\"type\""), false),
            (format!("{container}; rel=\"type\"; anchor=\"#x\""), false),
            (format!("<http://x/>; title=\"a, {container}; rel=type\""), false),
            (format!("<http://x/>; title=\"a\\\", {container}; rel=type, \""), false),
            (format!("<http://x/>; title=\"unended, {container}; rel=type"), false),
            (format!("nonsense, {container}; rel=type"), false),
            (container.into(), false),
            (String::new(), false),
        ] {
            assert_eq!(asks_for_container(&value), asks, "{value}");
        }
    }
}
