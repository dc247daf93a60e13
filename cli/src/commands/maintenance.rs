//! `lendpeak2 maintenance`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, text},
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy,
    runbook::Runbook,
    table::table,
    time,
};

/// Announce work: customers read of it, and alarms of its components open no incident
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Announce a window; it ends by itself
    Add(Add),
    /// List the windows that are announced or under way
    List,
    /// End a window now, or call it off before it begins
    End(End),
}

#[derive(Debug, Args)]
struct Add {
    /// What is done, as customers are to read it
    title: String,
    /// When it ends: a time as in `2026-12-05T03:00:00Z`, or a span from its beginning as in `1h`
    #[arg(long, value_name = "WHEN")]
    until: String,
    /// When it begins: a time, or a span from now; now if left out
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// A component that it is about, as often as needed; all if left out
    #[arg(long = "component", value_name = "NAME")]
    components: Vec<String>,
    /// More for customers to read
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Who says so; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
struct End {
    /// The window, as `lendpeak2 maintenance list` has it
    id: String,
    /// Who says so; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: Options) -> Result<Exit, Failure> {
    let request = match options.what {
        What::List => return list(runbook).await,
        What::Add(add) => {
            let by = runbook.by(add.by.as_deref()).await?;
            announcement(&add, &by)
        }
        What::End(end) => json!({ "end_maintenance": end.id, "by": runbook.by(end.by.as_deref()).await? }),
    };
    let value = runbook.act(Function::Incident, &request).await?;
    remedy::show(runbook, Function::Incident, &value);
    Ok(Exit::of(&Answer::of(&value)))
}

fn announcement(add: &Add, by: &str) -> Value {
    let mut window = json!({ "title": add.title, "until": add.until, "components": add.components });
    if let Some(fields) = window.as_object_mut() {
        for (name, value) in [("from", &add.from), ("text", &add.text)] {
            fields.extend(value.as_ref().map(|value| (name.to_owned(), Value::from(value.as_str()))));
        }
    }
    json!({ "maintenance": window, "by": by })
}

async fn list(runbook: &Runbook<'_>) -> Result<Exit, Failure> {
    let value = runbook.look(Function::Incident, &json!({})).await?;
    let windows = value.get("maintenance").cloned().unwrap_or_else(|| json!([]));
    runbook.screen.show(&windows, |width| words(&windows, width));
    Ok(Exit::Done)
}

fn words(windows: &Value, width: Option<usize>) -> String {
    let windows = windows.as_array().map_or(&[][..], Vec::as_slice);
    if windows.is_empty() {
        return "No maintenance is announced.".to_owned();
    }
    let rows = windows.iter().map(|window| {
        let components = window.get("components").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let components: Vec<&str> = components.iter().filter_map(Value::as_str).collect();
        let of = if components.is_empty() { "all".to_owned() } else { components.join(", ") };
        let (from, until) = (time::readable(&text(window, "from")), time::readable(&text(window, "until")));
        [text(window, "id"), text(window, "title"), of, from, until, text(window, "by")]
    });
    table(["window", "title", "components", "from (utc)", "until (utc)", "by"], rows, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_not_sent() {
        let add = Add {
            title: "Database upgrade".to_owned(),
            until: "1h".to_owned(),
            from: None,
            components: vec!["api".to_owned()],
            text: None,
            by: None,
        };
        let expected = json!({
            "maintenance": { "title": "Database upgrade", "until": "1h", "components": ["api"] },
            "by": "Ana",
        });
        assert_eq!(announcement(&add, "Ana"), expected);
    }

    #[test]
    fn a_window_of_no_component_is_of_all() {
        let window = json!([{
            "id": "20261205-0200-upgrade", "title": "Upgrade", "components": [], "by": "Ana",
            "from": "2026-12-05T02:00:00Z", "until": "2026-12-05T03:00:00Z",
        }]);
        assert_eq!(
            words(&window, None),
            "WINDOW                 TITLE    COMPONENTS  FROM (UTC)           UNTIL (UTC)          BY\n\
             20261205-0200-upgrade  Upgrade  all         2026-12-05 02:00:00  2026-12-05 03:00:00  Ana"
        );
        assert_eq!(words(&json!([]), None), "No maintenance is announced.");
    }
}
