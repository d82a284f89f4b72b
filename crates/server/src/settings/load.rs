//! Reading settings: flags over environment over file over defaults.
//!
//! Everything that is not accepted is told at once, each with the setting and where it was written: the line of the
//! file, the variable, or the flag.

use super::{
    Settings,
    faults::{self, Entries, Fault, Place, accept},
    sections,
};
use serde::Deserialize as _;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The largest file of settings, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// Variables that are no settings: where the file is, and what `podbell watch` logs in with.
const OTHERS: [&str; 4] = ["PODBELL_CONFIG", "PODBELL_ISSUER", "PODBELL_CLIENT_ID", "PODBELL_CLIENT_SECRET"];

/// A value from outside the file.
#[derive(Clone, Debug)]
pub struct Override {
    /// The setting, by its dotted path.
    pub path: &'static str,
    /// Its value.
    pub value: Value,
    /// The flag that set it: `--data`.
    pub flag: &'static str,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Where the file sets what, by dotted path; what a variable or a flag sets instead is not in it.
    pub places: BTreeMap<String, Place>,
    /// Variables that begin with `PODBELL_` and name no setting.
    pub unknown_variables: Vec<String>,
}

/// Why settings could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Everything that is not accepted, at least one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults(Vec<Fault>),
}

/// Reads settings. Empty variables count as absent.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Vec<Override>,
) -> Result<Loaded, LoadError> {
    let entries: Entries =
        sections().into_iter().flat_map(|section| section.entries).map(|entry| (entry.path.clone(), entry)).collect();
    let (mut table, mut faults, mut places) = match file {
        Some(path) => read(path, &entries)?,
        None => (Table::new(), Vec::new(), BTreeMap::new()),
    };
    let mut unknown_variables = Vec::new();
    for (name, raw) in environment {
        if !name.starts_with("PODBELL_") || OTHERS.contains(&name.as_str()) || raw.is_empty() {
            continue;
        }
        let Some(entry) = entries.values().find(|entry| entry.variable() == name) else {
            unknown_variables.push(name);
            continue;
        };
        let value = typed(&raw, entry.sample().as_ref());
        match accept(entry, &value) {
            Ok(()) => {
                places.remove(&entry.path);
                put(&mut table, &entry.path, value);
            }
            Err(refused) => faults.push(Fault::outside(name, refused)),
        }
    }
    for Override { path, value, flag } in flags {
        if let Some(Err(refused)) = entries.get(path).map(|entry| accept(entry, &value)) {
            faults.push(Fault::outside(flag.to_owned(), refused));
        } else {
            places.remove(path);
            put(&mut table, path, value);
        }
    }
    if !faults.is_empty() {
        return Err(LoadError::Faults(faults));
    }
    unknown_variables.sort();
    let settings = Settings::deserialize(Value::Table(table))
        .map_err(|error| LoadError::Faults(vec![Fault::outside("settings".to_owned(), error.message().to_owned())]))?;
    Ok(Loaded { settings, places, unknown_variables })
}

/// What a file sets, what is not accepted in it, and where it sets what.
type Read = (Table, Vec<Fault>, BTreeMap<String, Place>);

/// Reads a file and checks it alone.
fn read(path: &Path, entries: &Entries) -> Result<Read, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE {
        return Err(failed(std::io::Error::other(format!("larger than {MAX_FILE} bytes"))));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let faults = faults::of_file(path, &text, entries);
    match text.parse() {
        Ok(table) => Ok((table, faults, faults::places(path, &text, entries))),
        Err(_) => Err(LoadError::Faults(faults)),
    }
}

/// Gives a variable the type that its setting has. What does not fit stays text, so that reading it fails clearly.
fn typed(raw: &str, sample: Option<&Value>) -> Value {
    let text = || Value::String(raw.to_owned());
    match sample {
        Some(Value::Boolean(_)) => raw.parse().map_or_else(|_| text(), Value::Boolean),
        Some(Value::Integer(_)) => raw.parse().map_or_else(|_| text(), Value::Integer),
        Some(Value::Array(_)) => list(raw),
        _ => text(),
    }
}

/// A list as a variable or a flag writes it: `a,b`, or `none`.
pub(crate) fn list(raw: &str) -> Value {
    let items = raw.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items: Vec<_> = items.map(|item| Value::String(item.to_owned())).collect();
    if matches!(items.as_slice(), [Value::String(only)] if only == "none") {
        Value::Array(Vec::new())
    } else {
        Value::Array(items)
    }
}

pub(super) fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Size, Span};

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn flag(path: &'static str, value: &str, flag: &'static str) -> Override {
        Override { path, value: Value::String(value.to_owned()), flag }
    }

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let config =
            file("data = \"from-file\"\n[limits]\nurl_bytes = 1\nheader_lines = 7\ncontrol_body = \"1 KiB\"\n");
        let environment = variables(&[("PODBELL_DATA", "from-env"), ("PODBELL_LIMITS_URL_BYTES", "2"), ("HOME", "/")]);
        let loaded = load(Some(config.path()), environment, vec![flag("data", "from-flag", "--data")]).unwrap();
        assert_eq!(loaded.settings.data, Path::new("from-flag"));
        assert_eq!(loaded.settings.limits.url_bytes, 2);
        assert_eq!(loaded.settings.limits.header_lines, 7);
        assert_eq!(loaded.settings.limits.control_body, Size::kib(1));
        assert_eq!(loaded.settings.limits.header_timeout, Span::seconds(10));
        assert!(loaded.unknown_variables.is_empty());
    }

    #[test]
    fn every_kind_of_value_can_stand_in_the_environment() {
        let environment = variables(&[
            ("PODBELL_BASE_URL", "https://pod.example"),
            ("PODBELL_LISTEN", "127.0.0.1:1, [::1]:2"),
            ("PODBELL_SEED", "none"),
            ("PODBELL_PROVIDER_ENABLED", "false"),
            ("PODBELL_PROXIES_TRUSTED", "10.0.0.0/8,10.0.0.1"),
            ("PODBELL_RETENTION_TIME", "PT1H"),
            ("PODBELL_LIMITS_HEADER_TIMEOUT", "5"),
            ("PODBELL_WAC_ORIGIN", "strict"),
            ("PODBELL_DATTA", "typo"),
        ]);
        let Loaded { settings, unknown_variables, .. } = load(None, environment, Vec::new()).unwrap();
        assert_eq!(settings.base().as_str(), "https://pod.example/");
        assert_eq!(settings.listen, ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()]);
        assert_eq!(settings.seed, Some(Vec::new()));
        assert_eq!(settings.provider.enabled, Some(false));
        assert_eq!(settings.proxies.trusted, ["10.0.0.0/8".parse().unwrap(), "10.0.0.1/32".parse().unwrap()]);
        assert_eq!(settings.retention.time, Span::seconds(3_600));
        assert_eq!(settings.limits.header_timeout, Span::seconds(5));
        assert_eq!(settings.wac.origin, crate::settings::OriginRule::Strict);
        assert_eq!(unknown_variables, ["PODBELL_DATTA"]);
    }

    /// What is told of a file, without its name.
    fn told(text: &str) -> Vec<String> {
        let config = file(text);
        let error = load(Some(config.path()), Vec::new(), Vec::new()).unwrap_err().to_string();
        let name = format!("{}:", config.path().display());
        error.lines().map(|line| line.strip_prefix(&name).unwrap_or(line).to_owned()).collect()
    }

    #[test]
    fn an_error_in_the_file_names_line_and_setting_and_what_is_expected() {
        for (text, expected) in [
            (
                "data = \"x\"\n[limits]\nurl_bytes = \"many\"\n",
                "3:13: limits.url_bytes: expected a whole number such as 2048, found \"many\"",
            ),
            (
                "[retention]\ntime = \"soon\"\n",
                "2:8: retention.time: expected a span of time such as \"90s\", \"72h\", \"14d\", \"PT72H\", or a number of \
                 seconds, found \"soon\"",
            ),
            (
                "base_url = \"https://pod.example/x\"\n",
                "1:12: base_url: expected the root of an origin: no path, query, fragment or user name, as in \
                 \"https://pod.example/\", found \"https://pod.example/x\"",
            ),
            (
                "listen = [\"127.0.0.1:1\", \"nonsense\"]\n",
                "1:26: listen: expected an address with a port such as \"127.0.0.1:3000\", found \"nonsense\"",
            ),
            ("\n[limits]\nurl_byte = 3\n", "3:1: limits.url_byte: there is no such setting; is it limits.url_bytes?"),
            ("url_bytes = 3\n", "1:1: url_bytes: there is no such setting; is it limits.url_bytes?"),
            ("[limit]\nurl_bytes = 3\n", "1:2: limit: there is no such section; is it [limits]?"),
            ("limits = 3\n", "1:10: limits: expected a section, [limits] on a line of its own, found 3"),
            ("[Log]\nlevel = 3\n", "1:2: Log: there is no such section; is it [log]?"),
            ("data = \"x\"\ndata = \"y\"\n", "2:1: data: is set twice"),
            (
                "[wac]\norigin = 1",
                "2:10: wac.origin: expected \"ignore\", \"restrict-if-present\" or \"strict\", found 1",
            ),
            ("zzz = 3\n", "1:1: zzz: there is no such setting"),
            (
                "[wac]\norigin = \"stric\"",
                "2:10: wac.origin: expected \"ignore\", \"restrict-if-present\" or \"strict\", found \"stric\"",
            ),
            ("[wac]\nconditions = \"yes\"", "2:14: wac.conditions: expected true or false, found \"yes\""),
            ("data = 3", "1:8: data: expected text in quotes such as \"podbell-data\", found 3"),
            (
                "seed = \"alice\"",
                "1:8: seed: expected a list in brackets such as [\"alice\", \"bob\"], found \"alice\"",
            ),
            ("[limits]\nurl_bytes = -1", "2:13: limits.url_bytes: expected a whole number such as 2048, found -1"),
            (
                "[proxies]\ntrusted = [\"proxy\"]",
                "2:12: proxies.trusted: expected an address or a network such as \"10.0.0.1\" or \"10.0.0.0/8\", found \"proxy\"",
            ),
        ] {
            assert_eq!(told(text), [expected], "{text}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let lines = told("datta = 1\n[limits]\nurl_bytes = \"x\"\nping = true\n[wac]\norigin = 1\n");
        let places: Vec<_> = lines.iter().map(|line| line.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(places, ["1:1 datta", "3:13 limits.url_bytes", "4:8 limits.ping", "6:10 wac.origin"]);
        let lines = told("a = = b\nc = \n");
        assert!(lines[0].starts_with("1:5: ") && lines.last().unwrap().starts_with("2:"), "{lines:?}");
        let environment = variables(&[("PODBELL_LIMITS_URL_BYTES", "many"), ("PODBELL_LISTEN", "3000")]);
        let flags = vec![flag("base_url", "http://localhost:99999", "--base-url")];
        let config = file("data = 1");
        let error = load(Some(config.path()), environment, flags).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 4, "{error}");
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let lines = told("base_url = \"https://u:hidden@pod.example/\"");
        assert!(lines.len() == 1 && !lines[0].contains("hidden"), "{lines:?}");
    }

    #[test]
    fn an_error_outside_the_file_names_the_variable_or_the_flag() {
        let told =
            |environment: &[(&str, &str)], flags| load(None, variables(environment), flags).unwrap_err().to_string();
        assert!(told(&[("PODBELL_LIMITS_URL_BYTES", "many")], Vec::new()).starts_with("PODBELL_LIMITS_URL_BYTES: "));
        assert_eq!(
            told(&[], vec![Override { path: "listen", value: list("3000"), flag: "--listen" }]),
            "--listen: expected an address with a port such as \"127.0.0.1:3000\", found \"3000\""
        );
        assert_eq!(
            told(&[], vec![flag("base_url", "http://localhost:99999", "--base-url")]),
            "--base-url: expected a port from 0 to 65535 in the URL, such as \"http://localhost:3000/\", found \
             \"http://localhost:99999\""
        );
        assert!(told(&[], vec![flag("base_url", "ftp://x/", "--base-url")]).starts_with("--base-url: "));
    }

    #[test]
    fn a_missing_file_is_an_error() {
        assert!(matches!(
            load(Some(Path::new("/nowhere/at/all.toml")), Vec::new(), Vec::new()),
            Err(LoadError::Read { .. })
        ));
    }
}
