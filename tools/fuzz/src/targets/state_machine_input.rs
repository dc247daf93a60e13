//! What the state machine says to `incident`, in any order, with an incident that is open.

use serde_json::{Value, json};

use crate::{choices::Choices, claims, harness::with_harness, json, seeds, world::Mutated};

const EXECUTION: &str =
    "arn:aws:states:us-east-1:123456789012:execution:lendpeak2-production-service-down:one";
const MOST_STEPS: usize = 5;

pub fn state_machine_input(data: &[u8]) {
    let mut choices = Choices::new(data);
    with_harness(|harness| {
        harness.wire.begin(Mutated::None, &[]);
        let opened = harness.handle("incident", envelope("Take@1", &json!({ "step": { "take": {} } })));
        let id = opened.ok().and_then(|answer| Some(answer.get("incident")?.as_str()?.to_owned()));
        assert!(id.is_some(), "a good first step opens no incident");
        for number in 0..=choices.below(MOST_STEPS) {
            let mut step = step(id.as_deref().unwrap_or_default(), &mut choices);
            if !choices.byte().is_multiple_of(4) {
                json::mutate(&mut step, &mut choices);
            }
            let body = envelope(&format!("Step@{number}"), &step);
            let answer = harness.handle("incident", body);
            claims::answer_can_be_sent(&answer, &harness.wire.world());
            if let Ok(answer) = answer {
                assert!(answer.is_object(), "the state machine cannot read {answer}");
            }
        }
    });
}

fn envelope(state: &str, request: &Value) -> String {
    let envelope =
        json!({ "step_functions": { "execution": EXECUTION, "state": state }, "request": request });
    json::written(&envelope)
}

/// A step of the samples, or one of the short ones, about this incident.
fn step(incident: &str, choices: &mut Choices<'_>) -> Value {
    let samples: Vec<Value> = seeds::events("incident")
        .iter()
        .filter_map(|(_, event)| event.get("request"))
        .filter(|request| request.get("step").is_some())
        .cloned()
        .collect();
    let short = [
        json!({ "step": { "take": { "incident": incident } } }),
        json!({ "step": { "approval": { "incident": incident } } }),
        json!({ "step": { "recovered": { "incident": incident, "probe": "All 6 checks passed." } } }),
        json!({ "step": { "hand_over": { "incident": incident, "reason": "the probe still fails" } } }),
        json!({ "step": { "did": { "incident": incident, "function": "rollback", "outcome": {
            "decision": "awaiting_approval", "code": "approval_needed", "reason": "asks",
            "next": { "what": "approve", "level": 1, "send": { "approve": "0123456789ab" } },
        } } } }),
        json!({ "step": { "did": { "incident": incident, "function": "rollback", "outcome": {
            "error": "Lambda.Unknown", "cause": "timed out",
        } } } }),
        json!({ "step": { "did": { "incident": incident, "function": "scale-up", "outcome": {
            "decision": "refused", "code": "cooldown", "reason": "acted on a moment ago",
        } } } }),
    ];
    let mut all: Vec<Value> = samples.into_iter().chain(short).collect();
    let place = choices.below(all.len());
    let mut step = all.swap_remove(place);
    about(&mut step, incident);
    step
}

fn about(value: &mut Value, incident: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "incident" {
                    *value = incident.into();
                } else {
                    about(value, incident);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| about(value, incident)),
        _ => {}
    }
}
