//! The states of ECS that the local AWS never shows: tasks that take time to start, a roll-out under
//! way, stopped tasks with their reasons, and the history of service deployments.

mod deployments;
mod running;
mod tasks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::forward::Upstream;
use super::{Answer, wire};
use deployments::Deployments;
pub(super) use running::address;
pub use tasks::StoppedTask;

/// Where the backend's tasks listen.
pub const BACKEND_PORT: u16 = 8080;

/// What a test makes a service say about itself. Whatever is unset stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// `ACTIVE`, `DRAINING`, `INACTIVE`.
    pub status: Option<String>,
    pub desired: Option<u32>,
    pub running: Option<u32>,
    pub pending: Option<u32>,
    /// `COMPLETED`, `IN_PROGRESS`, `FAILED`: the primary deployment's roll-out.
    pub rollout: Option<String>,
    /// Messages, newest first, before the service's own.
    pub events: Vec<String>,
}

/// What tests may set, and what the gateway remembers.
#[derive(Debug, Clone, Default)]
pub struct Ecs {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    states: HashMap<String, ServiceState>,
    stopped: Vec<StoppedTask>,
    deployments: Deployments,
    start_time: Duration,
    desired: HashMap<String, u32>,
    starting: HashMap<String, Starting>,
    aged: Option<running::Aged>,
    /// Task definitions as they were registered, by their ARNs.
    registered: HashMap<String, Value>,
    /// Fields that task definitions have, too, by `family:revision`.
    newer: HashMap<String, serde_json::Map<String, Value>>,
    /// Task definitions that no service may be set to, as `family:revision`, and ECS's code and message.
    refused: HashMap<String, [String; 2]>,
    /// No service may be changed while a deployment moves its traffic.
    strict: bool,
    leaves_one_behind: bool,
}

/// Tasks asked for that do not run yet.
#[derive(Debug)]
struct Starting {
    since: Instant,
    running_before: u32,
}

impl Ecs {
    /// From now on `DescribeServices` says this about `service`.
    pub fn set_state(&self, service: &str, state: ServiceState) {
        self.lock().states.insert(service.to_owned(), state);
    }

    /// The service speaks for itself again.
    pub fn clear_state(&self, service: &str) {
        self.lock().states.remove(service);
    }

    /// How long a new task is pending before it runs.
    pub fn set_start_time(&self, start_time: Duration) {
        self.lock().start_time = start_time;
    }

    /// A task that stopped, visible to `ListTasks` (`desiredStatus=STOPPED`) and `DescribeTasks`.
    pub fn add_stopped_task(&self, task: StoppedTask) {
        self.lock().stopped.push(task);
    }

    /// How long a deployment is under way before it ends, well or badly.
    pub fn set_rollout_time(&self, rollout_time: Duration) {
        self.lock().deployments.set_rollout_time(rollout_time);
    }

    /// What an image's name stands for in deployments from now on.
    pub fn set_digest(&self, image: &str, digest: &str) {
        self.lock().deployments.set_digest(image, digest);
    }

    /// The image was pushed again, and cannot work any more.
    pub fn push_broken(&self, image: &str, digest: &str) {
        self.lock().deployments.push_broken(image, digest);
    }

    /// From now on deployments move traffic, as in `BLUE_GREEN`, and bake for so long.
    pub fn set_strategy(&self, name: &str, bakes: Duration) {
        self.lock().deployments.set_strategy(name, bakes);
    }

    /// A hook of this stage does not answer; with none, it has.
    pub fn hold_in(&self, stage: Option<&str>) {
        self.lock().deployments.hold_in(stage);
    }

    /// No service may be changed while a deployment moves its traffic.
    pub fn refuse_changes_in_stages(&self) {
        self.lock().strict = true;
    }

    /// ECS has this of a task definition, `family:revision`, too.
    pub fn add_field(&self, release: &str, name: &str, value: Value) {
        self.lock().newer.entry(release.to_owned()).or_default().insert(name.to_owned(), value);
    }

    /// No service may be set to this task definition, `family:revision`.
    pub fn refuse_release(&self, release: &str, code: &str, message: &str) {
        self.lock().refused.insert(release.to_owned(), [code.to_owned(), message.to_owned()]);
    }

    /// The task definition that has the service's traffic, which is set to `task_definition`.
    pub(crate) fn serving(&self, service: &str, task_definition: &str) -> String {
        self.lock().deployments.before_the_shift(service).unwrap_or_else(|| task_definition.to_owned())
    }

    /// Whether what was deployed last of a task definition cannot work.
    pub(crate) fn has_broken_image(&self, service: &str, task_definition: &str) -> bool {
        self.lock().deployments.has_broken_image(service, task_definition)
    }

    /// From now on no task of any release starts: as `FAILS_TO_START` of a release says it, for those that were good.
    pub fn let_tasks_fail(&self, how: &str) {
        self.lock().deployments.set_failing(how);
    }

    /// All deployments so far happened that much earlier.
    pub fn age_deployments(&self, by: Duration) {
        self.lock().deployments.age(by);
    }

    /// ECS has no history of deployments any more.
    pub fn forget_deployments(&self) {
        self.lock().deployments.forget();
    }

    /// All tasks that run now started that much earlier.
    pub fn age_tasks(&self, by: Duration) {
        self.lock().aged = Some(running::Aged::new(by));
    }

    /// Whether one of a service's tasks is of an earlier deployment than the one that has ended.
    pub fn leave_one_behind(&self, leave: bool) {
        self.lock().leaves_one_behind = leave;
    }

    pub fn clear_stopped_tasks(&self) {
        self.lock().stopped.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn answer(
        &self,
        call: &Call,
        parts: http::request::Parts,
        body: Bytes,
        upstream: &Upstream,
    ) -> Answer {
        match call.operation.as_str() {
            "ListServiceDeployments" => {
                wire::json_1_1(StatusCode::OK, &self.lock().deployments.list(&call.request))
            }
            "DescribeServiceRevisions" => {
                wire::json_1_1(StatusCode::OK, &self.lock().deployments.describe_revisions(&call.request))
            }
            "StopServiceDeployment" => {
                let stopped = self.lock().deployments.stop(&call.request);
                let (service, before) = match stopped {
                    Ok(stopped) => stopped,
                    Err([code, message]) => return wire::error(call, StatusCode::BAD_REQUEST, code, message),
                };
                let cluster = service.split('/').nth(1).unwrap_or_default().to_owned();
                let back = json!({ "cluster": cluster, "service": service, "taskDefinition": before });
                upstream.ecs("UpdateService", &back).await;
                let arn = text(&call.request, "serviceDeploymentArn");
                wire::json_1_1(StatusCode::OK, &json!({ "serviceDeploymentArn": arn }))
            }
            "DescribeServiceDeployments" => {
                wire::json_1_1(StatusCode::OK, &self.lock().deployments.describe(&call.request))
            }
            "DescribeTasks" => {
                let (own, rest) = self.lock().split_tasks(&call.request);
                let forwarded = upstream.forward(parts, rest.to_string().into()).await;
                edit(forwarded, |answer| {
                    self.lock().complete_running(answer);
                    tasks::add(answer, "tasks", own);
                })
                .await
            }
            "ListTasks" => {
                let (own, next) = self.lock().stopped_task_arns(&call.request);
                let forwarded = upstream.forward(parts, body).await;
                edit(forwarded, |answer| {
                    tasks::add(answer, "taskArns", own);
                    set(answer, "nextToken", json!(next));
                })
                .await
            }
            "DescribeServices" => {
                let forwarded = upstream.forward(parts, body).await;
                edit(forwarded, |answer| self.lock().show_services(answer)).await
            }
            "RegisterTaskDefinition" => {
                let forwarded = upstream.forward(parts, body).await;
                edit(forwarded, |answer| self.lock().note_definition(&call.request, answer)).await
            }
            "DescribeTaskDefinition" => {
                let forwarded = upstream.forward(parts, body).await;
                edit(forwarded, |answer| self.lock().complete_definition(answer)).await
            }
            "CreateService" | "UpdateService" => {
                if let Some([code, message]) = self.lock().refusal(&call.request) {
                    return wire::error(call, StatusCode::BAD_REQUEST, &code, &message);
                }
                let deployed = match text(&call.request, "taskDefinition") {
                    "" => Value::Null,
                    name => upstream.ecs("DescribeTaskDefinition", &json!({ "taskDefinition": name })).await,
                };
                let forwarded = upstream.forward(parts, body).await;
                edit(forwarded, |answer| self.lock().note_change(&call.request, answer, &deployed)).await
            }
            _ => upstream.forward(parts, body).await,
        }
    }
}

impl Inner {
    fn show_services(&mut self, answer: &mut Value) {
        for service in answer.get_mut("services").and_then(Value::as_array_mut).into_iter().flatten() {
            self.show(service);
        }
    }

    fn note_change(&mut self, request: &Value, answer: &mut Value, deployed: &Value) {
        let Some(service) = answer.get_mut("service") else {
            return;
        };
        let name = text(service, "serviceName").to_owned();
        let desired = count(service, "desiredCount");
        let before = self.running_now(&name).or_else(|| self.desired.get(&name).copied());
        if let Some(running_before) = before.filter(|before| *before < desired) {
            self.starting.insert(name.clone(), Starting { since: Instant::now(), running_before });
        }
        self.desired.insert(name, desired);
        let failing = self.deployments.note(request, service, deployed);
        self.stopped.extend(failing);
        self.show(service);
    }

    fn refusal(&self, request: &Value) -> Option<[String; 2]> {
        let release = last_part(text(request, "taskDefinition"));
        if let Some(refused) = self.refused.get(release) {
            return Some(refused.clone());
        }
        let moves = self.deployments.is_in_a_stage(last_part(text(request, "service")));
        (self.strict && moves).then(|| {
            ["InvalidParameterException", "The service has a deployment in progress."].map(str::to_owned)
        })
    }

    /// The local AWS drops fields that are newer than it.
    fn note_definition(&mut self, request: &Value, answer: &mut Value) {
        let arn = text(answer.get("taskDefinition").unwrap_or(&Value::Null), "taskDefinitionArn").to_owned();
        self.registered.insert(arn, request.clone());
        self.complete_definition(answer);
    }

    fn complete_definition(&self, answer: &mut Value) {
        let Some(definition) = answer.get_mut("taskDefinition") else {
            return;
        };
        let arn = text(definition, "taskDefinitionArn").to_owned();
        leave_out_empty(definition);
        if let Some(registered) = self.registered.get(&arn) {
            complete(definition, registered);
        }
        for (name, value) in self.newer.get(last_part(&arn)).into_iter().flatten() {
            set(definition, name, value.clone());
        }
    }

    /// How many run while new ones still start; none when nothing is starting.
    fn running_now(&mut self, service: &str) -> Option<u32> {
        let starting = self.starting.get(service)?;
        if starting.since.elapsed() >= self.start_time {
            self.starting.remove(service);
            return None;
        }
        Some(starting.running_before)
    }

    fn show(&mut self, service: &mut Value) {
        let name = text(service, "serviceName").to_owned();
        let desired = count(service, "desiredCount");
        if let Some(running) = self.running_now(&name) {
            let running = running.min(desired);
            set_counts(service, None, Some(running), Some(desired - running));
        }
        self.deployments.show(service);
        let Some(state) = self.states.get(&name) else {
            return;
        };
        set_counts(service, state.desired, state.running, state.pending);
        if let Some(status) = &state.status {
            set(service, "status", json!(status));
        }
        if let Some(rollout) = &state.rollout
            && let Some(primary) = service.pointer_mut("/deployments/0")
        {
            set(primary, "rolloutState", json!(rollout));
        }
        let events = state.events.iter().enumerate().map(|(number, message)| {
            let at = jiff::Timestamp::now().as_second();
            json!({ "id": format!("sandbox-{number}"), "createdAt": at, "message": message })
        });
        let mut events: Vec<Value> = events.collect();
        events.extend(service.get("events").and_then(Value::as_array).into_iter().flatten().cloned());
        set(service, "events", json!(events));
    }
}

/// ministack answers `""` for unset fields; AWS omits and rejects them.
fn leave_out_empty(of: &mut Value) {
    if let Some(members) = of.as_object_mut() {
        members.retain(|_, value| value != "");
    }
}

/// Adds what is in the other and not in this one.
fn complete(dropped: &mut Value, whole: &Value) {
    match (dropped, whole) {
        (Value::Object(dropped), Value::Object(whole)) => {
            for (name, value) in whole.iter().filter(|(name, _)| *name != "tags") {
                complete(dropped.entry(name.clone()).or_insert_with(|| value.clone()), value);
            }
        }
        (Value::Array(dropped), Value::Array(whole)) if dropped.len() == whole.len() => {
            dropped.iter_mut().zip(whole).for_each(|(dropped, whole)| complete(dropped, whole));
        }
        _ => {}
    }
}

/// The same counts in the service and in its primary deployment.
fn set_counts(service: &mut Value, desired: Option<u32>, running: Option<u32>, pending: Option<u32>) {
    let counts = [("desiredCount", desired), ("runningCount", running), ("pendingCount", pending)];
    for (name, count) in counts {
        let Some(count) = count else { continue };
        set(service, name, json!(count));
        if let Some(primary) = service.pointer_mut("/deployments/0") {
            set(primary, name, json!(count));
        }
    }
}

pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

pub(super) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn count(object: &Value, name: &str) -> u32 {
    object.get(name).and_then(Value::as_u64).and_then(|count| count.try_into().ok()).unwrap_or_default()
}

/// A time as ECS writes it.
pub(super) fn seconds(at: jiff::Timestamp) -> f64 {
    at.duration_since(jiff::Timestamp::UNIX_EPOCH).as_secs_f64()
}

/// `backend` of `backend` or of a service's ARN.
pub(super) fn last_part(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

/// Changes a good answer's JSON; anything else stays as it is.
pub(super) async fn edit(answer: Answer, change: impl FnOnce(&mut Value)) -> Answer {
    match wire::body(answer).await {
        Ok(mut body) => {
            change(&mut body);
            wire::json_1_1(StatusCode::OK, &body)
        }
        Err(answer) => answer,
    }
}
