//! Podbell's server: HTTP, settings, composition, telemetry, shutdown.
//!
//! The one place where HTTP statuses are decided, causes become problems, and concrete parts are named together.

pub mod accept;
pub mod act;
pub mod admin;
pub mod app;
pub mod attempts;
pub mod authenticate;
pub mod authorize;
pub mod card;
pub mod causes;
pub mod cli;
pub mod compose;
pub mod console;
pub mod cors;
pub mod data;
pub mod front;
pub mod listen;
pub mod notifications;
pub mod own_documents;
pub mod own_origins;
pub mod page;
pub mod parts;
pub mod problem;
pub mod protect;
pub mod provider_site;
pub mod public_documents;
pub mod pushing;
pub mod request;
mod reserved;
pub mod resources;
pub mod seed;
pub mod sender;
pub mod serve;
pub mod settings;
pub mod shutdown;
pub mod standing;
pub mod strangers;
pub mod telemetry;
pub mod watch;
pub mod welcome;
