//! A release that answers every request with 500.

use std::time::Duration;

use sandbox::Sandbox;
use subject::Subject;

use super::{Facts, Story, fact};
use crate::screen::Mark;
use crate::watch::{ERROR_ALARM, Watch};

const ROLLOUT_TIME: Duration = Duration::from_secs(3);

pub(crate) struct BadRelease;

impl Story for BadRelease {
    const NAME: &'static str = "bad-release";
    const FUNCTION: &'static Subject = &subject::rollback::SUBJECT;

    /// Revision 2 is good, and revision 3 never started: revision 4 minus one is no place to go back to.
    async fn prepare(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        sandbox.gateway.ecs().set_rollout_time(ROLLOUT_TIME);
        sandbox.release(&[("FEATURE", "new")]).await?;
        tokio::time::sleep(ROLLOUT_TIME).await;
        sandbox.release(&[("FAILS_TO_START", "exit 1")]).await?;
        tokio::time::sleep(ROLLOUT_TIME).await;
        Ok(())
    }

    fn is_quiet(&self, watch: &Watch<'_>) -> bool {
        watch.is(ERROR_ALARM, "OK")
    }

    async fn go_wrong(&self, watch: &Watch<'_>) -> anyhow::Result<()> {
        let release = watch.sandbox.release(&[("BROKEN", "true")]).await?;
        watch.screen.line(Mark::Bad, "release", &format!("{release} is deployed, and answers 500"));
        Ok(())
    }

    fn is_wrong(&self, watch: &Watch<'_>) -> bool {
        watch.is(ERROR_ALARM, "ALARM")
    }

    fn is_well(&self, watch: &Watch<'_>) -> bool {
        watch.is(ERROR_ALARM, "OK") && !watch.sandbox.standin.now().broken
    }

    fn facts(&self, watch: &Watch<'_>) -> Facts {
        let runs = watch.sandbox.standin.runs();
        let release = runs.rsplit(':').next().unwrap_or_default();
        let health = if watch.sandbox.standin.now().broken { "500" } else { "200" };
        vec![
            ("set to", format!("revision {release}")),
            ("/health answers", health.to_owned()),
            ("5xx alarm", watch.alarm(ERROR_ALARM)),
            ("running tasks", watch.sandbox.standin.now().running_tasks.to_string()),
        ]
    }

    fn lesson(&self, _before: &Facts, after: &Facts) -> String {
        format!("{} runs again, and the 5xx alarm is OK.", fact(after, "set to"))
    }
}
