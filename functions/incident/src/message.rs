//! What people send to the queue of approvals: `<verb>:<id>[ <words>]`. A button of a chat, the program and a person in the
//! console send the same.

use shared::text::line;

/// A message is a line. Whoever has more to say opens an incident.
pub const MAX_BYTES: usize = 1_000;
/// The longest id is that of an incident.
const MAX_ID: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A plan.
    Approve,
    /// A plan.
    Reject,
    /// An incident.
    Acknowledge,
    /// An incident.
    Note,
    /// A function, or all of them.
    Stop,
    /// A kill switch, or all of them.
    Start,
}

const VERBS: [(&str, Verb); 6] = [
    ("approve", Verb::Approve),
    ("reject", Verb::Reject),
    ("acknowledge", Verb::Acknowledge),
    ("note", Verb::Note),
    ("stop", Verb::Stop),
    ("start", Verb::Start),
];

/// A message that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub verb: Verb,
    pub id: String,
    /// Why, or a note; one line, masked.
    pub words: String,
}

impl Command {
    /// An error is a sentence for whoever sent it.
    pub fn read(body: &str) -> Result<Self, String> {
        const FORM: &str = "send <verb>:<id>, as in approve:499484d277f1";
        if body.len() > MAX_BYTES {
            return Err(format!("the message has {} bytes, but may have {MAX_BYTES} at most", body.len()));
        }
        let (verb, rest) = body.trim().split_once(':').ok_or_else(|| format!("there is no colon: {FORM}"))?;
        let verb = verb.trim();
        let known = VERBS.iter().find(|(name, _)| name.eq_ignore_ascii_case(verb));
        let Some((name, verb)) = known else {
            let names = VERBS.map(|(name, _)| name).join(", ");
            return Err(format!("`{}` is none of {names}: {FORM}", line(verb, MAX_ID)));
        };
        let rest = rest.trim_start();
        let (id, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(fits) {
            return Err(format!("`{}` is no id: {FORM}", line(id, MAX_ID)));
        }
        let words = line(words, MAX_BYTES);
        match verb {
            Verb::Note if words.is_empty() => {
                Err(format!("a note needs words: send {name}:{id}, a space, and the note"))
            }
            Verb::Start if !words.is_empty() => Err(format!("{name}:{id} takes no words behind it")),
            verb => Ok(Self { verb: *verb, id: id.to_owned(), words }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn command(verb: Verb, id: &str, words: &str) -> Command {
        Command { verb, id: id.to_owned(), words: words.to_owned() }
    }

    #[test]
    fn a_message_is_a_verb_an_id_and_words() {
        for (body, expected) in [
            ("approve:499484d277f1", command(Verb::Approve, "499484d277f1", "")),
            (" Approve: 499484d277f1\n", command(Verb::Approve, "499484d277f1", "")),
            ("reject:499484d277f1 not now: a sale", command(Verb::Reject, "499484d277f1", "not now: a sale")),
            (
                "acknowledge:20261128-195411-service-down",
                command(Verb::Acknowledge, "20261128-195411-service-down", ""),
            ),
            (
                "note:20261128-195411-x it is\nthe cache",
                command(Verb::Note, "20261128-195411-x", "it is the cache"),
            ),
            ("stop:scale-up the sale", command(Verb::Stop, "scale-up", "the sale")),
            ("stop:all", command(Verb::Stop, "all", "")),
            ("start:all", command(Verb::Start, "all", "")),
        ] {
            assert_eq!(Command::read(body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (body, why) in [
            ("", "there is no colon"),
            ("approve 499484d277f1", "there is no colon"),
            ("{\"approve\":\"499484d277f1\"}", "is none of approve, reject"),
            ("approve:", "`` is no id"),
            ("approve:$Yes", "`$Yes` is no id"),
            ("escalate:20261128-195411-x", "`escalate` is none of"),
            ("note:20261128-195411-x", "a note needs words"),
            ("start:all please", "takes no words"),
        ] {
            let said = Command::read(body).unwrap_err();
            assert!(said.contains(why), "{body}: {said}");
        }
        assert!(
            Command::read(&format!("note:a {}", "x".repeat(MAX_BYTES))).unwrap_err().contains("1007 bytes")
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_answered(body in ".{0,1200}") {
            match Command::read(&body) {
                Ok(command) => prop_assert!(!command.id.is_empty() && command.words.len() <= 2 * MAX_BYTES),
                Err(why) => prop_assert!(!why.is_empty() && why.len() < 600),
            }
        }
    }
}
