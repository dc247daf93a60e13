//! What no version can read: it stops nothing else, harms nobody, and people are told once which item it is.

use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use sandbox::{
    gateway::{Fault, Rule},
    runtime_api::Answer,
    stack::{SHORT_DEADLINE, TARGET, outcome, tick},
};
use serde_json::json;

use super::{
    Findings, Test, decisions,
    fixture::{Fixture, Ledger, cpu_alarm, request},
    follow_ups::text,
    items::{self, Item, Named},
};

fn of_service() -> String {
    format!("target#{TARGET}")
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_is_replaced_and_told_once() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for claim in items::broken("claim")? {
        findings.add(&claim.place, replaced(&fixture, "scale-up", &claim).await);
    }
    let torn = items::broken("claim")?.into_iter().find(|claim| claim.name == "data that is no JSON");
    let torn = torn.context("no claim that is no JSON")?;
    for remedy in ["rollback", "restart", "write-freeze"] {
        let mut claim = torn.clone();
        claim.item.insert("sk".to_owned(), json!(remedy));
        findings.add(&format!("{} of {remedy}", claim.place), replaced(&fixture, remedy, &claim).await);
    }
    findings.none()
}

async fn replaced(fixture: &Fixture, remedy: &str, claim: &Named) -> Test {
    let ledger = fixture.with(&[&claim.item]).await?;
    ledger.ask(remedy, &tick()).await?;
    ledger.answers(remedy, &request(remedy)?, "applied applied").await?;
    ledger.ask(remedy, &tick()).await?;
    // What a dead run was at, or the item itself.
    let run = ledger.told_of(&["5f3c1a2e-6d0b-4b7e-9d52-0c6a3f1e8b90"]);
    let told = ledger.told_of(&[&of_service(), remedy]).max(run);
    // Without its version, the rest can be read all the same.
    let at_least = usize::from(!claim.name.contains("version"));
    ensure!((at_least..=1).contains(&told), "told {told} times: {:#?}", ledger.told());
    let now = ledger.item(&of_service(), remedy).await?.context("there is no claim")?;
    ensure!(now["version"].is_number() && now["data"].to_string().contains("claimed_at"), "{now:#}");
    if remedy == "scale-up" {
        // From here on it is remembered.
        ledger.answers(remedy, &cpu_alarm(Timestamp::now()), "refused cooldown").await?;
    }
    Ok(())
}

/// Somebody writes a claim that can be read between the look and the claim: that one holds.
#[tokio::test]
async fn a_claim_that_could_not_be_read_and_is_another_by_now_is_not_replaced() -> Test {
    let fixture = Fixture::start().await?;
    let torn = items::broken("claim")?.into_iter().find(|claim| claim.name == "data that is no JSON");
    let torn = torn.context("no claim that is no JSON")?;
    let alive =
        items::all("claim")?.into_iter().find(|claim| claim.place == "claim/3f5faf5, scale-up, alive");
    let alive = alive.context("no claim that is alive")?;
    let ledger = fixture.with(&[&torn.item]).await?;
    let function = ledger.function("scale-up").await?;
    // The first try is lost on its way, and the other one is written meanwhile.
    let late = Duration::from_secs(2);
    let fault = Rule::new("dynamodb", "TransactWriteItems", Fault::Timeout(late)).of("scale-up").at(1);
    fixture.sandbox.gateway.faults().add(fault);
    let event = request("scale-up")?;
    let asked = outcome(&function, &event);
    let written = async {
        tokio::time::sleep(late / 2).await;
        ledger.put(&alive.item).await
    };
    let (answer, written) = tokio::join!(asked, written);
    written?;
    let decided = decisions(&answer?);
    ensure!(decided == ["refused claimed_by_another"], "{decided:?}");
    ensure!(ledger.calls("ecs UpdateService") == 0, "it acted");
    Ok(())
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_is_told_also_where_the_run_dies_that_replaced_it() -> Test {
    let fixture = Fixture::start().await?;
    let torn = items::broken("claim")?.into_iter().find(|claim| claim.name == "data that is no JSON");
    let torn = torn.context("no claim that is no JSON")?;
    let ledger = fixture.with(&[&torn.item]).await?;
    fixture
        .sandbox
        .gateway
        .faults()
        .add(Rule::new("ecs", "UpdateService", Fault::HangBefore).of("scale-up").at(1));
    let doomed = ledger.function("scale-up").await?;
    let ended = doomed.invoke(request("scale-up")?.to_string(), SHORT_DEADLINE).await;
    doomed.kill().await;
    ensure!(!matches!(ended, Answer::Ok(_)), "it did not die: {ended:?}");
    ledger.answers("scale-up", &tick(), "applied applied").await?;
    ledger.ask("scale-up", &tick()).await?;
    let told = ledger.told_of(&[&of_service(), "scale-up"]);
    ensure!(told == 1, "told {told} times: {:#?}", ledger.told());
    Ok(())
}

#[tokio::test]
async fn a_follow_up_that_cannot_be_read_is_left_out_and_told_once() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for follow_up in items::broken("follow-up")? {
        let (remedy, _) = follow_up.name.split_once(", ").context("no remedy")?;
        let left_out = async {
            let ledger = fixture.with(&[&follow_up.item]).await?;
            ledger.ask(remedy, &tick()).await?;
            ledger.ask(remedy, &tick()).await?;
            ledger.answers(remedy, &request(remedy)?, "applied applied").await?;
            let told = ledger.told_of(&[&text(&follow_up, "pk"), &text(&follow_up, "sk")]);
            ensure!(told == 1, "told {told} times: {:#?}", ledger.told());
            Ok(())
        };
        findings.add(&follow_up.place, left_out.await);
    }
    findings.none()
}

/// A deployment is under way: the freeze has to wait, and the note of that takes the place of what nobody can read.
#[tokio::test]
async fn a_follow_up_that_cannot_be_read_keeps_no_freeze_from_waiting() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for follow_up in
        items::broken("follow-up")?.into_iter().filter(|item| item.name.starts_with("write-freeze"))
    {
        let waits = async {
            let ledger = fixture.with(&[&follow_up.item]).await?;
            fixture.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(3));
            let deployed = deploy(&fixture, &fixture.good).await;
            let asked = ledger
                .answers("write-freeze", &request("write-freeze")?, "refused deployment_in_progress")
                .await;
            fixture.sandbox.gateway.ecs().set_rollout_time(Duration::ZERO);
            deployed.and(asked.map(drop))?;
            let noted =
                ledger.item(&of_service(), "write-freeze#follow-up").await?.context("it is not noted")?;
            ensure!(noted["data"].to_string().contains("loans are negative"), "{noted:#}");
            Ok(())
        };
        findings.add(&follow_up.place, waits.await);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    findings.none()
}

#[tokio::test]
async fn a_holder_without_a_lease_holds_nothing() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for holder in items::broken("holder")? {
        let acts = async {
            let ledger = fixture.with(&[&holder.item]).await?;
            ledger.answers("scale-up", &request("scale-up")?, "applied applied").await?;
            ensure!(ledger.item(&of_service(), "holder").await?.is_none(), "it holds still");
            Ok(())
        };
        findings.add(&holder.place, acts.await);
    }
    findings.none()
}

#[tokio::test]
async fn a_freeze_that_cannot_be_read_counts_as_one_for_who_would_end_it() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for freeze in items::broken("freeze")? {
        findings.add(&format!("{}, others", freeze.place), others_act(&fixture, &freeze.item).await);
        findings.add(&format!("{}, rollback", freeze.place), stays_frozen(&fixture, &freeze.item).await);
        findings
            .add(&format!("{}, write-freeze", freeze.place), frozen_and_ended(&fixture, &freeze.item).await);
    }
    findings.none()
}

async fn others_act(fixture: &Fixture, freeze: &Item) -> Test {
    let ledger = fixture.with(&[freeze]).await?;
    for remedy in ["scale-up", "restart"] {
        ledger.answers(remedy, &request(remedy)?, "applied applied").await?;
    }
    for remedy in ["write-freeze", "scale-up", "rollback", "write-freeze"] {
        ledger.ask(remedy, &tick()).await?;
    }
    let told = ledger.told_of(&[&of_service(), "freeze"]);
    ensure!(told == 1, "told {told} times: {:#?}", ledger.told());
    Ok(())
}

/// To go back to a release without the variable would let writes through.
async fn stays_frozen(fixture: &Fixture, freeze: &Item) -> Test {
    let ledger = fixture.with(&[freeze]).await?;
    let before = fixture.sandbox.runs().await?;
    let answer = ledger.ask("rollback", &request("rollback")?).await?;
    let runs = fixture.sandbox.runs().await?;
    let refused = decisions(&answer).iter().all(|decision| decision.starts_with("refused")) && runs == before;
    ensure!(
        refused || fixture.is_frozen().await?,
        "{} and {runs} runs: {}",
        decisions(&answer).join(" and "),
        answer["reason"]
    );
    ensure!(!refused || !answer["next"].is_null(), "nobody is told what to do: {answer:#}");
    Ok(())
}

async fn frozen_and_ended(fixture: &Fixture, freeze: &Item) -> Test {
    let ledger = fixture.with(&[freeze]).await?;
    ledger
        .answers("write-freeze", &json!({ "state": "on", "reason": "loans are negative" }), "applied applied")
        .await?;
    ensure!(fixture.is_frozen().await?, "writes go through");
    let noted = ledger.item(&of_service(), "freeze").await?.context("it is not noted")?;
    let since: Timestamp = noted["since"].as_str().context("since when?")?.parse()?;
    ensure!(since <= Timestamp::now() && noted["variable"] == "READONLY_MODE", "{noted:#}");
    ledger.answers("write-freeze", &json!({ "state": "off" }), "applied applied").await?;
    ensure!(
        !fixture.is_frozen().await? && ledger.item(&of_service(), "freeze").await?.is_none(),
        "it has not ended"
    );

    let ledger = fixture.with(&[freeze]).await?;
    ledger.ask("write-freeze", &json!({ "state": "off" })).await?;
    ensure!(ledger.item(&of_service(), "freeze").await?.is_none(), "it has not ended");
    Ok(())
}

#[tokio::test]
async fn an_event_whose_answer_cannot_be_read_is_answered_all_the_same() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for answer in items::broken("event")? {
        let once = async {
            let ledger = fixture.with(&[&answer.item]).await?;
            ledger.ask("scale-up", &ledger.cpu_alarm_of_then()).await?;
            ensure!(ledger.calls("ecs UpdateService") == 0, "it acted again");
            ledger.answers("scale-up", &cpu_alarm(Timestamp::now()), "applied applied").await.map(drop)
        };
        findings.add(&answer.place, once.await);
    }
    findings.none()
}

#[tokio::test]
async fn an_approval_that_cannot_be_read_approves_nothing_and_is_refused() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for approval in items::broken("approval")? {
        let refused = async {
            let ledger = fixture.with(&[&approval.item]).await?;
            let answer = ledger.ask("scale-up", &json!({ "approve": text(&approval, "sk") })).await?;
            ensure!(answer["decision"] == "refused" && !answer["next"].is_null(), "{answer:#}");
            ensure!(ledger.calls("ecs UpdateService") == 0, "it acted");
            ledger.answers("scale-up", &request("scale-up")?, "applied applied").await.map(drop)
        };
        findings.add(&approval.place, refused.await);
    }
    findings.none()
}

#[tokio::test]
async fn what_cannot_be_read_of_a_release_makes_it_none_to_go_back_to() -> Test {
    let fixture = Fixture::start().await?;
    let third = fixture.sandbox.release(&[]).await?;
    let mut findings = Findings::default();
    for release in items::broken("release")? {
        let goes_past = async {
            let ledger = fixture.with(&[&release.item]).await?;
            deploy(&fixture, &third).await?;
            ledger.answers("rollback", &request("rollback")?, "applied applied").await?;
            let runs = fixture.sandbox.runs().await?;
            ensure!(runs == fixture.good, "{runs} runs, not {}", fixture.good);
            Ok(())
        };
        findings.add(&release.place, goes_past.await);
    }
    findings.none()
}

async fn deploy(fixture: &Fixture, release: &str) -> Test {
    let update =
        fixture.sandbox.clients.ecs.update_service().cluster("lendpeak2-production").service("backend");
    update.task_definition(release).send().await?;
    Ok(())
}

/// All at once, with what can be read beside it.
#[tokio::test]
async fn a_target_with_nothing_but_unreadable_items_is_acted_on() -> Test {
    let fixture = Fixture::start().await?;
    let mut worst: Vec<Named> = Vec::new();
    for (kind, name) in [
        ("claim", "data that is no JSON"),
        ("follow-up", "scale-up, data that is no JSON"),
        ("holder", "nothing"),
        ("freeze", "nothing"),
    ] {
        let found = items::broken(kind)?.into_iter().find(|item| item.name == name);
        worst.push(found.with_context(|| format!("no {kind} that is {name}"))?);
    }
    let ledger = fixture.with(&worst.iter().map(|named| &named.item).collect::<Vec<_>>()).await?;
    ledger.ask("scale-up", &tick()).await?;
    ledger.answers("scale-up", &request("scale-up")?, "applied applied").await?;
    ensure!(fixture.sandbox.desired_count().await? == 4, "it did not act");
    each_is_told_once(&ledger, &["scale-up", "scale-up#follow-up", "freeze"])
}

fn each_is_told_once(ledger: &Ledger<'_>, keys: &[&str]) -> Test {
    let told = ledger.told();
    for key in keys {
        // Of `scale-up` and `scale-up#follow-up`, each by itself.
        let item = format!("{} / {key}", of_service());
        let names_it = |notice: &&String| notice.split(&item).skip(1).any(|rest| !rest.starts_with('#'));
        let times = told.iter().filter(names_it).count();
        ensure!(times == 1, "{item} is told {times} times: {told:#?}");
    }
    Ok(())
}
