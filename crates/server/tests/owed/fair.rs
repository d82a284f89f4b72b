//! A hundred receivers that hang keep nothing from ten that answer.

use super::subscribing::{Ear, put, subscribe};
use crate::support::{self, Place};
use podbell_test_client::receiver::{Receiver, Reply};

const HUNG: usize = 100;
const HEALTHY: usize = 10;
const CHANGES: usize = 20;

/// R-WH-6. All answer while nobody who hangs was given up: no time has to pass for that. Also where there are fewer
/// places than receivers that hang.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_that_answer_hear_everything_while_a_hundred_hang() {
    for (places, most_hung) in [("256", HUNG), ("64", 56)] {
        let place = Place::new();
        let beside = tempfile::tempdir().unwrap();
        let settings = beside.path().join("settings.toml");
        let text = format!("[webhooks]\nper_second = 1000000\nburst = 1000000\ntimeout = \"1h\"\nat_once = {places}\n");
        std::fs::write(&settings, text).unwrap();
        let server = place.start_with(&["--config", settings.to_str().unwrap()]).await;
        let alice = server.log_in("ALICE").await;
        let topic = format!("{}alice/fair/", server.base);
        put(&alice, &format!("{topic}first")).await;
        let healthy: Vec<_> = (0..HEALTHY).map(|_| Ear::new()).collect();
        for ear in &healthy {
            subscribe(&alice, &server.base, &topic, &ear.url()).await;
        }
        // They are known to work.
        put(&alice, &format!("{topic}first")).await;
        support::until("the first change is heard", || healthy.iter().all(|ear| ear.count() == 1)).await;

        let hung: Vec<_> = (0..HUNG).map(|_| Receiver::http(|_, _| Reply::Hang).unwrap()).collect();
        for receiver in &hung {
            subscribe(&alice, &server.base, &topic, &receiver.url("/")).await;
        }
        let count = |hung: &[Receiver]| hung.iter().map(|receiver| receiver.received().len()).sum::<usize>();
        put(&alice, &format!("{topic}hanging")).await;
        support::until("all hang for which there is room", || count(&hung) == most_hung).await;
        for number in 1..CHANGES {
            put(&alice, &format!("{topic}{}", number % 7)).await;
        }
        support::until("all is heard", || healthy.iter().all(|ear| ear.different() == 1 + CHANGES)).await;
        assert!(healthy.iter().all(|ear| ear.count() == 1 + CHANGES), "once each");
        assert!(hung.iter().all(|receiver| receiver.received().len() <= 1), "one at a time to each that hangs");
        assert_eq!(count(&hung), most_hung, "and all of them hang still");
    }
}
