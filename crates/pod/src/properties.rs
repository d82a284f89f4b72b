//! What holds for every input of the grammars of this crate, stated once: tried briefly by the tests below, and for
//! long by `fuzz/`. A property that does not hold panics.

use crate::{
    conditions::{Preconditions, Tags},
    link::{asks_for_container, links},
    negotiate::{Form, Usual, format_of, negotiate},
    patch::Patch,
    range::{Asked, asked},
    read::prefers_minimal,
    slug,
};
use podbell_model::{
    ResourceIri, Uuid,
    rdf::{self, RdfFormat},
};

const BASE: &str = "http://x/box/doc";
const TARGET: &[u8] = b"<#a> <#p> <#b> ; <#n> 1 , \"t\"@en . <#c> <#p> <#b> . <#a> <#q> [ <#r> [ <#s> \"deep\" ] , _:x ] . _:x <#p> _:x .";

/// A patch does to a document what its parts say, and nothing else: rights are judged by the parts.
pub fn patch(media_type: &str, bytes: &[u8]) {
    let Ok(target) = ResourceIri::parse(BASE) else { return };
    let Ok(patch) = Patch::parse(media_type, &target, bytes) else { return };
    let Ok(before) = rdf::parse(RdfFormat::Turtle, BASE, TARGET) else { return };
    let mut after = before.clone();
    let Ok(effect) = patch.apply(&mut after) else { return };
    assert_eq!(effect.changed, after != before, "whether it changed");
    assert!(patch.inserts() || after.iter().all(|quad| before.contains(quad)), "inserted without saying so");
    assert!(patch.deletes() || before.iter().all(|quad| after.contains(quad)), "deleted without saying so");
    for quad in after.iter().filter(|quad| !before.contains(*quad)) {
        assert!(effect.inserted.iter().any(|inserted| inserted.as_ref() == quad), "{quad} came from nowhere");
    }
    for quad in before.iter().filter(|quad| !after.contains(*quad)) {
        assert!(effect.deleted.iter().any(|deleted| deleted.as_ref() == quad), "{quad} went without being named");
    }
    let written = rdf::serialize(RdfFormat::Turtle, &after, &[]);
    let again = rdf::parse(RdfFormat::Turtle, BASE, &written);
    assert_eq!(again.map(|dataset| dataset.len()), Ok(after.len()), "{}", String::from_utf8_lossy(&written));
}

/// A wish for a name stays in its container, is a name of one form, and is no auxiliary's.
pub fn slug(wish: &str) {
    let Ok(container) = ResourceIri::parse("http://x/a/") else { return };
    for is_container in [false, true] {
        for name in slug::names(&container, Some(wish), is_container, Uuid::nil()).unwrap_or_default() {
            assert_eq!(name.parent(), Some(container.clone()));
            assert!(name.is_container() == is_container && name.as_auxiliary().is_none(), "{name}");
            assert_eq!(ResourceIri::parse(name.as_str()), Ok(name));
        }
    }
}

/// A range lies within the body, and asking for exactly that gives exactly that.
pub fn range(value: &str, size: u64) {
    match asked(Some(value), size) {
        Asked::Part(first, last) => {
            assert!(first <= last && last < size, "{value:?} of {size}");
            assert_eq!(asked(Some(&format!("bytes={first}-{last}")), size), Asked::Part(first, last));
        }
        Asked::Whole | Asked::Beyond => {}
    }
}

/// What is chosen is acceptable; empty entries change nothing; a type that is asked for alone is had, if there is one.
pub fn accept(value: &str) {
    for stored in
        ["text/turtle", "application/ld+json", "application/n-quads", "image/png", "text/plain; charset=utf-8"]
    {
        let chosen = negotiate(Some(value), stored, Usual::Stored, true);
        if let Ok(Form::Rdf(format)) = chosen {
            assert!(format_of(stored).is_some_and(|own| own != format), "{value:?} of {stored}");
            assert_eq!(negotiate(Some(format.media_type()), stored, Usual::Stored, true).ok(), Some(Form::Rdf(format)));
        }
        if !value.trim().is_empty() {
            let again = negotiate(Some(&format!(", ,{value}")), stored, Usual::Stored, true);
            assert_eq!(again.ok(), chosen.ok(), "{value:?} of {stored}");
        }
    }
}

/// A preference holds beside others.
pub fn prefer(value: &str) {
    let minimal = prefers_minimal(Some(value));
    assert_eq!(prefers_minimal(Some(&format!("respond-async, {value}"))), minimal, "{value:?}");
    assert!(!minimal || value.contains("PreferMinimalContainer"), "{value:?}");
}

/// Links written plainly are read as they were, and ask for the same.
pub fn link(value: &str) {
    let read: Vec<_> = links(value).collect();
    let plain: Vec<String> = read
        .iter()
        .map(|link| {
            let anchor = if link.anchored { "; anchor=\"\"" } else { "" };
            let rel = link.rel.replace('\\', "\\\\").replace('"', "\\\"");
            format!("<{}>; rel=\"{rel}\"{anchor}", link.target)
        })
        .collect();
    let plain = plain.join(", ");
    assert_eq!(links(&plain).collect::<Vec<_>>(), read, "{value:?}");
    assert_eq!(asks_for_container(&plain), asks_for_container(value), "{value:?}");
}

/// Entity-tags written plainly are read as they were.
pub fn tags(value: &str) {
    let parse = |value: &str| Preconditions::parse(Some(value), None, Some(value), Some(value)).ok();
    let Some(read) = parse(value) else { return };
    let plain = match &read.matching {
        None => return,
        Some(Tags::Any) => "*".to_owned(),
        Some(Tags::Listed(listed)) => {
            let one = |(weak, tag): &(bool, String)| format!("{}\"{tag}\"", if *weak { "W/" } else { "" });
            listed.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    };
    assert_eq!(parse(&plain).map(|again| again.matching), Some(read.matching), "{value:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{
        collection::vec,
        prelude::*,
        sample::{select, subsequence},
    };

    const WORDS: &[&str] = &[
        "<#a>",
        "<#c>",
        "<#p>",
        "<#q>",
        "<#r>",
        "<#s>",
        "<#b>",
        "?x",
        "?y",
        "?z",
        "_:x",
        "_:y",
        "[]",
        "[ <#r> ?x ]",
        "1",
        "\"t\"@en",
        ".",
        ";",
        ",",
        "a",
        "(",
        ")",
        "{",
        "}",
    ];
    /// Patterns that match the target exactly once.
    const FACTS: &[&str] =
        &["?x <#n> 1 . ", "?x <#q> ?y . ", "?y <#r> ?z . ", "?z <#s> \"deep\" . ", "<#c> <#p> <#b> . ", "<#a> ?n 1 . "];
    const STEPS: &[&str] = &[
        "INSERT DATA",
        "DELETE DATA",
        "DELETE WHERE",
        "INSERT",
        "DELETE",
        "WHERE",
        "PREFIX : <#>",
        "GRAPH <#g>",
        "FILTER",
    ];

    fn term(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
        select(words)
    }

    fn formula() -> impl Strategy<Value = String> {
        let subject = term(&["<#a>", "<#c>", "?x", "?y", "_:x", "_:y"]);
        let predicate = term(&["<#p>", "<#n>", "<#q>", "<#r>", "?p"]);
        let object = term(&["<#b>", "1", "\"t\"@en", "?x", "?y", "_:x", "[ <#r> ?x ]", "\"deep\""]);
        vec((subject, predicate, object).prop_map(|(s, p, o)| format!("{s} {p} {o} .")), 0..4)
            .prop_map(|lines| lines.join(" "))
    }

    fn soup(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        vec(select(words), 0..20).prop_map(|words| words.join(" "))
    }

    fn header(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        vec(prop_oneof![4 => select(words).prop_map(str::to_owned), 1 => "[ -~]{0,3}"], 0..16)
            .prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn n3_patches_do_what_their_parts_say(find in formula(), delete in formula(), insert in formula(), words in soup(WORDS)) {
            let head = "@prefix solid: <http://www.w3.org/ns/solid/terms#>. <> a solid:InsertDeletePatch;";
            for insert in [insert, words] {
                let text = format!("{head} solid:where {{ {find} }}; solid:deletes {{ {delete} }}; solid:inserts {{ {insert} }}.");
                patch("text/n3", text.as_bytes());
                patch("text/n3", format!("{head} solid:inserts {{ {insert} }}.").as_bytes());
            }
        }

        #[test]
        fn n3_patches_that_fit_do_what_their_parts_say(
            delete in subsequence(FACTS, 0..=FACTS.len()),
            insert in subsequence(FACTS, 0..=FACTS.len()),
            more in formula(),
        ) {
            let head = "@prefix solid: <http://www.w3.org/ns/solid/terms#>. <> a solid:InsertDeletePatch;";
            let find = FACTS.concat();
            for insert in [insert.concat(), insert.concat() + &more] {
                let text = format!("{head} solid:where {{ {find} }}; solid:deletes {{ {} }}; solid:inserts {{ {insert} }}.", delete.concat());
                patch("text/n3", text.as_bytes());
            }
        }

        #[test]
        fn updates_do_what_their_parts_say(
            steps in vec((select(STEPS), formula(), formula(), formula()), 0..4),
            words in soup(WORDS),
        ) {
            let plain: Vec<String> = steps.iter().map(|(step, one, ..)| format!("{step} {{ {one} }}")).collect();
            let full: Vec<String> = steps
                .iter()
                .map(|(_, delete, insert, find)| format!("DELETE {{ {delete} }} INSERT {{ {insert} }} WHERE {{ {find} }}"))
                .collect();
            for text in [plain.join(" ; "), full.join(" ; "), plain.join(" "), format!("{} INSERT DATA {{ {words} }}", plain.join(";"))] {
                patch("application/sparql-update", text.as_bytes());
            }
        }

        #[test]
        fn headers_keep_their_properties(
            links in header(&["<", ">", "<http://www.w3.org/ns/ldp#BasicContainer>", ";", "rel=", "rel", "=", "\"", "\\", "type", ",", " ", "anchor", "title=\"a,b\""]),
            ranges in header(&["bytes", "=", "-", "0", "9", "18446744073709551615", ",", " ", "bytes=0-"]),
            types in header(&["text/turtle", "application/ld+json", "*/*", "*", "image/*", ",", ";", "q=0.5", "q=0", " ", "\"", "profile=\"a,b\"", "q=.3"]),
            preferences in header(&["return=representation", ";", ",", " ", "include=", "\"", "http://www.w3.org/ns/ldp#PreferMinimalContainer"]),
            entity_tags in header(&["W/", "\"", "\"a\"", "*", ",", " ", "\"a-ttl\""]),
            size in prop_oneof![0_u64..20, any::<u64>()],
        ) {
            link(&links);
            range(&ranges, size);
            accept(&types);
            prefer(&preferences);
            tags(&entity_tags);
        }

        #[test]
        fn wishes_for_names_stay_in_their_container(wish in "(\\PC|[./%\\\\ac]|%2[fFeE5]|%5[cC]|%0[0a]|\\.acl|\\.meta){0,12}", many in 0_usize..300) {
            slug(&wish);
            slug(&format!("{}{wish}", "é".repeat(many)));
        }
    }
}
