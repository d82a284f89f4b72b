//! Containers whose listeners want to hear that a member was updated.

use super::world::*;
use crate::{Channel, Ending, Filter, RenderingId};

fn members(world: &World, name: &str, paths: &[&str]) -> Channel {
    Channel { filter: Filter::with_members(), rendering: RenderingId(2), ..world.channel(name, paths) }
}

#[tokio::test]
async fn who_asks_hears_of_direct_members_and_nobody_else_does() {
    let world = World::new();
    world.write("/c/");
    world.quiet().await;
    let asked = world.listen(&members(&world, "bob", &["/c/"])).await;
    let other = Channel { rendering: RenderingId(2), ..world.channel("bob", &["/c/"]) };
    let other = world.listen(&other).await;
    world.write("/c/a");
    world.write("/c/a");
    world.write("/c/d/");
    world.write("/c/d/x");
    world.write("/c/d/x");
    world.allow("/c/a", &["bob"]);
    world.delete("/c/a");
    world.quiet().await;
    assert_eq!(asked.ear.facts(), ["Add /c/a", "Changed /c/a", "Add /c/d/", "Remove /c/a"]);
    assert_eq!(other.ear.facts(), ["Add /c/a", "Add /c/d/", "Remove /c/a"]);
}

#[tokio::test]
async fn a_document_is_heard_once_though_members_were_asked_for() {
    let world = World::new();
    let asked = world.listen(&members(&world, "bob", &["/a"])).await;
    world.write("/a");
    world.write("/a");
    world.delete("/a");
    world.quiet().await;
    assert_eq!(asked.ear.facts(), ["Create /a", "Update /a", "Delete /a"]);
}

#[tokio::test]
async fn who_may_no_longer_read_the_container_hears_no_more_of_its_members() {
    let world = World::new();
    world.write("/c/");
    world.allow("/c/a", &["alice"]);
    world.write("/c/a");
    world.quiet().await;
    let asked = world.listen(&members(&world, "bob", &["/c/"])).await;
    world.write("/c/a");
    world.quiet().await;
    assert_eq!(asked.ear.facts(), ["Changed /c/a"], "whoever reads the container may know that it changed");
    world.allow("/c/", &["alice"]);
    world.write("/c/a");
    world.quiet().await;
    assert_eq!(asked.ear.facts(), ["Changed /c/a"]);
    assert_eq!(asked.ear.closed(), Some((Ending::Forbidden, false)));
}
