#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tramline::pattern::fuzzing::pattern(bytes));
