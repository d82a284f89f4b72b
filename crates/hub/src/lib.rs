//! The hub: who listens to what, what may be told to whom, and what waits for whom.
//!
//! It knows no JSON-LD, no media type and no protocol name.

pub mod channel;
pub mod ports;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use channel::{Channel, ChannelId, ConnectionLimit, Ending, RenderingId, Topic};
pub use ports::{
    Answer, Authorize, ChannelStore, ChannelStoreError, Encoder, Need, Outlet, Projection, Question, Relation,
    Unavailable,
};
