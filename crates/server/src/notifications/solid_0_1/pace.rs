//! How fast one client is read.

use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Counts the messages of each second.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u32,
    began: Instant,
    count: u32,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        // With none at all nobody would ever be heard.
        Self { per_second: per_second.max(1), began: Instant::now(), count: 0 }
    }

    /// Counts a message; when it may be looked at, if that is later.
    pub(super) fn count(&mut self) -> Option<Instant> {
        let now = Instant::now();
        if now >= self.began + SECOND {
            (self.began, self.count) = (now, 0);
        }
        self.count += 1;
        if self.count <= self.per_second {
            return None;
        }
        // It is the first of the next second.
        (self.began, self.count) = (self.began + SECOND, 1);
        Some(self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_too_fast_is_looked_at_in_the_next_second() {
        let start = Instant::now();
        let mut pace = Pace::new(2);
        assert_eq!([pace.count(), pace.count()], [None, None]);
        let next = pace.count();
        assert_eq!(next, Some(start + SECOND));
        tokio::time::sleep_until(next.unwrap()).await;
        assert_eq!(pace.count(), None);
        assert_eq!(pace.count(), Some(start + 2 * SECOND));
        tokio::time::advance(5 * SECOND).await;
        assert_eq!([pace.count(), pace.count()], [None, None]);
    }
}
