//! Which resources of a stack an alarm may be about, and which of people's own alarms may call a function.

use super::{About, NotAReason, Reason};
use crate::{
    code,
    settings::{Environment, SettingsError},
    trigger::Alarm,
};

/// The stack's resources that a function's settings name, by the values of their dimensions.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// As in `app/lendpeak2-production/0123456789abcdef`.
    pub load_balancer: Option<String>,
    pub target_group: Option<String>,
    pub distribution: Option<String>,
    pub database: Option<String>,
    /// The topic that this function's alarms come by.
    pub topic: Option<String>,
    /// Alarms that may call it on another way.
    pub trusted: Vec<String>,
}

impl Stack {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let optional = |name| environment.optional(name).map(str::to_owned);
        Ok(Self {
            load_balancer: optional("LOAD_BALANCER"),
            target_group: optional("TARGET_GROUP"),
            distribution: optional("DISTRIBUTION_ID"),
            database: optional("DATABASE_CLUSTER"),
            topic: optional("ALARM_TOPIC_ARN"),
            trusted: match environment.optional("TRUSTED_ALARMS") {
                Some(_) => environment.list("TRUSTED_ALARMS")?,
                None => Vec::new(),
            },
        })
    }

    /// What a remedy for this service is about.
    pub fn about(&self, cluster: &str, service: &str, reasons: &[Reason]) -> About {
        let one = |value: &Option<String>| value.iter().cloned().collect();
        About {
            ours: vec![
                ("ClusterName", vec![cluster.to_owned()]),
                ("ServiceName", vec![service.to_owned()]),
                ("LoadBalancer", one(&self.load_balancer)),
                ("TargetGroup", one(&self.target_group)),
                ("DistributionId", one(&self.distribution)),
                ("DBClusterIdentifier", one(&self.database)),
            ],
            reasons: reasons.to_vec(),
        }
    }

    /// Whether somebody has wired this alarm to the function: by its topic, or by name.
    pub fn is_wired(&self, alarm: &Alarm, topic: Option<&str>) -> Result<(), NotAReason> {
        if self.trusted.contains(&alarm.name)
            || topic.is_some_and(|topic| self.topic.as_deref() == Some(topic))
        {
            return Ok(());
        }
        let by = topic.map_or_else(|| "not by a topic".to_owned(), |topic| format!("by {topic}"));
        let ours = self.topic.as_deref().unwrap_or("no topic (ALARM_TOPIC_ARN is not set)");
        let why = format!(
            "alarm {} came {by}; this function's alarms come by {ours}, or are named in TRUSTED_ALARMS",
            alarm.name
        );
        Err(NotAReason { code: &code::ALARM_NOT_WIRED, why })
    }
}
