//! The service's scaling: as far down and up as the runbook counts on.

use aws_sdk_applicationautoscaling::types::{ScalableTarget, ServiceNamespace};
use aws_sdk_ecs::types::Service;

use super::service::{names, update};
use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

pub(super) async fn limits(site: &Site) -> Result<Verdict, Unseen> {
    let service = site.service().await?;
    let (cluster, name) = names(service);
    let client = aws_sdk_applicationautoscaling::Client::new(&site.config);
    let describe = client.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
    let answer = describe.resource_ids(format!("service/{cluster}/{name}")).send().await;
    let answer = answer.map_err(|error| {
        let action = "application-autoscaling:DescribeScalableTargets";
        Failure::aws(format!("read the scaling of {name}"), action, &error)
    })?;
    let most = site.parameter("MaximumTasks")?.parse().unwrap_or(i32::MAX);
    Ok(scaled(service, answer.scalable_targets().first(), most))
}

fn scaled(service: &Service, target: Option<&ScalableTarget>, most: i32) -> Verdict {
    let (cluster, name) = names(service);
    let desired = service.desired_count();
    let register = |least: i32, most: i32, more: &str| {
        format!(
            "aws application-autoscaling register-scalable-target --service-namespace ecs --scalable-dimension \
             ecs:service:DesiredCount --resource-id service/{cluster}/{name} --min-capacity {least} --max-capacity \
             {most}{more}"
        )
    };
    let Some(target) = target else {
        return Verdict::warn(
            format!("{desired} tasks, and nothing scales them"),
            "what scale-up adds stays until somebody takes it away",
            register(2, most, ""),
        );
    };
    let (low, high) = (target.min_capacity(), target.max_capacity());
    let says = format!("{desired} tasks, scaled between {low} and {high}");
    let suspended = target.suspended_state().is_some_and(|it| {
        it.dynamic_scaling_in_suspended().unwrap_or_default()
            || it.dynamic_scaling_out_suspended().unwrap_or_default()
    });
    if suspended {
        return Verdict::warn(
            format!("{says}, and scaling is suspended"),
            "the tasks do not follow the load, up or down",
            register(
                low,
                high,
                " --suspended-state DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false",
            ),
        );
    }
    if low < 2 {
        return Verdict::warn(says, "one task that ends is an outage", register(2, high.max(2), ""));
    }
    if high < most {
        return Verdict::warn(
            format!("{says}; scale-up may go to {most}"),
            format!("scale-up stops at {high}, however high the load is"),
            register(low, most, ""),
        );
    }
    if !(low..=high).contains(&desired) {
        return Verdict::warn(
            says,
            "auto scaling leaves it there until one of its alarms rings",
            update(service, &format!("--desired-count {}", desired.clamp(low, high))),
        );
    }
    Verdict::ok(says)
}

#[cfg(test)]
mod tests {
    use aws_sdk_applicationautoscaling::types::{ScalableDimension, SuspendedState};

    use super::*;
    use crate::doctor::verdict::Word;

    fn service(desired: i32) -> Service {
        Service::builder()
            .service_name("backend")
            .cluster_arn("arn:aws:ecs:us-east-1:123456789012:cluster/lendpeak2-production")
            .desired_count(desired)
            .build()
    }

    fn target(low: i32, high: i32, suspended: bool) -> ScalableTarget {
        ScalableTarget::builder()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id("service/lendpeak2-production/backend")
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .min_capacity(low)
            .max_capacity(high)
            .role_arn("arn:aws:iam::123456789012:role/scaling")
            .creation_time(aws_sdk_applicationautoscaling::primitives::DateTime::from_secs(0))
            .suspended_state(SuspendedState::builder().dynamic_scaling_out_suspended(suspended).build())
            .build()
            .unwrap()
    }

    #[test]
    fn scaling_reaches_as_far_as_scale_up_may_go() {
        let of = |desired, target: Option<&ScalableTarget>| scaled(&service(desired), target, 10);
        assert_eq!(of(2, Some(&target(2, 10, false))), Verdict::ok("2 tasks, scaled between 2 and 10"));
        assert_eq!(of(2, None).word, Word::Warn);
        assert!(of(2, None).mend.ends_with("--min-capacity 2 --max-capacity 10"));
        assert_eq!(of(2, Some(&target(2, 6, false))).costs, "scale-up stops at 6, however high the load is");
        assert_eq!(of(1, Some(&target(1, 10, false))).costs, "one task that ends is an outage");
        assert!(of(1, Some(&target(2, 10, false))).mend.ends_with("--desired-count 2"));
        assert!(of(2, Some(&target(2, 10, true))).says.ends_with("scaling is suspended"));
    }
}
