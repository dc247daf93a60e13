//! Two remedies that are called for one service at once: the second one's alarm comes while the first is at work.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::runtime_api::Answer;
use crate::stack::{Stack, tick};

use super::books;
use super::check::Ended;
use super::player::{Player, Said};
use super::point::Point;
use super::story::{Story, pay};

/// In the order of their alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    name: &'static str,
    first: Story,
    second: Story,
}

impl Pair {
    /// Of each, one is urgent.
    pub const ALL: [Self; 6] = [
        Self::new("rollback-then-scale-up", Story::Rollback, Story::ScaleUp),
        Self::new("scale-up-then-rollback", Story::ScaleUp, Story::Rollback),
        Self::new("write-freeze-then-scale-up", Story::WriteFreeze, Story::ScaleUp),
        Self::new("scale-up-then-write-freeze", Story::ScaleUp, Story::WriteFreeze),
        Self::new("rollback-then-restart", Story::Rollback, Story::Restart),
        Self::new("restart-then-rollback", Story::Restart, Story::Rollback),
    ];

    const fn new(name: &'static str, first: Story, second: Story) -> Self {
        Self { name, first, second }
    }

    pub fn name(self) -> &'static str {
        self.name
    }

    /// Both functions' names.
    pub(super) fn tasks(self) -> [&'static str; 2] {
        [self.first.name(), self.second.name()]
    }

    fn urgent(self) -> Story {
        if matches!(self.first, Story::Rollback | Story::WriteFreeze) { self.first } else { self.second }
    }

    /// Plays it until nothing is left to be done.
    pub(super) async fn played(self, point: Option<&Point>) -> anyhow::Result<Ended> {
        let stack = self.start().await?;
        let harm = point.map(|point| (&point.place, point.harm));
        let mut player = Player::begin_with(self.tasks().to_vec(), &stack, harm).await?;
        self.play(&mut player).await?;
        Ended::look(player).await
    }

    /// A stack in which both have something to do.
    async fn start(self) -> anyhow::Result<Stack> {
        // A broken release can be restarted and scaled too.
        self.urgent().start_with(&[self.first, self.second]).await
    }

    async fn play(self, player: &mut Player<'_>) -> anyhow::Result<()> {
        /// One that died is taken up, then what is wanted is done, then that is looked after.
        const MINUTES: usize = 4;
        let since = Timestamp::now();
        let alarms = [self.first, self.second].map(|story| (story.name(), story.alarm(since)));
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
            books::let_time_pass(player.stack).await?;
            player.stack.sandbox.show_what_runs().await?;
            for task in self.tasks() {
                player.send_to(task, &tick()).await?;
            }
            if !books::is_unfinished(&books::items(&player.stack.sandbox.clients).await?) {
                break;
            }
        }
        pay(player).await
    }

    /// What is wrong in the end: the urgent one has done its work, the other one too, or it is on record why not.
    pub(super) fn check(self, ended: &Ended) -> Vec<String> {
        let of = |task: &'static str| {
            let may_be_let_go = task != self.urgent().name() && ended.is_wanted_or_let_go(task);
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
        assert_eq!(check("restart", &twice, true), ["restart did 2 times: ecs UpdateService"]);
    }

    #[test]
    fn one_of_each_pair_is_urgent_and_both_orders_are_there() {
        for pair in Pair::ALL {
            let urgent = [pair.first, pair.second]
                .map(|story| matches!(story, Story::Rollback | Story::WriteFreeze))
                .into_iter()
                .filter(|is_urgent| *is_urgent);
            assert_eq!(urgent.count(), 1, "{}", pair.name);
            let order = |other: &Pair| (other.first, other.second) == (pair.second, pair.first);
            assert!(Pair::ALL.iter().any(order), "{}", pair.name);
        }
    }
}
