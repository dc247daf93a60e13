//! Words and tables of the demo.

use serde_json::Value;

use super::screen::Screen;
use crate::gateway::Call;

/// The service at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) tasks: u32,
    pub(super) minimum: i32,
    pub(super) cpu: f64,
    pub(super) alarm: String,
}

pub(super) fn table(screen: &Screen, before: &Snapshot, worst: &Snapshot, after: &Snapshot) {
    screen.title("Before and after");
    println!("  {:<18} {:>8} {:>8} {:>8}", "", "before", "worst", "after");
    let row = |name: &str, cells: [String; 3]| {
        let [before, worst, after] = cells;
        println!("  {name:<18} {before:>8} {worst:>8} {after:>8}");
    };
    row("running tasks", [before, worst, after].map(|at| at.tasks.to_string()));
    row("CPU of each", [before, worst, after].map(|at| format!("{:.0} %", at.cpu)));
    row("CPU alarm", [before, worst, after].map(|at| at.alarm.clone()));
    row("scaling minimum", [before.minimum.to_string(), String::new(), after.minimum.to_string()]);
}

/// A write in words, with the values that matter.
pub(super) fn call_words(call: &Call) -> String {
    let value = |name: &str| call.request.get(name).filter(|value| !value.is_null()).map(Value::to_string);
    let details = match call.operation.as_str() {
        "UpdateService" => value("desiredCount").map(|count| format!("desired count {count}")),
        "RegisterScalableTarget" => value("MinCapacity").map(|minimum| format!("minimum {minimum}")),
        // A claim is conditional on the kill switches; a record is not.
        "TransactWriteItems" if call.request.to_string().contains("kill-switch") => {
            Some("claims the service, unless a kill switch or another run forbids it".to_owned())
        }
        "TransactWriteItems" | "PutItem" => Some("records the run in the ledger".to_owned()),
        "Publish" => Some("a notice to people".to_owned()),
        _ => None,
    };
    match details {
        Some(details) => format!("calls {}: {details}", call.name()),
        None => format!("calls {}", call.name()),
    }
}

/// Writes that are not the audit record's.
pub(super) fn writes_outside_the_ledger(calls: &[Call]) -> Vec<String> {
    calls.iter().filter(|call| !call.is_read() && call.service != "dynamodb").map(Call::name).collect()
}
