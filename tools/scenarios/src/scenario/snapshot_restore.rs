//! `snapshot-restore`: a restore from the question to the cut-over, as a person and the state machine go on with it whatever
//! comes.

use anyhow::{Context, ensure};
use sandbox::Sandbox;
use sandbox::gateway::{self, SECRET, SOURCE};
use sandbox::stack::{outcome, read, tick};
use serde_json::{Value, json};
use shared::outcome::Answer;

use super::{Deliver, Flow, LocalWork, NOTICES, PROBE, Scenario, Work};
use crate::job::{Addresses, Job};
use crate::peer::{Play, Row, text};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::snapshot_restore::SUBJECT,
    settings: &[
        ("NOTICE_TOPIC_ARN", NOTICES),
        ("SOURCE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", SECRET),
        ("COOLDOWN_SECONDS", "0"),
        ("ATTEMPTS_PER_DAY", "100"),
        ("PROBE_FUNCTION", PROBE),
    ],
    make_needed,
    flow: Flow::Whole(whole),
    peer: Some(peer),
    jobs,
};

/// What is restored then has an older password.
fn make_needed(sandbox: &Sandbox) -> Work<'_> {
    Box::pin(sandbox.rotate_password("Xw3-heather-beacon-17"))
}

fn whole(player: &mut dyn Deliver) -> Work<'_> {
    Box::pin(whole_flow(player))
}

/// How often a step is tried that does not do what it should.
const TRIES: usize = 4;
/// More than the steps of a restore.
const STEPS: usize = 40;

async fn whole_flow(player: &mut dyn Deliver) -> anyhow::Result<()> {
    let asked =
        ask(player, &json!({ "snapshot": "latest", "reason": "negative amounts", "verbose": true })).await?;
    let id = part(&asked, "/plan/actions/0/create_cluster/id").as_str().unwrap_or_default().to_owned();
    approve(player, &asked).await?;
    let mut last = String::new();
    for _ in 0..STEPS {
        last = player.send(&json!({ "continue": id })).await?.as_ref().map(read).unwrap_or_default();
        // It died, or what it could not record is held until its lease ends.
        if ["", "refused claimed_by_another"].contains(&last.as_str()) {
            player.let_time_pass().await?;
        }
        if last == "nothing_to_do handed_over" {
            break;
        }
    }
    ensure!(last == "nothing_to_do handed_over", "it is never handed over: {last}");
    for request in [json!({ "set_password_of": id }), json!({ "cut_over": id })] {
        let asked = ask(player, &request).await?;
        approve(player, &asked).await?;
    }
    // What could not be recorded is settled when its lease has ended, and what could not be seen, when it can.
    for _ in 0..2 {
        player.let_time_pass().await?;
        player.send(&tick()).await?;
    }
    Ok(())
}

/// Until it is a question that waits for its answer.
async fn ask(player: &mut dyn Deliver, request: &Value) -> anyhow::Result<Value> {
    for _ in 0..TRIES {
        if let Some(asked) = player.send(request).await?
            && ["awaiting_approval approval_needed", "nothing_to_do approval_pending"]
                .contains(&read(&asked).as_str())
        {
            return Ok(asked);
        }
        player.let_time_pass().await?;
    }
    anyhow::bail!("{request} is never asked about: {}", player.last())
}

/// Until what was approved has been done: by this run, or by a later one that takes it up.
async fn approve(player: &mut dyn Deliver, asked: &Value) -> anyhow::Result<()> {
    let next = Answer::read(asked).next;
    let approval =
        next.and_then(|next| next.send).with_context(|| format!("nothing to approve: {asked:#}"))?;
    for _ in 0..TRIES {
        let answer = player.send(&approval).await?.unwrap_or_default();
        // A run that died with its last word has used the approval, and left nothing to be taken up.
        if ["replayed applied", "refused approval_used"].contains(&read(&answer).as_str())
            || is_applied(&answer)
        {
            return Ok(());
        }
        player.let_time_pass().await?;
        if is_applied(&player.send(&tick()).await?.unwrap_or_default()) {
            return Ok(());
        }
    }
    anyhow::bail!("{approval} is never carried out: {}", player.last())
}

/// By this run, or by what it has taken up.
fn is_applied(answer: &Value) -> bool {
    let is = |outcome: &Value| read(outcome) == "applied applied";
    is(answer) || part(answer, "/outcomes").as_array().is_some_and(|all| all.iter().any(is))
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[], rows).await?;
        let latest = json!({ "snapshot": "latest", "reason": "negative amounts", "verbose": true });
        let actions = play.ask_and_approve("the latest snapshot", &latest).await?;
        let id = text(&actions, "/0/create_cluster/id").to_owned();
        while read(&outcome(&play.process, &json!({ "continue": id })).await?) == "applied applied" {}
        play.ask("step by step to the end", &json!({ "continue": id }), "nothing_to_do handed_over").await?;
        for (case, request, host) in [
            ("a cut-over", "cut_over", gateway::endpoint(&id)),
            ("an undo", "undo", gateway::endpoint(SOURCE)),
            ("a cut-over once more", "cut_over", gateway::endpoint(&id)),
            ("an undo once more", "undo", gateway::endpoint(SOURCE)),
        ] {
            play.ask_and_approve(case, &json!({ request: id })).await?;
            play.row("the secret's host then", host, host_in_secret(play.sandbox()).await?);
        }
        let versions =
            play.sandbox().clients.secrets.list_secret_version_ids().secret_id(SECRET).send().await?;
        play.row("versions of the secret", 2, versions.versions().len());
        Ok(())
    })
}

/// Where the tasks look for the database.
async fn host_in_secret(sandbox: &Sandbox) -> anyhow::Result<String> {
    let secret = sandbox.clients.secrets.get_secret_value().secret_id(SECRET).send().await?;
    let fields: Value = serde_json::from_str(secret.secret_string().unwrap_or_default())?;
    Ok(text(&fields, "/host").to_owned())
}

/// Of a restore's many runs, the one that it has most of and that writes: one more instance. The restore was approved
/// before, so this asks nobody.
fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [
        ("SOURCE_CLUSTER", canned::SOURCE),
        ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("PROBE_FUNCTION", PROBE),
    ];
    let request = json!({ "continue": canned::RESTORE });
    vec![Job::of_remedy(&subject::snapshot_restore::SUBJECT, endpoint, &own, request)]
}

fn part<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}
