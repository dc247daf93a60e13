//! What is delivered to a function while something goes wrong with it.

use jiff::Timestamp;
use sandbox::stack::tick;
use serde_json::{Value, json};

use crate::scenario::{Flow, Scenario};

use super::player::Player;
use super::{ledger, managed};

pub(super) async fn play(scenario: &Scenario, player: &mut Player<'_>) -> anyhow::Result<()> {
    match scenario.flow {
        Flow::Looks(event) => {
            let event = event(&player.stack.sandbox).await?;
            only_look(&event, player).await
        }
        Flow::Acts { alarm, by_hand } => {
            act(&alarm(Timestamp::now()), &by_hand(), player).await?;
            pay(player).await
        }
        Flow::Whole(flow) => {
            flow(player).await?;
            pay(player).await
        }
    }
}

async fn only_look(event: &Value, player: &mut Player<'_>) -> anyhow::Result<()> {
    player.send(event).await?;
    player.send(event).await?;
    player.send(&json!({})).await?;
    Ok(())
}

/// The alarm, once more while the first run may still be at work, once more when it cannot be, the schedule's, a person's,
/// the schedule's again, and the person's again where nothing came of it.
async fn act(alarm: &Value, by_hand: &Value, player: &mut Player<'_>) -> anyhow::Result<()> {
    let stack = player.stack;
    player.send(alarm).await?;
    player.send(alarm).await?;
    ledger::let_time_pass(stack).await?;
    player.send(alarm).await?;
    stack.sandbox.show_what_runs().await?;
    player.send(&tick()).await?;
    let before = managed::state(&stack.sandbox).await?;
    player.send(by_hand).await?;
    ledger::let_time_pass(stack).await?;
    stack.sandbox.show_what_runs().await?;
    player.send(&tick()).await?;
    if managed::state(&stack.sandbox).await? == before {
        player.send(by_hand).await?;
    }
    Ok(())
}

/// What is owed to people is sent by the scheduled run, once its own run cannot be at it any more.
pub(super) async fn pay(player: &mut Player<'_>) -> anyhow::Result<()> {
    /// What goes wrong may go wrong with the first of them.
    const TRIES: usize = 2;
    for _ in 0..TRIES {
        if ledger::is_anything_owed(player.stack).await? {
            player.send(&tick()).await?;
        }
    }
    Ok(())
}
