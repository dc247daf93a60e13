//! What can go wrong, one file each.

mod bad_release;
mod corruption;
mod diagnose;
mod load_spike;
mod stale_front_end;

use std::time::Duration;

use sandbox::Sandbox;
use subject::Subject;

use super::Mode;
use super::watch::Watch;

pub(super) use bad_release::BadRelease;
pub(super) use corruption::Corruption;
pub(super) use diagnose::Diagnose;
pub(super) use load_spike::LoadSpike;
pub(super) use stale_front_end::StaleFrontEnd;

/// What a table shows of one moment: name and value.
pub(super) type Facts = Vec<(&'static str, String)>;

pub(super) trait Story {
    const NAME: &'static str;
    /// Who deals with it.
    const FUNCTION: &'static Subject;
    const TASK_START_TIME: Duration = Duration::ZERO;
    /// Whether the stand-in puts metrics, which wake alarms.
    const METRICS: bool = true;
    /// Whether to wait for a run of the probe at the end.
    const SHOWS_PROBE: bool = false;

    /// What has happened before anyone looks.
    async fn prepare(&self, sandbox: &Sandbox) -> anyhow::Result<()>;
    fn is_quiet(&self, watch: &Watch<'_>) -> bool;
    async fn go_wrong(&self, watch: &Watch<'_>) -> anyhow::Result<()>;
    fn is_wrong(&self, watch: &Watch<'_>) -> bool;
    /// What a person does then.
    async fn respond(&self, _watch: &mut Watch<'_>, _mode: Mode) -> anyhow::Result<()> {
        Ok(())
    }
    fn is_well(&self, watch: &Watch<'_>) -> bool;
    fn facts(&self, watch: &Watch<'_>) -> Facts;
    /// One sentence at the end.
    fn lesson(&self, before: &Facts, after: &Facts) -> String;
}

fn fact<'a>(facts: &'a Facts, name: &str) -> &'a str {
    facts.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value)
}
