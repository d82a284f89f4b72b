//! The files of the console and of `@podbell/client`, in the executable.

use axum::body::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::{borrow::Cow, fmt::Write as _};

#[derive(RustEmbed)]
#[folder = "console"]
struct Console;

/// The client that the pages use is the one that is published.
#[derive(RustEmbed)]
#[folder = "../../clients/javascript/src"]
#[include = "*.js"]
struct Client;

/// A file as it is sent.
pub(super) struct File {
    /// Its media type, with its encoding.
    pub(super) media_type: &'static str,
    /// An entity tag, quoted.
    pub(super) tag: String,
    /// Its bytes.
    pub(super) body: Bytes,
}

impl File {
    /// Whether browsers show it as a page.
    pub(super) fn is_page(&self) -> bool {
        self.media_type.starts_with("text/html")
    }
}

/// A file of the console, by its path.
pub(super) fn console(path: &str) -> Option<File> {
    file(path, Console::get(path)?)
}

/// A file of the client, by its path.
pub(super) fn client(path: &str) -> Option<File> {
    file(path, Client::get(path)?)
}

fn file(path: &str, found: EmbeddedFile) -> Option<File> {
    let media_type = match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "md" => "text/plain; charset=utf-8",
        _ => return None,
    };
    let mut tag = String::from("\"");
    for byte in &found.metadata.sha256_hash()[..12] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    let body = match found.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    Some(File { media_type, tag, body })
}
