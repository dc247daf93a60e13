//! Service deployments as ECS does them and the local AWS does not: they take time, fail, are stopped and
//! rolled back, and leave a history of service revisions.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tasks::StoppedTask;
use super::{count, last_part, set, text};
use crate::names::{ACCOUNT, REGION};

/// ECS gives up on a deployment whose tasks keep failing.
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>)
const FAILED_TASKS_TO_GIVE_UP: u32 = 3;

/// The services' deployments.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    /// Newest last.
    all: Vec<Deployment>,
    rollout_time: Duration,
    /// What an image's name stands for now.
    digests: HashMap<String, String>,
    /// ECS answers as for a service whose history is gone.
    forgotten: bool,
    /// How tasks fail to start from now on, whatever their task definition says.
    failing: Option<Failure>,
    /// How traffic is moved from now on; nothing for ECS's rolling update.
    strategy: Option<Strategy>,
    /// Digests of images that cannot work.
    broken: HashSet<String>,
}

/// How a deployment moves traffic, and how long old tasks are kept after that.
#[derive(Debug, Clone)]
struct Strategy {
    /// As in `BLUE_GREEN`.
    name: String,
    bakes: Duration,
    /// The stage whose hook does not answer.
    held_in: Option<String>,
}

/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>)
const STAGES: [&str; 9] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
];
/// The first in which new tasks have all traffic.
const SHIFTED: usize = 7;
const BAKE_TIME: usize = 8;

#[derive(Debug)]
struct Deployment {
    arn: String,
    /// `ecs-svc/…`
    id: String,
    service: String,
    service_arn: String,
    cluster_arn: String,
    revision: String,
    task_definition: String,
    /// Container, image, digest.
    images: Vec<(String, String, String)>,
    /// What the service ran before.
    before: Option<String>,
    tasks: u32,
    created: Timestamp,
    takes: Duration,
    fails: Option<Failure>,
    stopped: Option<Timestamp>,
    strategy: Option<Strategy>,
    /// Another deployment began before this one had ended.
    superseded: bool,
}

/// How a task definition's tasks fail to start, as its `FAILS_TO_START` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Pull,
    Exit(i32),
    LoadBalancer,
}

impl Failure {
    fn of(definition: &Value) -> Option<Self> {
        Self::named(variable(definition, "FAILS_TO_START")?)
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "CannotPullContainerError" => Some(Self::Pull),
            "elb" => Some(Self::LoadBalancer),
            exit => exit.strip_prefix("exit ").and_then(|code| code.parse().ok()).map(Self::Exit),
        }
    }

    fn stopped_task(self, number: u32, deployment: &Deployment) -> StoppedTask {
        let (stop_code, reason, exit_code) = match self {
            Self::Pull => (
                "TaskFailedToStart",
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found",
                None,
            ),
            Self::Exit(137) => (
                "EssentialContainerExited",
                "OutOfMemoryError: Container killed due to memory usage",
                Some(137),
            ),
            Self::Exit(code) => {
                ("EssentialContainerExited", "Essential container in task exited", Some(code))
            }
            Self::LoadBalancer => (
                "ServiceSchedulerInitiated",
                "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:\
                 000000000000:targetgroup/backend/0123456789abcdef)",
                None,
            ),
        };
        StoppedTask {
            cluster: last_part(&deployment.cluster_arn).to_owned(),
            service: deployment.service.clone(),
            id: format!("{:024}{number:08}", deployment.created.as_second()),
            task_definition: deployment.task_definition.clone(),
            reason: reason.to_owned(),
            stop_code: stop_code.to_owned(),
            exit_code,
            ran: None,
            stopped_at: Timestamp::now(),
        }
    }
}

impl Deployments {
    pub(super) fn set_rollout_time(&mut self, rollout_time: Duration) {
        self.rollout_time = rollout_time;
    }

    pub(super) fn set_digest(&mut self, image: &str, digest: &str) {
        self.digests.insert(image.to_owned(), digest.to_owned());
    }

    /// From now on, the image's name stands for something that cannot work.
    pub(super) fn push_broken(&mut self, image: &str, digest: &str) {
        self.set_digest(image, digest);
        self.broken.insert(digest.to_owned());
    }

    pub(super) fn set_strategy(&mut self, name: &str, bakes: Duration) {
        self.strategy = Some(Strategy { name: name.to_owned(), bakes, held_in: None });
    }

    /// The hook of a stage does not answer, or (with none) has answered.
    pub(super) fn hold_in(&mut self, stage: Option<&str>) {
        let all = self.all.iter_mut().filter_map(|deployment| deployment.strategy.as_mut());
        for strategy in all.chain(self.strategy.as_mut()) {
            strategy.held_in = stage.map(str::to_owned);
        }
    }

    /// The task definition that still has the service's traffic, where a deployment has yet to move it.
    pub(super) fn before_the_shift(&self, service: &str) -> Option<String> {
        let newest = self.newest(service)?;
        let stage = newest.stage()?;
        newest.before.clone().filter(|_| stage < SHIFTED || newest.stopped.is_some())
    }

    /// Whether what was deployed last of a task definition cannot work.
    pub(super) fn has_broken_image(&self, service: &str, task_definition: &str) -> bool {
        let is_it = |past: &&Deployment| past.service == service && past.task_definition == task_definition;
        let is_broken =
            |past: &Deployment| past.images.iter().any(|(_, _, digest)| self.broken.contains(digest));
        self.all.iter().rev().filter(|past| past.stopped.is_none()).find(is_it).is_some_and(is_broken)
    }

    /// Whether a deployment is under way that moves traffic.
    pub(super) fn is_in_a_stage(&self, service: &str) -> bool {
        self.newest(service)
            .is_some_and(|newest| newest.status() == "IN_PROGRESS" && newest.stage().is_some())
    }

    pub(super) fn set_failing(&mut self, how: &str) {
        self.failing = Failure::named(how);
    }

    pub(super) fn forget(&mut self) {
        self.forgotten = true;
    }

    /// As if all that happened so far had happened that much earlier.
    pub(super) fn age(&mut self, by: Duration) {
        for deployment in &mut self.all {
            deployment.created -= by;
            deployment.stopped = deployment.stopped.map(|stopped| stopped - by);
        }
    }

    /// Notes a deployment, if the request was one. In AWS neither a change of the desired count alone is one, nor the
    /// task definition that runs already, unless it is forced. Answers the tasks that fail to start.
    pub(super) fn note(&mut self, request: &Value, service: &Value, definition: &Value) -> Vec<StoppedTask> {
        let deploys = ["taskDefinition", "forceNewDeployment", "networkConfiguration", "loadBalancers"];
        if !deploys.iter().any(|field| request.get(*field).is_some()) {
            return Vec::new();
        }
        let service_arn = text(service, "serviceArn");
        let name = text(service, "serviceName");
        let number = self.all.len() + 1;
        let before = self.newest(name);
        let changes = deploys.iter().skip(1).any(|field| request.get(*field).is_some());
        let same = |before: &Deployment| {
            before.task_definition == text(service, "taskDefinition")
                && before.runs() == before.task_definition
        };
        if !changes && before.is_some_and(same) {
            return Vec::new();
        }
        let images = match before.filter(|_| definition.is_null()) {
            // The same once more. What the images' names stand for is looked up each time.
            Some(before) => {
                before.images.iter().map(|(container, image, _)| self.image(container, image)).collect()
            }
            None => containers(definition)
                .map(|container| self.image(text(container, "name"), text(container, "image")))
                .collect(),
        };
        let deployment = Deployment {
            arn: format!("{}/{number:016}", service_arn.replacen(":service/", ":service-deployment/", 1)),
            id: text(service.pointer("/deployments/0").unwrap_or(&Value::Null), "id").to_owned(),
            service: name.to_owned(),
            service_arn: service_arn.to_owned(),
            cluster_arn: text(service, "clusterArn").to_owned(),
            revision: format!("{}/{number:016}", service_arn.replacen(":service/", ":service-revision/", 1)),
            task_definition: text(service, "taskDefinition").to_owned(),
            images,
            before: before.map(Deployment::runs),
            tasks: count(service, "desiredCount"),
            created: Timestamp::now(),
            takes: self.rollout_time,
            fails: self.failing.or_else(|| Failure::of(definition)),
            stopped: None,
            strategy: self.strategy.clone(),
            superseded: false,
        };
        let is_before = |past: &&mut Deployment| past.service == name && past.strategy.is_some();
        for before in self.all.iter_mut().filter(is_before) {
            before.superseded |= before.status() == "IN_PROGRESS";
        }
        let failing = deployment.fails.map_or_else(Vec::new, |failure| {
            (0..FAILED_TASKS_TO_GIVE_UP).map(|number| failure.stopped_task(number, &deployment)).collect()
        });
        self.all.push(deployment);
        failing
    }

    fn image(&self, container: &str, image: &str) -> (String, String, String) {
        let named = image.split_once('@').map(|(_, digest)| digest.to_owned());
        let digest = named.or_else(|| self.digests.get(image).cloned());
        let digest = digest.unwrap_or_else(|| format!("sha256:of-{image}"));
        (container.to_owned(), image.to_owned(), digest)
    }

    /// Newest first, as ECS lists them.
    pub(super) fn list(&self, request: &Value) -> Value {
        let service = last_part(text(request, "service"));
        let statuses = request.get("status").and_then(Value::as_array);
        let after = request.pointer("/createdAt/after").and_then(Value::as_f64);
        let is_asked_for = |deployment: &&Deployment| {
            deployment.service == service
                && statuses.is_none_or(|wanted| wanted.contains(&json!(deployment.status())))
                && after.is_none_or(|after| seconds(deployment.created) >= after)
        };
        let found = self.all.iter().rev().filter(is_asked_for);
        let found = found.filter(|_| !self.forgotten).map(|deployment| {
            let mut brief = deployment.times();
            set(&mut brief, "targetServiceRevisionArn", json!(deployment.revision));
            brief
        });
        json!({ "serviceDeployments": found.collect::<Vec<_>>() })
    }

    pub(super) fn describe(&self, request: &Value) -> Value {
        let (found, failures) =
            self.find(request, "serviceDeploymentArns", |deployment| &deployment.arn, Deployment::in_full);
        json!({ "serviceDeployments": found, "failures": failures })
    }

    pub(super) fn describe_revisions(&self, request: &Value) -> Value {
        let (found, failures) = self.find(
            request,
            "serviceRevisionArns",
            |deployment| &deployment.revision,
            Deployment::service_revision,
        );
        json!({ "serviceRevisions": found, "failures": failures })
    }

    fn find(
        &self,
        request: &Value,
        arns: &str,
        arn_of: impl Fn(&Deployment) -> &String,
        show: impl Fn(&Deployment) -> Value,
    ) -> (Vec<Value>, Vec<Value>) {
        let mut found = Vec::new();
        let mut failures = Vec::new();
        for arn in request.get(arns).and_then(Value::as_array).into_iter().flatten() {
            match self.all.iter().find(|deployment| arn == arn_of(deployment).as_str()) {
                Some(deployment) => found.push(show(deployment)),
                None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
            }
        }
        (found, failures)
    }

    /// Begins to roll a deployment back: the service, and the task definition it goes back to. An error is
    /// its code and message.
    pub(super) fn stop(&mut self, request: &Value) -> Result<(String, String), [&'static str; 2]> {
        let arn = text(request, "serviceDeploymentArn");
        let deployment = self
            .all
            .iter_mut()
            .find(|deployment| deployment.arn == arn)
            .ok_or(["ServiceDeploymentNotFoundException", "Service deployment not found."])?;
        if deployment.status() != "IN_PROGRESS" {
            return Err([
                "ConflictException",
                "The service deployment is not in a state that can be stopped.",
            ]);
        }
        let before = deployment
            .before
            .clone()
            .ok_or(["ClientException", "There is no service revision to roll back to."])?;
        deployment.stopped = Some(Timestamp::now());
        Ok((deployment.service_arn.clone(), before))
    }

    /// What `DescribeServices` says of the roll-out.
    pub(super) fn show(&self, service: &mut Value) {
        if let Some(strategy) = &self.strategy
            && let Some(configuration) = service.get_mut("deploymentConfiguration")
        {
            strategy.show(configuration);
        }
        let Some(newest) = self.newest(text(service, "serviceName")) else {
            return;
        };
        let since = seconds(newest.stopped.unwrap_or(newest.created));
        let state = newest.rollout_state();
        if let Some(primary) = service.pointer_mut("/deployments/0") {
            set(primary, "createdAt", json!(since));
            set(primary, "rolloutState", json!(state));
            if newest.stopped.is_none() {
                set(primary, "id", json!(newest.id));
            }
            if newest.fails.is_some() && newest.stopped.is_none() {
                set(primary, "failedTasks", json!(FAILED_TASKS_TO_GIVE_UP));
            }
        }
        // The tasks of the release before go on until those of this one run.
        let other =
            if newest.stopped.is_some() { Some(&newest.task_definition) } else { newest.before.as_ref() };
        if let (true, Some(other), Some(deployments)) =
            (state != "COMPLETED", other, service.pointer_mut("/deployments").and_then(Value::as_array_mut))
        {
            deployments.truncate(1);
            let mut old = deployments.first().cloned().unwrap_or_default();
            for (name, value) in [
                ("id", json!(format!("{}-before", newest.id))),
                ("status", json!("ACTIVE")),
                ("taskDefinition", json!(other)),
                ("rolloutState", json!("COMPLETED")),
                ("failedTasks", json!(0)),
            ] {
                set(&mut old, name, value);
            }
            deployments.push(old);
        }
    }

    /// The id of the deployment that a service's tasks are of; none while it is rolled back.
    pub(super) fn current(&self, service: &str) -> Option<&str> {
        self.newest(service).filter(|newest| newest.stopped.is_none()).map(|newest| newest.id.as_str())
    }

    fn newest(&self, service: &str) -> Option<&Deployment> {
        self.all.iter().rev().find(|deployment| deployment.service == service)
    }
}

impl Strategy {
    fn show(&self, configuration: &mut Value) {
        set(configuration, "strategy", json!(self.name));
        set(configuration, "bakeTimeInMinutes", json!(self.bakes.as_secs().div_ceil(60)));
    }
}

impl Deployment {
    fn is_over(&self, since: Timestamp) -> bool {
        let bakes = self.strategy.as_ref().filter(|_| self.stopped.is_none());
        let takes = self.takes + bakes.map(|strategy| strategy.bakes).unwrap_or_default();
        let held = bakes.is_some_and(|strategy| strategy.held_in.is_some());
        !held && Timestamp::now().duration_since(since).unsigned_abs() >= takes
    }

    /// Which of [`STAGES`] it is in, where it moves traffic and has not ended.
    fn stage(&self) -> Option<usize> {
        let strategy = self.strategy.as_ref().filter(|_| self.status().ends_with("IN_PROGRESS"))?;
        let since = Timestamp::now().duration_since(self.created).unsigned_abs();
        let stage = if since >= self.takes {
            BAKE_TIME
        } else {
            let part = self.takes / u32::try_from(BAKE_TIME).unwrap_or(1);
            usize::try_from(since.as_millis() / part.as_millis().max(1)).unwrap_or_default().min(SHIFTED)
        };
        let held = strategy.held_in.as_deref().and_then(|held| STAGES.iter().position(|name| *name == held));
        Some(held.map_or(stage, |held| held.min(stage)))
    }

    fn status(&self) -> &'static str {
        match self.stopped {
            Some(stopped) if self.is_over(stopped) => "ROLLBACK_SUCCESSFUL",
            Some(_) => "ROLLBACK_IN_PROGRESS",
            None if self.superseded => "STOPPED",
            None if !self.is_over(self.created) => "IN_PROGRESS",
            None if self.fails.is_some() => "STOPPED",
            None => "SUCCESSFUL",
        }
    }

    fn rollout_state(&self) -> &'static str {
        match self.status() {
            "SUCCESSFUL" | "ROLLBACK_SUCCESSFUL" => "COMPLETED",
            "STOPPED" => "FAILED",
            _ => "IN_PROGRESS",
        }
    }

    /// The task definition that runs in the end.
    fn runs(&self) -> String {
        let before = self.before.as_ref().filter(|_| self.stopped.is_some() || self.fails.is_some());
        before.unwrap_or(&self.task_definition).clone()
    }

    fn times(&self) -> Value {
        let created = seconds(self.created);
        let mut times = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": self.service_arn,
            "clusterArn": self.cluster_arn,
            "status": self.status(),
            "createdAt": created,
            "startedAt": created,
        });
        if !self.status().ends_with("IN_PROGRESS") {
            set(&mut times, "finishedAt", json!(seconds(self.stopped.unwrap_or(self.created))));
        }
        times
    }

    fn in_full(&self) -> Value {
        let mut full = self.times();
        let target = json!({
            "arn": self.revision,
            "requestedTaskCount": self.tasks,
            "runningTaskCount": self.tasks,
            "pendingTaskCount": 0,
        });
        set(&mut full, "targetServiceRevision", target);
        if let (Some(strategy), Some(stage)) = (&self.strategy, self.stage()) {
            let mut configuration = json!({});
            strategy.show(&mut configuration);
            set(&mut full, "deploymentConfiguration", configuration);
            set(&mut full, "lifecycleStage", json!(STAGES.get(stage)));
            let since = if stage == BAKE_TIME { self.created + self.takes } else { self.created };
            set(&mut full, "updatedAt", json!(seconds(since)));
            if strategy.held_in.is_some() {
                let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:check-release");
                let hook = json!({ "hookId": "hook-1", "targetType": "AWS_LAMBDA", "targetArn": function, "status": "IN_PROGRESS" });
                set(&mut full, "lifecycleHookDetails", json!([hook]));
            }
        }
        full
    }

    fn service_revision(&self) -> Value {
        let image = |(container, image, digest): &(String, String, String)| json!({ "containerName": container, "image": image, "imageDigest": digest });
        json!({
            "serviceRevisionArn": self.revision,
            "serviceArn": self.service_arn,
            "clusterArn": self.cluster_arn,
            "taskDefinition": self.task_definition,
            "containerImages": self.images.iter().map(image).collect::<Vec<_>>(),
            "createdAt": seconds(self.created),
        })
    }
}

/// A time as ECS writes it.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

fn containers(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.pointer("/taskDefinition/containerDefinitions").and_then(Value::as_array).into_iter().flatten()
}

/// An environment variable of any container.
fn variable<'a>(definition: &'a Value, name: &str) -> Option<&'a str> {
    containers(definition)
        .filter_map(|container| container.get("environment")?.as_array())
        .flatten()
        .find(|variable| text(variable, "name") == name)
        .map(|variable| text(variable, "value"))
}
