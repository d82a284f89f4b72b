//! The provider from the outside: whole flows, and each attack on them.

mod accounts;
mod attacks;
mod bench;
mod clients;
mod consent;
mod flows;
mod other_sites;
mod pages;
mod sign_up;
