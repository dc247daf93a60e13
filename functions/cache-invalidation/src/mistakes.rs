//! What nobody means by a path, and what was probably meant: CloudFront takes each of these, bills it, and clears
//! nothing by it.
//!
//! An address has a path and, behind the first `?`, a query. In a query nearly everything is allowed, so that little is
//! a mistake there.

use std::borrow::Cow;

/// What is wrong with a text, as the end of "`<text>` …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("is more than one path: each is a text of its own, and a space in a name is `%20`")]
    Separator,
    #[error("has a quotation mark")]
    Quote,
    #[error(
        "has a `#`, and browsers do not send what follows one (a wildcard finds a name with a `#` in it)"
    )]
    Fragment,
    #[error("has a backslash, where an address has `/`")]
    Backslash,
    #[error("is an address: its path alone is sent")]
    OwnAddress,
    #[error("is an address on `{host}`, and this front end is `{own}` (a folder begins with `/`)")]
    OtherAddress { host: String, own: String },
    #[error("has an encoded `*`, which is no wildcard")]
    EncodedStar,
    #[error("has `//`, and no folder is without a name")]
    EmptySegment,
    #[error("has `.` or `..`, which browsers resolve before they ask")]
    DotSegment,
}

/// The first mistake in a text, and the paths that were probably meant by all of it. Most texts have none.
pub(crate) fn look(text: &str, own: &str) -> Option<(Mistake, Vec<String>)> {
    let mut first = None;
    let mut meant = Vec::new();
    let mut rest = vec![text.to_owned()];
    // Each correction is shorter or has fewer backslashes, so this ends.
    while let Some(text) = rest.pop() {
        match mistake(&text, own) {
            None => meant.push(text),
            Some((mistake, instead)) => {
                first.get_or_insert(mistake);
                rest.extend(instead.into_iter().rev());
            }
        }
    }
    first.map(|first| (first, meant))
}

/// One mistake, and the text or texts without it.
fn mistake(text: &str, own: &str) -> Option<(Mistake, Vec<String>)> {
    let one = |mistake, instead: Option<String>| instead.map(|instead| (mistake, vec![instead]));
    separated(text, own)
        .map(|paths| (Mistake::Separator, paths))
        .or_else(|| one(Mistake::Quote, without_quotes(text)))
        .or_else(|| one(Mistake::Fragment, without_fragment(text)))
        .or_else(|| one(Mistake::Backslash, in_path(text, without_backslashes)))
        .or_else(|| without_host(text, own).map(|(mistake, path)| (mistake, vec![path])))
        .or_else(|| one(Mistake::EncodedStar, without_encoded_stars(text)))
        .or_else(|| one(Mistake::EmptySegment, in_path(text, without_empty_segments)))
        .or_else(|| one(Mistake::DotSegment, in_path(text, without_dot_segments)))
}

/// The path, and the query with its `?`.
fn divided(text: &str) -> (&str, &str) {
    text.find('?').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

fn in_path(text: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (path, query) = divided(text);
    change(path).map(|path| path + query)
}

/// No path has these: browsers leave them out.
fn ends_a_line(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn separates(c: char) -> bool {
    matches!(c, ',' | ';') || c.is_whitespace()
}

/// The paths of a text that is not just one of them.
fn separated(text: &str, own: &str) -> Option<Vec<String>> {
    let listed = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).map(str::trim);
    // `[id]` is the name of a page.
    let listed = listed.filter(|inner| inner.starts_with('/') || inner.starts_with(is_quote));
    let plain = with_plain_line_ends(listed.unwrap_or(text));
    let paths: Vec<&str> = plain
        .split(ends_a_line)
        .flat_map(|line| in_line(line.trim(), own))
        .filter(|path| !path.is_empty())
        .collect();
    (paths != [text]).then(|| paths.into_iter().map(str::to_owned).collect())
}

fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    let (path, query) = divided(text);
    if ["%0A", "%0a", "%0D", "%0d", "%09"].iter().all(|end| !path.contains(end)) {
        return Cow::Borrowed(text);
    }
    let path = path.replace("%0A", "\n").replace("%0a", "\n").replace("%0D", "\n").replace("%0d", "\n");
    Cow::Owned(path.replace("%09", "\n") + query)
}

fn in_line<'a>(line: &'a str, own: &str) -> Vec<&'a str> {
    let are_files = are_files(line);
    let mut paths = Vec::new();
    let mut path = line.trim_start_matches(separates);
    let mut read = 0;
    while let Some(at) = path.get(read..).and_then(|unread| unread.find(separates)) {
        let Some((before, after)) = path.split_at_checked(read + at) else { break };
        let next = after.trim_start_matches(separates);
        let is_end = match (before.contains('?'), next.is_empty()) {
            (false, true) => true,
            (false, false) => are_files || begins_path(next, own),
            (true, true) => false,
            // A query may hold a list of paths, but neither a space nor a second query.
            (true, false) => begins_path(next, own) && (has_space(after, next) || next.contains('?')),
        };
        if is_end {
            paths.push(before);
            (path, read) = (next, 0);
        } else {
            read = path.len() - next.len();
        }
    }
    paths.push(path);
    paths
}

/// Whether there is a space between what ends at `after` and `next`.
fn has_space(after: &str, next: &str) -> bool {
    let gap = after.get(..after.len() - next.len());
    gap.is_some_and(|gap| gap.contains(char::is_whitespace))
}

fn begins_path(text: &str, own: &str) -> bool {
    let text = text.trim_start_matches(is_quote);
    let word = text.split(separates).next().unwrap_or(text);
    ["/", "\\", "./", "../"].iter().any(|start| word.starts_with(start)) || without_host(word, own).is_some()
}

/// Whether these are several names, each as a file, a folder or a wildcard has one. A space may belong to a name, as in
/// `/a b.js`; encoded, it does.
fn are_files(line: &str) -> bool {
    fn is_file(word: &str) -> bool {
        /// As `woff2` has.
        const LONGEST_EXTENSION: usize = 5;
        let word = word.trim_matches(is_quote);
        let name = word.rsplit('/').next().unwrap_or(word);
        word.len() > 1 && (word.ends_with('*') || word.ends_with('/'))
            || name.rsplit_once('.').is_some_and(|(stem, extension)| {
                !stem.is_empty()
                    && (1..=LONGEST_EXTENSION).contains(&extension.len())
                    && extension.starts_with(|c: char| c.is_ascii_alphabetic())
                    && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    }
    !line.contains('?')
        && line.contains([' ', ',', ';'])
        && line
            .split([' ', ',', ';'])
            .flat_map(|words| words.split("%20"))
            .filter(|word| !word.is_empty())
            .all(is_file)
}

/// Never part of a name.
const QUOTES: [char; 8] = ['"', '`', '\u{ab}', '\u{bb}', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];
/// Inside a name, an apostrophe.
const APOSTROPHES: [char; 7] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}', '\u{2039}', '\u{203a}'];

fn is_quote(c: char) -> bool {
    QUOTES.contains(&c) || APOSTROPHES.contains(&c)
}

fn without_quotes(text: &str) -> Option<String> {
    let (path, query) = divided(text);
    let mut kept = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((letter, after)) = letter(rest) {
        let is_edge = kept.is_empty() || kept.ends_with('/') || after.is_empty() || after.starts_with('/');
        let goes = QUOTES.contains(&letter) || APOSTROPHES.contains(&letter) && is_edge;
        if !goes {
            kept.push_str(rest.get(..rest.len() - after.len()).unwrap_or_default());
        }
        rest = after;
    }
    // In a query, only the end of a quotation that did not begin there.
    let asked = match query.chars().next_back().filter(|last| is_quote(*last)) {
        Some(last) if query.matches(last).count() % 2 == 1 => query.strip_suffix(last).unwrap_or(query),
        _ => query,
    };
    (kept.len() != path.len() || asked.len() != query.len()).then(|| kept + asked)
}

/// The first letter of a text, a quotation mark also where it is encoded, and the rest.
fn letter(text: &str) -> Option<(char, &str)> {
    /// As `%E2%80%9C` has.
    const MOST_BYTES: usize = 3;
    for bytes in 1..=MOST_BYTES {
        let encoded = text.split_at_checked(bytes * "%XX".len());
        if let Some((start, rest)) = encoded
            && let Some(quote) = decoded(start).filter(|letter| is_quote(*letter))
        {
            return Some((quote, rest));
        }
    }
    let first = text.chars().next()?;
    Some((first, text.get(first.len_utf8()..).unwrap_or_default()))
}

/// The single letter that this encodes.
fn decoded(text: &str) -> Option<char> {
    let digits = text.strip_prefix('%')?.split('%');
    let bytes: Option<Vec<u8>> = digits.map(|digits| u8::from_str_radix(digits, 16).ok()).collect();
    let text = String::from_utf8(bytes?).ok()?;
    let mut letters = text.chars();
    letters.next().filter(|_| letters.next().is_none())
}

fn without_fragment(text: &str) -> Option<String> {
    let (path, _) = divided(text);
    let at = text.find('#').into_iter().chain(path.find("%23")).min()?;
    let before = text.get(..at).unwrap_or_default();
    Some(if before.is_empty() { "/".to_owned() } else { before.to_owned() })
}

fn without_backslashes(path: &str) -> Option<String> {
    let plain = path.replace("%5C", "/").replace("%5c", "/").replace('\\', "/");
    (plain != path).then_some(plain)
}

/// The path of an address, and which host it is on.
fn without_host(text: &str, own: &str) -> Option<(Mistake, String)> {
    let bare = text.trim_start_matches('/');
    let slashes = text.len() - bare.len();
    let scheme = scheme_and_rest(bare)
        .filter(|(_, rest)| rest.starts_with("//") || slashes != 1 && rest.starts_with('/'));
    let (host, path) = match scheme {
        // As in `C:/site`, which has no host.
        Some((drive, path)) if drive.len() == 1 => (drive, path),
        Some((_, rest)) => {
            host_and_path(rest.strip_prefix("//").or_else(|| rest.strip_prefix('/')).unwrap_or(rest))
        }
        None => {
            let (host, path) = host_and_path(bare);
            let is_address =
                is_same_host(host, own) || slashes != 1 && path.starts_with('/') && is_host(host);
            if !is_address {
                return None;
            }
            (host, path)
        }
    };
    let mistake = if is_same_host(host, own) {
        Mistake::OwnAddress
    } else {
        Mistake::OtherAddress { host: host.to_owned(), own: own.to_owned() }
    };
    Some((mistake, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }))
}

fn scheme_and_rest(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))?;
    let (scheme, rest) = text.split_at_checked(end)?;
    Some((scheme, rest.strip_prefix(':')?)).filter(|_| text.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn host_and_path(text: &str) -> (&str, &str) {
    text.find(['/', '?', '*']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}

/// Whether a name is a host's, as in `cdn.example.com` or `localhost:3000`.
fn is_host(text: &str) -> bool {
    let (name, port) = name_and_port(text);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_domain =
        name.contains('.') && last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    name.split('.').all(is_label) && (port.is_some() || is_domain)
}

fn is_same_host(host: &str, own: &str) -> bool {
    let host = host.rsplit('@').next().unwrap_or(host);
    let (name, _) = name_and_port(host);
    !name.is_empty() && name.trim_end_matches('.').eq_ignore_ascii_case(name_and_port(own).0)
}

fn name_and_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(port))
        }
        _ => (host, None),
    }
}

/// At its end, a query has no other use for it either.
fn without_encoded_stars(text: &str) -> Option<String> {
    let is_star = |end: &str| end.eq_ignore_ascii_case("%2A");
    if let Some((start, end)) = text.len().checked_sub(3).and_then(|at| text.split_at_checked(at))
        && is_star(end)
    {
        return Some(format!("{start}*"));
    }
    in_path(text, |path| {
        let plain = path.replace("%2A", "*").replace("%2a", "*");
        (plain != path).then_some(plain)
    })
}

fn without_empty_segments(path: &str) -> Option<String> {
    if !path.contains("//") {
        return None;
    }
    let mut kept = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !kept.ends_with('/') {
            kept.push(c);
        }
    }
    Some(kept)
}

/// As RFC 3986 resolves them (section 5.2.4), and browsers their encoded forms as well.
fn without_dot_segments(path: &str) -> Option<String> {
    let dots = |segment: &str| match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
        "." => Some(0),
        ".." => Some(1),
        _ => None,
    };
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    if segments.iter().all(|segment| dots(segment).is_none()) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in &segments {
        match dots(segment) {
            None => kept.push(segment),
            Some(up) => kept.truncate(kept.len().saturating_sub(up)),
        }
    }
    // A folder is left.
    if segments.last().is_some_and(|last| dots(last).is_some()) {
        kept.push("");
    }
    Some(format!("/{}", kept.join("/")))
}

#[cfg(test)]
mod tests;
