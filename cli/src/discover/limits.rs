//! How far auto scaling goes, and which alarms there are already.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};

use aws_sdk_cloudwatch::types::{AlarmType, Metric};

use super::seen::Service;
use crate::failure::Failure;

const MOST_ALARMS: usize = 1_000;
/// What in a metric's dimensions names the service, the load balancer or the database.
const DIMENSIONS: [&str; 4] = ["ServiceName", "LoadBalancer", "TargetGroup", "DBClusterIdentifier"];

pub(crate) async fn most_tasks(
    client: &aws_sdk_applicationautoscaling::Client,
    service: &Service,
) -> Result<Option<i32>, Failure> {
    let resource = format!("service/{}/{}", service.cluster, service.name);
    let targets = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(resource)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .send()
        .await
        .map_err(|error| {
            let action = "application-autoscaling:DescribeScalableTargets";
            Failure::aws("read how the service is scaled", action, &error)
        })?;
    Ok(targets.scalable_targets().first().map(ScalableTarget::max_capacity))
}

/// Names of alarms, each with what its dimensions name.
pub(crate) async fn alarms(
    client: &aws_sdk_cloudwatch::Client,
) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let request = client.describe_alarms().alarm_types(AlarmType::MetricAlarm);
    let mut pages = request.into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| Failure::aws("list the alarms", "cloudwatch:DescribeAlarms", &error))?;
        for alarm in page.metric_alarms() {
            let metrics = alarm.metrics().iter().filter_map(|query| query.metric_stat()?.metric());
            let dimensions = metrics.flat_map(Metric::dimensions).chain(alarm.dimensions());
            let named = dimensions.filter(|one| one.name().is_some_and(|name| DIMENSIONS.contains(&name)));
            let named: Vec<String> = named.filter_map(|one| one.value().map(str::to_owned)).collect();
            if let (Some(name), false) = (alarm.alarm_name(), named.is_empty()) {
                all.push((name.to_owned(), named));
            }
        }
        if all.len() >= MOST_ALARMS {
            break;
        }
    }
    Ok(all)
}
