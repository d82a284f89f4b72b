//! Logging: text or JSON on standard error, and one line for every request.
//!
//! Nothing secret is logged: capabilities and queries are cut out of targets, headers are not logged at all, and what
//! strangers wrote is escaped and bounded, so that it can neither forge a line nor steer a terminal.

mod escape;
mod line;

pub use escape::{Escaped, redacted};

use crate::{
    problem::Cause,
    settings::{Log, LogFormat},
};
use axum::{extract::Request, middleware::Next, response::Response};
use std::{error::Error, time::Instant};
use tracing_subscriber::{Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The level is none.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody logs already.
    #[error("logging has begun already")]
    Begun(#[from] tracing_subscriber::util::TryInitError),
}

/// Begins to log; once in a process. Panics are logged with their place, not with what they say.
pub fn begin(log: &Log) -> Result<(), TelemetryError> {
    let filter: Targets = log.level.parse()?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(false).with_target(false).fmt_fields(line::Once).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "a task panicked at {place}");
    }));
    Ok(())
}

/// Logs each request once it is answered, and the cause of a failure once.
pub async fn access(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = Escaped::new(request.method().as_str()).to_string();
    let target = redacted(request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str));
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Some(Cause { id, error }) = response.extensions().get() {
        let cause = Escaped::new(&chain(error.as_ref())).to_string();
        tracing::error!(
            http.method = method, http.target = target, http.status = status, problem.id = %id, problem.cause = cause,
            "{method} {target} failed: {cause}"
        );
    }
    if status >= 400 {
        tracing::info!(
            http.method = method,
            http.target = target,
            http.status = status,
            http.ms = ms,
            "{method} {target} {status} {ms} ms"
        );
    } else {
        tracing::debug!(
            http.method = method,
            http.target = target,
            http.status = status,
            http.ms = ms,
            "{method} {target} {status} {ms} ms"
        );
    }
    response
}

/// An error and its sources.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests;
