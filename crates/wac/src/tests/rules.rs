//! Who is granted what by which ACL: attacks and corners of the text, one fact to a test.

use super::world::{OWNER, World, agent, from, iri, storage};
use crate::{Access, Decisions, OriginRule, Refusal, Rules, authorize};
use podbell_model::{Sequence, Subject, WebId};

const READ: &str = "acl:mode acl:Read";

fn origin(rule: OriginRule, own: &[&str]) -> Rules {
    Rules { origin: rule, own_origins: own.iter().map(|own| (*own).into()).collect(), conditions: false }
}

#[test]
fn a_permission_is_for_the_same_access_alone() {
    let world =
        World::new(&[("/", "<#a> a acl:Authorization; acl:default </>; acl:agent a:alice; acl:mode acl:Write.")]);
    let put = |path| Access::Put { resource: iri(path), place: crate::Place::Exists };
    let permitted = || world.authorize(&agent("alice"), put("/r")).unwrap();
    assert!(permitted().to(put("/r")).is_ok());
    assert!(permitted().to(put("/s")).is_err());
    let creates = Access::Put { resource: iri("/r"), place: crate::Place::Absent { nearest: iri("/") } };
    assert!(permitted().to(creates).is_err());
    assert!(permitted().to(Access::Read { resource: iri("/r") }).is_err());
}

#[test]
fn the_nearest_acl_rules_alone() {
    let world = World::new(&[
        ("/", &format!("<#a> a acl:Authorization; acl:default </>; acl:agent a:alice; {READ}.")),
        ("/c/", &format!("<#b> a acl:Authorization; acl:default </c/>; acl:agent a:bob; {READ}.")),
    ]);
    assert_eq!(world.user(&agent("alice"), "/r"), "read");
    assert_eq!(world.user(&agent("alice"), "/c/r"), "", "a child ACL cuts inheritance");
    assert_eq!(world.user(&agent("bob"), "/c/d/r"), "read");
    assert_eq!(world.user(&agent("bob"), "/c/"), "", "default does not rule its own container");
    let looked_at: Vec<_> = world.decide(&agent("bob"), "/c/d/r").depends_on;
    assert_eq!(looked_at, [iri("/c/d/r.acl"), iri("/c/d/.acl"), iri("/c/.acl")]);
}

#[test]
fn access_to_is_not_inherited_and_default_is_not_access() {
    let world = World::new(&[(
        "/c/",
        "<#a> a acl:Authorization; acl:accessTo </c/>; acl:agent a:alice; acl:mode acl:Write.
         <#b> a acl:Authorization; acl:default </c/>; acl:agent a:alice; acl:mode acl:Read.",
    )]);
    assert_eq!(world.user(&agent("alice"), "/c/"), "write append");
    assert_eq!(world.user(&agent("alice"), "/c/r"), "read");
}

#[test]
fn an_acl_speaks_for_its_own_subject_only() {
    for target in ["</>", "</c/other>", "</c/r/>", "</c/R>", "</c>", "<http://x:80/c/r>", "\"http://x/c/r\""] {
        let turtle = format!("<#a> a acl:Authorization; acl:accessTo {target}; acl:agent a:alice; {READ}.");
        assert_eq!(World::new(&[("/c/r", &turtle)]).user(&agent("alice"), "/c/r"), "", "{target}");
    }
    let turtle = format!("<#a> a acl:Authorization; acl:default </c/d/>; acl:agent a:alice; {READ}.");
    assert_eq!(World::new(&[("/c/", &turtle)]).user(&agent("alice"), "/c/d/r"), "");
}

#[test]
fn an_incomplete_authorization_grants_nothing() {
    let whole = format!("<#a> a acl:Authorization; acl:accessTo </r>; acl:agent a:alice; {READ}.");
    assert_eq!(World::new(&[("/r", &whole)]).user(&agent("alice"), "/r"), "read");
    for without in ["a acl:Authorization;", "acl:accessTo </r>;", "acl:agent a:alice;"] {
        let turtle = whole.replace(without, "");
        assert_eq!(World::new(&[("/r", &turtle)]).user(&agent("alice"), "/r"), "", "without {without}");
    }
    let unknown = whole.replace("acl:Read", "acl:Fly");
    assert_eq!(World::new(&[("/r", &unknown)]).user(&agent("alice"), "/r"), "");
    let both = whole.replace("acl:Read", "acl:Fly, acl:Read");
    assert_eq!(World::new(&[("/r", &both)]).user(&agent("alice"), "/r"), "read", "an unknown mode does no harm");
}

#[test]
fn agents_are_compared_as_strings() {
    let turtle = format!("<#a> a acl:Authorization; acl:accessTo </r>; acl:agent <http://Agents/alice#me>; {READ}.");
    let world = World::new(&[("/r", &turtle)]);
    for (webid, modes) in [
        ("http://Agents/alice#me", "read"),
        ("http://agents/alice#me", ""),
        ("http://Agents/alice", ""),
        ("http://Agents/alice#me2", ""),
    ] {
        assert_eq!(world.user(&Subject::agent(WebId::new(webid)), "/r"), modes, "{webid}");
    }
}

#[test]
fn classes_are_everyone_and_everyone_with_a_name() {
    let world = World::new(&[(
        "/r",
        "<#a> a acl:Authorization; acl:accessTo </r>; acl:agentClass foaf:Agent; acl:mode acl:Read.
         <#b> a acl:Authorization; acl:accessTo </r>; acl:agentClass acl:AuthenticatedAgent; acl:mode acl:Append.
         <#c> a acl:Authorization; acl:accessTo </r>; acl:agentClass foaf:Person; acl:mode acl:Control.",
    )]);
    let header = |name| world.decide(&agent(name), "/r").wac_allow(&iri("/r"));
    assert_eq!(header(""), "user=\"read\",public=\"read\"");
    assert_eq!(header("alice"), "user=\"read append\",public=\"read\"");
}

#[test]
fn the_owner_keeps_control_and_nothing_more() {
    let owner = Subject::agent(WebId::new(OWNER));
    let world =
        World::new(&[("/", "<#a> a acl:Authorization; acl:accessTo </>; acl:agent a:alice; acl:mode acl:Read.")]);
    for world in [&world, &World::default(), &World::new(&[("/", "no Turtle at all")])] {
        let decision = world.decide(&owner, "/c/r");
        assert_eq!(decision.user.to_string(), "control");
        assert_eq!(decision.wac_allow(&iri("/c/r.acl")), "user=\"read write append control\",public=\"\"");
        assert_eq!(decision.wac_allow(&iri("/c/r.meta")), "user=\"control\",public=\"\"");
        assert_eq!(world.user(&agent("bob"), "/c/r"), "");
    }
}

#[test]
fn an_unreadable_acl_does_not_fall_through_to_an_open_one() {
    let open = format!("<#a> a acl:Authorization; acl:default </>; acl:agentClass foaf:Agent; {READ}.");
    let world = World::new(&[("/", &open), ("/c/", "<#a> a acl:Authorization; acl:agent ")]);
    assert_eq!(world.user(&agent(""), "/r"), "read");
    assert_eq!(world.user(&agent(""), "/c/r"), "");
}

#[test]
fn groups_are_found_in_their_documents() {
    let turtle = format!(
        "<#a> a acl:Authorization; acl:accessTo </r>; acl:agentGroup </groups#work>, <http://far/g#all>; {READ}."
    );
    let members = "<#work> vcard:hasMember a:alice. <#play> vcard:hasMember a:bob. <#work> vcard:hasMember <#play>.";
    let world = World::new(&[("/r", &turtle)]).with_group("http://x/groups", members).with_group(
        "http://far/g",
        "<#all> vcard:hasMember a:carol. <http://x/groups#work> vcard:hasMember a:mallory.",
    );
    assert_eq!(world.user(&agent("alice"), "/r"), "read");
    assert_eq!(world.user(&agent("bob"), "/r"), "", "there are no groups of groups");
    assert_eq!(world.user(&agent("carol"), "/r"), "read");
    assert_eq!(world.user(&agent("mallory"), "/r"), "", "a document speaks for its own groups only");
    let decision = world.decide(&agent("alice"), "/r");
    assert_eq!(decision.depends_on, [iri("/r.acl"), iri("/groups")]);
    assert!(decision.remote_groups);
    let public = world.decide(&agent(""), "/r");
    assert_eq!(public.depends_on, [iri("/r.acl")], "the public is in no group");
    assert!(!public.remote_groups);
}

#[test]
fn a_group_that_the_acl_defines_is_looked_up_there() {
    let turtle = format!(
        "<#a> a acl:Authorization; acl:accessTo </r>; acl:agentGroup <#team>, [vcard:hasMember a:bob], </g#w>; {READ}.
         <#team> vcard:hasMember a:alice. </g#w> vcard:hasMember a:carol."
    );
    let world = World::new(&[("/r", &turtle)]).with_group("http://x/g", "<#w> vcard:hasMember a:dan.");
    for (name, modes) in [("alice", "read"), ("bob", "read"), ("carol", "read"), ("dan", ""), ("eve", "")] {
        assert_eq!(world.user(&agent(name), "/r"), modes, "{name}");
    }
    assert_eq!(world.decide(&agent("alice"), "/r").depends_on, [iri("/r.acl")]);
}

#[test]
fn a_group_document_that_is_missing_has_no_members() {
    let turtle =
        format!("<#a> a acl:Authorization; acl:accessTo </r>; acl:agentGroup </g#w>, <http://far/g#w>; {READ}.");
    let decision = World::new(&[("/r", &turtle)]).decide(&agent("alice"), "/r");
    assert!(decision.user.is_empty());
    assert_eq!(decision.depends_on, [iri("/r.acl"), iri("/g")], "it may appear");
    assert!(decision.remote_groups);
}

#[test]
fn listed_origins_restrict_and_unlisted_pages_are_left_alone() {
    let turtle = format!(
        "<#a> a acl:Authorization; acl:accessTo </r>; acl:agent a:alice; acl:origin <https://app>; {READ}.
         <#b> a acl:Authorization; acl:accessTo </r>; acl:agent a:bob; {READ}.
         <#c> a acl:Authorization; acl:accessTo </r>; acl:origin <https://app>; acl:mode acl:Write."
    );
    let mut world = World::new(&[("/r", &turtle)]);
    world.rules = origin(OriginRule::RestrictIfPresent, &["https://own"]);
    assert_eq!(world.user(&from("alice", "https://app"), "/r"), "read", "an origin alone grants nothing");
    assert_eq!(world.user(&from("alice", "https://evil"), "/r"), "");
    assert_eq!(world.user(&from("alice", "https://app.evil"), "/r"), "");
    assert_eq!(world.user(&from("alice", "https://own"), "/r"), "read");
    assert_eq!(world.user(&agent("alice"), "/r"), "read");
    assert_eq!(world.user(&from("bob", "https://tester"), "/r"), "read");
    assert_eq!(world.user(&from("carol", "https://app"), "/r"), "");
    world.rules = origin(OriginRule::Ignore, &[]);
    assert_eq!(world.user(&from("alice", "https://evil"), "/r"), "read");
    world.rules = origin(OriginRule::Strict, &["https://own"]);
    assert_eq!(world.user(&from("bob", "https://tester"), "/r"), "");
    assert_eq!(world.user(&from("bob", "https://app"), "/r"), "read", "another authorization grants the origin");
    assert_eq!(world.user(&from("bob", "https://own"), "/r"), "read");
    assert_eq!(world.user(&from("owner", "https://evil"), "/r"), "");
    assert_eq!(world.user(&from("owner", "https://own"), "/r"), "control");
}

#[test]
fn an_origin_that_cannot_be_read_restricts_all_the_same() {
    let turtle =
        format!("<#a> a acl:Authorization; acl:accessTo </r>; acl:agent a:alice; acl:origin \"https://app\"; {READ}.");
    let world = World::new(&[("/r", &turtle)]);
    assert_eq!(world.user(&from("alice", "https://evil"), "/r"), "");
}

#[test]
fn what_is_public_is_public_from_any_page() {
    let turtle = format!(
        "<#a> a acl:Authorization; acl:accessTo </r>; acl:agentClass foaf:Agent; acl:origin <https://app>; {READ}."
    );
    let mut world = World::new(&[("/r", &turtle)]);
    for rule in [OriginRule::Ignore, OriginRule::RestrictIfPresent, OriginRule::Strict] {
        world.rules.origin = rule;
        assert_eq!(world.user(&from("", "https://evil"), "/r"), "read");
        assert_eq!(world.user(&from("alice", "https://evil"), "/r"), "read");
    }
}

#[test]
fn conditions_must_all_hold() {
    let turtle = format!(
        "<#a> a acl:Authorization; acl:accessTo </r>; acl:agentClass acl:AuthenticatedAgent; {READ};
           acl:condition [a acl:ClientCondition; acl:client <http://app/id>; acl:clientGroup <#apps>],
                         [a acl:IssuerCondition; acl:issuer <http://idp/>].
         <#b> a acl:Authorization; acl:accessTo </r>; acl:agentClass foaf:Agent; acl:mode acl:Append;
           acl:condition [a acl:ClientCondition; acl:client <http://app/id>].
         <#apps> vcard:hasMember <http://other-app/id>."
    );
    let mut world = World::new(&[("/r", &turtle)]);
    let with = |client: &str, issuer: &str| Subject {
        client: Some(client.into()),
        issuer: Some(issuer.into()),
        ..agent("alice")
    };
    let rows = [
        (with("http://app/id", "http://idp/"), "read append"),
        (with("http://other-app/id", "http://idp/"), "read"),
        (with("http://app/id", "http://evil/"), "append"),
        (with("http://evil/id", "http://idp/"), ""),
        (agent("alice"), ""),
        (agent(""), ""),
    ];
    for (subject, modes) in &rows {
        assert_eq!(world.user(subject, "/r"), "", "not evaluated, so nothing holds");
        world.rules.conditions = true;
        assert_eq!(world.user(subject, "/r"), *modes, "{subject:?}");
        world.rules.conditions = false;
    }
    assert!(world.decide(&rows[0].0, "/r").public.is_empty());
}

#[test]
fn a_condition_of_an_unknown_type_holds_never() {
    for condition in ["[a acl:MoonCondition]", "<#nowhere>", "\"text\"", "[acl:client <http://app/id>]"] {
        let turtle = format!(
            "<#a> a acl:Authorization; acl:accessTo </r>; acl:agentClass foaf:Agent; {READ}; acl:condition {condition}."
        );
        let mut world = World::new(&[("/r", &turtle)]);
        world.rules.conditions = true;
        assert_eq!(world.user(&agent("alice"), "/r"), "", "{condition}");
    }
}

#[test]
fn a_decision_for_another_subject_permits_nothing() {
    let turtle = format!("<#a> a acl:Authorization; acl:accessTo </r>; acl:agent a:alice; {READ}.");
    let world = World::new(&[("/r", &turtle)]);
    let mut decisions = Decisions::new(agent("bob"));
    decisions.insert(world.decide(&agent("alice"), "/r"), Sequence(1));
    let refused = authorize(Access::Read { resource: iri("/r") }, &storage(), decisions);
    assert_eq!(refused.map(|_| ()), Err(Refusal::Forbidden));
    let none = authorize(Access::Read { resource: iri("/r") }, &storage(), Decisions::new(agent("")));
    assert_eq!(none.map(|_| ()), Err(Refusal::Unauthenticated));
}
