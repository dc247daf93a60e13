#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::targets::ledger_item::ledger_item(data));
