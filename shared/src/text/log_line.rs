//! The part of a log line that may be shown, and its shape: the line without what differs from one event to the next.
//!
//! It keeps what looks like a word and replaces the rest, so that what nobody thought of is masked too: anything
//! with a digit that is no well-known code, addresses, tokens, whatever follows `password`, `token` or
//! `Authorization`, and everything in an URL but its scheme.

/// Longer lines are cut first: their beginning says what went wrong.
const MAX_BYTES: usize = 2_000;
/// What is shown of one.
const MAX_SHOWN: usize = 300;

/// A line with everything secret, personal or particular taken out.
pub fn line(text: &str) -> String {
    let text = cut(text, MAX_BYTES);
    let message = message(text);
    let words: Vec<&str> = words(message.as_deref().unwrap_or(text)).collect();
    let mut out = String::new();
    let mut hidden = 0;
    for (place, word) in words.iter().enumerate() {
        let after = words.get(place + 1..).unwrap_or_default();
        let shown = if hidden > 0 && is_text(word) {
            hidden -= 1;
            "<…>"
        } else {
            hidden = hidden.max(hides(word, after));
            masked(word)
        };
        // What steers a terminal is none of the message.
        out.extend(shown.chars().map(|letter| if letter.is_control() { ' ' } else { letter }));
    }
    let mut squeezed = out.split_whitespace().collect::<Vec<_>>().join(" ");
    while squeezed.contains("<…> <…>") || squeezed.contains("<…><…>") {
        squeezed = squeezed.replace("<…> <…>", "<…>").replace("<…><…>", "<…>");
    }
    cut(&squeezed, MAX_SHOWN).to_owned()
}

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// The message in a line that is JSON: the other fields are particulars of one event.
fn message(text: &str) -> Option<String> {
    let text = text.trim_start();
    if !text.starts_with('{') {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let nested =
        || Some(value.get("err").or_else(|| value.get("error"))?.get("message")?.as_str()?.to_owned());
    let said = ["message", "msg", "error"].into_iter().find_map(field).or_else(nested)?;
    let level = field("level").filter(|level| level.chars().all(|letter| letter.is_ascii_alphabetic()));
    Some(match level {
        Some(level) => format!("{} {said}", level.to_ascii_uppercase()),
        None => said,
    })
}

/// Words and what stands between them, in order.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let kind = is_separator(first);
        let end = rest.find(|letter| is_separator(letter) != kind).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(word)
    })
}

/// Those inside addresses, paths and numbers do not count.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || "\"'`()[]{}<>,;|=".contains(letter)
}

fn is_text(word: &str) -> bool {
    word.chars().next().is_some_and(|first| !is_separator(first))
}

/// How many words after this one are not shown, since it names a secret.
fn hides(word: &str, after: &[&str]) -> usize {
    /// `Authorization: Basic …`: the scheme, and what follows it.
    const HEADER: usize = 2;
    let bare = bare(word).to_ascii_lowercase();
    let names = |names: &[&str]| {
        names.iter().any(|name| {
            bare.ends_with(name) || bare.strip_suffix('s').is_some_and(|bare| bare.ends_with(name))
        })
    };
    // A colon that stands by itself is a word too.
    let next =
        after.iter().map(|word| word.trim_start_matches([' ', '"', '\''])).find(|word| !word.is_empty());
    let colon = usize::from(next == Some(":"));
    if names(&["authorization"]) {
        return HEADER + colon;
    }
    if bare == "bearer" {
        return 1;
    }
    if !names(&[
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "api-key",
        "cookie",
        "credential",
        "session",
    ]) {
        return 0;
    }
    // `password=…`, `"password": "…"`, `password: …`.
    if word.ends_with(':') || next.is_some_and(|next| next.starts_with(['=', ':'])) {
        return 1 + colon;
    }
    // `password hunter`, but not `password expired`.
    let said = after.iter().find(|word| is_text(word)).map(|word| self::bare(word).to_ascii_lowercase());
    let says = said.is_none_or(|said| SAYS.contains(&said.as_str()));
    usize::from(!says && names(&["password", "passwd", "pwd", "token"]))
}

/// Words about a password or a token.
const SAYS: [&str; 30] = [
    "",
    "a",
    "and",
    "are",
    "as",
    "at",
    "authentication",
    "by",
    "cannot",
    "could",
    "does",
    "expired",
    "failed",
    "for",
    "from",
    "has",
    "in",
    "incorrect",
    "invalid",
    "is",
    "mismatch",
    "missing",
    "must",
    "not",
    "of",
    "or",
    "required",
    "to",
    "was",
    "with",
];

fn bare(word: &str) -> &str {
    word.trim_matches(|letter: char| ":.!?*#-/".contains(letter))
}

/// What stands for a word.
fn masked(word: &str) -> &str {
    if !is_text(word) {
        return word;
    }
    let bare = bare(word);
    if let Some((scheme, _)) = bare.split_once("://") {
        return if scheme.ends_with("mongodb") || scheme.ends_with("mongodb+srv") {
            "<mongodb address>"
        } else if scheme.ends_with("redis") || scheme.ends_with("rediss") {
            "<redis address>"
        } else {
            "<address>"
        };
    }
    if bare.contains('@') {
        return "<e-mail>";
    }
    if let Some((name, value)) = bare.split_once(':')
        && !value.is_empty()
        && hides(name, &[":"]) > 0
    {
        return "<…>";
    }
    if bare.is_empty() || is_word(bare) || is_code(bare) || is_name(bare) { word } else { "<…>" }
}

/// Letters as people and programs write words: one that is very long, or changes its case all the time, is a token.
fn is_word(word: &str) -> bool {
    const LONGEST: usize = 40;
    const LONGEST_PLAIN: usize = 24;
    const CASES: usize = 5;
    let letters = word.chars().all(|letter| letter.is_alphabetic() || "_-./'’:+&%".contains(letter));
    if !letters || word.is_empty() || word.chars().count() > LONGEST {
        return false;
    }
    let changes = word.as_bytes().windows(2).filter(
        |pair| matches!(pair, [before, after] if before.is_ascii_lowercase() && after.is_ascii_uppercase()),
    );
    let changes = changes.count();
    let parts = word.split(['_', '-', '.', '/', ':', '+']);
    let longest = parts.map(|part| part.chars().count()).max().unwrap_or_default();
    let camel = changes.saturating_mul(4) <= word.len();
    changes <= CASES && camel && (longest <= LONGEST_PLAIN || changes > 0)
}

/// Codes with digits that say what happened: an HTTP status of the guide's table, a TypeScript error, a driver's code,
/// the end of a process.
fn is_code(word: &str) -> bool {
    const STATUS: [&str; 13] =
        ["200", "400", "401", "403", "404", "408", "409", "422", "429", "500", "502", "503", "504"];
    const EXIT: [&str; 6] = ["126", "127", "134", "137", "139", "143"];
    let digits = |prefix: &str| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            (1..=5).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    STATUS.contains(&word) || EXIT.contains(&word) || digits("TS") || digits("E")
}

/// Names of AWS's things and of files, which people look for: an ARN without its account, `main.js`, `backend:41`.
fn is_name(word: &str) -> bool {
    const LONGEST: usize = 80;
    let revision = word.rsplit_once(':').is_some_and(|(family, number)| {
        is_word(family)
            && (1..=6).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && family.contains('-')
    });
    word.len() <= LONGEST && revision
}

#[cfg(test)]
mod tests;
