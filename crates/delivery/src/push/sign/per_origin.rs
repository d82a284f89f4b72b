//! Tokens that are good for one receiver, kept while they have half their life left: a signature for each would cost
//! more than the rest of an attempt.

use parking_lot::Mutex;
use podbell_model::Timestamp;
use podbell_oidc::KeyError;
use std::{collections::HashMap, sync::Arc, time::Duration};
use url::Url;

/// How many are kept.
const MOST: usize = 10_000;

struct Kept {
    token: Arc<str>,
    /// Who signed it.
    kid: String,
    made: Timestamp,
}

/// One token for each origin.
pub(super) struct PerOrigin {
    life: Duration,
    kept: Mutex<HashMap<String, Kept>>,
}

impl PerOrigin {
    /// For tokens that live so long.
    pub(super) fn new(life: Duration) -> Self {
        Self { life, kept: Mutex::default() }
    }

    /// The token for the origin of a target; `make` is given the origin.
    pub(super) fn get(
        &self,
        target: &Url,
        kid: &str,
        now: Timestamp,
        make: impl FnOnce(&str) -> Result<String, KeyError>,
    ) -> Result<Arc<str>, KeyError> {
        let origin = target.origin().ascii_serialization();
        if let Some(kept) = self.kept.lock().get(&origin)
            && kept.kid == kid
            && self.is_good(kept, now)
        {
            return Ok(Arc::clone(&kept.token));
        }
        let token: Arc<str> = make(&origin)?.into();
        let mut all = self.kept.lock();
        if all.len() >= MOST {
            all.retain(|_, kept| self.is_good(kept, now));
        }
        if all.len() < MOST {
            all.insert(origin, Kept { token: Arc::clone(&token), kid: kid.to_owned(), made: now });
        }
        Ok(token)
    }

    fn is_good(&self, kept: &Kept, now: Timestamp) -> bool {
        let age = now.duration_since(kept.made);
        !age.is_negative() && age.unsigned_abs() < self.life / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_half_its_life_for_one_origin_and_one_key() {
        let tokens = PerOrigin::new(Duration::from_mins(5));
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let get = |url: &str, kid, second, made: &str| {
            tokens.get(&url.parse().unwrap(), kid, at(second), |_| Ok(made.to_owned())).unwrap().to_string()
        };
        assert_eq!(get("https://a.example/x", "1", 0, "first"), "first");
        assert_eq!(get("https://a.example:443/y", "1", 149, "second"), "first");
        assert_eq!(get("https://a.example:8443/y", "1", 149, "port"), "port");
        assert_eq!(get("http://a.example/y", "1", 149, "scheme"), "scheme");
        assert_eq!(get("https://a.example/x", "1", 150, "old"), "old");
        assert_eq!(get("https://a.example/x", "2", 150, "another key"), "another key");
        assert_eq!(get("https://a.example/x", "2", 149, "the clock went back"), "the clock went back");
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let tokens = PerOrigin::new(Duration::from_mins(5));
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for host in 0..=MOST {
            tokens.get(&format!("https://{host}.example").parse().unwrap(), "1", now, |_| Ok(String::new())).unwrap();
        }
        assert_eq!(tokens.kept.lock().len(), MOST);
    }
}
