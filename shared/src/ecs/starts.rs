//! Whether new tasks of a service start.

use jiff::{SignedDuration, Timestamp};

use super::StoppedTask;

/// One failed task is bad luck; a second one is a pattern.
const FAILED_TASKS_OF_A_CRASH_LOOP: usize = 2;
/// Older failures may have been mended.
const CRASH_LOOP_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// A task that ran longer than this did start; what ended it is another matter.
const FAILED_TO_START_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// Why tasks fail to start, in ECS's words, each once; nothing where no pattern of failed starts shows. Whoever needs
/// more tasks, or others in their place, would get ones that fail the same way.
pub(super) fn why_tasks_fail_to_start<'a>(
    stopped: impl IntoIterator<Item = &'a StoppedTask>,
    now: Timestamp,
) -> Vec<String> {
    let mut reasons: Vec<String> = stopped
        .into_iter()
        .filter(|task| failed_to_start(task, now))
        .map(|task| task.reason.clone())
        .collect();
    if reasons.len() < FAILED_TASKS_OF_A_CRASH_LOOP {
        return Vec::new();
    }
    reasons.sort();
    reasons.dedup();
    reasons
}

/// Reasons for people, the first few of many.
pub fn some_of(reasons: &[impl AsRef<str>]) -> String {
    const MOST: usize = 4;
    let mut told: Vec<&str> = reasons.iter().take(MOST).map(AsRef::as_ref).collect();
    let more = reasons.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("and {more} more"));
    told.extend(more.as_deref());
    told.join("; ")
}

fn failed_to_start(task: &StoppedTask, now: Timestamp) -> bool {
    let recent = task.stopped_at.is_some_and(|stopped| now.duration_since(stopped) <= CRASH_LOOP_WINDOW);
    let ran = task.started_at.zip(task.stopped_at).map(|(started, stopped)| stopped.duration_since(started));
    task.failed && recent && ran.is_none_or(|ran| ran < FAILED_TO_START_WITHIN)
}

#[cfg(test)]
mod tests;
