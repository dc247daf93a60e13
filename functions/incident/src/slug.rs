//! Names that are fit for an id.

use sha2::{Digest, Sha256};

/// A text as lower-case letters, digits and hyphens. Different texts give different names: where characters were lost
/// or cut, a digest of the text is added. Only case, blanks and hyphens make no difference.
pub(crate) fn slug(text: &str) -> String {
    /// People type ids, and an id names an execution: 80 characters at most, with the time before it.
    const MAX_SLUG: usize = 48;
    /// A hyphen and eight hexadecimal digits.
    const DIGEST: usize = 9;
    let is_gap = |c: char| c == '-' || c.is_whitespace();
    let lost = text.chars().any(|c| !c.is_ascii_alphanumeric() && !is_gap(c));
    let letters = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let dashed: String = letters.collect();
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    if !lost && !slug.is_empty() && slug.len() <= MAX_SLUG {
        return slug;
    }
    let start: String = slug.chars().take(MAX_SLUG - DIGEST).collect();
    let start = start.trim_end_matches('-');
    let start = if start.is_empty() { "unnamed" } else { start };
    // Texts that differ only in case and gaps get the same digest.
    let plain: Vec<String> =
        text.split(is_gap).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    format!("{start}-{}", digest(&plain.join(" ")))
}

/// The first eight hexadecimal digits of a text's SHA-256.
pub(crate) fn digest(text: &str) -> String {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(text).into();
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_makes_an_id() {
        let cases = [
            ("alb-5xx-rate", "alb-5xx-rate"),
            ("API Response Time", "api-response-time"),
            ("--a--b--", "a-b"),
            ("Login  fails", "login-fails"),
        ];
        for (text, expected) in cases {
            assert_eq!(slug(text), expected);
        }
        for text in ["日本", "#{}'\"", &"ab-".repeat(40), &"é".repeat(300)] {
            let slug = slug(text);
            assert!(
                slug.len() <= 48 && slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "{slug}"
            );
        }
    }

    #[test]
    fn where_letters_are_lost_or_cut_a_digest_tells_names_apart() {
        let long = "customers cannot log in to the loan application of";
        let pairs = [
            ("支払いができない", "ログインできない"),
            ("C++ fails", "C# fails"),
            ("5xx > 10%", "5xx > 1 0%"),
            (&format!("{long} Ohio"), &format!("{long} Iowa")),
            ("Überweisung", "berweisung"),
        ];
        for (one, other) in pairs {
            assert_ne!(slug(one), slug(other), "{one} / {other}");
            assert_eq!(slug(one), slug(one));
        }
        assert_eq!(slug("C++ Fails"), slug("c++  fails"), "case and blanks make no difference");
    }
}
