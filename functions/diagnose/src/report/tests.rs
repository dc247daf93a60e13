use serde_json::json;
use shared::{
    diagnosis::{Change, Chapter, Confidence, Finding, Impact, NotSeen, VERSION},
    status::Level,
};

use super::*;
use crate::{ask::Ask, source::Source};

fn at() -> Timestamp {
    "2026-11-24T03:00:00Z".parse().unwrap()
}

fn report(findings: Vec<Finding>) -> Diagnosis {
    Diagnosis {
        version: VERSION,
        findings,
        chapters: vec![Chapter::ServiceDown],
        looked_at: vec![Source::Service.as_str().into(), Source::Tasks.as_str().into()],
        function: crate::FUNCTION.into(),
        environment: "production".to_owned(),
        execution_id: "run".to_owned(),
        at: at(),
        duration_ms: 1,
        ..Diagnosis::default()
    }
}

fn broken_release() -> Finding {
    Finding::new(Confidence::Certain, Impact::Down, "release backend:7 answers 500 since it was deployed")
        .since(Some("2026-11-24T02:40:00Z".parse().unwrap()))
        .fact("load balancer, 5xx of the targets", "answers with 5xx", "63 in 5 min")
        .against("10 in 5 min")
        .at(Some("2026-11-24T02:55:00Z".parse().unwrap()))
        .next(Level::Development, "roll back")
        .send(Ask::RollBack)
}

#[test]
fn the_text_has_the_cause_what_shows_it_and_the_next_step() {
    let said = told(report(vec![broken_release()]), Format::Text);
    assert_eq!(
        said.text.join("\n"),
        "Release backend:7 answers 500 since it was deployed, since 02:40 UTC.\n  \
         answers with 5xx: 63 in 5 min (threshold 10 in 5 min), 02:55 UTC [load balancer, 5xx of the targets]\n\
         \nNext (level 1): roll back\n  send lendpeak2-production-rollback: \
         {\"to\":\"previous\"}"
    );
    assert_eq!(said.summary, "Release backend:7 answers 500 since it was deployed.");
    let next = json!({ "what": "roll back", "function": "lendpeak2-production-rollback",
        "send": { "to": "previous" }, "level": 1 });
    assert_eq!(serde_json::to_value(said.next).unwrap(), next);
}

#[test]
fn healthy_is_an_answer_with_what_was_looked_at_and_what_was_not_seen() {
    let mut healthy = report(Vec::new());
    healthy.not_seen.push(NotSeen { source: "the alarms".to_owned(), why: "AccessDenied".to_owned() });
    let said = told(healthy, Format::Text);
    assert_eq!(
        said.text.join("\n"),
        "Nothing found.\nLooked at the service, its tasks.\nNot seen: the alarms (AccessDenied)."
    );
    assert_eq!(said.summary, "Nothing found. 1 of the sources could not be seen.");
    assert!(said.nothing_found && said.next.is_none());
    let mut blind = report(Vec::new());
    blind.looked_at.clear();
    assert_eq!(told(blind, Format::Text).summary, "Nothing could be looked at.");
}

#[test]
fn the_text_is_never_more_than_a_screen() {
    let mut full = report((0..60).map(|_| broken_release()).collect());
    full.not_seen = (0..30).map(|_| NotSeen { source: "x".repeat(300), why: "y".to_owned() }).collect();
    let text = told(full, Format::Text).text.join("\n");
    assert!(text.lines().count() <= 24, "{}", text.lines().count());
    let is_long = |line: &str| line.chars().count() > 110 && line.split_whitespace().count() > 1;
    assert!(!text.lines().any(is_long), "{text}");
    assert!(text.contains("Next (level 1): roll back"));
    let mut long = broken_release();
    long.evidence = (0..9).flat_map(|_| long.evidence.clone()).collect();
    long.evidence.iter_mut().for_each(|fact| fact.value = "word ".repeat(90));
    let text = told(report(vec![long]), Format::Text).text.join("\n");
    assert!(
        text.lines().count() <= 24
            && text.contains("\n\nNext (level 1): roll back\n  send lendpeak2-production-rollback: ")
    );
    let mut far_right = broken_release();
    far_right.what.insert_str(0, &"\u{3000} ".repeat(200));
    let text = told(report(vec![far_right]), Format::Text).text.join("\n");
    assert!(text.starts_with("        release backend:7 answers 500"), "{text}");
}

#[test]
fn markdown_has_every_finding() {
    let text = told(report(vec![broken_release(), broken_release()]), Format::Markdown).text.join("\n");
    assert!(
        text.starts_with(
            "# production: Release backend:7 answers 500 since it was deployed; 1 more finding."
        )
    );
    assert_eq!(text.matches("Send `lendpeak2-production-rollback`").count(), 2);
    assert!(text.contains("| answers with 5xx | 63 in 5 min | 10 in 5 min | 02:55 UTC |"));
}

#[test]
fn a_status_code_that_was_asked_for_is_explained_first() {
    let asked = Diagnosis { status: Some(502.into()), ..report(Vec::new()) };
    assert_eq!(told(asked, Format::Text).text[..2], ["502 Bad Gateway: Check ECS tasks.", "Nothing found."]);
}

#[test]
fn what_changed_stands_on_one_line_of_time_with_when_it_began() {
    use crate::timeline::Kind;

    let change = |at: &str, kind, what: &str| Change { at: at.parse().unwrap(), kind, what: what.to_owned() };
    let changes = vec![
        change("2026-11-24T02:38:00Z", Kind::Release, "deployment of backend:7 began"),
        change("2026-11-24T02:40:00Z", Kind::Trouble, "it began: release backend:7 answers 500"),
    ];
    let said = told(Diagnosis { changes, ..report(vec![broken_release()]) }, Format::Text);
    let line =
        "Lately: 02:38 UTC deployment of backend:7 began; 02:40 UTC it began: release backend:7 answers 500.";
    assert!(said.text.contains(&line.to_owned()), "{:#?}", said.text);
}
