//! Channels over everything below a container: who hears what of it, and what a withdrawal ends.

use super::world::*;
use crate::{Channel, ConnectError, Ending, Filter, Relation};
use podbell_model::{ActivityKind, Subject, WebId};

fn below(world: &World, name: &str, paths: &[&str]) -> Channel {
    Channel { recursive: true, ..world.channel(name, paths) }
}

#[tokio::test]
async fn every_change_below_is_told_once_as_a_change_of_its_object() {
    let world = World::new();
    let bob = world.listen(&below(&world, "bob", &["/c/"])).await;
    for path in ["/c/x", "/c/d/", "/c/d/e", "/c/", "/a", "/cc"] {
        world.write(path);
    }
    world.delete("/c/d/e");
    world.quiet().await;
    let told = ["Create /c/x", "Create /c/d/", "Create /c/d/e", "Create /c/", "Delete /c/d/e"];
    assert_eq!(bob.ear.facts(), told);
}

#[tokio::test]
async fn topics_inside_each_other_tell_a_change_once() {
    let world = World::new();
    let bob = world.listen(&below(&world, "bob", &["/c/", "/c/d/", "/c/d/e"])).await;
    world.write("/c/d/e");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /c/d/e"]);
}

#[tokio::test]
async fn what_the_listener_may_not_read_below_is_not_told() {
    let world = World::new();
    world.allow("/c/secret", &["alice"]);
    let bob = world.listen(&below(&world, "bob", &["/c/"])).await;
    let alice = world.listen(&below(&world, "alice", &["/c/"])).await;
    world.write("/c/secret");
    world.write("/c/open");
    world.delete("/c/secret");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /c/open"]);
    assert_eq!(alice.ear.facts(), ["Create /c/secret", "Create /c/open", "Delete /c/secret"]);
}

#[tokio::test]
async fn a_withdrawal_below_ends_what_is_committed_later_even_if_it_waits() {
    let world = World::new();
    let bob = world.listen(&below(&world, "bob", &["/c/"])).await;
    world.write("/c/x");
    world.quiet().await;
    bob.block();
    world.write("/c/x");
    world.quiet().await;
    world.allow("/c/x", &["alice"]);
    world.write("/c/x");
    world.quiet().await;
    bob.unblock();
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /c/x"], "neither what waited nor what came later");
    assert!(bob.connection.is_open(), "the container is still theirs");
    world.allow("/c/x", &["alice", "bob"]);
    world.write("/c/x");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /c/x", "Update /c/x"]);
}

#[tokio::test]
async fn whoever_loses_the_container_hears_nothing_below_it() {
    let world = World::new();
    world.allow("/c/x", &["bob"]);
    let channel = below(&world, "bob", &["/c/"]);
    let bob = world.listen(&channel).await;
    world.write("/c/x");
    world.quiet().await;
    world.allow("/c/", &["alice"]);
    world.write("/c/x");
    world.quiet().await;
    assert_eq!(bob.ear.facts(), ["Create /c/x"]);
    assert_eq!(bob.ear.closed(), Some((Ending::Forbidden, false)));
    let again = world.admit(&channel).await;
    assert!(matches!(again, Err(ConnectError::Ended | ConnectError::Unknown)), "{again:?}");
}

#[tokio::test]
async fn answers_about_objects_below_do_not_pile_up() {
    let world = World::new();
    let _bob = world.listen(&below(&world, "bob", &["/c/"])).await;
    for number in 0..1_000 {
        world.write(&format!("/c/{number}"));
        if number % 100 == 0 {
            world.quiet().await;
        }
    }
    world.quiet().await;
    let kept = world.hub.inner.shard.lock().entries.len();
    assert!(kept <= crate::subtree::KEPT + 1, "{kept}");
}

#[tokio::test]
async fn a_filter_lets_through_only_its_kinds() {
    let world = World::new();
    let kinds = [(Relation::Object, ActivityKind::Delete), (Relation::Member, ActivityKind::Create)];
    let bob = world.listen(&Channel { filter: Filter::only(kinds), ..world.channel("bob", &["/a", "/c/"]) }).await;
    let all = world.hear("bob", &["/a", "/c/"]).await;
    world.write("/a");
    world.delete("/a");
    world.write("/c/x");
    world.delete("/c/x");
    world.quiet().await;
    let wanted = |fact: &String| ["Delete /a", "Add /c/x"].contains(&fact.as_str());
    let expected: Vec<_> = all.ear.facts().into_iter().filter(wanted).collect();
    assert!(expected.contains(&"Delete /a".to_owned()));
    assert_eq!(bob.ear.facts(), expected);
}

#[test]
fn own_changes_are_left_out_and_those_of_nobody_are_not() {
    let filter = Filter::from_code(31, true);
    let (bob, nobody) = (Subject::agent(WebId::new("https://bob.example/#me")), Subject::public());
    let by = |actor: Option<&str>| podbell_model::Activity { actor: actor.map(WebId::new), ..an_activity() };
    let passes = |actor, subject: &Subject| filter.passes(Relation::Object, &by(actor), subject);
    assert!(!passes(Some("https://bob.example/#me"), &bob));
    assert!(passes(Some("https://alice.example/#me"), &bob));
    assert!(passes(None, &bob));
    assert!(passes(None, &nobody), "the public is not one person");
}

fn an_activity() -> podbell_model::Activity {
    podbell_model::Activity {
        id: podbell_model::Uuid::nil(),
        kind: ActivityKind::Update,
        object: iri("/a"),
        class: podbell_model::ResourceClass::RdfSource,
        generation: podbell_model::Generation(podbell_model::Sequence(1)),
        state: None,
        membership: None,
        actor: None,
        published: podbell_model::Timestamp::UNIX_EPOCH,
    }
}
