//! A range lies within the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::range;

fuzz_target!(|input: (&str, u64)| range(input.0, input.1));
