//! Running a server: bind, compose, say so, serve, stop.

use crate::{
    accept, admin,
    card::{Card, card},
    compose,
    data::DataDirectory,
    front,
    listen::{self, Bound, ConsoleSite},
    request::Rules,
    settings::Settings,
    shutdown::{self, Signals, Stop, Stopper},
    telemetry,
};
use anyhow::Context as _;
use axum::Router;
use std::io::Write as _;

/// What composition makes of the settings.
#[derive(Debug, Default)]
pub struct Composed {
    /// The routes of the pods' origin.
    pub pods: Router,
    /// What an administrator may ask, on a socket of its own.
    pub admin: Router,
    /// The routes of the provider's origin, with the console if that is there.
    pub provider: Router,
    /// The routes of the console's origin, if it has one of its own.
    pub console: Router,
    /// What the card shows besides the URLs.
    pub card: Card,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Requests had their time to finish.
    Gracefully,
    /// A second signal came.
    AtOnce,
}

/// Runs a server until it is told to stop.
pub async fn serve(settings: Settings) -> anyhow::Result<Ended> {
    telemetry::begin(&settings.log)?;
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let (stopper, stop) = shutdown::channel();
    DataDirectory::look(&settings.data)?;
    // Before the directory is made: a start that fails here leaves nothing behind.
    let bound = listen::bind(&settings).await?;
    let data = DataDirectory::open(&settings.data)?;
    let mut composed = compose::compose(&settings, &data, &bound, stop.clone()).await?;
    let socket = admin::Socket::listen(&data);
    announce(&settings, &bound, composed.card.clone())?;
    let administered = socket.serve(std::mem::take(&mut composed.admin), stop.clone());
    let serving = async { tokio::join!(serve_origins(&settings, bound, composed, stop), administered).0 };
    let ended = supervise(serving, async || signals.next().await, stopper).await;
    tracing::info!("stopped");
    Ok(ended)
}

/// Lets the server run until a signal, then lets it end by itself until another.
async fn supervise(serving: impl Future<Output = ()>, mut signal: impl AsyncFnMut(), stopper: Stopper) -> Ended {
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ended::Gracefully,
        () = signal() => {}
    }
    tracing::info!("stopping; requests may finish, a second signal ends at once");
    stopper.stop();
    tokio::select! {
        () = &mut serving => Ended::Gracefully,
        () = signal() => Ended::AtOnce,
    }
}

fn announce(settings: &Settings, bound: &Bound, known: Card) -> anyhow::Result<()> {
    let text = card(&Card {
        base_url: bound.pods.url.to_string(),
        provider: bound.provider.as_ref().map(|site| site.url.to_string()),
        console: bound.urls().console.map(|url| url.to_string()),
        data: settings.data.clone(),
        listens: bound.pods.elsewhere(),
        seeds: settings.seeds(),
        ..known
    });
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot print")
}

async fn serve_origins(settings: &Settings, bound: Bound, composed: Composed, stop: Stop) {
    let limits = accept::Limits::from(settings);
    let rules = Rules::new(bound.pods.url.origin(), settings).with_pods(settings.pods.layout);
    let issuer = bound.provider.as_ref().map(|site| site.url.as_str().into());
    let pods = front::pods(composed.pods, rules, issuer);
    let pods = accept::serve(bound.pods.listeners, pods, limits.clone(), stop.clone());
    let provider = async {
        if let Some(site) = bound.provider {
            let pages = front::pages(composed.provider, Rules::new(site.url.origin(), settings));
            accept::serve(site.listeners, pages, limits.clone(), stop.clone()).await;
        }
    };
    let console = async {
        if let Some(ConsoleSite::Alone(site)) = bound.console {
            let pages = front::pages(composed.console, Rules::new(site.url.origin(), settings));
            accept::serve(site.listeners, pages, limits.clone(), stop.clone()).await;
        }
    };
    tokio::join!(pods, provider, console);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn the_first_signal_stops_and_the_second_ends_at_once() {
        let (stopper, stop) = shutdown::channel();
        let ended = supervise(pending(), async || ready(()).await, stopper).await;
        assert_eq!(ended, Ended::AtOnce);
        assert!(stop.is_stopped());
    }

    #[tokio::test]
    async fn after_one_signal_requests_may_finish() {
        let (stopper, mut stop) = shutdown::channel();
        let mut signals = 1;
        let signal = async || {
            if signals == 0 {
                pending::<()>().await;
            }
            signals -= 1;
        };
        let ended = supervise(async { stop.stopped().await }, signal, stopper).await;
        assert_eq!(ended, Ended::Gracefully);
    }
}
