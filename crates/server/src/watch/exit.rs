//! How `podbell watch` ends, in a code and a line.

use super::lines::harmless;
use podbell_client::WatchError;
use std::{fmt::Display, process::ExitCode};

/// An end that is no success.
pub(super) struct Exit {
    code: u8,
    told: String,
}

impl Exit {
    /// It could not.
    pub(super) fn could_not(error: &dyn Display) -> Self {
        Self { code: 1, told: error.to_string() }
    }

    /// What was asked for makes no sense.
    pub(super) fn usage(error: &anyhow::Error) -> Self {
        Self { code: 2, told: format!("{error:#}") }
    }

    /// Somebody was in a hurry.
    pub(super) fn at_once() -> Self {
        Self { code: 130, told: String::new() }
    }

    /// Says so.
    pub(super) fn tell(self) -> ExitCode {
        if !self.told.is_empty() {
            eprintln!("podbell: {}", harmless(&self.told));
        }
        ExitCode::from(self.code)
    }
}

impl From<WatchError> for Exit {
    fn from(error: WatchError) -> Self {
        let (code, more) = match &error {
            WatchError::Refused { status: 401, .. } => (3, "; log in with --as or --credentials"),
            WatchError::Refused { url, .. } if !url.ends_with('/') => {
                (3, "; whoever owns it can give you Read; if it is a folder, its URL ends with a slash")
            }
            WatchError::Refused { .. } => (3, "; whoever owns it can give you Read"),
            WatchError::LogIn { .. } => (3, ""),
            WatchError::Ended { .. } => (4, ""),
            WatchError::Unreachable { reason, .. } if reason.contains("UnknownIssuer") => {
                (1, "; --ca FILE trusts an authority of your own")
            }
            WatchError::Unreachable { reason, .. } if reason.contains("InvalidContentType") => {
                (1, "; no TLS is spoken there: is it an http URL?")
            }
            WatchError::Unreachable { .. } => (1, "; is the server running?"),
            WatchError::Unsupported { what, .. } if what.contains("does not offer what is below") => {
                (1, "; --fallback listens to the folder alone")
            }
            _ => (1, ""),
        };
        Self { code, told: format!("{error}{more}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_end_has_its_code() {
        let url = || "http://localhost:3000/alice/".to_owned();
        let reason = String::new;
        for (error, code) in [
            (WatchError::Unreachable { url: url(), reason: reason() }, 1),
            (WatchError::Moved { url: url(), to: url() }, 1),
            (WatchError::Refused { url: url(), status: 401, reason: reason() }, 3),
            (WatchError::LogIn { issuer: url(), reason: reason() }, 3),
            (WatchError::Ended { reason: reason() }, 4),
        ] {
            assert_eq!(Exit::from(error.clone()).code, code, "{error}");
        }
    }
}
