//! `lendpeak2 drill`

use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_sdk_ecs::{Client, types::ContainerDefinition};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Decision, text},
    drill::{
        ready::{self, Ready},
        record::{self, Record, Records, Step},
        release::{self, Fault, PutBack, short},
        report::{self, Report},
        signals::Signals,
        watch::{End, Incidents, Look, Seen},
    },
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::may_ask,
    render::field,
    runbook::{Runbook, invoke},
    screen::{BOLD, DIM},
    time, wait,
};

/// How long the loop has.
const PATIENCE: Duration = Duration::from_mins(20);
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Break the service on purpose, see whether the loop heals it, and put everything back
///
/// It is refused on every stack that was not deployed with Drills=true. Users feel what it breaks: hold it where that
/// does no harm, and tell people before. The loop has 20 minutes, or --timeout. It ends with 0 where the loop healed it,
/// and with 5 where it did not; whatever happens, everything is put back first.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Deploy what runs once more, with a fault in it
    BadRelease(Bad),
    /// Put back what a drill that was killed has left
    Undo(Who),
}

#[derive(Debug, Args)]
struct Bad {
    /// The variable that makes the backend fail
    #[arg(long, value_name = "NAME=VALUE", default_value = "BROKEN=true", value_parser = variable)]
    variable: (String, String),
    /// An image that is known to fail, instead of a variable
    #[arg(long, conflicts_with = "variable")]
    image: Option<String>,
    /// Which container of the tasks; the stack's `BackendContainer` if left out
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// The environment's name, as who breaks it has to type it; needed with --yes
    #[arg(long = "break", value_name = "ENVIRONMENT")]
    breaks: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Args)]
struct Who {
    /// Who holds it; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("say it as in `BROKEN=true`".to_owned()),
    }
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: Options) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    match options.what {
        What::Undo(who) => undo(runbook, &who).await,
        What::BadRelease(bad) => {
            let planned = tokio::select! {
                planned = plan(runbook, &bad) => planned?,
                () = signals.any() => return Err(Failure::Interrupted { goes_on: None }),
            };
            match planned {
                Some(drill) => Box::pin(drill.hold(&mut signals)).await,
                None => Ok(Exit::Done),
            }
        }
    }
}

/// A drill that a person has said yes to.
struct Drill<'a> {
    runbook: &'a Runbook<'a>,
    client: Client,
    records: Records,
    record: Record,
    ready: Ready,
    containers: Vec<ContainerDefinition>,
}

/// Looks whether it may be held, shows what will be done, and asks. Nothing where that was all.
async fn plan<'a>(runbook: &'a Runbook<'a>, bad: &Bad) -> Result<Option<Drill<'a>>, Failure> {
    ready::marked(runbook)?;
    named(runbook, bad)?;
    let records = Records::of_user()?;
    ready::none_open(runbook, &records)?;
    let client = Client::new(&runbook.config);
    let ready = ready::look(runbook, &client).await?;
    let fault = match &bad.image {
        Some(image) => Fault::Image(image.clone()),
        None => Fault::Variable { name: bad.variable.0.clone(), value: bad.variable.1.clone() },
    };
    let container = match &bad.container {
        Some(container) => container,
        None => runbook.stack.parameter("BackendContainer")?,
    };
    let containers = fault.put_into(ready.runs.definition.container_definitions(), container)?;
    let before = ready.runs.definition.task_definition_arn().unwrap_or_default().to_owned();
    let now = time::now();
    let record = Record {
        id: record::id(now, "bad-release"),
        case: "bad-release".to_owned(),
        with: fault.words(),
        environment: runbook.stack.environment.clone(),
        stack: runbook.stack.id.clone(),
        by: runbook.by(bad.who.by.as_deref()).await?,
        begun_at: now.to_string(),
        cluster: ready.cluster.clone(),
        service: ready.service.clone(),
        before,
        copy: None,
        step: Step::Registering,
        incidents: Vec::new(),
        events: Vec::new(),
        put_back: Vec::new(),
        summary: String::new(),
    };
    let patience = runbook.global.timeout.unwrap_or(PATIENCE);
    if bad.dry_run {
        let lines = planned(&record, container, &ready.mode, patience);
        let value = json!({ "summary": lines[0].1, "case": record.case, "environment": record.environment,
            "plan": lines.iter().map(|(_, line)| line).collect::<Vec<_>>() });
        runbook.screen.show(&value, |width| in_words(&lines, width));
        return Ok(None);
    }
    runbook
        .screen
        .plan(&in_words(&planned(&record, container, &ready.mode, patience), runbook.screen.width()));
    if bad.breaks.is_none() {
        let environment = &runbook.stack.environment;
        let question = format!("Type the environment's name, {environment}, to break it:");
        if runbook.screen.prompt(&question).await != *environment {
            return Err(Failure::Declined);
        }
    } else if !runbook.global.yes && !runbook.screen.ask("Break it?").await {
        return Err(Failure::Declined);
    }
    Ok(Some(Drill { runbook, client, records, record, ready, containers }))
}

/// Before anything is called: whether there is, or will be, a yes to this environment.
fn named(runbook: &Runbook<'_>, bad: &Bad) -> Result<(), Failure> {
    if bad.dry_run {
        return Ok(());
    }
    may_ask(runbook)?;
    let environment = &runbook.stack.environment;
    match &bad.breaks {
        Some(name) if name != environment => Err(Failure::usage(
            format!("--break names {name}, and this is {environment}"),
            "name the environment by -e, and the same one by --break",
        )),
        None if runbook.global.yes => Err(Failure::usage(
            "--yes alone breaks nothing",
            format!("name the environment too: --break {environment}"),
        )),
        _ => Ok(()),
    }
}

fn planned(record: &Record, container: &str, mode: &str, patience: Duration) -> [(&'static str, String); 4] {
    let before = short(&record.before);
    let span = time::spoken(patience.try_into().unwrap_or_default());
    [
        ("plan", format!("deploy {before} once more with {} in the container {container}", record.with)),
        ("then", format!("the loop has {span}; rollback's mode is {mode}")),
        (
            "back",
            format!("whatever happens, {} runs {before} again, and the copy is deregistered", record.service),
        ),
        ("of", format!("service/{}/{}, {}", record.cluster, record.service, record.environment)),
    ]
}

fn in_words(lines: &[(&'static str, String)], width: Option<usize>) -> String {
    let style = |label: &str| if label == "of" { DIM } else { BOLD };
    let lines = lines.iter().map(|(label, line)| field(label, style(label), line, width));
    lines.collect::<Vec<_>>().join("\n")
}

impl Drill<'_> {
    /// Breaks it, watches, and puts it back whatever happens.
    async fn hold(mut self, signals: &mut Signals) -> Result<Exit, Failure> {
        let mut seen = Seen::default();
        let ended = match self.break_it().await {
            Ok(()) => tokio::select! {
                end = self.watch(&mut seen) => Ok(end),
                () = signals.any() => Ok(End::Interrupted),
            },
            Err(failure) => Err(failure),
        };
        self.record.events.clone_from(&seen.events);
        self.record.incidents.clone_from(&seen.incidents);
        if !matches!(ended, Ok(End::Healed)) {
            self.runbook.screen.note("putting it back");
        }
        let back = put_back(&self.client, &self.records, &mut self.record).await;
        // It was never broken: that is what there is to say.
        let end = match (ended, &back) {
            (Ok(end), _) => end,
            (Err(failure), Ok(_)) => return Err(failure),
            (Err(failure), Err(left)) => {
                self.runbook
                    .screen
                    .note(&format!("not put back: {}; `lendpeak2 drill undo` tries again", left.chain()));
                return Err(failure);
            }
        };
        let report = Report {
            record: &self.record,
            seen: &seen,
            end,
            left: back.as_ref().err(),
            path: self.records.path(&self.record.id).display().to_string(),
        };
        let (summary, exit) = (report.summary(), report.exit());
        for incident in &seen.incidents {
            note(self.runbook, &self.record, incident, &summary).await;
        }
        self.runbook.screen.show(&report.json(), |width| report.words(width));
        self.record.summary = summary;
        self.records.write(&self.record)?;
        if end != End::Interrupted && back.is_ok_and(|back| back.deployed) && !self.runbook.global.no_wait {
            // How it ended is said already.
            if let Err(failure) =
                wait::settled(self.runbook, &self.record.cluster, &self.record.service).await
            {
                self.runbook.screen.note(&failure.chain());
            }
        }
        Ok(exit)
    }

    /// Each step is written down before it is taken.
    async fn break_it(&mut self) -> Result<(), Failure> {
        self.records.create(&self.record)?;
        let containers = std::mem::take(&mut self.containers);
        let copy = release::register(&self.client, &self.ready.runs, containers, &self.record.id).await?;
        self.record.copy = Some(copy.clone());
        self.record.step = Step::Breaking;
        self.records.write(&self.record)?;
        release::deploy(&self.client, &self.record.cluster, &self.record.service, &copy).await?;
        self.record.step = Step::Broken;
        self.records.write(&self.record)?;
        let (service, copy) = (&self.record.service, short(&copy));
        self.runbook.screen.note(&report::line(&record::Event {
            after_seconds: 0.0,
            what: format!("{service} was set to {copy}, with {}: drill {}", self.record.with, self.record.id),
        }));
        Ok(())
    }

    async fn watch(&self, seen: &mut Seen) -> End {
        let (broken, broken_at) = (Instant::now(), time::now());
        let patience = self.runbook.global.timeout.unwrap_or(PATIENCE);
        loop {
            let look = self.look(broken_at).await;
            let known = seen.incidents.len();
            for event in seen.add(broken.elapsed(), &look, &self.record) {
                self.runbook.screen.note(&report::line(&event));
            }
            for incident in seen.incidents.iter().skip(known) {
                note(self.runbook, &self.record, incident, "it is a drill, with a bad release").await;
            }
            if let Some(end) = seen.end(broken.elapsed()) {
                return end;
            }
            if broken.elapsed() + BETWEEN_LOOKS > patience {
                return seen.end_at_last();
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Everything at once. What cannot be read now may be read later.
    async fn look(&self, since: Timestamp) -> Look {
        let runbook = self.runbook;
        let quick = json!({ "tries": 1, "dry_run": true });
        let list = json!({});
        let (service, health, incidents, records) = tokio::join!(
            release::service(&self.client, &self.record.cluster, &self.record.service),
            ask(runbook, Function::HealthProbe, &quick),
            ask(runbook, Function::Incident, &list),
            recorded(runbook, since),
        );
        let mut look = Look::default();
        let mut or_unread = |failure: Failure| look.unread.push(failure.chain());
        let service = service.map_err(&mut or_unread).ok();
        let health = health.map_err(&mut or_unread).ok();
        let incidents = incidents.map_err(&mut or_unread).ok();
        look.records = records.map_err(&mut or_unread).unwrap_or_default();
        if let Some(service) = service {
            look.ecs_went_back = release::ecs_went_back(&service, since);
            look.runs = service.task_definition;
        }
        look.health = health.map(|health| {
            let healthy = health.get("healthy") == Some(&Value::Bool(true));
            (healthy, text(&health, "summary"))
        });
        look.incidents = incidents.map(|list| Incidents {
            open: ready::ids(&list, "open"),
            over: ready::ids(&list, "over").into_iter().filter(|id| !self.ready.over.contains(id)).collect(),
        });
        look
    }
}

/// Without a word on the screen: it is asked again and again.
async fn ask(runbook: &Runbook<'_>, function: Function, request: &Value) -> Result<Value, Failure> {
    let name = runbook.stack.shows(function, request)?;
    invoke(&runbook.config, name, request, RetryConfig::standard()).await
}

/// What the remedies have recorded since the break, of all that is not a look.
async fn recorded(runbook: &Runbook<'_>, since: Timestamp) -> Result<Vec<(String, bool, String)>, Failure> {
    let ledger = runbook.ledger()?;
    let after = time::key(since);
    let mut found = Vec::new();
    for function in Function::REMEDIES {
        for (_, record) in ledger.records(function, &after).await? {
            let answer = Answer::of(&record);
            if !matches!(answer.decision, Decision::NothingToDo | Decision::Listed | Decision::Replayed) {
                let applied = answer.decision == Decision::Applied;
                found.push((function.name().to_owned(), applied, answer.in_a_line().to_owned()));
            }
        }
    }
    Ok(found)
}

/// Puts back what is left of a drill, and writes that down.
async fn put_back(client: &Client, records: &Records, record: &mut Record) -> Result<PutBack, Failure> {
    let back = release::put_back(client, record).await?;
    record.put_back.extend(back.lines.iter().cloned());
    record.step = Step::Over;
    records.write(record)?;
    Ok(back)
}

/// So that the runbook's own record says that it was a drill. One that cannot be written keeps nothing else from its end.
async fn note(runbook: &Runbook<'_>, record: &Record, incident: &str, what: &str) {
    let text = format!("drill {} by {}: {what}", record.id, record.by);
    let request = json!({ "note": incident, "text": text, "by": record.by });
    if let Err(failure) = runbook.act(Function::Incident, &request).await {
        runbook.screen.note(&format!("incident {incident} has no note of the drill: {}", failure.chain()));
    }
}

async fn undo(runbook: &Runbook<'_>, who: &Who) -> Result<Exit, Failure> {
    let records = Records::of_user()?;
    let open = records.open(&runbook.stack.id)?;
    if open.is_empty() {
        let summary = "no drill has left anything to put back";
        runbook.screen.show(&json!({ "summary": summary, "undone": [] }), |_| summary.to_owned());
        return Ok(Exit::Done);
    }
    let by = runbook.by(who.by.as_deref()).await?;
    let client = Client::new(&runbook.config);
    let (mut undone, mut deployed) = (Vec::new(), None);
    for mut record in open {
        let back = put_back(&client, &records, &mut record).await?;
        record.summary = format!("it was put back by {by}, by `drill undo`");
        records.write(&record)?;
        for incident in &record.incidents {
            note(runbook, &record, incident, &record.summary).await;
        }
        if back.deployed {
            deployed = Some((record.cluster.clone(), record.service.clone()));
        }
        undone.push(record);
    }
    let value: Vec<Value> =
        undone.iter().map(|record| json!({ "drill": record.id, "put_back": record.put_back })).collect();
    let summary = format!("put back what {} left", if undone.len() == 1 { "a drill" } else { "drills" });
    runbook.screen.show(&json!({ "summary": summary, "undone": value }), |width| {
        let lines = undone.iter().flat_map(|record| {
            let of = std::iter::once(field("drill", DIM, &record.id, width));
            of.chain(record.put_back.iter().map(move |line| field("back", BOLD, line, width)))
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    if let Some((cluster, service)) = deployed.filter(|_| !runbook.global.no_wait) {
        wait::settled(runbook, &cluster, &service).await?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_variable_with_a_name() {
        assert_eq!(variable("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert_eq!(variable("A="), Ok(("A".to_owned(), String::new())));
        assert!(variable("A").is_err() && variable("=b").is_err());
    }
}
