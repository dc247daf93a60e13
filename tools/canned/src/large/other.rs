//! What the stack has once: the image, the secret, auto scaling, and the front end's builds, the last of which
//! failed.

use serde_json::{Value, json};

use super::{BUILD_PROJECT, Large, text};

const REGISTRY: &str = "123456789012";
const SERVICE: &str = "service/lendpeak2-production/backend";
const SCALING: &str =
    "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:0123abcd-0123-4abc-8abc-0123456789ab";
/// As many as `ListBuildsForProject` answers at once.
const BUILDS: usize = 100;
const ACTIVITIES: usize = 20;
const DAY_SECONDS: usize = 86_400;
const HOUR_SECONDS: usize = 3_600;

pub(super) fn answer(large: &Large, operation: &str, request: &Value) -> Option<Value> {
    Some(match operation {
        "DescribeImages" => json!({ "imageDetails": [image(large, request)] }),
        "DescribeSecret" => secret(large, text(request, "SecretId")),
        "DescribeScalableTargets" => json!({ "ScalableTargets": [scalable_target(large)] }),
        "DescribeScalingPolicies" => {
            let policies = ["ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"];
            json!({ "ScalingPolicies": policies.map(|metric| policy(large, metric)) })
        }
        "DescribeScalingActivities" => {
            let activities: Vec<Value> = (0..ACTIVITIES).map(|number| activity(large, number)).collect();
            json!({ "ScalingActivities": activities })
        }
        "ListBuildsForProject" => json!({ "ids": (0..BUILDS).map(build_id).collect::<Vec<_>>() }),
        "BatchGetBuilds" => {
            let ids = request.get("ids")?.as_array()?.iter().filter_map(Value::as_str);
            let builds: Vec<Value> = ids.filter_map(|id| build(large, id)).collect();
            json!({ "builds": builds, "buildsNotFound": [] })
        }
        _ => return None,
    })
}

fn image(large: &Large, request: &Value) -> Value {
    json!({
        "registryId": REGISTRY,
        "repositoryName": text(request, "repositoryName"),
        "imageDigest": format!("sha256:{:064x}", 20),
        "imageTags": [request.pointer("/imageIds/0/imageTag")],
        "imageSizeInBytes": 142_000_000,
        "imagePushedAt": large.seconds_ago(2 * DAY_SECONDS),
        "imageManifestMediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "artifactMediaType": "application/vnd.docker.container.image.v1+json",
        "lastRecordedPullTime": large.seconds_ago(HOUR_SECONDS),
    })
}

fn secret(large: &Large, id: &str) -> Value {
    let name = id.rsplit(":secret:").next().unwrap_or(id);
    let name = if name == id { name } else { name.rsplit_once('-').map_or(name, |(name, _)| name) };
    json!({
        "ARN": format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf"),
        "Name": name,
        "Description": "LendPeak2's database",
        "KmsKeyId": "alias/aws/secretsmanager",
        "RotationEnabled": true,
        "RotationRules": { "AutomaticallyAfterDays": 90 },
        "LastRotatedDate": large.seconds_ago(40 * DAY_SECONDS),
        "LastChangedDate": large.seconds_ago(40 * DAY_SECONDS),
        "LastAccessedDate": large.seconds_ago(DAY_SECONDS),
        "Tags": [{ "Key": "Project", "Value": "LendPeak2" }],
        "VersionIdsToStages": { "0123abcd-0123-4abc-8abc-0123456789ab": ["AWSCURRENT"] },
        "CreatedDate": large.seconds_ago(400 * DAY_SECONDS),
    })
}

fn scalable_target(large: &Large) -> Value {
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": SERVICE,
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 10,
        "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
        "CreationTime": large.seconds_ago(400 * DAY_SECONDS),
        "SuspendedState": {
            "DynamicScalingInSuspended": false,
            "DynamicScalingOutSuspended": false,
            "ScheduledScalingSuspended": false,
        },
    })
}

fn policy(large: &Large, metric: &str) -> Value {
    let alarms = ["AlarmHigh", "AlarmLow"].map(|which| {
        let name = format!("TargetTracking-{SERVICE}-{which}-{metric}");
        json!({ "AlarmARN": format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"), "AlarmName": name })
    });
    json!({
        "PolicyARN": format!("{SCALING}:resource/ecs/{SERVICE}:policyName/{metric}"),
        "PolicyName": metric,
        "ServiceNamespace": "ecs",
        "ResourceId": SERVICE,
        "ScalableDimension": "ecs:service:DesiredCount",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": { "PredefinedMetricType": metric },
            "ScaleOutCooldown": 60,
            "ScaleInCooldown": 300,
        },
        "Alarms": alarms,
        "CreationTime": large.seconds_ago(400 * DAY_SECONDS),
    })
}

fn activity(large: &Large, number: usize) -> Value {
    let ago = (number + 1) * HOUR_SECONDS;
    json!({
        "ActivityId": format!("00000000-0000-4000-8000-{number:012}"),
        "ServiceNamespace": "ecs",
        "ResourceId": SERVICE,
        "ScalableDimension": "ecs:service:DesiredCount",
        "Description": format!("Setting desired count to {}.", 2 + number % 2),
        "Cause": format!("monitor alarm TargetTracking-{SERVICE}-AlarmHigh in state ALARM triggered policy ECSServiceAverageCPUUtilization"),
        "StartTime": large.seconds_ago(ago),
        "EndTime": large.seconds_ago(ago - 40),
        "StatusCode": "Successful",
        "StatusMessage": format!("Successfully set desired count to {}. Change successfully fulfilled by ecs.", 2 + number % 2),
    })
}

fn build_id(number: usize) -> String {
    format!("{BUILD_PROJECT}:00000000-0000-4000-8000-{number:012}")
}

/// Number 0 is the newest.
fn build(large: &Large, id: &str) -> Option<Value> {
    let number: usize = id.rsplit('-').next()?.parse().ok()?;
    let began = (number + 1) * 4 * HOUR_SECONDS;
    let (at, ended) = (large.seconds_ago(began), large.seconds_ago(began - 180));
    let status = if number == 0 { "FAILED" } else { "SUCCEEDED" };
    let names = [
        "SUBMITTED",
        "QUEUED",
        "PROVISIONING",
        "DOWNLOAD_SOURCE",
        "INSTALL",
        "PRE_BUILD",
        "BUILD",
        "POST_BUILD",
        "UPLOAD_ARTIFACTS",
        "FINALIZING",
    ];
    let phase = |name: &str| {
        let (status, message) = match name {
            "BUILD" if number == 0 => {
                ("FAILED", "Error while executing command: npm run build. Reason: exit status 2")
            }
            _ => ("SUCCEEDED", ""),
        };
        json!({
            "phaseType": name,
            "phaseStatus": status,
            "startTime": at,
            "endTime": ended,
            "durationInSeconds": 18,
            "contexts": [{ "statusCode": "", "message": message }],
        })
    };
    Some(json!({
        "id": id,
        "arn": format!("arn:aws:codebuild:us-east-1:123456789012:build/{id}"),
        "buildNumber": 1_000 - number,
        "startTime": at,
        "endTime": ended,
        "currentPhase": "COMPLETED",
        "buildStatus": status,
        "sourceVersion": "main",
        "resolvedSourceVersion": format!("{number:040x}"),
        "projectName": BUILD_PROJECT,
        "phases": names.map(phase),
        "source": { "type": "GITHUB", "location": "https://github.com/lendpeak/lendpeak2.git", "gitCloneDepth": 1 },
        "artifacts": { "location": "arn:aws:s3:::lendpeak2-production-frontend" },
        "cache": { "type": "NO_CACHE" },
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux2-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{ "name": "VITE_API_URL", "value": "https://api.lendpeak.com", "type": "PLAINTEXT" }],
            "privilegedMode": false,
        },
        "serviceRole": "arn:aws:iam::123456789012:role/lendpeak2-frontend-build",
        "logs": {
            "groupName": format!("/aws/codebuild/{BUILD_PROJECT}"),
            "streamName": id.rsplit(':').next(),
            "cloudWatchLogs": { "status": "ENABLED" },
        },
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "buildComplete": true,
        "initiator": "codepipeline/lendpeak2-frontend",
        "encryptionKey": "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
    }))
}
