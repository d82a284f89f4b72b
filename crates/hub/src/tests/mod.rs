//! The hub's rules, each by name.

mod attacks;
mod delivery;
mod leases;
mod lifecycle;
mod model;
mod world;
