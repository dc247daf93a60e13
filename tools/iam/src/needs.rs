//! What AWS asks of a caller's role before it carries out a call: mostly the action of the call's own name, on the
//! resource that the request names. Where it asks for more or for another, the reason stands beside it.
//!
//! By <https://docs.aws.amazon.com/service-authorization/latest/reference/>.

mod database;
mod ecs;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use sandbox::calls::Recorded;
use sandbox::clients::{ACCOUNT, REGION};
use serde_json::Value;

use super::template::field;

/// The partitions that a call of DynamoDB is about.
pub const LEADING_KEYS: &str = "dynamodb:LeadingKeys";
/// The key of a resource's tag; the tag's name follows.
pub const RESOURCE_TAG: &str = "aws:ResourceTag/";

/// What one permission has to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub action: String,
    /// The resource's ARN. It ends in `*` for a call that names none of its kind, and is `*` where the action takes
    /// no resource.
    pub resource: String,
    pub context: BTreeMap<String, Vec<String>>,
}

impl Need {
    fn new(action: &str, resource: impl Into<String>) -> Self {
        Self { action: action.to_owned(), resource: resource.into(), context: BTreeMap::new() }
    }

    /// With what a condition can look at.
    fn with(mut self, key: &str, values: Vec<String>) -> Self {
        self.context.insert(key.to_owned(), values);
        self
    }
}

/// The roles that the service's task definitions name: a release's own are not in every request.
#[derive(Debug, Clone)]
pub struct TaskRoles(pub Vec<String>);

/// Everything that a call needs. A call that this does not know is an error.
pub fn of(call: &Recorded, roles: &TaskRoles) -> Result<Vec<Need>> {
    let needs = match call.service.as_str() {
        "application-autoscaling" => autoscaling(call),
        "cloudfront" => one(call, global(&format!("cloudfront::{ACCOUNT}:{}", distribution(call)?))),
        "cloudwatch" => cloudwatch(call),
        "codebuild" => codebuild(call),
        "dynamodb" => dynamodb(call),
        // None of them knows a resource for what it describes.
        "ec2" | "elasticloadbalancing" | "health" => one(call, "*"),
        "ecr" => one(call, arn("ecr", &format!("repository/{}", text(call, "repositoryName")))),
        "ecs" => ecs::needs(call, roles),
        // The operation is called otherwise than its action.
        "lambda" => {
            vec![Need::new("lambda:InvokeFunction", arn("lambda", &format!("function:{}", invoked(call)?)))]
        }
        "logs" => logs(call),
        "rds" => database::needs(call),
        // Bucket and key, by path.
        "s3" => one(call, global(&format!("s3:::{}", object(call)))),
        "secretsmanager" => one(call, secret(text(call, "SecretId"))),
        "sns" => one(call, text(call, "TopicArn")),
        "ssm" => ssm(call),
        "states" => one(call, [text(call, "executionArn"), text(call, "stateMachineArn")].concat()),
        _ => Vec::new(),
    };
    if needs.is_empty() || needs.iter().any(|need| need.resource.is_empty()) {
        bail!("this check does not know what {} {} needs: {}", call.service, call.operation, call.names);
    }
    Ok(needs)
}

fn arn(service: &str, rest: &str) -> String {
    // A name that is an ARN already names the same.
    if rest.contains("arn:") {
        rest.to_owned()
    } else {
        global(&format!("{service}:{REGION}:{ACCOUNT}:{rest}"))
    }
}

fn global(rest: &str) -> String {
    format!("arn:aws:{rest}")
}

fn action(call: &Recorded) -> String {
    format!("{}:{}", call.service, call.operation)
}

fn one(call: &Recorded, resource: impl Into<String>) -> Vec<Need> {
    vec![Need::new(&action(call), resource)]
}

/// A field of the request, empty when it was not sent.
fn text<'a>(call: &'a Recorded, name: &str) -> &'a str {
    field(&call.names, name).as_str().unwrap_or_default()
}

/// A field of the request that has one text or several.
fn texts<'a>(call: &'a Recorded, name: &str) -> Vec<&'a str> {
    super::template::texts(field(&call.names, name))
}

fn autoscaling(call: &Recorded) -> Vec<Need> {
    if call.operation != "RegisterScalableTarget" {
        // Describing takes no resource.
        return one(call, "*");
    }
    // The ARN's last part is drawn by AWS when a target is registered; here it is what the target scales.
    let target = arn(&call.service, &format!("scalable-target/{}", text(call, "ResourceId")));
    let key = |field: &str| vec![text(call, field).to_owned()];
    let need = Need::new(&action(call), target)
        .with("application-autoscaling:service-namespace", key("ServiceNamespace"))
        .with("application-autoscaling:scalable-dimension", key("ScalableDimension"));
    vec![need]
}

fn cloudwatch(call: &Recorded) -> Vec<Need> {
    let all = arn("cloudwatch", "alarm:*");
    match call.operation.as_str() {
        "PutMetricData" => {
            let namespace = vec![text(call, "Namespace").to_owned()];
            vec![Need::new(&action(call), "*").with("cloudwatch:namespace", namespace)]
        }
        "DescribeAlarms" | "DescribeAlarmHistory" => {
            let mut names = texts(call, "AlarmNames");
            names.extend(texts(call, "AlarmName"));
            // A composite alarm is shown only to a role whose permission is on `*`.
            if texts(call, "AlarmTypes").contains(&"CompositeAlarm") {
                return one(call, "*");
            }
            // A prefix is no name.
            if names.is_empty() {
                return one(call, all);
            }
            let alarm = |name| Need::new(&action(call), arn("cloudwatch", &format!("alarm:{name}")));
            names.into_iter().map(alarm).collect()
        }
        // Metrics have no ARN. The type `dataset`, of which an account has one, does not tell them apart.
        "GetMetricData" | "GetMetricStatistics" | "ListMetrics" => one(call, "*"),
        _ => Vec::new(),
    }
}

fn codebuild(call: &Recorded) -> Vec<Need> {
    let mut projects = texts(call, "projectName");
    // A build's id is its project's name, a colon and a number; the action's resource is the project.
    projects.extend(texts(call, "ids").iter().filter_map(|id| id.split(':').next()));
    let project = |name| Need::new(&action(call), arn("codebuild", &format!("project/{name}")));
    projects.into_iter().map(project).collect()
}

fn distribution(call: &Recorded) -> Result<String> {
    let mut parts = call.path.trim_matches('/').split('/').skip(1);
    let (Some(kind @ "distribution"), Some(id)) = (parts.next(), parts.next()) else {
        bail!("{} names no distribution", call.path);
    };
    Ok(format!("{kind}/{id}"))
}

fn object(call: &Recorded) -> &str {
    call.path.split('?').next().unwrap_or_default().trim_start_matches('/')
}

/// The function's name, and behind it the alias by which it is called, if there is one.
fn invoked(call: &Recorded) -> Result<String> {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let name = path.split("/functions/").nth(1).and_then(|rest| rest.strip_suffix("/invocations"));
    let name = name.with_context(|| format!("{} invokes no function", call.path))?;
    // The name, or an ARN that ends in it.
    let name = name.rsplit([':', '/']).next().unwrap_or(name);
    let alias = query.split('&').find_map(|pair| pair.strip_prefix("Qualifier="));
    Ok(alias.map_or_else(|| name.to_owned(), |alias| format!("{name}:{alias}")))
}

fn dynamodb(call: &Recorded) -> Vec<Need> {
    let table = |name: &str| arn("dynamodb", &format!("table/{name}"));
    // An item's own key, or the partition of a query, which the gateway writes down beside the table.
    let partition = |key: &Value| field(field(key, "pk"), "S").as_str().map(str::to_owned);
    let need = |action: &str, request: &Value| {
        let keys = [field(request, "Key"), field(request, "Item"), request];
        let keys = keys.into_iter().filter_map(partition).collect();
        let name = field(request, "TableName").as_str().unwrap_or_default();
        Need::new(action, table(name)).with(LEADING_KEYS, keys)
    };
    match call.operation.as_str() {
        // A transaction has no action: each of its parts needs its own.
        "TransactWriteItems" => {
            let parts = field(&call.names, "TransactItems").as_array().into_iter().flatten();
            let parts = parts.filter_map(Value::as_object).flatten();
            parts
                .map(|(part, request)| match part.as_str() {
                    "ConditionCheck" => need("dynamodb:ConditionCheckItem", request),
                    part => need(&format!("dynamodb:{part}Item"), request),
                })
                .collect()
        }
        "BatchGetItem" => {
            let tables = field(&call.names, "RequestItems").as_object().into_iter().flatten();
            tables
                .map(|(name, request)| {
                    let keys = field(request, "Keys").as_array().into_iter().flatten();
                    let keys: BTreeSet<String> = keys.filter_map(partition).collect();
                    Need::new(&action(call), table(name)).with(LEADING_KEYS, keys.into_iter().collect())
                })
                .collect()
        }
        "DeleteItem" | "GetItem" | "PutItem" | "Query" | "UpdateItem" => {
            vec![need(&action(call), &call.names)]
        }
        _ => Vec::new(),
    }
}

fn logs(call: &Recorded) -> Vec<Need> {
    let group = [text(call, "logGroupName"), text(call, "logGroupIdentifier")].concat();
    // Events are in streams: also a search through a group is allowed on what follows its name.
    let stream = format!("log-group:{group}:log-stream:{}", text(call, "logStreamName"));
    if group.is_empty() { Vec::new() } else { one(call, arn("logs", &stream)) }
}

/// AWS ends a secret's ARN with a hyphen and six characters of its own; a name alone has none.
fn secret(id: &str) -> String {
    if id.starts_with("arn:") || id.is_empty() {
        id.to_owned()
    } else {
        arn("secretsmanager", &format!("secret:{id}-AbCdEf"))
    }
}

fn ssm(call: &Recorded) -> Vec<Need> {
    match call.operation.as_str() {
        "CreateOpsItem" => {
            let tags = field(&call.names, "Tags").as_array().is_some_and(|tags| !tags.is_empty());
            let tagged = tags.then(|| Need::new("ssm:AddTagsToResource", arn("ssm", "opsitem/*")));
            one(call, "*").into_iter().chain(tagged).collect()
        }
        "UpdateOpsItem" => one(call, arn("ssm", &format!("opsitem/{}", text(call, "OpsItemId")))),
        _ => Vec::new(),
    }
}
