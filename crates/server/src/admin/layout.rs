//! Pods as files, in the layout of Community Solid Server and Node Solid Server.
//!
//! A container is a directory, a document a file of its name without percent-encoding. Where the name's extension does
//! not give the media type, `$.` and one that does is appended. `.acl` and `.meta` are appended to the name of their
//! subject, in the directory itself for a container.
//!
//! The rule: what is read back has the name and type that was written. An escape of a character that need not be
//! escaped in a URL stays in the name of the file. A media type that no extension gives stands in the `.meta`.

use super::media;
use podbell_model::{Auxiliary, ResourceIri};
use std::fmt::Write as _;

/// A directory in which Community Solid Server keeps what is its own.
const INTERNAL: &str = ".internal";
/// How Community Solid Server notes a media type in a description.
pub(super) const MEDIA_TYPE: &str = "http://www.w3.org/ns/ma-ont#format";

/// What a file or directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A container; its path below the root, as in a URL.
    Container(String),
    /// A document, and the media type that its name gives.
    Document(String, &'static str),
    /// An auxiliary resource of the subject at that path.
    Auxiliary(String, Auxiliary),
    /// Nothing that is kept here, and why.
    LeftOut(&'static str),
}

/// Why a path is that of no resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PathError {
    /// Text that is no UTF-8.
    #[error("the name is no UTF-8")]
    Encoding,
    /// `/etc/passwd`
    #[error("the path is absolute")]
    Absolute,
    /// `..`
    #[error("the path leaves the directory")]
    Outside,
    /// `a//b`, `a/./b`
    #[error("the path has an empty part or one that is a dot")]
    Empty,
}

/// The parts of a path in an archive; none for its top. A leading `./` and a directory's slash are no part.
pub(super) fn parts(path: &[u8]) -> Result<Vec<&str>, PathError> {
    let path = std::str::from_utf8(path).map_err(|_| PathError::Encoding)?;
    if path.starts_with('/') {
        return Err(PathError::Absolute);
    }
    let inner = path.strip_prefix("./").unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if matches!(inner, "" | ".") {
        return Ok(Vec::new());
    }
    inner
        .split('/')
        .map(|part| match part {
            ".." => Err(PathError::Outside),
            "" | "." => Err(PathError::Empty),
            part => Ok(part),
        })
        .collect()
}

/// What the file or directory at that path is.
pub(super) fn place(parts: &[&str], is_directory: bool) -> Place {
    if parts.first() == Some(&INTERNAL) {
        return Place::LeftOut("it is the other server's own");
    }
    let mut path: String = parts[..parts.len().saturating_sub(1)].iter().map(|part| encode(part) + "/").collect();
    let Some(file) = parts.last() else { return Place::Container(String::new()) };
    if is_directory {
        path.push_str(&encode(file));
        path.push('/');
        return Place::Container(path);
    }
    let (name, content_type) = match split(file) {
        Some((name, extension)) => (name, media::type_of(extension)),
        None => (*file, media::type_of(extension(file))),
    };
    for kind in [Auxiliary::Acl, Auxiliary::Description] {
        let Some(subject) = name.strip_suffix(kind.suffix()) else { continue };
        if [Auxiliary::Acl, Auxiliary::Description].iter().any(|kind| subject.ends_with(kind.suffix())) {
            return Place::LeftOut("ACLs and descriptions follow the rules of what they are about");
        }
        return Place::Auxiliary(path + &encode(subject), kind);
    }
    Place::Document(path + &encode(name), content_type)
}

/// The file of a resource, and whether its name tells all of the media type.
pub(super) fn file(resource: &ResourceIri, content_type: &str) -> (String, bool) {
    let mut name = decode(resource.name());
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut given = media::type_of(extension(&name));
    if given != essence || split(&name).is_some() {
        let extension = media::extension_of(&essence);
        given = media::type_of(extension);
        name = format!("{name}$.{extension}");
    }
    (name, given == content_type)
}

/// The directory of a container.
pub(super) fn directory(container: &ResourceIri) -> String {
    decode(container.name())
}

/// The file of an auxiliary resource.
pub(super) fn auxiliary(subject: &ResourceIri, kind: Auxiliary) -> String {
    let name = if subject.is_container() { String::new() } else { decode(subject.name()) };
    name + kind.suffix()
}

/// The last line of a `.meta`: the media type that a file's name does not tell.
pub(super) fn type_line(resource: &ResourceIri, content_type: &str) -> String {
    let quoted = content_type.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\n<./{}> <{MEDIA_TYPE}> \"{quoted}\" .\n", resource.name())
}

/// A `.meta` without such a line, and what the line says.
pub(super) fn without_type_line(meta: &[u8]) -> (&[u8], Option<String>) {
    let found = || {
        let text = std::str::from_utf8(meta).ok()?;
        let (before, line) = text.strip_suffix(" .\n")?.rsplit_once('\n')?;
        let (_, quoted) = line.strip_prefix("<./")?.split_once(&format!("> <{MEDIA_TYPE}> \""))?;
        let content_type = quoted.strip_suffix('"')?.replace("\\\"", "\"").replace("\\\\", "\\");
        Some((before.as_bytes(), content_type))
    };
    found().map_or((meta, None), |(rest, content_type)| (rest, Some(content_type)))
}

/// A name and the extension after `$.`, if it has one.
fn split(file: &str) -> Option<(&str, &str)> {
    let (name, extension) = file.rsplit_once("$.")?;
    let is_word = extension.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_word && !extension.is_empty() && !name.is_empty()).then_some((name, extension))
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// What stands in a path as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

fn is_escape(rest: &[u8]) -> bool {
    matches!(rest, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// A part of a URL of the name of a file.
fn encode(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        if is_plain(byte) || is_escape(&name.as_bytes()[at..]) {
            part.push(char::from(byte));
        } else {
            let _ = write!(part, "%{byte:02X}");
        }
    }
    part
}

/// The name of a file of a part of a URL; the way back of [`encode`].
fn decode(part: &str) -> String {
    let mut name = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [byte, after @ ..] = rest {
        let escaped =
            part.get(part.len() - after.len()..).and_then(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok());
        match escaped.filter(|value| *byte == b'%' && !is_plain(*value)) {
            // It would be taken for an escape when it is read back.
            Some(b'%') if looks_escaped(&after[2..]) => name.push(b'%'),
            Some(value) => {
                name.push(value);
                rest = &after[2..];
                continue;
            }
            None => name.push(*byte),
        }
        rest = after;
    }
    // Names of resources are UTF-8 when they are decoded.
    String::from_utf8(name).unwrap_or_else(|_| part.to_owned())
}

/// Whether what follows a percent sign, once decoded, begins with two hexadecimal digits.
fn looks_escaped(after: &[u8]) -> bool {
    matches!(after, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iri(path: &str) -> ResourceIri {
        ResourceIri::parse(&format!("https://pod.example/{path}")).unwrap()
    }

    #[test]
    fn files_are_named_as_other_servers_name_them() {
        for (path, content_type, expected) in [
            ("card", "text/turtle", "card$.ttl"),
            ("prefs.ttl", "text/turtle", "prefs.ttl"),
            ("data.json", "application/ld+json", "data.json$.jsonld"),
            ("photo.JPG", "image/jpeg", "photo.JPG"),
            ("photo", "image/jpeg", "photo$.jpg"),
            ("notes", "text/plain; charset=utf-8", "notes$.txt"),
            ("blob", "application/octet-stream", "blob"),
            ("odd", "application/x-of-my-own", "odd$.unknown"),
            ("index.html", "text/html", "index.html"),
            ("a$.ttl", "text/turtle", "a$.ttl$.ttl"),
            ("hello%20world.txt", "text/plain", "hello world.txt"),
            ("%C3%A9t%C3%A9.txt", "text/plain", "été.txt"),
            ("a+b.txt", "text/plain", "a+b.txt"),
            ("a%2Bb.txt", "text/plain", "a%2Bb.txt"),
            ("100%25.txt", "text/plain", "100%.txt"),
            ("%2541.txt", "text/plain", "%2541.txt"),
        ] {
            let (name, _) = file(&iri(path), content_type);
            assert_eq!(name, expected, "{path}");
            let essence = content_type.split(';').next().unwrap();
            let Place::Document(back, given) = place(&[&name], false) else { panic!("{name}") };
            assert_eq!(iri(&back), iri(path), "{name}");
            assert!(given == essence || expected.ends_with("$.unknown"), "{name} gives {given}");
        }
    }

    #[test]
    fn a_directory_of_another_server_is_read() {
        let aux = |path: &str, kind| Place::Auxiliary(path.to_owned(), kind);
        for (path, is_directory, expected) in [
            ("", true, Place::Container(String::new())),
            ("profile", true, Place::Container("profile/".to_owned())),
            (".acl", false, aux("", Auxiliary::Acl)),
            ("profile/.meta", false, aux("profile/", Auxiliary::Description)),
            ("profile/card$.ttl", false, Place::Document("profile/card".to_owned(), "text/turtle")),
            ("profile/card.acl", false, aux("profile/card", Auxiliary::Acl)),
            ("my photo.png.meta", false, aux("my%20photo.png", Auxiliary::Description)),
            ("robots.txt", false, Place::Document("robots.txt".to_owned(), "text/plain")),
        ] {
            assert_eq!(place(&parts(path.as_bytes()).unwrap(), is_directory), expected, "{path}");
        }
        for path in [".internal/setup", ".meta.acl", "x.acl.meta"] {
            assert!(matches!(place(&parts(path.as_bytes()).unwrap(), false), Place::LeftOut(_)), "{path}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for (path, expected) in [
            ("/etc/passwd", PathError::Absolute),
            ("../x", PathError::Outside),
            ("a/../../x", PathError::Outside),
            ("a//b", PathError::Empty),
            ("a/./b", PathError::Empty),
            (".//x", PathError::Empty),
        ] {
            assert_eq!(parts(path.as_bytes()), Err(expected), "{path}");
        }
        assert_eq!(parts(b"\xff"), Err(PathError::Encoding));
        assert_eq!(parts(b"./a/b/").unwrap(), ["a", "b"]);
        assert_eq!(parts(b"./").unwrap(), [""; 0]);
    }

    #[test]
    fn a_type_that_no_name_tells_is_read_back() {
        for content_type in ["text/plain; charset=utf-8", "x/y; z=\"a\\\"b\""] {
            let meta = format!("<> <p> <o> .{}", type_line(&iri("a%20b"), content_type));
            let (rest, told) = without_type_line(meta.as_bytes());
            assert_eq!((rest, told.as_deref()), (&b"<> <p> <o> ."[..], Some(content_type)));
        }
        assert_eq!(without_type_line(b"<> <p> <o> .\n"), (&b"<> <p> <o> .\n"[..], None));
    }
}
