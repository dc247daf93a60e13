//! For a ticket: everything that was found.

use std::fmt::Write;

use shared::{
    diagnosis::{Diagnosis, Finding, Remedy, Sent},
    settings::function_name,
};

use super::{capital, text, when};

pub(super) fn markdown(report: &Diagnosis) -> Vec<String> {
    let mut out = format!("# {}: {}\n", report.environment, report.summary);
    // Writing to a String cannot fail.
    if let Some(status) = &report.status {
        let _ = writeln!(out, "\n{}", text::status(status));
    }
    let _ = writeln!(out, "\nDiagnosed {} by run `{}`.", when_full(report), report.execution_id);
    for (number, finding) in (1..).zip(&report.findings) {
        section(&mut out, number, finding, report);
    }
    if !report.changes.is_empty() {
        out.push_str("\n## What changed\n\n| when | what |\n|---|---|\n");
        for change in &report.changes {
            let _ = writeln!(out, "| {} | {} |", when(change.at, report.at), cell(&change.what));
        }
    }
    let _ = writeln!(out, "\n## Looked at\n\n{}.", report.looked_at.join(", "));
    if !report.not_seen.is_empty() {
        out.push_str("\n## Not seen\n\n");
        for unseen in &report.not_seen {
            let _ = writeln!(out, "- {}: {}", unseen.source, unseen.why);
        }
    }
    out.lines().map(str::to_owned).collect()
}

fn section(out: &mut String, number: usize, finding: &Finding, report: &Diagnosis) {
    let title = capital(&format!("{}{}", text::certainty(finding.confidence), finding.what));
    let _ = writeln!(out, "\n## {number}. {title}\n");
    if let Some(since) = finding.since {
        let _ = writeln!(out, "Since {}. ", when(since, report.at));
    }
    out.push_str("| evidence | value | held against | when | where |\n|---|---|---|---|---|\n");
    for fact in &finding.evidence {
        let threshold = fact.threshold.as_deref().unwrap_or_default();
        let at = fact.at.map_or_else(String::new, |at| when(at, report.at));
        let cells = [fact.what.as_str(), &fact.value, threshold, &at, &fact.source].map(cell);
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    let Remedy { what, sent, otherwise, helped } = &finding.remedy;
    // What is still to be filled in would be taken for HTML.
    let shown = |words: &str| words.trim_end_matches('.').replace('<', "\\<");
    let _ = writeln!(out, "\n**Next** (level {}): {}", finding.support_level, shown(what));
    if let Some(Sent { function, request }) = sent {
        let function = function_name(&report.environment, function);
        let _ = writeln!(out, "\nSend `{function}`:\n\n```json\n{request}\n```");
    }
    if !helped.is_empty() {
        let _ = writeln!(out, "\n**It worked if**: {}", shown(helped));
    }
    if let Some(otherwise) = otherwise.as_ref().filter(|it| !it.is_empty()) {
        let _ = writeln!(out, "\n**If not**: {}", shown(otherwise));
    }
    if !finding.explains.is_empty() {
        out.push_str("\nIt explains:\n\n");
        for consequence in &finding.explains {
            let _ = writeln!(out, "- {} ({})", consequence.what, consequence.chapter.as_str());
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn when_full(report: &Diagnosis) -> String {
    report.at.strftime("%F %H:%M UTC").to_string()
}
