//! The service, its tasks, and what they are made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    pub name: String,
    pub cluster: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// `family:revision`.
    pub task_definition: String,
    /// How long ECS ignores the load balancer's health checks of a new task.
    pub grace_seconds: Option<u32>,
    pub security_groups: Vec<String>,
    pub subnets: Vec<String>,
    /// Whether its tasks get a public address: `ENABLED` or `DISABLED`.
    pub public_ip: String,
    /// Of a deployment under way that moves traffic: blue/green, linear, canary.
    pub stage: Option<Stage>,
    /// The primary one first.
    pub deployments: Vec<Deployment>,
    /// The newest first, 20 at most.
    pub events: Vec<Event>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stage {
    /// As in `BLUE_GREEN`.
    pub strategy: String,
    /// As in `BAKE_TIME`, `POST_TEST_TRAFFIC_SHIFT`.
    pub name: String,
    /// As in `IN_PROGRESS`, `ROLLBACK_IN_PROGRESS`.
    pub status: String,
    /// When ECS last moved on in it.
    pub since: Option<Timestamp>,
    /// When the bake time ends, or the pause that is waited for.
    pub ends_at: Option<Timestamp>,
    /// The hooks that are waited for: functions' names, or the ids of pauses.
    pub hooks: Vec<String>,
    /// Whether they wait for a person.
    pub pauses: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deployment {
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `family:revision`.
    pub task_definition: String,
    /// `COMPLETED`, `FAILED`, `IN_PROGRESS`, or empty where ECS does not say.
    pub rollout: String,
    pub reason: String,
    pub created_at: Option<Timestamp>,
    pub desired: u32,
    pub running: u32,
    pub failed_tasks: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    pub at: Option<Timestamp>,
    pub message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tasks {
    pub running: Vec<RunningTask>,
    /// Of the last hour, the newest first; the newest 100.
    pub stopped: Vec<StoppedTask>,
    /// How many ECS remembers in all.
    pub stopped_in_all: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunningTask {
    pub id: String,
    pub task_definition: String,
    pub started_at: Option<Timestamp>,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`: the container's own health check.
    pub health: String,
    /// Its private address, by which the load balancer knows it.
    pub address: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoppedTask {
    pub id: String,
    pub task_definition: String,
    pub created_at: Option<Timestamp>,
    /// None when it never ran.
    pub started_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    /// As in `TaskFailedToStart`, `EssentialContainerExited`, `ServiceSchedulerInitiated`.
    pub stop_code: String,
    pub reason: String,
    pub containers: Vec<ContainerEnd>,
    /// The last line of its log, masked; looked up for the newest that failed.
    pub last_log: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainerEnd {
    pub name: String,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

impl StoppedTask {
    /// All of ECS's words about its end.
    pub fn reasons(&self) -> String {
        let own = self.containers.iter().filter_map(|container| container.reason.as_deref());
        std::iter::once(self.reason.as_str()).chain(own).collect::<Vec<_>>().join("; ")
    }

    /// The exit code of the container that failed. ECS then stops the others: with 143, or with 137 if they ignore
    /// the signal.
    pub fn exit_code(&self) -> Option<i32> {
        const ENDED: [i32; 2] = [143, 137];
        let codes = || self.containers.iter().filter_map(|container| container.exit_code);
        codes().find(|code| *code != 0 && !ENDED.contains(code)).or_else(|| codes().find(|code| *code != 0))
    }

    /// Whether it ended by its own fault, not by a deployment, by scaling or by a person.
    pub fn failed(&self) -> bool {
        matches!(self.stop_code.as_str(), "TaskFailedToStart" | "EssentialContainerExited")
            || self.reason.starts_with("Task failed ")
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Definition {
    /// `family:revision`.
    pub revision: String,
    /// CPU units, 1,024 a vCPU.
    pub cpu: Option<u32>,
    pub memory_mib: Option<u32>,
    /// Whether it is for Fargate, which takes only some pairs of CPU and memory.
    pub is_fargate: bool,
    pub registered_at: Option<Timestamp>,
    /// The `family:revision` of the release that a remedy copied it from, where it is the same but for that.
    pub copy_of: Option<String>,
    pub containers: Vec<Container>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub is_essential: bool,
    /// The hard limit.
    pub memory_mib: Option<u32>,
    pub ports: Vec<u16>,
    /// The names of its variables. Their values are never read.
    pub variables: Vec<String>,
    /// Variables that come from Secrets Manager or Parameter Store: the variable, and what it comes from.
    pub secrets: Vec<[String; 2]>,
    /// The database driver's maximum pool size, from the variable that the settings name.
    pub pool_size: Option<u32>,
    pub health_check: Option<HealthCheck>,
    pub log_group: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// Without the address that it asks.
    pub command: String,
    /// The path that it asks for, as in `/health`.
    pub path: Option<String>,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub retries: u32,
    pub start_period_seconds: u32,
}

impl HealthCheck {
    /// The path of the address in a command: `/health` of `curl -f http://localhost:8080/health?full=1 || exit 1`.
    pub fn path_in(command: &str) -> Option<&str> {
        let (_, address) = command.split_once("://")?;
        let end = |letter: char| letter.is_whitespace() || "\"';,|&)?#".contains(letter);
        let address = address.split(end).next()?;
        Some(address.find('/').map_or("/", |place| address.get(place..).unwrap_or("/")))
    }

    /// What it asks for. A case that is written by hand may have the address in the command.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref().or_else(|| Self::path_in(&self.command))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Image {
    pub image: String,
    pub exists: bool,
    /// As in `there is no such tag`, `there is no such repository`.
    pub why: Option<String>,
    pub pushed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secret {
    pub name: String,
    pub exists: bool,
    /// When it is or was scheduled for deletion: it cannot be read any more.
    pub deleted_at: Option<Timestamp>,
    pub changed_at: Option<Timestamp>,
    pub rotated_at: Option<Timestamp>,
}

/// What the application logged as errors in the last hour, grouped by shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logs {
    pub since: Option<Timestamp>,
    pub errors: u64,
    /// False when there were more than were read.
    pub complete: bool,
    /// The most frequent first, ten at most.
    pub groups: Vec<LogGroup>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogGroup {
    /// The message without numbers, ids, addresses and anything secret or personal.
    pub shape: String,
    pub count: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Logs {
    /// How many errors have one of these words in their shape, whatever the case; and the largest such group.
    pub fn with(&self, words: &[&str]) -> Option<(u64, &LogGroup)> {
        let matches = |group: &&LogGroup| {
            let shape = group.shape.to_ascii_lowercase();
            words.iter().any(|word| shape.contains(&word.to_ascii_lowercase()))
        };
        let found: Vec<&LogGroup> = self.groups.iter().filter(matches).collect();
        let largest = found.iter().max_by_key(|group| group.count)?;
        Some((found.iter().map(|group| group.count).sum(), largest))
    }
}
