//! Tasks that failed to start: which, and what is shown of them.

use jiff::{SignedDuration, Timestamp};

use crate::{
    evidence::{Event, Evidence, StoppedTask},
    finding::{Confidence::Certain, Finding, Impact},
};

/// A task that dies later than this has started: its memory is for another chapter.
pub(super) const START: SignedDuration = SignedDuration::from_mins(2);
/// Service events say what is now: an older one was overtaken.
const EVENT_MINUTES: i64 = 60;

pub(super) fn task_fact(finding: Finding, task: &StoppedTask) -> Finding {
    finding
        .fact("ECS, stopped tasks", format!("task {}", task.id), status(&line(&task.reasons())))
        .at(task.stopped_at)
}

/// What several tasks failed by, the newest first.
pub(super) fn failure(evidence: &Evidence, failed: &[&StoppedTask], what: String) -> Finding {
    let finding = Finding::new(Certain, impact(evidence), what)
        .since(failed.iter().filter_map(|task| task.stopped_at).min());
    match failed.first() {
        Some(newest) => task_fact(finding, newest),
        None => finding,
    }
}

pub(super) fn placement(evidence: &Evidence, event: &Event, what: &str) -> Finding {
    let finding = Finding::new(Certain, impact(evidence), what)
        .since(event.at)
        .fact("ECS, service events", "the service", line(&event.message))
        .at(event.at);
    match &evidence.service {
        Some(service) => finding
            .fact("ECS, service", "tasks that run", service.running.to_string())
            .against(format!("{} wanted", service.desired)),
        None => finding,
    }
}

/// The stopped tasks that are so, the newest first. None when a task of the same revision started later and has come
/// through its start: then it is over.
pub(super) fn stopped(evidence: &Evidence, is: impl Fn(&StoppedTask) -> bool) -> Vec<&StoppedTask> {
    let Some(tasks) = &evidence.tasks else { return Vec::new() };
    let found: Vec<&StoppedTask> = tasks.stopped.iter().filter(|task| is(task)).collect();
    let over = |newest: &&StoppedTask| {
        tasks.running.iter().any(|running| {
            running.task_definition == newest.task_definition
                && running
                    .started_at
                    .zip(newest.stopped_at)
                    .is_some_and(|(started, stopped)| started > stopped && evidence.ago(started) > START)
        })
    };
    if found.first().is_some_and(over) { Vec::new() } else { found }
}

/// Also what is fetched from ECR before the pull itself.
pub(super) fn pull_failures(evidence: &Evidence) -> Vec<&StoppedTask> {
    stopped(evidence, |task| {
        says(
            &task.reasons(),
            &["cannotpull", "unable to retrieve ecr registry auth", "cannot pull registry auth"],
        )
    })
}

/// The newest event that says so, while tasks are wanting.
pub(super) fn event(evidence: &Evidence, is: impl Fn(&str) -> bool) -> Option<&Event> {
    let service = evidence.service.as_ref().filter(|_| short_of_tasks(evidence))?;
    let recent = |at: Timestamp| evidence.within_minutes(at, EVENT_MINUTES);
    service.events.iter().find(|event| event.at.is_some_and(recent) && is(&event.message))
}

/// Fewer than wanted, in all or of the release that is coming.
pub(super) fn short_of_tasks(evidence: &Evidence) -> bool {
    evidence.service.as_ref().is_some_and(|service| {
        let coming = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY");
        service.running < service.desired || coming.is_some_and(|coming| coming.running < coming.desired)
    })
}

pub(super) fn impact(evidence: &Evidence) -> Impact {
    match &evidence.service {
        Some(service) if service.running == 0 && service.desired > 0 => Impact::Down,
        // The tasks that run go on; only new ones do not come.
        Some(service) if service.running >= service.desired => Impact::Risk,
        _ => Impact::Degraded,
    }
}

/// The sizes of <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html>.
pub(super) fn fargate_has(cpu: u32, memory_mib: u32) -> bool {
    let (least, most, step) = match cpu {
        256 => return matches!(memory_mib, 512 | 1_024 | 2_048),
        512 => (1_024, 4_096, 1_024),
        1_024 => (2_048, 8_192, 1_024),
        2_048 => (4_096, 16_384, 1_024),
        4_096 => (8_192, 30_720, 1_024),
        8_192 => (16_384, 61_440, 4_096),
        16_384 => (32_768, 122_880, 8_192),
        // Larger ones may come.
        larger => return larger > 16_384,
    };
    (least..=most).contains(&memory_mib) && memory_mib.is_multiple_of(step)
}

pub(super) fn meaning(code: i32) -> String {
    let meaning = match code {
        0 => "it ended by itself without an error, and a service must not end",
        1 => "an error that the program did not handle",
        2 => "a command was called wrongly, or an error of the shell",
        126 => "its command cannot be executed",
        127 => "its command was not found in the image",
        134 => "it gave up (SIGABRT), as Node does at the limit of its heap",
        137 => "it was killed (SIGKILL), mostly for its memory",
        139 => "it touched memory that is not its own (SIGSEGV)",
        143 => "it was told to end (SIGTERM)",
        129..=192 => return format!("it ended by signal {}", code - 128),
        _ => "a code of the program's own",
    };
    meaning.to_owned()
}

pub(super) fn age(task: &StoppedTask) -> Option<SignedDuration> {
    let (started, stopped) = task.started_at.zip(task.stopped_at)?;
    Some(stopped.duration_since(started).max(SignedDuration::ZERO))
}

pub(super) fn span(duration: SignedDuration) -> String {
    match duration.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

/// Whether a text has one of these words, which are in lower case.
pub(super) fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// ECS's words on one line, without where to read more. What matters of long ones is at their end.
pub(super) fn line(text: &str) -> String {
    const FIRST: usize = 80;
    const LAST: usize = 220;
    let text = text.split_once(" For more information").map_or(text, |(before, _)| before);
    let letters: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    match letters.len().checked_sub(LAST) {
        Some(left) if left > FIRST => {
            let first = letters.iter().take(FIRST);
            first.chain(&[' ', '…', ' ']).chain(letters.iter().skip(left)).collect()
        }
        _ => letters.into_iter().collect(),
    }
}

pub(super) fn status(text: &str) -> String {
    if text.is_empty() { "not told".to_owned() } else { text.to_owned() }
}

pub(super) fn tasks(count: usize) -> String {
    if count == 1 { "one task".to_owned() } else { format!("{count} tasks") }
}
