//! A local AWS with LendPeak2 in it, for the demo, the tests and anyone who wants to play.

pub mod bench;
pub mod cbor;
pub mod chaos;
pub mod clients;
pub mod conformance;
pub mod demo;
pub mod deploy;
pub mod events;
pub mod gateway;
pub mod iam;
pub mod ministack;
pub mod moto;
pub mod peer;
pub mod python;
pub mod recorded;
pub mod runtime_api;
pub mod sandbox;
pub mod scenarios;
pub mod service_down;
pub mod stack;
pub mod standin;
pub mod story;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

/// The root of this project.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// The names of all functions, as their calls are recorded.
pub fn functions() -> anyhow::Result<BTreeSet<String>> {
    let folder = workspace().join("functions");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// All files below a folder, but for what tools made.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    const MADE_BY_TOOLS: [&str; 5] = [".git", ".venv", ".aws-sam", ".sandbox", "target"];
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

/// Runs `work` until it ends, or until Ctrl-C or SIGTERM: then it is dropped, and with it all that it
/// started, and the answer is none.
pub async fn until_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Option<T>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut ended = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done.map(Some),
        _ = interrupted.recv() => Ok(None),
        _ = ended.recv() => Ok(None),
    }
}
