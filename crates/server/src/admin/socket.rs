//! The socket on which a running server is administered.
//!
//! It lies in the data directory, which is closed to other users, and is itself closed to them.

use crate::{data::DataDirectory, shutdown::Stop};
use axum::Router;
use std::path::Path;

/// Its name in the data directory.
pub const SOCKET: &str = "podbell.sock";

/// Serves administration until the stop. A server without the socket is a whole server all the same, so what is in the
/// way is only logged.
pub async fn serve(data: &DataDirectory, routes: Router, stop: Stop) {
    let path = data.path().join(SOCKET);
    if let Err(error) = serve_at(&path, routes, stop).await {
        tracing::warn!(
            path = %path.display(), error = %error,
            "this server cannot be administered while it runs; stop it before `podbell pod` or `podbell account`"
        );
    }
}

#[cfg(unix)]
async fn serve_at(path: &Path, routes: Router, mut stop: Stop) -> std::io::Result<()> {
    use std::{fs, io, os::unix::fs::PermissionsExt as _};
    // Whoever has the store open is the only server here: what is left is of one that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = tokio::net::UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let served = axum::serve(listener, routes).with_graceful_shutdown(async move { stop.stopped().await }).await;
    fs::remove_file(path)?;
    served
}

#[cfg(not(unix))]
async fn serve_at(_: &Path, _: Router, mut stop: Stop) -> std::io::Result<()> {
    stop.stopped().await;
    Ok(())
}
