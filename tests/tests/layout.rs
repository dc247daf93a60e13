//! The files around the code agree with it.

#[path = "layout/circles.rs"]
mod circles;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{story, workspace};

/// What examples use in place of somebody's account, and a number of tasks too large to be meant.
const PLACEHOLDERS: [&str; 4] = ["123456789012", "000000000000", "100000000000", "999999999999"];
const ACCOUNT_ID_DIGITS: usize = 12;
/// What stands at the root of the repository and is a page of the site too: `scripts/book.py` adds it.
const AT_THE_ROOT: [&str; 5] =
    ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];
/// A first page is read to its end.
const LINES_OF_README: usize = 120;
/// Between these, a page has the codes that its function answers with.
const CODES: [&str; 2] = ["<!-- codes -->", "<!-- end of codes -->"];

#[test]
fn every_folder_of_events_belongs_to_a_function_and_the_other_way_round() -> Result<()> {
    assert_eq!(names_in("events")?, names_in("functions")?);
    Ok(())
}

#[test]
fn every_event_is_json() -> Result<()> {
    let mut count = 0;
    for path in files(&workspace().join("events"))? {
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("json"), "{}", path.display());
        let text = fs::read_to_string(&path)?;
        serde_json::from_str::<Value>(&text).with_context(|| path.display().to_string())?;
        count += 1;
    }
    assert!(count > 0);
    Ok(())
}

#[test]
fn no_file_names_a_real_account() -> Result<()> {
    for path in files(&workspace())? {
        // What is not text names nobody.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let is_id = word.len() == ACCOUNT_ID_DIGITS && word.bytes().all(|b| b.is_ascii_digit());
            assert!(!is_id || PLACEHOLDERS.contains(&word), "{} names the account {word}", path.display());
        }
    }
    Ok(())
}

#[test]
fn every_make_target_that_a_document_names_exists() -> Result<()> {
    let makefile = fs::read_to_string(workspace().join("Makefile"))?;
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter_map(|line| line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))))
        .map(|(target, _)| target)
        .collect();
    for path in documents(&workspace())? {
        for target in commands(&fs::read_to_string(&path)?) {
            assert!(targets.contains(target.as_str()), "{}: there is no `make {target}`", path.display());
        }
    }
    Ok(())
}

/// The targets of all `make <target>` that stand in backticks or at the start of a line of code.
fn commands(markdown: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_block = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let spans: Vec<&str> =
            if in_block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for span in spans {
            let words = span.trim_start().trim_start_matches("$ ").strip_prefix("make ");
            let target = words.into_iter().flat_map(str::split_whitespace).find(|word| !word.contains('='));
            if let Some(target) = target.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())) {
                found.insert(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_link_in_a_document_leads_somewhere() -> Result<()> {
    let root = workspace().canonicalize()?;
    let docs = root.join("docs");
    let mut links = 0;
    for path in documents(&root)? {
        let document = Document::read(&path)?;
        for link in document.links().into_iter().filter(|link| !is_elsewhere(link)) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = path.parent().context("a document in no folder")?;
            let to = if file.is_empty() { path.clone() } else { folder.join(file) };
            let to = to.canonicalize().with_context(|| format!("{}: there is no {link}", path.display()))?;
            if !anchor.is_empty() {
                let anchors = Document::read(&to)?.anchors();
                ensure!(anchors.contains(anchor), "{}: there is no heading {link}", path.display());
            }
            // The site has the pages below `docs/` and those at the root, and nothing else.
            let is_in_the_site =
                to.starts_with(&docs) || AT_THE_ROOT.iter().any(|name| to == root.join(name));
            let leaves = path.starts_with(&docs) && !is_in_the_site;
            ensure!(!leaves, "{}: {link} is not in the site", path.display());
            links += 1;
        }
    }
    ensure!(links > 100, "only {links} links were found");
    Ok(())
}

#[test]
fn the_summary_names_every_page_once() -> Result<()> {
    let docs = workspace().join("docs");
    let mut named = Document::read(&docs.join("SUMMARY.md"))?.links();
    named.sort();
    let mut pages: Vec<String> = documents(&docs)?
        .iter()
        .filter_map(|path| path.strip_prefix(&docs).ok())
        .map(|path| path.to_string_lossy().into_owned())
        .filter(|page| page != "SUMMARY.md")
        .collect();
    pages.sort();
    assert_eq!(named, pages);
    Ok(())
}

#[test]
fn every_function_has_a_page_that_has_room_for_its_codes_and_is_named_on_the_first_page() -> Result<()> {
    let readme = Document::read(&workspace().join("README.md"))?.links();
    let functions = names_in("functions")?;
    for function in &functions {
        let page = format!("docs/functions/{function}.md");
        ensure!(readme.contains(&page), "README does not lead to {page}");
    }
    for page in functions.iter().map(String::as_str).chain(["README"]) {
        let text = fs::read_to_string(workspace().join(format!("docs/functions/{page}.md")))?;
        let marks: Vec<&str> = text.lines().filter(|line| CODES.contains(line)).collect();
        assert_eq!(marks, CODES, "{page}");
    }
    Ok(())
}

/// By its code, under the guide's heading for it.
#[test]
fn the_guide_names_every_cause_that_diagnose_finds() -> Result<()> {
    let causes = Document::read(&workspace().join("docs/causes.md"))?;
    let guide = Document::read(&workspace().join("docs/guide.md"))?.prose.join("\n");
    let codes: Vec<&str> = causes.prose.iter().filter_map(|line| line.strip_prefix("### ")).collect();
    ensure!(codes.len() > 100, "only {} causes were found", codes.len());
    for code in codes {
        ensure!(guide.contains(code), "docs/guide.md does not name {code}");
    }
    Ok(())
}

#[test]
fn the_first_page_is_short() -> Result<()> {
    let lines = fs::read_to_string(workspace().join("README.md"))?.lines().count();
    ensure!(lines <= LINES_OF_README, "README has {lines} lines; a page of docs/ has room");
    Ok(())
}

/// In the form that CONTRIBUTING describes, so that a test can send each request to its function.
#[test]
fn every_json_in_a_document_is_a_request_to_a_function_or_an_answer() -> Result<()> {
    let functions = names_in("functions")?;
    let mut asked = BTreeSet::new();
    for path in documents(&workspace())? {
        for block in Document::read(&path)?.blocks.iter().filter(|block| block.language == "json") {
            let place = || format!("{}: after `{}`", path.display(), block.before);
            serde_json::from_str::<Value>(&block.text).with_context(place)?;
            ensure!(block.before.ends_with(':'), "{}: no colon", place());
            if block.before.starts_with("It answers") {
                continue;
            }
            let function = block.before.strip_prefix("Send to `").and_then(|words| words.split('`').next());
            let function = function.with_context(|| format!("{}: neither request nor answer", place()))?;
            ensure!(functions.contains(function), "{}: there is no such function", place());
            asked.insert(function.to_owned());
        }
    }
    assert_eq!(asked, functions, "a function has no example");
    Ok(())
}

/// A document in Markdown, with its blocks of code apart.
struct Document {
    prose: Vec<String>,
    blocks: Vec<Block>,
}

struct Block {
    language: String,
    text: String,
    /// The paragraph before it.
    before: String,
}

impl Document {
    fn read(path: &Path) -> Result<Self> {
        /// Fewer backticks are a span in a line.
        const FENCE: usize = 3;
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let (mut prose, mut blocks) = (Vec::new(), Vec::new());
        let mut open: Option<(usize, Block)> = None;
        for line in text.lines() {
            let language = line.trim().trim_start_matches('`');
            let ticks = line.trim().len() - language.len();
            if let Some((fence, block)) = &mut open {
                if ticks >= *fence && language.is_empty() {
                    blocks.extend(open.take().map(|(_, block)| block));
                } else {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            } else if ticks >= FENCE {
                let (language, before) = (language.to_owned(), last_paragraph(&prose));
                open = Some((ticks, Block { language, text: String::new(), before }));
            } else {
                prose.push(line.to_owned());
            }
        }
        ensure!(open.is_none(), "{}: a block of code has no end", path.display());
        Ok(Self { prose, blocks })
    }

    /// Where its links and pictures lead.
    fn links(&self) -> Vec<String> {
        let target = |rest: &str| rest.split(')').next().map(str::to_owned);
        self.prose
            .iter()
            .map(|line| without_code(line))
            .flat_map(|line| line.split("](").skip(1).filter_map(target).collect::<Vec<_>>())
            .collect()
    }

    /// What its headings are called in a link.
    fn anchors(&self) -> BTreeSet<String> {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        let mut anchors = BTreeSet::new();
        for line in self.prose.iter().filter(|line| line.starts_with('#')) {
            let Some(heading) = line.trim_start_matches('#').strip_prefix(' ') else { continue };
            let slug = slug(heading);
            let before = times.entry(slug.clone()).or_default();
            anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
            *before += 1;
        }
        anchors
    }
}

fn last_paragraph(lines: &[String]) -> String {
    let mut last: Vec<&str> = lines
        .iter()
        .rev()
        .map(|line| line.trim())
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    last.reverse();
    last.join(" ")
}

/// A line without its spans of code: what looks like a link in them is none.
fn without_code(line: &str) -> String {
    let (mut rest, mut prose) = (line, String::new());
    while let Some(start) = rest.find('`') {
        let (before, span) = rest.split_at(start);
        prose.push_str(before);
        let (mark, inside) = span.split_at(span.len() - span.trim_start_matches('`').len());
        rest = inside.split_once(mark).map_or(inside, |(_, after)| after);
    }
    prose + rest
}

/// As GitHub and mdBook call a heading.
fn slug(heading: &str) -> String {
    let letters = heading.trim().chars().flat_map(char::to_lowercase);
    letters
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

fn is_elsewhere(link: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

#[test]
fn links_headings_and_blocks_are_read_as_markdown_has_them() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("layout-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let path = folder.join("page.md");
    let text = "# What `diagnose` says, and why\n\n[a](b.md#c) and `[no](link)`, ``[`x`](y)``, [`d`](e)\n\n## Twice\n\
                ## Twice\n\nSend to `restart`,\nonce:\n\n````json\n{}\n```\n[not](one)\n````\n";
    fs::write(&path, text)?;
    let document = Document::read(&path);
    fs::remove_dir_all(&folder)?;
    let document = document?;
    assert_eq!(document.links(), ["b.md#c", "e"]);
    let anchors: Vec<String> = document.anchors().into_iter().collect();
    assert_eq!(anchors, ["twice", "twice-1", "what-diagnose-says-and-why"]);
    let [Block { language, text, before }] = document.blocks.as_slice() else { panic!("one block") };
    assert_eq!((language.as_str(), before.as_str()), ("json", "Send to `restart`, once:"));
    assert_eq!(text, "{}\n```\n[not](one)\n");
    Ok(())
}

#[test]
fn the_changelog_has_the_version_of_the_manifests_and_what_to_do_when_upgrading_first() -> Result<()> {
    let changelog = fs::read_to_string(workspace().join("CHANGELOG.md"))?;
    let sections: Vec<&str> = changelog.split("\n## ").skip(1).collect();
    let headings: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).collect();
    assert_eq!(headings.first(), Some(&"Unreleased"));
    let version = env!("CARGO_PKG_VERSION");
    assert!(headings.contains(&version), "there is no section {version}");
    for section in sections {
        let mut entries = section.lines().filter(|line| line.starts_with("- "));
        let upgrade = entries.position(|entry| entry.contains("When you upgrade"));
        assert!(upgrade.is_none_or(|place| place == 0), "what to do when upgrading comes later: {section}");
    }
    Ok(())
}

#[test]
fn every_folder_of_functions_has_its_subject_and_its_story() -> Result<()> {
    let declared: BTreeSet<String> = subject::ALL.iter().map(|subject| subject.name.to_owned()).collect();
    assert_eq!(declared, names_in("functions")?);
    assert_eq!(story::ALL.map(|story| story.subject), subject::ALL);
    Ok(())
}

/// Nothing else lists the functions of which each call goes wrong.
#[test]
fn every_function_is_struck_in_tests_of_its_own() -> Result<()> {
    let tests = workspace().join("tests/tests");
    for subject in subject::ALL {
        let (folder, file) = (tests.join(subject.snake()), tests.join(format!("{}.rs", subject.snake())));
        let own = if folder.is_dir() { files(&folder)? } else { vec![file] };
        let strikes = format!("chaos::hold(\"{}\")", subject.name);
        let is_struck =
            own.iter().any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&strikes)));
        assert!(is_struck, "no test of {} has {strikes}", subject.name);
    }
    Ok(())
}

/// Where the name of `restart` stands in code beside its own files, and why. To list all functions is no reason.
const NAMED: [(&str, &str); 18] = [
    ("functions/diagnose/src/ask.rs", "it is asked for"),
    ("functions/incident/src/", "incidents in which it is tried"),
    ("fuzz/Cargo.toml", "its crate is linked"),
    ("fuzz/src/functions.rs", "its crate is linked"),
    ("statemachines/service-down.asl.json", "the machine may choose it"),
    ("tests/Cargo.toml", "its crate is linked, and its codes printed"),
    ("tests/bench/instructions.json", "measured"),
    ("tests/scenarios/", "causes that it cures, recorded"),
    ("tests/schemas/", "its items of the ledger, as earlier versions wrote them"),
    ("tests/src/service_down.rs", "a case that it resolves"),
    ("tests/tests/documents/", "its codes are printed"),
    ("tests/tests/hostile/", "what becomes of a restart beside other remedies"),
    ("tests/tests/incident/", "incidents in which it is tried"),
    ("tests/tests/least_privilege/", "another remedy than the one that is checked"),
    ("tests/tests/rollback/", "it runs while a deployment moves traffic"),
    ("tests/tests/samples/", "its sample events, each with what is decided"),
    ("tests/tests/schemas/", "its items of the ledger, as earlier versions wrote them"),
    ("tests/tests/service_down_cases/", "a case that it resolves"),
];

/// Whoever adds a function would have to find each list of all of them: there is one, in `tests/subject/`.
#[test]
fn a_function_is_named_in_its_own_files_and_where_it_is_about_that_one() -> Result<()> {
    const NAME: &str = "restart";
    const OWN: [&str; 9] = [
        "docs/",
        "events/restart/",
        "functions/restart/",
        "template.yaml",
        "tests/src/story.rs",
        "tests/src/story/restart.rs",
        "tests/subject/src/",
        "tests/tests/layout.rs",
        "tests/tests/restart/",
    ];
    const CODE: [&str; 6] = ["json", "py", "rs", "sh", "toml", "yaml"];
    let subject = subject::named(NAME).context("there is no such function")?;
    let words = [
        format!("\"{NAME}\""),
        format!("\"{NAME},"),
        format!(",{NAME}"),
        format!("'{NAME}'"),
        format!("/{NAME}\""),
        format!("{}::", subject.snake()),
        format!("\"{}", subject.camel()),
    ];
    let mut unused: BTreeSet<&str> = NAMED.iter().map(|(place, _)| *place).collect();
    for path in files(&workspace())? {
        let place = path.strip_prefix(workspace())?.display().to_string();
        let is_code = path.extension().and_then(|end| end.to_str()).is_some_and(|end| CODE.contains(&end));
        if !is_code || OWN.iter().any(|own| place.starts_with(own)) {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        if words.iter().any(|word| text.contains(word)) {
            let known = NAMED.iter().find(|(known, _)| place.starts_with(known));
            let (known, _) =
                known.with_context(|| format!("{place} names {NAME}: is it a list of functions?"))?;
            unused.remove(known);
        }
    }
    assert!(unused.is_empty(), "these do not name it any more: {unused:?}");
    Ok(())
}

fn names_in(folder: &str) -> Result<BTreeSet<String>> {
    fs::read_dir(workspace().join(folder))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// All documents below a folder.
fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_one = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    Ok(files(folder)?.into_iter().filter(is_one).collect())
}

/// All files below a folder, but for what tools made and what begins with a dot outside of our own.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    const MADE_BY_TOOLS: [&str; 5] = [".git", ".venv", ".aws-sam", ".sandbox", "target"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
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
