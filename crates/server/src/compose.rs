//! Composition: the one place where concrete parts are named together.

use crate::{data::DataDirectory, listen::Bound, serve::Composed, settings::Settings, shutdown::Stop};

/// Makes the routes of both origins.
#[expect(clippy::unused_async, reason = "opening stores waits")]
pub async fn compose(
    _settings: &Settings,
    _data: &DataDirectory,
    _bound: &Bound,
    _stop: Stop,
) -> anyhow::Result<Composed> {
    Ok(Composed::default())
}
