//! Entity-tags written plainly are read as they were.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::tags;

fuzz_target!(|value: &str| tags(value));
