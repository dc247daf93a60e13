//! One function built in other ways, to see what the release profile is worth.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::instructions::{self, Counts};
use super::machine::Machine;
use super::measure::{self, Figures, Samples};
use super::variant::{self, Binaries};
use super::{Options, progress, write};

const FUNCTION: &str = "scale-up";
/// How often instructions are counted.
const COUNTS: usize = 3;
/// The same function, with another allocator.
const MIMALLOC: &str = "mimalloc-trial";

/// One way to build the function.
struct Way {
    name: &'static str,
    package: &'static str,
    /// The opt-level, and that of the SDK's clients, which are most of the code; as TOML.
    levels: [&'static str; 2],
    /// What else differs from the workspace's profile, as `cargo --config` takes it.
    profile: &'static [&'static str],
}

/// Those that are in the function.
const CLIENTS: [&str; 6] = ["applicationautoscaling", "cloudwatch", "dynamodb", "ecs", "lambda", "sns"];

const Z: &str = "'z'";
const S: &str = "'s'";
const THREE: &str = "3";

/// Those that share what they are compiled with follow each other.
const WAYS: [Way; 10] = [
    way("as it is: opt-level s, the SDK's clients z, fat LTO, one codegen unit, abort", [S, Z], &[]),
    way("opt-level s", [S, S], &[]),
    way("opt-level z", [Z, Z], &[]),
    Way {
        package: MIMALLOC,
        ..way("opt-level z, mimalloc in place of the C library's allocator", [Z, Z], &[])
    },
    way("opt-level z, thin LTO", [Z, Z], &["lto='thin'"]),
    way(
        "opt-level z, and 3 for TLS, HTTP and JSON alone",
        [Z, Z],
        &[
            "package.rustls.opt-level=3",
            "package.hyper.opt-level=3",
            "package.http.opt-level=3",
            "package.aws-smithy-json.opt-level=3",
            "package.serde_json.opt-level=3",
        ],
    ),
    way("opt-level z, 16 codegen units", [Z, Z], &["codegen-units=16"]),
    way("opt-level z, panics unwind", [Z, Z], &["panic='unwind'"]),
    way("opt-level 3, the SDK's clients z", [THREE, Z], &[]),
    way("opt-level 3", [THREE, THREE], &[]),
];

const fn way(name: &'static str, levels: [&'static str; 2], profile: &'static [&'static str]) -> Way {
    Way { name, package: FUNCTION, levels, profile }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tried {
    pub(super) machine: Machine,
    pub(super) ways: Vec<Built>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Built {
    pub(super) name: String,
    pub(super) figures: Figures,
    pub(super) instructions: Counts,
}

/// Where the figures are kept.
pub(super) fn results_path() -> PathBuf {
    crate::workspace().join("tests/bench/profiles.json")
}

/// Builds them, which takes some minutes each, measures them in turns, and counts their instructions. What is built
/// already in `folder` is taken as it is.
pub async fn try_profiles(options: Options, folder: &Path) -> anyhow::Result<()> {
    let endpoint = Endpoint::start().await?;
    let mut measured = Vec::new();
    for (number, way) in WAYS.iter().enumerate() {
        let place = folder.join(number.to_string());
        if !place.join(FUNCTION).exists() {
            progress(&format!("building: {}", way.name));
            way.build(folder, &place).context(way.name)?;
        }
        let binaries = Binaries { ours: place, ..options.binaries.clone() };
        let variant = variant::one_of_ours(&binaries, &endpoint, FUNCTION)?;
        measure::once(&variant).await.context(way.name)?;
        measured.push((way.name, variant, Samples::default()));
    }
    for round in 0..options.starts {
        progress(&format!("start {} of {}", round + 1, options.starts));
        for (name, variant, samples) in &mut measured {
            samples.add(&measure::once(variant).await.context(*name)?);
        }
    }
    let mut ways = Vec::new();
    for (name, variant, mut samples) in measured {
        progress(&format!("warm: {name}"));
        samples.warm_ms = measure::warm(&variant, options.warm).await.context(name)?;
        let figures = samples.figures(variant.zip_mb()?);
        let instructions = instructions::least(&variant, COUNTS).await.context(name)?;
        ways.push(Built { name: name.to_owned(), figures, instructions });
    }
    progress("");
    let tried = Tried { machine: Machine::here(), ways };
    write(&results_path(), &format!("{}\n", serde_json::to_string_pretty(&tried)?))
}

impl Way {
    fn build(&self, folder: &Path, place: &Path) -> anyhow::Result<()> {
        let target = folder.join("target");
        let [all, clients] = self.levels;
        let clients = CLIENTS.iter().map(|client| format!("package.aws-sdk-{client}.opt-level={clients}"));
        let others = self.profile.iter().map(|setting| (*setting).to_owned());
        let profile = std::iter::once(format!("opt-level={all}")).chain(clients).chain(others);
        let built = std::process::Command::new("cargo")
            .current_dir(crate::workspace())
            .args(["build", "--quiet", "--release", "--locked", "--package", self.package])
            .args(profile.flat_map(|setting| ["--config".to_owned(), format!("profile.release.{setting}")]))
            .env("CARGO_TARGET_DIR", &target)
            .status()?;
        ensure!(built.success(), "it could not be built");
        std::fs::create_dir_all(place)?;
        std::fs::copy(target.join("release").join(self.package), place.join(FUNCTION))?;
        Ok(())
    }
}
