//! What belongs to one ECS service: everything that can be found from it by reading, and what it makes the stack's
//! parameters. No secret's value is read.
//!
//! A file for each of AWS's services reads; [`seen`] is what they read; [`findings`] decides by it, and calls nobody.

pub(crate) mod ecs;
mod elb;
pub(crate) mod environment;
pub(crate) mod findings;
mod front;
mod limits;
pub(crate) mod seen;
mod stores;

use aws_config::SdkConfig;

use crate::failure::Failure;
use seen::{Read, Seen, Service};

/// Reads everything at once. Whatever cannot be read is left out, and why is kept; only without credentials is nothing
/// to be had.
pub(crate) async fn look(config: &SdkConfig, service: Service) -> Result<Seen, Failure> {
    let ecs = aws_sdk_ecs::Client::new(config);
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let acm = aws_sdk_acm::Client::new(config);
    let docdb = aws_sdk_docdb::Client::new(config);
    let elasticache = aws_sdk_elasticache::Client::new(config);
    let cloudfront = aws_sdk_cloudfront::Client::new(config);
    let codebuild = aws_sdk_codebuild::Client::new(config);
    let codepipeline = aws_sdk_codepipeline::Client::new(config);
    let autoscaling = aws_sdk_applicationautoscaling::Client::new(config);
    let cloudwatch = aws_sdk_cloudwatch::Client::new(config);
    let (task, way, databases, caches, distributions, projects, pipelines, most_tasks, alarms) = tokio::join!(
        ecs::task(&ecs, &service.task_definition),
        elb::way(&elb, &acm, &service.target_groups),
        stores::databases(&docdb),
        stores::caches(&elasticache),
        front::distributions(&cloudfront),
        front::projects(&codebuild),
        front::pipelines(&codepipeline),
        limits::most_tasks(&autoscaling, &service),
        limits::alarms(&cloudwatch),
    );
    Ok(Seen {
        task: read(task)?,
        way: read(way)?,
        databases: read(databases)?,
        caches: read(caches)?,
        distributions: read(distributions)?,
        projects: read(projects)?,
        pipelines: read(pipelines)?,
        most_tasks: read(most_tasks)?,
        alarms: read(alarms)?,
        service,
    })
}

/// What was read, or why it was not. Without credentials nothing else can be read either.
pub(crate) fn read<T>(result: Result<T, Failure>) -> Result<Read<T>, Failure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(failure) if matches!(failure.code(), "no_credentials" | "bad_credentials") => Err(failure),
        Err(failure) => Ok(Err(failure.why_not_read())),
    }
}

/// Does them all at once, and answers in their order.
async fn together<T, F>(each: impl IntoIterator<Item = F>) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let tasks: Vec<_> = each.into_iter().map(tokio::spawn).collect();
    let mut all = Vec::with_capacity(tasks.len());
    for task in tasks {
        all.push(
            task.await
                .map_err(|error| Failure::Failed { what: format!("a call was cut short: {error}") })??,
        );
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
