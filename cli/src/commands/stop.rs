//! `lendpeak2 stop`

use std::time::Duration;

use clap::{Args, builder::PossibleValuesParser};
use serde_json::{Map, json};

use crate::{
    answer::Answer,
    decide::{Verb, ask_or_send},
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::show,
    runbook::Runbook,
    suggest::word,
};

const ALL: &str = "all";
const NAMED_WITHIN: Duration = Duration::from_secs(3);

/// Set the kill switch: no function changes anything from now on
///
/// It asks nothing, and is in force once this answers. `lendpeak2 start` lifts it.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Options {
    /// Stop this function alone; else all
    #[arg(value_parser = PossibleValuesParser::new(names()))]
    function: Option<String>,
    /// Why; recorded, and told to people
    reason: String,
    /// For how long (2h) or until when (2026-11-28T22:00:00Z); else until somebody lifts it
    #[arg(long, value_name = "SPAN|TIME")]
    until: Option<String>,
    /// Who stops it; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

/// What can be stopped: the others change nothing.
fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once(ALL).chain(Function::REMEDIES.iter().map(|function| function.name()))
}

/// Of a reason that was typed without quotation marks: how it stands in them.
pub(crate) fn hint(typed: &[String]) -> Option<String> {
    let after = typed.iter().position(|word| word == "stop")? + 1;
    let words: Vec<&str> = typed.iter().skip(after).map(String::as_str).collect();
    let end = words.iter().position(|word| word.starts_with('-')).unwrap_or(words.len());
    let (words, options) = words.split_at(end);
    let (function, reason) = match words {
        [function, reason @ ..] if names().any(|name| name == *function) => (Some(*function), reason),
        reason => (None, reason),
    };
    // A single word, or one that was quoted, is not what was wrong.
    if reason.len() < 2 || reason.iter().any(|word| word.contains(' ')) {
        return None;
    }
    let mut command = vec!["lendpeak2 stop".to_owned()];
    command.extend(function.map(str::to_owned));
    command.push(word(&reason.join(" ")));
    command.extend(options.iter().map(|option| word(option)));
    Some(format!("a reason of several words stands in quotation marks: {}", command.join(" ")))
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let whom = options.function.as_deref().unwrap_or(ALL);
    if options.function.is_none() && names().any(|name| name == options.reason) {
        return Err(Failure::usage(
            format!("`{}` is no reason, and without a function's name everything is stopped", options.reason),
            format!("lendpeak2 stop {} \"<why>\"", options.reason),
        ));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        let hint = hint(&shlex::split(typed).unwrap());
        let command = hint.as_deref().and_then(|hint| hint.split_once("marks: ")).map(|(_, command)| command);
        assert_eq!(command, expected, "{typed}");
    }

    #[test]
    fn a_reason_without_quotation_marks_is_shown_with_them() {
        check("stop migration is on", Some("lendpeak2 stop 'migration is on'"));
        check("-e production stop migration is on", Some("lendpeak2 stop 'migration is on'"));
        check("stop scale-up load test", Some("lendpeak2 stop scale-up 'load test'"));
        check("stop it grows --until 2h", Some("lendpeak2 stop 'it grows' --until 2h"));
        check("stop backend 'no such function'", None);
        check("stop scale-up", None);
        check("stop", None);
        check("start it now", None);
    }
}
