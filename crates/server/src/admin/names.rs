//! Names of files, and the parts of URLs that they stand for.
//!
//! The rule of Community Solid Server and Node Solid Server: a file has the decoded name, and its URL is that name with
//! everything escaped that JavaScript's `encodeURIComponent` escapes: `a+b` is at `a%2Bb`. What no file of Windows may
//! be called stays escaped in the file's name too, as the former does it.
//!
//! Here `a+b` and `a%2Bb` are two names. One that is not spelt by that rule is noted in the description of its
//! container, as a comment, which other servers pass over; so whatever is exported is read back as it was.

use percent_encoding::percent_decode_str;
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

const PART: &str = "# name: ";
const FILE: &str = " file: ";
/// The longest notes of one container, in bytes.
pub(super) const MOST: u64 = 4 * 1024 * 1024;

/// Spellings that are noted: of a directory, as it is in the archive, and a name in it.
#[derive(Debug, Default)]
pub(super) struct Spellings(HashMap<(String, String), String>);

/// A note that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it notes a name for a file that cannot have it")]
pub(super) struct NotIts;

impl Spellings {
    /// Takes the note that a name in a directory stands for that part of a URL.
    pub(super) fn note(&mut self, directory: &str, name: &str, part: &str) -> Result<(), NotIts> {
        if part.contains(['/', '?', '#']) || name.contains('/') || text(part) != text(name) {
            return Err(NotIts);
        }
        self.0.insert((directory.to_owned(), name.to_owned()), part.to_owned());
        Ok(())
    }

    /// The part of a URL that a name in a directory stands for.
    pub(super) fn part(&self, directory: &str, name: &str) -> String {
        if self.0.is_empty() {
            return part(name);
        }
        self.0.get(&(directory.to_owned(), name.to_owned())).cloned().unwrap_or_else(|| part(name))
    }
}

/// The part of a URL that a name stands for if nothing is noted.
pub(super) fn part(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(next) = rest.chars().next() {
        if let Some((escape, after)) = kept_escape(rest) {
            part.push_str(escape);
            rest = after;
            continue;
        }
        rest = &rest[next.len_utf8()..];
        if next.is_ascii_alphanumeric() || "-_.!~*'()".contains(next) {
            part.push(next);
        } else {
            for byte in next.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(part, "%{byte:02X}");
            }
        }
    }
    part
}

/// An escape that is one in the name of a file too, and what comes after it. Those of slashes count however often they
/// are escaped: no such name is taken, and none must become another on its way here.
fn kept_escape(rest: &str) -> Option<(&str, &str)> {
    let mut inner = rest.strip_prefix('%')?;
    while let Some(deeper) = inner.strip_prefix("25") {
        inner = deeper;
    }
    let is_slash = inner.get(..2).is_some_and(|hex| hex.eq_ignore_ascii_case("2f") || hex.eq_ignore_ascii_case("5c"));
    if is_slash {
        return Some(rest.split_at(rest.len() - inner.len() + 2));
    }
    match rest.get(1..3)? {
        "3C" | "3E" | "3A" | "22" | "7C" | "3F" => Some(rest.split_at(3)),
        // Escaped in names of files, and not in URLs.
        "2A" => Some(("*", &rest[3..])),
        _ => None,
    }
}

/// The name of a file for a part of a URL.
pub(super) fn file(part: &str) -> String {
    let mut name = String::with_capacity(part.len());
    for character in text(part).chars() {
        if "<>:\"|?*".contains(character) {
            let _ = write!(name, "%{:02X}", u32::from(character));
        } else {
            name.push(character);
        }
    }
    name
}

/// The name of a file for a part that is not spelt by the rule, other than those that are `taken`: its first characters
/// are escaped.
pub(super) fn other_file(part: &str, taken: &HashSet<String>) -> String {
    let usual = file(part);
    let escaped = |characters: usize| {
        let end = usual.char_indices().nth(characters).map_or(usual.len(), |(at, _)| at);
        usual[..end].bytes().fold(String::new(), |mut name, byte| {
            let _ = write!(name, "%{byte:02X}");
            name
        }) + &usual[end..]
    };
    (0..=usual.chars().count()).map(escaped).find(|name| !taken.contains(name)).unwrap_or(usual)
}

/// The line in which a name is noted.
pub(super) fn line(part: &str, file: &str) -> String {
    format!("\n{PART}{part}{FILE}{file}")
}

/// A description without such lines at its end, and what they say.
pub(super) fn without_lines(meta: &[u8]) -> (&[u8], Vec<(&str, &str)>) {
    let (mut rest, mut noted) = (meta, Vec::new());
    while let Some(at) = rest.iter().rposition(|byte| *byte == b'\n') {
        let line = std::str::from_utf8(&rest[at + 1..]).ok().and_then(|line| line.strip_prefix(PART));
        let Some(found) = line.and_then(|line| line.split_once(FILE)) else { break };
        noted.push(found);
        rest = &rest[..at];
    }
    (rest, noted)
}

/// What a name says, however it is escaped.
fn text(name: &str) -> String {
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_where_other_servers_have_them() {
        for (name, expected) in [
            ("hello world.txt", "hello%20world.txt"),
            ("été.txt", "%C3%A9t%C3%A9.txt"),
            ("a+b", "a%2Bb"),
            ("me@home,;=&$.txt", "me%40home%2C%3B%3D%26%24.txt"),
            ("it's (1)!.txt", "it's%20(1)!.txt"),
            ("100%.txt", "100%25.txt"),
            ("%41.txt", "%2541.txt"),
            ("16%3A30.txt", "16%3A30.txt"),
            ("no#fragment", "no%23fragment"),
        ] {
            assert_eq!((part(name).as_str(), file(expected).as_str()), (expected, name));
        }
        // Node Solid Server has these in names of files.
        assert_eq!(part("a:b*c?"), "a%3Ab*c%3F");
        assert_eq!(file("a*b"), "a%2Ab");
        assert_eq!(part("a%2Ab"), "a*b");
    }

    #[test]
    fn no_name_of_a_file_becomes_a_path() {
        for name in ["..%2Fevil", "%2e%2e%252fevil", "a%5cb", "%25255C", "..", "a\\b"] {
            let iri = podbell_model::ResourceIri::parse(&format!("http://x/a/{}", part(name)));
            assert!(iri.is_err() || iri.unwrap().parent().unwrap().as_str() == "http://x/a/", "{name}");
        }
        assert_eq!(part("a%2F%252fb"), "a%2F%252fb");
        assert_eq!(part("%2e%2e"), "%252e%252e");
    }

    #[test]
    fn a_name_that_is_spelt_otherwise_is_read_back() {
        let meta = format!("<> <p> <o> .{}{}", line("a+b", "a+b"), line("c:d e", "c%3Ad e"));
        let (rest, noted) = without_lines(meta.as_bytes());
        assert_eq!((rest, noted.as_slice()), (&b"<> <p> <o> ."[..], &[("c:d e", "c%3Ad e"), ("a+b", "a+b")][..]));
        let mut spellings = Spellings::default();
        spellings.note("x/", "a+b", "a+b").unwrap();
        assert_eq!(spellings.part("x/", "a+b"), "a+b");
        assert_eq!(spellings.part("y/", "a+b"), "a%2Bb");
        for (name, part) in [("a", "b"), ("a", "../a"), ("a", "x/a"), ("..", "%2E%2E/"), ("a", "a?b"), ("a", "a%00")] {
            assert_eq!(spellings.note("", name, part), Err(NotIts), "{name} {part}");
        }
        let mut taken = HashSet::new();
        for expected in ["é+b", "%C3%A9+b", "%C3%A9%2Bb"] {
            let name = other_file("%C3%A9+b", &taken);
            assert_eq!((name.as_str(), text(&name).as_str()), (expected, "é+b"));
            spellings.note("", &name, "%C3%A9+b").unwrap();
            taken.insert(name);
        }
    }
}
