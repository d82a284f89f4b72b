//! What is understood of a subscription request is answered in words that are understood as the same request.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_wire::properties::subscription;

fuzz_target!(|data: &[u8]| subscription(data));
