//! Which stack is read. A part that is not set does not belong to the stack, and is not read.

use shared::{
    alarms::Stack,
    settings::{Environment, SettingsError},
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub environment: String,
    pub cluster: String,
    pub service: String,
    /// Where the application's log goes.
    pub log_group: String,
    /// `app/<name>/<id>`, as metrics name the load balancer.
    pub load_balancer: Option<String>,
    pub database: Option<String>,
    /// The secret with the database's credentials: looked at even when the task definition does not name it.
    pub secret: Option<String>,
    pub distribution: Option<String>,
    /// The CodeBuild project of the front end.
    pub build_project: Option<String>,
    /// Security groups of Redis; empty where there is none to look at.
    pub redis_security_groups: Vec<String>,
    pub redis_port: u16,
    pub probe_function: Option<String>,
    /// What the names of the stack's alarms begin with.
    pub alarm_prefix: String,
    /// The container's variable with the database driver's pool size.
    pub pool_size_variable: String,
    /// Namespace and name of the metric that counts what an integrity check found wrong.
    pub integrity_metric: Option<[String; 2]>,
    /// Gets the findings of a run that an event started, where nobody waits for the answer.
    pub notice_topic_arn: Option<String>,
    /// Gets them if nobody is subscribed to the first topic.
    pub level_2_topic_arn: Option<String>,
    /// Which alarms may start a run, and what they may be about.
    pub stack: Stack,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let optional = |name| environment.optional(name).map(str::to_owned);
        let integrity = optional("INTEGRITY_METRIC");
        Ok(Self {
            environment: environment.text("ENVIRONMENT")?,
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            log_group: environment.text("LOG_GROUP")?,
            load_balancer: optional("LOAD_BALANCER"),
            database: optional("DATABASE_CLUSTER"),
            secret: optional("DATABASE_SECRET"),
            distribution: optional("DISTRIBUTION_ID"),
            build_project: optional("BUILD_PROJECT"),
            redis_security_groups: match optional("REDIS_SECURITY_GROUPS") {
                Some(_) => environment.list("REDIS_SECURITY_GROUPS")?,
                None => Vec::new(),
            },
            redis_port: environment.number("REDIS_PORT", 6_379, 1..=65_535)?,
            probe_function: optional("PROBE_FUNCTION"),
            alarm_prefix: environment.text("ALARM_PREFIX")?,
            pool_size_variable: environment.text_or("POOL_SIZE_VARIABLE", "MONGO_MAX_POOL_SIZE"),
            integrity_metric: integrity.map(|text| match text.rsplit_once('/') {
                Some((namespace, name)) => [namespace.to_owned(), name.to_owned()],
                None => [shared::telemetry::NAMESPACE.to_owned(), text],
            }),
            notice_topic_arn: optional("NOTICE_TOPIC_ARN"),
            level_2_topic_arn: optional("LEVEL_2_TOPIC_ARN"),
            stack: Stack::from_environment(environment)?,
        })
    }
}
