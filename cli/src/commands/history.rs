//! `lendpeak2 history`

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    answer::Answer,
    exit::Exit,
    failure::Failure,
    function::Function,
    ledger::Ledger,
    runbook::Runbook,
    table::table,
    time::{self, Since},
};

const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Show what the functions decided and did, the newest first
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How far back: a span (2h) or a time (2026-11-28T22:00:00Z)
    #[arg(long, default_value = "24h", value_name = "SPAN|TIME", value_parser = Since::read)]
    pub(crate) since: Since,
    /// Of this function alone
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<Function>,
    /// Also what was only looked at, by a dry run: each command that asks makes one
    #[arg(long)]
    pub(crate) all: bool,
    /// Go on with what comes, a line for each, until interrupted or for --timeout
    #[arg(long)]
    pub(crate) follow: bool,
}

pub(crate) const NOTHING: &str = "Nothing was decided in that time.";

/// A record, with the key after which newer ones come.
type Record = (Function, String, Value);

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let ledger = runbook.ledger()?;
    let functions: Vec<Function> = match options.function {
        Some(function) => vec![function],
        None => Function::RECORDED.into(),
    };
    // Keys begin with the time.
    let from = time::key(options.since.from(time::now()));
    let mut after: Vec<(Function, String)> =
        functions.into_iter().map(|function| (function, from.clone())).collect();
    let newest = async |after: &mut [(Function, String)]| {
        let mut records = newer(&ledger, after).await?;
        records.retain(|(_, _, value)| options.all || !is_dry_run(value));
        Ok::<_, Failure>(records)
    };
    let mut records = newest(&mut after).await?;
    if !options.follow {
        records.reverse();
        show(runbook, &records);
        return Ok(Exit::Done);
    }
    let patience = runbook.global.timeout;
    let begun = std::time::Instant::now();
    loop {
        for record in &records {
            runbook.screen.answer(&if runbook.screen.is_json() {
                record.2.to_string()
            } else {
                line(record)
            });
        }
        let is_over = patience.is_some_and(|patience| begun.elapsed() + BETWEEN_LOOKS > patience);
        if is_over || runbook.screen.is_closed() {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        records = newest(&mut after).await?;
    }
}

/// What was recorded after each function's key, the oldest first; the keys are moved on.
async fn newer(ledger: &Ledger, after: &mut [(Function, String)]) -> Result<Vec<Record>, Failure> {
    let mut records: Vec<Record> = Vec::new();
    for (function, key) in after {
        let found = ledger.records(*function, key).await?;
        if let Some((last, _)) = found.last() {
            key.clone_from(last);
        }
        records.extend(found.into_iter().map(|(key, value)| (*function, key, value)));
    }
    records.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(records)
}

/// Whether a person only looked.
pub(crate) fn is_dry_run(value: &Value) -> bool {
    let asked =
        ["/trigger/kind/person", "/trigger/approved_by/kind/person", "/trigger/rejected_by/kind/person"];
    asked
        .iter()
        .any(|asked| value.pointer(&format!("{asked}/dry_run")).and_then(Value::as_bool) == Some(true))
}

fn show(runbook: &Runbook<'_>, records: &[Record]) {
    let values = records.iter().map(|(_, _, value)| value.clone()).collect();
    runbook.screen.show(&values, |width| match records {
        [] => NOTHING.to_owned(),
        records => table(["at (utc)", "function", "decision", "what"], records.iter().map(row), width),
    });
}

fn row((function, _, value): &Record) -> [String; 4] {
    let answer = Answer::of(value);
    let at = answer.at.parse::<Timestamp>().map_or_else(|_| answer.at.clone(), time::full);
    let decision = value.get("decision").and_then(Value::as_str).unwrap_or_default().replace('_', " ");
    [at, function.name().to_owned(), decision, what(&answer)]
}

fn line(record: &Record) -> String {
    let [at, function, decision, what] = row(record);
    format!("{at} {function} {decision}: {what}")
}

/// What was done where something was; else why not.
pub(crate) fn what(answer: &Answer) -> String {
    if !answer.summary.is_empty() {
        return answer.summary.clone();
    }
    let steps: Vec<&str> = answer.steps.iter().map(|step| step.action.as_str()).collect();
    if steps.is_empty() { answer.reason.clone() } else { format!("{} ({})", steps.join(", "), answer.reason) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_told_by_its_summary_or_by_its_steps_and_reason() {
        let record = |value| row(&(Function::Restart, String::new(), value));
        let at = "2026-12-01T10:00:00.123456789Z";
        assert_eq!(
            record(json!({ "at": at, "decision": "nothing_to_do", "reason": "why" })),
            ["2026-12-01 10:00:00", "restart", "nothing to do", "why"]
        );
        assert_eq!(
            record(
                json!({ "at": at, "decision": "applied", "reason": "why", "steps": [{ "action": "restart s", "result": "done" }] })
            )[3],
            "restart s (why)"
        );
        assert_eq!(
            record(json!({ "at": at, "decision": "applied", "summary": "s: fresh tasks", "reason": "why" }))
                [3],
            "s: fresh tasks"
        );
    }
}
