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
        "asked_by": plan.asked_by(),
        "approved_by": plan.approved_by,
    })
}

fn words(plans: &[Plan], now: Timestamp, width: Option<usize>) -> String {
    let rows = plans.iter().map(|plan| {
        let left = time::spoken(plan.expires.duration_since(now));
        let by = plan.approved_by.join(" and ");
        let by = if by.is_empty() { by } else { format!("; approved by {by}, and needs more") };
        let asked = format!("{}{by}", plan.asked_by());
        [plan.id.clone(), plan.function.name().to_owned(), left, asked, plan.actions.join(", ")]
    });
    let decide = |plan: &Plan| {
        let id = &plan.id;
        format!("    lendpeak2 approve {id}\n    lendpeak2 reject {id} --reason …")
    };
    format!(
        "{}\n\nTo decide:\n{}",
        table(["plan", "function", "expires in", "asked by", "would"], rows, width),
        plans.iter().map(decide).collect::<Vec<_>>().join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Function;

    #[test]
    fn a_plan_is_a_row_with_the_time_it_has_left_and_who_asked_and_approved() {
        let plan = Plan {
            id: "0a1b".to_owned(),
            function: Function::Restart,
            target: "service/c/s".to_owned(),
            actions: vec!["restart s".to_owned()],
            reason: String::new(),
            expires: "2026-12-01T10:30:00Z".parse().unwrap(),
            approved_by: Vec::new(),
            data: json!({ "trigger": { "kind": { "person": { "by": "dan" } } } }),
        };
        let now = "2026-12-01T10:10:00Z".parse().unwrap();
        let shown = words(std::slice::from_ref(&plan), now, None);
        assert_eq!(
            shown,
            "PLAN  FUNCTION  EXPIRES IN  ASKED BY  WOULD\n0a1b  restart   20 min      dan       restart s\n\n\
             To decide:\n    lendpeak2 approve 0a1b\n    lendpeak2 reject 0a1b --reason …"
        );
        let another = Plan { id: "2c3d".to_owned(), ..plan.clone() };
        let shown = words(&[plan.clone(), another], now, None);
        assert!(
            shown.ends_with(
                "To decide:\n    lendpeak2 approve 0a1b\n    lendpeak2 reject 0a1b --reason …\n    \
                 lendpeak2 approve 2c3d\n    lendpeak2 reject 2c3d --reason …"
            ),
            "{shown}"
        );
        let one_of_two = Plan { approved_by: vec!["alice".to_owned()], ..plan };
        let shown = words(&[one_of_two], now, None);
        assert!(shown.contains("dan; approved by alice, and needs more"), "{shown}");
    }
}
