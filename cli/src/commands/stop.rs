//! `lendpeak2 stop`

use std::time::Duration;

use clap::Args;
use serde_json::{Map, json};

use crate::{
    answer::Answer,
    decide::{Verb, ask_or_send},
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::show,
    runbook::Runbook,
};

const NAMED_WITHIN: Duration = Duration::from_secs(3);

/// Set the kill switch: no function changes anything from now on
///
/// It asks nothing, and is in force once this answers. `lendpeak2 start` lifts it.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Options {
    /// Stop this function alone
    function: Option<Function>,
    /// Why; recorded, and told to people
    reason: String,
    /// For how long (2h) or until when (2026-11-28T22:00:00Z); else until somebody lifts it
    #[arg(long, value_name = "SPAN|TIME")]
    until: Option<String>,
    /// Who stops it; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let whom = options.function.map_or("all", Function::name);
    // A name that AWS is slow to tell is no reason not to stop.
    let named = tokio::time::timeout(NAMED_WITHIN, runbook.by(options.by.as_deref())).await;
    let by = named.ok().and_then(Result::ok).unwrap_or_else(|| "unknown".to_owned());
    let mut request = Map::new();
    request.insert("stop".to_owned(), json!(whom));
    request.insert("reason".to_owned(), json!(options.reason));
    request.insert("by".to_owned(), json!(by));
    let value = if let Some(until) = &options.until {
        request.insert("until".to_owned(), json!(until));
        runbook.act(Function::Incident, &request.into()).await?
    } else {
        ask_or_send(runbook, &request.into(), (Verb::Stop, whom, Some(&options.reason))).await?
    };
    show(runbook, Function::Incident, &value);
    Ok(Exit::of(&Answer::of(&value)))
}
