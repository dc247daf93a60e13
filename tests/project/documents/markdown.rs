//! Documents as they are read: prose and headings, links, and blocks of code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use sandbox::{files, workspace};

/// All documents of the repository.
pub(crate) fn documents() -> Result<Vec<PathBuf>> {
    let is_one = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    Ok(files(&workspace())?.into_iter().filter(is_one).collect())
}

/// A document in Markdown, with its blocks of code apart.
pub(crate) struct Document {
    pub(crate) prose: Vec<String>,
    pub(crate) blocks: Vec<Block>,
}

pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
    /// The paragraph before it.
    pub(crate) before: String,
    /// Where its first fence is, counted from one.
    pub(crate) line: usize,
}

impl Document {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        /// Fewer backticks are a span in a line.
        const FENCE: usize = 3;
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let (mut prose, mut blocks) = (Vec::new(), Vec::new());
        let mut open: Option<(usize, Block)> = None;
        for (number, line) in (1..).zip(text.lines()) {
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
                open = Some((ticks, Block { language, text: String::new(), before, line: number }));
            } else {
                prose.push(line.to_owned());
            }
        }
        ensure!(open.is_none(), "{}: a block of code has no end", path.display());
        Ok(Self { prose, blocks })
    }

    /// Where its links and pictures lead.
    pub(crate) fn links(&self) -> Vec<String> {
        let target = |rest: &str| rest.split(')').next().map(str::to_owned);
        self.prose
            .iter()
            .map(|line| without_code(line))
            .flat_map(|line| line.split("](").skip(1).filter_map(target).collect::<Vec<_>>())
            .collect()
    }

    /// What its headings are called in a link.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
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

pub(crate) fn is_elsewhere(link: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

#[test]
fn links_headings_and_blocks_are_read_as_markdown_has_them() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("markdown-{}", std::process::id()));
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
    let [Block { language, text, before, line }] = document.blocks.as_slice() else { panic!("one block") };
    assert_eq!((language.as_str(), before.as_str()), ("json", "Send to `restart`, once:"));
    assert_eq!((text.as_str(), *line), ("{}\n```\n[not](one)\n", 11));
    Ok(())
}
