//! What the commands have in common: they end by Ctrl-C, take a name out of a list, print a table and write a document.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

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

/// Runs `work` as [`until_interrupted`] does. It is a success only where `work` says that all was well.
pub async fn succeeds(work: impl Future<Output = anyhow::Result<bool>>) -> ExitCode {
    match until_interrupted(work).await {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nIt failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The one of this name; an error lists the names that there are.
pub fn named<T>(
    name: &str,
    all: impl IntoIterator<Item = T>,
    name_of: impl Fn(&T) -> String,
) -> Result<T, String> {
    let mut names = Vec::new();
    for one in all {
        let its = name_of(&one);
        if its == name {
            return Ok(one);
        }
        names.push(its);
    }
    Err(format!("there are {}", names.join(", ")))
}

/// A line for each row, its columns below those of the first.
pub fn aligned(cells: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let lengths = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        lengths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..cells.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// Writes a document, and makes its folder where there is none.
pub fn write(document: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = document.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(document, text).with_context(|| format!("cannot write {}", document.display()))
}
