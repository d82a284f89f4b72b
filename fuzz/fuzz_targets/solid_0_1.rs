//! No line of `solid-0.1` subscribes by accident, however its frames are cut, and no answer breaks its line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, usize)| {
    podbell_wire::properties::solid_0_1(input.0);
    podbell_delivery::properties::lines(input.0, input.1);
});
