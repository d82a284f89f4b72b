//! An N3 patch does what its parts say, and nothing else.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::patch;

fuzz_target!(|data: &[u8]| patch("text/n3", data));
