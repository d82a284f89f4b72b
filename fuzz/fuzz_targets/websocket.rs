//! However the bytes are cut, the same messages come out.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_delivery::properties::websocket;

fuzz_target!(|input: (usize, &[u8])| websocket(input.1, input.0));
