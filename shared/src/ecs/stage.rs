//! Where a deployment stands that moves traffic from old tasks to new ones: blue/green, linear, canary.

use aws_sdk_ecs::{
    Client,
    types::{
        DeploymentConfiguration, DeploymentLifecycleHookDetail,
        DeploymentLifecycleHookTargetType as HookKind, ServiceDeployment,
        ServiceDeploymentLifecycleStage as Lifecycle,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Service, service, timestamp};
use crate::{
    aws,
    clock::readable,
    code,
    error::{Error, chain},
    outcome::{Next, Stop},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// As in `BLUE_GREEN`.
    pub strategy: String,
    /// As in `BAKE_TIME`: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>. Empty
    /// where ECS does not say.
    pub name: String,
    /// As in `IN_PROGRESS`.
    pub status: String,
    /// When ECS last moved on in it.
    pub since: Option<Timestamp>,
    /// When the bake time ends, as far as ECS says when it began, or a pause that waits for a person.
    pub ends_at: Option<Timestamp>,
    /// The hooks that are waited for: a Lambda function's name, or the id of a pause.
    pub hooks: Vec<String>,
    /// Whether they wait for a person.
    pub pauses: bool,
}

impl Stage {
    /// Whether old and new tasks run, and the new ones have all traffic.
    pub fn is_bake_time(&self) -> bool {
        self.is_under_way() && self.name == Lifecycle::BakeTime.as_str()
    }

    pub(super) fn has_moved_traffic(&self) -> bool {
        let after = [Lifecycle::PostProductionTrafficShift, Lifecycle::BakeTime, Lifecycle::CleanUp];
        self.is_under_way() && after.iter().any(|stage| stage.as_str() == self.name)
    }

    /// And not on its way back.
    fn is_under_way(&self) -> bool {
        self.status == "IN_PROGRESS"
    }

    /// For people: the stage, and when it ends.
    pub fn said(&self) -> String {
        let Self { strategy, name, status, .. } = self;
        if !self.is_under_way() {
            return format!("its {strategy} deployment is {status}");
        }
        let until = match self.ends_at {
            Some(at) => format!(" until about {}", readable(at)),
            None if !self.hooks.is_empty() => {
                format!(", which waits for {}", self.hooks.join(" and "))
            }
            None => ", which ends when ECS is done with it".to_owned(),
        };
        let stage = if name.is_empty() { "its first stage" } else { name };
        format!("its {strategy} deployment is in {stage}{until}")
    }

    /// That nothing can be done while it lasts.
    pub(super) fn stop(&self, reason: String) -> Stop {
        let until = self.ends_at.map(|at| format!(" until {}", readable(at))).unwrap_or_default();
        Stop::refused(&code::DEPLOYMENT_STAGE, reason).next(Next::development(format!(
            "wait{until} and send it again, or end the deployment: send rollback {{\"to\": \"previous\"}}"
        )))
    }

    fn of(deployment: &ServiceDeployment, strategy: &str) -> Self {
        let name = deployment.lifecycle_stage().map_or("", Lifecycle::as_str);
        let bake_time = deployment
            .deployment_configuration()
            .and_then(DeploymentConfiguration::bake_time_in_minutes)
            .map(|minutes| SignedDuration::from_mins(i64::from(minutes)));
        let since = deployment.updated_at().and_then(timestamp);
        let bakes = name == Lifecycle::BakeTime.as_str();
        let waits = deployment.lifecycle_hook_details().iter().filter(|hook| {
            hook.status().is_some_and(|status| ["IN_PROGRESS", "AWAITING_ACTION"].contains(&status.as_str()))
        });
        let waits: Vec<&DeploymentLifecycleHookDetail> = waits.collect();
        let pause = waits.iter().find(|hook| hook.target_type() == Some(&HookKind::Pause));
        Self {
            strategy: strategy.to_owned(),
            name: name.to_owned(),
            status: deployment.status().map_or_else(String::new, |status| status.as_str().to_owned()),
            ends_at: since
                .zip(bake_time)
                .filter(|_| bakes)
                .and_then(|(since, bake)| since.checked_add(bake).ok())
                .or_else(|| pause?.expires_at().and_then(timestamp)),
            since,
            hooks: waits.iter().copied().map(hook).collect(),
            pauses: pause.is_some(),
        }
    }
}

fn hook(hook: &DeploymentLifecycleHookDetail) -> String {
    let function = hook.target_arn().and_then(|arn| arn.rsplit_once(":function:")).map(|(_, name)| {
        // Without its alias or version.
        name.split(':').next().unwrap_or(name)
    });
    function.or(hook.hook_id()).unwrap_or("a hook").to_owned()
}

/// The service, with the stage of a deployment that moves traffic.
pub async fn staged_service(client: &Client, cluster: &str, name: &str) -> Result<Option<Service>, Error> {
    let Some(mut service) = service(client, cluster, name).await? else {
        return Ok(None);
    };
    if !service.strategy.is_empty() && service.is_deploying() {
        service.stage = stage(client, cluster, name, &service.strategy).await?;
    }
    Ok(Some(service))
}

/// Why ECS has refused to change a service: that a deployment moves its traffic is a reason of its own.
pub(super) async fn refused_meanwhile(client: &Client, cluster: &str, name: &str, error: Error) -> Error {
    match staged_service(client, cluster, name).await {
        Ok(Some(Service { stage: Some(stage), .. })) => {
            let reason =
                format!("{}, and ECS does not change {name} meanwhile: {}", stage.said(), chain(&error));
            Error::Refused { stop: Box::new(stage.stop(reason)), over: true }
        }
        _ => error,
    }
}

/// Where the newest deployment of a service stands; nothing where it has none.
///
/// # Errors
/// ECS did not say.
pub async fn stage(
    client: &Client,
    cluster: &str,
    name: &str,
    strategy: &str,
) -> Result<Option<Stage>, Error> {
    let whose = || format!("{name} in cluster {cluster}");
    let newest = client
        .list_service_deployments()
        .cluster(cluster)
        .service(name)
        .max_results(1)
        .send()
        .await
        .map_err(|error| aws::failed("list the deployments of", whose(), &error))?;
    let newest = newest.service_deployments.unwrap_or_default().into_iter().next();
    let Some(arn) = newest.and_then(|newest| newest.service_deployment_arn) else {
        return Ok(None);
    };
    let answer = client
        .describe_service_deployments()
        .service_deployment_arns(arn)
        .send()
        .await
        .map_err(|error| aws::failed("describe the deployment of", whose(), &error))?;
    Ok(answer.service_deployments().first().map(|deployment| Stage::of(deployment, strategy)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::{primitives::DateTime, types::DeploymentLifecycleHookStatus};

    use super::*;

    fn waits_for(kind: HookKind, arn: Option<&str>) -> Stage {
        let hook = DeploymentLifecycleHookDetail::builder()
            .hook_id("ecs-pause-1")
            .target_type(kind)
            .set_target_arn(arn.map(str::to_owned))
            .status(DeploymentLifecycleHookStatus::from("AWAITING_ACTION"))
            .expires_at(DateTime::from_secs(1_000))
            .build();
        Stage::of(&ServiceDeployment::builder().lifecycle_hook_details(hook).build(), "BLUE_GREEN")
    }

    #[test]
    fn a_pause_waits_for_a_person_until_its_end_and_a_function_does_not() {
        let pause = waits_for(HookKind::Pause, None);
        assert_eq!((pause.pauses, pause.hooks.as_slice()), (true, &["ecs-pause-1".to_owned()][..]));
        assert_eq!(pause.ends_at, Timestamp::from_second(1_000).ok());
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:check:live";
        let function = waits_for(HookKind::AwsLambda, Some(arn));
        assert_eq!((function.pauses, function.hooks.as_slice()), (false, &["check".to_owned()][..]));
        assert_eq!(function.ends_at, None);
    }
}
