//! What every queue keeps of what goes in one request, one function per fact.

use super::{NOTHING, Parts, at, attempt, change, channel, iri, lane, message, topic};
use crate::push::{Delivery, DeliveryId, Done, Outcome};
use podbell_hub::{About, Channel, Owed, Topic};
use podbell_model::{StorageId, Uuid};

const HOST: &str = "hook.example";

impl Parts {
    async fn along(&self, lead: &Delivery, limit: usize, under_way: &[DeliveryId]) -> Vec<Uuid> {
        let under_way: Vec<_> = under_way.iter().copied().chain([lead.id]).collect();
        let along = self.queue.take_along(&lane(HOST), lead, at(5), limit, &under_way).await.unwrap();
        along.into_iter().map(|delivery| delivery.message).collect()
    }

    async fn given(&self, number: u64) -> Delivery {
        let taken = self.take(HOST, 5, 100).await;
        taken.into_iter().find(|delivery| delivery.message == message(number)).unwrap()
    }
}

async fn owed(parts: &Parts, changes: &[(&str, u64)]) -> Channel {
    let channel = channel(1, HOST, &["a", "b", "c"]);
    parts.keep(&channel).await;
    parts.owe(changes.iter().map(|(path, number)| change(&channel, path, *number)).collect()).await;
    channel
}

/// See its name.
pub async fn what_waits_goes_along_in_the_order_of_the_commits(parts: &Parts) {
    owed(parts, &[("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)]).await;
    let lead = parts.given(1).await;
    assert_eq!(parts.along(&lead, 9, &[]).await, [2, 3, 4, 5].map(message));
    assert_eq!(parts.along(&lead, 2, &[]).await, [2, 3].map(message));
    let lead = parts.given(4).await;
    assert_eq!(parts.along(&lead, 9, &[]).await, [1, 2, 3, 5].map(message), "the lead may be younger");
    assert_eq!(parts.along(&lead, 0, &[]).await, NOTHING);
}

/// See its name.
pub async fn of_a_resource_nothing_is_passed_over(parts: &Parts) {
    owed(parts, &[("a", 1), ("a", 2), ("a", 3), ("b", 4)]).await;
    let (first, other) = (parts.given(1).await, parts.given(4).await);
    let later = Done::Again(at(60));
    parts.fail(first.id, 0, later).await;
    assert_eq!(parts.along(&other, 9, &[]).await, NOTHING, "the oldest is not due");
    assert_eq!(parts.along(&other, 9, &[first.id]).await, NOTHING);
}

/// See its name.
pub async fn what_is_under_way_or_not_due_holds_back_its_resource_alone(parts: &Parts) {
    let channel = owed(parts, &[("a", 1), ("b", 2), ("a", 3), ("b", 4), ("c", 5)]).await;
    let late = Owed { due: at(60), ..change(&channel, "c", 6) };
    parts.owe(vec![late, change(&channel, "c", 7)]).await;
    let (lead, other) = (parts.given(5).await, parts.given(1).await);
    assert_eq!(parts.along(&lead, 9, &[other.id]).await, [2, 4].map(message));
}

/// See its name.
pub async fn what_goes_along_is_of_the_same_storage_and_channel(parts: &Parts) {
    let elsewhere = Topic { storage: StorageId(2), resource: iri("b") };
    let mut one = channel(1, HOST, &["a"]);
    one.topics = [topic("a"), elsewhere.clone()].into();
    parts.keep(&one).await;
    let other = channel(2, HOST, &["a"]);
    parts.keep(&other).await;
    let about = About { topic: elsewhere, ..change(&one, "b", 2).about };
    let of_other_storage = Owed { about, ..change(&one, "b", 2) };
    parts.owe(vec![change(&one, "a", 1), of_other_storage, change(&other, "a", 3), change(&one, "a", 4)]).await;
    let lead = parts.given(1).await;
    assert_eq!(parts.along(&lead, 9, &[]).await, [message(4)]);
}

/// See its name.
pub async fn what_went_along_is_taken(parts: &Parts) {
    let channel = owed(parts, &[("a", 1), ("b", 2)]).await;
    let lead = parts.given(1).await;
    let along = parts.queue.take_along(&lane(HOST), &lead, at(5), 9, &[lead.id]).await.unwrap();
    let under_way: Vec<_> = along.iter().chain([&lead]).map(|delivery| delivery.id).collect();
    assert!(parts.queue.take(&lane(HOST), at(5), 9, &under_way).await.unwrap().is_empty());
    // An update that could take the place of one that waits goes behind one that is under way.
    let rated = |number| Owed { rate: Some(std::time::Duration::from_secs(1)), ..change(&channel, "b", number) };
    parts.owe(vec![rated(3)]).await;
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 3);
    assert_eq!(along[0].causes, lead.causes);
}

/// See its name.
pub async fn what_went_together_ends_together(parts: &Parts) {
    let channel = owed(parts, &[("a", 1), ("b", 2), ("a", 3)]).await;
    let ids: Vec<_> = {
        let lead = parts.given(1).await;
        let along = parts.queue.take_along(&lane(HOST), &lead, at(5), 9, &[lead.id]).await.unwrap();
        along.iter().chain([&lead]).map(|delivery| delivery.id).collect()
    };
    let all = |done: &Done| ids.iter().map(|id| (*id, done.clone())).collect::<Vec<_>>();
    let failed = attempt(5, Outcome::Refused(500));
    parts.queue.finish_together(&all(&Done::Again(at(5))), &failed).await.unwrap();
    let again = parts.given(1).await;
    assert_eq!((again.attempts, parts.given(2).await.attempts), (1, 1));
    assert_eq!(parts.queue.attempts(channel.id, 9).await.unwrap().len(), 3);
    let along = parts.queue.take_along(&lane(HOST), &again, at(5), 9, &[again.id]).await.unwrap();
    assert_eq!(
        along.iter().map(|it| (it.message, it.attempts)).collect::<Vec<_>>(),
        [(message(2), 1), (message(3), 1)]
    );
    let answered = attempt(6, Outcome::Acknowledged(204));
    parts.queue.finish_together(&all(&Done::Acknowledged), &answered).await.unwrap();
    assert_eq!(parts.queue.health(channel.id).await.unwrap().unwrap().pending, 0);
}
