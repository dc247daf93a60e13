//! One of the targets, for libFuzzer: the environment variable `FUZZ_TARGET` names it. Without that, it prints the names of
//! all targets, one a line. `make fuzz` calls it.

#![no_main]

use std::{env, process, sync::OnceLock};

use fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

/// The target that is wanted, or else the end of the process.
fn wanted() -> Target {
    let targets = fuzz::all_targets();
    let Ok(name) = env::var("FUZZ_TARGET") else {
        for name in targets.keys() {
            println!("{name}");
        }
        process::exit(0);
    };
    targets.get(&name).copied().unwrap_or_else(|| {
        eprintln!("there is no target {name}");
        process::exit(1)
    })
}

/// Before libFuzzer feeds anything.
fn begin() {
    TARGET.get_or_init(wanted);
}

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| {
    TARGET.get_or_init(wanted).feed(data);
});
