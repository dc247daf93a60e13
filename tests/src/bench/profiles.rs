//! One function built in other ways, to see what the release profile is worth.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::machine::Machine;
use super::measure::{self, Figures, Samples};
use super::variant::{self, Binaries};
use super::{Options, progress, write};

const FUNCTION: &str = "scale-up";

/// What differs from the workspace's profile, as Cargo reads it from the environment. Those that share what they are
/// compiled with follow each other.
const PROFILES: [(&str, &[(&str, &str)]); 5] = [
    ("as it is: opt-level z, fat LTO, abort", &[]),
    ("thin LTO", &[("CARGO_PROFILE_RELEASE_LTO", "thin")]),
    ("panics unwind", &[("CARGO_PROFILE_RELEASE_PANIC", "unwind")]),
    ("opt-level s", &[("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")]),
    ("opt-level 3", &[("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")]),
];

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tried {
    pub(super) machine: Machine,
    pub(super) profiles: Vec<(String, Figures)>,
}

/// Where the figures are kept.
pub(super) fn results_path() -> PathBuf {
    crate::workspace().join("tests/bench/profiles.json")
}

/// Builds them, which takes a quarter of an hour each, and measures them in turns. What is built already in `folder`
/// is taken as it is.
pub async fn try_profiles(options: Options, folder: &Path) -> anyhow::Result<()> {
    let endpoint = Endpoint::start().await?;
    let mut measured = Vec::new();
    for (number, (name, environment)) in PROFILES.iter().enumerate() {
        let place = folder.join(number.to_string());
        if !place.join(FUNCTION).exists() {
            progress(&format!("building: {name}"));
            build(environment, folder, &place)?;
        }
        let binaries = Binaries { ours: place, ..options.binaries.clone() };
        let variant = variant::one_of_ours(&binaries, &endpoint, FUNCTION)?;
        measure::once(&variant).await.context(*name)?;
        measured.push((*name, variant, Samples::default()));
    }
    for round in 0..options.starts {
        progress(&format!("start {} of {}", round + 1, options.starts));
        for (name, variant, samples) in &mut measured {
            samples.add(&measure::once(variant).await.context(*name)?);
        }
    }
    let mut profiles = Vec::new();
    for (name, variant, mut samples) in measured {
        progress(&format!("warm: {name}"));
        samples.warm_ms = measure::warm(&variant, options.warm).await.context(name)?;
        profiles.push((name.to_owned(), samples.figures(variant.zip_mb()?)));
    }
    progress("");
    let tried = Tried { machine: Machine::here(), profiles };
    write(&results_path(), &format!("{}\n", serde_json::to_string_pretty(&tried)?))
}

fn build(environment: &[(&str, &str)], folder: &Path, place: &Path) -> anyhow::Result<()> {
    let target = folder.join("target");
    let built = std::process::Command::new("cargo")
        .current_dir(crate::workspace())
        .args(["build", "--quiet", "--release", "--locked", "--package", FUNCTION])
        .env("CARGO_TARGET_DIR", &target)
        .envs(environment.iter().copied())
        .status()?;
    ensure!(built.success(), "it could not be built");
    std::fs::create_dir_all(place)?;
    std::fs::copy(target.join("release").join(FUNCTION), place.join(FUNCTION))?;
    Ok(())
}
