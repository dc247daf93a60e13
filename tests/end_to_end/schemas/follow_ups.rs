//! Follow-ups: what the scheduled run looks after, as every version wrote it.

use anyhow::{Context, ensure};
use sandbox::stack::tick;

use super::{
    Findings, Test, decisions,
    fixture::{Fixture, request},
    items::{self, Named},
};

/// What the scheduled run is to say of each, and whether it is over then.
fn expected(name: &str) -> anyhow::Result<(&'static str, bool)> {
    Ok(match name {
        // What is sent is seen to be over at once, and so is what is deployed.
        "scale-up, due"
        | "cache-invalidation, waiting"
        | "cache-invalidation, claimed and not sent"
        | "write-freeze, waiting" => ("applied applied", true),
        "scale-up, not yet" => ("nothing_to_do minimum_not_expired", false),
        "rollback, settling" | "restart, settling" | "write-freeze, settling" | "write-freeze, told" => {
            ("nothing_to_do verified", true)
        }
        "rollback, overtaken"
        | "restart, overtaken"
        | "snapshot-restore, cut over"
        | "snapshot-restore, back again" => ("nothing_to_do superseded", true),
        "snapshot-restore, begun" => ("nothing_to_do cluster_creating", false),
        "snapshot-restore, gone" => ("failed cluster_gone", true),
        other => anyhow::bail!("what is to come of {other}?"),
    })
}

#[tokio::test]
async fn a_follow_up_of_every_age_is_looked_after() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for follow_up in items::all("follow-up")? {
        findings.add(&follow_up.place, looked_after(&fixture, &follow_up).await);
    }
    findings.none()
}

async fn looked_after(fixture: &Fixture, follow_up: &Named) -> Test {
    let (remedy, _) = follow_up.name.split_once(", ").context("no state")?;
    let (expected, is_over) = expected(&follow_up.name)?;
    let ledger = fixture.with(&[&follow_up.item]).await?;
    fixture.sandbox.show_what_runs().await?;
    if remedy == "scale-up" {
        fixture.set_minimum(5).await?;
    }
    let answer = ledger.ask(remedy, &tick()).await?;
    let decisions = decisions(&answer);
    // An old one does not say to what the minimum was raised: it may be left as it is, if people are told.
    let is_left =
        follow_up.name == "scale-up, due" && fixture.minimum() == Some(5) && ledger.told().len() == 1;
    ensure!(
        is_left || decisions.iter().any(|decision| decision == expected),
        "{}, not {expected}: {}",
        decisions.join(" and "),
        answer["reason"]
    );
    let (pk, sk) = (text(follow_up, "pk"), text(follow_up, "sk"));
    let left = ledger.item(&pk, &sk).await?;
    ensure!(left.is_none() == is_over, "it is over: {is_over}, and the ledger has {left:?}");
    Ok(())
}

/// Whatever is looked after, the remedy itself can be asked for.
#[tokio::test]
async fn a_follow_up_of_every_age_bars_no_request() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for follow_up in items::all("follow-up")? {
        let (remedy, _) = follow_up.name.split_once(", ").context("no state")?;
        if remedy == "snapshot-restore" {
            continue;
        }
        let asked = async {
            let ledger = fixture.with(&[&follow_up.item]).await?;
            ledger.answers(remedy, &request(remedy)?, "applied applied").await.map(drop)
        };
        findings.add(&follow_up.place, asked.await);
    }
    findings.none()
}

pub(crate) fn text(named: &Named, attribute: &str) -> String {
    named.item.get(attribute).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
