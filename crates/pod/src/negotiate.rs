//! Which representation a client gets: media types with quality values.
//!
//! An RDF source is had in its stored syntax, Turtle, JSON-LD and N-Triples; anything else as it was stored. Where
//! pages are made of RDF, a client gets one if it likes HTML better than every syntax of RDF, as browsers do: whoever
//! takes RDF as gladly gets RDF.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-representation-turtle-jsonld>, RFC 9110 §12.5.1.

use crate::problem::Problem;
use mime::Mime;
use podbell_model::rdf::RdfFormat;

/// Most entries of an `Accept` that are looked at.
const MAX_RANGES: usize = 64;

/// The media type of a page.
pub(crate) const PAGE: &str = "text/html; charset=utf-8";
const HTML: &str = "text/html";

/// In which form a client gets a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is stored.
    #[default]
    Stored,
    /// In another syntax of RDF.
    Rdf(RdfFormat),
    /// As a page for people.
    Page,
}

/// A media type with what it stands for, or why it is none.
pub(crate) fn media_type(content_type: &str) -> Result<Mime, Problem> {
    content_type.trim().parse().map_err(|_| Problem::BadContentType(content_type.to_owned()))
}

/// The syntax of RDF that a stored media type stands for.
pub(crate) fn format_of(content_type: &str) -> Option<RdfFormat> {
    RdfFormat::from_media_type(content_type.trim().parse::<Mime>().ok()?.essence_str())
}

/// The form in which a resource is sent to those who take any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usual {
    /// As it is stored.
    Stored,
    /// Turtle, if it is RDF.
    Turtle,
}

/// The form to send to a client; a page only if `pages` are made.
///
/// # Errors
/// [`Problem::NotAcceptable`], with what there is.
pub(crate) fn negotiate(accept: Option<&str>, stored: &str, usual: Usual, pages: bool) -> Result<Form, Problem> {
    let own = format_of(stored);
    let turtle = usual == Usual::Turtle && own.is_some_and(|own| own != RdfFormat::Turtle);
    let Some(accept) = accept.filter(|value| !value.trim().is_empty()) else {
        return Ok(if turtle { Form::Rdf(RdfFormat::Turtle) } else { Form::Stored });
    };
    let ranges = ranges(accept);
    let others = [RdfFormat::Turtle, RdfFormat::JsonLd, RdfFormat::NTriples]
        .into_iter()
        .filter(|format| own.is_some() && own != Some(*format));
    let essence =
        stored.trim().parse::<Mime>().map_or_else(|_| stored.to_owned(), |mime| mime.essence_str().to_owned());
    let page = (pages && own.is_some()).then(|| (Form::Page, HTML.to_owned()));
    let offers = std::iter::once((Form::Stored, essence))
        .chain(others.map(|format| (Form::Rdf(format), format.media_type().to_owned())))
        .chain(page);
    let mut best: Option<(u16, Form)> = None;
    let mut available = Vec::new();
    for (form, essence) in offers {
        let quality = quality(&ranges, &essence);
        // Only a better one replaces an earlier offer: the stored form comes first, if another is not usual; the page
        // comes last.
        let wins = |other| quality > other || turtle && quality == other && form == Form::Rdf(RdfFormat::Turtle);
        if quality > 0 && best.is_none_or(|(other, _)| wins(other)) {
            best = Some((quality, form));
        }
        available.push(essence);
    }
    best.map(|(_, form)| form).ok_or(Problem::NotAcceptable(available))
}

/// Whether a client likes HTML better than everything that programs read, by its `Accept`.
pub fn prefers_page(accept: &str) -> bool {
    let ranges = ranges(accept);
    let page = quality(&ranges, HTML);
    let formats = [RdfFormat::Turtle, RdfFormat::JsonLd, RdfFormat::NTriples].map(RdfFormat::media_type);
    let programs = formats.into_iter().chain(["application/json", "application/problem+json"]);
    programs.into_iter().all(|format| quality(&ranges, format) < page)
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
            // The standard allows blanks around a semicolon.
            let entry = entry.split(';').map(str::trim).collect::<Vec<_>>().join(";");
            let entry = entry.as_str();
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
        use Form::{Page, Rdf, Stored};
        use RdfFormat::{JsonLd, NTriples, Turtle};
        const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        const RDFLIB: &str = "image/*;q=0.9, */*;q=0.1, application/rdf+xml;q=0.9, application/xhtml+xml, \
                              text/xml;q=0.5, application/xml;q=0.5, text/html;q=0.9, text/n3;q=1.0, text/turtle;q=1";
        for (accept, stored, expected) in [
            ("", "text/turtle", Some(Stored)),
            ("*/*", "text/turtle", Some(Stored)),
            ("*", "application/ld+json", Some(Stored)),
            ("*; q=0.5", "application/ld+json", Some(Stored)),
            ("text/turtle", "text/turtle; charset=utf-8", Some(Stored)),
            ("text/turtle", "application/ld+json", Some(Rdf(Turtle))),
            ("application/ld+json", "text/turtle", Some(Rdf(JsonLd))),
            ("application/ld+json;profile=\"a,b\"", "text/turtle", Some(Rdf(JsonLd))),
            ("application/n-triples", "text/turtle", Some(Rdf(NTriples))),
            ("text/turtle;q=0.5, application/ld+json", "text/turtle", Some(Rdf(JsonLd))),
            ("text/turtle, application/ld+json", "application/ld+json", Some(Stored)),
            ("application/*;q=0.9, text/turtle;q=0.1", "text/turtle", Some(Rdf(JsonLd))),
            ("*/*, text/turtle;q=0", "text/turtle", Some(Rdf(JsonLd))),
            ("text/turtle;q=0", "text/turtle", None),
            ("text/turtle ; q=1.0 , */* ;q=0.1", "application/ld+json", Some(Rdf(Turtle))),
            ("TEXT/TURTLE", "application/ld+json", Some(Rdf(Turtle))),
            ("image/png", "image/png", Some(Stored)),
            ("image/*", "image/png", Some(Stored)),
            ("text/turtle", "image/png", None),
            ("application/trig", "text/turtle", None),
            (",,;;", "text/turtle", None),
            (CHROMIUM, "text/turtle", Some(Page)),
            (CHROMIUM, "application/ld+json", Some(Page)),
            (CHROMIUM, "image/png", Some(Stored)),
            (CHROMIUM, "text/html", Some(Stored)),
            ("text/html", "text/turtle", Some(Page)),
            ("text/html", "image/png", None),
            ("text/html;q=0.2", "text/turtle", Some(Page)),
            ("text/html;q=0", "text/turtle", None),
            ("text/turtle;q=7, text/html", "text/turtle", Some(Page)),
            ("text/html;q=0.9, text/turtle;q=0.8", "text/turtle", Some(Page)),
            ("text/html, text/turtle", "text/turtle", Some(Stored)),
            ("text/html, text/turtle", "application/ld+json", Some(Rdf(Turtle))),
            ("text/html, */*", "text/turtle", Some(Stored)),
            ("text/*", "text/turtle", Some(Stored)),
            ("text/*, text/turtle;q=0.5", "text/turtle", Some(Page)),
            (RDFLIB, "text/turtle", Some(Stored)),
            (RDFLIB, "application/ld+json", Some(Rdf(Turtle))),
        ] {
            assert_eq!(negotiate(Some(accept), stored, Usual::Stored, true).ok(), expected, "{accept} of {stored}");
            if expected == Some(Page) {
                let other = negotiate(Some(accept), stored, Usual::Stored, false);
                assert!(!matches!(other, Ok(Page)), "{accept} where none are made");
            }
        }
        assert_eq!(negotiate(None, "text/turtle", Usual::Stored, true).unwrap(), Stored);
        assert!(prefers_page(CHROMIUM) && prefers_page("text/html") && prefers_page("text/html;q=0.1"));
        for program in ["", "*/*", RDFLIB, "text/html, */*", "application/json, text/html;q=0.9", "text/html;q=0"] {
            assert!(!prefers_page(program), "{program}");
        }
    }

    #[test]
    fn turtle_can_be_usual_whatever_is_stored() {
        let usual = |accept, stored| negotiate(accept, stored, Usual::Turtle, true).unwrap();
        for accept in [None, Some("*/*"), Some("application/ld+json, text/turtle")] {
            assert_eq!(usual(accept, "application/ld+json"), Form::Rdf(RdfFormat::Turtle), "{accept:?}");
            assert_eq!(usual(accept, "text/turtle"), Form::Stored, "{accept:?}");
        }
        assert_eq!(usual(Some("application/ld+json, */*;q=0.1"), "application/ld+json"), Form::Stored);
    }
}
