//! Linked Web Storage: the grammar of its descriptions, subscriptions and listings. The envelopes are
//! [messages](crate::message).
//!
//! Everything here follows a draft (Editor's Draft of 2026-06-29, `w3c/lws-protocol`) and may change with it. Bodies are
//! plain JSON, read and written as such.

/// The media type of every document.
pub const MEDIA_TYPE: &str = "application/lws+json";
/// The context of every document.
pub const CONTEXT: &str = "https://www.w3.org/ns/lws/v1";
/// The link relation from a resource to the description of its storage.
pub const STORAGE_DESCRIPTION: &str = "https://www.w3.org/ns/lws#storageDescription";
