//! The media types under which documents of Linked Web Storage go, all with the same bytes.
//!
//! `application/ld+json` with the profile of Linked Web Storage counts as `application/lws+json` in both directions.

use super::{CONTEXT, LwsError, MEDIA_TYPE};
use crate::media::{MediaRange, ranges};

/// What is accepted in a POST: the `Accept-Post` header.
pub const ACCEPT_POST: &str = "application/lws+json, application/ld+json, application/json";

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `application/lws+json`
    #[default]
    Lws,
    /// `application/ld+json` with the profile.
    Profiled,
    /// `application/ld+json`
    JsonLd,
    /// `application/json`
    Json,
}

impl Form {
    const ALL: [Self; 4] = [Self::Lws, Self::Profiled, Self::JsonLd, Self::Json];

    /// `Content-Type` of the answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Lws => MEDIA_TYPE,
            Self::Profiled => "application/ld+json; profile=\"https://www.w3.org/ns/lws/v1\"",
            Self::JsonLd => "application/ld+json",
            Self::Json => "application/json",
        }
    }

    /// How closely a range names it; none if it does not match.
    fn specificity(self, range: &MediaRange) -> Option<u8> {
        let essence = self.media_type().split(';').next().unwrap_or_default();
        match (range.essence.as_str(), self) {
            ("*/*", _) => Some(0),
            ("application/*", _) => Some(1),
            (found, Self::Profiled) if found == essence => is_profile(range).filter(|profiled| *profiled).map(|_| 3),
            (found, Self::JsonLd) if found == essence => is_profile(range).filter(|profiled| !profiled).map(|_| 2),
            (found, _) if found == essence => Some(2),
            _ => None,
        }
    }
}

/// Whether a range has the profile; none if it has others.
fn is_profile(range: &MediaRange) -> Option<bool> {
    let mut profiles = range.profiles().peekable();
    if profiles.peek().is_none() {
        return Some(false);
    }
    profiles.all(|profile| profile == CONTEXT).then_some(true)
}

/// Judges the `Content-Type` of a request.
pub fn check_content_type(content_type: Option<&str>) -> Result<(), LwsError> {
    let range = content_type.and_then(MediaRange::parse).ok_or(LwsError::MediaType)?;
    let known = match range.essence.as_str() {
        MEDIA_TYPE | "application/json" => true,
        "application/ld+json" => is_profile(&range).is_some(),
        _ => false,
    };
    if known { Ok(()) } else { Err(LwsError::MediaType) }
}

/// Chooses the form of an answer by an `Accept` header; ranges that do not parse are passed over.
pub fn negotiate(accept: Option<&str>) -> Result<Form, LwsError> {
    let ranges = ranges(accept.unwrap_or_default());
    if ranges.is_empty() {
        return Ok(Form::default());
    }
    let mut best: Option<(u16, Form)> = None;
    for form in Form::ALL {
        let matching = ranges.iter().filter_map(|range| Some((form.specificity(range)?, range.quality)));
        let quality = matching.max().map_or(0, |(_, quality)| quality);
        if quality > best.map_or(0, |(quality, _)| quality) {
            best = Some((quality, form));
        }
    }
    best.map(|(_, form)| form).ok_or(LwsError::NotAcceptable)
}
