//! A preference holds beside others.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::prefer;

fuzz_target!(|value: &str| prefer(value));
