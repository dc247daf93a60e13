//! What came of a drill, in words and as JSON.

use serde_json::{Value, json};

use super::{
    record::{Event, Record},
    watch::{End, Seen},
};
use crate::{
    exit::Exit,
    failure::Failure,
    render::field,
    screen::{BAD, BOLD, DIM, GOOD, WARN},
};

/// What is left to do where it could not be put back.
const UNDO: &str = "lendpeak2 drill undo";

pub(crate) struct Report<'a> {
    pub(crate) record: &'a Record,
    pub(crate) seen: &'a Seen,
    pub(crate) end: End,
    /// Why something could not be put back.
    pub(crate) left: Option<&'a Failure>,
    pub(crate) path: String,
}

/// An event as it comes.
pub(crate) fn line(event: &Event) -> String {
    format!("{:>8} {}", format!("+{:.1} s", event.after_seconds), event.what)
}

impl Report<'_> {
    pub(crate) fn exit(&self) -> Exit {
        match (self.left, self.end) {
            (Some(failure), _) => failure.exit(),
            (None, End::Healed) => Exit::Done,
            (None, End::ByOthers | End::NotHealed) => Exit::Unwell,
            (None, End::Interrupted) => Exit::Interrupted,
        }
    }

    /// In a line.
    pub(crate) fn summary(&self) -> String {
        let seen = self.seen;
        let said = [
            seen.detected.map(|after| format!("noticed after {after:.1} s")),
            seen.acted.map(|after| {
                let by = seen.acted_by.as_deref().unwrap_or_default();
                format!("acted on after {after:.1} s by {by}")
            }),
            seen.recovered.map(|after| format!("recovered after {after:.1} s")),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        let said = if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) };
        match self.end {
            End::Healed => format!("the loop healed it{said}"),
            End::ByOthers => format!("somebody else healed it, and not the loop{said}"),
            End::Interrupted => format!("interrupted{said}"),
            End::NotHealed if seen.failed.is_none() && seen.detected.is_none() => format!(
                "{} broke nothing that the probe sees: name what is known to fail by --variable or --image",
                self.record.with
            ),
            End::NotHealed => format!("the loop did not heal it in time{said}"),
        }
    }

    pub(crate) fn words(&self, width: Option<usize>) -> String {
        let (label, style) = match self.end {
            End::Healed => ("healed", GOOD),
            End::ByOthers | End::NotHealed => ("failed", BAD),
            End::Interrupted => ("stopped", WARN),
        };
        let mut lines = vec![field(label, style, &self.summary(), width)];
        lines.extend(self.record.put_back.iter().map(|line| field("back", BOLD, line, width)));
        if let Some(failure) = self.left {
            lines.push(field("not back", BAD, &failure.chain(), width));
            lines.push(field("next", BOLD, &format!("type `{UNDO}`"), width));
        }
        lines.extend(self.seen.incidents.iter().map(|id| field("incident", DIM, id, width)));
        lines.push(field("record", DIM, &self.path, width));
        lines.join("\n")
    }

    pub(crate) fn json(&self) -> Value {
        let (record, seen) = (self.record, self.seen);
        json!({
            "summary": self.summary(),
            "drill": record.id,
            "case": record.case,
            "with": record.with,
            "environment": record.environment,
            "by": record.by,
            "begun_at": record.begun_at,
            "healed": self.end == End::Healed,
            "failed_after_seconds": seen.failed,
            "detected_after_seconds": seen.detected,
            "acted_after_seconds": seen.acted,
            "acted_by": seen.acted_by,
            "recovered_after_seconds": seen.recovered,
            "incidents": seen.incidents,
            "events": seen.events,
            "put_back": record.put_back,
            "not_put_back": self.left.map(|failure| json!({ "error": failure.chain(), "next": UNDO })),
            "record": self.path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::record::tests::record, *};

    fn healed() -> Seen {
        Seen {
            failed: Some(0.9),
            detected: Some(1.2),
            acted: Some(3.0),
            acted_by: Some("rollback".to_owned()),
            recovered: Some(5.1),
            incidents: vec!["20261201-101501-service-down".to_owned()],
            ..Seen::default()
        }
    }

    #[track_caller]
    fn check(seen: &Seen, end: End, left: Option<&Failure>, code: u8, says: &[&str]) {
        let record = Record { put_back: vec!["backend runs backend:1, as before".to_owned()], ..record() };
        let report = Report { record: &record, seen, end, left, path: "/r.json".to_owned() };
        let words = anstream::adapter::strip_str(&report.words(None)).to_string();
        assert_eq!(report.exit().code(), code);
        for say in says {
            assert!(words.contains(say), "{words}");
        }
        assert_eq!(report.json()["healed"], code == 0);
    }

    #[test]
    fn only_what_the_loop_healed_is_a_success() {
        check(
            &healed(),
            End::Healed,
            None,
            0,
            &[
                "healed   the loop healed it: noticed after 1.2 s, acted on after 3.0 s by rollback, recovered after 5.1 s\n",
                "back     backend runs backend:1, as before\n",
                "incident 20261201-101501-service-down\n",
            ],
        );
        check(&healed(), End::Interrupted, None, 130, &["stopped  interrupted"]);
        let others = Seen { acted: None, acted_by: None, ..healed() };
        check(&others, End::ByOthers, None, 5, &["somebody else healed it, and not the loop: noticed"]);
        let not = Seen { recovered: None, acted: None, ..healed() };
        check(&not, End::NotHealed, None, 5, &["the loop did not heal it in time: noticed after 1.2 s"]);
        check(&Seen::default(), End::NotHealed, None, 5, &["BROKEN=true broke nothing that the probe sees"]);
    }

    #[test]
    fn what_was_not_put_back_is_never_a_success_and_says_what_to_type() {
        let failure = Failure::Failed { what: "ECS is away".to_owned() };
        let record = record();
        let report = Report {
            record: &record,
            seen: &healed(),
            end: End::Healed,
            left: Some(&failure),
            path: String::new(),
        };
        assert_eq!(report.exit().code(), 1);
        let words = anstream::adapter::strip_str(&report.words(None)).to_string();
        assert!(words.contains("not back ECS is away\nnext     type `lendpeak2 drill undo`"), "{words}");
        assert_eq!(report.json()["not_put_back"]["next"], "lendpeak2 drill undo");
    }

    #[test]
    fn events_stand_under_each_other() {
        let event = |after_seconds| Event { after_seconds, what: "it fails".to_owned() };
        assert_eq!(line(&event(0.9)), "  +0.9 s it fails");
        assert_eq!(line(&event(1210.0)), "+1210.0 s it fails");
    }
}
