//! What is chosen is acceptable, and empty entries change nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::accept;

fuzz_target!(|value: &str| accept(value));
