//! What watches and scales the stack.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scaling {
    /// None where the service is not scaled by itself.
    pub target: Option<ScalableTarget>,
    pub policies: Vec<ScalingPolicy>,
    /// The newest first.
    pub activities: Vec<ScalingActivity>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScalableTarget {
    pub min: u32,
    pub max: u32,
    pub scale_in_suspended: bool,
    pub scale_out_suspended: bool,
    pub scheduled_suspended: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScalingPolicy {
    pub name: String,
    /// `TargetTrackingScaling` or `StepScaling`.
    pub kind: String,
    pub target_value: Option<f64>,
    /// As in `ECSServiceAverageCPUUtilization`.
    pub metric: String,
    pub alarms: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScalingActivity {
    pub at: Option<Timestamp>,
    /// `Successful`, `Failed`, `InProgress`, `Pending`, `Overridden` or `Unfulfilled`.
    pub status: String,
    pub description: String,
    pub message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alarm {
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// When it came into this state.
    pub since: Option<Timestamp>,
    pub reason: String,
    /// None for composite alarms and metric math.
    pub metric: Option<ListedMetric>,
    pub threshold: Option<f64>,
    /// As in `GreaterThanThreshold`.
    pub comparison: String,
    /// `breaching`, `notBreaching`, `ignore` or `missing`.
    pub missing_data: String,
    pub actions_enabled: bool,
    /// How many actions it has for ALARM.
    pub actions: u32,
    /// When it went into ALARM in the last day, the newest first.
    pub rang: Vec<Timestamp>,
    /// Its metric in the last fortnight, where that was read: the largest value of each six hours, or the smallest
    /// for an alarm on low values.
    pub fortnight: Option<super::Series>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListedMetric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
}

/// An event of AWS Health of the kind *issue*.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsIssue {
    /// As in `ECS`.
    pub service: String,
    /// As in `AWS_ECS_OPERATIONAL_ISSUE`.
    pub code: String,
    /// The stack's, or `global`.
    pub region: String,
    pub since: Option<Timestamp>,
    pub arn: String,
}
