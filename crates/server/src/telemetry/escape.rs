//! What strangers wrote, made fit for a log.

use std::fmt::{self, Write as _};

/// The most that one field takes, in bytes.
const MAX_FIELD: usize = 2_048;

/// What stands before a capability.
const CONNECT: [&str; 2] = ["/.notifications/connect/", "/.notifications/solid-0.1/"];

/// Text in which control characters, line separators and characters that turn the direction of writing are escaped, cut
/// after 2 KiB.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'t>(&'t str);

impl<'t> Escaped<'t> {
    /// Wraps a text.
    pub fn new(text: &'t str) -> Self {
        Self(text)
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = MAX_FIELD;
        for c in self.0.chars() {
            let escape = is_dangerous(c);
            let length = if escape { c.escape_unicode().len() } else { c.len_utf8() };
            left = match left.checked_sub(length) {
                Some(left) => left,
                None => return f.write_char('…'),
            };
            if escape { write!(f, "{}", c.escape_unicode())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A request target without its query and without a capability, escaped.
pub fn redacted(target: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, _)) => (path, "?…"),
        None => (target, ""),
    };
    // A server in front may have put the whole under a prefix, and percent-encoding has many spellings: nothing that
    // could be read as a capability is shown.
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let mut decoded = decoded.into_owned();
    while decoded.contains("//") {
        decoded = decoded.replace("//", "/");
    }
    let lower = decoded.to_ascii_lowercase();
    match CONNECT.iter().filter_map(|before| Some(lower.find(before)? + before.len())).min() {
        Some(end) => format!("{}…{query}", Escaped(decoded.get(..end).unwrap_or_default())),
        None => format!("{}{query}", Escaped(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_forged_and_no_terminal_steered() {
        let hostile = "a\r\nINFO forged\u{1b}[31m\u{202e}\u{2028}\0\u{85}ü";
        assert_eq!(
            Escaped::new(hostile).to_string(),
            "a\\u{d}\\u{a}INFO forged\\u{1b}[31m\\u{202e}\\u{2028}\\u{0}\\u{85}ü"
        );
    }

    #[test]
    fn a_field_is_bounded() {
        assert_eq!(Escaped::new(&"a".repeat(2_048)).to_string().len(), 2_048);
        assert_eq!(Escaped::new(&"\n".repeat(9_999)).to_string().trim_end_matches('…').len() / 5, 2_048 / 5);
    }

    #[test]
    fn capabilities_and_queries_are_cut_out() {
        for (target, shown) in [
            ("/alice/?token=abc", "/alice/?…"),
            ("/.notifications/connect/s3cret", "/.notifications/connect/…"),
            ("/.notifications/connect/s3cret?since=x", "/.notifications/connect/…?…"),
            ("/%2Enotifications/connect/s3cret", "/.notifications/connect/…"),
            ("/.notifications//%2fconnect/s3cret", "/.notifications/connect/…"),
            ("/.notifications/Connect%2Fs3cret", "/.notifications/Connect/…"),
            ("/prefix/.notifications/connect/s3cret/more", "/prefix/.notifications/connect/…"),
            ("/.notifications/solid-0.1/s3cret", "/.notifications/solid-0.1/…"),
            ("/.notifications/%73olid-0%2E1%2Fs3cret/?x", "/.notifications/solid-0.1/…?…"),
            ("/.notifications/solid-0.1/s/.notifications/connect/t", "/.notifications/solid-0.1/…"),
            ("/.notifications/solid-0.1", "/.notifications/solid-0.1"),
            ("/alice/%0d%0a", "/alice/%0d%0a"),
        ] {
            assert_eq!(redacted(target), shown, "{target}");
        }
    }
}
