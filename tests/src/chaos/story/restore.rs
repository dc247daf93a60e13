//! A restore from the question to the cut-over, as a person and the state machine go on with it whatever comes.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::chaos::player::Player;
use crate::chaos::{books, part};
use crate::stack::{read, tick};

/// How often a step is tried that does not do what it should.
const TRIES: usize = 4;
/// More than the steps of a restore.
const STEPS: usize = 40;

pub(super) async fn whole_flow(player: &mut Player<'_>) -> anyhow::Result<()> {
    let asked = ask(player, &json!({ "snapshot": "latest", "reason": "negative amounts" })).await?;
    let id = part(&asked, "/plan/actions/0/create_cluster/id").as_str().unwrap_or_default().to_owned();
    approve(player, &asked).await?;
    let mut last = String::new();
    for _ in 0..STEPS {
        last = player.send(&json!({ "continue": id })).await?.as_ref().map(read).unwrap_or_default();
        // It died, or what it could not record is held until its lease ends.
        if ["", "refused claimed_by_another"].contains(&last.as_str()) {
            books::let_time_pass(player.stack).await?;
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
        books::let_time_pass(player.stack).await?;
        player.send(&tick()).await?;
    }
    Ok(())
}

/// Until it is a question that waits for its answer.
async fn ask(player: &mut Player<'_>, request: &Value) -> anyhow::Result<Value> {
    for _ in 0..TRIES {
        if let Some(asked) = player.send(request).await?
            && ["awaiting_approval approval_needed", "nothing_to_do approval_pending"]
                .contains(&read(&asked).as_str())
        {
            return Ok(asked);
        }
        books::let_time_pass(player.stack).await?;
    }
    anyhow::bail!("{request} is never asked about: {:?}", player.said.last())
}

/// Until what was approved has been done: by this run, or by a later one that takes it up.
async fn approve(player: &mut Player<'_>, asked: &Value) -> anyhow::Result<()> {
    let approval = part(asked, "/next/send");
    for _ in 0..TRIES {
        let answer = player.send(approval).await?.unwrap_or_default();
        // A run that died with its last word has used the approval, and left nothing to be taken up.
        if ["replayed applied", "refused approval_used"].contains(&read(&answer).as_str())
            || is_applied(&answer)
        {
            return Ok(());
        }
        books::let_time_pass(player.stack).await?;
        if is_applied(&player.send(&tick()).await?.unwrap_or_default()) {
            return Ok(());
        }
    }
    anyhow::bail!("{approval} is never carried out: {:?}", player.said.last())
}

/// By this run, or by what it has taken up.
fn is_applied(answer: &Value) -> bool {
    let is = |outcome: &Value| read(outcome) == "applied applied";
    is(answer) || part(answer, "/outcomes").as_array().is_some_and(|all| all.iter().any(is))
}
