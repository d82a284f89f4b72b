//! A name has one form, below its containers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_model::properties::iri;

fuzz_target!(|text: &str| iri(text));
