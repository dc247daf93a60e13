//! A local AWS with LendPeak2 in it, for the demo, the tools, the tests and anyone who wants to play.

pub mod calls;
pub mod cases;
pub mod cbor;
pub mod changes;
pub mod clients;
pub mod command;
pub mod deploy;
pub mod events;
pub mod gateway;
pub mod ministack;
pub mod moto;
pub mod names;
pub mod notices;
pub mod python;
pub mod runtime_api;
mod sandbox;
pub mod stack;
pub mod standin;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

pub use crate::sandbox::{Emulator, NORMAL_LOAD, Options, Sandbox, parameters};

/// The root of this project.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The names of all functions, as their calls are recorded.
pub fn functions() -> anyhow::Result<BTreeSet<String>> {
    let folder = workspace().join("functions");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// All files below a folder, but for what tools made.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    const MADE_BY_TOOLS: [&str; 6] = [".git", ".venv", ".aws-sam", ".sandbox", "node_modules", "target"];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if MADE_BY_TOOLS.iter().any(|made| name == *made) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
