//! Tasks that failed to start: which, and what is shown of them.

use jiff::{SignedDuration, Timestamp};

use super::{broken::release, steps::back};
use crate::{
    evidence::{Event, Evidence, StoppedTask},
    finding::{Confidence::Certain, Finding, Impact, Level::DevOps},
};

/// A task that dies later than this has started: its memory is for another chapter.
pub(super) const START: SignedDuration = SignedDuration::from_mins(2);

/// Words for a call that got no answer, from AWS's SDK for Go and the system.
pub(super) const NO_ANSWER: &[&str] = &[
    "context deadline exceeded",
    "timeout",
    "timed out",
    "connection refused",
    "connection reset",
    "connection issue",
    "dial tcp",
    "no such host",
    "check your task network configuration",
];
/// Where ECS reads what a task needs before it starts.
pub(super) const SECRETS: &[&str] =
    &["secretsmanager", "secrets manager", "from asm", "from ssm", "ssm:", "ssm parameter", "kms"];
/// Words for a call that was denied.
pub(super) const NOT_ALLOWED: &[&str] =
    &["accessdenied", "access denied", "not authorized", "unauthorized", "access to kms is not allowed"];
pub(super) const LOGS: &[&str] = &["log stream", "log group", "logger args", "logging driver", "logs:"];

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

/// Why tasks do not start, in ECS's words: of the tasks that failed, and of the service's events, which are all that is
/// left after an hour.
pub(super) struct Failures<'a> {
    /// The newest first.
    pub(super) tasks: Vec<&'a StoppedTask>,
    pub(super) event: Option<&'a Event>,
}

impl<'a> Failures<'a> {
    /// Those whose words match, if there are any and the trouble goes on.
    pub(super) fn of(evidence: &'a Evidence, is: impl Fn(&str) -> bool) -> Option<Self> {
        let tasks = stopped(evidence, |task| is(&task.reasons()));
        let event = refusal(evidence, &is);
        (!tasks.is_empty() || event.is_some()).then_some(Self { tasks, event })
    }

    /// The newest of ECS's words.
    pub(super) fn words(&self) -> String {
        match (self.tasks.first(), self.event) {
            (Some(task), _) => task.reasons(),
            (None, Some(event)) => event.message.clone(),
            (None, None) => String::new(),
        }
    }

    /// The command that prints these words in full.
    pub(super) fn in_full(&self) -> String {
        match self.tasks.first() {
            Some(task) => format!(
                "aws ecs describe-tasks --cluster <cluster> --tasks {} --query 'tasks[0].[stoppedReason, \
                 containers[].reason]'",
                task.id
            ),
            None => "aws ecs describe-services --cluster <cluster> --services <service> --query \
                     'services[0].events[:5]'"
                .to_owned(),
        }
    }

    /// As in `3 tasks could not start: …`.
    pub(super) fn what(&self, why: &str) -> String {
        match self.tasks.len() {
            0 => format!("tasks cannot start: {why}"),
            count => format!("{} could not start: {why}", tasks(count)),
        }
    }

    pub(super) fn finding(&self, evidence: &Evidence, why: &str) -> Finding {
        self.shown(evidence, Finding::new(Certain, impact(evidence), self.what(why)))
    }

    pub(super) fn shown(&self, evidence: &Evidence, finding: Finding) -> Finding {
        match (self.tasks.first(), self.event) {
            (Some(newest), _) => task_fact(finding.since(self.since()), newest),
            (None, Some(event)) => event_facts(evidence, finding.since(event.at), event),
            (None, None) => finding,
        }
    }

    fn since(&self) -> Option<Timestamp> {
        let event = self.event.and_then(|event| event.at);
        self.tasks.iter().filter_map(|task| task.stopped_at).chain(event).min()
    }

    /// Whether a new release brought it, and what ran before it did not have it.
    pub(super) fn is_of_release(&self, evidence: &Evidence) -> bool {
        release(evidence).is_some_and(|release| {
            let after =
                |event: &Event| event.at.zip(release.created_at).is_some_and(|(at, began)| at >= began);
            self.tasks.iter().all(|task| task.task_definition == release.task_definition)
                && (!self.tasks.is_empty() || self.event.is_some_and(after))
        })
    }

    /// The step back, where a release brought it; else the repair alone.
    pub(super) fn next(&self, evidence: &Evidence, finding: Finding, repair: &str) -> Finding {
        if self.is_of_release(evidence) {
            back(evidence, finding, repair)
        } else {
            finding.next(DevOps, repair)
        }
    }
}

pub(super) fn event_facts(evidence: &Evidence, finding: Finding, event: &Event) -> Finding {
    let finding = finding.fact("ECS, service events", "the service", line(&event.message)).at(event.at);
    match &evidence.service {
        Some(service) => finding
            .fact("ECS, service", "tasks that run", service.running.to_string())
            .against(format!("{} wanted", service.desired)),
        None => finding,
    }
}

/// The stopped tasks that match, the newest first, if the trouble goes on.
pub(super) fn stopped(evidence: &Evidence, is: impl Fn(&StoppedTask) -> bool) -> Vec<&StoppedTask> {
    let Some(tasks) = &evidence.tasks else { return Vec::new() };
    let found: Vec<&StoppedTask> = tasks.stopped.iter().filter(|task| is(task)).collect();
    if found.first().is_some_and(|newest| is_over(evidence, newest)) { Vec::new() } else { found }
}

/// Whether what ended this task is over, whatever is deployed meanwhile: it was long ago, the service has been steady
/// since, a later task came through its start, or nothing deploys that revision any more.
pub(super) fn is_over(evidence: &Evidence, newest: &StoppedTask) -> bool {
    is_gone(evidence, newest)
        || newest.stopped_at.is_some_and(|at| {
            !goes_on(evidence, at)
                || is_steady_since(evidence, at)
                || came_up_since(evidence, &newest.task_definition, at)
        })
}

/// Whether nothing deploys the task's revision any more.
pub(super) fn is_gone(evidence: &Evidence, task: &StoppedTask) -> bool {
    evidence.service.as_ref().is_some_and(|service| {
        !service.deployments.is_empty()
            && service.deployments.iter().all(|deployment| deployment.task_definition != task.task_definition)
    })
}

/// Whether ECS would have tried again since, and has not: between two tries of a service whose tasks fail it waits up
/// to a quarter of an hour, and up to 27 minutes once it says so. A deployment that it gave up is not tried again.
pub(super) fn goes_on(evidence: &Evidence, at: Timestamp) -> bool {
    const MINUTES: i64 = 20;
    const THROTTLED_MINUTES: i64 = 30;
    let service = evidence.service.as_ref();
    let throttled = service.is_some_and(|service| {
        let mut events = service.events.iter().take_while(|event| !says(&event.message, &["steady state"]));
        events.any(|event| says(&event.message, &["unable to consistently start tasks"]))
    });
    let given_up = service.and_then(|service| service.deployments.first()).is_some_and(|primary| {
        primary.rollout == "FAILED" && primary.created_at.is_some_and(|began| began <= at)
    });
    given_up || evidence.within_minutes(at, if throttled { THROTTLED_MINUTES } else { MINUTES })
}

fn is_steady_since(evidence: &Evidence, at: Timestamp) -> bool {
    let events = evidence.service.iter().flat_map(|service| &service.events);
    let mut steady = events.filter(|event| says(&event.message, &["has reached a steady state"]));
    steady.any(|event| event.at.is_some_and(|steady| steady > at))
}

/// Whether a task of this revision, or of any where none is given, started later and came through its start.
fn came_up_since(evidence: &Evidence, revision: &str, at: Timestamp) -> bool {
    evidence.tasks.iter().flat_map(|tasks| &tasks.running).any(|task| {
        (revision.is_empty() || task.task_definition == revision)
            && task.started_at.is_some_and(|started| started > at && evidence.ago(started) > START)
    })
}

/// The words of ECS's image pull, and of what it fetches from ECR before that.
pub(super) fn is_pull(words: &str) -> bool {
    says(words, &["cannotpull", "unable to retrieve ecr registry auth", "cannot pull registry auth"])
}

/// Whether a task could not fetch what it needs from AWS because there was no answer.
pub(super) fn is_unanswered(words: &str) -> bool {
    // ECS adds its advice on the network to refusals, too.
    says(words, NO_ANSWER)
        && !says(words, NOT_ALLOWED)
        && (is_pull(words)
            || says(words, SECRETS)
            || says(words, LOGS)
            || says(words, &["s3", "environment file"]))
}

/// What the service's events say of a task that did not come: the newest that says so, while tasks are wanting and it
/// is not over.
fn refusal(evidence: &Evidence, is: impl Fn(&str) -> bool) -> Option<&Event> {
    let service = evidence.service.as_ref().filter(|_| short_of_tasks(evidence))?;
    let found = service.events.iter().find(|event| says(&event.message, REFUSALS) && is(&event.message))?;
    let at = found.at?;
    let coming = service.deployments.first().map_or("", |primary| primary.task_definition.as_str());
    let is_over =
        !stands(evidence, at) || is_steady_since(evidence, at) || came_up_since(evidence, coming, at);
    (!is_over).then_some(found)
}

/// Whether what an event says still holds. ECS does not repeat an event for six hours: until then the last that speaks
/// of starts stands.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages.html>
pub(super) fn stands(evidence: &Evidence, at: Timestamp) -> bool {
    const HOURS: i64 = 6;
    const OTHERS: &[&str] = &["has started", "registered", "steady state", "deployment completed"];
    let events = || evidence.service.iter().flat_map(|service| &service.events);
    let speaks_of_starts = |message: &str| says(message, OTHERS) || says(message, REFUSALS);
    let is_last = !events().any(|event| event.at > Some(at) && speaks_of_starts(&event.message));
    // Without an older event it is not known what the list leaves out.
    let is_known = events().any(|event| event.at.is_some_and(|other| other < at));
    let mut stopped = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped);
    let tried = stopped.any(|task| task.failed() && task.stopped_at > Some(at));
    goes_on(evidence, at) || is_last && is_known && !tried && evidence.within_minutes(at, HOURS * 60)
}

/// How ECS's event begins if a task was not started.
const REFUSALS: &[&str] =
    &["was unable to place a task", "failed to launch a task", "unable to start a task"];

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
        // Running tasks go on; only new ones do not start.
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

/// ECS's words on one line, without where to read more. What matters of long ones is at their end; no word is cut.
pub(super) fn line(text: &str) -> String {
    const FIRST: usize = 80;
    const LAST: usize = 220;
    let text = text.split_once(" For more information").map_or(text, |(before, _)| before);
    let words: Vec<&str> = text.split_whitespace().collect();
    let all = words.join(" ").trim_end_matches('.').to_owned();
    if all.chars().count() <= FIRST + LAST {
        return all;
    }
    let fitting = |words: &mut dyn Iterator<Item = &&str>, most: usize| {
        let mut length = 0;
        words
            .take_while(|word| {
                length += word.chars().count() + 1;
                length <= most
            })
            .count()
    };
    let first = fitting(&mut words.iter(), FIRST);
    let last = words.len() - fitting(&mut words.iter().rev(), LAST);
    let text =
        [words.get(..first), words.get(last.max(first)..)].map(|words| words.unwrap_or_default().join(" "));
    text.join(" … ").trim_end_matches('.').trim().to_owned()
}

pub(super) fn status(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { text.to_owned() }
}

pub(super) fn tasks(count: usize) -> String {
    if count == 1 { "one task".to_owned() } else { format!("{count} tasks") }
}
