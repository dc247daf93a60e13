//! `lendpeak2 report`

use clap::Args;
use serde_json::{Value, json};

use crate::{answer::Answer, exit::Exit, failure::Failure, function::Function, runbook::Runbook};

/// Show what the last days were like: what was done and whether it held, what would have been done in `observe` and what
/// happened instead, how long incidents took, what waits, and what it costs
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many days, from 1 to 400
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
}

impl Options {
    pub(crate) fn of(days: Option<u16>) -> Self {
        Self { days: days.unwrap_or(7) }
    }
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let request = json!({ "report": { "days": options.days } });
    let value = runbook.look(Function::Incident, &request).await?;
    runbook.screen.show(&value, |_| page(&value));
    Ok(Exit::Done)
}

fn page(value: &Value) -> String {
    Answer::of(value).lines.join("\n")
}
