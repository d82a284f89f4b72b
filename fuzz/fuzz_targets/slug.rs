//! A wish for a name stays in its container.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_pod::properties::slug;

fuzz_target!(|wish: &str| slug(wish));
