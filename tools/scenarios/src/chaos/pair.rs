//! Two remedies that are called for one service at once: the second one's alarm comes while the first is at work.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sandbox::runtime_api::Answer;
use sandbox::stack::{Stack, tick};

use crate::scenario::{self, Scenario};

use super::check::Ended;
use super::deliveries::pay;
use super::ledger;
use super::player::{Player, Said};
use super::point::Point;

/// In the order of their alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    first: &'static Scenario,
    second: &'static Scenario,
    /// One of the two.
    urgent: &'static Scenario,
}

impl Pair {
    /// Each remedy and each of its rivals, which are urgent, in both orders.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for usual in scenario::ALL {
            let rivals = usual.subject.remedy().into_iter().flat_map(|remedy| remedy.rivals);
            for urgent in rivals.filter_map(|name| Scenario::named(name)) {
                all.push(Self { first: urgent, second: usual, urgent });
                all.push(Self { first: usual, second: urgent, urgent });
            }
        }
        all
    }

    pub fn name(self) -> String {
        format!("{}-then-{}", self.first.name(), self.second.name())
    }

    /// Both functions' names.
    pub(super) fn tasks(self) -> [&'static str; 2] {
        [self.first.name(), self.second.name()]
    }

    /// Plays it until nothing is left to be done.
    pub(super) async fn played(self, point: Option<&Point>) -> anyhow::Result<Ended> {
        let stack = self.start().await?;
        let failure = point.map(|point| (&point.place, point.failure));
        let mut player = Player::begin_with(self.tasks().to_vec(), &stack, failure).await?;
        self.play(&mut player).await?;
        Ended::look(player).await
    }

    /// A stack in which both have something to do.
    async fn start(self) -> anyhow::Result<Stack> {
        // A broken release can be restarted and scaled too.
        self.urgent.start_with(&[self.first.settings, self.second.settings].concat()).await
    }

    async fn play(self, player: &mut Player<'_>) -> anyhow::Result<()> {
        /// One that died is taken up, then what is wanted is done, then that is looked after.
        const MINUTES: usize = 4;
        let since = Timestamp::now();
        let alarms = [self.first, self.second].map(|scenario| (scenario.name(), scenario.alarm(since)));
        let [one, other] = &alarms;
        player.send_at_once([(one.0, &one.1), (other.0, &other.1)]).await?;
        // Lambda repeats what had no answer.
        for (task, alarm) in &alarms {
            let unanswered = |said: &Said| said.task == *task && !matches!(said.answer, Answer::Ok(_));
            if player.said.iter().any(unanswered) {
                player.send_to(task, alarm).await?;
            }
        }
        for _ in 0..MINUTES {
            ledger::let_time_pass(player.stack).await?;
            player.stack.sandbox.show_what_runs().await?;
            for task in self.tasks() {
                player.send_to(task, &tick()).await?;
            }
            if !ledger::is_unfinished(&ledger::items(&player.stack.sandbox.clients).await?) {
                break;
            }
        }
        pay(player).await
    }

    /// What is wrong in the end: the urgent one has done its work, the other one too, or it is on record why not.
    pub(super) fn check(self, ended: &Ended) -> Vec<String> {
        let of = |task: &'static str| {
            let may_be_let_go = task != self.urgent.name() && ended.is_wanted_or_let_go(task);
            check(task, &ended.done_by(task), may_be_let_go)
        };
        self.tasks().into_iter().flat_map(of).collect()
    }
}

/// What is wrong with the changes of one of them. Each deploys or scales by one call.
fn check(task: &str, done: &[String], may_be_let_go: bool) -> Vec<String> {
    let times = |change: &String| done.iter().filter(|other| *other == change).count();
    let again: BTreeSet<&String> = done.iter().filter(|change| times(change) > 1).collect();
    let mut wrong: Vec<String> =
        again.into_iter().map(|change| format!("{task} did {} times: {change}", times(change))).collect();
    if !may_be_let_go && !done.iter().any(|change| change == "ecs UpdateService") {
        wrong.push(format!("{task} did not do what it was to, and nothing says why: {done:?}"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(changes: &[&str]) -> Vec<String> {
        changes.iter().map(|change| (*change).to_owned()).collect()
    }

    #[test]
    fn what_is_urgent_is_done_and_the_other_too_or_it_is_said_why_not() {
        let raised = "application-autoscaling RegisterScalableTarget";
        let scaled = done(&[raised, "ecs UpdateService"]);
        assert_eq!(check("scale-up", &scaled, false), Vec::<String>::new());
        assert_eq!(check("scale-up", &[], true), Vec::<String>::new());
        for half in [&[][..], &[raised]] {
            assert_eq!(check("rollback", &done(half), false).len(), 1, "{half:?}");
        }
    }

    #[test]
    fn nothing_is_done_twice() {
        let twice = done(&["ecs UpdateService", "ecs UpdateService"]);
        assert_eq!(check("scale-up", &twice, true), ["scale-up did 2 times: ecs UpdateService"]);
    }

    #[test]
    fn one_of_each_pair_is_urgent_and_both_orders_are_there() {
        let all = Pair::all();
        assert!(all.iter().any(|pair| pair.name() == "rollback-then-scale-up"), "{all:?}");
        for pair in &all {
            assert!(pair.urgent == pair.first || pair.urgent == pair.second, "{pair:?}");
            assert!(["rollback", "write-freeze"].contains(&pair.urgent.name()), "{pair:?}");
            let order = |other: &Pair| (other.first, other.second) == (pair.second, pair.first);
            assert!(all.iter().any(order), "{pair:?}");
        }
    }
}
