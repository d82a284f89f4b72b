//! Registering an outlet with the hub, so that its peer may rely on the answer that it has got.

use podbell_hub::{Admission, Begin, Connection, Outlet, Position, RenderingId};
use podbell_model::Sequence;
use std::sync::Arc;

/// Registers; `since` is a head of the log that was read before the answer went out: what was committed after it is
/// told.
pub(crate) fn register(
    admission: Admission,
    outlet: Arc<dyn Outlet>,
    (begin, since): (Begin, Sequence),
    rendering: Option<RenderingId>,
) -> Arc<Connection> {
    // A channel with a known state is told the difference, which covers what happened since.
    let begin = match begin {
        Begin::Now if admission.channel().state.is_none() => Begin::After(Position::after(since)),
        begin => begin,
    };
    Arc::new(admission.register(outlet, begin, rendering))
}

/// What tells a connection that its outlet has room again, without keeping it.
pub(crate) fn room(connection: &Arc<Connection>) -> Box<dyn Fn() + Send + Sync> {
    let connection = Arc::downgrade(connection);
    Box::new(move || {
        if let Some(connection) = connection.upgrade() {
            connection.writable();
        }
    })
}
