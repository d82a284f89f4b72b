//! Extensions of names of files, and the media types that they give.

/// Where one media type has several extensions, the usual one.
const USUAL: &[(&str, &str)] = &[
    ("application/json", "json"),
    ("application/ld+json", "jsonld"),
    ("application/n-quads", "nq"),
    ("application/n-triples", "nt"),
    ("application/trig", "trig"),
    ("audio/mpeg", "mp3"),
    ("image/jpeg", "jpg"),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/n3", "n3"),
    ("text/plain", "txt"),
    ("text/turtle", "ttl"),
    ("video/mp4", "mp4"),
];
/// What gives no media type.
const UNKNOWN: &str = "unknown";
const BYTES: &str = "application/octet-stream";

/// The media type that an extension gives.
pub(super) fn type_of(extension: &str) -> &'static str {
    let usual =
        USUAL.iter().find(|(_, usual)| usual.eq_ignore_ascii_case(extension)).map(|(media_type, _)| *media_type);
    usual.or_else(|| mime_guess::from_ext(extension).first_raw()).unwrap_or(BYTES)
}

/// An extension that gives a media type without parameters, else `unknown`.
pub(super) fn extension_of(essence: &str) -> &'static str {
    if let Some((_, usual)) = USUAL.iter().find(|(media_type, _)| *media_type == essence) {
        return usual;
    }
    let is_fit = |extension: &&&str| {
        extension.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && type_of(extension) == essence
    };
    let known = mime_guess::get_mime_extensions_str(essence).unwrap_or_default();
    known.iter().find(is_fit).copied().unwrap_or(UNKNOWN)
}
