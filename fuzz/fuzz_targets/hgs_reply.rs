#![no_main]

#[path = "../src/hgs.rs"]
mod hgs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| hgs::reply(data));
