//! Service deployments as ECS does them and the local AWS does not: they take time, fail, are stopped and
//! rolled back, and leave a history of service revisions.

mod deployment;
mod failure;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tasks::StoppedTask;
use super::{count, last_part, seconds, set, text};

use deployment::{Deployment, SHIFTED, Strategy};
use failure::{Failure, containers};

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
