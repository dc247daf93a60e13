//! Each target with a fixed number of inputs, on any toolchain: what failed once, the sample events, and what
//! chance makes of them. `FUZZ_TIMES=100` makes so many times as many.
//!
//! An input that fails stays in `target/fuzz/found/<target>/`; it belongs into `tools/fuzz/regressions/<target>/`.

#[cfg(test)]
mod chance;
#[cfg(test)]
mod extremes;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod large;
#[cfg(test)]
mod remedies;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fuzz::{Target, all_targets};
use peak_alloc::PeakAlloc;
use sandbox::workspace;

use inputs::{chosen, files, regressions, samples};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// These tests count the memory of one process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No input of the usual size takes so much, whatever it is.
const MOST_MEMORY: usize = 64 << 20;
/// Nor so long, on a machine that is busy with other things.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn what_failed_once_does_not_fail_again() {
    let _alone = alone();
    let targets = all_targets();
    for (name, target) in &targets {
        feed(name, *target, &regressions(name));
    }
    for folder in files(&workspace().join("tools/fuzz/regressions")) {
        let known = targets.keys().any(|name| folder.ends_with(name));
        assert!(known, "{} is of no target, and never fed", folder.display());
    }
}

#[test]
fn every_sample_event_holds_in_every_target() {
    let _alone = alone();
    for (name, target) in all_targets() {
        feed(&name, target, &samples(&name));
    }
}

#[test]
fn what_chance_makes_holds_in_every_target() {
    let _alone = alone();
    for (name, target) in all_targets() {
        let begun = Instant::now();
        let inputs = chosen(&name);
        feed(&name, target, &inputs);
        eprintln!("{name}: {} inputs in {:.2} s", inputs.len(), begun.elapsed().as_secs_f64());
    }
}

#[test]
fn every_function_has_its_two_targets() {
    let targets = all_targets();
    for subject in subject::ALL {
        for family in ["aws_answer", "request"] {
            let name = format!("{family}_{}", subject.snake());
            assert!(targets.contains_key(&name), "there is no {name}");
        }
    }
}

/// Feeds a target; an input at which it fails is kept.
fn feed(name: &str, target: Target, inputs: &[Vec<u8>]) {
    for input in inputs {
        MEMORY.reset_peak_usage();
        let (before, begun) = (MEMORY.current_usage(), Instant::now());
        let fed = catch_unwind(AssertUnwindSafe(|| target.feed(input)));
        let (taken, used) = (begun.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        let holds = fed.is_ok() && used <= MOST_MEMORY && taken <= LONGEST;
        assert!(
            holds,
            "{name} fails ({used} bytes, {taken:?}): the input is {}",
            keep(name, input).display()
        );
    }
}

#[cfg(test)]
fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = workspace().join("target/fuzz/found").join(name);
    let path = folder.join(format!("{:016x}", chance::hash(input)));
    fs::create_dir_all(&folder).unwrap();
    fs::write(&path, input).unwrap();
    path
}
