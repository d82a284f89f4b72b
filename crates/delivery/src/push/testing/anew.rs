//! What every queue keeps of history that is owed anew or gone, and of channels that are about to be removed.

use super::{BOUND, Parts, at, attempt, change, channel, lane, message, told};
use crate::push::Done;
use podbell_hub::{Anew, Channel, Owed, What};
use podbell_model::{Sequence, StorageId, Uuid};

/// Changes of some resources, each with its number; none takes another's place.
fn changes(channel: &Channel, changes: &[(&str, u64)]) -> Vec<Owed> {
    let one = |(path, number): &(&str, u64)| {
        let mut owed = change(channel, path, *number);
        if let What::Change { mergeable, .. } = &mut owed.what {
            *mergeable = false;
        }
        owed
    };
    changes.iter().map(one).collect()
}

/// All that is owed, one after the other as each is acknowledged.
async fn delivered(parts: &Parts) -> Vec<Uuid> {
    let mut messages = Vec::new();
    while let Some(next) = parts.take("hook.example", 0, 1).await.pop() {
        messages.push(next.message);
        parts.acknowledge(next.id, 0).await;
    }
    messages
}

async fn pending(parts: &Parts, channel: &Channel) -> u64 {
    parts.queue.health(channel.id).await.unwrap().unwrap().pending
}

/// See its name.
pub async fn history_goes_before_what_is_younger_and_is_owed_once(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    parts.owe(changes(&channel, &[("a", 5), ("b", 6)])).await;
    let history = changes(&channel, &[("a", 1), ("b", 2), ("a", 3), ("a", 5), ("b", 6)]);
    assert_eq!(parts.owing.owe_again(history.clone()).await.unwrap(), Anew { taken: 5, owed: 3 });
    assert_eq!(pending(parts, &channel).await, 5);
    assert_eq!(parts.owing.owe_again(history).await.unwrap(), Anew { taken: 5, owed: 0 });
    let messages = delivered(parts).await;
    let place = |number| messages.iter().position(|found| *found == message(number)).unwrap();
    assert_eq!(messages.len(), 5);
    assert!(place(1) < place(3) && place(3) < place(5) && place(2) < place(6), "{messages:?}");
    let nobody = Channel { id: podbell_hub::ChannelId(Uuid::from_u128(77)), ..channel };
    let owed = parts.owing.owe_again(changes(&nobody, &[("a", 1)])).await.unwrap();
    assert_eq!(owed.owed, 0);
}

/// See its name.
pub async fn what_is_under_way_keeps_its_place(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(changes(&channel, &[("a", 5), ("a", 7)])).await;
    let under_way = parts.one("hook.example", 0).await;
    let history = changes(&channel, &[("a", 1), ("a", 5), ("a", 7)]);
    assert_eq!(parts.owing.owe_again(history).await.unwrap().owed, 1);
    let beside = parts.queue.take(&lane("hook.example"), at(0), 9, &[under_way.id]).await.unwrap();
    assert_eq!(beside.len(), 0, "of one object, one at a time");
    parts.acknowledge(under_way.id, 0).await;
    assert_eq!(delivered(parts).await, [message(1), message(7)]);
}

/// See its name.
pub async fn dead_letters_of_history_are_dead_no_more(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(changes(&channel, &[("a", 2)])).await;
    let one = parts.one("hook.example", 0).await;
    parts.fail(one.id, 0, Done::Dead).await;
    let history = changes(&channel, &[("a", 1), ("a", 2)]);
    assert_eq!(parts.owing.owe_again(history).await.unwrap(), Anew { taken: 2, owed: 2 });
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.pending, health.dead_letters), (2, 0));
    assert_eq!(delivered(parts).await, [message(1), message(2)]);
}

/// See its name.
pub async fn history_finds_as_much_room_as_there_is(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(changes(&channel, &[("a", 100), ("a", 101)])).await;
    let numbers: Vec<_> = (1..=BOUND).map(|number| ("a", number)).collect();
    let room = BOUND - 2;
    let anew = parts.owing.owe_again(changes(&channel, &numbers)).await.unwrap();
    assert_eq!((anew.taken as u64, anew.owed), (room, room));
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.pending, health.missed), (BOUND, 0));
    // What waits already needs none.
    assert_eq!(parts.owing.owe_again(changes(&channel, &[("a", 1)])).await.unwrap(), Anew { taken: 1, owed: 0 });
}

/// See its name.
pub async fn who_has_listened_has_missed_what_is_gone(parts: &Parts) {
    let wants = told(channel(1, "hook.example", &["a", "b"]), "life.example");
    parts.keep(&wants).await;
    let missed = async || {
        let health = parts.queue.health(wants.id).await.unwrap().unwrap();
        (health.missed, parts.queue.missed(9).await.unwrap().len(), parts.owing.derived().await.unwrap())
    };
    parts.owing.missed(None, Sequence(0), None).await.unwrap();
    parts.owing.missed(Some(StorageId(2)), Sequence(9), None).await.unwrap();
    assert_eq!(missed().await, (0, 0, Sequence(0)), "made later, or about another storage");
    parts.owing.missed(None, Sequence(9), Some(Sequence(9))).await.unwrap();
    assert_eq!(missed().await, (1, 1, Sequence(9)));
    parts.owing.missed(Some(StorageId(1)), Sequence(9), Some(Sequence(3))).await.unwrap();
    assert_eq!(missed().await, (2, 1, Sequence(9)));
    assert_eq!(missed().await, (2, 0, Sequence(9)));
}

/// However long nobody looked.
pub async fn who_wants_to_be_told_stays_until_that_is_done(parts: &Parts) {
    let ends = |channel: Channel| Channel { end_at: Some(at(10)), ..channel };
    let wants = ends(told(channel(1, "hook.example", &["a"]), "life.example"));
    let does_not = ends(channel(2, "hook.example", &["a"]));
    parts.keep(&wants).await;
    parts.keep(&does_not).await;
    assert_eq!(parts.channels.sweep(at(1_000_000)).await.unwrap(), [does_not.id]);
    let expired = parts.queue.expired(at(1_000_000), 9).await.unwrap();
    assert_eq!(expired.iter().map(|channel| channel.id).collect::<Vec<_>>(), [wants.id]);
    let farewell = (message(9), std::sync::Arc::from(*b"farewell"));
    assert!(parts.queue.remove(wants.id, Some(farewell.clone()), at(1_000_000)).await.unwrap());
    assert!(!parts.queue.remove(wants.id, Some(farewell), at(1_000_000)).await.unwrap());
    assert!(parts.queue.expired(at(1_000_000), 9).await.unwrap().is_empty());
    let word = parts.one("life.example", 1_000_000).await;
    let gone = attempt(1_000_000, crate::push::Outcome::Acknowledged(204));
    parts.queue.finish(word.id, Some(&gone), &Done::Acknowledged).await.unwrap();
    assert!(parts.take("life.example", 2_000_000, 9).await.is_empty(), "once");
}

/// See its name.
pub async fn a_channel_keeps_its_last_topic_until_it_is_removed(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    assert!(parts.channels.narrow(channel.id, &channel.topics[1..]).await.unwrap());
    assert!(!parts.channels.narrow(channel.id, &channel.topics[..1]).await.unwrap());
    assert_eq!(*parts.channels.get(channel.id).await.unwrap().unwrap().topics, channel.topics[1..]);
    assert!(parts.queue.remove(channel.id, None, at(0)).await.unwrap());
    assert!(!parts.channels.narrow(channel.id, &channel.topics).await.unwrap());
}
