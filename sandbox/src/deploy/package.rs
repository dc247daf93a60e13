//! From native binaries to what the template's functions are made of.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// `CodeUri: target/lambda/<task>/bootstrap.zip`: where `cargo lambda build` leaves the zips.
const BEFORE: &str = "target/lambda/";
const AFTER: &str = "/bootstrap.zip";

/// The folder of `LENDPEAK2_BINARIES`, else the one that this process's own binary came from: the
/// functions are built beside it.
pub fn binaries() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("LENDPEAK2_BINARIES") {
        return Ok(folder.into());
    }
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let folder = this.parent().context("this program is in no folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    Ok(folder.to_path_buf())
}

/// The tasks whose zips the template names.
pub(super) fn tasks(template: &str) -> BTreeSet<String> {
    let starts = template.split(BEFORE).skip(1);
    starts.filter_map(|rest| Some(rest.split_once(AFTER)?.0.to_owned())).collect()
}

/// `DefinitionUri: statemachines/<task>.asl.json`: a state machine's definition, in a file of its own.
const DEFINITIONS: &str = "statemachines/";
const DEFINITION: &str = ".asl.json";

/// The state machines whose definitions the template names.
pub(super) fn state_machines(template: &str) -> BTreeSet<String> {
    let uris = template.split("DefinitionUri: ").skip(1);
    uris.filter_map(|rest| rest.strip_prefix(DEFINITIONS)?.split_once(DEFINITION))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Where a state machine's definition is, from the template.
pub(super) fn definition(name: &str) -> String {
    format!("{DEFINITIONS}{name}{DEFINITION}")
}

/// The object's name in the bucket.
pub(super) fn key(task: &str) -> String {
    format!("{task}.zip")
}

/// The template with the uploaded zips in place of the built ones.
pub(super) fn with_uploads(template: &str, bucket: &str) -> String {
    let template = state_machines(template).iter().map(|name| definition(name)).fold(
        template.to_owned(),
        |template, definition| {
            template.replace(&format!(": {definition}"), &format!(": s3://{bucket}/{definition}"))
        },
    );
    tasks(&template).into_iter().fold(template.clone(), |template, task| {
        let uploaded = format!("s3://{bucket}/{}", key(&task));
        template.replace(&format!("{BEFORE}{task}{AFTER}"), &uploaded)
    })
}

/// A deployable zip that runs one native binary where it is: to store and unpack a debug build's tens of megabytes takes
/// the local AWS half a second each.
pub(super) fn zip(binaries: &Path, task: &str) -> anyhow::Result<Vec<u8>> {
    let path = binaries.join(task);
    let path = path
        .canonicalize()
        .with_context(|| format!("cannot find {}: run `cargo build --workspace` first", path.display()))?;
    let path =
        path.to_str().context("the binaries' folder has a name that is no text")?.replace('\'', r"'\''");
    zip_of(format!("#!/bin/sh\nexec '{path}'\n").as_bytes())
}

/// A deployable zip of a program that ends at once.
pub(super) fn nothing() -> anyhow::Result<Vec<u8>> {
    zip_of(b"#!/bin/sh\nexit 1\n")
}

fn zip_of(bootstrap: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().unix_permissions(0o755).compression_method(CompressionMethod::Stored);
    zip.start_file("bootstrap", options)?;
    zip.write_all(bootstrap)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_uri_points_to_its_upload() {
        let template = "A: {CodeUri: target/lambda/a/bootstrap.zip}\nB:\n  CodeUri: target/lambda/b-c/bootstrap.zip\n\
             C:\n  DefinitionUri: statemachines/c.asl.json\n";
        assert_eq!(state_machines(template), BTreeSet::from(["c".to_owned()]));
        assert_eq!(tasks(template), BTreeSet::from(["a".to_owned(), "b-c".to_owned()]));
        let expected = "A: {CodeUri: s3://bucket/a.zip}\nB:\n  CodeUri: s3://bucket/b-c.zip\n\
                        C:\n  DefinitionUri: s3://bucket/statemachines/c.asl.json\n";
        assert_eq!(with_uploads(template, "bucket"), expected);
    }
}
