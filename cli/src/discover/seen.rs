//! What was read, as plain data. Of what could not be read there is the reason.

/// What was read, or why it was not.
pub(crate) type Read<T> = Result<T, String>;

/// An ECS service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) cluster: String,
    pub(crate) name: String,
    pub(crate) task_definition: String,
    pub(crate) target_groups: Vec<Registered>,
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
}

/// A target group, and the container whose tasks are its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) target_group: String,
    pub(crate) container: Option<String>,
}

/// The service's task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) family: String,
    pub(crate) revision: i32,
    /// The task role and the execution role, of those that it has.
    pub(crate) roles: Vec<String>,
    pub(crate) containers: Vec<Container>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) is_essential: bool,
    /// Names and values. A value may be something that should be a secret: it is compared, and never shown.
    pub(crate) variables: Vec<(String, String)>,
    /// Names of variables, and where their values are.
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) log_driver: Option<String>,
    pub(crate) log_group: Option<String>,
}

/// The way from users to the service's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) balancers: Vec<Balancer>,
    pub(crate) listeners: Read<Vec<Listener>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Balancer {
    pub(crate) arn: String,
    pub(crate) dns: String,
    pub(crate) vpc: String,
    pub(crate) target_groups: Vec<String>,
}

/// A listener that leads to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) port: i32,
    pub(crate) is_https: bool,
    /// The hosts for which its rules lead there; none where that is what it does by default.
    pub(crate) hosts: Vec<String>,
    /// The names that its certificates are for.
    pub(crate) certified: Read<Vec<String>>,
}

/// A DocumentDB cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Database {
    pub(crate) id: String,
    pub(crate) endpoints: Vec<String>,
    /// Where its subnet group could be read.
    pub(crate) vpc: Option<String>,
}

/// A Redis or Valkey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cache {
    pub(crate) id: String,
    pub(crate) endpoints: Vec<String>,
    pub(crate) port: Option<i32>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) vpc: Option<String>,
    pub(crate) subnets: Vec<String>,
}

/// A CloudFront distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub(crate) id: String,
    /// CloudFront's own name for it.
    pub(crate) domain: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) origins: Vec<String>,
}

/// A CodeBuild project: what its settings name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) name: String,
    /// Its buildspec, variables and artifacts. Compared, and never shown.
    pub(crate) words: Vec<String>,
}

/// A pipeline: what it deploys to, and what it builds with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pipeline {
    pub(crate) name: String,
    pub(crate) buckets: Vec<String>,
    pub(crate) projects: Vec<String>,
}

impl Default for Way {
    fn default() -> Self {
        Self { balancers: Vec::new(), listeners: Ok(Vec::new()) }
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) service: Service,
    pub(crate) task: Read<Task>,
    pub(crate) way: Read<Way>,
    pub(crate) databases: Read<Vec<Database>>,
    pub(crate) caches: Read<Vec<Cache>>,
    pub(crate) distributions: Read<Vec<Distribution>>,
    pub(crate) projects: Read<Vec<Project>>,
    pub(crate) pipelines: Read<Vec<Pipeline>>,
    /// What auto scaling may go up to, where it scales the service.
    pub(crate) most_tasks: Read<Option<i32>>,
    /// Alarms, each with what its dimensions name.
    pub(crate) alarms: Read<Vec<(String, Vec<String>)>>,
}

/// The end of an ARN or a path.
pub(crate) fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
