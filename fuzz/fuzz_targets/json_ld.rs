//! A JSON-LD document says the same in every syntax that carries its graphs, and no context is fetched.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_model::{properties::document, rdf::RdfFormat};

fuzz_target!(|data: &[u8]| document(RdfFormat::JsonLd, data));
