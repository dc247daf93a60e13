use serde_json::json;

use super::*;

fn rollback() -> Sent {
    Sent { function: "rollback".into(), request: json!({ "to": "previous" }) }
}

fn bad_release() -> Finding {
    Finding::new(Confidence::Likely, Impact::Down, "release backend:7 answers 500")
        .since(Some("2026-11-24T14:00:00Z".parse().unwrap()))
        .fact("load balancer, 5xx of the targets", "answers with 5xx", "40 %")
        .against("5 %")
        .next(Level::Development, "roll back")
        .otherwise("deploy what ran before")
        .helped("the probe passes")
        .send(rollback())
}

fn read(finding: &Value) -> Finding {
    serde_json::from_value(finding.clone()).unwrap()
}

/// Programs outside of the runbook read it too.
#[test]
fn a_finding_has_the_form_that_it_always_had() {
    let finding = Finding { cause: "bad_release".into(), ..bad_release() };
    let written = json!({
        "cause": "bad_release", "chapter": "service-down", "confidence": "likely", "impact": "down",
        "what": "release backend:7 answers 500", "since": "2026-11-24T14:00:00Z",
        "evidence": [{ "what": "answers with 5xx", "value": "40 %", "threshold": "5 %", "at": null,
            "source": "load balancer, 5xx of the targets" }],
        "remedy": { "what": "roll back", "function": "rollback", "send": { "to": "previous" },
            "otherwise": "deploy what ran before", "helped": "the probe passes" },
        "support_level": 1, "explains": [],
    });
    // As text: the order of the fields counts for those who read it.
    assert_eq!(serde_json::to_string(&finding).unwrap(), written.to_string());
    assert_eq!(read(&written), finding);
}

#[test]
fn a_remedy_without_a_function_has_neither_of_the_two_fields() {
    let remedy = Remedy { what: "open a case".to_owned(), ..Remedy::default() };
    let written = json!({ "what": "open a case", "otherwise": null, "helped": "" });
    assert_eq!(serde_json::to_value(&remedy).unwrap(), written);
    for one in [json!({ "function": "rollback" }), json!({ "send": {} }), json!({})] {
        let mut half = json!({ "what": "open a case" });
        half.as_object_mut().unwrap().extend(one.as_object().unwrap().clone());
        assert_eq!(serde_json::from_value::<Remedy>(half).unwrap(), remedy);
    }
}

/// The state machine hands on less than was answered, and an incident keeps what earlier versions read.
#[test]
fn what_is_missing_or_not_known_is_no_reason_to_refuse_a_finding() {
    let least = json!({
        "cause": "bad_release", "confidence": "likely", "impact": "down", "what": "it answers 500",
        "evidence": [{ "what": "5xx", "value": "40 %" }], "remedy": { "what": "roll back" }, "support_level": 1,
    });
    let finding = read(&least);
    assert_eq!((finding.since, finding.explains.len(), finding.remedy.function()), (None, 0, None));
    let mut later = least;
    later["chapter"] = json!("a-chapter-of-tomorrow");
    later["weather"] = json!("fair");
    assert_eq!(read(&later), finding);
}

#[test]
fn the_text_is_read_as_lines_and_as_the_state_machine_joins_them() {
    let lines = ["It answers 500.", "  Next: roll back"];
    for text in [json!(lines), json!(lines.join("\n"))] {
        let handed_on = json!({ "summary": "It answers 500.", "text": text, "not_seen": [], "findings": [] });
        let diagnosis: Diagnosis = serde_json::from_value(handed_on).unwrap();
        assert_eq!(diagnosis.text, lines);
    }
    let failed: Diagnosis =
        serde_json::from_value(json!({ "error": "States.Timeout", "reason": "" })).unwrap();
    assert_eq!(
        failed,
        Diagnosis {
            error: Some("States.Timeout".to_owned()),
            reason: Some(String::new()),
            ..Diagnosis::default()
        }
    );
}

#[test]
fn a_chapter_is_written_as_it_is_called() {
    for chapter in Chapter::ALL {
        assert_eq!(serde_json::to_value(chapter).unwrap(), json!(chapter.as_str()));
        assert_eq!(chapter.as_str().parse::<Chapter>(), Ok(chapter));
    }
}
