//! What every queue tells of how channels fare, and what becomes of those that end, one function per fact.

use super::{BOUND, NOTHING, Parts, at, attempt, body, change, channel, iri, lane, message, told, topic};
use crate::push::{DeliveryId, Done, Kind, Outcome, Reason, Wanted};
use podbell_hub::{Channel, ChannelId, ChannelLimits, InsertError, Push, Secret, Topic};
use podbell_model::{StorageId, Uuid};
use std::sync::Arc;

fn ping(words: &str) -> Kind {
    Kind::Ping { body: words.as_bytes().into() }
}

fn life(words: &str) -> Kind {
    Kind::Lifecycle { body: words.as_bytes().into() }
}

/// See its name.
pub async fn attempts_and_health_tell_how_a_channel_fares(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    let health = async || parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!(health().await, crate::push::Health::default());
    parts.owe(vec![change(&channel, "a", 1)]).await;
    let first = parts.one("hook.example", 0).await;
    parts.fail(first.id, 10, Done::Again(at(60))).await;
    let failed = attempt(20, Outcome::TimedOut);
    parts.queue.finish(first.id, Some(&failed), &Done::Again(at(90))).await.unwrap();
    let now = health().await;
    assert_eq!((now.failing_since, now.last_failure.as_ref()), (Some(at(10)), Some(&failed)));
    assert_eq!((now.last_success, now.next_attempt, now.pending), (None, Some(at(90)), 1));
    parts.acknowledge(first.id, 90).await;
    let now = health().await;
    assert_eq!((now.failing_since, now.last_failure.as_ref()), (None, Some(&failed)));
    assert_eq!((now.last_success, now.next_attempt, now.pending), (Some(at(90)), None, 0));
    let attempts = parts.queue.attempts(channel.id, 2).await.unwrap();
    assert_eq!(attempts, [(message(1), attempt(90, Outcome::Acknowledged(200))), (message(1), failed)]);
    assert_eq!(parts.queue.attempts(channel.id, 9).await.unwrap().len(), 3);
}

/// See its name.
pub async fn what_is_withheld_leaves_no_trace(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1), change(&channel, "a", 2)]).await;
    let first = parts.one("hook.example", 0).await;
    parts.queue.finish(first.id, None, &Done::Withheld).await.unwrap();
    let second = parts.one("hook.example", 0).await;
    assert_eq!(second.message, message(2));
    parts.queue.finish(second.id, None, &Done::Withheld).await.unwrap();
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap(), crate::push::Health::default());
    assert_eq!(parts.queue.attempts(channel.id, 9).await.unwrap(), []);
}

/// See its name.
pub async fn a_hundred_attempts_are_kept(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1)]).await;
    let id = parts.one("hook.example", 0).await.id;
    for second in 0..120 {
        parts.fail(id, second, Done::Again(at(second))).await;
    }
    let attempts = parts.queue.attempts(channel.id, 1_000).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].1.at, attempts[99].1.at), (100, at(119), at(20)));
}

/// See its name.
pub async fn what_was_tried_is_forgotten_with_a_storage_that_is_lost(parts: &Parts) {
    let elsewhere = Topic { storage: StorageId(2), resource: iri("z") };
    let topics = [topic("a"), topic("b"), elsewhere.clone()];
    let channel = Channel { topics: Arc::new(topics), ..channel(1, "hook.example", &["a", "b"]) };
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1)]).await;
    let first = parts.one("hook.example", 0).await;
    parts.fail(first.id, 10, Done::Again(at(20))).await;
    let fares = async || {
        let health = parts.queue.health(channel.id).await.unwrap().unwrap();
        let tried = parts.queue.attempts(channel.id, 9).await.unwrap().len();
        (tried, health.last_failure.is_some(), health.failing_since, health.pending)
    };
    // A topic that was not the last one there takes nothing along.
    assert!(parts.channels.narrow(channel.id, &[topic("a"), elsewhere]).await.unwrap());
    assert_eq!(fares().await, (1, true, Some(at(10)), 1));
    assert!(parts.channels.narrow(channel.id, &[topic("a")]).await.unwrap());
    assert_eq!(fares().await, (0, false, None, 1));
    parts.fail(first.id, 20, Done::Again(at(60))).await;
    assert_eq!(fares().await, (1, true, Some(at(20)), 1));
}

/// Gives up whatever is due, until nothing is.
async fn give_up(parts: &Parts, second: i64) {
    while let Some(next) = parts.take("hook.example", second, 1).await.pop() {
        parts.fail(next.id, second, Done::Dead).await;
    }
}

/// See its name.
pub async fn dead_letters_are_listed_and_owed_anew_before_what_is_younger(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1), change(&channel, "a", 2), change(&channel, "b", 3)]).await;
    let first = parts.take("hook.example", 0, 1).await.remove(0);
    parts.fail(first.id, 0, Done::Again(at(3))).await;
    give_up(parts, 5).await;
    let letters = async |after, limit| parts.queue.dead_letters(channel.id, after, limit).await.unwrap();
    let all = letters(None, 9).await;
    assert_eq!(all.iter().map(|letter| letter.message).collect::<Vec<_>>(), [1, 2, 3].map(message));
    let one = &all[0];
    assert_eq!((one.attempts, one.owed, one.died), (2, at(0), at(6)));
    assert_eq!(one.last, Some(Outcome::Refused(500)));
    assert_eq!(one.kind, first.kind, "it is known what it was to tell");
    assert_eq!([letters(None, 2).await, letters(Some(all[1].id), 9).await].concat(), all);
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.pending, health.dead_letters), (0, 3));

    parts.owe(vec![change(&channel, "a", 4)]).await;
    let these = Wanted::These(vec![all[1].id, DeliveryId(999), all[0].id]);
    assert_eq!(parts.queue.redeliver(channel.id, &these, at(9)).await.unwrap(), 2);
    assert_eq!(parts.queue.redeliver(channel.id, &these, at(9)).await.unwrap(), 0);
    assert_eq!(parts.messages("hook.example", 8).await, NOTHING);
    for number in [1, 2, 4] {
        let next = parts.one("hook.example", 9).await;
        assert_eq!((next.message, next.attempts), (message(number), 0));
        parts.acknowledge(next.id, 9).await;
    }
    assert_eq!(letters(None, 9).await.len(), 1);
}

/// See its name.
pub async fn all_dead_letters_are_owed_anew_together(parts: &Parts) {
    let (one, other) = (channel(1, "hook.example", &["a", "b"]), channel(2, "hook.example", &["a"]));
    parts.keep(&one).await;
    parts.keep(&other).await;
    parts.owe(vec![change(&one, "a", 1), change(&one, "b", 2), change(&other, "a", 3)]).await;
    give_up(parts, 0).await;
    assert_eq!(parts.queue.redeliver(one.id, &Wanted::All, at(5)).await.unwrap(), 2);
    assert_eq!(parts.messages("hook.example", 5).await.len(), 2);
    let others = parts.queue.health(other.id).await.unwrap().unwrap();
    assert_eq!((others.pending, others.dead_letters), (0, 1));
}

/// See its name.
pub async fn a_channel_that_is_off_is_owed_nothing_and_sent_pings_alone(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1), change(&channel, "a", 2), change(&channel, "b", 3)]).await;
    let first = parts.take("hook.example", 0, 1).await.remove(0);
    parts.fail(first.id, 0, Done::Again(at(500))).await;
    parts.queue.disable(channel.id, Reason::Failing, at(10)).await.unwrap();
    parts.queue.disable(channel.id, Reason::Failing, at(11)).await.unwrap();
    parts.owe(vec![change(&channel, "a", 4)]).await;
    assert_eq!(parts.queue.lanes(at(999)).await.unwrap(), (vec![], None));
    assert_eq!(parts.messages("hook.example", 999).await, NOTHING);
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.disabled, health.next_attempt), (Some((at(10), Reason::Failing)), None));
    assert_eq!((health.pending, health.missed), (3, 0));

    // What was under way then ends as it ends.
    parts.fail(first.id, 12, Done::Again(at(600))).await;
    assert_eq!(parts.messages("hook.example", 999).await, NOTHING);
    parts.acknowledge(first.id, 13).await;
    assert_eq!(parts.messages("hook.example", 999).await, NOTHING);
    parts.queue.add(channel.id, message(50), &ping("hello"), at(20)).await.unwrap();
    let pinged = parts.one("hook.example", 20).await;
    assert_eq!((body(&pinged), pinged.message), (b"hello".to_vec(), message(50)));
    parts.acknowledge(pinged.id, 20).await;
    parts.queue.enable(channel.id, at(21)).await.unwrap();
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.disabled, health.failing_since, health.pending), (None, None, 2));
    let mut heard = parts.messages("hook.example", 21).await;
    heard.sort();
    assert_eq!(heard, [message(2), message(3)]);
}

/// See its name.
pub async fn pings_and_words_about_the_channel_hold_up_nothing(parts: &Parts) {
    let channel = told(channel(1, "hook.example", &["a"]), "life.example");
    parts.keep(&channel).await;
    parts.queue.add(channel.id, message(50), &ping("one"), at(0)).await.unwrap();
    parts.queue.add(channel.id, message(51), &ping("two"), at(0)).await.unwrap();
    parts.queue.add(channel.id, message(52), &life("soon"), at(0)).await.unwrap();
    parts.owe(vec![change(&channel, "a", 1)]).await;
    let mut heard = parts.messages("hook.example", 0).await;
    heard.sort();
    assert_eq!(heard, [message(1), message(50)]);
    let word = parts.one("life.example", 0).await;
    assert!(matches!(&word.kind, Kind::Lifecycle { body } if **body == *b"soon"));
    assert_eq!(word.channel.id, channel.id);
    for ping in parts.take("hook.example", 0, 9).await {
        parts.fail(ping.id, 0, Done::Dead).await;
    }
    // A ping that is given up is no dead letter.
    let health = parts.queue.health(channel.id).await.unwrap().unwrap();
    assert_eq!((health.dead_letters, health.pending), (1, 2));
    assert_eq!(parts.messages("hook.example", 1).await, [message(51)]);
}

/// See its name.
pub async fn words_about_the_channel_say_nothing_of_a_receiver_elsewhere(parts: &Parts) {
    let elsewhere = told(channel(1, "hook.example", &["a"]), "life.example");
    parts.keep(&elsewhere).await;
    parts.queue.add(elsewhere.id, message(1), &life("soon"), at(0)).await.unwrap();
    let word = parts.one("life.example", 0).await;
    parts.fail(word.id, 0, Done::Again(at(9))).await;
    assert_eq!(parts.queue.health(elsewhere.id).await.unwrap().unwrap().failing_since, None);
    parts.queue.add(elsewhere.id, message(2), &ping("hello"), at(0)).await.unwrap();
    let ping = parts.one("hook.example", 0).await;
    parts.fail(ping.id, 1, Done::Dead).await;
    parts.acknowledge(word.id, 9).await;
    let health = parts.queue.health(elsewhere.id).await.unwrap().unwrap();
    assert_eq!((health.failing_since, health.last_success), (Some(at(1)), None));
}

/// See its name.
pub async fn a_channel_that_is_gone_hears_its_farewell_and_nothing_else(parts: &Parts) {
    let gone = told(channel(1, "hook.example", &["a", "b"]), "hook.example");
    parts.keep(&gone).await;
    parts.owe(vec![change(&gone, "a", 1), change(&gone, "b", 2)]).await;
    parts.queue.add(gone.id, message(3), &life("soon"), at(0)).await.unwrap();
    let farewell = Some((message(9), Arc::from(*b"farewell")));
    assert!(parts.queue.remove(gone.id, farewell.clone(), at(0)).await.unwrap());
    assert!(!parts.queue.remove(gone.id, farewell, at(0)).await.unwrap());
    assert_eq!(parts.channels.get(gone.id).await.unwrap(), None);
    let word = parts.one("hook.example", 0).await;
    assert_eq!((word.message, body(&word)), (message(9), b"farewell".to_vec()));
    let kept = Channel { topics: Arc::new([]), ..gone.clone() };
    assert_eq!(*word.channel, kept);
    parts.fail(word.id, 0, Done::Again(at(9))).await;
    assert_eq!(parts.messages("hook.example", 8).await, NOTHING);
    let word = parts.one("hook.example", 9).await;
    assert_eq!(word.attempts, 1);
    parts.fail(word.id, 9, Done::Dead).await;
    assert_eq!(parts.queue.lanes(at(99)).await.unwrap(), (vec![], None));
    assert_eq!(parts.queue.health(gone.id).await.unwrap(), None);
}

/// See its name.
pub async fn a_farewell_is_for_those_who_asked(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.queue.add(channel.id, message(1), &life("soon"), at(0)).await.unwrap();
    assert!(parts.queue.remove(channel.id, Some((message(9), Arc::from(*b"farewell"))), at(0)).await.unwrap());
    assert_eq!(parts.queue.lanes(at(99)).await.unwrap(), (vec![], None));
    assert!(!parts.queue.remove(ChannelId(Uuid::from_u128(77)), None, at(0)).await.unwrap());
}

/// See its name.
pub async fn what_becomes_of_something_that_is_gone_does_not_matter(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1)]).await;
    let first = parts.one("hook.example", 0).await;
    assert!(parts.channels.remove(channel.id).await.unwrap());
    for done in [Done::Acknowledged, Done::Withheld, Done::Again(at(9)), Done::Dead] {
        parts.fail(first.id, 0, done).await;
    }
    parts.queue.add(channel.id, message(2), &ping("hello"), at(0)).await.unwrap();
    parts.queue.enable(channel.id, at(0)).await.unwrap();
    parts.queue.disable(channel.id, Reason::Failing, at(0)).await.unwrap();
    assert_eq!(parts.queue.redeliver(channel.id, &Wanted::All, at(0)).await.unwrap(), 0);
    assert_eq!(parts.queue.attempts(channel.id, 9).await.unwrap(), []);
    assert_eq!(parts.queue.dead_letters(channel.id, None, 9).await.unwrap(), []);
    assert_eq!(parts.queue.lanes(at(99)).await.unwrap(), (vec![], None));
}

/// See its name.
pub async fn each_channel_is_told_once_that_it_ends(parts: &Parts) {
    let ending = |number, second| {
        let channel = channel(number, "hook.example", &["a"]);
        Channel { end_at: Some(at(second)), ..channel }
    };
    let wanting = [told(ending(1, 100), "life.example"), told(ending(2, 200), "life.example")];
    for channel in &wanting {
        parts.keep(channel).await;
    }
    parts.keep(&ending(3, 100)).await;
    parts.keep(&told(channel(4, "hook.example", &["a"]), "life.example")).await;
    let expiring = async |second| {
        let found = parts.queue.expiring(at(second), 9).await.unwrap();
        found.iter().map(|channel| (**channel).clone()).collect::<Vec<_>>()
    };
    assert_eq!(expiring(100).await, []);
    assert_eq!(expiring(101).await, wanting[..1]);
    assert_eq!(expiring(300).await, wanting[1..]);
    assert_eq!(expiring(300).await, []);
}

/// See its name.
pub async fn secrets_are_replaced(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    let secrets =
        [Secret { text: "whsec_b".into(), until: None }, Secret { text: "whsec_a".into(), until: Some(at(60)) }];
    assert!(parts.queue.set_secrets(channel.id, &secrets).await.unwrap());
    assert_eq!(parts.channels.get(channel.id).await.unwrap().unwrap().push.unwrap().secrets, secrets);
    assert!(!parts.queue.set_secrets(ChannelId(Uuid::from_u128(77)), &secrets).await.unwrap());
}

/// See its name.
pub async fn another_target_gets_what_is_owed(parts: &Parts) {
    let limits = ChannelLimits::default();
    let (moved, stays) = (channel(1, "old.example", &["a"]), channel(2, "old.example", &["a"]));
    parts.keep(&moved).await;
    parts.keep(&stays).await;
    parts.owe(vec![change(&moved, "a", 1), change(&stays, "a", 2)]).await;
    parts.queue.add(moved.id, message(3), &Kind::Ping { body: Arc::from(*b"ping") }, at(1)).await.unwrap();
    assert!(parts.queue.redirect(moved.id, "https://new.example/hook", &limits).await.unwrap());
    let kept = parts.channels.get(moved.id).await.unwrap().unwrap();
    assert_eq!(&*kept.push.unwrap().send_to, "https://new.example/hook");
    let mut lanes = parts.queue.lanes(at(1)).await.unwrap().0;
    lanes.sort();
    assert_eq!(lanes, [lane("new.example"), lane("old.example")]);
    let mut messages = parts.messages("new.example", 1).await;
    messages.sort();
    assert_eq!(messages, [message(1), message(3)]);
    assert_eq!(parts.messages("old.example", 1).await, [message(2)]);
    // Words about the channel go along if they went to the same place, and else stay where they are.
    let together = with_life(channel(3, "old.example", &["b"]), "https://old.example/hook");
    let apart = with_life(channel(4, "old.example", &["b"]), "https://life.example/");
    for (channel, expected) in [(together, "https://new.example/x"), (apart, "https://life.example/")] {
        parts.keep(&channel).await;
        assert!(parts.queue.redirect(channel.id, "https://new.example/x", &limits).await.unwrap());
        let kept = parts.channels.get(channel.id).await.unwrap().unwrap();
        assert_eq!(kept.push.unwrap().lifecycle.as_deref(), Some(expected));
    }
    assert!(!parts.queue.redirect(ChannelId(Uuid::from_u128(99)), "https://new.example/", &limits).await.unwrap());
    // Channels that stand are led to no more hosts than new ones may have.
    let limits = ChannelLimits { targets: 1, ..limits };
    let refused = parts.queue.redirect(stays.id, "https://third.example/", &limits).await;
    assert!(matches!(refused, Err(InsertError::TooMany(_))), "{refused:?}");
    assert_eq!(
        &*parts.channels.get(stays.id).await.unwrap().unwrap().push.unwrap().send_to,
        "https://old.example/hook"
    );
    assert!(parts.queue.redirect(stays.id, "https://new.example/third", &limits).await.unwrap());
}

/// The same, told of its life at that URL.
fn with_life(mut channel: Channel, url: &str) -> Channel {
    let push = channel.push.as_deref().unwrap().clone();
    channel.push = Some(Arc::new(Push { lifecycle: Some(url.into()), ..push }));
    channel
}

/// See its name.
pub async fn channels_that_are_off_for_long_are_found(parts: &Parts) {
    let [early, late, on] = [1, 2, 3].map(|number| channel(number, "hook.example", &["a"]));
    for channel in [&early, &late, &on] {
        parts.keep(channel).await;
    }
    parts.queue.disable(early.id, Reason::Failing, at(10)).await.unwrap();
    parts.queue.disable(late.id, Reason::Failing, at(20)).await.unwrap();
    let failing = async |before, limit| {
        let found = parts.queue.failing(at(before), limit).await.unwrap();
        let mut found: Vec<ChannelId> = found.iter().map(|channel| channel.id).collect();
        found.sort();
        found
    };
    assert_eq!(failing(9, 9).await, []);
    assert_eq!(failing(10, 9).await, [early.id]);
    assert_eq!(failing(20, 9).await, [early.id, late.id]);
    assert_eq!(failing(20, 1).await.len(), 1);
    parts.queue.enable(early.id, at(21)).await.unwrap();
    assert_eq!(failing(99, 9).await, [late.id]);
}

/// See its name.
pub async fn who_has_missed_something_is_told_once(parts: &Parts) {
    let (wants, does_not) =
        (told(channel(1, "hook.example", &["a"]), "life.example"), channel(2, "hook.example", &["a"]));
    let mut number = 0;
    let mut miss = async |count: u64| {
        for channel in [&wants, &does_not] {
            let mut owed: Vec<_> = (0..count).map(|more| change(channel, "a", number + more)).collect();
            for owed in &mut owed {
                if let podbell_hub::What::Change { mergeable, .. } = &mut owed.what {
                    *mergeable = false;
                }
            }
            parts.owe(owed).await;
        }
        number += count;
    };
    parts.keep(&wants).await;
    parts.keep(&does_not).await;
    let missed = async || {
        let found = parts.queue.missed(9).await.unwrap();
        found.iter().map(|channel| channel.id).collect::<Vec<_>>()
    };
    miss(BOUND).await;
    assert_eq!(missed().await, []);
    miss(2).await;
    assert_eq!(missed().await, [wants.id]);
    assert_eq!(missed().await, []);
    miss(1).await;
    assert_eq!(missed().await, [wants.id]);
}
