//! Lines of logs: whatever they are, what is told of them is short, and words.

use shared::text;

use crate::{claims, tape::Tape};

/// What is shown of a line, at most.
const LONGEST: usize = 300;
/// A line that was cut may end in half a word.
const MAY_BE_CUT: usize = LONGEST - 4;

pub fn log_line(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    check(&line);
    planted(data);
}

/// Masks a line, and checks what came out.
pub fn check(text: &str) {
    let shown = text::log_line(text);
    assert!(shown.len() <= LONGEST, "{} bytes are shown", shown.len());
    assert!(
        !shown.contains(['\n', '\r', '\0', '@']) && !shown.contains("://"),
        "{shown:?} of {:?}",
        claims::beginning(text)
    );
    let mut words: Vec<&str> = shown.split(|letter: char| !is_of_a_word(letter)).collect();
    if shown.len() > MAY_BE_CUT {
        words.pop();
    }
    for word in words {
        assert!(!has_digit(word) || is_known(word), "{word:?} is shown of {:?}", claims::beginning(text));
    }
    assert_eq!(text::log_line(text), shown, "the same line has two shapes");
}

/// A secret in the midst of whatever is there: with a digit in it, it is masked wherever it stands.
fn planted(data: &[u8]) {
    const SECRETS: [&str; 8] = [
        "4111111111111111",
        "4111-1111-1111-1111",
        "AKIAIOSFODNN7EXAMPLE",
        "jane.doe7@example.com",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "0123456789abcdef0123456789abcdef",
        "mongodb://root:hunter2@db.internal/x",
        "+41791234567",
    ];
    let mut tape = Tape::new(data);
    let Some(secret) = tape.one_of(&SECRETS).copied() else { return };
    let before = String::from_utf8_lossy(tape.bytes(200)).into_owned();
    let after = String::from_utf8_lossy(tape.rest()).into_owned();
    let shown = text::log_line(&format!("{before} {secret} {after}"));
    assert!(
        !shown.contains(secret) || before.contains(secret) || after.contains(secret),
        "{secret} is in {shown:?}"
    );
}

fn is_of_a_word(letter: char) -> bool {
    !letter.is_whitespace() && !letter.is_control() && !"\"'`()[]{}<>,;|=".contains(letter)
}

fn has_digit(word: &str) -> bool {
    word.chars().any(char::is_numeric)
}

/// The codes that say what happened, and a task definition's revision.
fn is_known(word: &str) -> bool {
    const CODES: [&str; 19] = [
        "200", "400", "401", "403", "404", "408", "409", "422", "429", "500", "502", "503", "504", "126",
        "127", "134", "137", "139", "143",
    ];
    let bare = word.trim_matches(|letter: char| ":.!?*#-/".contains(letter));
    let number = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let revision = bare
        .rsplit_once(':')
        .is_some_and(|(family, revision)| number(revision, 6) && family.contains('-') && !has_digit(family));
    CODES.contains(&bare)
        || bare.strip_prefix("TS").or_else(|| bare.strip_prefix('E')).is_some_and(|rest| number(rest, 5))
        || revision
}
