#![no_main]

#[path = "../src/saved.rs"]
mod saved;

libfuzzer_sys::fuzz_target!(|data: &[u8]| saved::events(data));
