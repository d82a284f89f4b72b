//! What is not accepted in settings, in plain words: where it stands, which setting, what is expected and what was found.
//!
//! Each setting is read by itself, so that one fault does not hide the next.

use super::{Entry, Settings, load::put, sections};
use serde::de::IntoDeserializer as _;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

/// All settings by their paths.
pub(super) type Entries = BTreeMap<String, Entry>;

/// How alike two names must be for one to be taken as a misspelling of the other.
const ALIKE: f64 = 0.85;
/// The longest found value that is repeated, in characters.
const MOST_SHOWN: usize = 80;

/// Something that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it was written.
    pub place: Place,
    /// The setting, by its dotted path; empty if the place names it, or if there is none.
    pub setting: String,
    /// What is wrong.
    pub message: String,
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// In a variable or a flag of that name.
    Outside(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Outside(name) => f.write_str(name),
        }
    }
}

impl Fault {
    pub(super) fn outside(name: String, message: impl Into<String>) -> Self {
        Self { place: Place::Outside(name), setting: String::new(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        f.write_str(&self.message)
    }
}

/// A value that a setting does not take.
pub(super) struct Refused {
    /// Which item of a list it is.
    index: Option<usize>,
    message: String,
}

impl From<Refused> for String {
    fn from(refused: Refused) -> Self {
        refused.message
    }
}

/// Whether a setting takes a value.
pub(super) fn accept(entry: &Entry, value: &Value) -> Result<(), Refused> {
    let read = |value: &Value| {
        let mut table = Table::new();
        put(&mut table, &entry.path, value.clone());
        serde_path_to_error::deserialize::<_, Settings>(Value::Table(table).into_deserializer()).map(drop)
    };
    read(value).map_err(|error| {
        let index = error.path().iter().find_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(*index),
            _ => None,
        });
        let found = index.and_then(|index| value.as_array()?.get(index)).unwrap_or(value);
        // Only a word that it does not know makes the deserializer name those that it knows.
        let words = read(&Value::String(String::new())).err().map(|error| error.inner().message().to_owned());
        let words = words.filter(|words| words.starts_with("unknown variant"));
        let message = words.as_deref().unwrap_or_else(|| error.inner().message());
        Refused { index, message: plain(entry, found, message) }
    })
}

/// Everything that is not accepted in a file, in its order.
pub(super) fn of_file(path: &Path, text: &str, entries: &Entries) -> Vec<Fault> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut file = Faults { path, text, entries, found: Vec::new() };
    if errors.is_empty() {
        let values: Table = text.parse().unwrap_or_default();
        file.table("", table.get_ref(), &values);
    }
    for error in errors {
        let span = error.span().unwrap_or_default();
        let key = text.get(span.clone()).filter(|_| error.message() == "duplicate key").map(str::trim);
        match key.filter(|key| !key.is_empty()) {
            Some(key) => file.note(span.start, key, "is set twice".to_owned()),
            None => file.note(span.start, "", error.message().to_owned()),
        }
    }
    file.found.sort_by_key(|(at, _)| *at);
    file.found.into_iter().map(|(_, fault)| fault).collect()
}

/// Where a file sets what, by dotted path.
pub(super) fn places(path: &Path, text: &str, entries: &Entries) -> BTreeMap<String, Place> {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut places = BTreeMap::new();
    collect("", table.get_ref(), entries, &mut |setting, at| {
        places.insert(setting, place(path, text, at));
    });
    places
}

fn collect(section: &str, table: &DeTable<'_>, entries: &Entries, found: &mut impl FnMut(String, usize)) {
    for (key, value) in table {
        let setting = super::define::path(section, key.get_ref());
        match value.get_ref() {
            _ if entries.contains_key(&setting) => found(setting, value.span().start),
            DeValue::Table(inner) => collect(&setting, inner, entries, found),
            _ => {}
        }
    }
}

fn place(path: &Path, text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    Place::File {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
    }
}

/// What was found in a file, with its place in it.
struct Faults<'a> {
    path: &'a Path,
    text: &'a str,
    entries: &'a Entries,
    found: Vec<(usize, Fault)>,
}

impl Faults<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>, values: &Table) {
        for (key, spanned) in table {
            let name: &str = key.get_ref();
            let path = super::define::path(section, name);
            let Some(value) = values.get(name) else { continue };
            if let Some(entry) = self.entries.get(&path) {
                if let Err(Refused { index, message }) = accept(entry, value) {
                    self.note(item(spanned, index).span().start, &path, message);
                }
            } else if sections().iter().any(|known| known.name == path) {
                if let (DeValue::Table(inner), Value::Table(values)) = (spanned.get_ref(), value) {
                    self.table(&path, inner, values);
                } else {
                    let found = shown(value);
                    let message = format!("expected a section, [{path}] on a line of its own, found {found}");
                    self.note(spanned.span().start, &path, message);
                }
            } else {
                let message = if value.is_table() { no_such_section(&path) } else { self.no_such_setting(&path) };
                self.note(key.span().start, &path, message);
            }
        }
    }

    fn no_such_setting(&self, path: &str) -> String {
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let likeness =
            |known: &str| strsim::jaro_winkler(known, path).max(strsim::jaro_winkler(&last(known), &last(path)));
        // Of equals, the one in the same section.
        let nearest = self.entries.keys().map(|known| (likeness(known), strsim::jaro_winkler(known, path), known));
        let nearest = nearest
            .max_by(|one, other| (one.0, one.1).partial_cmp(&(other.0, other.1)).unwrap_or(std::cmp::Ordering::Equal));
        match nearest.filter(|(likeness, ..)| *likeness >= ALIKE) {
            Some((.., known)) => format!("there is no such setting; is it {known}?"),
            None => "there is no such setting".to_owned(),
        }
    }

    fn note(&mut self, at: usize, setting: &str, message: String) {
        let place = place(self.path, self.text, at);
        self.found.push((at, Fault { place, setting: setting.to_owned(), message }));
    }
}

fn no_such_section(path: &str) -> String {
    let sections = sections();
    let nearest = sections.iter().map(|known| (strsim::jaro_winkler(known.name, &path.to_lowercase()), known.name));
    match nearest.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|(likeness, _)| *likeness >= ALIKE) {
        Some((_, known)) => format!("there is no such section; is it [{known}]?"),
        None => "there is no such section".to_owned(),
    }
}

fn item<'a, 'i>(value: &'a Spanned<DeValue<'i>>, index: Option<usize>) -> &'a Spanned<DeValue<'i>> {
    index.and_then(|index| value.get_ref().as_array()?.get(index)).unwrap_or(value)
}

/// The words of the deserializer, for people.
fn plain(entry: &Entry, found: &Value, message: &str) -> String {
    let expected = message.rfind("expected ").map_or(message, |at| &message[at + "expected ".len()..]);
    let expected = match expected {
        names if message.starts_with("unknown variant") => alternatives(names),
        "a boolean" => "true or false".to_owned(),
        "a string" | "path string" | "string" => with_example("text in quotes", entry),
        "a sequence" => with_example("a list in brackets", entry),
        number if is_number(number) => with_example("a whole number", entry),
        _ if entry.path.ends_with("listen") => "an address with a port such as \"127.0.0.1:3000\"".to_owned(),
        said => said.to_owned(),
    };
    format!("expected {expected}, found {}", shown(found))
}

fn is_number(expected: &str) -> bool {
    matches!(expected, "usize" | "u8" | "u16" | "u32" | "u64" | "i64" | "an integer")
}

fn with_example(what: &str, entry: &Entry) -> String {
    let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    entry.sample().filter(|value| !empty(value)).map_or(what.to_owned(), |sample| format!("{what} such as {sample}"))
}

/// From names in backticks to a list for people.
fn alternatives(names: &str) -> String {
    let names: Vec<_> = names.split('`').skip(1).step_by(2).map(|name| format!("{name:?}")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "another word".to_owned(),
    }
}

/// A value as it was written, unless it could hold a password.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.contains('@') {
        "another".to_owned()
    } else if text.chars().count() > MOST_SHOWN {
        format!("{}…", text.chars().take(MOST_SHOWN).collect::<String>())
    } else {
        text
    }
}
