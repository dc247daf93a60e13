//! `lendpeak2 incident`

mod report;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, text},
    decide::{Verb, ask_or_send},
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::show,
    runbook::Runbook,
};

/// See, open, take and close incidents
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

impl Options {
    /// To list all, or to show one.
    pub(crate) fn to_see(id: Option<String>) -> Self {
        let what = id.map_or(What::List, |id| What::Show(ToRead { id: Some(id) }));
        Self { what }
    }
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the open ones, those that ended last, the kill switches and the components
    List,
    /// Show how one stands, with its timeline
    Show(ToRead),
    /// Open one; level 1 is told
    Open(Open),
    /// Say that you have it: no other level is called
    Ack(Ack),
    /// Add an entry to its timeline
    Note(Note),
    /// Call the next level of support
    Escalate(Escalate),
    /// Close it
    Resolve(Resolve),
    /// Write its report as Markdown
    Report(ToRead),
}

#[derive(Debug, Args)]
struct Which {
    /// The incident; the open one if left out
    id: Option<String>,
}

#[derive(Debug, Args)]
struct ToRead {
    /// The incident; the open one if left out, or else the newest that has ended
    id: Option<String>,
}

#[derive(Debug, Args)]
struct By {
    /// Who says so; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
struct Open {
    /// What is wrong, in at most 80 characters
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// How bad it is
    #[arg(long, value_enum, default_value = "high")]
    severity: Severity,
    /// Who is to look at it
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    /// Its cause; `service-down` has the state machine look into it
    #[arg(long, value_name = "NAME")]
    cause: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Args)]
struct Ack {
    #[command(flatten)]
    which: Which,
    /// Stop the state machine too: you go on by hand
    #[arg(long)]
    take_over: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
struct Note {
    /// The incident; the open one if left out
    id: Option<String>,
    /// What to note
    text: String,
    /// It is for customers: the status page shows it, as you type it
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Args)]
struct Escalate {
    #[command(flatten)]
    which: Which,
    /// 1 development, 2 DevOps, 3 AWS support; the next one if left out
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
    level: Option<u8>,
    /// Why they are called
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Debug, Args)]
struct Resolve {
    #[command(flatten)]
    which: Which,
    /// What ended it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: By,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: Options) -> Result<Exit, Failure> {
    let by = async |by: By| runbook.by(by.by.as_deref()).await;
    let request = match options.what {
        What::List => json!({}),
        What::Show(which) => json!({ "show": which.id(runbook).await? }),
        What::Report(which) => {
            let value =
                runbook.look(Function::Incident, &json!({ "show": which.id(runbook).await? })).await?;
            if runbook.screen.is_json() {
                runbook.screen.json(&value);
            } else {
                runbook.screen.answer(&report::markdown(&value));
            }
            return Ok(Exit::of(&Answer::of(&value)));
        }
        What::Open(open) => opened(&open),
        What::Ack(ack) => {
            let id = ack.which.id(runbook).await?;
            let mut request = json!({ "acknowledge": id, "by": by(ack.by).await? });
            if !ack.take_over {
                let value = ask_or_send(runbook, &request, (Verb::Acknowledge, &id, None)).await?;
                return Ok(end(runbook, &value));
            }
            insert(&mut request, "take_over", Some(true));
            request
        }
        What::Note(note) => {
            let id = Which { id: note.id }.id(runbook).await?;
            let mut request = json!({ "note": id, "text": note.text, "by": by(note.by).await? });
            if note.public {
                insert(&mut request, "public", Some(true));
                let value = runbook.act(Function::Incident, &request).await?;
                return Ok(end(runbook, &value));
            }
            let value = ask_or_send(runbook, &request, (Verb::Note, &id, Some(&note.text))).await?;
            return Ok(end(runbook, &value));
        }
        What::Escalate(escalate) => {
            let mut request =
                json!({ "escalate": escalate.which.id(runbook).await?, "by": by(escalate.by).await? });
            insert(&mut request, "level", escalate.level);
            insert(&mut request, "reason", escalate.reason);
            request
        }
        What::Resolve(resolve) => {
            let mut request =
                json!({ "resolve": resolve.which.id(runbook).await?, "by": by(resolve.by).await? });
            insert(&mut request, "reason", resolve.reason);
            request
        }
    };
    let value = runbook.act(Function::Incident, &request).await?;
    Ok(end(runbook, &value))
}

fn end(runbook: &Runbook<'_>, value: &Value) -> Exit {
    show(runbook, Function::Incident, value);
    Exit::of(&Answer::of(value))
}

fn opened(open: &Open) -> Value {
    let severity = open.severity.to_possible_value().map(|value| value.get_name().to_owned());
    let mut request = json!({ "title": open.title });
    insert(&mut request, "severity", severity);
    insert(&mut request, "assignee", open.assignee.clone());
    insert(&mut request, "cause", open.cause.clone());
    json!({ "open": request })
}

fn insert(request: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(request), Some(value)) = (request.as_object_mut(), value) {
        request.insert(name.to_owned(), value.into());
    }
}

impl Which {
    async fn id(self, runbook: &Runbook<'_>) -> Result<String, Failure> {
        match self.id {
            Some(id) => Ok(id),
            None => the_open_one(&runbook.look(Function::Incident, &json!({})).await?),
        }
    }
}

impl ToRead {
    async fn id(self, runbook: &Runbook<'_>) -> Result<String, Failure> {
        match self.id {
            Some(id) => Ok(id),
            None => the_newest(&runbook.look(Function::Incident, &json!({})).await?),
        }
    }
}

fn ids(list: &Value, which: &str) -> Vec<String> {
    let listed = list.get(which).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    listed.iter().map(|incident| text(incident, "incident")).collect()
}

/// The id of the incident that is open, if it is one, and where none is, of the newest that has ended.
fn the_newest(list: &Value) -> Result<String, Failure> {
    match ids(list, "over").into_iter().next() {
        Some(newest) if ids(list, "open").is_empty() => Ok(newest),
        _ => the_open_one(list),
    }
}

/// The id of the incident that is open, if it is one.
fn the_open_one(list: &Value) -> Result<String, Failure> {
    match ids(list, "open").as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::refused(
            "no_incident",
            "no incident is open",
            "`lendpeak2 incident list` has those that ended last",
        )),
        several => Err(Failure::usage(
            format!("{} incidents are open: say which", several.len()),
            format!("they are {}", several.join(", ")),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_incident_needs_no_id_where_there_is_one() {
        let list = |ids: &[&str]| {
            let open: Vec<Value> = ids.iter().map(|id| json!({ "incident": id })).collect();
            the_open_one(&json!({ "open": open })).map_err(|failure| failure.exit().code())
        };
        assert_eq!(list(&["a"]), Ok("a".to_owned()));
        assert_eq!(list(&[]), Err(3));
        assert_eq!(list(&["a", "b"]), Err(2));
    }

    #[test]
    fn to_read_the_newest_is_enough_where_none_is_open() {
        let list = |open: &[&str], over: &[&str]| {
            let all = |ids: &[&str]| ids.iter().map(|id| json!({ "incident": id })).collect::<Vec<_>>();
            the_newest(&json!({ "open": all(open), "over": all(over) }))
                .map_err(|failure| failure.exit().code())
        };
        assert_eq!(list(&["a"], &["b"]), Ok("a".to_owned()));
        assert_eq!(list(&[], &["b", "c"]), Ok("b".to_owned()));
        assert_eq!((list(&[], &[]), list(&["a", "b"], &["c"])), (Err(3), Err(2)));
    }

    #[test]
    fn an_incident_is_opened_with_the_guides_fields() {
        let open = Open {
            title: "API Response Time Degraded".to_owned(),
            severity: Severity::High,
            assignee: Some("oncall@lendpeak.com".to_owned()),
            cause: None,
        };
        assert_eq!(
            opened(&open),
            json!({ "open": { "title": "API Response Time Degraded", "severity": "high", "assignee": "oncall@lendpeak.com" } })
        );
    }
}
