//! The Solid resource server: operations on resources, without HTTP.

pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
