#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::web_answer::health_probe_answer(data));
