#![no_main]

#[path = "../src/bundle.rs"]
mod bundle;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bundle::bundle(data));
