#![no_main]

#[path = "../src/policies.rs"]
mod policies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| policies::host_state(data));
