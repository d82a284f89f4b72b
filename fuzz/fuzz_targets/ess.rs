//! What is understood of the requests of ESS is within its bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_wire::properties::ess;

fuzz_target!(|data: &[u8]| ess(data));
