//! Conditional requests, entity-tags of variants, dates, and ranges.
//!
//! Spec: RFC 9110 §8.8, §13, §14

use super::{
    facts::{Facts, Place},
    world::Reply,
};

const PAST: &str = "Mon, 01 Jan 2001 00:00:00 GMT";
const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 GMT";
const LD: &str = "application/ld+json";

fn tag(told: &Reply) -> String {
    told.header("etag").expect("ETag").to_owned()
}

/// Headers, with `TAG` for the tag of what is read, `OTHER` for that of another variant and `DATE` for its date, and
/// what a read and a write of something that exists, and a write of what does not, come to.
type Case = (&'static [(&'static str, &'static str)], u16, u16, u16);

const CASES: &[Case] = &[
    (&[], 200, 204, 201),
    (&[("if-none-match", "TAG")], 304, 412, 201),
    (&[("if-none-match", "W/TAG")], 304, 412, 201),
    (&[("if-none-match", "\"x\", TAG")], 304, 412, 201),
    (&[("if-none-match", "TAG , \"x\"")], 304, 412, 201),
    (&[("if-none-match", "\"x\"")], 200, 204, 201),
    (&[("if-none-match", "*")], 304, 412, 201),
    (&[("if-none-match", "OTHER")], 200, 412, 201),
    (&[("if-match", "TAG")], 200, 204, 412),
    (&[("if-match", "\"x\", TAG")], 200, 204, 412),
    (&[("if-match", "W/TAG")], 412, 412, 412),
    (&[("if-match", "\"x\"")], 412, 412, 412),
    (&[("if-match", "*")], 200, 204, 412),
    (&[("if-match", "OTHER")], 412, 204, 412),
    (&[("if-modified-since", "DATE")], 304, 204, 201),
    (&[("if-modified-since", FUTURE)], 304, 204, 201),
    (&[("if-modified-since", PAST)], 200, 204, 201),
    (&[("if-modified-since", "nonsense")], 200, 204, 201),
    (&[("if-unmodified-since", "DATE")], 200, 204, 201),
    (&[("if-unmodified-since", FUTURE)], 200, 204, 201),
    (&[("if-unmodified-since", PAST)], 412, 412, 201),
    (&[("if-unmodified-since", "nonsense")], 200, 204, 201),
    (&[("if-none-match", "\"x\""), ("if-modified-since", FUTURE)], 200, 204, 201),
    (&[("if-none-match", "TAG"), ("if-modified-since", PAST)], 304, 412, 201),
    (&[("if-match", "TAG"), ("if-unmodified-since", PAST)], 200, 204, 412),
    (&[("if-match", "\"x\""), ("if-unmodified-since", FUTURE)], 412, 412, 412),
    (&[("if-match", "TAG"), ("if-none-match", "TAG")], 304, 412, 412),
    (&[("if-match", "TAG"), ("if-none-match", "\"x\"")], 200, 204, 412),
    (&[("if-match", "nonsense")], 400, 400, 400),
    (&[("if-none-match", "nonsense")], 400, 400, 400),
    (&[("if-match", "\"x")], 400, 400, 400),
    (&[("if-none-match", "*, TAG")], 400, 400, 400),
];

fn with(at: &Place, line: &str, case: &Case, seen: &(String, String, String)) -> super::facts::Ask {
    case.0.iter().fold(at.alice(line), |asked, (name, value)| {
        let value = value.replace("TAG", &seen.0).replace("OTHER", &seen.1).replace("DATE", &seen.2);
        asked.header(name, value)
    })
}

fn seen(at: &Place) -> (String, String, String) {
    at.with(&[("x", "<#a> <#b> 1 .")]);
    let told = at.alice("GET x").gives(200);
    let other = at.alice("GET x").accept(LD).gives(200);
    (tag(&told), tag(&other), told.header("last-modified").unwrap().to_owned())
}

#[test]
fn conditions_hold_or_nothing_happens() {
    let mut facts = Facts::of("conditions");
    for case in CASES {
        let (headers, read, write, create) = case;
        let named = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ");
        for method in ["GET", "HEAD"] {
            facts = facts.fact(format!("{method} with [{named}] is {read}"), move |at| {
                let seen = seen(at);
                let told = with(at, &format!("{method} x"), case, &seen).gives(*read);
                if *read == 304 {
                    assert_eq!((tag(&told), told.header("last-modified")), (seen.0, Some(&*seen.2)));
                    assert!(told.all("vary").join(",").contains("Accept"), "{told:?}");
                }
            });
        }
        facts = facts
            .fact(format!("PUT with [{named}] on what exists is {write}"), move |at| {
                let seen = seen(at);
                with(at, "PUT x", case, &seen).turtle("").gives(*write);
                assert_eq!(at.statements("x").len(), usize::from(*write != 204));
            })
            .fact(format!("PATCH with [{named}] on what exists is {write}"), move |at| {
                let seen = seen(at);
                with(at, "PATCH x", case, &seen).patch("solid:inserts { <#a> <#b> 2 }").gives(*write);
                assert_eq!(at.statements("x").len(), 1 + usize::from(*write == 204));
            })
            .fact(format!("DELETE with [{named}] of what exists is {write}"), move |at| {
                let seen = seen(at);
                with(at, "DELETE x", case, &seen).gives(*write);
                at.alice("GET x").gives(if *write == 204 { 404 } else { 200 });
            })
            .fact(format!("PUT with [{named}] of what is absent is {create}"), move |at| {
                let seen = seen(at);
                with(at, "PUT new", case, &seen).turtle("").gives(*create);
                at.alice("GET new").gives(if *create == 201 { 200 } else { 404 });
            })
            .fact(format!("PATCH with [{named}] of what is absent is {create}"), move |at| {
                let seen = seen(at);
                with(at, "PATCH new", case, &seen).sparql("INSERT DATA { <#a> <#b> 2 }").gives(*create);
                at.alice("GET new").gives(if *create == 201 { 200 } else { 404 });
            });
    }
    facts.hold();
}

#[test]
fn tags_tell_one_state_and_one_form_from_every_other() {
    let mut facts = Facts::of("validators");
    for (what, target) in [
        ("a document", "x"),
        ("an image", "x.png"),
        ("a container", ""),
        ("an ACL", ".acl"),
        ("a description", "x.meta"),
        ("a description never written", ".meta"),
        ("the root", "/alice/"),
        ("the root's ACL", "/alice/.acl"),
        ("a profile", "/alice/profile/card"),
        ("the storage's description", "/alice/.well-known/solid"),
        ("the server's description", "/.well-known/solid"),
    ] {
        for method in ["GET", "HEAD"] {
            facts = facts.fact(format!("{method} of {what} has ETag and Last-Modified"), move |at| {
                at.rules("").with(&[("x", "")]);
                at.alice("PUT x.meta").turtle("<x> <#says> 1 .").gives(201);
                at.alice("PUT x.png").content("image/png", [1]).gives(201);
                let told = at.alice(&format!("{method} {target}")).gives(200);
                assert!(tag(&told).starts_with('"') && tag(&told).len() > 2, "{told:?}");
                let date = told.header("last-modified").expect("Last-Modified");
                assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
            });
        }
        facts = facts.fact(format!("the client's copy of {what} is current"), move |at| {
            at.rules("").with(&[("x", "")]);
            at.alice("PUT x.meta").turtle("<x> <#says> 1 .").gives(201);
            at.alice("PUT x.png").content("image/png", [1]).gives(201);
            let told = tag(&at.alice(&format!("HEAD {target}")).gives(200));
            if target.starts_with("/alice/") && !target.contains('.') && target.ends_with('/') {
                return; // Others write there.
            }
            at.alice(&format!("GET {target}")).header("if-none-match", told).gives(304);
        });
    }
    for (what, target) in [("a document", "x"), ("a container", ""), ("an ACL", ".acl")] {
        facts = facts.fact(format!("every form of {what} has a tag of its own"), move |at| {
            at.rules("").with(&[("x", "<#a> <#b> 1 .")]);
            let of = |form: &str| tag(&at.alice(&format!("GET {target}")).accept(form).gives(200));
            let tags = [of("text/turtle"), of(LD), of("application/n-triples")];
            assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
        });
        facts = facts.fact(format!("HEAD of {what} has the tag of its GET in each form"), move |at| {
            at.rules("").with(&[("x", "<#a> <#b> 1 .")]);
            for form in ["text/turtle", LD] {
                let of = |method: &str| tag(&at.alice(&format!("{method} {target}")).accept(form).gives(200));
                assert_eq!(of("HEAD"), of("GET"));
            }
        });
    }
    facts
        .fact("a write answers with the tag that a read has then", |at| {
            for asked in [
                at.alice("PUT x").turtle("<#a> <#b> 1 ."),
                at.alice("PUT x").turtle("<#a> <#b> 2 ."),
                at.alice("PATCH x").patch("solid:inserts { <#a> <#b> 3 }"),
                at.alice("PATCH x").sparql("INSERT DATA { <#a> <#b> 4 }"),
            ] {
                let told = asked.gives_any(&[201, 204]);
                assert_eq!(tag(&told), tag(&at.alice("GET x").gives(200)));
                assert!(told.header("last-modified").is_some());
            }
        })
        .fact("the same bytes written again are another state", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            let before = tag(&at.alice("GET x").gives(200));
            at.alice("PUT x").turtle("<#a> <#b> 1 .").gives(204);
            assert_ne!(tag(&at.alice("GET x").gives(200)), before);
        })
        .fact("a patch that changes nothing leaves the tag", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            let before = tag(&at.alice("GET x").gives(200));
            let told = at.alice("PATCH x").patch("solid:inserts { <#a> <#b> 1 }").gives(204);
            assert_eq!((tag(&told), tag(&at.alice("GET x").gives(200))), (before.clone(), before));
        })
        .fact("a change of the ACL leaves the tag of its subject", |at| {
            at.with(&[("x", "")]);
            let before = tag(&at.alice("GET x").gives(200));
            at.rules("");
            assert_eq!(tag(&at.alice("GET x").gives(200)), before);
        })
        .fact("of ten writers who saw one state one writes", |at| {
            at.with(&[("x", "")]);
            let seen = tag(&at.alice("GET x").gives(200));
            let done = std::thread::scope(|scope| {
                let all: Vec<_> = (0..10)
                    .map(|n| {
                        let seen = seen.clone();
                        scope.spawn(move || {
                            let asked = at.alice("PUT x").header("if-match", seen).turtle(&format!("<#a> <#b> {n} ."));
                            asked.gives_any(&[204, 412]).status
                        })
                    })
                    .collect();
                all.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 204).count()
            });
            assert_eq!((done, at.statements("x").len()), (1, 1));
        })
        .fact("of ten creators one creates", |at| {
            at.path();
            let done = std::thread::scope(|scope| {
                let create = || at.alice("PUT x").header("if-none-match", "*").turtle("").gives_any(&[201, 412]).status;
                let all: Vec<_> = (0..10).map(|_| scope.spawn(create)).collect();
                all.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 201).count()
            });
            assert_eq!(done, 1);
        })
        .fact("a POST may hold its container to a state", |at| {
            let seen = tag(&at.alice("GET ").gives(200));
            at.alice("POST ").header("if-match", "\"x\"").turtle("").gives(412);
            at.alice("POST ").header("if-match", seen).turtle("").gives(201);
        })
        .fact("conditions are not told to those who may not read", |at| {
            at.with(&[("x", "")]);
            at.bob("GET x").header("if-none-match", "*").gives(403);
            at.bob("GET absent").header("if-none-match", "*").gives(403);
            at.anybody("PUT x").header("if-match", "\"x\"").turtle("").gives(401);
        })
        .hold();
}

/// `Range` of ten bytes, the status, and the part that comes.
const RANGES: &[(&str, u16, &str)] = &[
    ("bytes=0-0", 206, "0"),
    ("bytes=0-9", 206, "0123456789"),
    ("bytes=2-5", 206, "2345"),
    ("bytes=2-", 206, "23456789"),
    ("bytes=9-", 206, "9"),
    ("bytes=8-100", 206, "89"),
    ("bytes=-3", 206, "789"),
    ("bytes=-100", 206, "0123456789"),
    ("bytes=10-", 416, ""),
    ("bytes=10-20", 416, ""),
    ("bytes=-0", 416, ""),
    ("bytes=5-2", 200, "0123456789"),
    ("bytes=0-1,3-4", 200, "0123456789"),
    ("bytes=-", 200, "0123456789"),
    ("bytes=a-b", 200, "0123456789"),
    ("bytes=", 200, "0123456789"),
    ("lines=0-1", 200, "0123456789"),
    ("nonsense", 200, "0123456789"),
    ("bytes=99999999999999999999-", 200, "0123456789"),
];

#[test]
fn a_part_of_a_stored_body_can_be_had() {
    let mut facts = Facts::of("ranges");
    for (range, status, part) in RANGES {
        facts = facts.fact(format!("'{range}' of ten bytes is {status} with '{part}'"), move |at| {
            at.alice("PUT x").content("text/plain", "0123456789").gives(201);
            let told = at.alice("GET x").header("range", *range).gives(*status);
            match status {
                206 => {
                    let first: usize = part[..1].parse().unwrap();
                    let expected = format!("bytes {first}-{}/10", first + part.len() - 1);
                    assert_eq!((told.header("content-range"), told.text().as_str()), (Some(&*expected), *part));
                }
                416 => assert_eq!(told.header("content-range"), Some("bytes */10")),
                _ => assert_eq!((told.header("content-range"), told.text().as_str()), (None, *part)),
            }
        });
    }
    facts
        .fact("ranges are offered of what is stored", |at| {
            at.alice("PUT x").content("text/plain", "0123456789").gives(201);
            for method in ["GET", "HEAD"] {
                assert_eq!(at.alice(&format!("{method} x")).gives(200).header("accept-ranges"), Some("bytes"));
            }
        })
        .fact("a part of a large body is the same part", |at| {
            let body: String = (0..60_000).map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).collect();
            at.alice("PUT x").content("text/plain", body.repeat(4)).gives(201);
            let told = at.alice("GET x").header("range", "bytes=100000-100099").gives(206);
            assert_eq!(told.text(), body.repeat(4)[100_000..100_100]);
            assert_eq!(told.header("content-length"), Some("100"));
        })
        .fact("a part is had only of the state that was seen", |at| {
            at.alice("PUT x").content("text/plain", "0123456789").gives(201);
            let seen = tag(&at.alice("GET x").gives(200));
            at.alice("GET x").header("range", "bytes=0-1").header("if-range", seen.clone()).gives(206);
            at.alice("PUT x").content("text/plain", "abcdefghij").gives(204);
            let told = at.alice("GET x").header("range", "bytes=0-1").header("if-range", seen).gives(200);
            assert_eq!(told.text(), "abcdefghij");
        })
        .fact("what is converted has no parts", |at| {
            at.with(&[("x", "<#a> <#b> 1 .")]);
            let told = at.alice("GET x").accept(LD).header("range", "bytes=0-1").gives(200);
            assert_eq!(told.header("accept-ranges"), None);
        })
        .fact("a listing has no parts", |at| {
            at.alice("GET ").header("range", "bytes=0-1").gives(200);
        })
        .fact("an empty body has no parts", |at| {
            at.alice("PUT x").content("text/plain", "").gives(201);
            at.alice("GET x").header("range", "bytes=0-").gives(416);
            assert_eq!(at.alice("GET x").gives(200).header("content-length"), Some("0"));
        })
        .fact("a range of a HEAD is ignored", |at| {
            at.alice("PUT x").content("text/plain", "0123456789").gives(201);
            let told = at.alice("HEAD x").header("range", "bytes=0-1").gives(200);
            assert_eq!(told.header("content-length"), Some("10"));
        })
        .fact("the client's copy is current before a part is cut", |at| {
            at.alice("PUT x").content("text/plain", "0123456789").gives(201);
            let seen = tag(&at.alice("GET x").gives(200));
            at.alice("GET x").header("range", "bytes=0-1").header("if-none-match", seen).gives(304);
        })
        .hold();
}
