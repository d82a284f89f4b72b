use super::*;
use parking_lot::Mutex;

/// Keys in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Vec<KeptKey>>);

#[async_trait::async_trait]
impl KeyStore for Memory {
    async fn sender_keys(&self) -> Result<Vec<KeptKey>, KeyStoreError> {
        Ok(self.0.lock().clone())
    }

    async fn change_sender_keys(&self, new: &[KeptKey], gone: &[Arc<str>]) -> Result<(), KeyStoreError> {
        let mut kept = self.0.lock();
        kept.retain(|key| !gone.contains(&key.kid));
        kept.extend_from_slice(new);
        Ok(())
    }
}

const EVERY: Duration = Duration::from_hours(90 * 24);

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap()
}

async fn keys(store: &Arc<Memory>, now: Timestamp) -> Keys {
    Keys::open(store.clone(), EVERY, now).await.unwrap()
}

fn signs(keys: &Keys, purpose: Purpose, hours: i64) -> String {
    keys.signing(purpose, at(hours)).unwrap().thumbprint().to_owned()
}

fn published(keys: &Keys, purpose: Purpose, hours: i64) -> Vec<String> {
    keys.published(purpose, at(hours)).iter().map(|key| key.thumbprint().to_owned()).collect()
}

#[tokio::test]
async fn every_purpose_has_a_key_of_its_own_which_a_restart_keeps() {
    let store = Arc::new(Memory::default());
    let (first, second) = (keys(&store, at(0)).await, keys(&store, at(1)).await);
    let names = |keys: &Keys| Purpose::ALL.map(|purpose| signs(keys, purpose, 1));
    assert_eq!(names(&first), names(&second));
    let [token, http, vapid] = names(&first);
    assert!(token != http && http != vapid && vapid != token);
}

#[tokio::test]
async fn a_new_key_is_published_a_day_before_it_signs_and_an_old_one_for_a_day_and_more_after_it_did() {
    for by_hand in [false, true] {
        let keys = keys(&Arc::new(Memory::default()), at(0)).await;
        let purpose = Purpose::HttpSignature;
        let old = signs(&keys, purpose, 0);
        let begin = if by_hand { 7 } else { 90 * 24 };
        keys.tend(at(begin - 1)).await.unwrap();
        assert_eq!(published(&keys, purpose, begin - 1), std::slice::from_ref(&old));
        if by_hand {
            keys.replace(Change::Announced, at(begin)).await.unwrap();
            keys.replace(Change::Announced, at(begin + 1)).await.unwrap();
        } else {
            keys.tend(at(begin)).await.unwrap();
            keys.tend(at(begin + 1)).await.unwrap();
        }
        let both = published(&keys, purpose, begin);
        assert_eq!((both.len(), &both[0]), (2, &old), "one more, however often it is asked for");
        for hours in 0..24 {
            assert_eq!(signs(&keys, purpose, begin + hours), old);
        }
        for hours in 24..72 {
            keys.tend(at(begin + hours)).await.unwrap();
            assert_eq!(signs(&keys, purpose, begin + hours), both[1]);
            assert_eq!(published(&keys, purpose, begin + hours), both, "{hours}");
        }
        keys.tend(at(begin + 72)).await.unwrap();
        assert_eq!(published(&keys, purpose, begin + 72), [both[1].clone()]);
        assert_eq!(published(&keys, purpose, 0), [both[1].clone()], "it is kept no more");
    }
}

#[tokio::test]
async fn what_others_may_know_is_trusted_no_longer() {
    let store = Arc::new(Memory::default());
    let keys = keys(&store, at(0)).await;
    keys.replace(Change::Announced, at(1)).await.unwrap();
    let before = [Purpose::AccessToken, Purpose::HttpSignature].map(|purpose| published(&keys, purpose, 1));
    keys.replace(Change::AtOnce, at(2)).await.unwrap();
    for (purpose, before) in [Purpose::AccessToken, Purpose::HttpSignature].into_iter().zip(before) {
        let now = published(&keys, purpose, 2);
        assert_eq!(now, [signs(&keys, purpose, 2)]);
        assert!(!before.contains(&now[0]));
    }
    assert_eq!(store.0.lock().len(), 3);
}

#[tokio::test]
async fn the_key_that_browsers_are_bound_to_stays() {
    let keys = keys(&Arc::new(Memory::default()), at(0)).await;
    let first = signs(&keys, Purpose::Vapid, 0);
    keys.tend(at(24 * 1_000)).await.unwrap();
    keys.replace(Change::AtOnce, at(24 * 1_000)).await.unwrap();
    assert_eq!(published(&keys, Purpose::Vapid, 24 * 1_000), [first]);
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_no_key_from_being_followed() {
    const AHEAD: i64 = 10 * 365 * 24;
    for made in [0, AHEAD] {
        let keys = keys(&Arc::new(Memory::default()), at(made)).await;
        let vapid = signs(&keys, Purpose::Vapid, 0);
        keys.tend(at(AHEAD)).await.unwrap();
        for purpose in [Purpose::AccessToken, Purpose::HttpSignature] {
            let mut seen = std::collections::BTreeSet::new();
            for day in 1..200 {
                keys.tend(at(day * 24)).await.unwrap();
                let now = signs(&keys, purpose, day * 24);
                assert!(published(&keys, purpose, day * 24).contains(&now));
                seen.insert(now);
            }
            assert_eq!(seen.len(), 3, "in two hundred days");
        }
        assert_eq!(signs(&keys, Purpose::Vapid, 0), vapid);
    }
}

#[tokio::test]
async fn a_key_under_a_wrong_name_is_refused() {
    let store = Arc::new(Memory::default());
    drop(keys(&store, at(0)).await);
    store.0.lock()[0].kid = "another".into();
    assert!(matches!(Keys::open(store, EVERY, at(0)).await, Err(KeysError::Name)));
}

#[test]
fn what_is_shown_of_a_kept_key_holds_nothing_private() {
    let (purpose, kid, pkcs8) = (Purpose::Vapid, "k".into(), b"private".as_slice().into());
    let shown = format!("{:?}", KeptKey { purpose, kid, pkcs8, created: at(0), signs: at(0) });
    assert_eq!(shown, r#"KeptKey { purpose: Vapid, kid: "k", .. }"#);
}
