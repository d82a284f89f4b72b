//! Entity-tags and conditional requests.
//!
//! Each representation has a strong tag of its own: the version of the resource, of a container also the count of
//! its listing, and a suffix for what was made of it. A read compares the whole tag; a write compares the version
//! alone, so that a tag from any variant pins the resource.
//!
//! Spec: RFC 9110 §8.8.3, §13.

use crate::{negotiate::Form, problem::Problem, store::Resource};
use podbell_model::{ResourceClass, Timestamp, rdf::RdfFormat};

/// Version of a description that was never written: it reads as empty.
pub(crate) const UNWRITTEN: &str = "0";

/// What was made of the stored representation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variant {
    /// As it is stored, in another syntax, or as a page.
    pub(crate) form: Form,
    /// A container without its members.
    pub(crate) minimal: bool,
}

/// The tag of a representation, quoted.
pub(crate) fn tag(resource: &Resource, variant: Variant) -> String {
    let mut tag = format!("\"{}", resource.version);
    if resource.class == ResourceClass::Container && resource.listing > 0 {
        tag.push('.');
        tag.push_str(&resource.listing.to_string());
    }
    tag.push_str(match variant.form {
        Form::Stored => "",
        Form::Rdf(RdfFormat::Turtle) => "-ttl",
        Form::Rdf(RdfFormat::JsonLd) => "-ld",
        Form::Rdf(RdfFormat::NTriples) => "-nt",
        Form::Rdf(RdfFormat::NQuads) => "-nq",
        Form::Page => "-html",
    });
    if variant.minimal {
        tag.push_str("-min");
    }
    tag.push('"');
    tag
}

/// The tag of the default representation of a version, quoted.
pub(crate) fn default_tag(version: &str) -> String {
    format!("\"{version}\"")
}

/// `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`
    Any,
    /// The listed tags, without quotes, and whether each is weak.
    Listed(Vec<(bool, String)>),
}

/// The preconditions of a request; the default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    pub(crate) matching: Option<Tags>,
    none_matching: Option<Tags>,
    modified_since: Option<i64>,
    unmodified_since: Option<i64>,
}

/// What the preconditions say about a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Proceed,
    NotModified,
    Failed(&'static str),
}

impl Preconditions {
    /// Reads the values of `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`.
    ///
    /// # Errors
    /// A malformed list of tags, because ignoring it could destroy what it protects. Malformed dates are ignored, as
    /// the standard asks.
    pub fn parse(
        if_match: Option<&str>,
        if_none_match: Option<&str>,
        if_modified_since: Option<&str>,
        if_unmodified_since: Option<&str>,
    ) -> Result<Self, Problem> {
        Ok(Self {
            matching: if_match.map(|value| tags(value).ok_or(Problem::BadHeader("If-Match"))).transpose()?,
            none_matching: if_none_match
                .map(|value| tags(value).ok_or(Problem::BadHeader("If-None-Match")))
                .transpose()?,
            modified_since: if_modified_since.and_then(date),
            unmodified_since: if_unmodified_since.and_then(date),
        })
    }

    /// Whether a write may go on: the version and date of what exists, or none.
    pub(crate) fn judge_write(&self, current: Option<(&str, Timestamp)>) -> Result<(), Problem> {
        let version = current.map(|(version, _)| version);
        match (&self.matching, self.unmodified_since) {
            (Some(tags), _) if !tags.strong(version, version_of) => return Err(Problem::Precondition("If-Match")),
            (None, Some(date)) if current.is_some_and(|(_, modified)| modified.as_second() > date) => {
                return Err(Problem::Precondition("If-Unmodified-Since"));
            }
            _ => {}
        }
        match &self.none_matching {
            Some(tags) if tags.weak(version, version_of) => Err(Problem::Precondition("If-None-Match")),
            _ => Ok(()),
        }
    }

    /// What becomes of a read of the representation with that tag (quoted) and date.
    pub(crate) fn judge_read(&self, tag: &str, modified: Timestamp) -> Verdict {
        let tag = Some(tag.trim_matches('"'));
        let modified = modified.as_second();
        match (&self.matching, self.unmodified_since) {
            (Some(tags), _) if !tags.strong(tag, whole) => return Verdict::Failed("If-Match"),
            (None, Some(date)) if modified > date => return Verdict::Failed("If-Unmodified-Since"),
            _ => {}
        }
        match (&self.none_matching, self.modified_since) {
            (Some(tags), _) if tags.weak(tag, whole) => Verdict::NotModified,
            (None, Some(date)) if modified <= date => Verdict::NotModified,
            _ => Verdict::Proceed,
        }
    }
}

impl Tags {
    fn strong(&self, current: Option<&str>, part: fn(&str) -> &str) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Listed(tags), Some(current)) => tags.iter().any(|(weak, tag)| !weak && part(tag) == current),
        }
    }

    fn weak(&self, current: Option<&str>, part: fn(&str) -> &str) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Listed(tags), Some(current)) => tags.iter().any(|(_, tag)| part(tag) == current),
        }
    }
}

fn whole(tag: &str) -> &str {
    tag
}

/// The version in an unquoted entity-tag of any representation of a resource.
pub fn version_of(tag: &str) -> &str {
    tag.split(['.', '-']).next().unwrap_or(tag)
}

fn tags(value: &str) -> Option<Tags> {
    let mut rest = value.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut listed = Vec::new();
    while !rest.is_empty() {
        let weak = rest.strip_prefix("W/");
        let (tag, after) = weak.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        listed.push((weak.is_some(), tag.to_owned()));
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start_matches([',', ' ', '\t']);
        }
    }
    (!listed.is_empty()).then_some(Tags::Listed(listed))
}

fn date(value: &str) -> Option<i64> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(value.trim()).ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn modified() -> Timestamp {
        "1994-11-06T08:49:37.9Z".parse().unwrap()
    }

    #[test]
    fn reads_compare_the_whole_tag_and_rank_tags_above_dates() {
        use Verdict::{Failed, NotModified, Proceed};
        for (if_match, if_none_match, since, unmodified, verdict) in [
            (None, None, None, None, Proceed),
            (None, Some("\"v1-ld\""), None, None, NotModified),
            (None, Some("W/\"v1-ld\""), None, None, NotModified),
            (None, Some("\"a\", \"v1-ld\""), None, None, NotModified),
            (None, Some("\"v1\""), None, None, Proceed),
            (None, Some("*"), None, None, NotModified),
            (None, Some("\"v2\""), Some(LATER), None, Proceed),
            (None, None, Some(THEN), None, NotModified),
            (None, None, Some(LATER), None, NotModified),
            (None, None, Some(EARLIER), None, Proceed),
            (None, None, Some("nonsense"), None, Proceed),
            (Some("\"v1-ld\""), None, None, None, Proceed),
            (Some("W/\"v1-ld\""), None, None, None, Failed("If-Match")),
            (Some("\"v1\""), None, None, None, Failed("If-Match")),
            (Some("*"), None, None, None, Proceed),
            (Some("\"v1-ld\""), None, None, Some(EARLIER), Proceed),
            (None, None, None, Some(EARLIER), Failed("If-Unmodified-Since")),
            (None, None, None, Some(THEN), Proceed),
        ] {
            let conditions = Preconditions::parse(if_match, if_none_match, since, unmodified).unwrap();
            assert_eq!(conditions.judge_read("\"v1-ld\"", modified()), verdict, "{conditions:?}");
        }
    }

    #[test]
    fn writes_compare_the_version_from_any_variant() {
        let v1 = Some("v1");
        for (if_match, if_none_match, unmodified, current, holds) in [
            (None, None, None, v1, true),
            (Some("\"v1\""), None, None, v1, true),
            (Some("\"v1-ld\""), None, None, v1, true),
            (Some("\"v1.7-ttl\""), None, None, v1, true),
            (Some("\"v0\", \"v1\""), None, None, v1, true),
            (Some("\"v2\""), None, None, v1, false),
            (Some("W/\"v1\""), None, None, v1, false),
            (Some("*"), None, None, v1, true),
            (Some("*"), None, None, None, false),
            (Some("\"v1\""), None, None, None, false),
            (None, Some("*"), None, None, true),
            (None, Some("*"), None, v1, false),
            (None, Some("\"v1-nt\""), None, v1, false),
            (None, Some("\"v2\""), None, v1, true),
            (None, None, Some(EARLIER), v1, false),
            (None, None, Some(THEN), v1, true),
            (Some("\"v1\""), None, Some(EARLIER), v1, true),
        ] {
            let conditions = Preconditions::parse(if_match, if_none_match, None, unmodified).unwrap();
            let judged = conditions.judge_write(current.map(|version| (version, modified())));
            assert_eq!(judged.is_ok(), holds, "{conditions:?} {current:?}");
        }
    }

    #[test]
    fn malformed_tags_are_refused_and_not_ignored() {
        for value in ["v1", "\"v1", "\"a\" \"b\"", "", "*, \"a\"", "w/\"a\""] {
            let problem = Preconditions::parse(Some(value), None, None, None).unwrap_err();
            assert_eq!(problem.kind(), Kind::BadRequest, "{value}");
        }
    }
}
