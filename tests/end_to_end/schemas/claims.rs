//! Claims: what a run had set out to do, as every version wrote it.

use anyhow::{Context, ensure};
use sandbox::stack::tick;
use serde_json::json;

use super::{
    Findings, Test, decisions,
    fixture::{Fixture, Ledger, alarm, request},
    items::{self, Named},
};

async fn check(remedies: &[&str]) -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    let mut tried = 0;
    for claim in items::all("claim")? {
        let (remedy, state) = claim.name.split_once(", ").context("no state")?;
        if remedies.contains(&remedy) {
            tried += 1;
            findings.add(&claim.place, answers_for(&fixture, &claim, remedy, state).await);
        }
    }
    ensure!(tried >= remedies.len(), "{tried} claims of {remedies:?}");
    findings.none()
}

#[tokio::test]
async fn a_claim_of_every_age_by_scale_up_is_read() -> Test {
    check(&["scale-up"]).await
}

#[tokio::test]
async fn a_claim_of_every_age_by_rollback_or_restart_is_read() -> Test {
    check(&["rollback", "restart"]).await
}

#[tokio::test]
async fn a_claim_of_every_age_by_another_remedy_is_read() -> Test {
    check(&["write-freeze", "cache-invalidation", "snapshot-restore"]).await
}

async fn answers_for(fixture: &Fixture, claim: &Named, remedy: &str, state: &str) -> Test {
    let ledger = fixture.with(&[&claim.item]).await?;
    match state {
        "over" => acts(&ledger, remedy).await,
        "forgotten" => {
            // Too old to be carried out: that is an end of its own, or told with what takes its place.
            ledger.ask(remedy, &tick()).await?;
            asked(&ledger, remedy).await?;
            let told = ledger.told_of(&["5f3c1a2e-6d0b-4b7e-9d52-0c6a3f1e8b90"]);
            // A plan that waits for a person takes no place yet.
            let at_least = usize::from(remedy != "snapshot-restore");
            ensure!((at_least..=1).contains(&told), "told {told} times: {:#?}", ledger.told());
            Ok(())
        }
        "alive" => refuses(&ledger, remedy, "refused claimed_by_another", &request(remedy)?).await,
        "cooling" => refuses(&ledger, remedy, "refused cooldown", &alarm(remedy)?).await,
        "spent" => refuses(&ledger, remedy, "refused budget_spent", &alarm(remedy)?).await,
        putting_back if remedy == "scale-up" && putting_back.starts_with("dead while it put back") => {
            fixture.set_minimum(5).await?;
            ledger.answers(remedy, &tick(), "applied applied").await?;
            ensure!(fixture.minimum() == Some(2), "the minimum is {:?}", fixture.minimum());
            Ok(())
        }
        // The schedule leaves it to whoever asks for it again, and who asks takes its place.
        "dead while it set a password" => {
            let cluster = "lendpeak2-production-restore-20261120101500";
            fixture.sandbox.gateway.docdb().add_cluster(cluster);
            let answer = ledger.ask(remedy, &json!({ "set_password_of": cluster })).await?;
            let decided = decisions(&answer);
            ensure!(decided.first().is_some_and(|first| first == "failed given_up"), "{decided:?}");
            ensure!(ledger.calls("rds ModifyDBCluster") == 0, "it acted");
            Ok(())
        }
        dead if dead.starts_with("dead") => {
            if dead == "dead while it copied settings" {
                fixture.sandbox.gateway.docdb().add_cluster("lendpeak2-production-restore-20261120101500");
            }
            let before = fixture.sandbox.runs().await?;
            let answer = ledger.answers(remedy, &tick(), "applied applied").await?;
            ensure!(answer.to_string().contains("finished what run"), "{answer:#}");
            carried_out(&ledger, remedy, dead, &before).await
        }
        other => anyhow::bail!("what is to come of a claim that is {other}?"),
    }
}

/// What was claimed long ago bars nothing, and the schedule has nothing to do.
async fn acts(ledger: &Ledger<'_>, remedy: &str) -> Test {
    let idle = ledger.ask(remedy, &tick()).await?;
    ensure!(
        decisions(&idle).iter().all(|decision| decision.starts_with("nothing_to_do")),
        "{:?}",
        decisions(&idle)
    );
    asked(ledger, remedy).await
}

/// A person is obeyed.
async fn asked(ledger: &Ledger<'_>, remedy: &str) -> Test {
    let expected =
        if remedy == "snapshot-restore" { "awaiting_approval approval_needed" } else { "applied applied" };
    ledger.answers(remedy, &request(remedy)?, expected).await.map(drop)
}

async fn refuses(ledger: &Ledger<'_>, remedy: &str, expected: &str, event: &serde_json::Value) -> Test {
    ledger.answers(remedy, event, expected).await?;
    ensure!(ledger.calls("ecs UpdateService") == 0, "it acted");
    Ok(())
}

/// The dead run's own intent, not another plan.
async fn carried_out(ledger: &Ledger<'_>, remedy: &str, state: &str, before: &str) -> Test {
    let fixture = ledger.fixture;
    let runs = fixture.sandbox.runs().await?;
    let is_so = match (remedy, state) {
        ("scale-up", _) => fixture.sandbox.desired_count().await? == 3,
        ("rollback", "dead") | ("write-freeze", "dead while it put back") => runs == fixture.good,
        ("rollback", "dead with writes frozen") | ("write-freeze", "dead") => {
            runs != before && fixture.is_frozen().await?
        }
        // Somebody has deployed something else since.
        ("rollback" | "write-freeze", _) => runs == before,
        ("restart", _) => runs == before && ledger.calls("ecs UpdateService") == 1,
        ("cache-invalidation", _) => {
            fixture.sandbox.gateway.cloudfront().invalidations().iter().any(|one| one.paths.len() == 2)
        }
        ("snapshot-restore", "dead") => !fixture.sandbox.gateway.docdb().restored().is_empty(),
        ("snapshot-restore", _) => true,
        _ => false,
    };
    ensure!(is_so, "{remedy} did not do what was claimed: {runs} runs, {before} ran before");
    Ok(())
}
