//! Web Access Control: which ACL rules a resource, whom an authorization names, what `WAC-Allow` tells, and what may
//! become of ACLs.
//!
//! Spec: <https://solidproject.org/TR/wac>, <https://solid.github.io/web-access-control-spec/> (conditions)

use super::{
    facts::{Facts, Place},
    world::{Reply, WORLD, for_bob, public},
};

const PREFIXES: &str = "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>. \
                        @prefix vcard: <http://www.w3.org/2006/vcard/ns#>.\n";

/// An ACL in Turtle: alice everything, and the rest as it is written, with bob's WebID for `BOB` and the address of the
/// container for `HERE`.
fn acl(at: &Place, rest: &str) -> String {
    let owner = format!(
        "<#owner> a acl:Authorization; acl:agent <{}>; acl:accessTo <HERE>; acl:default <HERE>; \
         acl:mode acl:Read, acl:Write, acl:Control .\n",
        WORLD.webid("ALICE")
    );
    format!("{PREFIXES}{owner}{rest}").replace("BOB", WORLD.webid("BOB")).replace("HERE", &at.url(""))
}

/// Modes told by `WAC-Allow`; `append` is left out beside `write`.
fn told(reply: &Reply, whose: &str) -> String {
    let header = reply.header("wac-allow").expect("WAC-Allow");
    let Some((_, rest)) = header.split_once(&format!("{whose}=\"")) else { return String::new() };
    sorted(rest.split_once('"').unwrap().0)
}

fn sorted(modes: &str) -> String {
    let mut modes: Vec<_> = modes.split_ascii_whitespace().collect();
    if modes.contains(&"write") {
        modes.retain(|mode| *mode != "append");
    }
    modes.sort_unstable();
    modes.dedup();
    modes.join(" ")
}

fn modes(named: &str) -> String {
    let modes = named.split_ascii_whitespace().map(|mode| match mode {
        "read" => "acl:Read",
        "write" => "acl:Write",
        "append" => "acl:Append",
        _ => "acl:Control",
    });
    modes.collect::<Vec<_>>().join(", ")
}

fn rule(name: &str, who: &str, named: &str) -> String {
    if named.is_empty() {
        return String::new();
    }
    format!(
        "<#{name}> a acl:Authorization; {who}; acl:accessTo <HERE>; acl:default <HERE>; acl:mode {} .\n",
        modes(named)
    )
}

/// Modes of bob, of everybody, and of whoever is logged in.
const GRANTED: &[(&str, &str, &str)] = &[
    ("read", "", ""),
    ("read write", "", ""),
    ("read append", "", ""),
    ("read write append", "", ""),
    ("read control", "", ""),
    ("read write append control", "", ""),
    ("", "read", ""),
    ("", "read append", ""),
    ("", "read write", ""),
    ("write", "read", ""),
    ("append control", "read", ""),
    ("", "", "read"),
    ("write", "", "read"),
    ("append", "read", "write"),
    ("", "", "read append"),
    ("read", "read", "read"),
];

#[test]
fn wac_allow_tells_what_each_may_do() {
    let mut facts = Facts::of("WAC-Allow");
    for (bob, everybody, logged_in) in GRANTED {
        for (target, method) in [("", "GET"), ("doc", "GET"), ("doc", "HEAD"), ("sub/", "HEAD"), ("absent", "GET")] {
            let of =
                format!("{method} of '{target}' with [{bob}] of bob, [{everybody}] of all, [{logged_in}] of agents");
            let set = move |at: &Place| {
                at.with(&[("doc", ""), ("sub/", "")]);
                let rules = [
                    rule("bob", "acl:agent <BOB>", bob),
                    rule("all", "acl:agentClass foaf:Agent", everybody),
                    rule("agents", "acl:agentClass acl:AuthenticatedAgent", logged_in),
                ];
                at.alice("PUT .acl").turtle(&acl(at, &rules.concat())).gives(201);
            };
            facts = facts.fact(format!("{of}: the modes of bob, and the public ones, are told"), move |at| {
                set(at);
                let reply = at.bob(&format!("{method} {target}")).gives(if target == "absent" { 404 } else { 200 });
                assert_eq!(told(&reply, "user"), sorted(&format!("{bob} {everybody} {logged_in}")));
                assert_eq!(told(&reply, "public"), sorted(everybody));
            });
            facts = facts.fact(format!("{of}: nobody is told what the public may, or nothing"), move |at| {
                set(at);
                let reply = at.anybody(&format!("{method} {target}")).send();
                if everybody.contains("read") {
                    assert_eq!((told(&reply, "user"), told(&reply, "public")), (sorted(everybody), sorted(everybody)));
                } else {
                    assert_eq!((reply.status, reply.header("wac-allow")), (401, None));
                }
            });
        }
    }
    facts.hold();
}

/// What an ACL of the container says beside the owner's rule, and what bob gets for the container, for a document in it
/// and for one that is deeper.
const EFFECTIVE: &[(&str, &str, [u16; 3])] = &[
    (
        "accessTo rules the subject alone",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:mode acl:Read .",
        [200, 403, 403],
    ),
    (
        "default rules what is below alone",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 200, 200],
    ),
    (
        "accessTo and default rule both",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "two authorizations add up",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:mode acl:Read . <#s> a acl:Authorization; acl:agent <BOB>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "an accessTo of another resource has no effect",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HEREdoc>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "a default of another container has no effect",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:default <HEREsub/>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "relative IRIs are resolved against the ACL",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <./>; acl:default <.>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "the IRI without its slash is another one",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <../x>; acl:default <../x>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "what is no Authorization has no effect",
        "<#r> acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "an authorization without a mode has no effect",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE> .",
        [403, 403, 403],
    ),
    (
        "an authorization without a subject has no effect",
        "<#r> a acl:Authorization; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "an authorization without an object has no effect",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "an unknown mode is ignored",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Peek .",
        [403, 403, 403],
    ),
    (
        "a known mode beside an unknown one counts",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Peek, acl:Read .",
        [200, 200, 200],
    ),
    (
        "a mode in another vocabulary is ignored",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode <http://example.org/Read> .",
        [403, 403, 403],
    ),
    (
        "a mode as text is ignored",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode \"acl:Read\" .",
        [403, 403, 403],
    ),
    (
        "Append lets nobody read",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Append .",
        [403, 403, 403],
    ),
    (
        "Write lets nobody read",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Write .",
        [403, 403, 403],
    ),
    (
        "Control lets nobody read",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Control .",
        [403, 403, 403],
    ),
    (
        "a blank node is an authorization",
        "[] a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "one of several agents is named",
        "<#r> a acl:Authorization; acl:agent <http://example.org/#me>, <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "another fragment is another agent",
        "<#r> a acl:Authorization; acl:agent <BOB2>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "an agent as text is ignored",
        "<#r> a acl:Authorization; acl:agent \"BOB\"; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "an accessTo as text is ignored",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo \"HERE\"; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "an unknown class is ignored",
        "<#r> a acl:Authorization; acl:agentClass foaf:Person; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "foaf:Agent as an agent names nobody",
        "<#r> a acl:Authorization; acl:agent foaf:Agent; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "everybody is bob too",
        "<#r> a acl:Authorization; acl:agentClass foaf:Agent; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "whoever is logged in is bob too",
        "<#r> a acl:Authorization; acl:agentClass acl:AuthenticatedAgent; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "the draft's defaultForNew is unknown",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:defaultForNew <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "a group in the ACL itself names its members",
        "<#r> a acl:Authorization; acl:agentGroup <#g>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read . <#g> vcard:hasMember <BOB> .",
        [200, 200, 200],
    ),
    (
        "a group without bob does not name bob",
        "<#r> a acl:Authorization; acl:agentGroup <#g>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read . <#g> vcard:hasMember <http://example.org/#me> .",
        [403, 403, 403],
    ),
    (
        "a group as a blank node names its members",
        "<#r> a acl:Authorization; acl:agentGroup [ vcard:hasMember <BOB> ]; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "a group in a document names its members",
        "<#r> a acl:Authorization; acl:agentGroup <HEREgroup#g>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [200, 200, 200],
    ),
    (
        "another group of that document does not",
        "<#r> a acl:Authorization; acl:agentGroup <HEREgroup#other>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "a group of groups is none",
        "<#r> a acl:Authorization; acl:agentGroup <HEREgroup#nested>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "a group document that is absent names nobody",
        "<#r> a acl:Authorization; acl:agentGroup <HEREabsent#g>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "a group elsewhere that cannot be fetched names nobody",
        "<#r> a acl:Authorization; acl:agentGroup <http://localhost:1/group#g>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
    (
        "a condition on his issuer that holds lets bob in",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read; acl:condition [ a acl:IssuerCondition; acl:issuer <ISSUER> ] .",
        [200, 200, 200],
    ),
    (
        "a condition on another issuer does not",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read; acl:condition [ a acl:IssuerCondition; acl:issuer <http://example.org/> ] .",
        [403, 403, 403],
    ),
    (
        "a condition on another client does not",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read; acl:condition [ a acl:ClientCondition; acl:client <http://example.org/> ] .",
        [403, 403, 403],
    ),
    (
        "a condition on any client does",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read; acl:condition [ a acl:ClientCondition; acl:clientClass foaf:Agent ] .",
        [200, 200, 200],
    ),
    (
        "all conditions must hold",
        "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read; acl:condition [ a acl:IssuerCondition; acl:issuer <ISSUER> ], [ a acl:ClientCondition; acl:client <http://example.org/> ] .",
        [403, 403, 403],
    ),
    (
        "an origin alone grants nothing",
        "<#r> a acl:Authorization; acl:origin <https://app.example>; acl:accessTo <HERE>; acl:default <HERE>; acl:mode acl:Read .",
        [403, 403, 403],
    ),
];

#[test]
fn the_effective_rules_are_found_and_read() {
    let mut facts = Facts::of("effective rules");
    for (fact, rest, expected) in EFFECTIVE {
        for (target, status) in ["", "doc", "sub/deep/doc"].into_iter().zip(expected) {
            facts = facts.fact(format!("{fact} ('{target}')"), move |at| {
                let group = "@prefix vcard: <http://www.w3.org/2006/vcard/ns#>. <#g> vcard:hasMember <BOB>. \
                             <#nested> vcard:hasMember <#g>. <#other> vcard:hasMember <http://example.org/#me> .";
                at.with(&[("doc", ""), ("sub/deep/doc", ""), ("group", &group.replace("BOB", WORLD.webid("BOB")))]);
                let issuer = format!("http://localhost:{}/", WORLD.provider_port());
                at.alice("PUT .acl").turtle(&acl(at, rest).replace("ISSUER", &issuer)).gives(201);
                at.bob(&format!("GET {target}")).gives(*status);
            });
        }
    }
    facts.hold();
}

/// `Origin` of a request, what the rule for bob or for all says of origins, and what comes of it.
const ORIGINS: &[(&str, Option<&str>, &str, u16)] = &[
    (
        "a listed origin is let in",
        Some("https://app.example"),
        "acl:agent <BOB>; acl:origin <https://app.example>",
        200,
    ),
    (
        "an origin that is not listed is not",
        Some("https://evil.example"),
        "acl:agent <BOB>; acl:origin <https://app.example>",
        403,
    ),
    (
        "an origin with another port is another",
        Some("https://app.example:8443"),
        "acl:agent <BOB>; acl:origin <https://app.example>",
        403,
    ),
    (
        "an origin with another scheme is another",
        Some("http://app.example"),
        "acl:agent <BOB>; acl:origin <https://app.example>",
        403,
    ),
    ("the null origin is not listed", Some("null"), "acl:agent <BOB>; acl:origin <https://app.example>", 403),
    (
        "one of several origins is let in",
        Some("https://b.example"),
        "acl:agent <BOB>; acl:origin <https://a.example>, <https://b.example>",
        200,
    ),
    ("a request without origin is not restricted", None, "acl:agent <BOB>; acl:origin <https://app.example>", 200),
    ("a rule without origins is not restricted", Some("https://tester"), "acl:agent <BOB>", 200),
    (
        "what is public is public from any origin",
        Some("https://evil.example"),
        "acl:agentClass foaf:Agent; acl:origin <https://app.example>",
        200,
    ),
    (
        "whoever is logged in is held to the origin",
        Some("https://evil.example"),
        "acl:agentClass acl:AuthenticatedAgent; acl:origin <https://app.example>",
        403,
    ),
];

#[test]
fn origins_restrict_the_rules_that_name_them() {
    Facts::of("origins")
        .each(
            ORIGINS,
            |(fact, ..)| (*fact).to_owned(),
            |at, (_, origin, who, status)| {
                at.alice("PUT .acl").turtle(&acl(at, &rule("r", who, "read"))).gives(201);
                let asked = at.bob("GET ");
                let asked = match origin {
                    Some(origin) => asked.header("origin", *origin),
                    None => asked,
                };
                asked.gives(*status);
            },
        )
        .fact("the origin of this server is trusted", |at| {
            at.alice("PUT .acl")
                .turtle(&acl(at, &rule("r", "acl:agent <BOB>; acl:origin <https://app.example>", "read")))
                .gives(201);
            at.bob("GET ").header("origin", WORLD.origin.clone()).gives(200);
        })
        .hold();
}

#[test]
fn rules_change_at_once_and_everywhere() {
    Facts::of("changing rules")
        .fact("the rules of a document replace those of its container", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("doc", "")]);
            own(at, "doc", "acl:accessTo", "").gives(201);
            at.bob("GET doc").gives(403);
            at.bob("GET ").gives(200);
        })
        .fact("levels are never merged", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("sub/doc", "")]);
            own(at, "sub/", "acl:default", &for_bob("acl:Append")).gives(201);
            at.bob("GET sub/doc").gives(403);
            at.bob("PATCH sub/doc").patch("solid:inserts { <#a> <#b> 1 }").gives(204);
        })
        .fact("a nearer ACL without default hides the farther one", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("sub/doc", "")]);
            own(at, "sub/", "acl:accessTo", &for_bob("acl:Read")).gives(201);
            at.bob("GET sub/").gives(200);
            at.bob("GET sub/doc").gives(403);
        })
        .fact("deleting the own ACL brings the inherited one back", |at| {
            at.rules(&for_bob("acl:Read")).with(&[("doc", "")]);
            own(at, "doc", "acl:accessTo", "").gives(201);
            at.bob("GET doc").gives(403);
            at.alice("DELETE doc.acl").gives(204);
            at.bob("GET doc").gives(200);
        })
        .fact("a change far above is felt far below at once", |at| {
            at.with(&[("a/b/c/doc", "")]).rules(&for_bob("acl:Read"));
            at.bob("GET a/b/c/doc").gives(200);
            at.rules("");
            at.bob("GET a/b/c/doc").gives(403);
            at.rules(&for_bob("acl:Read"));
            at.bob("GET a/b/c/doc").gives(200);
        })
        .fact("an ACL that appears between is felt below at once", |at| {
            at.with(&[("a/b/doc", "")]).rules(&for_bob("acl:Read"));
            at.bob("GET a/b/doc").gives(200);
            own(at, "a/", "acl:default", "").gives(201);
            at.bob("GET a/b/doc").gives(403);
            at.alice("DELETE a/.acl").gives(204);
            at.bob("GET a/b/doc").gives(200);
        })
        .fact("whoever leaves a group loses at once what it granted", |at| {
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.with(&[("group", &member), ("doc", "")]);
            at.rules(&format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group")));
            at.bob("GET doc").gives(200);
            at.alice("PUT group").turtle("").gives(204);
            at.bob("GET doc").gives(403);
        })
        .fact("whoever joins a group by a patch gains at once", |at| {
            at.with(&[("group", "<#g> a <#Group> ."), ("doc", "")]);
            at.rules(&format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group")));
            at.bob("GET doc").gives(403);
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.alice("PATCH group").patch(&format!("solid:inserts {{ {member} }}")).gives(204);
            at.bob("GET doc").gives(200);
        })
        .fact("a group that is deleted names nobody", |at| {
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.with(&[("group", &member), ("doc", "")]);
            at.rules(&format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group")));
            at.alice("DELETE group").gives(204);
            at.bob("GET doc").gives(403);
        })
        .fact("a group is read although bob may not read its document", |at| {
            let member = format!("<#g> <http://www.w3.org/2006/vcard/ns#hasMember> <{}> .", WORLD.webid("BOB"));
            at.with(&[("group", &member), ("sub/", "")]);
            let group = format!("acl:agentGroup <{}#g>; acl:mode acl:Read", at.url("group"));
            own(at, "sub/", "acl:accessTo", &group).gives(201);
            at.bob("GET sub/").gives(200);
            at.bob("GET group").gives(403);
        })
        .fact("what is created anew inherits afresh", |at| {
            at.with(&[("doc", "")]);
            own(at, "doc", "acl:accessTo", &for_bob("acl:Read")).gives(201);
            at.bob("GET doc").gives(200);
            at.alice("DELETE doc").gives(204);
            at.with(&[("doc", "")]);
            at.alice("GET doc.acl").gives(404);
            at.bob("GET doc").gives(403);
        })
        .fact("a container created anew inherits afresh", |at| {
            at.with(&[("sub/", "")]);
            own(at, "sub/", "acl:default", &for_bob("acl:Read")).gives(201);
            at.alice("DELETE sub/").gives(204);
            at.with(&[("sub/doc", "")]);
            at.alice("GET sub/.acl").gives(404);
            at.bob("GET sub/doc").gives(403);
        })
        .fact("rules in JSON-LD rule", |at| {
            let json = format!(
                r##"{{"@context":{{"acl":"http://www.w3.org/ns/auth/acl#"}},"@id":"#r","@type":"acl:Authorization",
                "acl:agent":{{"@id":"{}"}},"acl:accessTo":{{"@id":"./"}},"acl:mode":{{"@id":"acl:Read"}}}}"##,
                WORLD.webid("BOB")
            );
            at.alice("PUT .acl").json_ld(&json).gives(201);
            at.bob("GET ").gives(200);
        })
        .fact("rules that a patch adds rule at once", |at| {
            at.rules("");
            at.bob("GET ").gives(403);
            let rule = format!(
                "<#b> a <http://www.w3.org/ns/auth/acl#Authorization>; <http://www.w3.org/ns/auth/acl#agent> <{}>; \
                 <http://www.w3.org/ns/auth/acl#accessTo> <./>; \
                 <http://www.w3.org/ns/auth/acl#mode> <http://www.w3.org/ns/auth/acl#Read> .",
                WORLD.webid("BOB")
            );
            at.alice("PATCH .acl").patch(&format!("solid:inserts {{ {rule} }}")).gives(204);
            at.bob("GET ").gives(200);
        })
        .fact("named graphs in an ACL grant nothing", |at| {
            let json = format!(
                r##"{{"@context":{{"acl":"http://www.w3.org/ns/auth/acl#"}},"@id":"#g","@graph":[{{"@id":"#r",
                "@type":"acl:Authorization","acl:agent":{{"@id":"{}"}},"acl:accessTo":{{"@id":"./"}},
                "acl:mode":{{"@id":"acl:Read"}}}}]}}"##,
                WORLD.webid("BOB")
            );
            at.alice("PUT .acl").json_ld(&json).gives(201);
            at.bob("GET ").gives(403);
        })
        .fact("the owner has Control though no ACL says so", |at| {
            at.with(&[("doc", "")]);
            at.alice("PUT doc.acl").turtle("").gives(201);
            at.alice("GET doc").gives(403);
            at.alice("GET doc.acl").gives(200);
            at.alice("DELETE doc.acl").gives(204);
            at.alice("GET doc").gives(200);
        })
        .hold();
}

/// Gives something rules of its own: alice everything, and what else is told.
fn own(at: &Place, name: &str, property: &str, other: &str) -> super::facts::Ask {
    let target = at.url(name);
    let other = if other.is_empty() {
        String::new()
    } else {
        format!("<#other> a acl:Authorization; {property} <{target}>; {other} .")
    };
    let acl = format!(
        "{PREFIXES}<#owner> a acl:Authorization; acl:agent <{}>; acl:accessTo <{target}>; acl:default <{target}>; \
         acl:mode acl:Read, acl:Write, acl:Control .\n{other}",
        WORLD.webid("ALICE")
    );
    at.alice(&format!("PUT {name}.acl")).turtle(&acl)
}

#[test]
fn acls_are_kept_by_whoever_has_control() {
    const CONDITION: &str = "http://www.w3.org/ns/auth/acl#condition";
    Facts::of("ACL resources")
        .fact("an ACL that was never written is missed", |at| drop(at.alice("GET .acl").gives(404)))
        .fact("an ACL is read as Turtle", |at| {
            at.rules("");
            let told = at.alice("GET .acl").accept("text/turtle").gives(200);
            assert_eq!(told.header("content-type"), Some("text/turtle"));
        })
        .fact("an ACL is read as JSON-LD", |at| {
            at.rules("");
            at.alice("GET .acl").accept("application/ld+json").gives(200).json();
        })
        .fact("an ACL written as JSON-LD is Turtle by default", |at| {
            at.alice("PUT .acl").json_ld("{}").gives(201);
            assert_eq!(at.alice("GET .acl").gives(200).header("content-type"), Some("text/turtle"));
        })
        .fact("a broken ACL is refused and the old one rules", |at| {
            at.rules(&for_bob("acl:Read"));
            at.alice("PUT .acl").turtle("<#r> broken").gives(400);
            at.bob("GET ").gives(200);
        })
        .fact("an ACL that is no RDF is refused", |at| drop(at.alice("PUT .acl").content("text/plain", "x").gives(415)))
        .fact("an ACL without Content-Type is refused", |at| {
            let told = at.alice("PUT .acl").header("x", "y").header("content-type", "").send();
            assert!(told.status == 400 || told.status == 415, "{told:?}");
        })
        .fact("an ACL that is too large is refused", |at| {
            let large = format!("<#r> <#says> \"{}\" .", "x".repeat(70_000));
            at.alice("PUT .acl").turtle(&large).gives(413);
        })
        .fact("an unknown condition is refused", |at| {
            let acl = acl(at, "<#r> a acl:Authorization; acl:agent <BOB>; acl:accessTo <HERE>; acl:mode acl:Read; acl:condition [ a acl:MoonCondition ] .");
            at.alice("PUT .acl").turtle(&acl).gives(422);
        })
        .fact("an unknown condition is refused in a patch too", |at| {
            at.rules("");
            let rule = "<#r> a <http://www.w3.org/ns/auth/acl#Authorization>; <http://www.w3.org/ns/auth/acl#accessTo> <./>; \
                <http://www.w3.org/ns/auth/acl#agent> <http://example.org/#me>; <http://www.w3.org/ns/auth/acl#mode> <http://www.w3.org/ns/auth/acl#Read>; \
                <http://www.w3.org/ns/auth/acl#condition> <#c> .";
            at.alice("PATCH .acl").patch(&format!("solid:inserts {{ {rule} }}")).gives(422);
        })
        .fact("the root's ACL is there", |at| drop(at.alice("GET /alice/.acl").gives(200)))
        .fact("the root's ACL is not deleted", |at| {
            let told = at.alice("DELETE /alice/.acl").gives(405);
            assert!(!told.header("allow").unwrap().contains("DELETE"));
        })
        .fact("the root's ACL keeps an agent with Control", |at| {
            at.alice("PUT /alice/.acl").turtle("").gives_any(&[409, 422]);
            at.alice("GET /alice/").gives(200);
        })
        .fact("no patch takes Control from the root's ACL", |at| {
            let everything = at.statements("/alice/.acl").join(" ");
            at.alice("PATCH /alice/.acl").patch(&format!("solid:deletes {{ {everything} }}")).gives_any(&[409, 422]);
            at.alice("GET /alice/").gives(200);
        })
        .fact("whoever has Control reads and writes the ACL and nothing else", |at| {
            at.with(&[("doc", "")]).rules(&for_bob("acl:Control"));
            at.bob("GET .acl").gives(200);
            at.bob("GET doc.acl").gives(404);
            at.bob("GET doc").gives(403);
            at.bob("PUT doc").turtle("").gives(403);
            let theirs = acl(at, "");
            at.bob("PUT .acl").turtle(&theirs).gives(204);
            at.bob("GET .acl").gives(403);
        })
        .fact("whoever may read and write does not see the ACL", |at| {
            at.rules(&for_bob("acl:Read, acl:Write"));
            at.bob("GET .acl").gives(403);
            at.bob("HEAD .acl").gives(403);
            at.bob("PUT .acl").turtle("").gives(403);
            at.bob("PATCH .acl").patch("solid:inserts { <#a> <#b> 1 }").gives(403);
            at.bob("DELETE .acl").gives(403);
        })
        .fact("the public does not see the ACL", |at| {
            at.rules(&public("acl:Read, acl:Write"));
            at.anybody("GET .acl").gives(401);
            at.anybody("PUT .acl").turtle("").gives(401);
            at.anybody("DELETE .acl").gives(401);
        })
        .fact("the public may have Control, and then sees the ACL", |at| {
            at.rules(&public("acl:Control"));
            at.anybody("GET .acl").gives(200);
            at.anybody("GET ").gives(401);
        })
        .fact("an absent ACL is refused to whoever lacks Control", |at| {
            at.rules(&for_bob("acl:Read, acl:Write")).with(&[("doc", "")]);
            at.bob("GET doc.acl").gives(403);
            at.anybody("GET doc.acl").gives(401);
        })
        .fact("an absent subject has no ACL", |at| {
            at.alice("GET absent.acl").gives(404);
            at.alice("PUT absent.acl").turtle("").gives_any(&[404, 409]);
            at.alice("GET absent").gives(404);
        })
        .fact("WAC-Allow of an ACL tells all or nothing", |at| {
            at.rules(&for_bob("acl:Control"));
            let reply = at.bob("GET .acl").gives(200);
            assert_eq!((told(&reply, "user").as_str(), told(&reply, "public").as_str()), ("control read write", ""));
        })
        .fact("an ACL is replaced only as it was seen", |at| {
            at.rules("");
            let tag = at.alice("GET .acl").gives(200).header("etag").unwrap().to_owned();
            at.rules(&for_bob("acl:Read"));
            at.alice("PUT .acl").header("if-match", tag).turtle("").gives(412);
            at.bob("GET ").gives(200);
        })
        .fact("an ACL is created only where none is", |at| {
            at.alice("PUT .acl").header("if-none-match", "*").turtle(&acl(at, "")).gives(201);
            at.alice("PUT .acl").header("if-none-match", "*").turtle("").gives(412);
        })
        .fact("an ACL is deleted once", |at| {
            at.rules("");
            at.alice("DELETE .acl").gives(204);
            at.alice("DELETE .acl").gives(404);
        })
        .fact("an ACL takes no POST", |at| {
            at.rules("");
            at.alice("POST .acl").turtle("").gives(405);
        })
        .fact("the conditions that count are advertised with the ACL", |at| {
            at.rules("");
            for method in ["GET", "HEAD"] {
                let told = at.alice(&format!("{method} .acl")).gives(200);
                for kind in ["ClientCondition", "IssuerCondition"] {
                    let link = format!("<http://www.w3.org/ns/auth/acl#{kind}>; rel=\"{CONDITION}\"");
                    assert!(told.all("link").contains(&link.as_str()), "{told:?}");
                }
            }
        })
        .fact("conditions are advertised with nothing else", |at| {
            at.rules("").with(&[("doc", "")]);
            for name in ["", "doc", "doc.meta"] {
                let told = at.alice(&format!("GET {name}")).gives(200);
                assert!(!told.all("link").iter().any(|link| link.contains("condition")), "{told:?}");
            }
        })
        .hold();
}
