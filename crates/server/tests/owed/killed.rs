//! `kill -9` of the server at random while five thousand deliveries are owed: each is received at least once, in order
//! per resource, little is repeated, and nothing comes after its channel ended.

use super::subscribing::{Ear, pending, subscribe};
use crate::{
    history::{FOLDERS, History},
    support::{self, Place},
};
use http::Method;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

const KILLS: usize = 20;
/// Changes, spread over 256 resources.
const OWED: usize = 5_056;
/// Most that is under way at once for one channel.
const UNDER_WAY: usize = 4;

/// R-WH-6, R-WH-7. Which deliveries a kill meets differs each time: it comes after so many were received, which is a condition
/// and not a time; the first kills come while it is still being found out what is owed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_arrives_in_order_over_twenty_kills_and_nothing_after_its_channel_ended() {
    let place = Place::new();
    let beside = tempfile::tempdir().unwrap();
    let settings = beside.path().join("settings.toml");
    let text = "[webhooks]\nper_second = 1000000\nburst = 1000000\npending = 100000\ntimeout = \"1h\"\n";
    std::fs::write(&settings, text).unwrap();
    let start = async || place.start_with(&["--config", settings.to_str().unwrap()]).await;

    let mut server = start().await;
    let alice = server.log_in("ALICE").await;
    for folder in 0..FOLDERS {
        let url = format!("{}alice/log/{folder}/", server.base);
        alice.request(Method::PUT, &url, Some("text/turtle"), "").await.unwrap().success("PUT").unwrap();
    }
    let (lasting, ending) = (Ear::new(), Ear::new());
    // What is refused once must not be overtaken by what is later.
    lasting.refuse_one_of(40);
    let topic = format!("{}alice/log/", server.base);
    let lasting_channel = subscribe(&alice, &server.base, &topic, &lasting.url()).await;
    let ending_channel = subscribe(&alice, &server.base, &topic, &ending.url()).await;
    server.kill_9().await;
    let mut history = History::new(&place).await;
    history.write(&place, OWED).await;
    assert_eq!(history.len(), OWED);

    let (mut random, mut goal, mut told_before_the_end) = (0x9e37_79b9_7f4a_7c15_u64, 0, 0);
    for kill in 0..KILLS {
        let mut server = start().await;
        if kill == KILLS / 2 {
            let answered = ending.hang_after(50);
            // So many hang, and no more are begun: what came later would have been sent later.
            told_before_the_end = answered + UNDER_WAY;
            support::until("as many hang as may", || ending.count() == told_before_the_end).await;
            let alice = server.log_in("ALICE").await;
            let gone = alice.request(Method::DELETE, &ending_channel, None, "").await.unwrap();
            assert_eq!(gone.status, 204);
            ending.answer();
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Short of all that is owed, however often it is the most.
        goal = (goal.max(lasting.different()) + 40 + usize::try_from(random >> 57).unwrap()).min(OWED - 1_000);
        support::until("enough is received", || lasting.different() >= goal).await;
        server.kill_9().await;
    }
    assert!(lasting.different() < OWED, "at the last kill something was owed");

    let server = start().await;
    let alice = server.log_in("ALICE").await;
    support::until("everything is received", || lasting.different() == OWED).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    while pending(&alice, &lasting_channel).await > 0 {
        assert!(Instant::now() < deadline, "something stays owed");
    }
    assert_eq!(ending.count(), told_before_the_end, "nothing comes after the end");
    let mut happened: HashMap<String, Vec<_>> = HashMap::new();
    for event in &history.events {
        happened.entry(format!("{topic}{}", event.path)).or_default().push(event.id);
    }
    let firsts = |ear: &Ear| {
        let (mut seen, mut firsts) = (HashSet::new(), HashMap::<_, Vec<_>>::new());
        for (object, id) in ear.all().into_iter().filter(|(_, id)| seen.insert(*id)) {
            firsts.entry(object).or_default().push(id);
        }
        firsts
    };
    assert!(firsts(&lasting) == happened, "each is received, and in order per resource");
    for (object, ids) in firsts(&ending) {
        assert!(happened[&object].starts_with(&ids), "until its end this one was told in order too: {object}");
    }
    // At each kill, at most what was under way comes again.
    for ear in [&lasting, &ending] {
        let repeated = ear.count() - ear.different();
        assert!(repeated <= KILLS * UNDER_WAY, "{repeated} came again");
    }
}
