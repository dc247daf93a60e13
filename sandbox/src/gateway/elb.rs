//! The load balancer before the backend: one listener, one target group, and the service's tasks as its targets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use serde_json::{Value, json};

use super::Answer;
use super::acm::CERTIFICATE;
use super::call::Call;
use super::ec2::ALB_GROUP;
use super::ecs::{BACKEND_PORT, address, last_part};
use super::forward::Upstream;
use super::wire::{self, block, element};
use crate::names::{ACCOUNT, CLUSTER, LOAD_BALANCER, REGION, SERVICE};

/// The backend's target group, as CloudWatch names it.
pub const TARGET_GROUP_NAME: &str = "targetgroup/lendpeak2-backend/0123456789abcdef";
/// The backend's target group.
pub const TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/lendpeak2-backend/0123456789abcdef";

/// Every clone is the same load balancer.
#[derive(Debug, Clone, Default)]
pub struct Elb {
    unhealthy: Arc<Mutex<Unhealthy>>,
    /// So many tasks run; all of them where nobody said.
    running: Arc<Mutex<Option<usize>>>,
    /// What somebody changed of the target group's health check, by its name in requests and answers.
    health_check: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

/// What can be changed of a health check here.
const HEALTH_CHECK: [&str; 6] = [
    "HealthCheckPath",
    "HealthCheckPort",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
];

#[derive(Debug, Clone, Default)]
struct Unhealthy {
    /// So many targets, the first ones.
    count: usize,
    reason: String,
    description: String,
}

impl Elb {
    /// The first so many targets are unhealthy, for this reason (`Target.Timeout`) and in these words. All are well
    /// with none.
    pub fn set_unhealthy(&self, count: usize, reason: &str, description: &str) {
        let unhealthy = Unhealthy { count, reason: reason.to_owned(), description: description.to_owned() };
        *self.unhealthy.lock().unwrap_or_else(PoisonError::into_inner) = unhealthy;
    }

    /// How many of so many targets are healthy.
    pub fn healthy_of(&self, targets: u32) -> u32 {
        targets.saturating_sub(u32::try_from(self.unhealthy()).unwrap_or(u32::MAX))
    }

    /// How many targets are unhealthy at most.
    pub fn unhealthy(&self) -> usize {
        self.unhealthy.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Of the tasks, so many run. The load balancer has not checked the others yet.
    pub fn set_running(&self, count: u32) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = usize::try_from(count).ok();
    }

    pub(super) async fn answer(&self, call: &Call, upstream: &Upstream) -> Answer {
        let named = |field: &str| call.request.get(field).and_then(Value::as_str);
        let is_ours = named("Names.member.1")
            .is_none_or(|name| LOAD_BALANCER.split('/').nth(1) == Some(name))
            && ["LoadBalancerArn", "LoadBalancerArns.member.1"]
                .into_iter()
                .filter_map(named)
                .all(|arn| arn == load_balancer());
        let is_group = ["TargetGroupArn", "TargetGroupArns.member.1"]
            .into_iter()
            .filter_map(named)
            .all(|arn| arn == TARGET_GROUP);
        let refused =
            |code: &str| wire::error(call, StatusCode::BAD_REQUEST, code, "One or more were not found");
        if !is_ours {
            return refused("LoadBalancerNotFound");
        }
        if !is_group {
            return refused("TargetGroupNotFound");
        }
        let content = match call.operation.as_str() {
            "DescribeLoadBalancers" => describe_load_balancer(),
            "DescribeLoadBalancerAttributes" => attributes(&[
                ("access_logs.s3.enabled", "true"),
                ("access_logs.s3.bucket", "lendpeak2-access-logs"),
                ("idle_timeout.timeout_seconds", "60"),
            ]),
            "DescribeTargetGroupAttributes" => attributes(&[("deregistration_delay.timeout_seconds", "30")]),
            "DescribeListenerCertificates" => {
                members("Certificates", &[element("CertificateArn", CERTIFICATE)])
            }
            "DescribeListeners" => describe_listener(),
            "DescribeTargetGroups" => self.describe_target_group(),
            "ModifyTargetGroup" => {
                self.change_health_check(named);
                self.describe_target_group()
            }
            "DescribeTargetHealth" => self.describe_health(upstream).await,
            _ => return refused("InvalidAction"),
        };
        let operation = &call.operation;
        let body = block(&format!("{operation}Result"), &content);
        wire::xml(StatusCode::OK, block(&format!("{operation}Response"), &body))
    }

    async fn describe_health(&self, upstream: &Upstream) -> String {
        let asked = json!({ "cluster": CLUSTER, "serviceName": SERVICE, "desiredStatus": "RUNNING" });
        let listed = upstream.ecs("ListTasks", &asked).await;
        let tasks = listed.get("taskArns").and_then(Value::as_array).into_iter().flatten();
        let mut addresses: Vec<String> =
            tasks.filter_map(Value::as_str).map(|arn| address(last_part(arn))).collect();
        addresses.sort();
        let Unhealthy { count, reason, description } =
            self.unhealthy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(usize::MAX);
        let targets: Vec<String> = addresses
            .iter()
            .enumerate()
            .map(|(number, address)| {
                let health = if number >= running {
                    element("State", "initial")
                        + &element("Reason", "Elb.RegistrationInProgress")
                        + &element("Description", "Target registration is in progress")
                } else if number < count {
                    element("State", "unhealthy")
                        + &element("Reason", &reason)
                        + &element("Description", &description)
                } else {
                    element("State", "healthy")
                };
                let target = element("Id", address) + &element("Port", &BACKEND_PORT.to_string());
                block("Target", &target) + &block("TargetHealth", &health)
            })
            .collect();
        members("TargetHealthDescriptions", &targets)
    }

    fn change_health_check<'a>(&self, named: impl Fn(&str) -> Option<&'a str>) {
        let changes = HEALTH_CHECK.into_iter().filter_map(|field| Some((field, named(field)?.to_owned())));
        self.health_check.lock().unwrap_or_else(PoisonError::into_inner).extend(changes);
    }

    fn describe_target_group(&self) -> String {
        let port = BACKEND_PORT.to_string();
        let fields = [
            ("TargetGroupArn", TARGET_GROUP),
            ("TargetGroupName", "lendpeak2-backend"),
            ("Protocol", "HTTP"),
            ("Port", &port),
            ("HealthCheckEnabled", "true"),
            ("HealthCheckPath", "/health"),
            ("HealthCheckPort", "traffic-port"),
            ("HealthCheckIntervalSeconds", "30"),
            ("HealthCheckTimeoutSeconds", "5"),
            ("HealthyThresholdCount", "3"),
            ("UnhealthyThresholdCount", "3"),
            ("TargetType", "ip"),
        ];
        let changed = self.health_check.lock().unwrap_or_else(PoisonError::into_inner);
        let now = |name: &str, value: &str| changed.get(name).map_or(value, String::as_str).to_owned();
        let fields = fields.map(|(name, value)| element(name, &now(name, value))).concat();
        let balancers = block("LoadBalancerArns", &element("member", &load_balancer()));
        members("TargetGroups", &[fields + &block("Matcher", &element("HttpCode", "200")) + &balancers])
    }
}

fn load_balancer() -> String {
    format!("arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/{LOAD_BALANCER}")
}

/// A list, as the Query protocol writes it.
fn members(name: &str, members: &[String]) -> String {
    let members: String = members.iter().map(|content| block("member", content)).collect();
    block(name, &members)
}

fn attributes(all: &[(&str, &str)]) -> String {
    let all: Vec<String> =
        all.iter().map(|(key, value)| element("Key", key) + &element("Value", value)).collect();
    members("Attributes", &all)
}

fn describe_load_balancer() -> String {
    let name = LOAD_BALANCER.split('/').nth(1).unwrap_or_default();
    let fields =
        [("LoadBalancerArn", load_balancer().as_str()), ("LoadBalancerName", name), ("Type", "application")]
            .map(|(name, value)| element(name, value))
            .concat();
    let groups = block("SecurityGroups", &element("member", ALB_GROUP));
    members("LoadBalancers", &[fields + &block("State", &element("Code", "active")) + &groups])
}

fn describe_listener() -> String {
    let balancer = load_balancer();
    let listener = format!("{}/0123456789abcdef", balancer.replacen(":loadbalancer/", ":listener/", 1));
    let fields = [
        ("ListenerArn", listener.as_str()),
        ("LoadBalancerArn", &balancer),
        ("Port", "443"),
        ("Protocol", "HTTPS"),
    ]
    .map(|(name, value)| element(name, value))
    .concat();
    let certificates = members("Certificates", &[element("CertificateArn", CERTIFICATE)]);
    let action = element("Type", "forward") + &element("TargetGroupArn", TARGET_GROUP);
    members("Listeners", &[fields + &certificates + &members("DefaultActions", &[action])])
}
