//! What things are called in the sandbox. Nothing here knows anything else of it, so the gateway, the stand-in and what
//! deploys can all use them.

pub const REGION: &str = "us-east-1";
/// The account of the local AWS.
pub const ACCOUNT: &str = "000000000000";

pub const CLUSTER: &str = "lendpeak2-production";
pub const SERVICE: &str = "backend";
/// What the scaling policy keeps the CPU at, in percent.
pub const TARGET_CPU: f64 = 70.0;
/// As auto scaling names the alarms of a policy that tracks a target.
pub const SCALING_ALARMS: [&str; 2] = [
    "TargetTracking-service/lendpeak2-production/backend-AlarmHigh",
    "TargetTracking-service/lendpeak2-production/backend-AlarmLow",
];
/// What no log, record or notice may ever hold.
pub const PASSWORD: &str = "Zy7-orchid-lantern-42";
/// As CloudWatch names the load balancer before the service.
pub const LOAD_BALANCER: &str = "app/lendpeak2-production/0123456789abcdef";
pub const LEDGER: &str = "lendpeak2-production-ledger";
/// Where tests of the status page have its files.
pub const STATUS_PAGE_BUCKET: &str = "lendpeak2-production-status-page";
/// The access key of the sandbox itself: the account's root.
pub const ROOT_KEY: &str = "test";

/// The name of a task's function.
pub fn function_name(task: &str) -> String {
    format!("lendpeak2-production-{task}")
}
