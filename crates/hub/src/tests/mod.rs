//! The hub's rules, each by name.

mod attacks;
mod burdens;
mod cursors;
mod delivery;
mod leases;
mod lifecycle;
mod model;
mod parts;
mod subtrees;
mod world;
