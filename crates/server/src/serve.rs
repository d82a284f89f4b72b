//! Running a server: bind, compose, say so, serve, stop.

use crate::{
    accept,
    card::{Card, card},
    compose, front,
    listen::{self, Bound},
    request::Rules,
    settings::Settings,
    shutdown::{self, Signals, Stop},
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
    /// The routes of the provider's origin.
    pub provider: Router,
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
    let bound = listen::bind(&settings).await?;
    let composed = compose::compose(&settings, &bound, stop.clone()).await?;
    announce(&settings, &bound, composed.card.clone())?;
    let serving = serve_origins(&settings, bound, composed, stop);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(Ended::Gracefully),
        () = signals.next() => {}
    }
    tracing::info!("stopping; requests may finish, a second signal ends at once");
    stopper.stop();
    tokio::select! {
        () = &mut serving => Ok(Ended::Gracefully),
        () = signals.next() => Ok(Ended::AtOnce),
    }
}

fn announce(settings: &Settings, bound: &Bound, known: Card) -> anyhow::Result<()> {
    let text = card(&Card {
        base_url: bound.pods.url.to_string(),
        provider: bound.provider.as_ref().map(|site| site.url.to_string()),
        data: settings.data.clone(),
        ..known
    });
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot print")
}

async fn serve_origins(settings: &Settings, bound: Bound, composed: Composed, stop: Stop) {
    let limits = accept::Limits::from(settings);
    let pods = front::pods(composed.pods, Rules::new(bound.pods.url.origin(), settings));
    let pods = accept::serve(bound.pods.listeners, pods, limits.clone(), stop.clone());
    let provider = async {
        if let Some(site) = bound.provider {
            let pages = front::pages(composed.provider, Rules::new(site.url.origin(), settings));
            accept::serve(site.listeners, pages, limits, stop).await;
        }
    };
    tokio::join!(pods, provider);
}
