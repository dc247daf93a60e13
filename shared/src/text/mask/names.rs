//! Values that stand after the name of a secret: `password=…`, `"apiKey": "…"`, `--token …`, `Authorization: …`.

use super::HIDDEN;

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In prose too: `password: …`.
    Sure,
    /// Only where it is a field: `session=…`, `"auth": "…"`, `--pass …`.
    Field,
    /// `Authorization: Basic …`: the scheme, and what follows it.
    Header,
    /// `Cookie: a=…; b=…`: all pairs.
    Cookie,
}

const SURE: [&str; 20] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "accesskeyid",
    "secretkey",
    "privatekey",
    "accountkey",
    "masterkey",
    "signingkey",
    "encryptionkey",
    "sharedkey",
    "credential",
    "connectionstring",
    "jwt",
    "bearer",
];
const FIELD: [&str; 10] =
    ["pass", "auth", "session", "sessionid", "sid", "sig", "signature", "otp", "dsn", "pin"];

/// What a name says about its value, if anything.
pub(super) fn kind(name: &str) -> Option<Kind> {
    const LONGEST: usize = 80;
    if name.len() > LONGEST {
        return None;
    }
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    let single = bare.strip_suffix('s').unwrap_or(&bare);
    let ends = |names: &[&str]| names.iter().any(|name| bare.ends_with(name) || single.ends_with(name));
    if bare.ends_with("authorization") {
        Some(Kind::Header)
    } else if ends(&["cookie"]) {
        Some(Kind::Cookie)
    } else if ends(&SURE) {
        Some(Kind::Sure)
    } else {
        // The name itself, or a last part of it: `DB_PASS`, but not `bypass`.
        let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
        let is_field = FIELD.iter().any(|field| bare == *field || last.eq_ignore_ascii_case(field));
        is_field.then_some(Kind::Field)
    }
}

pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(is_of_a_name).unwrap_or(rest.len());
        let (before, from_name) = rest.split_at_checked(start).unwrap_or((rest, ""));
        out.push_str(before);
        let end = from_name.find(|letter| !is_of_a_name(letter)).unwrap_or(from_name.len());
        let (name, after) = from_name.split_at_checked(end).unwrap_or((from_name, ""));
        if name == "arn" && after.starts_with(':') {
            let end = end_of_arn(after);
            out.push_str(name);
            out.push_str(after.get(..end).unwrap_or_default());
            rest = after.get(end..).unwrap_or_default();
            continue;
        }
        out.push_str(name);
        rest = after;
        if let Some((shown, hidden)) = value(name, after) {
            out.push_str(after.get(..shown).unwrap_or_default());
            out.push_str(HIDDEN);
            rest = after.get(shown + hidden..).unwrap_or_default();
        }
    }
    out
}

pub(super) fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

/// Of what follows `arn`. What has a `=` after it is none.
fn end_of_arn(after: &str) -> usize {
    let end = after
        .find(|letter: char| !letter.is_ascii_alphanumeric() && !":/_+.-*#$@".contains(letter))
        .unwrap_or(after.len());
    if after.get(end..).is_some_and(|next| next.starts_with('=')) { 0 } else { end }
}

/// How many bytes after the name are shown (what separates it from its value), and how many are the value.
fn value(name: &str, after: &str) -> Option<(usize, usize)> {
    let bare = name.trim_matches(['.', '-', '_']);
    let kind = kind(bare).or_else(|| (bare.eq_ignore_ascii_case("basic")).then_some(Kind::Header))?;
    let separator = separator(name, after);
    let (shown, by_colon) = match (kind, separator) {
        (_, Some(Separator { length, is_prose: false })) => (length, false),
        (Kind::Field, Some(_)) => return None,
        (_, Some(Separator { length, .. })) => (length, true),
        (_, None) => (said(bare, after)?, true),
    };
    let value = after.get(shown..).unwrap_or_default();
    if value.starts_with(HIDDEN) || value.is_empty() {
        return None;
    }
    let length = match kind {
        Kind::Header => header(value),
        Kind::Cookie => cookies(value),
        Kind::Sure | Kind::Field => one(value),
    };
    let hidden = value.get(..length).unwrap_or_default();
    let is_count = bare.ends_with(['s', 'S']) && hidden.bytes().all(|byte| byte.is_ascii_digit());
    let is_kept = length == 0
        || is_count
        || is_constant(hidden)
        || hidden.starts_with("arn:")
        || (by_colon && is_said(hidden));
    (!is_kept).then_some((shown, length))
}

struct Separator {
    length: usize,
    /// A colon after a bare word, as in `secret: access denied`.
    is_prose: bool,
}

/// `=`, `:`, `: "`, `" => "`, the space after `--password`, `", "value": "`.
fn separator(name: &str, after: &str) -> Option<Separator> {
    let quotes = after.len() - after.trim_start_matches(['"', '\'', '`', '\\', ']']).len();
    let rest = after.get(quotes..).unwrap_or_default();
    let spaced = rest.trim_start();
    let signs = spaced.len() - spaced.trim_start_matches([':', '=', '>']).len();
    let length_to = |rest: &str| after.len() - rest.len();
    if signs > 0 {
        let sign = spaced.get(..signs).unwrap_or_default();
        let value = spaced.get(signs..).unwrap_or_default().trim_start();
        return Some(Separator { length: length_to(value), is_prose: quotes == 0 && sign == ":" });
    }
    if name.starts_with('-') && spaced.len() < rest.len() && !spaced.starts_with('-') && !spaced.is_empty() {
        return Some(Separator { length: length_to(spaced), is_prose: false });
    }
    // `{"name": "DB_PASSWORD", "value": "…"}`
    let field = spaced.strip_prefix(',')?.trim_start().trim_start_matches(['"', '\'', '\\']);
    let field = field.strip_prefix("value").or_else(|| field.strip_prefix("Value"))?;
    let sign = field.trim_start_matches(['"', '\'', '\\']).trim_start();
    let value = sign.strip_prefix([':', '='])?.trim_start();
    Some(Separator { length: length_to(value), is_prose: false })
}

/// `password hunter2`, `password is hunter2`, `Bearer abc`, `Basic dXNl…`.
fn said(name: &str, after: &str) -> Option<usize> {
    let start = after.len() - after.trim_start().len();
    let mut value = after.get(start..).filter(|_| start > 0)?;
    let is_bearer = name.eq_ignore_ascii_case("bearer");
    let is_basic = name.eq_ignore_ascii_case("basic");
    let is_password = ["password", "passwd", "pwd", "passphrase"].iter().any(|known| ends_with(name, known));
    if !(is_bearer || is_basic || is_password) {
        return None;
    }
    if is_password {
        for verb in ["is ", "was ", "of "] {
            value = value.strip_prefix(verb).unwrap_or(value);
        }
    }
    let word = value.split(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    let is_plain = word.chars().skip(1).all(|letter| letter.is_lowercase() || "-'’".contains(letter));
    let is_secret = if is_basic { !is_plain && word.len() >= 6 } else { !is_said(word) };
    // `password is wrong` says something, `password is Hunter2` tells it.
    let after_verb = value.len() < after.trim_start().len();
    (is_secret && !(after_verb && is_plain)).then_some(after.len() - value.len())
}

fn ends_with(name: &str, end: &str) -> bool {
    name.len()
        .checked_sub(end.len())
        .and_then(|from| name.get(from..))
        .is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// The length of a value: to its closing quote, or to where another field begins.
fn one(value: &str) -> usize {
    let escapes = value.len() - value.trim_start_matches('\\').len();
    let quoted = value.get(escapes..).unwrap_or_default();
    if let Some(quote) = quoted.chars().next().filter(|letter| "\"'`".contains(*letter)) {
        let mark = value.get(..=escapes).unwrap_or_default();
        let inside = quoted.get(quote.len_utf8()..).unwrap_or_default();
        return closing(inside, mark, escapes).map_or(value.len(), |end| escapes + 1 + end);
    }
    if value.starts_with(['{', '[', '<']) {
        return 0;
    }
    let end =
        value.find(|letter: char| letter.is_whitespace() || "\"'`<".contains(letter)).unwrap_or(value.len());
    let word = value.get(..end).unwrap_or_default();
    let next = word
        .char_indices()
        .filter(|(_, letter)| ",;&".contains(*letter))
        .find(|(place, _)| begins_a_field(value.get(place + 1..).unwrap_or_default()))
        .map_or(word.len(), |(place, _)| place);
    let word = word.get(..next).unwrap_or_default();
    word.trim_end_matches([',', ';', '.', ':', ')', '}', ']']).len()
}

/// Where the closing quote ends. One that is escaped more than the opening one belongs to the value.
fn closing(inside: &str, mark: &str, escapes: usize) -> Option<usize> {
    let mut from = 0;
    loop {
        let found = from + inside.get(from..)?.find(mark)?;
        let before = inside.get(..found).unwrap_or_default();
        let extra = before.len() - before.trim_end_matches('\\').len();
        from = found + mark.len();
        if escapes > 0 || extra % 2 == 0 {
            return Some(from);
        }
    }
}

/// `user=…`, ` "user": …`, or nothing more.
fn begins_a_field(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['"', '\'', '\\']);
    let rest = text.trim_start_matches(is_of_a_name);
    text.is_empty()
        || (rest.len() < text.len()
            && rest.trim_start_matches(['"', '\'', '\\']).trim_start().starts_with(['=', ':']))
}

/// `Basic …`, `Bearer …`, or a key by itself.
fn header(value: &str) -> usize {
    const SCHEMES: [&str; 8] =
        ["basic", "bearer", "digest", "token", "negotiate", "apikey", "ntlm", "aws4-hmac-sha256"];
    let start = value.len() - value.trim_start_matches(['"', '\'', '\\']).len();
    let from = value.get(start..).unwrap_or_default();
    let scheme = from.split(char::is_whitespace).next().unwrap_or_default();
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return one(value);
    }
    let mut end = start + scheme.len();
    let after = value.get(end..).unwrap_or_default();
    let spaces = after.len() - after.trim_start().len();
    if spaces == 0 {
        return end;
    }
    end += spaces;
    let next = value.get(end..).unwrap_or_default();
    if next.starts_with(HIDDEN) {
        return end.saturating_sub(spaces);
    }
    if matches!(scheme.to_ascii_lowercase().as_str(), "digest" | "aws4-hmac-sha256") {
        return end + fields(next);
    }
    end + next.find(|letter: char| letter.is_whitespace() || "\"'`<".contains(letter)).unwrap_or(next.len())
}

/// `a=…, b=…`: to the last word with a `=` in it.
fn fields(text: &str) -> usize {
    let mut end = 0;
    for word in text.split_inclusive(' ') {
        if !word.contains('=') {
            break;
        }
        end += word.len();
    }
    text.get(..end).unwrap_or_default().trim_end().len()
}

fn cookies(value: &str) -> usize {
    let quote = value.trim_start_matches('\\').starts_with(['"', '\'']);
    if quote { one(value) } else { fields(value).max(one(value)) }
}

/// No secret at all.
fn is_constant(value: &str) -> bool {
    let bare = value.trim_matches(['"', '\'', '\\', '`']);
    matches!(
        bare,
        "" | "true" | "false" | "null" | "none" | "None" | "undefined" | "nil" | "…" | "***" | "****"
    ) || bare.starts_with(HIDDEN)
}

/// A value that is not secret although its name says so: an ARN, a secret's name with a path.
pub(super) fn is_harmless(value: &str) -> bool {
    let is_path = |value: &str| {
        value.contains('/')
            && value
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/-_.".contains(&byte))
    };
    is_constant(value) || value.starts_with("arn:") || is_path(value)
}

/// Words about a password or a token that are not one.
fn is_said(value: &str) -> bool {
    let bare = value.trim_matches(|letter: char| !letter.is_alphanumeric());
    let is_code = ["Exception", "Error", "Denied", "NotFound", "Fault", "Throttled"]
        .iter()
        .any(|end| bare.ends_with(end))
        && bare.chars().all(|letter| letter.is_ascii_alphabetic());
    is_code || SAYS.contains(&bare.to_ascii_lowercase().as_str())
}

const SAYS: &[&str] = &[
    "",
    "a",
    "about",
    "access",
    "after",
    "an",
    "and",
    "are",
    "as",
    "at",
    "auth",
    "authentication",
    "be",
    "been",
    "before",
    "but",
    "by",
    "can",
    "cannot",
    "change",
    "changed",
    "changes",
    "check",
    "could",
    "couldn't",
    "did",
    "do",
    "does",
    "doesn't",
    "due",
    "expired",
    "expires",
    "expiry",
    "failed",
    "failing",
    "failure",
    "field",
    "file",
    "for",
    "from",
    "had",
    "hash",
    "has",
    "have",
    "if",
    "in",
    "incorrect",
    "invalid",
    "is",
    "isn't",
    "it",
    "its",
    "length",
    "lendpeak2",
    "login",
    "manager",
    "may",
    "mismatch",
    "missing",
    "must",
    "needs",
    "no",
    "not",
    "of",
    "on",
    "or",
    "overdue",
    "parameter",
    "page",
    "policy",
    "prompt",
    "protected",
    "provided",
    "refused",
    "rejected",
    "required",
    "reset",
    "resets",
    "retry",
    "rotated",
    "rotates",
    "rotation",
    "service",
    "should",
    "still",
    "that",
    "the",
    "this",
    "to",
    "token",
    "tokens",
    "too",
    "unable",
    "unauthorized",
    "unknown",
    "was",
    "were",
    "when",
    "which",
    "will",
    "with",
    "wrong",
];
