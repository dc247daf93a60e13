//! `lendpeak2 status`

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, text},
    exit::Exit,
    failure::Failure,
    function::Function,
    ledger::Plan,
    remedy, render,
    runbook::Runbook,
    screen::{BAD, BOLD, WARN},
    table::table,
    time,
};

/// Say how a component is, or see what is said and what is under way
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the plans that wait, the open incidents, the kill switches and the components
    Show,
    /// Say how a component is: the status page shows it, and each open incident notes it
    Set(Set),
}

// By place or by name, as the guide's script has it.
#[derive(Debug, Args)]
struct Set {
    /// The component, as in `api`
    #[arg(required_unless_present = "component_named")]
    component: Option<String>,
    /// How it is
    #[arg(required_unless_present = "status_named")]
    status: Option<Status>,
    /// What people are to read
    #[arg(required_unless_present = "message_named")]
    message: Option<String>,
    /// The component, by name
    #[arg(long = "component", value_name = "COMPONENT", conflicts_with = "component")]
    component_named: Option<String>,
    /// How it is, by name
    #[arg(long = "status", value_name = "STATUS", conflicts_with = "status")]
    status_named: Option<Status>,
    /// What people are to read, by name
    #[arg(long = "message", value_name = "MESSAGE", conflicts_with = "message")]
    message_named: Option<String>,
    /// Until when it holds: a time, or a span as in `2h`; 12 hours if left out, and no longer than what is open now
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Operational,
    Degraded,
    Down,
    Maintenance,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: Options) -> Result<Exit, Failure> {
    match options.what {
        What::Show => show(runbook).await,
        What::Set(set) => {
            let value = runbook.act(Function::Incident, &request(set)).await?;
            remedy::show(runbook, Function::Incident, &value);
            Ok(Exit::of(&Answer::of(&value)))
        }
    }
}

fn request(set: Set) -> Value {
    let status = set.status.or(set.status_named).and_then(|status| status.to_possible_value());
    let mut request = json!({ "update_status": {
        "component": set.component.or(set.component_named),
        "status": status.map(|status| status.get_name().to_owned()),
        "message": set.message.or(set.message_named),
    } });
    if let (Some(until), Some(fields)) = (set.until, request.as_object_mut()) {
        fields.insert("until".to_owned(), until.into());
    }
    request
}

pub(crate) async fn show(runbook: &Runbook<'_>) -> Result<Exit, Failure> {
    let screen = runbook.screen;
    let value = runbook.look(Function::Incident, &json!({})).await?;
    // The function's answer, as it is, needs no ledger.
    let now = time::now();
    let plans = if screen.is_json() { Vec::new() } else { runbook.ledger()?.plans(now).await? };
    let waiting: Vec<String> = plans.iter().map(|plan| waits(plan, now)).collect();
    screen.show(&value, |width| words(&value, &waiting, width));
    Ok(Exit::Done)
}

fn waits(plan: &Plan, now: Timestamp) -> String {
    let left = time::spoken(plan.expires.duration_since(now));
    let actions = plan.actions.join(", ");
    format!("{} of {}, {left} left: {actions}; lendpeak2 approve {}", plan.id, plan.function.name(), plan.id)
}

fn words(value: &Value, waiting: &[String], width: Option<usize>) -> String {
    let list = |name: &str| value.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // What waits for a person comes first.
    let mut lines: Vec<String> =
        waiting.iter().map(|plan| render::field("waits", BOLD, plan, width)).collect();
    match list("open") {
        [] => lines.push("No incident is open.".to_owned()),
        open => lines.extend(open.iter().map(|incident| {
            let taken = incident.get("acknowledged").filter(|taken| taken.is_object());
            let whose = taken.map_or_else(
                || "nobody has it yet".to_owned(),
                |taken| format!("with {}", text(taken, "by")),
            );
            let (id, title, severity) =
                (text(incident, "incident"), text(incident, "title"), text(incident, "severity"));
            render::field("open", BAD, &format!("{id}: {title} ({severity}), {whose}"), width)
        })),
    }
    for switch in list("switches") {
        let (name, by, reason) = (text(switch, "name"), text(switch, "by"), text(switch, "reason"));
        let who: Vec<&str> =
            [by.as_str(), reason.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
        let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(": ")) };
        let start =
            if name == "all" { "lendpeak2 start".to_owned() } else { format!("lendpeak2 start {name}") };
        lines.push(render::field(
            "stopped",
            WARN,
            &format!("the kill switch {name} is on{who}; to lift it: {start}"),
            width,
        ));
    }
    for window in list("maintenance") {
        let until = time::readable(&text(window, "until"));
        let what = format!("{}: {}, until {until}", text(window, "id"), text(window, "title"));
        lines.push(render::field("planned", BOLD, &what, width));
    }
    let components = list("components");
    if !components.is_empty() {
        let rows = components.iter().map(|component| {
            let since = time::readable(&text(component, "at"));
            [text(component, "component"), text(component, "status"), text(component, "message"), since]
        });
        lines.extend([String::new(), table(["component", "status", "message", "since (utc)"], rows, width)]);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_open_and_stopped_comes_first_in_that_order() {
        let value = json!({
            "open": [{ "incident": "i-1", "title": "Service down", "severity": "high", "acknowledged": null }],
            "switches": [{ "name": "all", "by": "Ana", "reason": "a migration" }],
            "components": [{ "component": "api", "status": "degraded", "message": "slow", "at": "2026-12-01T10:00:00.5Z" }],
        });
        let plan = Plan {
            id: "0a1b".to_owned(),
            function: Function::Restart,
            target: "service/c/s".to_owned(),
            actions: vec!["restart s".to_owned()],
            reason: String::new(),
            expires: "2026-12-01T10:30:00Z".parse().unwrap(),
            approved_by: Vec::new(),
            data: json!({}),
        };
        let waiting = [waits(&plan, "2026-12-01T10:10:00Z".parse().unwrap())];
        let shown = anstream::adapter::strip_str(&words(&value, &waiting, None)).to_string();
        assert_eq!(
            shown,
            "waits    0a1b of restart, 20 min left: restart s; lendpeak2 approve 0a1b\n\
             open     i-1: Service down (high), nobody has it yet\n\
             stopped  the kill switch all is on (Ana: a migration); to lift it: lendpeak2 start\n\n\
             COMPONENT  STATUS    MESSAGE  SINCE (UTC)\n\
             api        degraded  slow     2026-12-01 10:00:00"
        );
        assert_eq!(words(&json!({}), &[], None), "No incident is open.");
    }
}
