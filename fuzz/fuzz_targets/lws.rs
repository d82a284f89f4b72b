//! What is understood of a request of Linked Web Storage is understood the same when it is said again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_wire::properties::lws;

fuzz_target!(|data: &[u8]| lws(data));
