//! Within a crate, modules use each other one way: whoever reads one needs what it uses, and never itself again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{files, functions, workspace};

/// A module, and those that it uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_module_is_used_by_what_it_uses() -> Result<()> {
    let crates = crates()?;
    let others = ["cli", "sandbox", "sandbox/subject", "shared", "tools/bench", "tools/bench/floor"];
    let functions = functions()?.into_iter().map(|name| format!("functions/{name}"));
    for expected in functions.chain(others.map(str::to_owned)) {
        assert!(crates.contains(&workspace().join(&expected)), "{expected} is not looked at: {crates:?}");
    }
    for folder in crates {
        let circles = in_circles(uses(&folder.join("src"))?);
        assert!(
            circles.is_empty(),
            "modules of {} use each other in a circle: {circles:?}",
            folder.display()
        );
    }
    Ok(())
}

/// The folders of all crates that have code of their own, and not only tests.
fn crates() -> Result<BTreeSet<PathBuf>> {
    let manifests = files(&workspace())?.into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let folders = manifests.filter_map(|path| path.parent().map(Path::to_path_buf));
    Ok(folders.filter(|folder| folder.join("src").is_dir()).collect())
}

/// The top-level modules of a crate, and which of them each uses. Tests may use what they like.
fn uses(src: &Path) -> Result<Uses> {
    let mut uses = Uses::new();
    for path in files(src)? {
        let place = path.strip_prefix(src)?.with_extension("");
        let mut modules: Vec<String> = place
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .filter(|part| part != "mod")
            .collect();
        let is_code = path.extension().is_some_and(|extension| extension == "rs");
        if !is_code || modules.iter().any(|module| module == "tests") || modules == ["lib"] {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let depth = modules.len();
        uses.entry(modules.swap_remove(0)).or_default().extend(used(&text, depth));
    }
    let all: BTreeSet<String> = uses.keys().cloned().collect();
    for (module, used) in &mut uses {
        used.retain(|other| other != module && all.contains(other));
    }
    Ok(uses)
}

/// What a file names at the crate's root: by `crate::`, or by as many `super::` as lead there.
fn used(text: &str, depth: usize) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .take_while(|line| !line.ends_with("mod tests {"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let to_the_root = "super::".repeat(depth);
    ["crate::", &to_the_root]
        .iter()
        .flat_map(|prefix| code.split(*prefix).skip(1))
        .flat_map(|rest| rest.strip_prefix('{').map_or_else(|| vec![name(rest)], names))
        .filter(|name| !name.is_empty())
        .collect()
}

/// The first names in a list of imports, up to the brace that ends it.
fn names(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = 0;
    let mut is_first = true;
    for (place, c) in list.char_indices() {
        match c {
            '}' if open == 0 => break,
            '{' => open += 1,
            '}' => open -= 1,
            ',' if open == 0 => is_first = true,
            c if is_first && !c.is_whitespace() => {
                found.push(name(list.get(place..).unwrap_or_default()));
                is_first = false;
            }
            _ => {}
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What is left once all are taken away that use none of the others, or that none of the others uses.
fn in_circles(mut uses: Uses) -> Uses {
    loop {
        let left: BTreeSet<String> = uses.keys().cloned().collect();
        let are_used: BTreeSet<String> = uses.values().flatten().cloned().collect();
        uses.retain(|module, used| {
            are_used.contains(module) && used.iter().any(|other| left.contains(other))
        });
        let now: BTreeSet<String> = uses.keys().cloned().collect();
        for used in uses.values_mut() {
            used.retain(|other| now.contains(other));
        }
        if now == left {
            return uses;
        }
    }
}

#[test]
fn imports_are_read_in_every_form() {
    let text = "use super::{a, b::{self, x}};\nuse crate::{\n    c::y,\n    d::{Z, W},\n};\n// crate::no\nfn f() { crate::e::g() }\n\
                #[cfg(test)]\nmod tests {\n    use crate::no;\n}\n";
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(used(text, 1), names(&["a", "b", "c", "d", "e"]));
    assert_eq!(used(text, 2), names(&["c", "d", "e"]));
}

#[test]
fn a_circle_is_found_and_what_only_leads_to_it_is_not_named() {
    let uses = |pairs: &[(&str, &[&str])]| {
        let uses = |used: &[&str]| used.iter().map(|name| (*name).to_owned()).collect();
        pairs.iter().map(|(module, used)| ((*module).to_owned(), uses(used))).collect::<Uses>()
    };
    let one_way = uses(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(in_circles(one_way), Uses::new());
    let circle = uses(&[("a", &["b"]), ("b", &["c"]), ("c", &["b", "d"]), ("d", &[])]);
    assert_eq!(in_circles(circle), uses(&[("b", &["c"]), ("c", &["b"])]));
}
