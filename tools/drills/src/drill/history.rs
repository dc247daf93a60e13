//! What happened before anyone looks.

use std::time::Duration;

use sandbox::Sandbox;
use sandbox::deploy;

use super::until;

const BEFORE: Duration = Duration::from_hours(48);

/// The second release has run since the day before yesterday, and no alarm rang.
pub(super) async fn two_good_days(sandbox: &Sandbox) -> anyhow::Result<()> {
    sandbox.release(&[("FEATURE", "new")]).await?;
    deploy::calm_alarms(&sandbox.clients).await?;
    age(sandbox, BEFORE);
    until(sandbox, |now| now.running_tasks > 0).await
}

/// As if all that runs and was deployed so far had begun that much earlier.
pub(super) fn age(sandbox: &Sandbox, by: Duration) {
    sandbox.gateway.ecs().age_deployments(by);
    sandbox.gateway.ecs().age_tasks(by);
}
