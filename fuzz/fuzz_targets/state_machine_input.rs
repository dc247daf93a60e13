#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::state_machine_input::state_machine_input(data));
