//! Stopping: the first signal lets requests finish, the second ends at once.

use tokio::sync::watch;

/// Tells everybody that the server stops.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Knows whether the server stops. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A pair of one who tells and one who knows.
pub fn channel() -> (Stopper, Stop) {
    let (tx, rx) = watch::channel(false);
    (Stopper(tx), Stop(rx))
}

impl Stopper {
    /// The server stops.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until the server stops. A lost [`Stopper`] counts as a stop.
    pub async fn stopped(&mut self) {
        // An error says that nobody is left to tell.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }

    /// Whether the server stops.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }
}

/// Signals from outside: SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on: a signal no longer ends the process by itself.
    #[cfg(unix)]
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Listens from now on: a signal no longer ends the process by itself.
    #[cfg(not(unix))]
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_is_told_also_who_asks_late() {
        let (stopper, mut early) = channel();
        assert!(!early.is_stopped());
        stopper.stop();
        early.stopped().await;
        let mut late = early.clone();
        late.stopped().await;
        assert!(late.is_stopped());
    }

    #[tokio::test]
    async fn a_lost_stopper_is_a_stop() {
        let (stopper, mut stop) = channel();
        drop(stopper);
        stop.stopped().await;
    }
}
