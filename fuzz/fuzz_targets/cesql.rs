#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tramline::cesql::fuzzing::cesql(bytes));
