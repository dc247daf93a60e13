//! What is looked at: the stack's names, and what several checks read of AWS, read once.

use std::{future::Future, pin::Pin};

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_cloudformation::types::Stack as Described;
use aws_sdk_docdb::types::DbCluster;
use aws_sdk_ecs::types::{Service, TaskDefinition};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerAttribute, TargetGroup, TargetGroupAttribute};
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::verdict::Unseen;
use crate::{failure::Failure, function::Function, runbook::invoke, stack::Stack};

/// What one function is set to, and the function.
pub(crate) type Configured = (Function, GetFunctionConfigurationOutput);
type Once<T> = OnceCell<Result<T, Unseen>>;
type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unseen>> + Send + 'a>>;

pub(crate) struct Site {
    pub(crate) config: SdkConfig,
    pub(crate) stack: Stack,
    pub(crate) now: Timestamp,
    described: Once<Described>,
    configured: Once<Vec<Configured>>,
    status: Once<Value>,
    service: Once<Service>,
    definition: Once<TaskDefinition>,
    target_group: Once<Option<TargetGroup>>,
    target_group_attributes: Once<Vec<TargetGroupAttribute>>,
    balancer_attributes: Once<Vec<LoadBalancerAttribute>>,
    database: Once<DbCluster>,
}

impl Site {
    pub(crate) fn new(config: SdkConfig, stack: Stack, now: Timestamp) -> Self {
        Self {
            config,
            stack,
            now,
            described: Once::new(),
            configured: Once::new(),
            status: Once::new(),
            service: Once::new(),
            definition: Once::new(),
            target_group: Once::new(),
            target_group_attributes: Once::new(),
            balancer_attributes: Once::new(),
            database: Once::new(),
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Result<&str, Unseen> {
        Ok(self.stack.parameter(name)?)
    }

    /// Nothing where the stack was deployed without it.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.stack.parameter(name).ok()
    }

    pub(crate) fn output(&self, name: &str) -> Result<&str, Unseen> {
        Ok(self.stack.output(name)?)
    }

    /// The functions that the stack has, with their names in Lambda.
    pub(crate) fn functions(&self) -> Vec<(Function, &str)> {
        let name = |function: Function| Some((function, self.stack.function(function).ok()?));
        Function::ALL.into_iter().filter_map(name).collect()
    }

    /// As in `lendpeak2-production-ledger`.
    pub(crate) fn named(&self, what: &str) -> String {
        format!("lendpeak2-{}-{what}", self.stack.environment)
    }

    /// The ARN of something beside the stack: of the partition, the region and the account of a topic of its own.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> Result<String, Unseen> {
        let topic = self.output("NoticesTopic")?;
        arn_beside(topic, service, resource)
            .ok_or_else(|| Unseen::new(format!("the stack's output NoticesTopic is no ARN: {topic}")))
    }

    pub(crate) async fn described(&self) -> Result<&Described, Unseen> {
        once(&self.described, || Box::pin(self.read_stack())).await
    }

    async fn read_stack(&self) -> Result<Described, Unseen> {
        let client = aws_sdk_cloudformation::Client::new(&self.config);
        let name = &self.stack.name;
        let answer = client.describe_stacks().stack_name(name).send().await.map_err(|error| {
            Failure::aws(format!("read the stack {name}"), "cloudformation:DescribeStacks", &error)
        })?;
        answer.stacks.and_then(|stacks| stacks.into_iter().next()).ok_or_else(|| gone("stack", name))
    }

    /// What each function is set to.
    pub(crate) async fn configured(&self) -> Result<&Vec<Configured>, Unseen> {
        once(&self.configured, || Box::pin(self.read_functions())).await
    }

    async fn read_functions(&self) -> Result<Vec<Configured>, Unseen> {
        let client = aws_sdk_lambda::Client::new(&self.config);
        let mut all = Vec::new();
        for (function, name) in self.functions() {
            let get = client.get_function_configuration().function_name(name);
            let configured = get.send().await.map_err(|error| {
                Failure::aws(format!("read how {name} is set up"), "lambda:GetFunctionConfiguration", &error)
            })?;
            all.push((function, configured));
        }
        Ok(all)
    }

    /// What `incident` lists: open incidents, and kill switches that are on.
    pub(crate) async fn status(&self) -> Result<&Value, Unseen> {
        once(&self.status, || Box::pin(self.ask_incident())).await
    }

    async fn ask_incident(&self) -> Result<Value, Unseen> {
        let name = self.stack.function(Function::Incident)?;
        Ok(invoke(&self.config, name, &json!({}), RetryConfig::standard()).await?)
    }

    pub(crate) async fn service(&self) -> Result<&Service, Unseen> {
        once(&self.service, || Box::pin(self.read_service())).await
    }

    async fn read_service(&self) -> Result<Service, Unseen> {
        let (cluster, name) = (self.parameter("ClusterName")?, self.parameter("ServiceName")?);
        let client = aws_sdk_ecs::Client::new(&self.config);
        let answer = client.describe_services().cluster(cluster).services(name).send().await;
        let answer = answer.map_err(|error| {
            Failure::aws(format!("read the service {name} of {cluster}"), "ecs:DescribeServices", &error)
        })?;
        let found = answer.services.and_then(|services| services.into_iter().next());
        found.ok_or_else(|| Unseen::new(format!("there is no service {name} in the cluster {cluster}")))
    }

    /// The task definition that the service is set to.
    pub(crate) async fn definition(&self) -> Result<&TaskDefinition, Unseen> {
        once(&self.definition, || Box::pin(self.read_definition())).await
    }

    async fn read_definition(&self) -> Result<TaskDefinition, Unseen> {
        let name = self.service().await?.task_definition().unwrap_or_default();
        let client = aws_sdk_ecs::Client::new(&self.config);
        let answer = client.describe_task_definition().task_definition(name).send().await;
        let answer = answer.map_err(|error| {
            Failure::aws(format!("read the task definition {name}"), "ecs:DescribeTaskDefinition", &error)
        })?;
        answer.task_definition.ok_or_else(|| gone("task definition", name))
    }

    /// The target group that the service's tasks register with; nothing where there is no load balancer.
    pub(crate) async fn target_group(&self) -> Result<Option<&TargetGroup>, Unseen> {
        once(&self.target_group, || Box::pin(self.read_target_group())).await.map(Option::as_ref)
    }

    async fn read_target_group(&self) -> Result<Option<TargetGroup>, Unseen> {
        let balancers = self.service().await?.load_balancers();
        let Some(arn) = balancers.iter().find_map(|balancer| balancer.target_group_arn()) else {
            return Ok(None);
        };
        let client = aws_sdk_elasticloadbalancingv2::Client::new(&self.config);
        let answer = client.describe_target_groups().target_group_arns(arn).send().await;
        let answer = answer.map_err(|error| {
            Failure::aws("read the target group", "elasticloadbalancing:DescribeTargetGroups", &error)
        })?;
        let found = answer.target_groups.and_then(|groups| groups.into_iter().next());
        found.map(Some).ok_or_else(|| gone("target group", arn))
    }

    pub(crate) async fn target_group_attributes(&self) -> Result<&Vec<TargetGroupAttribute>, Unseen> {
        once(&self.target_group_attributes, || Box::pin(self.read_target_group_attributes())).await
    }

    async fn read_target_group_attributes(&self) -> Result<Vec<TargetGroupAttribute>, Unseen> {
        let Some(arn) = self.target_group().await?.and_then(TargetGroup::target_group_arn) else {
            return Ok(Vec::new());
        };
        let client = aws_sdk_elasticloadbalancingv2::Client::new(&self.config);
        let answer = client.describe_target_group_attributes().target_group_arn(arn).send().await;
        let answer = answer.map_err(|error| {
            let action = "elasticloadbalancing:DescribeTargetGroupAttributes";
            Failure::aws("read the target group's attributes", action, &error)
        })?;
        Ok(answer.attributes.unwrap_or_default())
    }

    /// The load balancer that the stack was told.
    pub(crate) fn balancer_arn(&self) -> Result<String, Unseen> {
        let name = self.parameter("LoadBalancerFullName")?;
        self.arn("elasticloadbalancing", &format!("loadbalancer/{name}"))
    }

    pub(crate) async fn balancer_attributes(&self) -> Result<&Vec<LoadBalancerAttribute>, Unseen> {
        once(&self.balancer_attributes, || Box::pin(self.read_balancer_attributes())).await
    }

    async fn read_balancer_attributes(&self) -> Result<Vec<LoadBalancerAttribute>, Unseen> {
        let arn = self.balancer_arn()?;
        let client = aws_sdk_elasticloadbalancingv2::Client::new(&self.config);
        let answer = client.describe_load_balancer_attributes().load_balancer_arn(arn).send().await;
        let answer = answer.map_err(|error| {
            let action = "elasticloadbalancing:DescribeLoadBalancerAttributes";
            Failure::aws("read the load balancer's attributes", action, &error)
        })?;
        Ok(answer.attributes.unwrap_or_default())
    }

    pub(crate) async fn database(&self) -> Result<&DbCluster, Unseen> {
        once(&self.database, || Box::pin(self.read_database())).await
    }

    async fn read_database(&self) -> Result<DbCluster, Unseen> {
        let name = self.parameter("DatabaseCluster")?;
        let client = aws_sdk_docdb::Client::new(&self.config);
        let answer = client.describe_db_clusters().db_cluster_identifier(name).send().await;
        let answer = answer.map_err(|error| {
            Failure::aws(format!("read the database {name}"), "rds:DescribeDBClusters", &error)
        })?;
        answer
            .db_clusters
            .and_then(|clusters| clusters.into_iter().next())
            .ok_or_else(|| gone("database cluster", name))
    }
}

/// Reads it the first time. Whoever asks later has the same answer, or the same reason for there being none.
async fn once<'a, T>(
    cell: &'a Once<T>,
    read: impl FnOnce() -> Reading<'a, T> + Send,
) -> Result<&'a T, Unseen> {
    cell.get_or_init(read).await.as_ref().map_err(Clone::clone)
}

fn gone(what: &str, name: &str) -> Unseen {
    Unseen::new(format!("the {what} {name} is not there"))
}

fn arn_beside(topic: &str, service: &str, resource: &str) -> Option<String> {
    let mut parts = topic.split(':');
    let (Some("arn"), Some(partition), Some("sns"), Some(region), Some(account)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some(format!("arn:{partition}:{service}:{region}:{account}:{resource}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_of_the_same_partition_region_and_account() {
        let topic = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:lendpeak2-production-notices";
        assert_eq!(
            arn_beside(topic, "elasticloadbalancing", "loadbalancer/app/a/0").as_deref(),
            Some("arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:123456789012:loadbalancer/app/a/0")
        );
        assert_eq!(arn_beside("lendpeak2-production-notices", "sns", "x"), None);
    }
}
