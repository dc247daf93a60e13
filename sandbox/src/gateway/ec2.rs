//! The security groups on the way from the load balancer to the tasks, and on to the database and Redis.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;

use super::Answer;
use super::call::Call;
use super::docdb::{DATABASE_GROUPS, DATABASE_PORT};
use super::ecs::BACKEND_PORT;
use super::wire::{self, block, element};

/// The network that all of it is in.
pub(super) const VPC: &str = "vpc-0123456789abcdef0";
pub const ALB_GROUP: &str = "sg-0a1b0a1b0a1b0a1b0";
/// The backend's tasks'.
pub const TASKS_GROUP: &str = "sg-0a5c0a5c0a5c0a5c0";
pub const REDIS_GROUP: &str = "sg-0ed50ed50ed50ed50";
pub const REDIS_PORT: &str = "6379";

/// Every clone has the same groups.
#[derive(Debug, Clone, Default)]
pub struct Ec2 {
    closed: Arc<Mutex<BTreeSet<String>>>,
}

/// Who is let in.
enum From {
    Everybody,
    Group(&'static str),
}

impl Ec2 {
    /// Somebody takes all rules from a group that let others in.
    pub fn close(&self, group: &str) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(group.to_owned());
    }

    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        if call.operation != "DescribeSecurityGroups" {
            return None;
        }
        let fields = call.request.as_object().into_iter().flatten();
        let wanted: Vec<&str> = fields
            .filter(|(name, _)| name.starts_with("Filter.1.Value.") || name.starts_with("GroupId."))
            .filter_map(|(_, value)| value.as_str())
            .collect();
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let port = BACKEND_PORT.to_string();
        let groups = [
            (ALB_GROUP, "443", From::Everybody),
            (TASKS_GROUP, port.as_str(), From::Group(ALB_GROUP)),
            (DATABASE_GROUPS[0], DATABASE_PORT, From::Group(TASKS_GROUP)),
            (DATABASE_GROUPS[1], DATABASE_PORT, From::Group(TASKS_GROUP)),
            (REDIS_GROUP, REDIS_PORT, From::Group(TASKS_GROUP)),
        ];
        let groups: String = groups
            .into_iter()
            .filter(|(id, ..)| wanted.is_empty() || wanted.contains(id))
            .map(|(id, port, from)| group(id, (!closed.contains(id)).then_some((port, from))))
            .collect();
        let content = element("requestId", "sandbox") + &block("securityGroupInfo", &groups);
        Some(wire::xml(StatusCode::OK, block("DescribeSecurityGroupsResponse", &content)))
    }
}

fn group(id: &str, lets_in: Option<(&str, From)>) -> String {
    let ingress = lets_in.map(|(port, from)| {
        let ports = element("ipProtocol", "tcp") + &element("fromPort", port) + &element("toPort", port);
        let from = match from {
            From::Everybody => everybody(),
            From::Group(group) => block("groups", &block("item", &element("groupId", group))),
        };
        block("item", &(ports + &from))
    });
    let egress = block("item", &(element("ipProtocol", "-1") + &everybody()));
    let content = element("groupId", id)
        + &element("groupName", id)
        + &block("ipPermissions", &ingress.unwrap_or_default())
        + &block("ipPermissionsEgress", &egress);
    block("item", &content)
}

fn everybody() -> String {
    block("ipRanges", &block("item", &element("cidrIp", "0.0.0.0/0")))
}
