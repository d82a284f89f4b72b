//! The hub's rules, each by name.

mod again;
mod alike;
mod attacks;
mod burdens;
mod cursors;
mod delivery;
mod leases;
mod leave;
mod lifecycle;
mod lingering;
mod listening;
mod members;
mod model;
mod owed;
mod parts;
mod standing;
mod subtrees;
mod traffic;
mod world;
