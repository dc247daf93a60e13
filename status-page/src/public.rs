//! Words that customers may read. This crate depends on nothing of the runbook, so that no text of an alarm, a diagnosis or
//! an error gets into a page: a [`Public`] is what a person typed for customers, and everything else that a page says is
//! a sentence of this crate.

use serde::{Deserialize, Serialize};

/// As long as an update that people still read.
pub const MAX_TEXT: usize = 2_000;
/// Letters, digits and hyphens of an address or of an anchor.
const MAX_ID: usize = 80;

/// A text that a person typed for customers: of one line or several, without control characters, at most [`MAX_TEXT`]
/// characters. It is escaped where it is shown. One that is read back, or comes in a request, is cleaned as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Public(String);

impl Public {
    /// What a person typed for customers to read. `None` if nothing of it can be seen.
    pub fn typed(text: &str) -> Option<Self> {
        let lines = text.lines().map(|line| {
            let line: String = line.chars().map(|c| if is_shown(c) { c } else { ' ' }).collect();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        let text: String = lines.join("\n").chars().take(MAX_TEXT).collect();
        (!text.is_empty()).then_some(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Public {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::typed(&text).ok_or("a text for customers has nothing that can be seen")
    }
}

/// Not a control character, none that turns the text around or cannot be seen, and none that XML does not have.
fn is_shown(c: char) -> bool {
    // The last two of each plane are no characters.
    let is_noncharacter = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    !c.is_control()
        && !is_noncharacter
        && !matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// An id in an address: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(String);

impl Id {
    /// The letters and digits of a text, in lower case, with hyphens between. `None` if it has none.
    pub fn of(text: &str) -> Option<Self> {
        let letters =
            text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        let dashed: String = letters.collect();
        let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
        let id: String = words.join("-").chars().take(MAX_ID).collect();
        let id = id.trim_end_matches('-');
        (!id.is_empty()).then(|| Self(id.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::of(&text).ok_or("an id has no letter and no digit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_text_is_cleaned_and_bounded() {
        let typed = |text: &str| Public::typed(text).map(|text| text.0);
        assert_eq!(typed("  Log-in\tis  slow \r\n\n We look. "), Some("Log-in is slow\nWe look.".to_owned()));
        assert_eq!(typed("a\u{202e}b\u{0}c\u{200b}"), Some("a b c".to_owned()));
        for nothing in ["", " \n ", "\u{200b}\u{202e}", "\u{fffe}\u{ffff}\u{1ffff}\u{fdd0}\u{61c}\u{e0041}"] {
            assert_eq!(typed(nothing), None);
        }
        assert_eq!(typed(&"é".repeat(3_000)).map(|text| text.chars().count()), Some(MAX_TEXT));
    }

    #[test]
    fn an_id_is_safe_in_an_address() {
        let id = |text: &str| Id::of(text).map(|id| id.0);
        assert_eq!(id("Log in & out"), Some("log-in-out".to_owned()));
        assert_eq!(id("../../etc"), Some("etc".to_owned()));
        assert_eq!(id("日本"), None);
        assert_eq!(id(&"a".repeat(200)).map(|id| id.len()), Some(MAX_ID));
    }

    #[test]
    fn what_is_read_is_cleaned_as_what_is_typed() {
        let text = |json: &str| serde_json::from_str::<Public>(json).ok().map(|text| text.0);
        assert_eq!(text(r#"" a\u0000b \n\n c\u202e ""#), Some("a b\nc".to_owned()));
        assert_eq!(text(r#"" \u200b ""#), None);
        let id = |json: &str| serde_json::from_str::<Id>(json).ok().map(|id| id.0);
        assert_eq!(id(r#""../<API>""#), Some("api".to_owned()));
        assert_eq!(id(r#""..""#), None);
        let typed = Public::typed("Log-in\nis slow").unwrap();
        assert_eq!(serde_json::to_string(&typed).unwrap(), r#""Log-in\nis slow""#);
    }
}
