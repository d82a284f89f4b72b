//! What is kept of an ACL rules as the ACL did.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podbell_wac::properties::acl;

fuzz_target!(|data: &[u8]| acl(data));
