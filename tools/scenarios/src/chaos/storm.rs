//! Many deliveries at once: duplicates, events out of their order, stale ones, alarms that are over, the schedule. One
//! action comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};
use sandbox::runtime_api::Answer;
use sandbox::stack::{DEADLINE, tick};
use serde_json::Value;
use tokio::task::JoinSet;

use super::check::{Ended, differ};
use super::player::Player;
use crate::scenario::{self, Flow, Scenario};

/// How strong it is.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    pub deliveries: usize,
    /// Processes of the function, as many as Lambda would start.
    pub at_once: usize,
}

/// The remedies that an alarm wakes.
pub fn struck() -> impl Iterator<Item = &'static Scenario> {
    let wakes = |scenario: &&Scenario| {
        scenario.subject.remedy().is_some() && matches!(scenario.flow, Flow::Acts { .. })
    };
    scenario::ALL.into_iter().filter(wakes)
}

/// Lets it loose on a function; what was wrong after it.
pub async fn blow(scenario: &'static Scenario, force: Storm) -> anyhow::Result<Vec<String>> {
    let well = once(scenario).await?;
    let stack = Arc::new(scenario.start().await?);
    let player = Player::begin(&stack, None).await?;
    let begun = Timestamp::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut processes = JoinSet::new();
    for _ in 0..force.at_once {
        let (stack, next) = (Arc::clone(&stack), Arc::clone(&next));
        processes.spawn(async move {
            let function = stack.function(&[]).await?;
            let mut wrong = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= force.deliveries {
                    return anyhow::Ok(wrong);
                }
                let event = delivery(scenario, n, begun);
                match function.invoke(event.to_string(), DEADLINE).await {
                    Answer::Ok(_) => {}
                    other => wrong.push(format!("delivery {n} was answered with {other:?}")),
                }
            }
        });
    }
    let mut wrong = Vec::new();
    for process in processes.join_all().await {
        wrong.extend(process?);
    }
    let ended = Ended::look(player).await?;
    differ(&mut wrong, "the stack", &ended.stack, &well.stack);
    let (did, to_do) = (counted(&ended), counted(&well));
    if did != to_do {
        wrong.push(format!("it did {did:?}, not {to_do:?}"));
    }
    if ended.recorded.get("applied applied") != Some(&1) {
        wrong.push(format!("the records say {:?}", ended.recorded));
    }
    Ok(wrong)
}

/// What one delivery comes to.
async fn once(scenario: &Scenario) -> anyhow::Result<Ended> {
    let stack = scenario.start().await?;
    let mut player = Player::begin(&stack, None).await?;
    player.send(&scenario.alarm(Timestamp::now())).await?;
    Ended::look(player).await
}

/// How often each operation took effect: what it was asked with has the time of the event in it.
fn counted(ended: &Ended) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for (effect, times) in &ended.effects {
        let name = effect.split('"').nth(1).unwrap_or_default();
        *counted.entry(name.to_owned()).or_default() += times;
    }
    counted
}

/// The n-th delivery: half of them are one event, the others are whatever comes with it.
fn delivery(scenario: &Scenario, n: usize, begun: Timestamp) -> Value {
    let seconds = i64::try_from(n % 60).unwrap_or_default();
    match n % 8 {
        0..=3 => scenario.alarm(begun),
        4 | 5 => scenario.alarm(begun - SignedDuration::from_secs(seconds)),
        6 if n % 16 == 6 => scenario.alarm(begun - SignedDuration::from_hours(3)),
        6 => over(&scenario.alarm(begun + SignedDuration::from_secs(seconds))),
        _ => tick(),
    }
}

/// The same alarm, back in OK.
fn over(alarm: &Value) -> Value {
    let over = alarm.to_string().replace(r#"\"NewStateValue\":\"ALARM\""#, r#"\"NewStateValue\":\"OK\""#);
    serde_json::from_str(&over).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_has_duplicates_old_events_and_alarms_that_are_over() {
        let (begun, scale_up) = (Timestamp::now(), Scenario::named("scale-up").unwrap());
        let all: Vec<Value> = (0..160).map(|n| delivery(scale_up, n, begun)).collect();
        let count = |wanted: &dyn Fn(&Value) -> bool| all.iter().filter(|event| wanted(event)).count();
        // Each time SNS says anew when it sends.
        let message = |event: &Value| event["Records"][0]["Sns"]["Message"].clone();
        assert_eq!(count(&|event| message(event) == message(&all[0])), 81);
        assert_eq!(count(&|event| event["source"] == "aws.scheduler"), 20);
        assert_eq!(count(&|event| event.to_string().contains(r#"\"NewStateValue\":\"OK\""#)), 10);
    }
}
