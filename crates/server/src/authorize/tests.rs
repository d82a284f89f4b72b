//! Who hears what while the rules change.

mod ranges;
mod world;

use super::{JudgeError, MAX_REQUIREMENTS, NotPermitted};
use podbell_egress::FetchError;
use podbell_hub::Need;
use podbell_log::At;
use podbell_model::{Auxiliary, Sequence, Subject, WebId};
use podbell_wac::{Access, Modes, Place, Refusal};
use world::{World, agent, iri, now};

#[tokio::test]
async fn a_revocation_counts_from_its_commit_on() {
    let world = World::new();
    let granted = world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:bob; acl:mode acl:Read."))]);
    let other = world.commit(&[("/other.acl", None)]);
    let revoked = world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:alice; acl:mode acl:Read."))]);
    let then = world.ask("bob", "/r", None, At::Commit(other)).await;
    assert!(then.allowed);
    assert_eq!((then.since, then.as_of), (granted, other));
    assert_eq!(then.depends_on.as_ref(), [iri("/r.acl")]);
    assert_eq!(then.valid_until, None);
    let newest = world.ask("bob", "/r", None, At::Now).await;
    assert!(!newest.allowed);
    assert_eq!((newest.since, newest.as_of), (revoked, revoked));
    assert!(world.ask("alice", "/r", None, At::Now).await.allowed);
}

#[tokio::test]
async fn a_resource_created_with_its_acl_is_never_ruled_without_it() {
    let world = World::new();
    world.commit(&[("/c/.acl", Some("acl:default </c/>; acl:agent a:bob; acl:mode acl:Read."))]);
    let created = world.commit(&[("/c/r.acl", Some("acl:accessTo </c/r>; acl:agent a:alice; acl:mode acl:Read."))]);
    for at in [At::Commit(created), At::Now] {
        assert!(!world.ask("bob", "/c/r", Some(created), at).await.allowed);
        assert!(world.ask("alice", "/c/r", Some(created), at).await.allowed);
    }
}

#[tokio::test]
async fn a_child_acl_cuts_inheritance() {
    let world = World::new();
    let opened = world.commit(&[("/c/.acl", Some("acl:default </c/>; acl:agent a:bob; acl:mode acl:Read."))]);
    let before = world.ask("bob", "/c/d/r", None, At::Now).await;
    assert!(before.allowed);
    assert_eq!(before.since, opened);
    assert_eq!(before.depends_on.as_ref(), [iri("/c/d/r.acl"), iri("/c/d/.acl"), iri("/c/.acl")]);
    let cut = world.commit(&[("/c/d/.acl", Some("acl:default </c/d/>; acl:agent a:alice; acl:mode acl:Read."))]);
    let after = world.ask("bob", "/c/d/r", None, At::Now).await;
    assert!(!after.allowed);
    assert_eq!(after.since, cut);
    let healed = world.commit(&[("/c/d/.acl", None)]);
    let again = world.ask("bob", "/c/d/r", None, At::Now).await;
    assert!(again.allowed);
    assert_eq!(again.since, healed, "an emptied slot is a change too");
}

#[tokio::test]
async fn the_end_is_told_to_those_who_could_read_just_before() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:default </>; acl:agent a:eve; acl:mode acl:Read."))]);
    let born = world.commit(&[("/c/r.acl", Some("acl:accessTo </c/r>; acl:agent a:bob; acl:mode acl:Read."))]);
    let ended = world.commit(&[("/c/r.acl", None)]);
    world.end("/c/r", born, ended);
    let later = world.commit(&[("/other.acl", None)]);
    for (at, as_of) in [(At::Commit(ended), ended), (At::Now, later)] {
        let bob = world.ask("bob", "/c/r", Some(born), at).await;
        assert!(bob.allowed);
        assert_eq!((bob.since, bob.as_of), (born, as_of));
        assert!(bob.depends_on.is_empty(), "nothing can change the own slot of a life that is over");
        assert!(!world.ask("eve", "/c/r", Some(born), at).await.allowed, "inheritance does not open it");
    }
    assert!(world.ask("eve", "/c/r", None, At::Now).await.allowed, "what could stand there now is inherited");
}

#[tokio::test]
async fn creating_the_name_again_opens_nothing_old() {
    let world = World::new();
    let born = world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:bob; acl:mode acl:Read."))]);
    let ended = world.commit(&[("/r.acl", None)]);
    world.end("/r", born, ended);
    let public = "acl:accessTo </r>; acl:agentClass foaf:Agent; acl:mode acl:Read.";
    let again = world.commit(&[("/r.acl", Some(public))]);
    for at in [At::Commit(ended), At::Commit(again), At::Now] {
        assert!(!world.ask("eve", "/r", Some(born), at).await.allowed, "{at:?}");
        assert!(world.ask("bob", "/r", Some(born), at).await.allowed, "{at:?}");
    }
    assert!(world.ask("eve", "/r", Some(again), At::Now).await.allowed);
}

#[tokio::test]
async fn later_changes_above_a_dead_resource_count() {
    let world = World::new();
    let root = world.commit(&[("/.acl", Some("acl:default </>; acl:agent a:bob; acl:mode acl:Read."))]);
    let born = world.commit(&[("/other.acl", None)]);
    let ended = world.commit(&[("/other.acl", None)]);
    world.end("/r", born, ended);
    let told = world.ask("bob", "/r", Some(born), At::Now).await;
    assert!(told.allowed);
    assert_eq!((told.since, told.as_of), (root, ended));
    assert_eq!(told.depends_on.as_ref(), [iri("/.acl")]);
    world.commit(&[("/.acl", Some("acl:default </>; acl:agent a:alice; acl:mode acl:Read."))]);
    assert!(!world.ask("bob", "/r", Some(born), At::Now).await.allowed);
    assert!(world.ask("bob", "/r", Some(born), At::Commit(ended)).await.allowed);
}

#[tokio::test]
async fn what_ends_with_its_container_is_told_by_the_rules_before() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:default </>; acl:agent a:eve; acl:mode acl:Read."))]);
    let born = world.commit(&[
        ("/c/.acl", Some("acl:default </c/>; acl:agentGroup </g#w>; acl:mode acl:Read.")),
        ("/g", Some("<#w> vcard:hasMember a:bob.")),
    ]);
    let ended = world.commit(&[("/c/.acl", None), ("/g", None)]);
    world.end("/c/r", born, ended);
    for at in [At::Commit(ended), At::Now] {
        let bob = world.ask("bob", "/c/r", Some(born), at).await;
        assert!(bob.allowed, "{at:?}");
        assert_eq!((bob.since, bob.as_of), (born, ended));
        assert_eq!(bob.depends_on.as_ref(), [iri("/c/.acl"), iri("/g")]);
        assert!(!world.ask("eve", "/c/r", Some(born), at).await.allowed, "{at:?}");
    }
    world.commit(&[("/g", Some("<#w> vcard:hasMember a:carol."))]);
    assert!(!world.ask("bob", "/c/r", Some(born), At::Now).await.allowed);
}

#[tokio::test]
async fn before_its_end_a_life_is_ruled_by_the_rules_of_then() {
    let world = World::new();
    let born = world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:alice; acl:mode acl:Read."))]);
    world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:bob; acl:mode acl:Read."))]);
    let ended = world.commit(&[("/r.acl", None)]);
    world.end("/r", born, ended);
    assert!(!world.ask("bob", "/r", Some(born), At::Commit(born)).await.allowed);
    assert!(world.ask("bob", "/r", Some(born), At::Commit(ended)).await.allowed);
}

#[tokio::test]
async fn an_end_between_two_looks_does_not_open_the_resource() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:default </>; acl:agent a:eve; acl:mode acl:Read."))]);
    let born = world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:bob; acl:mode acl:Read."))]);
    world.end_at_the_next_look("/r", born);
    assert!(!world.ask("eve", "/r", Some(born), At::Now).await.allowed);
    assert!(world.ask("bob", "/r", Some(born), At::Now).await.allowed);
}

#[tokio::test]
async fn leaving_a_group_of_this_server_is_exact() {
    let world = World::new();
    world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agentGroup </g#w>; acl:mode acl:Read."))]);
    let joined = world.commit(&[("/g", Some("<#w> vcard:hasMember a:bob."))]);
    let member = world.ask("bob", "/r", None, At::Now).await;
    assert!(member.allowed);
    assert_eq!(member.since, joined);
    assert_eq!(member.depends_on.as_ref(), [iri("/r.acl"), iri("/g")]);
    let left = world.commit(&[("/g", Some("<#w> vcard:hasMember a:carol."))]);
    let outside = world.ask("bob", "/r", None, At::Now).await;
    assert!(!outside.allowed);
    assert_eq!(outside.since, left);
    assert!(world.ask("bob", "/r", None, At::Commit(joined)).await.allowed);
    assert_eq!(world.fetches(), 0, "a group of this server is not fetched");
}

#[tokio::test]
async fn a_remote_group_is_believed_for_a_minute_and_no_failure_adds_to_it() {
    let world = World::new();
    world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agentGroup <http://far/g#w>; acl:mode acl:Read."))]);
    world.serve(Ok("<#w> vcard:hasMember a:bob. <http://x/g#w> vcard:hasMember a:eve."));
    let member = world.ask_when("bob", "/r", now(0)).await;
    assert!(member.allowed);
    assert_eq!(member.valid_until, Some(now(60)));
    assert_eq!(member.depends_on.as_ref(), [iri("/r.acl")]);
    world.serve(Err(FetchError::Unreachable));
    assert!(world.ask_when("bob", "/r", now(59)).await.allowed);
    assert_eq!(world.fetches(), 1);
    let failed = world.ask_when("bob", "/r", now(60)).await;
    assert!(!failed.allowed);
    assert!(failed.valid_until <= Some(now(120)));
    assert_eq!(world.fetches(), 2);
    world.serve(Ok("<#w> vcard:hasMember a:carol."));
    assert!(!world.ask_when("bob", "/r", now(120)).await.allowed);
    assert!(world.ask_when("carol", "/r", now(120)).await.allowed);
    world.serve(Ok("no Turtle"));
    assert!(!world.ask_when("carol", "/r", now(180)).await.allowed);
    assert!(!world.ask_when("", "/r", now(300)).await.allowed);
    assert_eq!(world.fetches(), 4, "the public is in no group");
}

#[tokio::test]
async fn a_remote_group_is_asked_again_when_the_clock_went_back() {
    let world = World::new();
    world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agentGroup <http://far/g#w>; acl:mode acl:Read."))]);
    world.serve(Ok("<#w> vcard:hasMember a:bob."));
    assert!(world.ask_when("bob", "/r", now(3_600)).await.allowed);
    world.serve(Err(FetchError::TimedOut));
    assert!(!world.ask_when("bob", "/r", now(0)).await.allowed);
}

#[tokio::test]
async fn rules_that_are_no_longer_known_answer_nothing() {
    let world = World::new();
    let granted = world.commit(&[("/r.acl", Some("acl:accessTo </r>; acl:agent a:bob; acl:mode acl:Read."))]);
    let ended = world.commit(&[("/r.acl", None)]);
    world.end("/r", granted, ended);
    world.prune_before(ended);
    assert!(world.try_ask("bob", "/r", None, At::Commit(granted)).await.is_err());
    assert!(world.try_ask("bob", "/r", Some(granted), At::Now).await.is_err());
    assert!(world.try_ask("bob", "/r", None, At::Now).await.is_ok());
}

#[tokio::test]
async fn an_acl_that_cannot_be_read_grants_nothing() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:default </>; acl:agentClass foaf:Agent; acl:mode acl:Read."))]);
    let broken = world.commit_raw("/c/.acl", "this is no N-Triples");
    let answer = world.ask("bob", "/c/r", None, At::Now).await;
    assert!(!answer.allowed);
    assert_eq!(answer.since, broken);
    assert_eq!(answer.depends_on.as_ref(), [iri("/c/r.acl"), iri("/c/.acl")]);
    assert!(world.ask("bob", "/r", None, At::Now).await.allowed);
}

#[tokio::test]
async fn a_storage_that_is_gone_tells_nothing() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:default </>; acl:agentClass foaf:Agent; acl:mode acl:Read."))]);
    assert!(world.ask("bob", "/r", None, At::Now).await.allowed);
    world.delete_storage();
    assert!(!world.ask("bob", "/r", None, At::Now).await.allowed);
    let denied = world.judge().permit(Access::Read { resource: iri("/r") }, &agent("bob"), now(0)).await;
    assert!(matches!(denied, Err(NotPermitted::Unknown(JudgeError::NoStorage))));
}

#[tokio::test]
async fn an_acl_is_heard_of_by_holders_of_control_only() {
    let world = World::new();
    world.commit(&[(
        "/r.acl",
        Some(
            "acl:accessTo </r>; acl:agent a:bob; acl:mode acl:Read, acl:Write.
             <#c> a acl:Authorization; acl:accessTo </r>; acl:agent a:alice; acl:mode acl:Control.",
        ),
    )]);
    let acl = iri("/r").auxiliary(Auxiliary::Acl);
    for need in [Need::Control, Need::Read] {
        assert!(!world.ask_need("bob", acl.path(), need).await, "{need:?}");
        assert!(world.ask_need("alice", acl.path(), need).await, "{need:?}");
        assert!(world.ask_need("owner", acl.path(), need).await, "{need:?}");
    }
    assert!(world.ask_need("bob", "/r.meta", Need::Read).await);
    assert!(!world.ask_need("alice", "/r.meta", Need::Read).await);
    assert!(!world.ask_need("bob", "/r", Need::Control).await);
}

#[tokio::test]
async fn the_pod_gets_permits_that_say_what_they_rest_on() {
    let world = World::new();
    let both = "acl:accessTo </c/>; acl:default </c/>; acl:agent a:bob; acl:mode acl:Write.";
    let granted = world.commit(&[("/c/.acl", Some(both))]);
    let put = || Access::Put { resource: iri("/c/r"), place: Place::Absent { nearest: iri("/c/") } };
    let permitted = world.judge().permit(put(), &agent("bob"), now(0)).await.unwrap();
    assert_eq!(permitted.permit().permitted_as_of(), granted);
    assert_eq!(permitted.permit().depends_on().as_ref(), [iri("/c/.acl"), iri("/c/r.acl")]);
    assert_eq!(permitted.permit().decision(&iri("/c/r")).unwrap().user, Modes::WRITE);
    let refused = world.judge().permit(put(), &agent("eve"), now(0)).await;
    assert!(matches!(refused, Err(NotPermitted::Refused(Refusal::Forbidden))));
    let refused = world.judge().permit(put(), &agent(""), now(0)).await;
    assert!(matches!(refused, Err(NotPermitted::Refused(Refusal::Unauthenticated))));
    let owner = Subject::agent(WebId::new("http://agents/owner"));
    let judged = world.judge().decide(&owner, &iri("/elsewhere"), At::Now, now(0)).await.unwrap();
    assert_eq!(judged.decision.user, Modes::CONTROL, "the owner keeps Control without any ACL");
    assert_eq!(judged.since, Sequence(0));
}

#[tokio::test]
async fn a_path_too_deep_to_create_is_refused_like_anything_else() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:accessTo </>; acl:default </>; acl:agent a:bob; acl:mode acl:Write."))]);
    let put = |depth: usize| Access::Put {
        resource: iri(&format!("/{}r", "a/".repeat(depth))),
        place: Place::Absent { nearest: iri("/") },
    };
    let deepest = MAX_REQUIREMENTS - 2;
    assert!(world.judge().permit(put(deepest), &agent("bob"), now(0)).await.is_ok());
    let refused = world.judge().permit(put(deepest + 1), &agent("bob"), now(0)).await;
    assert!(matches!(refused, Err(NotPermitted::Refused(Refusal::Forbidden))));
    let refused = world.judge().permit(put(deepest + 1), &agent(""), now(0)).await;
    assert!(matches!(refused, Err(NotPermitted::Refused(Refusal::Unauthenticated))));
}

#[tokio::test]
async fn each_container_of_a_permit_is_judged_by_its_own_acl() {
    let world = World::new();
    world.commit(&[
        ("/c/.acl", Some("acl:accessTo </c/>; acl:agent a:alice; acl:mode acl:Write.")),
        ("/c/r.acl", Some("acl:accessTo </c/r>; acl:agent a:bob, a:alice; acl:mode acl:Write.")),
    ]);
    let delete = || Access::Delete { resource: iri("/c/r"), exists: true };
    assert!(world.judge().permit(delete(), &agent("alice"), now(0)).await.is_ok());
    assert!(world.judge().permit(delete(), &agent("bob"), now(0)).await.is_err());
}

#[tokio::test]
async fn an_acl_that_holds_a_group_stays_a_dependency_after_its_subject() {
    let world = World::new();
    world.commit(&[("/.acl", Some("acl:default </>; acl:agentGroup </r.acl#w>; acl:mode acl:Read."))]);
    let born = world.commit(&[("/other.acl", None)]);
    let ended = world.commit(&[("/other.acl", None)]);
    world.end("/r", born, ended);
    let outside = world.ask("bob", "/r", Some(born), At::Now).await;
    assert!(!outside.allowed);
    assert_eq!(outside.depends_on.as_ref(), [iri("/.acl"), iri("/r.acl")]);
    world.commit(&[("/r.acl", Some("acl:mode acl:Read. <#w> vcard:hasMember a:bob."))]);
    assert!(world.ask("bob", "/r", Some(born), At::Now).await.allowed);
}
