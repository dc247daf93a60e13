//! `lendpeak2 health`

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, text},
    exit::Exit,
    failure::Failure,
    function::Function,
    render,
    runbook::Runbook,
    screen::{BAD, BOLD, GOOD, Screen, paint},
    table::table,
    time,
};

/// Check what users meet: the API, the database, Redis, the front end and CORS
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Make this check alone; may be given several times
    #[arg(long = "check", value_name = "NAME")]
    checks: Vec<String>,
    /// Try each check once: quicker, and what would pass at the second try fails
    #[arg(long)]
    quick: bool,
    /// Look again and again, every 10 s or as often as said, until interrupted or for --timeout
    #[arg(long, value_name = "SPAN", num_args = 0..=1, default_missing_value = "10s", value_parser = time::span)]
    watch: Option<Duration>,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let Some(every) = options.watch else {
        return once(runbook, &request(options)).await;
    };
    let until = runbook.global.timeout.map(|timeout| Instant::now() + timeout);
    let mut before = String::new();
    loop {
        let value = runbook.look(Function::HealthProbe, &request(options)).await?;
        let exit = watched(runbook, &value, &mut before);
        if runbook.screen.is_closed() || until.is_some_and(|until| Instant::now() + every > until) {
            return Ok(exit);
        }
        tokio::time::sleep(every).await;
    }
}

/// Looks once, and shows it.
pub(crate) async fn once(runbook: &Runbook<'_>, request: &Value) -> Result<Exit, Failure> {
    let value = runbook.look(Function::HealthProbe, request).await?;
    runbook.screen.show(&value, |width| words(&value, width));
    Ok(Exit::of(&Answer::of(&value)))
}

/// A look that is repeated puts no metrics: the alarms have those of the schedule.
fn request(options: &Options) -> Value {
    let mut request = serde_json::Map::new();
    if !options.checks.is_empty() {
        request.insert("checks".to_owned(), json!(options.checks));
    }
    if options.quick {
        request.insert("tries".to_owned(), json!(1));
    }
    if options.watch.is_some() {
        request.insert("dry_run".to_owned(), json!(true));
    }
    request.into()
}

/// In place on a terminal; elsewhere a line for each change.
fn watched(runbook: &Runbook<'_>, value: &Value, before: &mut String) -> Exit {
    const CLEAR: &str = "\x1b[H\x1b[2J";
    let screen = runbook.screen;
    let now = time::of_day(time::now());
    if screen.is_json() {
        screen.answer(&value.to_string());
    } else if Screen::is_terminal() {
        screen.answer(&format!("{CLEAR}{now} UTC\n{}", words(value, screen.width())));
    } else {
        let summary = text(value, "summary");
        if *before != summary {
            screen.answer(&format!("{now} {summary}"));
            *before = summary;
        }
    }
    Exit::of(&Answer::of(value))
}

fn words(value: &Value, width: Option<usize>) -> String {
    let healthy = value.get("healthy").and_then(Value::as_bool).unwrap_or_default();
    let mut lines = vec![
        paint(if healthy { GOOD } else { BAD }, &render::wrapped(&text(value, "summary"), width, 0)),
        String::new(),
    ];
    let checks = value.get("checks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    lines.push(table(["check", "", "answer", "time", "tries"], checks.iter().map(row), width));
    let advice = advice(value);
    if !healthy && !advice.is_empty() {
        lines.push(String::new());
        lines.extend(advice.iter().map(|advice| render::field("next", BOLD, advice, width)));
    }
    lines.join("\n")
}

fn row(check: &Value) -> [String; 5] {
    let healthy = check.get("healthy").and_then(Value::as_bool).unwrap_or_default();
    let status = check
        .get("status")
        .and_then(Value::as_u64)
        .map(|status| format!("{status} {}", text(check, "meaning")));
    let error = check.get("error").filter(|error| error.is_object()).map(|error| text(error, "message"));
    let findings = check.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let notes = findings.iter().filter_map(|finding| {
        ["message", "what", "text"].into_iter().find_map(|name| finding.get(name)?.as_str())
    });
    let mut said: Vec<String> = match (error, status) {
        (Some(error), _) if !healthy => vec![error],
        (_, Some(status)) => vec![status.trim().to_owned()],
        (Some(error), None) => vec![error],
        (None, None) => Vec::new(),
    };
    said.extend(notes.map(str::to_owned));
    let took = check.pointer("/phases/total_ms").and_then(Value::as_f64);
    let tries = check.get("tries").and_then(Value::as_u64);
    [
        text(check, "name"),
        // A word, and not a colour alone.
        if healthy { "ok" } else { "FAILS" }.to_owned(),
        said.join("; "),
        took.map(|took| format!("{took:.0} ms")).unwrap_or_default(),
        tries.map(|tries| tries.to_string()).unwrap_or_default(),
    ]
}

fn advice(value: &Value) -> Vec<String> {
    let Some(next) = value.get("next") else { return Vec::new() };
    let actions = next.get("actions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut advice: Vec<String> = actions.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let what = text(next, "what");
    if advice.is_empty() && !what.is_empty() {
        advice.push(what);
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Value {
        json!({
            "healthy": false, "summary": "Unhealthy: 1 of 2 checks failed (health).",
            "next": { "level": 1, "actions": ["Check the backend's logs"] },
            "checks": [
                { "name": "health", "healthy": false, "status": 500, "meaning": "Server Error", "tries": 3,
                    "phases": { "total_ms": 20.1 }, "error": { "kind": "http", "message": "answered 500 Server Error" }, "findings": [] },
                { "name": "cors", "healthy": true, "status": 204, "meaning": "No Content", "tries": 1,
                    "phases": { "total_ms": 3.6 }, "error": null, "findings": [] },
            ],
        })
    }

    #[test]
    fn a_report_is_a_sentence_a_table_and_the_next_step() {
        let plain = anstream::adapter::strip_str(&words(&report(), None)).to_string();
        assert_eq!(
            plain,
            "Unhealthy: 1 of 2 checks failed (health).\n\n\
             CHECK          ANSWER                     TIME   TRIES\n\
             health  FAILS  answered 500 Server Error  20 ms  3\n\
             cors    ok     204 No Content             4 ms   1\n\n\
             next     Check the backend's logs"
        );
    }

    #[test]
    fn every_line_fits_on_a_screen_of_80_columns() {
        let plain = anstream::adapter::strip_str(&words(&report(), Some(80))).to_string();
        assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    }

    #[test]
    fn a_watch_puts_no_metrics() {
        let options =
            Options { checks: vec!["cors".to_owned()], quick: true, watch: Some(Duration::from_secs(1)) };
        assert_eq!(request(&options), json!({ "checks": ["cors"], "tries": 1, "dry_run": true }));
        assert_eq!(request(&Options { checks: Vec::new(), quick: false, watch: None }), json!({}));
    }
}
