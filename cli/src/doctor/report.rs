//! All findings in words, as JSON, and as an exit code.

use serde_json::{Map, Value, json};

use super::{Finding, ring::Rung, verdict::Word};
use crate::{
    exit::Exit,
    render::{field, wrapped},
    screen::{BAD, BOLD, DIM, GOOD, WARN, paint},
};

/// Columns of the word before a line.
const LABEL: usize = 9;

/// The worst first; what is well is a line for each.
pub(crate) fn words(findings: &[Finding], width: Option<usize>) -> String {
    let mut lines =
        vec![paint(summary_style(findings), &wrapped(&summary(findings), width, 0)), String::new()];
    for word in Word::ALL {
        let its = findings.iter().filter(|finding| finding.verdict.word == word);
        lines.extend(its.flat_map(|finding| shown(finding, width)));
    }
    lines.join("\n")
}

fn shown(finding: &Finding, width: Option<usize>) -> Vec<String> {
    let verdict = &finding.verdict;
    let style = match verdict.word {
        Word::Bad => BAD,
        Word::Warn => WARN,
        Word::Unseen => DIM,
        Word::Ok => GOOD,
    };
    let mut lines =
        vec![field(verdict.word.words(), style, &format!("{}: {}", finding.check, verdict.says), width)];
    if !verdict.costs.is_empty() {
        lines.push(field("", DIM, &verdict.costs, width));
    }
    if !verdict.mend.is_empty() {
        // A command is copied: it is never wrapped.
        lines.push(format!("{:LABEL$}{}", "", paint(BOLD, &verdict.mend)));
    }
    lines
}

/// As in `41 checks: 2 bad, 5 warnings, 1 not seen, 33 ok`.
pub(crate) fn summary(findings: &[Finding]) -> String {
    let parts =
        Word::ALL.into_iter().map(|word| (word, count(findings, word))).filter(|(_, count)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(word, count)| match word {
            Word::Warn if count == 1 => "1 warning".to_owned(),
            Word::Warn => format!("{count} warnings"),
            word => format!("{count} {}", word.words()),
        })
        .collect();
    format!("{} checks: {}", findings.len(), parts.join(", "))
}

fn summary_style(findings: &[Finding]) -> anstyle::Style {
    match findings.iter().map(|finding| finding.verdict.word).min() {
        Some(Word::Bad) => BAD,
        Some(Word::Warn | Word::Unseen) => WARN,
        Some(Word::Ok) | None => GOOD,
    }
}

fn count(findings: &[Finding], word: Word) -> usize {
    findings.iter().filter(|finding| finding.verdict.word == word).count()
}

pub(crate) fn as_json(environment: &str, findings: &[Finding], rung: Option<&[Rung]>) -> Value {
    let counts: Map<String, Value> =
        Word::ALL.into_iter().map(|word| (name(word).to_owned(), count(findings, word).into())).collect();
    let checks: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let verdict = &finding.verdict;
            let mut check = json!({
                "check": finding.check,
                "verdict": name(verdict.word),
                "says": verdict.says,
                "costs": verdict.costs,
                "mend": verdict.mend,
            });
            if let Some(fields) = check.as_object_mut() {
                fields.retain(|_, value| value != "");
            }
            check
        })
        .collect();
    let mut all = json!({
        "summary": summary(findings),
        "environment": environment,
        "counts": counts,
        "checks": checks,
    });
    if let (Some(rung), Some(all)) = (rung, all.as_object_mut()) {
        all.insert("rung".to_owned(), rung.iter().map(Rung::as_json).collect());
    }
    all
}

/// A word for programs.
fn name(word: Word) -> &'static str {
    match word {
        Word::Unseen => "not_seen",
        word => word.words(),
    }
}

/// What could not be seen is no success where all has to be well.
pub(crate) fn exit(findings: &[Finding], strict: bool) -> Exit {
    match findings.iter().map(|finding| finding.verdict.word).min() {
        Some(Word::Bad) => Exit::Refused,
        Some(Word::Warn | Word::Unseen) if strict => Exit::Unwell,
        Some(Word::Warn | Word::Unseen | Word::Ok) => Exit::Done,
        None => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::verdict::{Unseen, Verdict};

    fn findings() -> Vec<Finding> {
        let finding = |check, verdict| Finding { check, verdict };
        vec![
            finding("identity", Verdict::ok("ana in account 123456789012, us-east-1")),
            finding("chat", Unseen::new("cannot read the channels").into()),
            finding(
                "circuit-breaker",
                Verdict::warn("it is off", "rollback waits", "aws ecs update-service"),
            ),
            finding("level-1", Verdict::bad("nobody is subscribed", "nobody is told", "aws sns subscribe")),
        ]
    }

    fn plain(width: Option<usize>) -> String {
        anstream::adapter::strip_str(&words(&findings(), width)).to_string()
    }

    #[test]
    fn the_worst_comes_first_with_its_harm_and_the_command_that_mends_it() {
        assert_eq!(
            plain(None),
            "4 checks: 1 bad, 1 warning, 1 not seen, 1 ok\n\n\
             bad      level-1: nobody is subscribed\n         nobody is told\n         aws sns subscribe\n\
             warn     circuit-breaker: it is off\n         rollback waits\n         aws ecs update-service\n\
             not seen chat: cannot read the channels\n\
             ok       identity: ana in account 123456789012, us-east-1"
        );
    }

    #[test]
    fn lines_hang_beside_their_word_on_a_narrow_screen() {
        let narrow = plain(Some(40));
        assert!(
            narrow.contains("ok       identity: ana in account\n         123456789012, us-east-1"),
            "{narrow}"
        );
    }

    #[test]
    fn json_has_every_check_in_the_order_of_the_list() {
        let all = as_json("production", &findings(), None);
        assert_eq!(all["counts"], json!({ "bad": 1, "warn": 1, "not_seen": 1, "ok": 1 }));
        assert_eq!(
            all["checks"][0],
            json!({ "check": "identity", "verdict": "ok", "says": "ana in account 123456789012, us-east-1" })
        );
        assert_eq!(all["checks"][3]["mend"], "aws sns subscribe");
        assert_eq!(all.get("rung"), None);
    }

    #[test]
    fn only_what_is_bad_fails_unless_all_has_to_be_well() {
        let of = |words: &[Word], strict| {
            let findings: Vec<Finding> = words
                .iter()
                .map(|word| Finding { check: "a", verdict: Verdict { word: *word, ..Verdict::ok("") } })
                .collect();
            exit(&findings, strict).code()
        };
        for strict in [false, true] {
            assert_eq!(of(&[Word::Ok, Word::Warn, Word::Bad], strict), 3);
            assert_eq!(of(&[Word::Ok], strict), 0);
            assert_eq!(of(&[], strict), 1);
        }
        for word in [Word::Warn, Word::Unseen] {
            assert_eq!((of(&[word, Word::Ok], false), of(&[word, Word::Ok], true)), (0, 5));
        }
    }
}
