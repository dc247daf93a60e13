//! Secrets that look like secrets wherever they stand.

use super::{HIDDEN, names::is_of_a_name};

pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = "";
    while !rest.is_empty() {
        let start = rest.find(|letter| !separates(letter)).unwrap_or(rest.len());
        let (between, from_word) = rest.split_at_checked(start).unwrap_or((rest, ""));
        out.push_str(between);
        let end = from_word.find(separates).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at_checked(end).unwrap_or((from_word, ""));
        let is_alone = before.is_empty() && between.is_empty() && after.is_empty();
        self::word(word, before, is_alone, &mut out);
        before = if word.is_empty() { before } else { word };
        rest = after;
    }
    out
}

fn separates(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '|' | '=' | '\\'
        )
}

/// What is shorter looks like no secret.
pub(super) const SHORTEST: usize = 15;

/// One word, without its secret part.
fn word(word: &str, before: &str, is_alone: bool, out: &mut String) {
    if word.len() < SHORTEST {
        out.push_str(word);
        return;
    }
    if let Some(start) = key(word) {
        out.push_str(word.get(..start).unwrap_or_default());
        out.push_str(HIDDEN);
        return;
    }
    let shown = if word.contains(DIGEST) { without_digests(word) } else { word.to_owned() };
    let word = shown.as_str();
    if word.starts_with("arn:") {
        out.push_str(word);
        return;
    }
    let is_id = is_alone || ["task", "tasks", "deployment", "id", "record", "run"].contains(&trimmed(before));
    if is_random_as_a_whole(word) {
        out.push_str(HIDDEN);
        return;
    }
    let mut last = "";
    for part in
        word.split_inclusive(['/', ':', '.', '@', '&', '?', '#', '-', '_', '+', '~', '%', '*', '!', '$', '^'])
    {
        let segment = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_id = is_task(segment) && (is_id || last.ends_with('/') || last.ends_with(':'));
        if is_commit(segment) && last.ends_with(':') && word.contains('/') {
            out.push_str(segment.get(..SHOWN).unwrap_or_default());
            out.push('…');
        } else if is_random(segment) && !is_id {
            out.push_str(HIDDEN);
            out.push_str(part.get(segment.len()..).unwrap_or_default());
        } else {
            out.push_str(part);
        }
        last = part;
    }
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|letter: char| !letter.is_alphanumeric())
}

/// Where a key of a known form begins.
fn key(word: &str) -> Option<usize> {
    let mut before = None;
    let mut begins = |letter: char| {
        let is_inside = before.is_some_and(|before: char| before.is_ascii_alphanumeric());
        before = Some(letter);
        !is_inside
    };
    let letters = word.char_indices().filter(|(_, letter)| begins(*letter));
    let starts: Vec<usize> = letters.map(|(start, _)| start).collect();
    let run = |text: &str, is_of: fn(char) -> bool| text.find(|letter| !is_of(letter)).unwrap_or(text.len());
    let found = |known: &str, least: usize, is_of: fn(char) -> bool| {
        let is_one = |start: usize| {
            let after = word.get(start..).unwrap_or_default();
            after.starts_with(known) && run(after, is_of) >= least
        };
        starts.iter().copied().find(|start| is_one(*start))
    };
    let upper = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    AWS_KEYS
        .iter()
        .find_map(|known| found(known, AWS_KEY, upper))
        .or_else(|| KEYS.iter().find_map(|known| found(known, known.len() + REST_OF_KEY, is_of_a_name)))
}

/// AWS's access keys, of a user and of a session.
const AWS_KEYS: [&str; 2] = ["AKIA", "ASIA"];
const AWS_KEY: usize = 16;
/// As GitHub, GitLab, Slack, Stripe, Google, npm, Vault and others begin them; a JWT is JSON in Base64.
const KEYS: [&str; 24] = [
    "eyJ",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxa-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "xapp-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "whsec_",
    "AIza",
    "npm_",
    "hvs.",
    "SG.",
    "pypi-",
    "sk-",
];
const REST_OF_KEY: usize = 12;

/// A digest, or a commit that is an image's tag, is shown by its beginning.
const SHOWN: usize = 12;

const DIGEST: &str = "sha256:";

fn without_digests(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, digest)) = rest.split_once(DIGEST) {
        out.push_str(before);
        out.push_str(DIGEST);
        let end = digest.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(digest.len());
        let shown = if end > SHOWN { SHOWN } else { end };
        out.push_str(digest.get(..shown).unwrap_or_default());
        out.push_str(if end > SHOWN { "…" } else { "" });
        rest = digest.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// A commit in full.
fn is_commit(segment: &str) -> bool {
    const SHA1: usize = 40;
    segment.len() == SHA1 && segment.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An id of ECS's tasks.
fn is_task(segment: &str) -> bool {
    const TASK: usize = 32;
    segment.len() == TASK
        && segment.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Letters and digits as no name has them: 22 or more that are in no word.
fn is_random(segment: &str) -> bool {
    const FEWEST: usize = 22;
    let (odd, classes) = (odd(segment), Classes::of(segment));
    odd >= FEWEST && classes.are_mixed()
}

/// The same over `/`, `+`, `-` and `_`, which Base64 has: of the parts that are neither a word nor an id.
fn is_random_as_a_whole(word: &str) -> bool {
    const FEWEST: usize = 24;
    let parts = word.split(|letter: char| !letter.is_ascii_alphanumeric());
    // No name has a `+`.
    let is_base64 = word.contains('+');
    let is_mixed = |part: &&str| {
        let classes = Classes::of(part);
        is_base64 || (classes.upper && (classes.lower || classes.digit))
    };
    let odd: usize = parts.filter(is_mixed).map(odd).sum();
    let classes = Classes::of(word);
    odd >= FEWEST && classes.upper && classes.lower && classes.digit
}

#[derive(Debug, Clone, Copy, Default)]
struct Classes {
    upper: bool,
    lower: bool,
    digit: bool,
    /// How often an upper-case letter follows a lower-case one.
    humps: usize,
}

impl Classes {
    fn of(text: &str) -> Self {
        let humps = text.as_bytes().windows(2).filter(|pair| {
            matches!(pair, [before, after] if before.is_ascii_lowercase() && after.is_ascii_uppercase())
        });
        Self {
            upper: text.bytes().any(|byte| byte.is_ascii_uppercase()),
            lower: text.bytes().any(|byte| byte.is_ascii_lowercase()),
            digit: text.bytes().any(|byte| byte.is_ascii_digit()),
            humps: humps.count(),
        }
    }

    /// Letters and digits, or capitals all over.
    fn are_mixed(self) -> bool {
        const HUMPS: usize = 5;
        (self.digit && (self.upper || self.lower)) || self.humps >= HUMPS
    }
}

/// How many letters and digits stand outside of words: a word is a capital or none, and three small letters or more.
fn odd(segment: &str) -> usize {
    const WORD: usize = 3;
    let bytes = segment.as_bytes();
    let mut odd: usize = 0;
    let mut run: usize = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if !byte.is_ascii_alphanumeric() {
            run = 0;
            continue;
        }
        odd += 1;
        run = if byte.is_ascii_lowercase() { run + 1 } else { 0 };
        let starts_with_capital =
            || place.checked_sub(WORD).and_then(|first| bytes.get(first)).is_some_and(u8::is_ascii_uppercase);
        if run == WORD {
            odd -= WORD + usize::from(starts_with_capital());
        } else if run > WORD {
            odd -= 1;
        }
    }
    odd
}
