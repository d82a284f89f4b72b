//! Links written plainly are read as they were.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::link;

fuzz_target!(|value: &str| link(value));
