//! `lendpeak2 plans`

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{exit::Exit, failure::Failure, ledger::Plan, runbook::Runbook, table::table, time};

pub(crate) const NONE: &str = "No plan waits for approval.";

pub(crate) async fn run(runbook: &Runbook<'_>) -> Result<Exit, Failure> {
    let (screen, now) = (runbook.screen, time::now());
    let plans = runbook.ledger()?.plans(now).await?;
    screen.show(&plans.iter().map(as_json).collect(), |width| match plans.as_slice() {
        [] => NONE.to_owned(),
        plans => words(plans, now, width),
    });
    Ok(Exit::Done)
}

fn as_json(plan: &Plan) -> Value {
    json!({
        "id": plan.id,
        "function": plan.function.name(),
        "target": plan.target,
        "plan": plan.actions,
        "reason": plan.reason,
        "expires": plan.expires.to_string(),
        "asked": plan.data.get("trigger"),
    })
}

fn words(plans: &[Plan], now: Timestamp, width: Option<usize>) -> String {
    let rows = plans.iter().map(|plan| {
        let left = time::spoken(plan.expires.duration_since(now));
        [plan.id.clone(), plan.function.name().to_owned(), left, plan.actions.join(", ")]
    });
    let first = plans.first().map_or("", |plan| plan.id.as_str());
    format!(
        "{}\n\nTo decide:\n    lendpeak2 approve {first}\n    lendpeak2 reject {first} --reason …",
        table(["plan", "function", "expires in", "would"], rows, width)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Function;

    #[test]
    fn a_plan_is_a_row_with_the_time_it_has_left() {
        let plan = Plan {
            id: "0a1b".to_owned(),
            function: Function::Restart,
            target: "service/c/s".to_owned(),
            actions: vec!["restart s".to_owned()],
            reason: String::new(),
            expires: "2026-12-01T10:30:00Z".parse().unwrap(),
            data: Value::Null,
        };
        let now = "2026-12-01T10:10:00Z".parse().unwrap();
        assert_eq!(
            words(&[plan], now, None),
            "PLAN  FUNCTION  EXPIRES IN  WOULD\n0a1b  restart   20 min      restart s\n\nTo decide:\n    lendpeak2 approve 0a1b\n    lendpeak2 reject 0a1b --reason …"
        );
    }
}
