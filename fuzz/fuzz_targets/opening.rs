//! A subprotocol that is chosen was offered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_delivery::properties::opening;

fuzz_target!(|input: (&str, &str)| opening(input.0, input.1));
