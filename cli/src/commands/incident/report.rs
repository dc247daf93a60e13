//! An incident's report as Markdown, for a post-mortem.

use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    answer::{Answer, text},
    time::{readable, spoken},
};

/// From what `show` answers.
pub(crate) fn markdown(value: &Value) -> String {
    // Earlier versions put the incident into an object of its own.
    let incident = value.get("incident").filter(|incident| incident.is_object()).unwrap_or(value);
    if text(incident, "title").is_empty() {
        // Of a version that says it in another way: its own words are what there is.
        return Answer::of(value).lines.join("\n");
    }
    let mut lines = vec![format!("# {}", plain(&text(incident, "title"))), String::new()];
    lines.push("| | |".to_owned());
    lines.push("|---|---|".to_owned());
    let time = |name: &str| {
        Some(text(incident, name)).filter(|at| !at.is_empty()).map(|at| format!("{} UTC", readable(&at)))
    };
    let after = |name: &str| {
        let seconds = value.pointer(&format!("/stages/{name}")).and_then(Value::as_i64)?;
        Some(format!("after {}", spoken(SignedDuration::from_secs(seconds))))
    };
    let taken = incident.get("acknowledged").filter(|taken| taken.is_object()).map(|taken| text(taken, "by"));
    let field = |name: &str| Some(text(incident, name)).filter(|value| !value.is_empty());
    for (name, said) in [
        ("Incident", field("id").or_else(|| field("incident"))),
        ("Severity", field("severity")),
        ("Cause", field("cause")),
        ("Began", time("began_at")),
        ("Noticed", after("detected_seconds")),
        ("Acted", after("acted_seconds")),
        ("Over", after("recovered_seconds")),
        ("Ended", time("resolved_at")),
        ("How", field("resolution")),
        ("Assigned to", field("assignee")),
        ("Acknowledged by", taken),
    ] {
        if let Some(said) = said {
            lines.push(format!("| {name} | {} |", plain(&said)));
        }
    }
    let timeline = value.get("timeline").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    lines.extend([String::new(), "## Timeline (UTC)".to_owned(), String::new()]);
    if let Some(count) = value.get("left_out").and_then(Value::as_u64).filter(|count| *count > 0) {
        lines.push(format!("- {count} older entries are left out"));
    }
    for entry in timeline {
        let (at, by, what) = (readable(&text(entry, "at")), text(entry, "by"), text(entry, "what"));
        lines.push(format!("- {at} **{}**: {}", plain(&by), plain(&what)));
    }
    if timeline.is_empty() {
        lines.extend(Answer::of(value).lines.iter().map(|line| format!("- {}", plain(line))));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What would be a table's edge or a tag.
fn plain(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_has_its_times_and_its_timeline() {
        let shown = json!({
            "incident": { "id": "20261130-service-down", "title": "Service | down", "severity": "critical", "cause": "service-down",
                "began_at": "2026-11-30T22:50:00Z", "resolved_at": "2026-11-30T23:08:19.5Z", "acknowledged": { "by": "Ana" } },
            "stages": { "detected_seconds": 60, "acted_seconds": null, "recovered_seconds": 1_099 },
            "timeline": [{ "at": "2026-11-30T23:08:12Z", "by": "alarm", "what": "probe-failing is in ALARM" }],
            "left_out": 2,
        });
        assert_eq!(
            markdown(&shown),
            "# Service \\| down\n\n| | |\n|---|---|\n| Incident | 20261130-service-down |\n| Severity | critical |\n\
             | Cause | service-down |\n| Began | 2026-11-30 22:50:00 UTC |\n| Noticed | after 60 s |\n| Over | after 18 min |\n\
             | Ended | 2026-11-30 23:08:19 UTC |\n| Acknowledged by | Ana |\n\n## Timeline (UTC)\n\n- 2 older entries are left out\n\
             - 2026-11-30 23:08:12 **alarm**: probe-failing is in ALARM\n"
        );
    }

    #[test]
    fn the_next_versions_report_has_its_timeline_in_lines() {
        let shown = json!({ "did": "shown", "incident": "i-1", "title": "Slow", "severity": "low",
            "lines": ["2026-12-01 03:35:27 UTC person: reported: Slow"] });
        assert_eq!(
            markdown(&shown),
            "# Slow\n\n| | |\n|---|---|\n| Incident | i-1 |\n| Severity | low |\n\n## Timeline (UTC)\n\n\
             - 2026-12-01 03:35:27 UTC person: reported: Slow\n"
        );
    }

    #[test]
    fn an_answer_of_another_version_is_shown_in_its_own_words() {
        assert_eq!(markdown(&json!({ "lines": ["a", "b"] })), "a\nb");
    }
}
