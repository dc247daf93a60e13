//! The way from the load balancer to the tasks, and on to the database and Redis.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadBalancer {
    pub name: String,
    pub arn: String,
    /// `active`, `provisioning`, `active_impaired` or `failed`.
    pub state: String,
    pub idle_timeout_seconds: Option<u32>,
    pub security_groups: Vec<String>,
    pub listeners: Vec<Listener>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    pub arn: String,
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// The ARNs of the target groups that its default action forwards to.
    pub target_groups: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub port: u16,
    pub path: String,
    /// A number, or `traffic-port`.
    pub health_port: String,
    /// As in `200` or `200-299`.
    pub matcher: String,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// The task's address.
    pub id: String,
    pub port: u16,
    /// `healthy`, `unhealthy`, `initial`, `draining`, `unused` or `unavailable`.
    pub state: String,
    /// As in `Target.ResponseCodeMismatch`, `Target.Timeout`, `Target.FailedHealthChecks`, `Elb.InternalError`.
    pub reason: String,
    pub description: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityGroup {
    pub id: String,
    pub ingress: Vec<Permission>,
    pub egress: Vec<Permission>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, or `-1` for all.
    pub protocol: String,
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    /// The security groups on the other side.
    pub groups: Vec<String>,
    /// The address ranges and prefix lists on the other side.
    pub ranges: Vec<String>,
}

impl Permission {
    /// Whether it is about this port, whoever is on the other side.
    pub fn covers(&self, port: u16) -> bool {
        let port = i32::from(port);
        self.protocol == "-1"
            || self.protocol == "tcp"
                && self.from_port.is_none_or(|from| from <= port)
                && self.to_port.is_none_or(|to| port <= to)
    }

    /// Whether it lets one of these groups through on this port. An address range may: who has an address in it is
    /// not known here.
    pub fn may_let(&self, groups: &[String], port: u16) -> bool {
        self.covers(port)
            && (!self.ranges.is_empty() || self.groups.iter().any(|group| groups.contains(group)))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    pub security_groups: Vec<String>,
    pub port: u16,
}
