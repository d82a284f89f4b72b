//! The socket on which a running server is administered.
//!
//! It lies in the data directory, which is closed to other users, and is itself closed to them.

use crate::{data::DataDirectory, shutdown::Stop};
use axum::Router;
use std::{io, path::PathBuf};

/// Its name in the data directory.
pub const SOCKET: &str = "podbell.sock";

/// A socket that is listened on, if that was possible.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    #[cfg(unix)]
    listener: io::Result<tokio::net::UnixListener>,
}

impl Socket {
    /// Listens in a data directory whose store this process has opened. A server without the socket is a whole server
    /// all the same, so what is in the way is only logged.
    pub fn listen(data: &DataDirectory) -> Self {
        let path = data.path().join(SOCKET);
        #[cfg(unix)]
        let listener = listen(&path);
        #[cfg(unix)]
        if let Err(error) = &listener {
            tracing::warn!(
                path = %path.display(), error = %error,
                "this server cannot be administered while it runs; stop it before `podbell pod` or `podbell account`"
            );
        }
        Self {
            path,
            #[cfg(unix)]
            listener,
        }
    }

    /// Serves administration until the stop.
    #[cfg(unix)]
    pub async fn serve(self, routes: Router, mut stop: Stop) {
        let Ok(listener) = self.listener else { return };
        let served = axum::serve(listener, routes).with_graceful_shutdown(async move { stop.stopped().await }).await;
        if let Err(error) = served.and_then(|()| std::fs::remove_file(&self.path)) {
            tracing::debug!(error = %error, "the socket of administration stays");
        }
    }

    /// Serves nothing: there are no such sockets on this system.
    #[cfg(not(unix))]
    pub async fn serve(self, _: Router, _: Stop) {
        tracing::debug!(path = %self.path.display(), "not administered while it runs");
    }
}

#[cfg(unix)]
fn listen(path: &std::path::Path) -> io::Result<tokio::net::UnixListener> {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    // Whoever has the store open is the only server here: what is left is of one that was killed.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = tokio::net::UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
