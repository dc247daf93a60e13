//! Takes secrets out of a line, and keeps what people look for: ARNs, revisions, images, times, ids, error codes.
//!
//! Secrets are known by where they stand (before the `@` of an address, after `password=`, in a query string, between
//! the lines of a PEM block) or by what they look like (`AKIA…`, a JWT, a long string without words in it).

mod looks;
mod names;

/// What stands for a secret.
pub(super) const HIDDEN: &str = "<…>";

/// A line without its secrets.
pub(super) fn secrets(line: &str) -> String {
    let mut text = if line.contains(BEGIN) { pem_blocks(line) } else { line.to_owned() };
    if text.contains("://") {
        text = addresses(&text);
    }
    if text.contains('?') {
        text = queries(&text);
    }
    if text.contains('@') {
        text = before_at(&text);
    }
    looks::masked(&names::masked(&text))
}

/// Whether a text is a word with nothing to hide, as most names of fields are. Most of what is masked is such a word, and to
/// know that is much less work.
pub(super) fn is_a_short_word(text: &str) -> bool {
    text.len() < looks::SHORTEST && text.bytes().all(|byte| names::is_of_a_name(byte.into()))
}

/// Whether a field of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    names::kind(name).is_some()
}

/// Whether a secret field's value may be shown, because it only names the secret.
pub(super) fn may_be_shown(value: &str) -> bool {
    names::is_harmless(value)
}

const BEGIN: &str = "-----BEGIN ";

/// From `-----BEGIN` to the end of the block, or of the text where it was cut.
fn pem_blocks(text: &str) -> String {
    const END: &str = "-----END ";
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        out.push_str(before);
        out.push_str("<PEM block>");
        let end = block.split_once(END).and_then(|(_, end)| end.split_once("-----"));
        rest = end.map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// What stands before the `@` of an address with a scheme, and what follows the host of a web hook.
fn addresses(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let is_web = before.ends_with("http") || before.ends_with("https");
        let end = after.find(ends_address).unwrap_or(after.len());
        let (address, next) = after.split_at_checked(end).unwrap_or((after, ""));
        rest = next;
        match address.rfind('@') {
            Some(at) if is_userinfo(address, at, is_web) => {
                out.push_str(HIDDEN);
                out.push_str(address.get(at..).unwrap_or_default());
            }
            _ if address.starts_with("hooks.") => {
                out.push_str(address.split('/').next().unwrap_or_default());
                out.push('/');
                out.push_str(HIDDEN);
            }
            _ => out.push_str(address),
        }
    }
    out.push_str(rest);
    out
}

/// Passwords that should have been encoded have `/`, `?` and `#` in them; a web page's path has `@` too.
fn is_userinfo(address: &str, at: usize, is_web: bool) -> bool {
    let host = address.split(['/', '?', '#']).next().unwrap_or_default();
    let before = address.get(..at).unwrap_or_default();
    !is_web || host.contains('@') || (host.contains(':') && !before.ends_with('/'))
}

fn ends_address(letter: char) -> bool {
    letter.is_whitespace() || "\"<>`\\".contains(letter)
}

/// The values of `?name=value&name=value`, in an address or without one.
fn queries(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('?') {
        out.push_str(before);
        out.push('?');
        let end = after.find(|letter: char| ends_address(letter) || letter == '\'').unwrap_or(after.len());
        let (query, next) = after.split_at_checked(end).unwrap_or((after, ""));
        let is_query = query.split_once('=').is_some_and(|(name, _)| !name.is_empty());
        if is_query {
            pairs(query, &mut out);
        } else {
            out.push_str(query);
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

fn pairs(query: &str, out: &mut String) {
    for pair in query.split_inclusive('&') {
        match pair.split_once('=') {
            Some((name, value)) if !matches!(value, "" | "&") => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
                out.push_str(if value.ends_with('&') { "&" } else { "" });
            }
            _ => out.push_str(pair),
        }
    }
}

/// `user:password@host` without a scheme. Not an image's digest (`backend:41@sha256:…`), and no ARN.
fn before_at(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(ends_word).map_or(rest.len(), |end| end.max(1));
        let end = rest.ceil_char_boundary(end);
        let (word, next) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = next;
        let at = word.rfind('@').filter(|at| {
            let after = word.get(at + 1..).unwrap_or_default();
            !after.starts_with("sha256:") && !after.starts_with("sha512:") && !word.starts_with("arn:")
                // An address with a scheme has been seen to.
                && !word.contains("://")
        });
        let colon = word.find(':').filter(|colon| at.is_some_and(|at| *colon + 1 < at));
        let (Some(at), Some(colon)) = (at, colon) else {
            out.push_str(word);
            continue;
        };
        let user = word.get(..colon).unwrap_or_default();
        let from = user.rfind(['=', '(', '[', '{', ',', ';', '|']).map_or(0, |place| place + 1);
        out.push_str(word.get(..from).unwrap_or_default());
        out.push_str(HIDDEN);
        out.push_str(word.get(at..).unwrap_or_default());
    }
    out
}

fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || "\"'`<>".contains(letter)
}
