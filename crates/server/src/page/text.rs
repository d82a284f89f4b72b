//! Text that strangers wrote, as HTML: it stays text, whatever it holds, and disturbs nothing around it.
//!
//! The rule: nothing gets into a page but by these functions. What would end a tag or an attribute is escaped; what
//! would turn the reading direction of its surroundings, or cannot be seen, is shown as a replacement character, and
//! every piece is isolated (`<bdi>`) besides.

use percent_encoding::percent_decode_str;

/// Longest piece of text that is shown, in characters.
const MAX_SHOWN: usize = 2_000;

/// Text, as content or as a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if is_unseen(c) => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Text as content, isolated; only its beginning if it is very long.
pub(super) fn isolated(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("<bdi>{}</bdi>", escape(&shown))
}

/// A link to an IRI, if it leads to a page: nothing that a browser would run or hand to another program.
pub(super) fn link(iri: &str, text: &str) -> String {
    if leads_somewhere(iri) {
        format!("<a href=\"{}\" rel=\"noopener noreferrer nofollow\">{}</a>", escape(iri), isolated(text))
    } else {
        isolated(text)
    }
}

/// A name of a path as people read it: decoded, unless what comes out could be taken for something else.
pub(super) fn readable(name: &str) -> String {
    match percent_decode_str(name).decode_utf8() {
        Ok(decoded) if !decoded.contains(|c: char| is_unseen(c) || c.is_whitespace() && c != ' ' || c == '%') => {
            decoded.into_owned()
        }
        _ => name.to_owned(),
    }
}

fn leads_somewhere(iri: &str) -> bool {
    iri.split_once(':').is_some_and(|(scheme, rest)| {
        matches!(&*scheme.to_ascii_lowercase(), "http" | "https") && rest.starts_with("//")
    })
}

/// Controls, marks that turn the direction, and what takes no room.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        for (hostile, shown) in [
            (
                "</bdi></table><script>alert(1)</script>",
                "&lt;/bdi&gt;&lt;/table&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("\" onmouseover=\"alert(1)", "&quot; onmouseover=&quot;alert(1)"),
            ("' autofocus x='", "&#39; autofocus x=&#39;"),
            ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
            ("a\u{0}b\u{1b}[31m", "a\u{fffd}b\u{fffd}[31m"),
            ("\u{202e}gpj.exe\u{2069}", "\u{fffd}gpj.exe\u{fffd}"),
            ("שלום", "שלום"),
        ] {
            assert_eq!(escape(hostile), shown);
            assert_eq!(isolated(hostile), format!("<bdi>{shown}</bdi>"));
        }
        assert_eq!(isolated(&"é".repeat(5_000)), format!("<bdi>{}…</bdi>", "é".repeat(2_000)));
    }

    #[test]
    fn only_pages_are_linked() {
        for page in ["http://x/a?b=1&c", "https://x/", "HTTPS://x/"] {
            assert!(link(page, "it").starts_with("<a href=\"http") || page.starts_with("HTTPS"), "{page}");
            assert!(link(page, "it").ends_with("rel=\"noopener noreferrer nofollow\"><bdi>it</bdi></a>"), "{page}");
        }
        for other in [
            "javascript:alert(1)",
            "JavaScript://x/%0aalert(1)",
            "data:text/html,<script>",
            "vbscript:x",
            "file:///etc/passwd",
            "mailto:a@b",
            "http:x",
            "blob:https://x/y",
            "urn:x:y",
            "x",
            "",
            " http://x/",
            "intent://x#Intent;end",
        ] {
            assert_eq!(link(other, other), isolated(other));
        }
        assert!(!link("http://x/\"onclick=\"a", "x").contains("\"onclick"));
    }

    #[test]
    fn names_are_decoded_where_nobody_can_be_fooled() {
        for (name, shown) in [
            ("my%20holiday", "my holiday"),
            ("caf%C3%A9", "café"),
            ("%E6%97%A5%E6%9C%AC", "日本"),
            ("%E2%80%AEgpj.exe", "%E2%80%AEgpj.exe"),
            ("a%E2%80%8Bb", "a%E2%80%8Bb"),
            ("a%C2%A0b", "a%C2%A0b"),
            ("100%25", "100%25"),
            ("%FF", "%FF"),
        ] {
            assert_eq!(readable(name), shown);
        }
    }
}
