//! The tables of reason codes in `docs/functions/`: each function's own in its page, and those that functions share in
//! the overview. `RENEW=yes cargo test --package tests --test project documents` writes them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use regex_lite::Regex;
use sandbox::workspace;
use shared::code::{self, Code};

use super::functions;

const BEGINNING: &str = "<!-- codes -->";
const END: &str = "<!-- end of codes -->";

/// By crate, as its folder is called.
fn tables() -> BTreeMap<String, &'static [&'static Code]> {
    let each = functions::ALL.iter().map(|function| (format!("functions/{}", function.name), function.codes));
    each.chain([("shared".to_owned(), code::CODES)]).collect()
}

fn printed(codes: &[&Code]) -> String {
    if codes.is_empty() {
        return "It has no reason codes of its own.\n".to_owned();
    }
    let row = |code: &&Code| {
        let standing = match () {
            () if code.is_under_way() => "is under way",
            () if code.is_for_now() => "is still wanted",
            () => "",
        };
        format!("| `{}` | {} | {standing} |\n", code.name(), code.when())
    };
    let rows: Vec<String> = codes.iter().map(row).collect();
    format!("| code | when | what was asked for |\n|---|---|---|\n{}", rows.concat())
}

/// A page with this between its marks.
fn renew(page: &str, section: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGINNING).context("there is no line <!-- codes -->")?;
    let (_, after) = rest.split_once(END).context("there is no line <!-- end of codes -->")?;
    Ok(format!("{before}{BEGINNING}\n\n{section}\n{END}{after}"))
}

#[test]
fn each_page_of_a_function_has_the_table_of_its_codes() -> Result<()> {
    let mut outdated = Vec::new();
    for (folder, codes) in tables() {
        let name = folder.strip_prefix("functions/").unwrap_or("README");
        let path = workspace().join(format!("docs/functions/{name}.md"));
        let page = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let renewed = renew(&page, &printed(codes)).with_context(|| path.display().to_string())?;
        if std::env::var_os("RENEW").is_some() {
            fs::write(&path, renewed)?;
        } else if page != renewed {
            outdated.push(name.to_owned());
        }
    }
    ensure!(outdated.is_empty(), "in docs/functions/, {outdated:?} are not what the code says: RENEW=yes");
    Ok(())
}

#[test]
fn a_name_has_one_meaning_and_is_in_snake_case() -> Result<()> {
    let is_snake_case = |name: &str| {
        name.split('_').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    let mut whose = BTreeMap::new();
    for (folder, codes) in tables() {
        for code in codes {
            let name = code.name();
            ensure!(is_snake_case(name), "{folder}: {name}");
            // What two functions answer is shared's.
            let before = whose.insert(name, folder.clone());
            ensure!(before.is_none(), "`{name}` is declared twice: in {folder} and in {before:?}");
        }
    }
    Ok(())
}

#[test]
fn when_a_code_is_the_answer_is_said_in_a_sentence_that_fits_a_table() -> Result<()> {
    for (folder, codes) in tables() {
        for code in codes {
            let when = code.when();
            let begins = when.chars().next().is_some_and(char::is_uppercase);
            let fits = !when.contains(['|', '\n']) && !when.contains("  ");
            ensure!(begins && when.ends_with('.') && fits, "{folder}, {}: {when}", code.name());
        }
    }
    Ok(())
}

/// A code that no table has would not be in a document.
#[test]
fn every_code_is_in_its_table_and_is_answered_somewhere() -> Result<()> {
    let declared = Regex::new(r"pub const ([A-Z_]+): Code =")?;
    let made = Regex::new(r"Code::(new|under_way|for_now)\(")?;
    let tables = tables();
    let sources: BTreeMap<&String, Vec<Source>> =
        tables.keys().map(|folder| Ok((folder, files(folder)?))).collect::<Result<_>>()?;
    let all: BTreeSet<String> = sources.values().flatten().flat_map(Source::named).collect();
    for (folder, codes) in &tables {
        let sources = sources.get(folder).context("a crate without files")?;
        let own: BTreeSet<String> = sources.iter().flat_map(Source::named).collect();
        let answered = if folder == "shared" { &all } else { &own };
        let in_table: BTreeSet<String> = codes.iter().map(|code| code.name().to_uppercase()).collect();
        let mut constants = BTreeSet::new();
        for Source { path, text } in sources {
            let here: BTreeSet<String> = captured(&declared, text);
            let count = made.find_iter(text).count();
            ensure!(count == here.len(), "{}: a code that is no constant", path.display());
            constants.extend(here);
        }
        ensure!(constants == in_table, "{folder} declares {constants:?}, and its table has {in_table:?}");
        let unused: Vec<&String> = constants.difference(answered).collect();
        ensure!(unused.is_empty(), "{folder}: nothing answers {unused:?}");
    }
    Ok(())
}

/// A file of a crate, without its tests.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The constants of codes that it names, but where they are declared and listed.
    fn named(&self) -> BTreeSet<String> {
        let name = self.path.file_name().unwrap_or_default();
        if name == "code.rs" || name == "codes.rs" {
            return BTreeSet::new();
        }
        let pattern = r"\bcodes?::([A-Z][A-Z_]+)\b";
        Regex::new(pattern).map(|pattern| captured(&pattern, &self.text)).unwrap_or_default()
    }
}

fn captured(pattern: &Regex, text: &str) -> BTreeSet<String> {
    pattern.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
}

fn files(folder: &str) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    read(&workspace().join(folder).join("src"), &mut found)?;
    Ok(found)
}

fn read(folder: &Path, found: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if ["tests", "tests.rs", "aws_calls", "aws_calls.rs"].iter().any(|test| name == *test) {
            continue;
        }
        if path.is_dir() {
            read(&path, found)?;
        } else {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            found.push(Source { path, text });
        }
    }
    Ok(())
}
