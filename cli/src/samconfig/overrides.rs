//! `Name=value` as SAM CLI reads it out of `parameter_overrides`: by its own two patterns
//! (`samcli/cli/types.py`), of which the first that is found counts for the whole text.

use std::{ops::Range, sync::OnceLock};

use regex_lite::Regex;

const NAME: &str = r#"([A-Za-z0-9\\"']+)"#;
const VALUE: &str = r#"("(?:\\.|[^"\\]+)*"|'(?:\\.|[^'\\]+)*'|(?:\\.|[^ "\\]+)+)"#;

/// A parameter in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Override {
    pub(crate) name: String,
    pub(crate) value: String,
    /// All of it.
    pub(super) whole: Range<usize>,
    /// Where the value stands, with its quotes.
    pub(super) place: Range<usize>,
}

pub(crate) fn read(text: &str) -> Vec<Override> {
    static PATTERNS: OnceLock<[Option<Regex>; 2]> = OnceLock::new();
    let patterns = PATTERNS.get_or_init(|| {
        [
            Regex::new(&format!("ParameterKey={NAME},ParameterValue={VALUE}")).ok(),
            Regex::new(&format!("(?:^| ){NAME}={VALUE}")).ok(),
        ]
    });
    patterns
        .iter()
        .flatten()
        .map(|pattern| found(pattern, text))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

fn found(pattern: &Regex, text: &str) -> Vec<Override> {
    let found = pattern.captures_iter(text).filter_map(|parts| {
        let (whole, name, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
        let begins = whole.start() + usize::from(whole.as_str().starts_with(' '));
        Some(Override {
            name: unquoted(name.as_str()),
            value: unquoted(value.as_str()),
            whole: begins..whole.end(),
            place: value.range(),
        })
    });
    found.collect()
}

fn unquoted(text: &str) -> String {
    let inner = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(text).replace("\\ ", " ").replace("\\\"", "\"").replace("\\'", "'")
}

/// A value as it has to be written; nothing where SAM CLI cannot be told it for sure.
pub(super) fn quoted(value: &str) -> Option<String> {
    if value.contains(['"', '\'', '\\', '\n', '\r']) {
        return None;
    }
    Some(if value.is_empty() || value.contains(' ') { format!("'{value}'") } else { value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let read = read(text);
        let read: Vec<(&str, &str)> =
            read.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn overrides_are_read_as_sam_reads_them() {
        check("A=1", &[("A", "1")]);
        check("A=1 B=x=y", &[("A", "1"), ("B", "x=y")]);
        check("A=''", &[("A", "")]);
        check(r#"A="rate(1 minute)" B=2"#, &[("A", "rate(1 minute)"), ("B", "2")]);
        check(r"A=rate(1\ minute)", &[("A", "rate(1 minute)")]);
        check(
            "ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue='2 3'",
            &[("A", "1"), ("B", "2 3")],
        );
        check("file://parameters.yaml", &[]);
        check("A", &[]);
        check("", &[]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in ["", "a", "a b", "a,b", "arn:aws:iam::123456789012:role/x", "/ecs/x", "https://a.b"] {
            check(&format!("N={}", quoted(value).unwrap()), &[("N", value)]);
        }
        assert!(["a\"b", "a'b", "a\\b", "a\nb"].into_iter().all(|value| quoted(value).is_none()));
    }
}
