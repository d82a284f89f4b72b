//! Pods as files, in the layout of Community Solid Server and Node Solid Server.
//!
//! A container is a directory, a document a file of its name. Where the name's extension does not give the media type,
//! `$.` and one that does is appended. `.acl` and `.meta` are appended to the name of their subject, in the directory
//! itself for a container.
//!
//! The rule: what is read back has the name and type that was written. What the name of a file cannot say stands in a
//! `.meta`: see `names` and `types`.

use super::{media, names::Spellings};
use podbell_model::Auxiliary;

/// A directory in which Community Solid Server keeps what is its own.
const INTERNAL: &str = ".internal";

/// The line in the description of a root by which Community Solid Server knows a pod.
pub(super) const STORAGE_LINE: &str = "\n<./> a <http://www.w3.org/ns/pim/space#Storage> .";

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
pub(super) fn place(parts: &[&str], is_directory: bool, spellings: &Spellings) -> Place {
    if parts.first() == Some(&INTERNAL) {
        return Place::LeftOut("it is the other server's own");
    }
    let Some((file, above)) = parts.split_last() else { return Place::Container(String::new()) };
    let (mut path, mut directory) = (String::new(), String::new());
    for name in above {
        path = path + &spellings.part(&directory, name) + "/";
        directory = directory + name + "/";
    }
    if is_directory {
        return Place::Container(path + &spellings.part(&directory, file) + "/");
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
        let subject = if subject.is_empty() { String::new() } else { spellings.part(&directory, subject) };
        return Place::Auxiliary(path + &subject, kind);
    }
    Place::Document(path + &spellings.part(&directory, name), content_type)
}

/// The file of a document of that name without an extension for its type, and whether it tells all of the media type.
pub(super) fn file(name: &str, content_type: &str) -> (String, bool) {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut given = media::type_of(extension(name));
    if given == essence && split(name).is_none() {
        return (name.to_owned(), given == content_type);
    }
    let extension = media::extension_of(&essence);
    given = media::type_of(extension);
    (format!("{name}$.{extension}"), given == content_type)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_other_servers_name_them() {
        for (name, content_type, expected) in [
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
        ] {
            let (file, is_told) = file(name, content_type);
            assert_eq!(file, expected, "{name}");
            let Place::Document(_, given) = place(&[&file], false, &Spellings::default()) else { panic!("{file}") };
            assert_eq!(given == content_type, is_told, "{file} gives {given}");
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
            assert_eq!(
                place(&parts(path.as_bytes()).unwrap(), is_directory, &Spellings::default()),
                expected,
                "{path}"
            );
        }
        for path in [".internal/setup", ".meta.acl", "x.acl.meta"] {
            assert!(
                matches!(place(&parts(path.as_bytes()).unwrap(), false, &Spellings::default()), Place::LeftOut(_)),
                "{path}"
            );
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
}
