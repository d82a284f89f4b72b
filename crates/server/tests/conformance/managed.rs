//! The statements about containers that are the server's own, and those that are their owners'.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-protect-containment>,
//! <https://solidproject.org/TR/protocol#server-protect-contained-resource-metadata>

use super::facts::Facts;

const LDP: &str = "http://www.w3.org/ns/ldp#";

/// Statements about a container that are the server's own: what they are and what they say.
const MANAGED: &[(&str, &str)] = &[
    ("containment of a member", "<> <http://www.w3.org/ns/ldp#contains> <member>"),
    ("containment of what is absent", "<> <http://www.w3.org/ns/ldp#contains> <absent>"),
    ("containment of what is elsewhere", "<> <http://www.w3.org/ns/ldp#contains> <http://example.org/>"),
    (
        "the date of the container",
        "<> <http://purl.org/dc/terms/modified> \"2020-01-01T00:00:00Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    ),
    (
        "the date of a member",
        "<member> <http://purl.org/dc/terms/modified> \"2020-01-01T00:00:00Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime>",
    ),
    ("the mtime of a member", "<member> <http://www.w3.org/ns/posix/stat#mtime> 1"),
    ("the size of a member", "<member> <http://www.w3.org/ns/posix/stat#size> 1"),
    ("the class of a member", "<member> a <http://www.w3.org/ns/ldp#Container>"),
    ("the media type of a member", "<member> a <http://www.w3.org/ns/iana/media-types/image/png#Resource>"),
    ("that it is a storage", "<> a <http://www.w3.org/ns/pim/space#Storage>"),
];

#[test]
fn the_servers_own_statements_are_protected() {
    let mut facts = Facts::of("managed statements");
    for (what, says) in MANAGED {
        facts = facts
            .fact(format!("{what} is not made by PUT of a container"), move |at| {
                at.alice("PUT new/").turtle(&format!("{says} .")).gives(409);
                at.alice("GET new/").gives(404);
            })
            .fact(format!("{what} is not made by POST of a container"), move |at| {
                let link = format!("<{LDP}BasicContainer>; rel=\"type\"");
                at.alice("POST ").header("link", link).turtle(&format!("{says} .")).gives(409);
                assert!(at.members("").is_empty());
            })
            .fact(format!("{what} is not inserted by an N3 patch"), move |at| {
                at.with(&[("sub/member", "")]);
                at.alice("PATCH sub/").patch(&format!("solid:inserts {{ {says} }}")).gives(409);
            })
            .fact(format!("{what} is not inserted by an update"), move |at| {
                at.with(&[("sub/member", "")]);
                at.alice("PATCH sub/").sparql(&format!("INSERT DATA {{ {says} }}")).gives(409);
            })
            .fact(format!("{what} is not made by its description"), move |at| {
                at.with(&[("sub/member", "")]);
                let says = says.replace("<>", "<./>");
                at.alice("PUT sub/.meta").turtle(&format!("{says} .")).gives(409);
            });
    }
    for (what, says) in [
        ("containment", "<> <http://www.w3.org/ns/ldp#contains> <member>"),
        ("the class of the container", "<> a <http://www.w3.org/ns/ldp#Container>"),
        ("the class of a member", "<member> a <http://www.w3.org/ns/ldp#Resource>"),
    ] {
        facts = facts
            .fact(format!("{what} is not deleted by an N3 patch"), move |at| {
                at.with(&[("sub/member", "")]);
                at.alice("PATCH sub/").patch(&format!("solid:deletes {{ {says} }}")).gives(409);
                assert_eq!(at.members("sub/"), ["member"]);
            })
            .fact(format!("{what} is not deleted by an update"), move |at| {
                at.with(&[("sub/member", "")]);
                at.alice("PATCH sub/").sparql(&format!("DELETE DATA {{ {says} }}")).gives(409);
                assert_eq!(at.members("sub/"), ["member"]);
            });
    }
    facts
        .fact("no update deletes everything of a container", |at| {
            at.with(&[("sub/member", "")]);
            at.alice("PATCH sub/").sparql("DELETE WHERE { ?s ?p ?o }").gives(409);
            assert_eq!(at.members("sub/"), ["member"]);
        })
        .fact("a PUT on a container is refused, whatever it says", |at| {
            at.with(&[("sub/member", "")]);
            at.alice("PUT sub/").turtle("").gives(409);
            at.alice("PUT sub/").turtle("<> <#title> 1 .").gives(409);
            at.alice("PUT sub/").turtle(&at.alice("GET sub/").gives(200).text()).gives(409);
            assert_eq!(at.members("sub/"), ["member"]);
        })
        .fact("a PUT on the root is refused", |at| drop(at.alice("PUT /alice/").turtle("").gives(409)))
        .fact("what every container is may be said again", |at| {
            at.alice("PUT x/")
                .turtle("<> a <http://www.w3.org/ns/ldp#Container>, <http://www.w3.org/ns/ldp#BasicContainer> .")
                .gives(201);
        })
        .fact("a patch of its own statements is a change", |at| {
            at.with(&[("sub/member", "")]);
            at.alice("PATCH sub/").patch("solid:inserts { <> <#title> \"t\" }").gives(204);
            assert!(at.statements("sub/").join("").contains("\"t\""));
            at.alice("PATCH sub/").patch("solid:deletes { <> <#title> \"t\" }").gives(204);
            assert!(!at.statements("sub/").join("").contains("\"t\""));
            assert_eq!(at.members("sub/"), ["member"]);
        })
        .fact("statements of documents about containers are anybody's", |at| {
            at.alice("PUT x").turtle("<./> <http://www.w3.org/ns/ldp#contains> <y> .").gives(201);
            assert_eq!(at.members(""), ["x"]);
        })
        .fact("a patch makes a container", |at| {
            at.alice("PATCH new/").patch("solid:inserts { <> <#title> \"t\" }").gives(201);
            assert!(at.statements("new/").join("").contains("\"t\""));
            assert_eq!(at.members(""), ["new/"]);
        })
        .hold();
}
