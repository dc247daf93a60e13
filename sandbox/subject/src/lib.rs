//! The functions of the runbook: what the tools know of each, in one small file a function.
//!
//! It is a crate without dependencies, because `scale` goes through the functions too: that builds in seconds, and the
//! crate `sandbox` in minutes. What needs the sandbox is in the function's scenario, in
//! `tools/scenarios/src/scenario/`.

pub mod cache_invalidation;
pub mod diagnose;
pub mod health_probe;
pub mod incident;
pub mod restart;
pub mod rollback;
pub mod scale_up;
pub mod snapshot_restore;
pub mod write_freeze;

use std::cmp::Ordering;

/// How many functions there are.
pub const COUNT: usize = 9;

/// All functions, in the template's order.
pub static ALL: [&Subject; COUNT] = [
    &health_probe::SUBJECT,
    &scale_up::SUBJECT,
    &rollback::SUBJECT,
    &restart::SUBJECT,
    &cache_invalidation::SUBJECT,
    &write_freeze::SUBJECT,
    &snapshot_restore::SUBJECT,
    &diagnose::SUBJECT,
    &incident::SUBJECT,
];

/// A function.
#[derive(Debug)]
pub struct Subject {
    /// The name of its folders, in `functions/` and in `events/`.
    pub name: &'static str,
    pub does: Does,
    /// Whether alarms wake it, by a topic of its own.
    pub hears_alarms: bool,
    pub run: Run,
}

#[derive(Debug)]
pub enum Does {
    /// It only looks: nothing is changed, and each run is like the first.
    Looks,
    /// It keeps incidents and tells people: the stack stays as it is.
    Records,
    Changes(Remedy),
}

/// A function that changes the managed stack. It has a mode, a cooldown and a budget.
#[derive(Debug)]
pub struct Remedy {
    pub targets: &'static [Target],
    /// The urgent remedies that want the same target. `make chaos` plays it beside each of them, in both orders.
    pub rivals: &'static [&'static str],
    /// The template's default.
    pub cooldown_seconds: u32,
    /// The same.
    pub times_a_day: u32,
}

/// What a remedy changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Service,
    Distribution,
    Database,
}

/// What a run costs. `make scale` reckons with it.
#[derive(Debug)]
pub struct Run {
    /// What a run computes, in microseconds of a whole processor, rounded up from docs/benchmarks.md: the warm answers, on
    /// loopback nearly all computing, and of `diagnose`, which waits most of the time, the processor time. Of a run that
    /// acts: one that only looks after something takes less.
    pub computes_us: u64,
    /// Lines that a scheduled run with nothing to do logs: read in a sandbox.
    pub log_lines: u32,
    /// Bytes of those lines.
    pub log_bytes: u32,
    /// What a remedy's scheduled run reads where nothing was begun: stage after stage.
    pub looks: &'static [Stage],
    /// Whether such a run goes on without what it could not read.
    pub is_patient: bool,
    /// How many calls of AWS that run made by the gateway's record of a sandbox. A test compares it with `looks`.
    pub calls: u32,
}

/// Reads that wait for each other.
pub type Chain = &'static [Read];
/// Chains at once.
pub type Stage = &'static [Chain];

/// What is read of AWS, by the limits that AWS has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    Alarms,
    Definition,
    Ledger,
    Services,
    Tasks,
    /// An API without a published limit.
    Other,
}

impl Subject {
    pub fn remedy(&self) -> Option<&Remedy> {
        match &self.does {
            Does::Changes(remedy) => Some(remedy),
            Does::Looks | Does::Records => None,
        }
    }

    pub fn only_looks(&self) -> bool {
        matches!(self.does, Does::Looks)
    }

    /// As its crate and its tests are called, as in `scale_up`.
    pub fn snake(&self) -> String {
        self.name.replace('-', "_")
    }

    /// As the template calls it, as in `ScaleUp`.
    pub fn camel(&self) -> String {
        let capitalized = |word: &str| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        };
        self.name.split('-').map(capitalized).collect()
    }
}

/// There is one of each name.
impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Subject {}

impl PartialOrd for Subject {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Subject {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

pub fn named(name: &str) -> Option<&'static Subject> {
    ALL.into_iter().find(|subject| subject.name == name)
}

/// Those that change the managed stack.
pub fn remedies() -> impl Iterator<Item = &'static Subject> {
    ALL.into_iter().filter(|subject| subject.remedy().is_some())
}

/// The names of all, with commas between, as in the template's `RUNBOOK_FUNCTIONS`.
pub fn names() -> String {
    ALL.map(|subject| subject.name).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_each_place_has_it() {
        let subject = &snapshot_restore::SUBJECT;
        assert_eq!(subject.snake(), "snapshot_restore");
        assert_eq!(subject.camel(), "SnapshotRestore");
        assert_eq!(diagnose::SUBJECT.camel(), "Diagnose");
    }

    #[test]
    fn no_name_stands_for_two_functions() {
        for subject in ALL {
            assert_eq!(ALL.into_iter().filter(|other| *other == subject).count(), 1, "{}", subject.name);
        }
    }

    #[test]
    fn rivals_are_remedies_that_want_the_same_target() {
        let mut rivals = 0;
        for subject in remedies() {
            let Some(remedy) = subject.remedy() else { continue };
            for name in remedy.rivals {
                let rival =
                    named(name).and_then(Subject::remedy).unwrap_or_else(|| panic!("there is no {name}"));
                let shared = remedy.targets.iter().any(|target| rival.targets.contains(target));
                assert!(shared && rival.rivals.is_empty(), "{} and {name}", subject.name);
                rivals += 1;
            }
        }
        assert!(rivals > 0);
    }
}
