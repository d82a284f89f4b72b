//! Web Access Control: which ACL rules a resource, whom an authorization names, what `WAC-Allow` tells. Tables for the
//! most part.
//!
//! Spec: <https://solidproject.org/TR/wac>, <https://solid.github.io/web-access-control-spec/> (conditions)

use super::{
    facts::{Facts, Place},
    world::{Reply, WORLD, World},
};

pub(super) const PREFIXES: &str = "@prefix acl: <http://www.w3.org/ns/auth/acl#>. @prefix foaf: <http://xmlns.com/foaf/0.1/>. \
                        @prefix vcard: <http://www.w3.org/2006/vcard/ns#>.\n";

/// An ACL in Turtle: alice everything, and the rest as it is written, with bob's WebID for `BOB` and the address of the
/// container for `HERE`.
pub(super) fn acl(at: &Place, rest: &str) -> String {
    acl_of(&WORLD, &at.url(""), rest)
}

/// The same for a container of any server.
pub(super) fn acl_of(world: &World, here: &str, rest: &str) -> String {
    let owner = format!(
        "<#owner> a acl:Authorization; acl:agent <{}>; acl:accessTo <HERE>; acl:default <HERE>; \
         acl:mode acl:Read, acl:Write, acl:Control .\n",
        world.webid("ALICE")
    );
    format!("{PREFIXES}{owner}{rest}").replace("BOB", world.webid("BOB")).replace("HERE", here)
}

/// Modes told by `WAC-Allow`; `append` is left out beside `write`.
pub(super) fn told(reply: &Reply, whose: &str) -> String {
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

/// An authorization for the container and what is in it; none without modes.
pub(super) fn rule(name: &str, who: &str, named: &str) -> String {
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
                at.alice("PUT .acl").turtle(&acl(at, rest).replace("ISSUER", WORLD.issuer())).gives(201);
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
