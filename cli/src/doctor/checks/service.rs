//! The ECS service: whether it can be deployed, rolled back and restarted without harm.

use aws_sdk_ecs::types::{
    Cluster, ClusterField, ClusterSettingName, DeploymentConfiguration, DeploymentController,
    DeploymentControllerType, Service,
};
use aws_sdk_elasticloadbalancingv2::types::TargetGroup;

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

pub(super) async fn controller(site: &Site) -> Result<Verdict, Unseen> {
    Ok(controlled(site.service().await?))
}

fn controlled(service: &Service) -> Verdict {
    let its = service.deployment_controller().map(DeploymentController::r#type);
    match its {
        None | Some(DeploymentControllerType::Ecs) => Verdict::ok("ECS itself deploys the service"),
        Some(other) => Verdict::bad(
            format!("{} deploys the service, and not ECS", other.as_str()),
            "rollback, restart and write-freeze refuse: they would be undone, or stand in its way",
            "make the service anew with the deployment controller ECS: AWS changes it for none that is there",
        ),
    }
}

pub(super) async fn arn(site: &Site) -> Result<Verdict, Unseen> {
    Ok(named(site.service().await?))
}

/// The account's own setting says nothing of a service that is there: one of before 2021 keeps its ARN.
fn named(service: &Service) -> Verdict {
    let arn = service.service_arn().unwrap_or_default();
    let short = arn.rsplit_once(":service/").is_some_and(|(_, name)| !name.contains('/'));
    if !short {
        return Verdict::ok("the service's ARN names its cluster");
    }
    Verdict::bad(
        format!("the service has a short ARN, without its cluster: {arn}"),
        "the roles of the functions and the rule for deployments that failed name the long one: AWS denies them the \
         service, and no event reaches rollback",
        "move it to the long ARN, which ends no task: \
         https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-arn-migration.html",
    )
}

pub(super) async fn exec(site: &Site) -> Result<Verdict, Unseen> {
    Ok(shell(site.service().await?))
}

/// Whether a person gets a shell in a task. The runbook needs none, and some teams want it off: no warning.
fn shell(service: &Service) -> Verdict {
    if service.enable_execute_command() {
        return Verdict::ok("ECS Exec is on: a person gets a shell in a task");
    }
    Verdict::ok(format!(
        "ECS Exec is off: nobody gets a shell in a task, as for a heap snapshot. New tasks have it after {}",
        update(service, "--enable-execute-command --force-new-deployment")
    ))
}

pub(super) async fn circuit_breaker(site: &Site) -> Result<Verdict, Unseen> {
    Ok(broken(site.service().await?))
}

fn broken(service: &Service) -> Verdict {
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(|it| it.deployment_circuit_breaker());
    let Some(breaker) = breaker.filter(|breaker| breaker.enable()) else {
        return Verdict::warn(
            "the deployment circuit breaker is off",
            "ECS keeps trying a release that cannot start, and sends no SERVICE_DEPLOYMENT_FAILED: rollback has to \
             wait for the 5xx rate",
            update(
                service,
                &format!(
                    "--deployment-configuration 'deploymentCircuitBreaker={{enable=true,rollback=true}},{}'",
                    percents(service)
                ),
            ),
        );
    };
    let back = if breaker.rollback() { "goes back by itself" } else { "leaves it to rollback to go back" };
    Verdict::ok(format!("the deployment circuit breaker is on, and ECS {back}"))
}

/// What a service has where it says nothing (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>).
fn minimum_and_maximum(service: &Service) -> (i32, i32) {
    let configuration = service.deployment_configuration();
    (
        configuration.and_then(DeploymentConfiguration::minimum_healthy_percent).unwrap_or(100),
        configuration.and_then(DeploymentConfiguration::maximum_percent).unwrap_or(200),
    )
}

/// Said again with every change: what a change leaves out, AWS may set to its default.
fn percents(service: &Service) -> String {
    let (minimum, maximum) = minimum_and_maximum(service);
    format!("minimumHealthyPercent={minimum},maximumPercent={maximum}")
}

pub(super) fn update(service: &Service, options: &str) -> String {
    let (cluster, name) = names(service);
    format!("aws ecs update-service --cluster {cluster} --service {name} {options}")
}

pub(super) fn names(service: &Service) -> (&str, &str) {
    let cluster = service.cluster_arn().unwrap_or_default();
    (cluster.rsplit('/').next().unwrap_or(cluster), service.service_name().unwrap_or_default())
}

pub(super) async fn healthy_percent(site: &Site) -> Result<Verdict, Unseen> {
    Ok(stay(site.service().await?))
}

fn stay(service: &Service) -> Verdict {
    let (minimum, maximum) = minimum_and_maximum(service);
    let desired = i64::from(service.desired_count());
    // ECS rounds what has to stay up, and what there may be down.
    let stay = (desired * i64::from(minimum) + 99) / 100;
    let most = desired * i64::from(maximum) / 100;
    let says =
        format!("of {desired} tasks at least {stay} stay while they are replaced, and at most {most} run");
    let breaker = service.deployment_configuration().and_then(|it| it.deployment_circuit_breaker());
    let breaker = breaker.map_or_else(String::new, |it| {
        format!(",deploymentCircuitBreaker={{enable={},rollback={}}}", it.enable(), it.rollback())
    });
    let mend = update(
        service,
        &format!("--deployment-configuration 'minimumHealthyPercent=100,maximumPercent=200{breaker}'"),
    );
    if desired == 0 {
        return Verdict::bad(
            "the service is to have no task",
            "nobody is served",
            update(service, "--desired-count 2"),
        );
    }
    if most <= desired && stay >= desired {
        return Verdict::bad(says, "no deployment, roll-back or restart can ever begin", mend);
    }
    if stay == 0 {
        return Verdict::bad(says, "every deployment, roll-back and restart may be an outage", mend);
    }
    if stay < desired {
        return Verdict::warn(
            says,
            "a restart under load makes the load worse for the tasks that stay",
            mend,
        );
    }
    Verdict::ok(says)
}

pub(super) async fn grace_period(site: &Site) -> Result<Verdict, Unseen> {
    Ok(grace(site.service().await?, site.target_group().await?))
}

/// A task whose application takes its time fails its first checks, and then has to pass several in a row.
fn grace(service: &Service, group: Option<&TargetGroup>) -> Verdict {
    let Some(group) = group else { return Verdict::ok("no load balancer checks the tasks") };
    let seconds = service.health_check_grace_period_seconds().unwrap_or_default();
    let every = group.health_check_interval_seconds().unwrap_or(30);
    let passes = group.healthy_threshold_count().unwrap_or(5);
    let needs = every * passes;
    let says = format!(
        "a new task has {seconds} s to become healthy, of which the load balancer needs {needs} s ({passes} checks, \
         {every} s apart)"
    );
    if seconds > needs {
        return Verdict::ok(says);
    }
    Verdict::warn(
        says,
        "ECS ends tasks that were about to be healthy: a roll-back or a scale-up under load comes to nothing",
        update(service, &format!("--health-check-grace-period-seconds {}", needs * 2)),
    )
}

pub(super) async fn container_insights(site: &Site) -> Result<Verdict, Unseen> {
    let name = site.parameter("ClusterName")?;
    let client = aws_sdk_ecs::Client::new(&site.config);
    let answer = client.describe_clusters().clusters(name).include(ClusterField::Settings).send().await;
    let answer = answer
        .map_err(|error| Failure::aws(format!("read the cluster {name}"), "ecs:DescribeClusters", &error))?;
    let cluster = answer.clusters().first();
    cluster.map(insights).ok_or_else(|| Unseen::new(format!("there is no cluster {name}")))
}

fn insights(cluster: &Cluster) -> Verdict {
    let is_it = |name: Option<&ClusterSettingName>| name == Some(&ClusterSettingName::ContainerInsights);
    let setting = cluster.settings().iter().find(|setting| is_it(setting.name()));
    match setting.and_then(|setting| setting.value()).unwrap_or("disabled") {
        "disabled" => Verdict::warn(
            "Container Insights is off",
            "after an outage nobody can see what a stopped task used. CloudWatch charges for it",
            format!(
                "aws ecs update-cluster-settings --cluster {} --settings name=containerInsights,value=enabled",
                cluster.cluster_name().unwrap_or_default()
            ),
        ),
        on => Verdict::ok(format!("Container Insights is {on}")),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ClusterSetting, DeploymentCircuitBreaker};

    use super::*;
    use crate::doctor::verdict::Word;

    fn service(
        desired: i32,
        change: impl FnOnce(
            aws_sdk_ecs::types::builders::DeploymentConfigurationBuilder,
        ) -> aws_sdk_ecs::types::builders::DeploymentConfigurationBuilder,
    ) -> Service {
        Service::builder()
            .service_name("backend")
            .cluster_arn("arn:aws:ecs:us-east-1:123456789012:cluster/lendpeak2-production")
            .desired_count(desired)
            .deployment_configuration(change(DeploymentConfiguration::builder()).build())
            .build()
    }

    fn percents_of(desired: i32, minimum: i32, maximum: i32) -> Service {
        service(desired, |it| it.minimum_healthy_percent(minimum).maximum_percent(maximum))
    }

    #[test]
    fn another_deployment_controller_is_bad() {
        let of = |kind: DeploymentControllerType| {
            let controller = DeploymentController::builder().r#type(kind).build().unwrap();
            controlled(&Service::builder().deployment_controller(controller).build()).word
        };
        assert_eq!(of(DeploymentControllerType::Ecs), Word::Ok);
        assert_eq!(of(DeploymentControllerType::CodeDeploy), Word::Bad);
        assert_eq!(controlled(&Service::builder().build()).word, Word::Ok);
    }

    #[test]
    fn a_short_arn_is_bad() {
        let of = |name: &str| {
            let arn = format!("arn:aws:ecs:us-east-1:123456789012:service/{name}");
            named(&Service::builder().service_arn(arn).build()).word
        };
        assert_eq!((of("lendpeak2-production/backend"), of("backend")), (Word::Ok, Word::Bad));
        assert_eq!(named(&Service::builder().build()).word, Word::Ok);
    }

    #[test]
    fn that_nobody_gets_a_shell_is_said_and_no_warning() {
        let of = |on| shell(&Service::builder().service_name("backend").enable_execute_command(on).build());
        assert_eq!(of(true), Verdict::ok("ECS Exec is on: a person gets a shell in a task"));
        let off = of(false);
        assert!(off.word == Word::Ok && off.says.starts_with("ECS Exec is off"), "{off:?}");
        assert!(
            off.says.ends_with("--service backend --enable-execute-command --force-new-deployment"),
            "{off:?}"
        );
    }

    #[test]
    fn to_switch_the_circuit_breaker_on_leaves_the_percents_as_they_are() {
        let off = broken(&percents_of(4, 50, 150));
        assert_eq!(off.word, Word::Warn);
        assert_eq!(
            off.mend,
            "aws ecs update-service --cluster lendpeak2-production --service backend --deployment-configuration \
             'deploymentCircuitBreaker={enable=true,rollback=true},minimumHealthyPercent=50,maximumPercent=150'"
        );
        let breaker =
            |enable, rollback| DeploymentCircuitBreaker::builder().enable(enable).rollback(rollback).build();
        let on = broken(&service(2, |it| it.deployment_circuit_breaker(breaker(true, false))));
        assert_eq!(
            on,
            Verdict::ok("the deployment circuit breaker is on, and ECS leaves it to rollback to go back")
        );
        assert_eq!(
            broken(&service(2, |it| it.deployment_circuit_breaker(breaker(false, true)))).word,
            Word::Warn
        );
    }

    #[test]
    fn how_many_tasks_stay_is_counted_as_ecs_counts() {
        for (desired, minimum, maximum, word, says) in [
            (2, 100, 200, Word::Ok, "of 2 tasks at least 2 stay while they are replaced, and at most 4 run"),
            (3, 50, 200, Word::Warn, "of 3 tasks at least 2 stay while they are replaced, and at most 6 run"),
            (1, 50, 200, Word::Ok, "of 1 tasks at least 1 stay while they are replaced, and at most 2 run"),
            (2, 0, 200, Word::Bad, "of 2 tasks at least 0 stay while they are replaced, and at most 4 run"),
            (2, 100, 100, Word::Bad, "of 2 tasks at least 2 stay while they are replaced, and at most 2 run"),
            (2, 100, 140, Word::Bad, "of 2 tasks at least 2 stay while they are replaced, and at most 2 run"),
        ] {
            let verdict = stay(&percents_of(desired, minimum, maximum));
            assert_eq!((verdict.word, verdict.says.as_str()), (word, says));
        }
        assert_eq!(stay(&percents_of(0, 100, 200)).says, "the service is to have no task");
    }

    #[test]
    fn a_task_needs_longer_than_its_load_balancer() {
        let group =
            TargetGroup::builder().health_check_interval_seconds(30).healthy_threshold_count(3).build();
        let of = |seconds| {
            grace(&Service::builder().health_check_grace_period_seconds(seconds).build(), Some(&group))
        };
        assert_eq!((of(91).word, of(90).word, of(0).word), (Word::Ok, Word::Warn, Word::Warn));
        assert!(of(60).mend.ends_with("--health-check-grace-period-seconds 180"), "{}", of(60).mend);
        assert_eq!(grace(&Service::builder().build(), None).word, Word::Ok);
    }

    #[test]
    fn insights_are_on_in_either_kind() {
        let of = |value: Option<&str>| {
            let setting = value.map(|value| {
                ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()
            });
            insights(
                &Cluster::builder()
                    .cluster_name("c")
                    .set_settings(Some(setting.into_iter().collect()))
                    .build(),
            )
        };
        assert_eq!((of(Some("enabled")).word, of(Some("enhanced")).word), (Word::Ok, Word::Ok));
        assert_eq!((of(Some("disabled")).word, of(None).word), (Word::Warn, Word::Warn));
    }
}
