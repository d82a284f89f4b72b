//! The binary `podbell`.
fn main() {}
