//! x

pub mod authorize;
