//! Notices as people get them: an e-mail, a chat message, an SMS and a page of each kind, in `tests/notices/`, to be read
//! in a review.

use std::{collections::BTreeMap, fmt::Write, fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use diagnose::{
    chapter::Chapter,
    evidence::Evidence,
    judge,
    report::{Format, facts, told},
};
use incident::{
    codes,
    incident::{Attempt, Incident, NoticeKind, Owner, Remedy, SERVICE_DOWN, Severity},
    notice::{Deployment, WaitingPlan, kill_switch, maintenance, notice, promised, set_in_words},
    status::maintenance::Window,
};
use jiff::{SignedDuration, Timestamp};
use sandbox::{cases, workspace};
use serde_json::{Map, Value, json};
use shared::{
    diagnosis::{Confidence, Diagnosis, Finding, Impact, Sent},
    ledger::{
        Switch,
        items::{Item, string},
    },
    notice::{Notice, Page, expired, unreadable},
    outcome::{Next, Outcome},
    settings::Mode,
    status::Level,
};
use status_page::{Id, Public};

use crate::{buttons::buttons, template};

const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/lendpeak2-production-approvals";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices";
const PAGER: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-pager";

fn at(minutes: i64) -> Result<Timestamp> {
    let began: Timestamp = "2026-11-24T14:00:00Z".parse()?;
    Ok(began + SignedDuration::from_mins(minutes))
}

fn deployment() -> Deployment {
    Deployment {
        environment: "production".to_owned(),
        function: "lendpeak2-production-incident".to_owned(),
        acknowledge_within: [Duration::from_mins(15), Duration::from_mins(30)],
        remedies: [("rollback".to_owned(), Mode::Auto), ("scale-up".to_owned(), Mode::Auto)].into(),
        switches: Vec::new(),
        plans: Vec::new(),
        named_approvers: false,
        unreached: Vec::new(),
    }
}

fn incident() -> Result<Incident> {
    let mut incident =
        Incident::new(SERVICE_DOWN, "Service down".to_owned(), Severity::Critical, at(-2)?, at(0)?);
    incident.owner = Owner::MachineRequested { since: at(0)? };
    Ok(incident)
}

fn found() -> Result<Finding> {
    let what = "release backend:12 answers 500 to 40 % of the requests";
    let finding = Finding::new(Confidence::Certain, Impact::Down, what)
        .since(Some(at(-2)?))
        .next(Level::Development, "Roll back to backend:11")
        .send(Sent { function: "rollback".into(), request: json!({ "to": "previous" }) });
    Ok(Finding { cause: "bad_release".into(), ..finding })
}

fn tried(function: &str, decision: &str) -> Result<Attempt> {
    let cause = "bad_release".to_owned();
    let remedy = Remedy { function: function.to_owned(), request: json!({}), cause };
    Ok(Attempt { decision: Some(decision.to_owned().into()), ..Attempt::new(remedy, at(1)?) })
}

/// An incident's notice and page.
fn of_incident(
    incident: &Incident,
    kind: &NoticeKind,
    deployment: &Deployment,
    minutes: i64,
) -> Result<String> {
    let told = notice(incident, kind, deployment, at(minutes)?);
    let page = told.page(PAGER);
    shown(&Notice::new(TOPIC, told.facts).with_buttons(Some(QUEUE)), page.as_ref())
}

/// A remedy's notice.
fn of_outcome(change: &Value, what: &str) -> Result<String> {
    shown(&Notice::of(&outcome(change)?, TOPIC, what).with_buttons(Some(QUEUE)), None)
}

/// The notice that nobody has decided about a plan.
fn of_expired() -> Result<String> {
    let next =
        Next::development("look whether it is still needed (`lendpeak2 health`), and ask for it again");
    let next = next.send(json!({ "reason": "memory grows", "by": "dan" }));
    let next = next.addressed("production", "scale-up");
    let would = "set the desired count of backend to 4 (asked by dan: memory grows)";
    let asked = outcome(&json!({ "decision": "awaiting_approval" }))?;
    let facts = expired(&asked, "backend: 2 → 4 tasks", "499484d277f1", at(30)?, would, &next);
    shown(&Notice::new(TOPIC, facts), None)
}

fn outcome(change: &Value) -> Result<Outcome> {
    let alarm =
        json!({ "name": "ecs-cpu", "arn": "arn", "state": "ALARM", "reason": "crossed", "metrics": [] });
    let written = json!({
        "summary": "backend: 2 → 4 tasks, all run; alarm ecs-cpu", "decision": "applied",
        "code": "applied", "next": null, "reason": "alarm ecs-cpu rang, and 2 tasks run as they should",
        "target": "service/lendpeak2-production/backend",
        "steps": [{ "action": "set the desired count of backend to 4", "result": "done" }],
        "verification": { "verified": true, "what": "all run" }, "function": "scale-up",
        "environment": "production", "execution_id": "run-1", "at": "2026-11-24T14:00:00.123Z", "duration_ms": 1,
        "version": 1, "plan": null, "observed": null,
        "trigger": { "id": "a", "at": "2026-11-24T14:00:00Z", "kind": { "alarm": alarm } },
    });
    let (mut written, change) = (object(written)?, object(change.clone())?);
    written.extend(change);
    Ok(serde_json::from_value(Value::Object(written))?)
}

/// The notice that a kill switch was set, or lifted while another is on.
fn of_kill_switch(is_lifted: bool) -> Result<String> {
    let now = at(0)?;
    let item = [("sk", "rollback"), ("by", "Ana"), ("reason", "a migration is under way")];
    let item = item.map(|(name, value)| (name.to_owned(), string(value)));
    let mut item: Item = item.into();
    item.insert("at".to_owned(), string(now.to_string()));
    item.insert("until".to_owned(), string(at(120)?.to_string()));
    let switch = Switch::of(&item, &["rollback".to_owned()]);
    let own = deployment();
    let set = set_in_words(&switch, now);
    let (did, what, names) = if is_lifted {
        (&codes::LIFTED, "the kill switch `all` is lifted, by Ana", ["all".to_owned()])
    } else {
        (&codes::STOPPED, set.as_str(), ["rollback".to_owned()])
    };
    let facts = kill_switch(did, what, &names, &[switch], &own.environment, &own.function);
    shown(&Notice::new(TOPIC, facts), None)
}

/// The notices about announced work, and about a word that customers were promised.
fn of_customers() -> Result<[(&'static str, String); 2]> {
    let text = |text| Public::typed(text).context("no text");
    let window = Window {
        id: Id::of("20261124-1400-database-upgrade").context("no id")?,
        title: text("Database upgrade")?,
        text: None,
        components: vec![Id::of("api").context("no id")?],
        announced_at: at(-60)?,
        from: at(0)?,
        until: at(60)?,
        ended_at: None,
        by: "Ana".to_owned(),
        held: [].into(),
        version: 0,
    };
    let announced = maintenance("production", "announced", &window, at(-60)?);
    let mut owned = incident()?;
    owned.assignee = Some("Ana".to_owned());
    let promised = promised("production", &owned, at(30)?);
    Ok([
        ("maintenance announced", shown(&Notice::new(TOPIC, announced), None)?),
        ("customers wait", shown(&Notice::new(TOPIC, promised), None)?),
    ])
}

/// The notice about an item of the ledger that a function cannot read.
fn of_unreadable(function: &str, item: [&str; 2], why: &str) -> Result<String> {
    let facts = unreadable("production", function, item, why, "lendpeak2-production-ledger");
    shown(&Notice::new(TOPIC, facts), None)
}

/// What `diagnose` tells whoever an alarm wakes: of the first case of a release that answers 500.
fn of_diagnosis() -> Result<String> {
    let file = cases::read(&cases::folder().join("service-down/release_broke_it.json"))?;
    let case = file.cases.first().context("there is no case")?;
    let evidence: Evidence = cases::evidence(&case.evidence)?;
    let report = Diagnosis {
        findings: judge(&evidence, &Chapter::ALL),
        chapters: Chapter::ALL.to_vec(),
        looked_at: vec!["the service".into(), "the load balancer".into()],
        environment: "production".to_owned(),
        at: evidence.at,
        ..Diagnosis::default()
    };
    shown(&Notice::new(TOPIC, facts(&told(report, Format::Text))), None)
}

fn object(value: Value) -> Result<Map<String, Value>> {
    Ok(serde_json::from_value(value)?)
}

/// Each body as whoever gets it reads it.
fn shown(notice: &Notice, page: Option<&Page>) -> Result<String> {
    let bodies: BTreeMap<String, String> = serde_json::from_str(&notice.bodies())?;
    ensure!(bodies.get("default") == Some(&notice.message), "a queue gets the text");
    let mut shown = by_protocol(&notice.subject, &bodies)?;
    if let Some(Page { subject, message }) = page {
        let mut page: Map<String, Value> = serde_json::from_str(message)?;
        let text = page.insert("AlarmDescription".to_owned(), json!("<the text>"));
        ensure!(text == Some(json!(notice.message)), "a pager shows the text");
        let page = Value::Object(page);
        writeln!(shown, "\n--- Page\nSubject: {subject}\n\n{page:#}")?;
    }
    Ok(shown)
}

/// What a state machine hands to SNS.
fn of_machine(handed: &Value) -> Result<String> {
    let text = |name: &str| handed.get(name).and_then(Value::as_str).with_context(|| name.to_owned());
    by_protocol(text("Subject")?, &serde_json::from_str(text("Message")?)?)
}

fn by_protocol(subject: &str, bodies: &BTreeMap<String, String>) -> Result<String> {
    let body = |protocol: &str| bodies.get(protocol).context(protocol.to_owned());
    ensure!(body("http")? == body("https")?, "two protocols, one body");
    let chat: Value = serde_json::from_str(body("https")?)?;
    let at = |pointer: &str| chat.pointer(pointer);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let steps = at("/content/nextSteps").and_then(Value::as_array).into_iter().flatten();
    let steps: Vec<String> = steps.map(|step| format!("- {}", text(Some(step)))).collect();
    let fields = at("/metadata/additionalContext").and_then(Value::as_object).context("no context")?;
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", text(Some(value)))).collect();
    let buttons = buttons(&chat)?.into_iter().map(|button| format!("[{}] {}\n", button.text, button.command));
    let buttons: Vec<String> = buttons.collect();
    Ok(format!(
        "--- E-mail\nSubject: {}\n\n{}\n\n--- Chat, thread {}\n{}\n\n{}\n\nNext steps\n{}\n\nFor buttons: {}\n{}\n--- SMS\n{}\n",
        subject,
        body("email")?,
        at("/metadata/threadId").and_then(Value::as_str).unwrap_or("of its own"),
        text(at("/content/title")),
        text(at("/content/description")),
        steps.join("\n"),
        fields.join(", "),
        buttons.concat(),
        body("sms")?,
    ))
}

fn all() -> Result<Vec<(&'static str, String)>> {
    let own = deployment();
    let open = incident()?;
    let mut back = open.clone();
    (back.reopened, back.first_began_at) = (1, Some(at(-30)?));
    let mut worse = open.clone();
    worse.found = Some(found()?);
    let mut waiting = open.clone();
    (waiting.found, waiting.owner) = (
        Some(found()?),
        Owner::StateMachine {
            execution:
                "arn:aws:states:us-east-1:123456789012:execution:lendpeak2-production-service-down:one"
                    .to_owned(),
            since: at(0)?,
        },
    );
    let plans = vec![WaitingPlan { function: "rollback".to_owned(), id: "499484d277f1".to_owned() }];
    let remedies = [("rollback".to_owned(), Mode::Approve)].into();
    let asks = Deployment { plans, remedies, ..own.clone() };
    let mut escalated = open.clone();
    escalated.found = Some(found()?);
    escalated.attempts = vec![tried("scale-up", "applied")?, tried("rollback", "refused")?];
    escalated.hand_over(at(6)?, 2, "two remedies did not help".to_owned());
    let mut passes = open.clone();
    (passes.by_person, passes.severity) = (true, Severity::High);
    passes.probe_passes(at(3)?, "the probe passed twice".to_owned());
    let mut resolved = open.clone();
    resolved.attempts = vec![tried("rollback", "applied")?];
    resolved.acted_at = Some(at(1)?);
    resolved.resolve(at(4)?, "the probe passed twice after rollback".to_owned());
    let reason = "two remedies did not help".to_owned();
    let worse_kind = NoticeKind::Worse { from: Severity::High };

    let approve = json!({ "what": "approve it within 30 min, or nothing is done", "level": 1,
        "function": "lendpeak2-production-rollback", "send": { "approve": "499484d277f1" } });
    let awaiting = json!({ "function": "rollback", "decision": "awaiting_approval", "code": "approval_needed",
        "summary": "backend: release :3 → :1, if you approve; alarm alb-5xx-rate", "next": approve, "steps": [],
        "reason": "release :3 answers 500", "verification": null,
        "plan": { "details": ["2 tasks are replaced, which takes about 2 min"] } });
    let look = json!({ "what": "look at the service's events", "level": 2, "function": "lendpeak2-production-scale-up" });
    let steps = json!([{ "action": "set the desired count of backend to 4", "result": "failed",
        "error": "cannot update service `backend`: AccessDeniedException" }]);
    let failed = json!({ "decision": "failed", "code": "failed", "summary": "failed: backend: 2 → 4 tasks",
        "steps": steps, "verification": null, "next": look });
    let refused = json!({ "decision": "refused", "code": "at_maximum", "steps": [], "verification": null,
        "summary": "refused: 4 tasks run, and no more are allowed", "reason": "4 tasks run, and no more are allowed",
        "next": { "what": "raise MaximumTasks, or find out what takes so much", "level": 1 } });
    let what = "backend: 2 → 4 tasks";
    let broken = ["incidents", "20261124-140000-service-down"];
    let torn = ["target#service/lendpeak2-production/backend", "scale-up#follow-up"];
    let not_understood =
        "it is a follow-up, due at 2026-11-24 14:30:00 UTC, of a form that scale-up does not know";
    let mut all = vec![
        ("open", of_incident(&open, &NoticeKind::Opened, &own, 0)?),
        ("open, with a plan that waits", of_incident(&waiting, &NoticeKind::Opened, &asks, 1)?),
        ("back again", of_incident(&back, &NoticeKind::Reopened, &own, 0)?),
        ("worse", of_incident(&worse, &worse_kind, &own, 2)?),
        ("escalated", of_incident(&escalated, &NoticeKind::Escalated { reason }, &own, 6)?),
        ("probe passes", of_incident(&passes, &NoticeKind::ProbePasses, &own, 3)?),
        ("resolved", of_incident(&resolved, &NoticeKind::Resolved, &own, 9)?),
        ("applied", of_outcome(&json!({}), what)?),
        ("awaiting approval", of_outcome(&awaiting, "backend: release :3 → :1")?),
        ("failed", of_outcome(&failed, what)?),
        ("refused", of_outcome(&refused, "")?),
        ("kill switch on", of_kill_switch(false)?),
        ("kill switch lifted", of_kill_switch(true)?),
        ("unreadable item", of_unreadable("incident", broken, "missing field `severity`")?),
        ("unreadable item of a remedy", of_unreadable("scale-up", torn, not_understood)?),
        ("expired", of_expired()?),
        ("diagnosis", of_diagnosis()?),
    ];
    all.extend(of_customers()?);
    for (name, handed) in template::told()? {
        all.push((name, of_machine(&handed)?));
    }
    Ok(all)
}

/// What a notice is now lies beside the test binaries, for whoever has changed one on purpose.
#[test]
fn each_kind_of_notice_looks_as_it_is_shown() -> Result<()> {
    let folder = workspace().join("tests/notices");
    let now = Path::new(env!("CARGO_TARGET_TMPDIR")).join("notices");
    fs::create_dir_all(&now)?;
    let mut names = Vec::new();
    let mut wrong = Vec::new();
    for (name, shown) in all()? {
        let file = format!("{}.txt", name.replace(", ", "-").replace(' ', "-"));
        fs::write(now.join(&file), &shown)?;
        let expected = fs::read_to_string(folder.join(&file)).unwrap_or_default();
        if expected != shown {
            wrong.push(format!("{file}, which is now\n{shown}"));
        }
        names.push(file);
    }
    let there = fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut there = there.collect::<Result<Vec<_>>>()?;
    there.sort();
    names.sort();
    ensure!(
        wrong.is_empty(),
        "not as in tests/notices (if that is meant: cp {}/* tests/notices/):\n{}",
        now.display(),
        wrong.join("\n\n")
    );
    ensure!(there == names, "{there:?} is shown, and {names:?} are there");
    Ok(())
}
