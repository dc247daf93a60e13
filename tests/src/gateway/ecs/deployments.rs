//! The history of service deployments, which the local AWS leaves empty.

use serde_json::{Value, json};

use super::{count, last_part, text};

/// Newest last.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    all: Vec<Deployment>,
}

#[derive(Debug)]
struct Deployment {
    arn: String,
    service: String,
    service_arn: String,
    cluster_arn: String,
    revision: String,
    tasks: u32,
    at: i64,
}

impl Deployments {
    /// A change of the desired count alone is no deployment, in AWS neither.
    pub(super) fn note(&mut self, request: &Value, service: &Value) {
        let deploys = ["taskDefinition", "forceNewDeployment", "networkConfiguration", "loadBalancers"];
        if !deploys.iter().any(|field| request.get(*field).is_some()) {
            return;
        }
        let service_arn = text(service, "serviceArn");
        let number = self.all.len() + 1;
        self.all.push(Deployment {
            arn: format!("{}/{number:016}", service_arn.replacen(":service/", ":service-deployment/", 1)),
            service: text(service, "serviceName").to_owned(),
            service_arn: service_arn.to_owned(),
            cluster_arn: text(service, "clusterArn").to_owned(),
            revision: format!("{}/{number:016}", service_arn.replacen(":service/", ":service-revision/", 1)),
            tasks: count(service, "desiredCount"),
            at: jiff::Timestamp::now().as_second(),
        });
    }

    /// Newest first, as ECS lists them.
    pub(super) fn list(&self, request: &Value) -> Value {
        let service = last_part(text(request, "service"));
        let found: Vec<Value> = self
            .all
            .iter()
            .rev()
            .filter(|deployment| deployment.service == service)
            .map(|deployment| {
                let mut brief = deployment.times();
                super::set(&mut brief, "targetServiceRevisionArn", json!(deployment.revision));
                brief
            })
            .collect();
        json!({ "serviceDeployments": found })
    }

    pub(super) fn describe(&self, request: &Value) -> Value {
        let mut found = Vec::new();
        let mut failures = Vec::new();
        for arn in request.get("serviceDeploymentArns").and_then(Value::as_array).into_iter().flatten() {
            match self.all.iter().find(|deployment| arn == deployment.arn.as_str()) {
                Some(deployment) => found.push(deployment.in_full()),
                None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
            }
        }
        json!({ "serviceDeployments": found, "failures": failures })
    }
}

impl Deployment {
    fn times(&self) -> Value {
        json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": self.service_arn,
            "clusterArn": self.cluster_arn,
            "status": "SUCCESSFUL",
            "createdAt": self.at,
            "startedAt": self.at,
            "finishedAt": self.at,
        })
    }

    fn in_full(&self) -> Value {
        let mut full = self.times();
        let target = json!({
            "arn": self.revision,
            "requestedTaskCount": self.tasks,
            "runningTaskCount": self.tasks,
            "pendingTaskCount": 0,
        });
        super::set(&mut full, "targetServiceRevision", target);
        full
    }
}
