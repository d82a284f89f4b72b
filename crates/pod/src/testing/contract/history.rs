//! The history of rules: what they were at each commit, and which life of a resource they ruled.

use super::{
    Fixture, World,
    world::{iri, whole_log},
};
use podbell_log::{At, Log, LogError, PolicyHistory};
use podbell_model::{Generation, Sequence};

async fn rules<F: Fixture>(world: &World<F>, name: &str, at: At) -> Option<String> {
    let snapshot = world.store().policies(&[iri(name)], at).await.unwrap();
    snapshot.documents[0].1.as_ref().map(|body| body.body.to_string())
}

/// The commit's own changes included; before the first there is nothing.
pub async fn rules_are_read_as_of_any_commit<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1")]).await;
    let one = world.commit(vec![world.acl("a", "one")]).await.sequence;
    let between = world.commit(vec![world.put("a", "2")]).await.sequence;
    let two = world.commit(vec![world.acl("a", "two")]).await.sequence;
    let gone = world.commit(vec![world.delete_acl("a")]).await.sequence;
    for (at, expected) in [
        (At::Commit(one.before()), None),
        (At::Commit(one), Some("one")),
        (At::Commit(between), Some("one")),
        (At::Commit(two), Some("two")),
        (At::Commit(gone), None),
        (At::Now, None),
    ] {
        assert_eq!(rules(&world, "a.acl", at).await.as_deref(), expected, "{at:?}");
    }
    let snapshot = world.store().policies(&[iri("a.acl")], At::Commit(between)).await.unwrap();
    let (touched, body) = &snapshot.documents[0];
    assert_eq!((snapshot.as_of, *touched, body.as_ref().unwrap().since), (between, one, one));
}

/// A resource deleted and made anew: the rules of each life are told apart.
pub async fn rules_outlive_their_subject<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.acl("a", "old")]).await;
    let deleted = world.commit(vec![world.delete("a")]).await.sequence;
    let created = world.commit(vec![world.put("a", "2"), world.acl("a", "new")]).await.sequence;
    assert_eq!(rules(&world, "a.acl", At::Commit(deleted.before())).await.as_deref(), Some("old"));
    assert_eq!(rules(&world, "a.acl", At::Commit(deleted)).await, None);
    assert_eq!(rules(&world, "a.acl", At::Commit(created)).await.as_deref(), Some("new"));
    assert_eq!(rules(&world, "a.acl", At::Now).await.as_deref(), Some("new"));
}

/// In the order in which they were asked for.
pub async fn several_documents_are_read_as_of_one_commit<F: Fixture>() {
    let world = World::<F>::new().await;
    let made = world.commit(vec![world.put("a", "1"), world.acl("a", "rules"), world.group("g", "members")]).await;
    let documents = [iri("g"), iri("absent.acl"), iri(".acl"), iri("a.acl"), iri("g")];
    let snapshot = world.store().policies(&documents, At::Now).await.unwrap();
    assert_eq!(snapshot.as_of, world.store().head());
    let bodies: Vec<_> =
        snapshot.documents.iter().map(|(_, body)| body.as_ref().map(|body| body.body.to_string())).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(bodies, [some("members"), None, some("root rules"), some("rules"), some("members")]);
    let touched: Vec<_> = snapshot.documents.iter().map(|(touched, _)| *touched).collect();
    assert_eq!(touched, [made.sequence, Sequence(0), Sequence(1), made.sequence, made.sequence]);
}

/// Rather than a wrong answer.
pub async fn rules_older_than_every_record_are_a_gap<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.acl("a", "one")]).await;
    world.commit(vec![world.acl("a", "two")]).await;
    world.commit(vec![world.acl("a", "three")]).await;
    world.commit(vec![world.put("a", "2")]).await;
    world.fixture.prune(2).await;
    let oldest = world.store().read(whole_from(&world).await, 1).await.unwrap()[0].sequence;
    assert_eq!(rules(&world, "a.acl", At::Commit(oldest)).await.as_deref(), Some("three"));
    assert_eq!(rules(&world, "a.acl", At::Commit(oldest.before())).await.as_deref(), Some("two"));
    let older = world.store().policies(&[iri("a.acl")], At::Commit(oldest.before().before())).await;
    assert!(matches!(older, Err(LogError::Gap)), "{older:?}");
}

/// The commit after which the log can be read.
async fn whole_from<F: Fixture>(world: &World<F>) -> Sequence {
    let mut after = world.store().head();
    while after > Sequence(0) && world.store().read(after.before(), 1).await.is_ok() {
        after = after.before();
    }
    after
}

/// However old they are.
pub async fn pruning_keeps_the_rules_that_stand<F: Fixture>() {
    let world = World::<F>::new().await;
    world.commit(vec![world.put("a", "1"), world.acl("a", "rules"), world.group("g", "members")]).await;
    world.commit(vec![world.put("b", "1"), world.acl("b", "rules")]).await;
    world.commit(vec![world.delete("b")]).await;
    for _ in 0..3 {
        world.commit(vec![world.put("a", "2")]).await;
    }
    world.fixture.prune(1).await;
    for (name, body) in
        [(".acl", Some("root rules")), ("a.acl", Some("rules")), ("g", Some("members")), ("b.acl", None)]
    {
        assert_eq!(rules(&world, name, At::Now).await.as_deref(), body, "{name}");
        assert_eq!(rules(&world, name, At::Commit(world.store().head())).await.as_deref(), body, "{name}");
    }
    world.fixture.prune(0).await;
    assert_eq!(rules(&world, "a.acl", At::Now).await.as_deref(), Some("rules"));
    let head = world.store().head();
    assert!(world.store().read(head, 1).await.unwrap().is_empty());
    assert_eq!(whole_from(&world).await, head);
    assert!(whole_log_is_gap(&world).await);
    assert_eq!(world.commit(vec![world.put("a", "3")]).await.sequence.before(), head);
}

async fn whole_log_is_gap<F: Fixture>(world: &World<F>) -> bool {
    matches!(world.store().read(Sequence(0), 1).await, Err(LogError::Gap))
}

/// None while it lives; the commit that ended it afterwards.
pub async fn a_life_ends_once<F: Fixture>() {
    let world = World::<F>::new().await;
    let first = Generation(world.commit(vec![world.put("a", "1")]).await.sequence);
    world.commit(vec![world.put("a", "2")]).await;
    assert_eq!(world.store().ended(&iri("a"), first).await.unwrap(), None);
    let deleted = world.commit(vec![world.delete("a")]).await.sequence;
    assert_eq!(world.store().ended(&iri("a"), first).await.unwrap(), Some(deleted));
    let second = Generation(world.commit(vec![world.put("a", "3")]).await.sequence);
    assert_eq!(world.store().ended(&iri("a"), first).await.unwrap(), Some(deleted));
    assert_eq!(world.store().ended(&iri("a"), second).await.unwrap(), None);
    assert!(whole_log(&world).await.len() > 4);
}
