//! What the readers of `diagnose` saw, as plain data: whatever it says, it is judged, and told on a screen.

use std::sync::LazyLock;

use diagnose::{
    chapter::Chapter,
    evidence::Evidence,
    judge,
    report::{Format, told},
};
use sandbox::cases;
use serde_json::Value;
use shared::diagnosis::{Diagnosis, VERSION};

use crate::{json, tape::Tape};

/// A terminal's height, and what stands in it.
const LINES: usize = 24;
const WIDTH: usize = 112;

/// What each recorded case changes in a healthy stack.
static RECORDED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let files = cases::files().into_iter().flatten().filter_map(|path| cases::read(&path).ok());
    files.flat_map(|file| file.cases).map(|case| case.evidence).collect()
});

pub fn evidence(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut value = recorded(&mut tape);
    json::twist(&mut value, &mut tape);
    let Ok(evidence) = serde_json::from_str::<Evidence>(&json::written(&value)) else { return };
    judged(&evidence, if tape.byte().is_multiple_of(2) { Format::Text } else { Format::Markdown });
}

/// One of the recorded cases.
pub fn recorded(tape: &mut Tape<'_>) -> Value {
    let case = tape.one_of(&RECORDED);
    case.and_then(|case| cases::written_out(case).ok()).unwrap_or_default()
}

/// Judges it and tells it.
pub fn judged(evidence: &Evidence, format: Format) {
    let diagnosis = Diagnosis {
        version: VERSION,
        findings: judge(evidence, &Chapter::ALL),
        chapters: Chapter::ALL.to_vec(),
        looked_at: vec!["the service".into()],
        not_seen: evidence.not_seen.clone(),
        function: "diagnose".into(),
        environment: "production".to_owned(),
        execution_id: "fuzz-request".to_owned(),
        at: evidence.at,
        duration_ms: 1,
        ..Diagnosis::default()
    };
    let report = told(diagnosis, format);
    let again = judge(evidence, &Chapter::ALL);
    assert_eq!(report.findings, again, "the same evidence is judged in two ways");
    assert!(serde_json::to_string(&report).is_ok());
    if format == Format::Text {
        let lines = &report.text;
        assert!(lines.len() <= LINES, "{} lines: {lines:#?}", lines.len());
        // Steps are for the terminal to wrap, and a word that is longer stands alone.
        let is_whole = |line: &str| {
            ["Next (", "  send ", "It worked if: ", "If not: "].iter().any(|begin| line.starts_with(begin))
                || line.split_whitespace().count() == 1
        };
        let wide = lines.iter().find(|line| line.chars().count() > WIDTH && !is_whole(line));
        assert_eq!(wide, None, "{lines:#?}");
    }
}
