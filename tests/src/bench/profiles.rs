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
    /// What differs from the workspace's profile, as `cargo --config` takes it.
    profile: &'static [&'static str],
    /// Whether the SDK's clients, most of the code, are built for size whatever the rest is.
    clients_for_size: bool,
}

/// Those that are in the function.
const CLIENTS: [&str; 6] = ["applicationautoscaling", "cloudwatch", "dynamodb", "ecs", "lambda", "sns"];

/// Those that share what they are compiled with follow each other.
const WAYS: [Way; 10] = [
    way("as it is: opt-level z, fat LTO, one codegen unit, abort", &[]),
    Way { package: MIMALLOC, ..way("mimalloc in place of the C library's allocator", &[]) },
    way("thin LTO", &["lto='thin'"]),
    way(
        "opt-level 3 for TLS, HTTP and JSON alone",
        &[
            "package.rustls.opt-level=3",
            "package.hyper.opt-level=3",
            "package.http.opt-level=3",
            "package.aws-smithy-json.opt-level=3",
            "package.serde_json.opt-level=3",
        ],
    ),
    way("16 codegen units", &["codegen-units=16"]),
    way("panics unwind", &["panic='unwind'"]),
    way("opt-level s", &["opt-level='s'"]),
    way("opt-level 3", &["opt-level=3"]),
    Way { clients_for_size: true, ..way("opt-level s, the SDK's clients z", &["opt-level='s'"]) },
    Way { clients_for_size: true, ..way("opt-level 3, the SDK's clients z", &["opt-level=3"]) },
];

const fn way(name: &'static str, profile: &'static [&'static str]) -> Way {
    Way { name, package: FUNCTION, profile, clients_for_size: false }
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
        let clients = CLIENTS.iter().filter(|_| self.clients_for_size);
        let profile = self.profile.iter().map(|setting| (*setting).to_owned());
        let profile = profile.chain(clients.map(|client| format!("package.aws-sdk-{client}.opt-level='z'")));
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
