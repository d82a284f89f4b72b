//! The example file, made from the settings' own doc comments.

use super::{Entry, Section, sections};
use std::fmt::Write as _;
use toml::Value;

/// The text of `config.example.toml`. As it stands it changes nothing: every setting is commented out.
pub fn example() -> String {
    let mut text = String::new();
    for section in sections() {
        write_section(&mut text, &section);
    }
    text
}

fn write_section(text: &mut String, section: &Section) {
    comment(text, "# ", &section.doc);
    if !section.name.is_empty() {
        let _ = writeln!(text, "[{}]", section.name);
    }
    text.push('\n');
    for entry in &section.entries {
        write_entry(text, section, entry);
    }
}

fn write_entry(text: &mut String, section: &Section, entry: &Entry) {
    comment(text, "# ", &entry.doc);
    let _ = writeln!(text, "# [{}]", entry.variable());
    let name = entry.path.strip_prefix(section.name).unwrap_or(&entry.path).trim_start_matches('.');
    let value = entry.default.as_ref().map(Value::to_string).or(entry.example.map(str::to_owned)).unwrap_or_default();
    let _ = writeln!(text, "#{name} = {value}\n");
}

fn comment(text: &mut String, prefix: &str, doc: &str) {
    for line in doc.lines() {
        text.push_str(format!("{prefix}{line}").trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// The file at the root of the repository.
    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config.example.toml");

    #[test]
    fn the_committed_example_says_what_the_settings_say() {
        let committed = std::fs::read_to_string(COMMITTED).unwrap();
        assert!(committed == example(), "run: cargo run -- check --print-example > config.example.toml");
    }

    #[test]
    fn the_example_holds_every_default() {
        let uncommented: String = example()
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let settings: Settings = toml::from_str(&uncommented).unwrap();
        let mut written = toml::Table::try_from(&settings).unwrap();
        for (section, name) in [
            ("", "base_url"),
            ("", "seed"),
            ("provider", "enabled"),
            ("provider", "url"),
            ("console", "enabled"),
            ("console", "url"),
            ("limits", "pod"),
            ("webhooks", "contact"),
        ] {
            let table = if section.is_empty() { &mut written } else { written[section].as_table_mut().unwrap() };
            assert!(table.remove(name).is_some(), "{section}.{name} has an example");
        }
        assert_eq!(written, toml::Table::try_from(Settings::default()).unwrap());
    }

    #[test]
    fn as_it_stands_the_example_changes_nothing() {
        let settings: Settings = toml::from_str(&example()).unwrap();
        assert_eq!(toml::Table::try_from(settings).unwrap(), toml::Table::try_from(Settings::default()).unwrap());
    }
}
