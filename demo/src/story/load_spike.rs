//! More work than two tasks can do.

use std::time::Duration;

use sandbox::deploy::{CLUSTER, SERVICE};
use sandbox::{NORMAL_LOAD, Sandbox};
use subject::Subject;

use super::{Facts, Story, fact};
use crate::screen::Mark;
use crate::watch::{CPU_ALARM, Watch};

/// More than two tasks can do, and less than 80 % of what three can.
const HIGH_LOAD: f64 = 210.0;
const RAMP: Duration = Duration::from_secs(6);

pub(crate) struct LoadSpike;

impl Story for LoadSpike {
    const NAME: &'static str = "load-spike";
    const FUNCTION: &'static Subject = &subject::scale_up::SUBJECT;
    const TASK_START_TIME: Duration = Duration::from_secs(4);
    const SHOWS_PROBE: bool = true;

    async fn prepare(&self, _sandbox: &Sandbox) -> anyhow::Result<()> {
        Ok(())
    }

    fn is_quiet(&self, watch: &Watch<'_>) -> bool {
        watch.is(CPU_ALARM, "OK")
    }

    async fn go_wrong(&self, watch: &Watch<'_>) -> anyhow::Result<()> {
        watch.sandbox.standin.set_load(HIGH_LOAD, RAMP);
        let rise = format!("rises from {NORMAL_LOAD:.0} % to {HIGH_LOAD:.0} % of one task's work");
        watch.screen.line(Mark::Bad, "load", &rise);
        Ok(())
    }

    fn is_wrong(&self, watch: &Watch<'_>) -> bool {
        watch.is(CPU_ALARM, "ALARM")
    }

    fn is_well(&self, watch: &Watch<'_>) -> bool {
        watch.is(CPU_ALARM, "OK")
    }

    fn facts(&self, watch: &Watch<'_>) -> Facts {
        let now = watch.sandbox.standin.now();
        let resource = format!("service/{CLUSTER}/{SERVICE}");
        let targets = watch.sandbox.gateway.scalable_targets();
        let minimum = targets.iter().find(|target| target.resource == resource).map(|target| target.minimum);
        vec![
            ("running tasks", now.running_tasks.to_string()),
            ("CPU of each", format!("{:.0} %", now.cpu)),
            ("CPU alarm", watch.alarm(CPU_ALARM)),
            ("scaling minimum", minimum.map_or_else(String::new, |minimum| minimum.to_string())),
        ]
    }

    fn lesson(&self, before: &Facts, after: &Facts) -> String {
        let [before, after] = [before, after].map(|facts| fact(facts, "running tasks"));
        format!("{before} → {after} tasks, and the CPU alarm is OK again.")
    }
}
