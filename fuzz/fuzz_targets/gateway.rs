//! What is understood of a request to the ESS gateway or its endpoint means the same written in another way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_wire::properties::gateway;

fuzz_target!(|data: &[u8]| gateway(data));
