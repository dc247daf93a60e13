//! Whether and how the service is scaled by itself, and what that did in the last day.

use aws_sdk_applicationautoscaling::{
    Client,
    types::{self, ScalableDimension, ServiceNamespace},
};
use jiff::{SignedDuration, Timestamp};
use shared::{
    aws,
    ecs::{count, resource_id},
    error::Error,
};

use super::{Reader, Seen, Why, cut, seen, service::said, timestamp, why};
use crate::evidence::{NotSeen, ScalableTarget, Scaling, ScalingActivity, ScalingPolicy};

const SINCE: SignedDuration = SignedDuration::from_hours(24);
const ACTIVITIES: usize = 20;
/// Of 50 each: a service has a handful of policies.
const MAX_PAGES: usize = 2;

pub(super) async fn scaling(reader: &Reader) -> Result<Option<Seen>, Why> {
    let service = resource_id(&reader.settings.cluster, &reader.settings.service);
    read(&Client::new(&reader.config), &service, reader.at).await.map_err(|error| why(&error))
}

/// Without its target or its policies, a service would look as if it were not scaled: then nothing was seen. Its
/// activities may be missing.
async fn read(client: &Client, service: &str, at: Timestamp) -> Result<Option<Seen>, Error> {
    let (target, policies, activities) = tokio::join!(
        target(client, service),
        policies(client, service),
        activities(client, service, at - SINCE)
    );
    let (target, (policies, policies_cut)) = (target?, policies?);
    let (activities, not_seen) = match activities {
        Ok(activities) => (activities, None),
        Err(error) => {
            let source = "what auto scaling did".to_owned();
            (Vec::new(), Some(NotSeen { source, why: why(&error) }))
        }
    };
    let not_seen = not_seen.into_iter().chain(policies_cut);
    Ok(seen(|evidence| {
        evidence.scaling = Some(Scaling { target, policies, activities });
        evidence.not_seen.extend(not_seen);
    }))
}

async fn target(client: &Client, service: &str) -> Result<Option<ScalableTarget>, Error> {
    let answer = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .resource_ids(service)
        .send()
        .await
        .map_err(|error| aws::failed("describe the scalable target of", service, &error))?;
    let found = answer.scalable_targets.unwrap_or_default().into_iter().next();
    Ok(found.map(|target| {
        let suspended = |of: fn(&types::SuspendedState) -> Option<bool>| {
            target.suspended_state().and_then(of).unwrap_or_default()
        };
        ScalableTarget {
            min: count(target.min_capacity),
            max: count(target.max_capacity),
            scale_in_suspended: suspended(types::SuspendedState::dynamic_scaling_in_suspended),
            scale_out_suspended: suspended(types::SuspendedState::dynamic_scaling_out_suspended),
            scheduled_suspended: suspended(types::SuspendedState::scheduled_scaling_suspended),
        }
    }))
}

/// The policies, and a note if there are more.
async fn policies(client: &Client, service: &str) -> Result<(Vec<ScalingPolicy>, Option<NotSeen>), Error> {
    let mut found: Vec<ScalingPolicy> = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_scaling_policies()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(service)
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| aws::failed("describe the scaling policies of", service, &error))?;
        found.extend(page.scaling_policies.unwrap_or_default().into_iter().map(policy));
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    let cut = from.map(|_| cut("some of the scaling policies", found.len()));
    Ok((found, cut))
}

fn policy(policy: types::ScalingPolicy) -> ScalingPolicy {
    let tracking = policy.target_tracking_scaling_policy_configuration;
    let alarms = policy.alarms.unwrap_or_default().into_iter();
    ScalingPolicy {
        name: policy.policy_name,
        kind: policy.policy_type.as_str().to_owned(),
        target_value: tracking.as_ref().map(|tracking| tracking.target_value),
        metric: tracking.and_then(metric).unwrap_or_default(),
        alarms: alarms.map(|alarm| alarm.alarm_name).collect(),
    }
}

fn metric(tracking: types::TargetTrackingScalingPolicyConfiguration) -> Option<String> {
    let predefined = tracking.predefined_metric_specification;
    predefined
        .map(|metric| metric.predefined_metric_type.as_str().to_owned())
        .or_else(|| tracking.customized_metric_specification?.metric_name)
}

/// The newest since then; AWS answers the newest first.
async fn activities(client: &Client, service: &str, since: Timestamp) -> Result<Vec<ScalingActivity>, Error> {
    let mut found: Vec<ScalingActivity> = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_scaling_activities()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(service)
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| aws::failed("describe the scaling activities of", service, &error))?;
        found.extend(page.scaling_activities().iter().map(activity));
        from = page.next_token;
        let is_old = found.last().is_some_and(|oldest| oldest.at < Some(since));
        if from.is_none() || found.len() >= ACTIVITIES || is_old {
            break;
        }
    }
    found.retain(|activity| activity.at >= Some(since));
    found.truncate(ACTIVITIES);
    Ok(found)
}

fn activity(activity: &types::ScalingActivity) -> ScalingActivity {
    ScalingActivity {
        at: timestamp(&activity.start_time),
        status: activity.status_code.as_str().to_owned(),
        description: said(&activity.description),
        message: said(activity.status_message.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
