//! Whether anybody still reads the standard output: `podbell watch … | head -1` ends when `head` does, not only when there
//! is something to say.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::Duration;

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Waits until nobody reads any longer.
pub(super) async fn gone() {
    loop {
        let stdout = std::io::stdout();
        let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
        let polled = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        if polled.is_ok() && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
