//! Both state machines, played in every way that their functions may answer: whole, with a field missing or null, and not
//! at all. No expression fails where nothing catches it, and every way comes to an end. What a machine's role does not
//! allow it does not get.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use sandbox::workspace;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::template::{
    document::{Template, installed},
    machine::{chosen, filled_in, granted},
};

/// A state machine, and what its functions answer.
struct Game {
    /// Its logical id.
    machine: &'static str,
    inputs: Value,
    /// By state, each of the answers that it has had.
    answers: Value,
    /// The functions that it is told to run and that its role does not name.
    denied: &'static [&'static str],
}

#[derive(Debug, Deserialize)]
struct Played {
    expressions: usize,
    visited: Vec<String>,
    /// What it asked for and its role does not allow.
    denied: Vec<String>,
    problems: Vec<String>,
}

impl Game {
    fn definition(&self) -> Result<String> {
        let template = Template::read()?;
        filled_in(&template, &template.0["Resources"][self.machine]["Properties"])
    }

    /// Plays a definition.
    fn play(&self, definition: &str) -> Result<Played> {
        let template = Template::read()?;
        let granted = granted(&template, &template.0["Resources"][self.machine]["Properties"])?;
        let definition: Value = serde_json::from_str(definition)?;
        let asked = json!({
            "definition": definition, "inputs": self.inputs, "answers": self.answers,
            "granted": granted.values().flatten().collect::<Vec<_>>(),
        });
        Ok(serde_json::from_value(Self::run(&asked)?)?)
    }

    /// Asks the engine that the local AWS evaluates expressions with.
    fn run(asked: &Value) -> Result<Value> {
        let mut run = Command::new(installed("python")?)
            .arg(workspace().join("tests/project/template/play.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        // It reads all of it before it writes.
        run.stdin.take().context("no stdin")?.write_all(asked.to_string().as_bytes())?;
        let played = run.wait_with_output()?;
        serde_json::from_slice(&played.stdout).context("the state machine is not played")
    }

    /// What a state hands to what it calls.
    fn handed(&self, state: &str, input: &Value, variables: &Value) -> Result<Value> {
        let definition: Value = serde_json::from_str(&self.definition()?)?;
        Self::run(
            &json!({ "definition": definition, "state": state, "input": input, "variables": variables }),
        )
    }

    fn check(&self) -> Result<()> {
        let text = self.definition()?;
        let played = self.play(&text)?;
        ensure!(played.problems.is_empty(), "{:#?}", played.problems);
        let denied = played.denied.iter().map(|arn| arn.rsplit(":function:").next().unwrap_or_default());
        assert_eq!(denied.collect::<Vec<_>>(), self.denied);
        let definition: Value = serde_json::from_str(&text)?;
        let states = definition["States"].as_object().context("no states")?;
        let mut all: Vec<&String> = states.keys().collect();
        all.sort_unstable();
        assert_eq!(played.visited.iter().collect::<Vec<_>>(), all, "not every state is played");
        assert!(played.expressions > 30, "{}", played.expressions);
        Ok(())
    }
}

/// As a function that changes something answers: `shared/src/outcome.rs`.
fn outcome(decision: &str, code: &str, plan: &Value) -> Value {
    json!({
        "version": 1, "summary": "2 of 2 tasks run", "decision": decision, "code": code, "under_way": false,
        "reason": "asked by hand", "next": null,
        "target": "service/lendpeak2-production/backend", "steps": [],
        "verification": { "verified": true, "what": "2 of 2 tasks run" }, "plan": plan, "observed": {}, "trigger": {},
        "function": "rollback", "environment": "production", "execution_id": "one",
        "at": "2026-11-24T14:00:00Z", "duration_ms": 5,
    })
}

fn service_down(template: &Template) -> Result<Game> {
    let finding = json!({
        "cause": "release_broke_it", "confidence": "certain", "impact": "down", "what": "/health answers 500",
        "since": "2026-11-24T13:50:00Z", "support_level": 2,
        "evidence": [{ "what": "5xx", "value": "40 %", "threshold": "5 %", "at": null, "source": "CloudWatch, ALB" }],
        "remedy": { "what": "go back", "function": "rollback", "send": { "to": "previous" } },
    });
    let remedy = |function: &String| json!({ "do": "remedy", "function": function, "request": { "to": "previous" }, "reason": "likely" });
    // One that people alone may use: the machine makes an ARN of that name too, and its role does not allow it.
    let unknown = "write-freeze".to_owned();
    let remedies: Vec<Value> = chosen(template)?.keys().chain([&unknown]).map(remedy).collect();
    let to_do = |what: &[&str]| what.iter().map(|what| json!({ "do": what })).collect::<Vec<_>>();
    let decide = [remedies, to_do(&["wait", "hand_over"])].concat();
    let again = vec![json!({ "do": "again", "seconds": 30 })];
    let did = [to_do(&["verify", "next", "look", "hand_over", "approval", "wait"]), again].concat();
    Ok(Game {
        machine: "ServiceDown",
        inputs: json!([{}, { "incident": "20261124-140000-service-down" }]),
        answers: json!({
            "Take": [
                { "incident": "20261124-140000-service-down", "ours": true, "look_first": true },
                { "incident": "20261124-140000-service-down", "ours": true, "look_first": false },
                { "incident": "20261124-140000-service-down", "ours": false, "look_first": true },
            ],
            "Probe": [
                { "healthy": true, "summary": "All checks pass." },
                { "healthy": false, "summary": "3 of 6 checks failed (health, health-db, health-redis)" },
            ],
            "Diagnose": [
                {
                    "summary": "the release broke it", "text": ["Likely: the release broke it", "Next (level 2): go back"],
                    "not_seen": [{ "source": "the log", "why": "AccessDenied" }], "findings": [finding],
                },
                { "summary": "nothing found", "text": [], "not_seen": [], "findings": [] },
            ],
            "Decide": decide,
            "Remedy": [outcome("applied", "applied", &json!({ "actions": [] }))],
            "Did": did,
            "Approval": to_do(&["verify", "wait", "next", "look", "hand_over", "again"]),
            "Recovered": to_do(&["done"]),
            "HandOver": to_do(&["done"]),
        }),
        denied: &["lendpeak2-production-write-freeze"],
    })
}

fn snapshot_restore() -> Game {
    let restore = "lendpeak2-production-restore-20261124140000";
    let plan = json!({ "actions": [{ "create_cluster": { "id": restore } }], "skipped": null });
    let nothing = json!({ "actions": [], "skipped": "not_allowed" });
    Game {
        machine: "SnapshotRestoreSteps",
        inputs: json!([{}, { "snapshot": "latest", "reason": "negative loans" }, { "continue": restore }]),
        answers: json!({
            "Ask": [
                outcome("awaiting_approval", "approval_pending", &plan),
                outcome("observed", "observed", &plan),
                outcome("applied", "applied", &plan),
                outcome("refused", "not_allowed", &nothing),
                outcome("nothing_to_do", "list", &nothing),
            ],
            "Continue": [
                outcome("applied", "applied", &nothing),
                outcome("nothing_to_do", "cluster_creating", &nothing),
                outcome("nothing_to_do", "handed_over", &nothing),
                outcome("refused", "kill_switch", &nothing),
            ],
            "Report": [outcome("nothing_to_do", "reported", &nothing)],
        }),
        denied: &[],
    }
}

/// What the state machines themselves tell people, each with a name: the first word that is known, and the last.
pub(crate) fn told() -> Result<Vec<(&'static str, Value)>> {
    let template = Template::read()?;
    let failed = json!({ "error": "Lambda.TooManyRequestsException", "reason": "Rate Exceeded. <!channel> https://a.b" });
    let incident = json!({ "incident": "20261124-140000-service-down" });
    let stopped = json!({ "code": "failed", "reason": "AccessDenied" });
    let restore = json!({ "id": "lendpeak2-production-restore-20261124140000" });
    Ok(vec![
        ("nobody handles it", service_down(&template)?.handed("Tell", &failed, &incident)?),
        (
            "nobody handles it, in plain words",
            service_down(&template)?.handed("TellPlainly", &failed, &incident)?,
        ),
        ("restore stopped", snapshot_restore().handed("Tell", &stopped, &restore)?),
        ("restore stopped, in plain words", snapshot_restore().handed("TellPlainly", &stopped, &restore)?),
    ])
}

#[test]
fn service_down_ends_in_every_way_that_its_functions_may_answer() -> Result<()> {
    service_down(&Template::read()?)?.check()
}

#[test]
fn snapshot_restore_ends_in_every_way_that_its_function_may_answer() -> Result<()> {
    snapshot_restore().check()
}

/// What these checks are worth.
#[test]
fn an_expression_that_fails_where_nothing_catches_it_is_found() -> Result<()> {
    let game = snapshot_restore();
    let text = game.definition()?;
    for (was, is, expected) in [
        (
            "$exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : ''",
            "$states.errorOutput.Cause",
            "no result",
        ),
        ("$states.input.decision = 'observed'", "$states.input.decision", "Condition is"),
        ("$number('1')", "'1'", "Seconds is"),
        ("$id = ''", "$id = ", "does not parse"),
        ("$string($states.input.code)", "$states.input.code", "Error is null"),
    ] {
        let broken = text.replace(was, is);
        assert_ne!(broken, text, "{was}");
        let problems = game.play(&broken)?.problems;
        let is_found = problems.iter().any(|problem| problem.contains(expected));
        assert!(is_found, "{is}: {problems:?}");
    }
    Ok(())
}
