//! The paths of an invalidation, put right as CloudFront needs them
//! (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html>).

use std::fmt::Write;

use serde::Serialize;
use serde_json::json;

use crate::mistakes::{self, Mistake};

/// CloudFront's longest path, in characters, as it is sent.
pub(crate) const MAX_PATH_LENGTH: usize = 4_000;
/// No list of paths that a person writes into one text is longer.
const MAX_TEXT: usize = 4 * MAX_PATH_LENGTH;
/// So much of a path that cannot be used is quoted.
const MAX_QUOTED: usize = 80;
/// A request that is longer is not written out: an error has 2,000 characters.
const MAX_REQUEST: usize = 1_000;

/// How many paths one invalidation may have before they become their common wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathLimits {
    pub paths: usize,
    pub wildcards: usize,
}

/// What is sent to CloudFront, in the order of the alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paths {
    pub paths: Vec<String>,
    /// What was widened, for a person. Spelling alone is put right without a word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub widened: Vec<String>,
}

/// A path that cannot be put right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    #[error("`paths` is empty: leave it out to invalidate everything, or name a path")]
    None,
    #[error("one of `paths` is empty: the root is `/`, and everything is `/*`")]
    Empty,
    #[error("`{path}` {mistake}{}", sent(.meant))]
    Mistake {
        path: String,
        mistake: Mistake,
        /// The paths that were probably meant, as CloudFront takes them.
        meant: Vec<String>,
    },
    #[error("`{0}` is a cache tag: send paths, which begin with `/`")]
    Tag(String),
    #[error("`{path}` has a `~`, which CloudFront cannot invalidate: send `{}`", quoted(.instead))]
    Tilde { path: String, instead: String },
    #[error(
        "`{path}` is {length} characters long as CloudFront takes it, and {MAX_PATH_LENGTH} are the most"
    )]
    TooLong { path: String, length: usize },
}

impl Paths {
    /// Everything.
    pub fn all() -> Self {
        Self { paths: vec!["/*".to_owned()], widened: Vec::new() }
    }

    /// `own` is the front end's host, of which no path has the name.
    pub fn of(asked: &[String], own: &str, limits: PathLimits) -> Result<Self, BadPath> {
        let mut widened = Vec::new();
        let mut paths = Vec::new();
        for text in asked {
            let path = one(text, own).map_err(|bad| bad.for_all_of(asked, own))?;
            if path.widened {
                widened.push(format!(
                    "`{}` became `{}`: a `*` is a wildcard only at the end",
                    quoted(text),
                    quoted(&path.text)
                ));
            }
            paths.push(path.text);
        }
        if paths.is_empty() {
            return Err(BadPath::None);
        }
        let mut paths = distinct(paths);
        let wildcards = paths.iter().filter(|path| is_wildcard(path)).count();
        if wildcards > limits.wildcards {
            let (of, mut rest): (Vec<String>, Vec<String>) =
                paths.into_iter().partition(|path| is_wildcard(path));
            let common = common_wildcard(&of);
            widened.push(format!(
                "{wildcards} wildcards became their common one, `{}`: {} are the most in one invalidation",
                quoted(&common),
                limits.wildcards
            ));
            rest.push(common);
            paths = distinct(rest);
        }
        if paths.len() > limits.paths {
            let common = common_wildcard(&paths);
            widened.push(format!(
                "{} paths became their common wildcard, `{}`: {} are the most in one invalidation",
                paths.len(),
                quoted(&common),
                limits.paths
            ));
            paths = vec![common];
        }
        Ok(Self { paths, widened })
    }
}

impl BadPath {
    /// With the whole request that was probably meant, if all of it can be put right.
    fn for_all_of(self, asked: &[String], own: &str) -> Self {
        let Self::Mistake { path, mistake, meant } = self else { return self };
        let all: Option<Vec<Vec<String>>> = asked.iter().map(|text| probably(one(text, own))).collect();
        let all = all.map(|paths| paths.concat()).filter(|paths| request(paths).len() <= MAX_REQUEST);
        Self::Mistake { path, mistake, meant: all.unwrap_or(meant) }
    }
}

/// What a text probably means, if that can be told.
fn probably(one: Result<One, BadPath>) -> Option<Vec<String>> {
    match one {
        Ok(one) => Some(vec![one.text]),
        Err(BadPath::Mistake { meant, .. }) => Some(meant),
        Err(BadPath::Tilde { instead, .. }) => Some(vec![instead]),
        Err(BadPath::None | BadPath::Empty | BadPath::Tag(_) | BadPath::TooLong { .. }) => None,
    }
}

fn request(paths: &[String]) -> String {
    json!({ "paths": paths }).to_string()
}

fn sent(meant: &[String]) -> String {
    match request(meant) {
        request if !meant.is_empty() && request.len() <= MAX_REQUEST => format!(": send `{request}`"),
        _ => String::new(),
    }
}

pub(crate) fn is_wildcard(path: &str) -> bool {
    path.ends_with('*')
}

/// Whether an invalidation of `path` clears `other` as well.
pub(crate) fn covers(path: &str, other: &str) -> bool {
    match path.strip_suffix('*') {
        Some(stem) => other.strip_suffix('*').unwrap_or(other).starts_with(stem),
        None => path == other,
    }
}

struct One {
    text: String,
    widened: bool,
}

fn one(text: &str, own: &str) -> Result<One, BadPath> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(BadPath::Empty);
    }
    if trimmed.len() > MAX_TEXT {
        return Err(BadPath::TooLong { path: quoted(trimmed), length: trimmed.len() });
    }
    // CloudFront takes `#tag` for a cache tag, which is no path.
    if trimmed.starts_with('#') {
        return Err(BadPath::Tag(quoted(trimmed)));
    }
    let checked = |text: &str| match mistakes::look(text, own) {
        None => Ok(()),
        Some((mistake, meant)) => {
            let meant = meant.iter().filter_map(|path| probably(one(path, own))).flatten().collect();
            Err(BadPath::Mistake { path: quoted(trimmed), mistake, meant })
        }
    };
    checked(trimmed)?;
    let one = spelled(trimmed)?;
    // What is left before a wildcard may look otherwise than the whole.
    checked(&one.text)?;
    Ok(one)
}

/// A path as CloudFront takes it.
fn spelled(text: &str) -> Result<One, BadPath> {
    let (kept, widened) = match text.find('*') {
        Some(at) if at + 1 < text.len() => {
            let rest = text.get(at..).unwrap_or_default();
            // Several at the end mean what one does.
            (text.get(..=at).unwrap_or(text), rest.contains(|c| c != '*'))
        }
        _ => (text, false),
    };
    let slashed = if kept.starts_with('/') { kept.to_owned() } else { format!("/{kept}") };
    let encoded = encoded(&slashed);
    if let Some(at) = tilde(&encoded) {
        let before = encoded.get(..at).unwrap_or("/");
        let instead = format!("{}*", up_to_slash(before));
        return Err(BadPath::Tilde { path: quoted(text), instead });
    }
    if encoded.len() > MAX_PATH_LENGTH {
        return Err(BadPath::TooLong { path: quoted(text), length: encoded.len() });
    }
    Ok(One { text: encoded, widened })
}

/// Encodes what RFC 1738 calls unsafe, and nothing else: CloudFront compares a path with what browsers ask
/// for. What is encoded already stays as it is.
fn encoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    for (at, byte) in bytes.iter().enumerate() {
        let is_encoded =
            || bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b'%' if is_encoded() => out.push('%'),
            b'"' | b'#' | b'%' | b'<' | b'>' | b'[' | b'\\' | b']' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                encode(*byte, &mut out);
            }
            b'!'..=b'~' => out.push(char::from(*byte)),
            _ => encode(*byte, &mut out),
        }
    }
    out
}

fn encode(byte: u8, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

/// Where a tilde is: CloudFront does not invalidate a path with one, encoded or not.
fn tilde(encoded: &str) -> Option<usize> {
    let plain = encoded.find('~');
    let hidden = encoded.to_ascii_uppercase().find("%7E");
    plain.into_iter().chain(hidden).min()
}

/// Without duplicates, and without what a wildcard beside it covers.
fn distinct(mut paths: Vec<String>) -> Vec<String> {
    // By stem, a wildcard before the path that is only its stem: so that whatever a path covers follows it.
    paths.sort_by(|a, b| (stem(a), !is_wildcard(a)).cmp(&(stem(b), !is_wildcard(b))));
    let mut kept: Vec<String> = Vec::new();
    for path in paths {
        if !kept.last().is_some_and(|last| covers(last, &path)) {
            kept.push(path);
        }
    }
    kept.sort();
    kept
}

fn stem(path: &str) -> &str {
    path.strip_suffix('*').unwrap_or(path)
}

/// The folder that all have in common, and everything in it.
fn common_wildcard(paths: &[String]) -> String {
    let mut common = paths.first().map_or("/", |path| stem(path));
    for path in paths {
        let same = common.bytes().zip(stem(path).bytes()).take_while(|(a, b)| a == b).count();
        common = common.get(..same).unwrap_or("/");
    }
    format!("{}*", up_to_slash(common))
}

fn up_to_slash(path: &str) -> &str {
    path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or("/")
}

fn quoted(text: &str) -> String {
    let mut quoted: String = text.trim().chars().take(MAX_QUOTED).collect();
    if text.trim().chars().nth(MAX_QUOTED).is_some() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests;
