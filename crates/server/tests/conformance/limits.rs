//! Bounds: documents that would take more than they give, and bodies that are no documents.
//!
//! Each is refused with a clear status, and the server answers as before.
//!
//! Spec: RFC 9110 §15.5, <https://www.w3.org/TR/json-ld11-api/#security>

use super::{
    facts::{Facts, Place, n3, repeated},
    world::World,
};

const TURTLE: &str = "text/turtle";
const LD: &str = "application/ld+json";
const N3: &str = "text/n3";
const SPARQL: &str = "application/sparql-update";

/// What it is, the media type, the body and the statuses that are right.
type Bomb = (&'static str, &'static str, fn() -> String, &'static [u16]);

const BOMBS: &[Bomb] = &[
    (
        "lists that nest",
        TURTLE,
        || format!("<#a> <#b> {}1{} .", "( ".repeat(100_000), " )".repeat(100_000)),
        &[201, 400, 422],
    ),
    ("nodes that nest", TURTLE, || format!("<#a> <#b> {}", "[ <#b> ".repeat(100_000)), &[400, 422]),
    ("an IRI that never ends", TURTLE, || format!("<#a> <#b> <{} .", "x".repeat(1_000_000)), &[400, 422]),
    ("text that never ends", TURTLE, || format!("<#a> <#b> \"\"\"{}", "x".repeat(1_000_000)), &[400, 422]),
    (
        "more statements than are taken",
        TURTLE,
        || "<#a> <#b> 0".to_owned() + &repeated(200_001, |n| format!(",{n}")) + " .",
        &[422],
    ),
    (
        "a long prefix used often",
        TURTLE,
        || format!("@prefix p: <http://x/{}> . <#a> <#b> {} .", "x".repeat(1_000_000), vec!["p:a"; 50_000].join(", ")),
        &[422],
    ),
    (
        "a long prefix used often with other names",
        TURTLE,
        || {
            format!(
                "@prefix p: <http://x/{}> . <#a> <#b> {} .",
                "x".repeat(1_900),
                (0..120_000).map(|n| format!("p:{n}")).collect::<Vec<_>>().join(", ")
            )
        },
        &[422],
    ),
    (
        "a long base used often",
        TURTLE,
        || format!("@base <http://x/{}/> . <#a> <#b> {} .", "x".repeat(1_000_000), vec!["<y>"; 50_000].join(", ")),
        &[422],
    ),
    ("an IRI of 3,000 bytes", TURTLE, || format!("<#a> <#b> <http://x/{}> .", "x".repeat(3_000)), &[422]),
    ("a datatype of 3,000 bytes", TURTLE, || format!("<#a> <#b> \"x\"^^<http://x/{}> .", "x".repeat(3_000)), &[422]),
    ("a language of 3,000 bytes", TURTLE, || format!("<#a> <#b> \"x\"@en{} .", "-abcdefgh".repeat(333)), &[400, 422]),
    ("an IRI of 2,000 bytes", TURTLE, || format!("<#a> <#b> <http://x/{}> .", "x".repeat(1_980)), &[201]),
    ("text of a megabyte", TURTLE, || format!("<#a> <#b> \"{}\" .", "x".repeat(1_000_000)), &[201]),
    ("a document of 17 MiB", TURTLE, || format!("# {}", "x".repeat(17 * 1024 * 1024)), &[413]),
    (
        "a number beyond every number",
        TURTLE,
        || "<#a> <#b> 1e400, 99999999999999999999999999999999999999 .".into(),
        &[201],
    ),
    (
        "dates beyond every date",
        TURTLE,
        || {
            "<#a> <#b> \"9999999-01-01\"^^<http://www.w3.org/2001/XMLSchema#date>, \"-0001-13-45\"^^<http://www.w3.org/2001/XMLSchema#date> .".into()
        },
        &[201],
    ),
    (
        "a duration beyond every duration",
        TURTLE,
        || "<#a> <#b> \"P99999999999Y\"^^<http://www.w3.org/2001/XMLSchema#duration> .".into(),
        &[201],
    ),
    ("NUL", TURTLE, || "\u{0}".into(), &[400]),
    ("an escape that is a surrogate", TURTLE, || "<#a> <#b> \"\\uD800\" .".into(), &[400]),
    ("a byte order mark", TURTLE, || "\u{feff}<#a> <#b> 1 .".into(), &[201, 400]),
    ("an import", TURTLE, || "@import <http://localhost:1/> .".into(), &[400]),
    ("quoted triples that nest", TURTLE, || format!("<#a> <#b> {}", "<< ".repeat(100_000)), &[400, 422]),
    ("arrays that nest", LD, || format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), &[400, 422]),
    ("65 arrays that nest", LD, || format!("{}{}", "[".repeat(65), "]".repeat(65)), &[422]),
    ("graphs that nest", LD, || "{\"@graph\":".repeat(100_000), &[400, 422]),
    (
        "lists that nest in JSON",
        LD,
        || format!("{{\"@id\":\"#a\",\"http://x/p\":{}1{}}}", "{\"@list\":[".repeat(50_000), "]}".repeat(50_000)),
        &[400, 422],
    ),
    ("an unknown context", LD, || "{\"@context\":\"https://example.org/unknown\"}".into(), &[422]),
    ("a context on this machine", LD, || "{\"@context\":\"http://localhost:1/context\"}".into(), &[422]),
    ("a context in a file", LD, || "{\"@context\":\"file:///etc/passwd\"}".into(), &[422]),
    ("a relative context", LD, || "{\"@context\":\"context.jsonld\"}".into(), &[422]),
    (
        "an import of a context",
        LD,
        || "{\"@context\":{\"@version\":1.1,\"@import\":\"http://localhost:1/\"}}".into(),
        &[400, 422],
    ),
    (
        "a context that is a list of unknown ones",
        LD,
        || "{\"@context\":[\"https://www.w3.org/ns/activitystreams\",\"https://example.org/unknown\"]}".into(),
        &[422],
    ),
    ("terms that name each other", LD, || "{\"@context\":{\"a\":\"b:x\",\"b\":\"a:x\"},\"a\":1}".into(), &[400, 422]),
    (
        "a long chain of terms",
        LD,
        || {
            format!(
                "{{\"@context\":{{{}\"z\":\"http://x/\"}}}}",
                repeated(10_000, |n| format!("\"t{n}\":\"t{}:x\",", n + 1))
            )
        },
        &[422],
    ),
    ("a term that is a keyword", LD, || "{\"@context\":{\"@type\":\"http://x/\"}}".into(), &[201, 400, 422]),
    (
        "a long vocabulary used often",
        LD,
        || {
            format!(
                "{{\"@context\":{{\"@vocab\":\"http://x/{}\"}},\"@id\":\"#a\",{}}}",
                "x".repeat(1_000_000),
                (0..20_000).map(|n| format!("\"p{n}\":1")).collect::<Vec<_>>().join(",")
            )
        },
        &[422],
    ),
    (
        "a long language used often",
        LD,
        || {
            format!(
                "{{\"@context\":{{\"@language\":\"en{}\"}},\"@id\":\"#a\",\"http://x/p\":[{}]}}",
                "-abcdefgh".repeat(100_000),
                (0..20_000).map(|n| format!("\"v{n}\"")).collect::<Vec<_>>().join(",")
            )
        },
        &[400, 422],
    ),
    (
        "duplicate keys",
        LD,
        || "{\"@id\":\"#a\",\"http://x/p\":1,\"http://x/p\":2,\"@id\":\"#b\"}".into(),
        &[201, 400, 422],
    ),
    ("a lone surrogate", LD, || "{\"@id\":\"#a\",\"http://x/p\":\"\\ud800\"}".into(), &[400]),
    ("NaN", LD, || "{\"@id\":\"#a\",\"http://x/p\":NaN}".into(), &[400]),
    (
        "a number beyond every number in JSON",
        LD,
        || "{\"@id\":\"#a\",\"http://x/p\":[1e400,-1e400,1e-400]}".into(),
        &[201, 400, 422],
    ),
    ("half a document", LD, || "{\"@id\":\"#a\",".into(), &[400]),
    ("two documents", LD, || "{}{}".into(), &[400]),
    ("nothing", LD, String::new, &[400]),
    ("a context of the wrong type", LD, || "{\"@context\":7}".into(), &[400, 422]),
    ("a type of the wrong type", LD, || "{\"@type\":{\"a\":1}}".into(), &[400, 422]),
    ("a relative IRI in N-Triples", "application/n-triples", || "<a> <b> <c> .".into(), &[400]),
    (
        "a named graph in N-Triples",
        "application/n-triples",
        || "<http://x/a> <http://x/b> <http://x/c> <http://x/g> .".into(),
        &[400],
    ),
];

const PATCH_BOMBS: &[Bomb] = &[
    (
        "formulae that nest",
        N3,
        || format!("<> <http://www.w3.org/ns/solid/terms#inserts> {}", "{ ".repeat(100_000)),
        &[400, 422],
    ),
    (
        "lists that nest",
        N3,
        || format!("<> <http://www.w3.org/ns/solid/terms#inserts> {{ <#a> <#b> {}", "( ".repeat(100_000)),
        &[400, 422],
    ),
    (
        "paths that nest",
        N3,
        || format!("<> <http://www.w3.org/ns/solid/terms#inserts> {{ <#a> <#b> <#c>{} }} .", "!<#d>".repeat(100_000)),
        &[400, 422],
    ),
    (
        "a long prefix used often",
        N3,
        || {
            format!(
                "@prefix p: <http://x/{}> . <> a <http://www.w3.org/ns/solid/terms#InsertDeletePatch>; <http://www.w3.org/ns/solid/terms#inserts> {{ <#a> <#b> {} }} .",
                "x".repeat(1_000_000),
                vec!["p:a"; 20_000].join(", ")
            )
        },
        &[422],
    ),
    (
        "more patterns than are taken",
        N3,
        || {
            format!(
                "<> a <http://www.w3.org/ns/solid/terms#InsertDeletePatch>; <http://www.w3.org/ns/solid/terms#where> {{ {} }} .",
                repeated(257, |n| format!("?a{n} <#b> 1 ."))
            )
        },
        &[422],
    ),
    (
        "a pattern that explodes",
        N3,
        || {
            format!(
                "<> a <http://www.w3.org/ns/solid/terms#InsertDeletePatch>; <http://www.w3.org/ns/solid/terms#where> {{ {} ?x <#none> ?y }} .",
                repeated(12, |n| format!("_:a{n} <#p> _:b{n} ."))
            )
        },
        &[409, 422],
    ),
    ("a patch of 17 MiB", N3, || format!("# {}", "x".repeat(17 * 1024 * 1024)), &[413]),
    ("groups that nest", SPARQL, || format!("INSERT DATA {}", "{ ".repeat(100_000)), &[400, 422]),
    ("lists that nest", SPARQL, || format!("INSERT DATA {{ <#a> <#b> {}", "( ".repeat(100_000)), &[400, 422]),
    ("nodes that nest", SPARQL, || format!("INSERT DATA {{ <#a> <#b> {}", "[ <#c> ".repeat(100_000)), &[400, 422]),
    (
        "a filter that nests",
        SPARQL,
        || format!("DELETE {{}} INSERT {{}} WHERE {{ FILTER {}", "(".repeat(100_000)),
        &[400, 422],
    ),
    (
        "a brace by another name",
        SPARQL,
        || format!("DELETE {{}} INSERT {{}} WHERE {}", "\\u007B".repeat(100_000)),
        &[400, 422],
    ),
    (
        "a long prefix used often",
        SPARQL,
        || {
            format!(
                "PREFIX p: <http://x/{}> INSERT DATA {{ <#a> <#b> {} }}",
                "x".repeat(1_000_000),
                vec!["p:a"; 20_000].join(", ")
            )
        },
        &[422],
    ),
    (
        "a prefix of 2,000 bytes used very often",
        SPARQL,
        || {
            format!(
                "PREFIX p: <http://x/{}> INSERT DATA {{ <#a> <#b> {} }}",
                "x".repeat(1_900),
                vec!["p:a"; 90_000].join(", ")
            )
        },
        &[422],
    ),
    (
        "a long text for every match",
        SPARQL,
        || format!("INSERT {{ ?s <#q> \"{}\" }} WHERE {{ ?s <#p> ?o }}", "x".repeat(4_000_000)),
        &[422],
    ),
    (
        "matches that explode",
        SPARQL,
        || format!("INSERT {{ ?s0 <#q> ?o1 }} WHERE {{ {} }}", repeated(12, |n| format!("?s{n} <#p> ?o{n} ."))),
        &[422],
    ),
    ("bytes that are no text", SPARQL, || "INSERT DATA { <#a> <#b> \"\u{0}".into(), &[400, 422]),
];

#[test]
fn what_would_take_too_much_is_refused() {
    let mut facts = Facts::of("limits");
    for (what, kind, body, statuses) in BOMBS {
        facts = facts.fact(format!("{what} as {kind}: {statuses:?}"), move |at| {
            let told = at.alice("PUT x").content(kind, body()).gives_any(statuses);
            assert_eq!(at.members("").len(), usize::from(told.status == 201));
            if told.status >= 400 {
                let told = told.json();
                assert!(
                    told["detail"].as_str().is_some_and(|detail| (5..2_000).contains(&detail.len())),
                    "{}",
                    told["title"]
                );
            }
        });
    }
    for (what, kind, body, statuses) in PATCH_BOMBS {
        facts = facts.fact(format!("{what} as {kind}: {statuses:?}"), move |at| {
            let many = repeated(100, |n| format!("<#s{n}> <#p> <#o{n}> ."));
            at.with(&[("x", &many)]);
            at.alice("PATCH x").content(kind, body()).gives_any(statuses);
            assert_eq!(at.statements("x").len(), 100);
        });
    }
    for (kind, body) in [(TURTLE, "<#a> <#b> <#c> ."), (LD, "{\"@context\":\"https://example.org/unknown\"}")] {
        facts = facts.fact(format!("bodies of {kind} that are no RDF are kept where the type says so"), move |at| {
            at.alice("PUT x").content("text/plain", body).gives(201);
            assert_eq!(at.alice("GET x").gives(200).text(), body);
        });
    }
    for name in ["x", ""] {
        facts = facts.fact(format!("an update of '{name}' that could not be read again is refused"), move |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            let long = format!("INSERT DATA {{ <> <#b> <http://x/{}> }}", "x".repeat(3_000));
            at.alice(&format!("PATCH {name}")).sparql(&long).gives(422);
            for form in [TURTLE, LD] {
                at.alice(&format!("GET {name}")).accept(form).gives(200);
            }
        });
    }
    facts
        .fact("a Content-Encoding is refused", |at| {
            at.alice("PUT x").header("content-encoding", "gzip").turtle("").gives(415);
            at.alice("PATCH x").header("content-encoding", "gzip").patch("solid:inserts {}").gives(415);
            missing(at);
        })
        .fact("a part does not take the place of the whole", |at| {
            at.alice("PUT x").content("text/plain", "0123456789").gives(201);
            at.alice("PUT x").header("content-range", "bytes 0-1/10").content("text/plain", "ab").gives(400);
            at.alice("PUT new").header("content-range", "bytes 0-1/10").content("text/plain", "ab").gives(400);
            assert_eq!((at.alice("GET x").gives(200).text().as_str(), at.members("").len()), ("0123456789", 1));
        })
        .fact("two types are refused", |at| {
            at.alice("PUT x").header("content-type", "text/plain").turtle("").gives(400);
            missing(at);
        })
        .fact("a type that does not end is refused", |at| {
            at.alice("PUT x").content(&format!("text/{}", "x".repeat(5_000)), "").gives_any(&[201, 400, 415]);
        })
        .fact("an Accept without end is answered", |at| {
            at.with(&[("x", "")]);
            at.alice("GET x").accept(&"a/b;q=0.1,".repeat(1_000)).gives_any(&[200, 406]);
        })
        .fact("an If-Match without end is answered", |at| {
            at.with(&[("x", "")]);
            at.alice("GET x").header("if-match", "\"x\",".repeat(2_000) + "\"y\"").gives(412);
        })
        .fact("a Range without end is answered", |at| {
            at.with(&[("x", "")]);
            at.alice("GET x").header("range", format!("bytes={}", "0-0,".repeat(2_000))).gives_any(&[200, 416]);
        })
        .fact("a head that is too large is refused", |at| {
            at.alice("GET ").header("x", "y".repeat(17_000)).gives(431);
        })
        .hold();
}

fn missing(at: &Place) {
    at.alice("GET x").gives(404);
}

#[test]
fn where_memory_is_short_documents_take_turns_and_all_of_them_are_done() {
    let world = &*Box::leak(Box::new(World::start(&[("PODBELL_LIMITS_RDF_MEMORY", "1")])));
    let alice = world.log_in("ALICE");
    let document = |n| repeated(500, |m| format!("<#a{m}> <http://x/b> {n} .\n"));
    std::thread::scope(|scope| {
        for n in 0..32 {
            let (alice, document) = (&alice, &document);
            scope.spawn(move || {
                let path = format!("/alice/turns/{n}");
                let patch = n3("solid:inserts { <#more> <http://x/b> 1 }");
                alice.put(&path, &document(n));
                let told = alice.ask("PATCH", &path, &[("content-type", "text/n3")], patch);
                assert_eq!(told.status, 204, "{told:?}");
                let told = alice.ask("GET", &path, &[("accept", "application/n-triples")], "");
                assert_eq!((told.status, told.text().lines().count()), (200, 501), "{told:?}");
            });
        }
    });
}
