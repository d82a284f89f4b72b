//! The hub: who listens to what, what may be told to whom, and what waits for whom.
//!
//! It knows no JSON-LD, no media type and no protocol name.

mod admission;
mod again;
mod answers;
mod behind;
pub mod channel;
mod concern;
mod crowds;
mod cursor;
mod deriving;
mod ending;
mod engine;
mod filter;
mod flush;
mod grants;
mod hub;
mod leases;
mod leave;
mod linger;
mod listening;
mod live;
mod matching;
mod outbox;
mod owing;
pub mod ports;
mod presence;
mod push;
mod registry;
mod renewal;
mod replay;
mod ringing;
mod rules;
mod settings;
mod shard;
mod standing;
mod subscription;
mod subtree;
mod telling;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod timers;
mod traffic;
mod verdicts;
mod wording;

pub use admission::{Admission, Begin, ConnectError, Connection};
pub use again::{Again, AgainError};
pub use channel::{Channel, ChannelId, ConnectionLimit, Ending, RenderingId, Topic};
pub use crowds::{ChannelLimits, Crowd, Full, Network, TooMany};
pub use cursor::{CURSOR, Cursor, Cursors, Encoded, Position};
pub use filter::Filter;
pub use hub::{Hub, Ports};
pub use leave::{Grant, Leave};
pub use listening::{Attending, Listening};
pub use owing::{About, Anew, Owed, Owing, What};
pub use ports::{
    Answer, Authorize, ChannelStore, ChannelStoreError, Clock, Encoder, InsertError, Need, Outlet, Projection,
    Question, Relation, Standing, States, Unavailable,
};
pub use presence::Presence;
pub use push::{Push, PushKeys, Secret};
pub use renewal::{After, Renewal, Whose};
pub use settings::{Counts, Metrics, Settings};
pub use standing::{Shown, Told};
pub use subscription::{ChannelError, SubscribeError};
pub use traffic::{MINUTES, Traffic};
