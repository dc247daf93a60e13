//! What the project is built with is named exactly: actions by the hash of a commit, crates and Python packages by
//! one version, from the public registry alone.

use std::fs;

use anyhow::{Context, Result, ensure};
use sandbox::workspace;

const HASH_DIGITS: usize = 40;
const CHECKSUM_DIGITS: usize = 64;
/// What `make` installs of Python.
const REQUIREMENTS: [&str; 4] = [
    "sandbox/requirements.txt",
    "sandbox/requirements-moto.txt",
    "scripts/requirements-build.txt",
    "tools/bench/requirements.txt",
];
/// The functions' and the program's.
const LOCK_FILES: [&str; 2] = ["Cargo.lock", "cli/Cargo.lock"];
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn every_action_is_pinned_by_the_hash_of_a_commit_with_its_version_beside_it() -> Result<()> {
    let mut pinned = 0;
    for entry in fs::read_dir(workspace().join(".github/workflows"))? {
        let path = entry?.path();
        for line in fs::read_to_string(&path)?.lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            check_action(action).with_context(|| format!("{}: {action}", path.display()))?;
            pinned += 1;
        }
    }
    ensure!(pinned > 0, "no workflow uses an action");
    Ok(())
}

fn check_action(action: &str) -> Result<()> {
    let (reference, version) = action.split_once(" # ").context("no version beside it")?;
    let (_, hash) = reference.split_once('@').context("no hash")?;
    ensure!(is_hexadecimal(hash, HASH_DIGITS), "{hash} is no hash of a commit");
    let numbers = version.strip_prefix('v').context("a version begins with v")?.split('.');
    ensure!(numbers.clone().count() == 3, "{version} is not one version");
    ensure!(numbers.clone().all(|number| number.parse::<u32>().is_ok()), "{version} is no version");
    Ok(())
}

#[test]
fn a_tag_a_branch_and_a_hash_without_a_version_are_not_pinned() {
    let hash = "de0fac2e4500dabe0009e67214ff5f5447ce83dd";
    assert!(check_action(&format!("actions/checkout@{hash} # v6.0.2")).is_ok());
    for wrong in [
        "actions/checkout@v6 # v6.0.2".to_owned(),
        "actions/checkout@main # v6.0.2".to_owned(),
        format!("actions/checkout@{hash}"),
        format!("actions/checkout@{hash} # v6"),
        format!("actions/checkout@{} # v6.0.2", &hash[1..]),
    ] {
        assert!(check_action(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_tool_that_a_workflow_installs_has_one_version_and_its_lock_file() -> Result<()> {
    let workflow = fs::read_to_string(workspace().join(".github/workflows/ci.yml"))?;
    let installs = workflow.lines().filter_map(|line| line.split_once("cargo install "));
    let mut tools = 0;
    for (_, install) in installs {
        let tool_names =
            install.strip_prefix("--locked ").with_context(|| format!("{install} is not locked"))?;
        for tool in tool_names.split_whitespace() {
            let (_, version) = tool.split_once('@').with_context(|| format!("{tool} has no version"))?;
            ensure!(version.split('.').count() == 3, "{tool} has no one version");
            tools += 1;
        }
    }
    ensure!(tools > 0, "no tool is installed");
    Ok(())
}

#[test]
fn every_crate_is_locked_with_its_checksum_and_comes_from_the_registry() -> Result<()> {
    LOCK_FILES.into_iter().try_for_each(check_locked)
}

fn check_locked(file: &str) -> Result<()> {
    let lock = fs::read_to_string(workspace().join(file)).with_context(|| format!("there is no {file}"))?;
    let mut from_the_registry = 0;
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let value = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
            value.and_then(|value| value.strip_suffix('"'))
        };
        let name = field("name").context("a package without a name")?;
        let Some(source) = field("source") else {
            // One of ours: it is in this repository.
            ensure!(is_ours(name), "{name} has no source");
            continue;
        };
        ensure!(source == REGISTRY, "{name} comes from {source}");
        let checksum = field("checksum").with_context(|| format!("{name} has no checksum"))?;
        ensure!(is_hexadecimal(checksum, CHECKSUM_DIGITS), "{name} has the checksum {checksum}");
        from_the_registry += 1;
    }
    ensure!(from_the_registry > 0, "{file} is empty");
    let tracked = std::process::Command::new("git")
        .args(["ls-files", "--error-unmatch", file])
        .current_dir(workspace())
        .output()
        .context("git is not there")?;
    // An unpacked archive has no repository; what is in it was committed.
    let in_repository = workspace().join(".git").exists();
    ensure!(tracked.status.success() || !in_repository, "{file} is not committed");
    Ok(())
}

/// Whether a folder of the workspace has this crate, or it is the program.
fn is_ours(name: &str) -> bool {
    if name == "lendpeak2" {
        return true;
    }
    let root = workspace();
    let folders = ["", "functions", "sandbox", "tools", "tools/bench"];
    folders.iter().any(|folder| root.join(folder).join(name).join("Cargo.toml").exists())
}

#[test]
fn every_python_package_has_one_version() -> Result<()> {
    let mut packages = 0;
    for file in REQUIREMENTS {
        let path = workspace().join(file);
        for line in fs::read_to_string(&path)?.lines() {
            // A marker says on which Python it is wanted.
            let package = line.split(" ;").next().unwrap_or(line);
            if package.is_empty() || package.starts_with('#') {
                continue;
            }
            let version = package.split_once("==").map(|(_, version)| version);
            let version = version.with_context(|| format!("{package} is not pinned"))?;
            let is_one = version.starts_with(|first: char| first.is_ascii_digit());
            ensure!(is_one && !version.contains(['*', ',', '<', '>']), "{package} has no one version");
            packages += 1;
        }
    }
    ensure!(packages > 0, "no requirements");
    Ok(())
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}
