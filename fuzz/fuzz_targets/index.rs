#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tramline::log::fuzzing::index(bytes));
