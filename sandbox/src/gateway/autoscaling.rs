//! Application Auto Scaling, which the local AWS lacks: scalable targets, policies and activities, kept in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::{Answer, wire};
use crate::names::{ACCOUNT, REGION, SCALING_ALARMS, TARGET_CPU};

/// One registered target.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalableTarget {
    pub namespace: String,
    pub resource: String,
    pub dimension: String,
    pub minimum: i64,
    pub maximum: i64,
    suspended: Value,
    created: f64,
}

/// A policy that tracks a target value.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalingPolicy {
    pub name: String,
    /// As in `ECSServiceAverageCPUUtilization`.
    pub metric: String,
    pub target_value: f64,
    pub alarms: Vec<String>,
}

/// Something that auto scaling did, or tried to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingActivity {
    /// `Successful`, `Failed`, …
    pub status: String,
    pub description: String,
    pub message: String,
    pub at: Timestamp,
}

/// The service's scaling.
#[derive(Debug)]
pub struct Autoscaling {
    targets: Mutex<Vec<ScalableTarget>>,
    policies: Mutex<Vec<ScalingPolicy>>,
    /// The oldest first.
    activities: Mutex<Vec<ScalingActivity>>,
}

impl Default for Autoscaling {
    fn default() -> Self {
        let policy = ScalingPolicy {
            name: "cpu".to_owned(),
            metric: "ECSServiceAverageCPUUtilization".to_owned(),
            target_value: TARGET_CPU,
            alarms: SCALING_ALARMS.map(str::to_owned).to_vec(),
        };
        Self { targets: Mutex::default(), policies: Mutex::new(vec![policy]), activities: Mutex::default() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    min_capacity: Option<i64>,
    max_capacity: Option<i64>,
    suspended_state: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Describe {
    service_namespace: String,
    #[serde(default)]
    resource_ids: Vec<String>,
    /// Of policies and activities.
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    #[serde(rename = "PolicyName")]
    name: String,
    resource_id: String,
    target_tracking_scaling_policy_configuration: Option<Tracking>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tracking {
    target_value: f64,
    predefined_metric_specification: Option<Predefined>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Predefined {
    predefined_metric_type: String,
}

/// An error's code and message.
type Refusal = (&'static str, String);

impl Autoscaling {
    /// The scalable targets registered here.
    pub fn targets(&self) -> Vec<ScalableTarget> {
        self.lock().clone()
    }

    /// The service has these policies, and no others.
    pub fn set_policies(&self, policies: Vec<ScalingPolicy>) {
        *self.policies.lock().unwrap_or_else(PoisonError::into_inner) = policies;
    }

    pub fn add_activity(&self, activity: ScalingActivity) {
        self.activities.lock().unwrap_or_else(PoisonError::into_inner).push(activity);
    }

    pub(super) fn answer(&self, call: &Call, body: &[u8]) -> Answer {
        let answered = match call.operation.as_str() {
            "RegisterScalableTarget" => parse(body).and_then(|request| self.register(request)),
            "DeregisterScalableTarget" => parse(body).and_then(|request| self.deregister(&request)),
            "DescribeScalableTargets" => parse(body).map(|request| self.describe(&request)),
            "PutScalingPolicy" => parse(body).and_then(|request| self.put_policy(request)),
            "DescribeScalingPolicies" => parse(body).map(|request| self.describe_policies(&request)),
            "DescribeScalingActivities" => parse(body).map(|request| self.describe_activities(&request)),
            _ => Err(("UnknownOperationException", String::new())),
        };
        match answered {
            Ok(body) => wire::json_1_1(StatusCode::OK, &body),
            Err((code, message)) => wire::error(call, StatusCode::BAD_REQUEST, code, &message),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ScalableTarget>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, request: Target) -> Result<Value, Refusal> {
        check_names(&request)?;
        let mut targets = self.lock();
        let known = targets.iter_mut().find(|target| target.is(&request));
        let (minimum, maximum) = match (&known, request.min_capacity, request.max_capacity) {
            (_, Some(minimum), Some(maximum)) => (minimum, maximum),
            (Some(known), minimum, maximum) => {
                (minimum.unwrap_or(known.minimum), maximum.unwrap_or(known.maximum))
            }
            (None, _, _) => {
                return Err(invalid("MinCapacity and MaxCapacity are required for a new target"));
            }
        };
        if minimum < 0 || maximum < 0 {
            return Err(invalid("Capacity must be greater than or equal to 0"));
        }
        if minimum > maximum {
            return Err(invalid("Maximum capacity cannot be less than minimum capacity"));
        }
        let created = known.as_ref().map_or_else(now, |known| known.created);
        let suspended = request.suspended_state.unwrap_or_else(|| {
            known.as_ref().map_or_else(|| json!(not_suspended()), |known| known.suspended.clone())
        });
        let target = ScalableTarget {
            namespace: request.service_namespace,
            resource: request.resource_id,
            dimension: request.scalable_dimension,
            minimum,
            maximum,
            suspended,
            created,
        };
        let arn = target.arn();
        match known {
            Some(known) => *known = target,
            None => targets.push(target),
        }
        Ok(json!({ "ScalableTargetARN": arn }))
    }

    fn deregister(&self, request: &Target) -> Result<Value, Refusal> {
        let mut targets = self.lock();
        let Some(index) = targets.iter().position(|target| target.is(request)) else {
            let message = format!("No scalable target found for resource ID {}", request.resource_id);
            return Err(("ObjectNotFoundException", message));
        };
        targets.remove(index);
        Ok(json!({}))
    }

    fn describe(&self, request: &Describe) -> Value {
        let wanted = |target: &&ScalableTarget| {
            target.namespace == request.service_namespace
                && (request.resource_ids.is_empty() || request.resource_ids.contains(&target.resource))
                && request.scalable_dimension.as_ref().is_none_or(|wanted| *wanted == target.dimension)
        };
        let found: Vec<Value> = self.lock().iter().filter(wanted).map(ScalableTarget::as_json).collect();
        json!({ "ScalableTargets": found })
    }

    /// The one target that the policies and activities are of.
    fn resource(&self, request: &Describe) -> Option<String> {
        let mut resources = self.targets().into_iter().map(|target| target.resource);
        resources.find(|resource| request.resource_id.as_ref().is_none_or(|wanted| wanted == resource))
    }

    fn describe_policies(&self, request: &Describe) -> Value {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |resource: String| policies.iter().map(move |policy| policy.as_json(&resource));
        json!({ "ScalingPolicies": self.resource(request).into_iter().flat_map(of).collect::<Vec<_>>() })
    }

    fn put_policy(&self, request: Policy) -> Result<Value, Refusal> {
        let Policy { name, resource_id, target_tracking_scaling_policy_configuration } = request;
        if !self.targets().iter().any(|target| target.resource == resource_id) {
            let message = format!("No scalable target registered for resource ID: {resource_id}");
            return Err(("ObjectNotFoundException", message));
        }
        let tracking = target_tracking_scaling_policy_configuration
            .and_then(|tracking| Some((tracking.target_value, tracking.predefined_metric_specification?)));
        let Some((target_value, Predefined { predefined_metric_type })) = tracking else {
            return Err(invalid("this sandbox knows only policies that track a predefined metric"));
        };
        let policy = ScalingPolicy {
            name,
            metric: predefined_metric_type,
            target_value,
            alarms: SCALING_ALARMS.map(str::to_owned).to_vec(),
        };
        let answer = json!({ "PolicyARN": policy.arn(), "Alarms": policy.alarms_as_json() });
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        policies.retain(|other| other.name != policy.name);
        policies.push(policy);
        Ok(answer)
    }

    /// The newest first.
    fn describe_activities(&self, request: &Describe) -> Value {
        let activities = self.activities.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |resource: String| {
            activities.iter().enumerate().rev().map(move |(number, one)| one.as_json(number, &resource))
        };
        json!({ "ScalingActivities": self.resource(request).into_iter().flat_map(of).collect::<Vec<_>>() })
    }
}

impl ScalableTarget {
    fn is(&self, request: &Target) -> bool {
        self.namespace == request.service_namespace
            && self.resource == request.resource_id
            && self.dimension == request.scalable_dimension
    }

    fn arn(&self) -> String {
        let name = self.resource.replace('/', "-");
        format!("arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/{name}")
    }

    fn as_json(&self) -> Value {
        json!({
            "ServiceNamespace": self.namespace,
            "ResourceId": self.resource,
            "ScalableDimension": self.dimension,
            "MinCapacity": self.minimum,
            "MaxCapacity": self.maximum,
            "RoleARN": role(),
            "CreationTime": self.created,
            "SuspendedState": self.suspended,
            "ScalableTargetARN": self.arn(),
        })
    }
}

/// What scales services, in every account.
pub(super) fn role() -> String {
    format!(
        "arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
}

impl ScalingPolicy {
    fn arn(&self) -> String {
        format!("arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:sandbox:{}", self.name)
    }

    fn alarms_as_json(&self) -> Value {
        let alarm = |name: &String| {
            let arn = format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}");
            json!({ "AlarmName": name, "AlarmARN": arn })
        };
        self.alarms.iter().map(alarm).collect()
    }

    fn as_json(&self, resource: &str) -> Value {
        json!({
            "PolicyARN": self.arn(),
            "PolicyName": self.name,
            "PolicyType": "TargetTrackingScaling",
            "ServiceNamespace": "ecs",
            "ResourceId": resource,
            "ScalableDimension": "ecs:service:DesiredCount",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": self.target_value,
                "PredefinedMetricSpecification": { "PredefinedMetricType": self.metric },
            },
            "Alarms": self.alarms_as_json(),
            "CreationTime": now(),
        })
    }
}

impl ScalingActivity {
    fn as_json(&self, number: usize, resource: &str) -> Value {
        let at = self.at.as_second();
        json!({
            "ActivityId": format!("sandbox-{number}"),
            "ServiceNamespace": "ecs",
            "ResourceId": resource,
            "ScalableDimension": "ecs:service:DesiredCount",
            "Description": self.description,
            "Cause": "monitor alarm",
            "StatusCode": self.status,
            "StatusMessage": self.message,
            "StartTime": at,
            "EndTime": at,
        })
    }
}

fn check_names(request: &Target) -> Result<(), Refusal> {
    if request.service_namespace != "ecs" {
        return Err(invalid("this sandbox scales ECS services only: ServiceNamespace must be ecs"));
    }
    if request.scalable_dimension != "ecs:service:DesiredCount" {
        return Err(invalid(&format!("Unsupported scalable dimension {}", request.scalable_dimension)));
    }
    let parts: Vec<&str> = request.resource_id.split('/').collect();
    match parts.as_slice() {
        ["service", cluster, service] if !cluster.is_empty() && !service.is_empty() => Ok(()),
        _ => Err(invalid("Unsupported service namespace, resource type or scalable dimension")),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| ("ValidationException", error.to_string()))
}

fn invalid(message: &str) -> Refusal {
    ("ValidationException", message.to_owned())
}

fn not_suspended() -> Map<String, Value> {
    ["DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"]
        .into_iter()
        .map(|flag| (flag.to_owned(), Value::Bool(false)))
        .collect()
}

/// Seconds since the epoch, as the JSON protocols write times.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this century fit a double exactly")]
fn now() -> f64 {
    Timestamp::now().as_millisecond() as f64 / 1000.0
}
