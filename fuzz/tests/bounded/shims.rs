//! libFuzzer's binaries and the table of targets agree.

use std::{collections::BTreeSet, fs};

use fuzz::TARGETS;
use tests::workspace;

fn targets() -> BTreeSet<String> {
    TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[test]
fn every_target_has_a_shim_and_the_other_way_round() {
    let mut shims = BTreeSet::new();
    for entry in fs::read_dir(workspace().join("fuzz/fuzz_targets")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let feeds = fs::read_to_string(&path).unwrap();
        let function = ["aws_answer_", "request_"].iter().find_map(|family| name.strip_prefix(family));
        let path_of_function = format!("::{}(data)", function.unwrap_or(&name));
        assert!(feeds.contains(&path_of_function), "{name} feeds something else: {feeds}");
        assert!(
            function.is_none()
                || feeds.contains(name.strip_suffix(function.unwrap()).unwrap().trim_end_matches('_'))
        );
        shims.insert(name);
    }
    assert_eq!(shims, targets());
}

#[test]
fn every_target_is_a_binary_that_is_built_only_with_libfuzzer() {
    let manifest = fs::read_to_string(workspace().join("fuzz/Cargo.toml")).unwrap();
    let bins: BTreeSet<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .map(|bin| {
            assert!(bin.contains("required-features = [\"coverage-guided\"]\ntest = false\n"), "{bin}");
            bin.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).unwrap().to_owned()
        })
        .collect();
    assert_eq!(bins, targets());
}
