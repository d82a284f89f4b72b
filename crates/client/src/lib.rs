//! Hears what changes in a Solid pod, for as long as somebody wants to know.
//!
//! A [`Client`] logs in with client credentials, or not at all; [`Client::watch`] finds out how a topic can be listened
//! to, subscribes, connects, and comes back after a cut. From Podbell it comes back without missing anything and without
//! hearing anything twice; what no server can repeat is told as a [`Gap`]. It speaks the Solid Notifications Protocol, so
//! other servers are heard as well, as far as they go.
//!
//! ```no_run
//! use podbell_client::{Client, Credentials, Event};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::new("http://localhost:3001/", "the client's id", "its secret");
//! let client = Client::builder().credentials(credentials).build()?;
//! let mut watch = client.watch(["http://localhost:3000/alice/"]).recursive().listen().await?;
//! while let Some(event) = watch.next().await {
//!     match event? {
//!         Event::Notification(told) => println!("{} {}", told.kind, told.object),
//!         Event::Gap(_) => println!("some changes are not known: read again what matters"),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Spec: <https://solidproject.org/TR/notifications-protocol>

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod answer;
mod client;
mod connection;
mod discovery;
mod error;
mod events;
mod http;
mod links;
mod login;
mod messages;
mod notification;
mod options;
mod seen;
mod session;
mod socket;
mod stream;
mod subscription;
mod watch;
pub mod webhook;

pub use answer::misleads;
pub use client::{Builder, Client, Representation};
pub use error::WatchError;
pub use login::Credentials;
pub use notification::{Gap, Notification};
pub use options::{ActivityType, Transport, UnknownWord, Watching};
pub use watch::{Event, State, Watch};
