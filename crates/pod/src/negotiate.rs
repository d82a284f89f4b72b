//! Which representation a client gets: media types with quality values.
//!
//! An RDF source is had in its stored syntax, Turtle, JSON-LD and N-Triples; anything else as it was stored.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-representation-turtle-jsonld>, RFC 9110 §12.5.1.

use crate::problem::Problem;
use mime::Mime;
use podbell_model::rdf::RdfFormat;

/// Most entries of an `Accept` that are looked at.
const MAX_RANGES: usize = 64;

/// A media type with what it stands for, or why it is none.
pub(crate) fn media_type(content_type: &str) -> Result<Mime, Problem> {
    content_type.trim().parse().map_err(|_| Problem::BadContentType(content_type.to_owned()))
}

/// The syntax of RDF that a stored media type stands for.
pub(crate) fn format_of(content_type: &str) -> Option<RdfFormat> {
    RdfFormat::from_media_type(content_type.trim().parse::<Mime>().ok()?.essence_str())
}

/// The format to send to a client: none for the stored representation as it is.
///
/// # Errors
/// [`Problem::NotAcceptable`], with what there is.
pub(crate) fn negotiate(accept: Option<&str>, stored: &str) -> Result<Option<RdfFormat>, Problem> {
    let Some(accept) = accept.filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    let ranges = ranges(accept);
    let own = format_of(stored);
    let others = [RdfFormat::Turtle, RdfFormat::JsonLd, RdfFormat::NTriples]
        .into_iter()
        .filter(|format| own.is_some() && own != Some(*format));
    let essence =
        stored.trim().parse::<Mime>().map_or_else(|_| stored.to_owned(), |mime| mime.essence_str().to_owned());
    let offers = std::iter::once((None, essence)).chain(others.map(|f| (Some(f), f.media_type().to_owned())));
    let mut best: Option<(u16, Option<RdfFormat>)> = None;
    let mut available = Vec::new();
    for (format, essence) in offers {
        let quality = quality(&ranges, &essence);
        // Only a better one replaces an earlier offer: the stored form comes first.
        if quality > 0 && best.is_none_or(|(other, _)| quality > other) {
            best = Some((quality, format));
        }
        available.push(essence);
    }
    best.map(|(_, format)| format).ok_or(Problem::NotAcceptable(available))
}

/// Of the ranges that cover the type, the most specific decides.
fn quality(ranges: &[(Mime, u16)], essence: &str) -> u16 {
    let (kind, subtype) = essence.split_once('/').unwrap_or((essence, ""));
    ranges
        .iter()
        .filter_map(|(range, quality)| {
            let specific = match (range.type_().as_str(), range.subtype().as_str(), range.suffix()) {
                ("*", "*", _) => 1,
                (kind_, "*", _) if kind_.eq_ignore_ascii_case(kind) => 2,
                _ if range.essence_str().eq_ignore_ascii_case(&format!("{kind}/{subtype}")) => 3,
                _ => return None,
            };
            Some((specific, *quality))
        })
        .max()
        .map_or(0, |(_, quality)| quality)
}

/// The readable entries of an `Accept`, qualities in thousandths.
fn ranges(accept: &str) -> Vec<(Mime, u16)> {
    split(accept)
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .take(MAX_RANGES)
        .filter_map(|entry| {
            // Some clients abbreviate the range of everything.
            let range: Mime = match entry.strip_prefix('*').filter(|rest| !rest.starts_with('/')) {
                Some(parameters) => format!("*/*{parameters}").parse().ok()?,
                None => entry.parse().ok()?,
            };
            let quality = range.get_param("q").map_or(Some(1000), |q| thousandths(q.as_str()))?;
            Some((range, quality))
        })
        .collect()
}

fn thousandths(quality: &str) -> Option<u16> {
    let value: f32 = quality.parse().ok().filter(|q| (0.0..=1.0).contains(q))?;
    // In bounds by the line above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let value = (value * 1000.0).round() as u16;
    Some(value)
}

/// Splits at commas outside quotes.
fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_quality_wins_and_the_stored_form_breaks_ties() {
        use RdfFormat::{JsonLd, NTriples, Turtle};
        for (accept, stored, expected) in [
            ("", "text/turtle", Some(None)),
            ("*/*", "text/turtle", Some(None)),
            ("*", "application/ld+json", Some(None)),
            ("*; q=0.5", "application/ld+json", Some(None)),
            ("text/turtle", "text/turtle; charset=utf-8", Some(None)),
            ("text/turtle", "application/ld+json", Some(Some(Turtle))),
            ("application/ld+json", "text/turtle", Some(Some(JsonLd))),
            ("application/ld+json;profile=\"a,b\"", "text/turtle", Some(Some(JsonLd))),
            ("application/n-triples", "text/turtle", Some(Some(NTriples))),
            ("text/turtle;q=0.5, application/ld+json", "text/turtle", Some(Some(JsonLd))),
            ("text/turtle, application/ld+json", "application/ld+json", Some(None)),
            ("application/*;q=0.9, text/turtle;q=0.1", "text/turtle", Some(Some(JsonLd))),
            ("*/*, text/turtle;q=0", "text/turtle", Some(Some(JsonLd))),
            ("text/html,application/xhtml+xml,*/*;q=0.8", "text/turtle", Some(None)),
            ("text/html", "text/turtle", None),
            ("text/turtle;q=0", "text/turtle", None),
            ("text/turtle;q=7, text/html", "text/turtle", None),
            ("TEXT/TURTLE", "application/ld+json", Some(Some(Turtle))),
            ("image/png", "image/png", Some(None)),
            ("image/*", "image/png", Some(None)),
            ("text/turtle", "image/png", None),
            ("application/trig", "text/turtle", None),
            (",,;;", "text/turtle", None),
        ] {
            assert_eq!(negotiate(Some(accept), stored).ok(), expected, "{accept} of {stored}");
        }
        assert_eq!(negotiate(None, "text/turtle").unwrap(), None);
    }
}
