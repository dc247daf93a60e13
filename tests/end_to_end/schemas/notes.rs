//! Everything else that earlier runs left for later ones: holders, freezes, answers, approvals, releases, kill switches.

use anyhow::{Context, ensure};
use sandbox::stack::{delivered, tick};
use serde_json::{Value, json};

use super::{
    Findings, Test,
    fixture::{self, Fixture, cpu_alarm, request},
    follow_ups::text,
    items::{self, Item, Named},
};

fn named(kind: &str, name: &str) -> anyhow::Result<Vec<Named>> {
    let found: Vec<Named> = items::all(kind)?.into_iter().filter(|item| item.name == name).collect();
    ensure!(!found.is_empty(), "no item of {kind} is {name}");
    Ok(found)
}

#[tokio::test]
async fn holders_answers_approvals_and_kill_switches_of_every_age_are_heeded() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for holder in items::all("holder")? {
        let expected =
            if holder.name == "dead" { "applied applied" } else { "refused held_by_another_remedy" };
        findings.add(&holder.place, scale_up(&fixture, &holder, expected).await);
    }
    for switch in items::all("kill-switch")? {
        findings.add(&switch.place, scale_up(&fixture, &switch, "refused kill_switch").await);
    }
    for answered in items::all("event")? {
        let again = async {
            let ledger = fixture.with(&[&answered.item]).await?;
            ledger.answers("scale-up", &ledger.cpu_alarm_of_then(), "replayed applied").await?;
            ensure!(ledger.calls("ecs UpdateService") == 0, "it acted again");
            Ok(())
        };
        findings.add(&answered.place, again.await);
    }
    for approval in items::all("approval")? {
        let expected = match approval.name.as_str() {
            "used" => "refused approval_used",
            "expired" => "refused approval_expired",
            _ => "refused plan_changed",
        };
        let approve = async {
            let ledger = fixture.with(&[&approval.item]).await?;
            let id = approval.item["data"]["id"].clone();
            ledger.answers("scale-up", &json!({ "approve": id }), expected).await?;
            ensure!(ledger.calls("ecs UpdateService") == 0, "it acted");
            Ok(())
        };
        findings.add(&approval.place, approve.await);
    }
    findings.none()
}

#[tokio::test]
async fn what_is_owed_to_people_is_told_by_whoever_runs_next_and_once() -> Test {
    let fixture = Fixture::start().await?;
    for owed in items::all("owed")? {
        let ledger = fixture.with(&[&owed.item]).await?;
        ledger.ask("scale-up", &tick()).await?;
        ledger.ask("restart", &tick()).await?;
        let words = match owed.name.as_str() {
            "of a plan that expired" => "Plan 0a1b2c3d4e5f60 has expired at",
            _ => "set the desired count of backend to 3: done",
        };
        let told = ledger.told_of(&[words]);
        ensure!(told == 1, "{} was told {told} times", owed.place);
        ensure!(ledger.all().await?.iter().all(|item| item["pk"] != "owed"), "{} is still owed", owed.place);
    }
    for refused in items::all("refused")? {
        let ledger = fixture.with(&[&refused.item]).await?;
        ledger.answers("scale-up", &request("scale-up")?, "applied applied").await?;
        ledger.answers("scale-up", &fixture::alarm("scale-up")?, "refused cooldown").await?;
        // The last one before that was of the target, and is not read any more.
        let again = usize::from(refused.item["pk"] != "event#scale-up");
        let told = ledger.told_of(&["scale-up refused"]);
        ensure!(told == again, "{} was told {told} times", refused.place);
    }
    Ok(())
}

/// What people said over the queue, and what each message came to.
#[tokio::test]
async fn votes_of_every_age_count_and_a_message_is_answered_as_it_was() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for plan in named("approval", "open, with a vote")? {
        let counted = async {
            let ledger = fixture.with(&[&plan.item]).await?;
            let body = format!("approve:{}", plan.item["data"]["id"].as_str().context("no id")?);
            let second = delivered("m-2", "Ops.bob@example.com", &body);
            let answer = ledger.answers("incident", &second, "applied approved").await?;
            let by = "approved by alice@example.com and bob@example.com";
            ensure!(answer["summary"].as_str().is_some_and(|summary| summary.contains(by)), "{answer:#}");
            Ok(())
        };
        findings.add(&plan.place, counted.await);
    }
    for answered in items::all("answers")? {
        let again = async {
            let ledger = fixture.with(&[&answered.item]).await?;
            let mut expected: Value =
                serde_json::from_str(&ledger.filled(&answered.item["data"].to_string()).await?)?;
            // An answer has its times to the second.
            let second = expected["sent_at"].as_str().and_then(|at| at.get(.."2026-12-01T10:00:00".len()));
            expected["sent_at"] = json!(format!("{}Z", second.context("no time")?));
            let message =
                delivered(&text(&answered, "sk"), "Ops.alice@example.com", "approve:0a1b2c3d4e5f60");
            let answer = ledger.ask("incident", &message).await?;
            ensure!(answer == expected, "{answer:#}");
            ensure!(ledger.calls("lambda Invoke") == 0, "a remedy was called");
            Ok(())
        };
        findings.add(&answered.place, again.await);
    }
    findings.none()
}

async fn scale_up(fixture: &Fixture, note: &Named, expected: &str) -> Test {
    let ledger = fixture.with(&[&note.item]).await?;
    ledger.answers("scale-up", &request("scale-up")?, expected).await?;
    let acts = usize::from(expected.starts_with("applied"));
    ensure!(ledger.calls("ecs UpdateService") == acts, "UpdateService was called");
    Ok(())
}

#[tokio::test]
async fn a_freeze_of_every_age_is_kept_by_each_remedy_and_ended_by_its_own() -> Test {
    let fixture = Fixture::start().await?;
    for freeze in named("freeze", "frozen")? {
        for remedy in ["restart", "scale-up"] {
            let ledger = fixture.with(&[&freeze.item]).await?;
            let answer = ledger.answers(remedy, &request(remedy)?, "applied applied").await?;
            ensure!(answer["reason"].to_string().contains("writes are frozen since"), "{answer:#}");
        }
        let ledger = fixture.with(&[&freeze.item]).await?;
        ledger.answers("rollback", &request("rollback")?, "applied applied").await?;
        ensure!(fixture.is_frozen().await?, "writes go through after the roll-back");

        let ledger = fixture.with(&[&freeze.item]).await?;
        ledger.answers("write-freeze", &json!({ "state": "off" }), "applied applied").await?;
        ensure!(ledger.item(&text(&freeze, "pk"), "freeze").await?.is_none(), "it is still there");
    }
    Ok(())
}

/// The run that was at it died, and what runs is no copy: writes go through, and a roll-back does not freeze them.
#[tokio::test]
async fn a_freeze_that_did_not_come_about_freezes_nothing() -> Test {
    let fixture = Fixture::start().await?;
    for freeze in named("freeze", "pending")? {
        let ledger = fixture.with(&[&freeze.item]).await?;
        ledger.answers("rollback", &request("rollback")?, "applied applied").await?;
        ensure!(!fixture.is_frozen().await?, "writes are frozen by the roll-back");
    }
    Ok(())
}

#[tokio::test]
async fn what_every_version_noted_of_releases_says_where_rollback_goes() -> Test {
    let fixture = Fixture::start().await?;
    // Of the older two, the newer one would be the choice. It was rolled back from, or is but a frozen copy.
    let third = fixture.sandbox.release(&[]).await?;
    for (commit, schema) in items::of("release")? {
        let notes: Vec<&Item> = schema.items.values().collect();
        let ledger = fixture.with(&notes).await?;
        let update =
            fixture.sandbox.clients.ecs.update_service().cluster("lendpeak2-production").service("backend");
        update.task_definition(&third).send().await.context("cannot deploy")?;
        ledger.answers("rollback", &request("rollback")?, "applied applied").await?;
        let runs = fixture.sandbox.runs().await?;
        ensure!(runs == fixture.good, "{commit}: {runs} runs, not {}", fixture.good);
    }
    Ok(())
}

#[tokio::test]
async fn an_alarm_answered_by_no_item_acts() -> Test {
    let fixture = Fixture::start().await?;
    let ledger = fixture.with(&[]).await?;
    ledger.answers("scale-up", &cpu_alarm(jiff::Timestamp::now()), "applied applied").await.map(drop)
}
