//! A Turtle document says the same in every syntax.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_model::{properties::document, rdf::RdfFormat};

fuzz_target!(|data: &[u8]| document(RdfFormat::Turtle, data));
