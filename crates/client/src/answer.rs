//! What was answered, and what it means if it is no success.

use crate::error::WatchError;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};
use oxrdf::Dataset;
use podbell_model::rdf::{self, RdfFormat};
use serde_json::Value;
use std::time::Duration;

/// Most characters that are repeated of what a server says.
const CLIP: usize = 300;
/// The longest that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Itself, if it is a success.
    pub(crate) fn success(self) -> Result<Self, WatchError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(failure(&self.url, self.status, &self.headers, self.reason()))
        }
    }

    /// What it says of itself, in one line.
    pub(crate) fn reason(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let members = ["detail", "error_description", "message", "title", "error"];
        let said = members.iter().find_map(|member| body[member].as_str());
        clip(said.unwrap_or_default())
    }

    /// Its statements.
    pub(crate) fn statements(&self) -> Result<Dataset, WatchError> {
        let media_type = text(&self.headers, &header::CONTENT_TYPE).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let format = RdfFormat::from_media_type(essence)
            .ok_or_else(|| WatchError::not_understood(&self.url, format!("it is {}, no RDF", clip(essence))))?;
        rdf::parse(format, &self.url, &self.body)
            .map_err(|error| WatchError::not_understood(&self.url, clip(&error.to_string())))
    }
}

/// A header field, if it is text.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What a status means that is no success.
pub(crate) fn failure(url: &str, status: StatusCode, headers: &HeaderMap, reason: String) -> WatchError {
    let url = url.to_owned();
    match status.as_u16() {
        status @ (401 | 403) => WatchError::Refused { url, status, reason },
        300..=399 => {
            let to = text(headers, &header::LOCATION).unwrap_or_default().to_owned();
            WatchError::Moved { url, to }
        }
        status @ (408 | 425 | 429 | 500..=599) => {
            let seconds = text(headers, &header::RETRY_AFTER).and_then(|value| value.trim().parse().ok());
            let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
            WatchError::Unavailable { url, status, reason, retry_after }
        }
        status => WatchError::Invalid { url, status, reason },
    }
}

/// Whether a character steers a terminal, or hides or turns what stands around it.
///
/// Spec: <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
pub fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The first of what a server says, without what steers a terminal.
pub(crate) fn clip(said: &str) -> String {
    let mut clipped: String = said.chars().take(CLIP).map(|c| if misleads(c) { ' ' } else { c }).collect();
    if clipped.len() < said.len() && said.chars().count() > CLIP {
        clipped.push('…');
    }
    clipped
}
