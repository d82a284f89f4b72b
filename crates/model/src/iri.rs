//! The IRI of a resource, in the one normal form under which it is stored, matched and ruled.
//!
//! Aliases are refused or folded before anything is looked up, so that no two spellings reach one resource and no
//! spelling leaves its container: dot segments, encoded slashes and NUL are errors, percent-encoding is normalised,
//! query and fragment are no part of identity.
//!
//! Spec: <https://solidproject.org/TR/protocol#uri>, RFC 3986 §6.2.2.

use std::{borrow::Borrow, fmt, sync::Arc};

/// Longest IRI that names a resource, in bytes of its normal form; an auxiliary's is longer by its suffix.
pub const MAX_IRI: usize = 2_048;
/// Longest path segment, in bytes of its normal form; an auxiliary's is longer by its suffix.
pub const MAX_SEGMENT: usize = 255;

/// Why a string names no resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IriError {
    /// Neither `http:` nor `https:`, or no absolute IRI at all.
    #[error("not an absolute http(s) IRI")]
    NotHttp,
    /// The authority is empty, malformed or carries user information.
    #[error("the authority of the IRI is not valid")]
    Authority,
    /// Longer than [`MAX_IRI`].
    #[error("the IRI is longer than {MAX_IRI} bytes")]
    TooLong,
    /// A segment is longer than [`MAX_SEGMENT`].
    #[error("a path segment is longer than {MAX_SEGMENT} bytes")]
    LongSegment,
    /// A `.` or `..` segment, also percent-encoded.
    #[error("the path contains a dot segment")]
    DotSegment,
    /// `//` inside the path.
    #[error("the path contains an empty segment")]
    EmptySegment,
    /// `%2F` or `%5C` or a backslash: would alias another path.
    #[error("the path contains an encoded slash or a backslash")]
    EncodedSlash,
    /// A control character or NUL, also percent-encoded.
    #[error("the path contains a control character")]
    Control,
    /// A `%` that two hexadecimal digits do not follow, or an escape that is no UTF-8.
    #[error("the path contains a malformed percent-escape")]
    Escape,
    /// A byte that an IRI cannot hold.
    #[error("the path contains a character that must be percent-encoded")]
    Character,
}

/// Which auxiliary resource.
///
/// Spec: <https://solidproject.org/TR/protocol#auxiliary-resources>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Auxiliary {
    /// The ACL of a subject, suffix `.acl`.
    Acl,
    /// The description of a subject, suffix `.meta`.
    Description,
}

impl Auxiliary {
    /// What is appended to the subject's IRI.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Acl => ".acl",
            Self::Description => ".meta",
        }
    }
}

/// Absolute http(s) IRI of a resource, normalised, without query and fragment. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceIri(Arc<str>);

impl ResourceIri {
    /// Normalises an absolute IRI; query and fragment are dropped.
    pub fn parse(iri: &str) -> Result<Self, IriError> {
        let (scheme, rest) = iri.split_once("://").ok_or(IriError::NotHttp)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(IriError::NotHttp);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let origin = origin(&format!("{scheme}://{}", &rest[..end]))?;
        Self::at(&origin, &rest[end..])
    }

    /// The resource at a raw request target (`/path?query`) of a normalised origin (`https://host[:port]`).
    pub fn at(origin: &str, target: &str) -> Result<Self, IriError> {
        let path = &target[..target.find(['?', '#']).unwrap_or(target.len())];
        // Escapes of what needs none are three bytes for one.
        if origin.len() + path.len() > 3 * MAX_IRI {
            return Err(IriError::TooLong);
        }
        let mut normal = String::with_capacity(origin.len() + path.len().max(1));
        normal.push_str(origin);
        let segments = match path {
            "" => "",
            path => path.strip_prefix('/').ok_or(IriError::NotHttp)?,
        };
        let mut segments = segments.split('/').peekable();
        while let Some(segment) = segments.next() {
            normal.push('/');
            if segment.is_empty() && segments.peek().is_some() {
                return Err(IriError::EmptySegment);
            }
            push_segment(&mut normal, segment, segments.peek().is_none())?;
        }
        // The normal form spells out what the given one did not.
        if normal.len() > MAX_IRI + suffix(&normal) {
            return Err(IriError::TooLong);
        }
        Ok(Self(normal.into()))
    }

    /// The IRI in its normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme and authority, without a slash.
    pub fn origin(&self) -> &str {
        &self.0[..self.path_start()]
    }

    /// The path, beginning with a slash.
    pub fn path(&self) -> &str {
        &self.0[self.path_start()..]
    }

    /// Whether it names a container: its path ends in a slash.
    pub fn is_container(&self) -> bool {
        self.0.ends_with('/')
    }

    /// The container that this resource is in; none for the root of the origin.
    pub fn parent(&self) -> Option<Self> {
        let path = self.path();
        let inner = path.strip_suffix('/').unwrap_or(path);
        let cut = inner.rfind('/')?;
        Some(Self(self.0[..=self.path_start() + cut].into()))
    }

    /// Every container above, nearest first, up to the root of the origin.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// The last segment, without a container's slash; empty for the root of the origin.
    pub fn name(&self) -> &str {
        let path = self.path();
        let inner = path.strip_suffix('/').unwrap_or(path);
        inner.rsplit('/').next().unwrap_or("")
    }

    /// The child of this container with a name that is already percent-encoded.
    pub fn child(&self, name: &str, container: bool) -> Result<Self, IriError> {
        let slash = if container { "/" } else { "" };
        if name.is_empty() || name.contains(['/', '?', '#']) {
            return Err(IriError::Character);
        }
        Self::at(self.origin(), &format!("{}{name}{slash}", self.path()))
    }

    /// The other spelling of the name: with the slash if it has none, without if it has one. None for a root.
    pub fn twin(&self) -> Option<Self> {
        if self.path() == "/" {
            return None;
        }
        Some(match self.0.strip_suffix('/') {
            Some(document) => Self(document.into()),
            None => Self(format!("{}/", self.0).into()),
        })
    }

    /// The IRI of its auxiliary resource of that kind.
    #[must_use]
    pub fn auxiliary(&self, kind: Auxiliary) -> Self {
        Self(format!("{}{}", self.0, kind.suffix()).into())
    }

    /// Its ACL.
    #[must_use]
    pub fn acl(&self) -> Self {
        self.auxiliary(Auxiliary::Acl)
    }

    /// If it names an auxiliary resource: the kind, and the subject (which may itself be named like an auxiliary;
    /// no such subject exists).
    pub fn as_auxiliary(&self) -> Option<(Auxiliary, Self)> {
        [Auxiliary::Acl, Auxiliary::Description]
            .into_iter()
            .find_map(|kind| Some((kind, Self(self.0.strip_suffix(kind.suffix())?.into()))))
    }

    fn path_start(&self) -> usize {
        let authority = self.0.find("://").map_or(0, |at| at + 3);
        self.0[authority..].find('/').map_or(self.0.len(), |at| authority + at)
    }
}

/// Normalises `scheme://authority`: lower case, default port dropped, user information refused.
pub fn origin(iri: &str) -> Result<String, IriError> {
    let url = url::Url::parse(iri).map_err(|_| IriError::Authority)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(IriError::NotHttp);
    }
    if !url.username().is_empty() || url.password().is_some() || url.host_str().is_none() || iri.contains('@') {
        return Err(IriError::Authority);
    }
    // Quotes and braces would pass for parts of a host, and break what the IRI is written into.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if !url.host_str().is_some_and(|host| host.bytes().all(plain)) {
        return Err(IriError::Authority);
    }
    Ok(url.origin().ascii_serialization())
}

fn push_segment(normal: &mut String, segment: &str, is_last: bool) -> Result<(), IriError> {
    let start = normal.len();
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let value = bytes.next().and_then(hex).zip(bytes.next().and_then(hex));
                let value = value.map(|(high, low)| high << 4 | low).ok_or(IriError::Escape)?;
                match value {
                    b'/' | b'\\' => return Err(IriError::EncodedSlash),
                    0..=0x1f | 0x7f => return Err(IriError::Control),
                    value if unreserved(value) => normal.push(char::from(value)),
                    value => push_escape(normal, value),
                }
                decoded.push(value);
            }
            b'\\' => return Err(IriError::EncodedSlash),
            0..=0x1f | 0x7f => return Err(IriError::Control),
            b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | b'[' | b']' => {
                return Err(IriError::Character);
            }
            // An IRI may spell these out; its URI form is the normal one.
            0x80.. => {
                push_escape(normal, byte);
                decoded.push(byte);
            }
            byte => {
                normal.push(char::from(byte));
                decoded.push(byte);
            }
        }
    }
    let text = std::str::from_utf8(&decoded).map_err(|_| IriError::Escape)?;
    if text.chars().any(char::is_control) {
        return Err(IriError::Control);
    }
    if text == "." || text == ".." {
        return Err(IriError::DotSegment);
    }
    let suffix = if is_last { suffix(&normal[start..]) } else { 0 };
    if normal.len() - start > MAX_SEGMENT + suffix {
        return Err(IriError::LongSegment);
    }
    Ok(())
}

/// What an auxiliary's name has more than its subject's: whatever has a name has auxiliaries that can be named.
fn suffix(normal: &str) -> usize {
    [Auxiliary::Acl, Auxiliary::Description]
        .into_iter()
        .map(Auxiliary::suffix)
        .find(|suffix| normal.ends_with(suffix))
        .map_or(0, str::len)
}

fn push_escape(normal: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    normal.push('%');
    normal.push(char::from(DIGITS[usize::from(byte >> 4)]));
    normal.push(char::from(DIGITS[usize::from(byte & 15)]));
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

impl fmt::Display for ResourceIri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ResourceIri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

impl Borrow<str> for ResourceIri {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ResourceIri {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iri(text: &str) -> ResourceIri {
        ResourceIri::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_resource_have_one_form() {
        for (given, normal) in [
            ("HTTP://LocalHost:80/a", "http://localhost/a"),
            ("https://x.example:443", "https://x.example/"),
            ("http://x/%41%7e%c3%a9", "http://x/A~%C3%A9"),
            ("http://x/é", "http://x/%C3%A9"),
            ("http://x/a?b#c", "http://x/a"),
        ] {
            assert_eq!(iri(given).as_str(), normal);
        }
    }

    #[test]
    fn path_tricks_are_refused() {
        for (given, error) in [
            ("http://x/a/../b", IriError::DotSegment),
            ("http://x/%2e%2E/b", IriError::DotSegment),
            ("http://x/.", IriError::DotSegment),
            ("http://x/a//b", IriError::EmptySegment),
            ("http://x//", IriError::EmptySegment),
            ("http://x/a%2fb", IriError::EncodedSlash),
            ("http://x/a%5Cb", IriError::EncodedSlash),
            ("http://x/a\\b", IriError::EncodedSlash),
            ("http://x/%00", IriError::Control),
            ("http://x/%C2%85", IriError::Control),
            ("http://x/%c0%af", IriError::Escape),
            ("http://x/%zz", IriError::Escape),
            ("http://x/a b", IriError::Character),
            ("ftp://x/", IriError::NotHttp),
            ("http://u:p@x/", IriError::Authority),
            ("http:///a", IriError::Authority),
            ("http://x\"y/", IriError::Authority),
            ("http://{x}/", IriError::Authority),
        ] {
            assert_eq!(ResourceIri::parse(given), Err(error), "{given}");
        }
        assert_eq!(ResourceIri::parse(&format!("http://x/{}", "a".repeat(256))), Err(IriError::LongSegment));
        assert_eq!(ResourceIri::parse(&format!("http://x/{}", "a/".repeat(2_048))), Err(IriError::TooLong));
    }

    #[test]
    fn the_tree_follows_the_path() {
        let leaf = iri("http://x/a/b/c");
        let above: Vec<_> = leaf.ancestors().map(|i| i.to_string()).collect();
        assert_eq!(above, ["http://x/a/b/", "http://x/a/", "http://x/"]);
        assert_eq!(iri("http://x/a/b/").parent().unwrap(), iri("http://x/a/"));
        assert_eq!(iri("http://x/").parent(), None);
        assert_eq!(iri("http://x/a/b/").name(), "b");
        assert_eq!(iri("http://x/a/").child("b", true).unwrap(), iri("http://x/a/b/"));
        assert!(iri("http://x/a/").child("../b", false).is_err());
        assert_eq!(iri("http://x/a").twin().unwrap(), iri("http://x/a/"));
    }

    #[test]
    fn the_longest_names_leave_room_for_those_of_their_auxiliaries() {
        let longest = "a".repeat(MAX_SEGMENT);
        for named in [iri(&format!("http://x/{longest}")), iri(&format!("http://x/{longest}/"))] {
            assert_eq!(iri(named.acl().as_str()), named.acl());
        }
        for long in
            [format!("http://x/{longest}.bcl"), format!("http://x/{longest}.acl/"), format!("http://x/{longest}b.acl")]
        {
            assert_eq!(ResourceIri::parse(&long), Err(IriError::LongSegment), "{long}");
        }
        let deep = |name: &str| ResourceIri::parse(&format!("http://x/{}{name}", "a/".repeat(1_000)));
        assert!(deep("é/é/é/é/").is_ok() && deep("ééééééééé").is_err());
    }

    #[test]
    fn auxiliaries_are_named_by_suffix() {
        let container = iri("http://x/a/");
        assert_eq!(container.acl(), iri("http://x/a/.acl"));
        assert_eq!(container.acl().as_auxiliary(), Some((Auxiliary::Acl, container)));
        assert_eq!(iri("http://x/a").as_auxiliary(), None);
    }
}
