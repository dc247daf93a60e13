//! What targets are fed.

use std::path::{Path, PathBuf};
use std::{env, fs};

use fuzz::seeds;
use sandbox::workspace;

use crate::chance::{Chance, hash};

/// All together take some ten seconds on one core, unoptimized. What runs a whole function is fed less often.
const QUICK: usize = 400;
const SLOW: usize = 60;
const SLOWEST: usize = 12;

/// What once failed in a target.
pub(crate) fn regressions(name: &str) -> Vec<Vec<u8>> {
    let mut files = files(&workspace().join("tools/fuzz/regressions").join(name));
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

/// What people send to the queue of approvals.
const MESSAGES: [&str; 6] = [
    "approve:499484d277f1ab",
    "reject:499484d277f1ab not during the sale",
    "acknowledge:20261128-195411-service-down",
    "note:20261128-195411-service-down it is the cache",
    "stop:scale-up the sale",
    "start:all",
];

/// The sample events that a target takes as they are; for the others, the simplest tapes.
pub(crate) fn samples(name: &str) -> Vec<Vec<u8>> {
    let text = |event: &serde_json::Value| event.to_string().into_bytes();
    if name == "trigger" {
        return seeds::all_events().into_iter().map(text).collect();
    }
    if name == "message" {
        return MESSAGES.map(|body| body.as_bytes().to_vec()).into();
    }
    if let Some(function) = name.strip_prefix("request_") {
        let events = seeds::events(&function.replace('_', "-"));
        assert!(!events.is_empty(), "{function} has no events");
        return events.iter().map(|(_, event)| text(event)).collect();
    }
    // An event by its number, and nothing changed.
    (0..=20).map(|number| vec![number]).collect()
}

/// What chance makes: always the same.
pub(crate) fn chosen(name: &str) -> Vec<Vec<u8>> {
    let times: usize =
        env::var("FUZZ_TIMES").map_or(1, |times| times.parse().expect("FUZZ_TIMES is a number"));
    let count = match name {
        // Each is an answer in the ledger.
        "message" => SLOW,
        "aws_answer_diagnose" | "request_diagnose" | "ledger_item" | "state_machine_input" => SLOWEST,
        _ if name.starts_with("aws_answer_") || name.starts_with("request_") || name == "task_definition" => {
            SLOW
        }
        _ => QUICK,
    };
    let mut known = samples(name);
    known.push(Vec::new());
    let mut chance = Chance::new(hash(name.as_bytes()));
    (0..count * times).map(|_| input(&known, &mut chance)).collect()
}

fn input(known: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    /// So many bytes change most of the answers of a run.
    const LONGEST: usize = 600;
    let length = 1 + chance.below(LONGEST);
    if chance.below(4) > 0 {
        return chance.bytes(length);
    }
    let mut input = known[chance.below(known.len())].clone();
    for _ in 0..=chance.below(4) {
        change(&mut input, chance);
    }
    input
}

fn change(input: &mut Vec<u8>, chance: &mut Chance) {
    let from = chance.below(input.len() + 1);
    let to = (from + chance.below(16)).min(input.len());
    match chance.below(5) {
        0 => _ = input.drain(from..to),
        1 => {
            let part = input[from..to].to_vec();
            input.splice(from..from, part);
        }
        2 => {
            let count = chance.below(8);
            input.splice(from..from, chance.bytes(count));
        }
        3 => input.truncate(from),
        _ => {
            if let Some(byte) = input.get_mut(from) {
                *byte ^= 1 << chance.below(8);
            }
        }
    }
}
