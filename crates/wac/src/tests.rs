//! The crate from outside: whole ACLs, whole requests.

mod naive_model;
mod permission_table;
mod rules;
mod world;
