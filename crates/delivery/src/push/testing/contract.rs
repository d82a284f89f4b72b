//! What every queue keeps of order and turns, one function per fact.

use super::{NOTHING, Parts, at, body, change, channel, iri, lane, message, topic};
use crate::push::{DeliveryId, Done, Kind, Outcome, testing::attempt};
use podbell_hub::{ChannelId, Owed, Position, Push, PushKeys, Secret, What};
use podbell_model::{Sequence, Timestamp, Uuid};
use std::sync::Arc;

/// Makes one test per fact of the contract; `$make` names an async function that gives fresh, empty [`Parts`].
#[macro_export]
macro_rules! queue_contract {
    ($make:path) => {
        $crate::queue_contract!(@facts contract $make:
            a_receiver_is_kept_with_its_channel
            channels_are_found_by_what_changed
            what_is_owed_is_given_as_it_was_told
            how_a_topic_stands_is_owed_without_words
            of_one_object_only_the_oldest_is_due
            what_is_tried_again_holds_up_its_object_alone
            what_goes_in_order_waits_for_everything_older
            lanes_tell_what_is_due_and_when_to_ask_again
            a_lane_is_shared_in_rounds
            what_is_under_way_is_a_round_that_a_channel_has_had
            who_was_served_goes_behind_those_who_wait
            what_is_under_way_is_not_given_again
            what_is_owed_twice_is_kept_once
            the_cursor_moves_with_what_is_owed_and_never_back
            what_is_owed_to_nobody_is_dropped
            topics_that_are_lost_take_what_is_owed_about_them
            the_oldest_place_is_of_all_that_is_still_owed
        );
        $crate::queue_contract!(@facts anew $make:
            history_goes_before_what_is_younger_and_is_owed_once
            what_is_under_way_keeps_its_place
            dead_letters_of_history_are_dead_no_more
            history_finds_as_much_room_as_there_is
            who_has_listened_has_missed_what_is_gone
            who_wants_to_be_told_stays_until_that_is_done
            a_channel_keeps_its_last_topic_until_it_is_removed
        );
        $crate::queue_contract!(@facts along $make:
            what_waits_goes_along_in_the_order_of_the_commits
            of_a_resource_nothing_is_passed_over
            what_is_under_way_or_not_due_holds_back_its_resource_alone
            what_goes_along_is_of_the_same_storage_and_channel
            what_went_along_is_taken
            what_went_together_ends_together
        );
        $crate::queue_contract!(@facts pace $make:
            the_rate_keeps_what_is_told_of_a_topic_apart
            what_is_late_keeps_the_rate_too
            an_update_takes_the_place_of_one_that_waits
            what_is_under_way_is_never_replaced
            what_was_tried_or_is_no_update_is_never_replaced
            beyond_the_bound_nothing_is_queued_and_that_is_counted
            nothing_takes_the_place_of_anything_without_a_rate
        );
        $crate::queue_contract!(@facts fares $make:
            attempts_and_health_tell_how_a_channel_fares
            what_is_withheld_leaves_no_trace
            a_hundred_attempts_are_kept
            what_was_tried_is_forgotten_with_a_storage_that_is_lost
            dead_letters_are_listed_and_owed_anew_before_what_is_younger
            all_dead_letters_are_owed_anew_together
            a_channel_that_is_off_is_owed_nothing_and_sent_pings_alone
            pings_and_words_about_the_channel_hold_up_nothing
            words_about_the_channel_say_nothing_of_a_receiver_elsewhere
            a_channel_that_is_gone_hears_its_farewell_and_nothing_else
            a_farewell_is_for_those_who_asked
            what_becomes_of_something_that_is_gone_does_not_matter
            each_channel_is_told_once_that_it_ends
            secrets_are_replaced
            another_target_gets_what_is_owed
            channels_that_are_off_for_long_are_found
            who_has_missed_something_is_told_once
        );
    };
    (@facts $file:ident $make:path: $($fact:ident)*) => {
        $(
            #[tokio::test]
            async fn $fact() {
                $crate::push::testing::$file::$fact(&$make().await).await;
            }
        )*
    };
}

/// See its name.
pub async fn a_receiver_is_kept_with_its_channel(parts: &Parts) {
    let mut full = channel(1, "hook.example", &["a", "b"]);
    full.push = Some(Arc::new(Push {
        send_to: "https://hook.example/secret".into(),
        keys: Some(PushKeys { auth: "auth".into(), p256dh: "p256dh".into() }),
        secrets: vec![
            Secret { text: "whsec_new".into(), until: None },
            Secret { text: "whsec_old".into(), until: Some(at(9)) },
        ],
        lifecycle: Some("https://life.example/".into()),
        since: Sequence(0),
    }));
    parts.keep(&full).await;
    assert_eq!(parts.channels.get(full.id).await.unwrap(), Some(full.clone()));
    assert!(parts.owing.any().await.unwrap());
    assert!(parts.channels.remove(full.id).await.unwrap());
    assert!(!parts.owing.any().await.unwrap());
}

/// See its name.
pub async fn channels_are_found_by_what_changed(parts: &Parts) {
    let exact = channel(1, "one.example", &["a/", "a/b"]);
    let mut subtree = channel(2, "two.example", &["a/"]);
    subtree.recursive = true;
    let mut pull = channel(3, "none.example", &["a/b"]);
    pull.push = None;
    for channel in [&exact, &subtree, &pull] {
        parts.keep(channel).await;
    }
    let found = async |at: &[&str], above: &[&str]| {
        let topics = |paths: &[&str]| paths.iter().map(|path| topic(path)).collect::<Vec<_>>();
        let mut found = parts.owing.candidates(&topics(at), &topics(above)).await.unwrap();
        found.sort_by_key(|channel| channel.id);
        found.into_iter().map(|channel| (*channel).clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["a/b"], &["a/", ""]).await, [exact.clone(), subtree.clone()]);
    assert_eq!(found(&["a/", "a/b"], &[]).await, [exact.clone(), subtree.clone()]);
    assert_eq!(found(&["a/c"], &["a/", ""]).await, std::slice::from_ref(&subtree));
    assert_eq!(found(&["c"], &[""]).await, []);
    parts.queue.disable(subtree.id, crate::push::Reason::Failing, at(0)).await.unwrap();
    assert_eq!(found(&["a/b"], &["a/", ""]).await, [exact]);
}

/// See its name.
pub async fn what_is_owed_is_given_as_it_was_told(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    let owed = Owed { causes: [Uuid::from_u128(9), channel.id.0].into(), ..change(&channel, "a", 5) };
    parts.owe(vec![owed.clone()]).await;
    let given = parts.one("hook.example", 0).await;
    assert_eq!((&*given.channel, given.message, given.attempts), (&channel, owed.message, 0));
    assert_eq!((given.owed, &given.causes), (owed.due, &owed.causes));
    let (Kind::Change { about, body, position }, What::Change { body: told, position: place, .. }) =
        (given.kind, owed.what)
    else {
        panic!("a change")
    };
    assert_eq!((about, position), (owed.about, place));
    assert_eq!((body.bytes, body.cursor_at), (told.bytes, told.cursor_at));
    assert_eq!(given.oldest, Some(place));
}

/// See its name.
pub async fn how_a_topic_stands_is_owed_without_words(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    let owed = Owed { what: What::State, ..change(&channel, "a", 5) };
    parts.owe(vec![owed.clone()]).await;
    let given = parts.one("hook.example", 0).await;
    assert!(matches!(given.kind, Kind::State { about } if about == owed.about));
    assert_eq!(given.oldest, None);
}

/// See its name.
pub async fn of_one_object_only_the_oldest_is_due(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1), change(&channel, "a", 2), change(&channel, "b", 3)]).await;
    parts.owe(vec![change(&channel, "a", 4)]).await;
    let mut heard = Vec::new();
    loop {
        let due = parts.take("hook.example", 0, 100).await;
        let objects = due.iter().filter(|delivery| delivery.message != message(3)).count();
        assert!(objects <= 1, "{due:?}");
        let Some(first) = due.first() else { break };
        heard.push(first.message);
        parts.acknowledge(first.id, 0).await;
    }
    heard.retain(|heard| *heard != message(3));
    assert_eq!(heard, [1, 2, 4].map(message));
}

/// See its name.
pub async fn what_is_tried_again_holds_up_its_object_alone(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1), change(&channel, "a", 2), change(&channel, "b", 3)]).await;
    let first = parts.take("hook.example", 0, 1).await.remove(0);
    assert_eq!(first.message, message(1));
    parts.fail(first.id, 0, Done::Again(at(60))).await;
    assert_eq!(parts.messages("hook.example", 59).await, [message(3)]);
    assert_eq!(parts.messages("hook.example", 60).await.len(), 2);
    let again = parts.take("hook.example", 60, 9).await.into_iter().find(|again| again.id == first.id).unwrap();
    assert_eq!((again.attempts, again.message, body(&again)), (1, message(1), b"change 1".to_vec()));
    parts.fail(again.id, 60, Done::Dead).await;
    assert!(parts.messages("hook.example", 60).await.contains(&message(2)));
}

/// See its name.
pub async fn what_goes_in_order_waits_for_everything_older(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    let in_order = |path, number| Owed { in_order: true, ..change(&channel, path, number) };
    parts.owe(vec![in_order("a", 1), in_order("b", 2), in_order("a", 3)]).await;
    let first = parts.one("hook.example", 0).await;
    assert_eq!(first.message, message(1));
    parts.fail(first.id, 0, Done::Again(at(60))).await;
    assert_eq!(parts.messages("hook.example", 59).await, NOTHING);
    let first = parts.one("hook.example", 60).await;
    for _ in 0..2 {
        let along = parts.queue.take_along(&lane("hook.example"), &first, at(60), 9, &[first.id]).await.unwrap();
        assert_eq!(along.iter().map(|along| along.message).collect::<Vec<_>>(), [message(2), message(3)]);
        // When they would be due alone does not matter.
        for other in along {
            parts.queue.finish(other.id, None, &Done::Again(at(600))).await.unwrap();
        }
    }
    parts.fail(first.id, 60, Done::Dead).await;
    assert_eq!(parts.messages("hook.example", 599).await, NOTHING);
    for number in 2..=3 {
        let next = parts.one("hook.example", 600).await;
        assert_eq!(next.message, message(number));
        parts.acknowledge(next.id, 600).await;
    }
}

/// See its name.
pub async fn lanes_tell_what_is_due_and_when_to_ask_again(parts: &Parts) {
    let (one, two) = (channel(1, "one.example", &["a", "b"]), channel(2, "two.example", &["a"]));
    parts.keep(&one).await;
    parts.keep(&two).await;
    let lanes = async |second| parts.queue.lanes(at(second)).await.unwrap();
    assert_eq!(lanes(0).await, (vec![], None));
    let later = |owed: Owed, second| Owed { due: at(second), ..owed };
    parts.owe(vec![later(change(&one, "a", 1), 10), later(change(&one, "b", 2), 20)]).await;
    parts.owe(vec![later(change(&two, "a", 3), 15)]).await;
    assert_eq!(lanes(9).await, (vec![], Some(at(10))));
    assert_eq!(lanes(10).await, (vec![lane("one.example")], Some(at(15))));
    assert_eq!(lanes(15).await, (vec![lane("one.example"), lane("two.example")], Some(at(20))));
    assert_eq!(lanes(20).await.1, None);
    let two = parts.one("two.example", 15).await;
    parts.acknowledge(two.id, 15).await;
    assert_eq!(lanes(15).await, (vec![lane("one.example")], Some(at(20))));
    assert!(parts.channels.remove(one.id).await.unwrap());
    assert_eq!(lanes(99).await, (vec![], None));
}

/// Three channels of one receiver, of which one has much more than the others.
async fn crowd(parts: &Parts) -> [ChannelId; 3] {
    let channels = [1, 2, 3].map(|number| channel(number, "hook.example", &["a", "b", "c", "d"]));
    for channel in &channels {
        parts.keep(channel).await;
    }
    let [one, two, three] = &channels;
    let many = ["a", "b", "c", "d"].iter().zip(1..).map(|(path, number)| change(one, path, number));
    parts.owe(many.collect()).await;
    let later = |owed: Owed| Owed { due: at(1), ..owed };
    parts.owe(vec![later(change(two, "a", 11)), later(change(two, "b", 12)), later(change(three, "a", 13))]).await;
    channels.map(|channel| channel.id)
}

/// See its name.
pub async fn a_lane_is_shared_in_rounds(parts: &Parts) {
    let [one, two, three] = crowd(parts).await;
    let given = async |limit| {
        let taken = parts.take("hook.example", 5, limit).await;
        taken.into_iter().map(|delivery| delivery.channel.id).collect::<Vec<_>>()
    };
    assert_eq!(given(3).await, [one, two, three]);
    assert_eq!(given(5).await, [one, two, three, one, two]);
    assert_eq!(given(100).await, [one, two, three, one, two, one, one]);
}

/// See its name.
pub async fn what_is_under_way_is_a_round_that_a_channel_has_had(parts: &Parts) {
    let [one, two, three] = crowd(parts).await;
    let mut under_way = Vec::new();
    let mut given = Vec::new();
    while let Some(next) = parts.queue.take(&lane("hook.example"), at(5), 1, &under_way).await.unwrap().pop() {
        under_way.push(next.id);
        given.push(next.channel.id);
    }
    assert_eq!(given, [one, two, three, one, two, one, one]);
}

/// See its name.
pub async fn who_was_served_goes_behind_those_who_wait(parts: &Parts) {
    let [one, two, three] = crowd(parts).await;
    let mut given = Vec::new();
    for second in 5.. {
        let Some(next) = parts.take("hook.example", second, 1).await.pop() else { break };
        given.push(next.channel.id);
        parts.acknowledge(next.id, second).await;
    }
    assert_eq!(given, [one, two, three, one, two, one, one]);
}

/// See its name.
pub async fn what_is_under_way_is_not_given_again(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b", "c"]);
    parts.keep(&channel).await;
    parts.owe(vec![change(&channel, "a", 1), change(&channel, "b", 2), change(&channel, "c", 3)]).await;
    let taken: Vec<DeliveryId> = parts.take("hook.example", 0, 2).await.iter().map(|taken| taken.id).collect();
    let others = parts.queue.take(&lane("hook.example"), at(0), 9, &taken).await.unwrap();
    assert_eq!((taken.len(), others.len()), (2, 1));
    assert!(!taken.contains(&others[0].id));
}

/// See its name.
pub async fn what_is_owed_twice_is_kept_once(parts: &Parts) {
    let (one, two) = (channel(1, "hook.example", &["a"]), channel(2, "hook.example", &["a"]));
    parts.keep(&one).await;
    parts.keep(&two).await;
    parts.owe(vec![change(&one, "a", 1), change(&one, "a", 1), change(&two, "a", 1)]).await;
    parts.owe(vec![change(&one, "a", 1)]).await;
    for channel in [one, two] {
        assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 1);
    }
}

/// See its name.
pub async fn the_cursor_moves_with_what_is_owed_and_never_back(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a"]);
    parts.keep(&channel).await;
    assert_eq!(parts.owing.derived().await.unwrap(), Sequence(0));
    parts.owing.owe(vec![change(&channel, "a", 7)], Some(Sequence(7))).await.unwrap();
    assert_eq!(parts.owing.derived().await.unwrap(), Sequence(7));
    parts.owing.owe(vec![], Some(Sequence(5))).await.unwrap();
    parts.owing.owe(vec![], None).await.unwrap();
    assert_eq!(parts.owing.derived().await.unwrap(), Sequence(7));
    assert_eq!(parts.messages("hook.example", 0).await, [message(7)]);
}

/// See its name.
pub async fn what_is_owed_to_nobody_is_dropped(parts: &Parts) {
    let (gone, other) = (channel(1, "hook.example", &["a"]), channel(2, "hook.example", &["a"]));
    parts.keep(&other).await;
    parts.owe(vec![change(&gone, "a", 1), change(&other, "b", 2), change(&other, "a", 3)]).await;
    assert_eq!(parts.messages("hook.example", 0).await, [message(3)]);
    assert_eq!(parts.queue.health(gone.id).await.unwrap(), None);
}

/// See its name.
pub async fn topics_that_are_lost_take_what_is_owed_about_them(parts: &Parts) {
    let channel = channel(1, "hook.example", &["a", "b"]);
    parts.keep(&channel).await;
    // Two about one object, by either topic.
    let by_other = Owed { object: iri("a"), ..change(&channel, "b", 2) };
    parts.owe(vec![change(&channel, "a", 1), by_other, change(&channel, "a", 3)]).await;
    parts.channels.narrow(channel.id, &channel.topics[1..]).await.unwrap();
    assert_eq!(parts.messages("hook.example", 0).await, [message(2)]);
    assert_eq!(parts.owing.candidates(&[topic("a")], &[]).await.unwrap(), []);
    assert_eq!(parts.owing.candidates(&[topic("b")], &[]).await.unwrap().len(), 1);
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 1);
    parts.owe(vec![change(&channel, "a", 4)]).await;
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 1);
    assert!(parts.channels.remove(channel.id).await.unwrap());
    assert_eq!(parts.queue.lanes(at(9)).await.unwrap(), (vec![], None));
}

/// See its name.
pub async fn the_oldest_place_is_of_all_that_is_still_owed(parts: &Parts) {
    let (one, other) = (channel(1, "hook.example", &["a", "b"]), channel(2, "hook.example", &["a"]));
    parts.keep(&one).await;
    parts.keep(&other).await;
    parts.owe(vec![change(&other, "a", 1), change(&one, "a", 2), change(&one, "b", 3)]).await;
    let first = parts.take("hook.example", 0, 9).await.into_iter().find(|it| it.message == message(2)).unwrap();
    parts.queue.finish(first.id, Some(&attempt(0, Outcome::TimedOut)), &Done::Again(at(60))).await.unwrap();
    let second = parts.take("hook.example", 0, 9).await.into_iter().find(|it| it.message == message(3)).unwrap();
    assert_eq!(second.oldest, Some(Position { sequence: Sequence(2), part: 0 }));
    let again = parts.take("hook.example", 60, 9).await.into_iter().find(|it| it.message == message(2)).unwrap();
    parts.acknowledge(again.id, 60).await;
    let second = parts.take("hook.example", 60, 9).await.into_iter().find(|it| it.message == message(3)).unwrap();
    assert_eq!(second.oldest, Some(Position { sequence: Sequence(3), part: 0 }));
    assert!(second.owed > Timestamp::UNIX_EPOCH);
}
