//! Reading settings: flags over environment over file over defaults.
//!
//! An error names the setting and where it was written: the line of the file, the variable, or the flag.

use super::{Settings, sections};
use serde::de::IntoDeserializer;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The largest file of settings, in bytes.
const MAX_FILE: u64 = 1 << 20;

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
    /// The file is no TOML, or a value in it is not accepted.
    #[error("{}:{line}:{column}: {}{message}", path.display(), if setting.is_empty() { String::new() } else { format!("{setting}: ") })]
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The setting, by its dotted path; may be empty.
        setting: String,
        /// What is wrong.
        message: String,
    },
    /// A value from the environment or the command line is not accepted.
    #[error("{origin}: {message}")]
    Value {
        /// The variable or the flag.
        origin: String,
        /// What is wrong.
        message: String,
    },
}

/// Reads settings. Empty variables count as absent.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Vec<Override>,
) -> Result<Loaded, LoadError> {
    let mut table = match file {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let mut origins = BTreeMap::new();
    let unknown_variables = overlay_environment(&mut table, environment, &mut origins);
    for Override { path, value, flag } in flags {
        put(&mut table, path, value);
        origins.insert(path.to_owned(), flag.to_owned());
    }
    let settings = serde_path_to_error::deserialize(Value::Table(table).into_deserializer()).map_err(|error| {
        let path = error.path().to_string();
        // Indices of lists are no part of a setting's name.
        let setting = path.split('[').next().unwrap_or_default();
        LoadError::Value {
            origin: origins.get(setting).cloned().unwrap_or(path.clone()),
            message: error.inner().message().to_owned(),
        }
    })?;
    Ok(Loaded { settings, unknown_variables })
}

/// Reads a file and checks it alone, so that an error can name the line.
fn read(path: &Path) -> Result<Table, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MAX_FILE {
        return Err(failed(std::io::Error::other(format!("larger than {MAX_FILE} bytes"))));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let at = |setting: String, error: &toml::de::Error| {
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        LoadError::File {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|&c| c != '\n').count() + 1,
            setting,
            message: error.message().to_owned(),
        }
    };
    let parsed = toml::Deserializer::parse(&text).map_err(|error| at(String::new(), &error))?;
    serde_path_to_error::deserialize::<_, Settings>(parsed)
        .map_err(|error| at(Some(error.path().to_string()).filter(|p| p != ".").unwrap_or_default(), error.inner()))?;
    text.parse::<Table>().map_err(|error| at(String::new(), &error))
}

/// Puts the variables that name settings into the table; returns the others that begin with `PODBELL_`.
fn overlay_environment(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
    origins: &mut BTreeMap<String, String>,
) -> Vec<String> {
    let known: BTreeMap<_, _> =
        sections().into_iter().flat_map(|section| section.entries).map(|entry| (entry.variable(), entry)).collect();
    let mut unknown = Vec::new();
    for (name, raw) in environment {
        if !name.starts_with("PODBELL_") || name == "PODBELL_CONFIG" || raw.is_empty() {
            continue;
        }
        if let Some(entry) = known.get(&name) {
            put(table, &entry.path, typed(&raw, entry.sample().as_ref()));
            origins.insert(entry.path.clone(), name);
        } else {
            unknown.push(name);
        }
    }
    unknown.sort();
    unknown
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

fn put(table: &mut Table, path: &str, value: Value) {
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
            ("PODBELL_PROXIES_TRUSTED", "10.0.0.0/8"),
            ("PODBELL_RETENTION_TIME", "PT1H"),
            ("PODBELL_LIMITS_HEADER_TIMEOUT", "5"),
            ("PODBELL_WAC_ORIGIN", "strict"),
            ("PODBELL_DATTA", "typo"),
        ]);
        let Loaded { settings, unknown_variables } = load(None, environment, Vec::new()).unwrap();
        assert_eq!(settings.base().as_str(), "https://pod.example/");
        assert_eq!(settings.listen, ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()]);
        assert!(settings.seed.is_empty());
        assert_eq!(settings.provider.enabled, Some(false));
        assert_eq!(settings.proxies.trusted, ["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(settings.retention.time, Span::seconds(3_600));
        assert_eq!(settings.limits.header_timeout, Span::seconds(5));
        assert_eq!(settings.wac.origin, crate::settings::OriginRule::Strict);
        assert_eq!(unknown_variables, ["PODBELL_DATTA"]);
    }

    #[test]
    fn an_error_in_the_file_names_line_and_setting() {
        for (text, at, setting, about) in [
            ("data = \"x\"\n[limits]\nurl_bytes = \"many\"\n", (3, 13), "limits.url_bytes", "invalid type"),
            ("[retention]\ntime = \"soon\"\n", (2, 8), "retention.time", "span of time"),
            ("base_url = \"https://pod.example/x\"\n", (1, 12), "base_url", "root of an origin"),
            ("listen = [\"127.0.0.1:1\", \"nonsense\"]\n", (1, 26), "listen[1]", "socket address"),
            ("\n[limits]\nurl_byte = 3\n", (3, 1), "limits.url_byte", "unknown field"),
            ("a = = b", (1, 5), "", ""),
        ] {
            let config = file(text);
            match load(Some(config.path()), Vec::new(), Vec::new()) {
                Err(LoadError::File { line, column, setting: found, message, .. }) => {
                    assert_eq!(((line, column), found.as_str()), (at, setting), "{text}: {message}");
                    assert!(message.contains(about), "{text}: {message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_error_outside_the_file_names_the_variable_or_the_flag() {
        let told =
            |environment: &[(&str, &str)], flags| load(None, variables(environment), flags).unwrap_err().to_string();
        assert!(told(&[("PODBELL_LIMITS_URL_BYTES", "many")], Vec::new()).starts_with("PODBELL_LIMITS_URL_BYTES: "));
        assert!(told(&[("PODBELL_LISTEN", "nonsense")], Vec::new()).starts_with("PODBELL_LISTEN: "));
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
