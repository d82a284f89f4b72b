//! The hub's rules, each by name.

mod attacks;
mod delivery;
mod lifecycle;
mod model;
mod world;
