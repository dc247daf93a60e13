//! An AWS in memory: canned answers in each service's own wire format, a ledger that remembers, and bytes that say
//! which answers are odd, and how.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use canned::{Canned, Size};
use http_body_util::BodyExt;
use sandbox::cbor;
use serde_json::{Value, json};

use crate::{
    choices::Choices,
    json::{self, CANARY},
    table::Table,
    text,
};

/// As much as one run reads with ease.
const SMALL: Size = Size { log_events: 40, stopped_tasks: 4, alarms: 6 };

/// Which answers the bytes change.
#[derive(Debug, Default, Clone, Copy)]
pub enum Mutated {
    #[default]
    None,
    All,
    /// Those of these operations.
    Only(&'static [&'static str]),
}

#[derive(Debug, Default)]
pub struct World {
    canned: Canned,
    pub table: Table,
    choices: Vec<u8>,
    read: usize,
    mutated: Mutated,
    /// The last answer's body, for one that is given to another question.
    last: Vec<u8>,
    pub calls: usize,
    /// How many bytes it answered.
    pub answered: usize,
    /// Whether an answer was changed so that a secret may stand where none does.
    pub mixed_up: bool,
    /// Where the canary was sent to, if it was.
    pub leaked: Option<String>,
    /// What was asked last by this operation.
    pub registered: Option<Value>,
    /// What the task definition was said to be last.
    pub described: Option<Value>,
}

/// A question to AWS, or to a page.
struct Call {
    operation: String,
    parts: http::request::Parts,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What the functions' clients ask in place of AWS.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<Mutex<World>>);

impl Wire {
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew, with other answers to come.
    pub fn begin(&self, mutated: Mutated, choices: &[u8]) {
        self.begin_with(SMALL, mutated, choices);
    }

    pub fn begin_with(&self, size: Size, mutated: Mutated, choices: &[u8]) {
        let canned = Canned::of_size(size);
        *self.world() = World { canned, mutated, choices: choices.to_vec(), ..World::default() };
    }

    /// Goes on with what is remembered, and other answers.
    pub fn go_on(&self, mutated: Mutated, choices: &[u8]) {
        let mut world = self.world();
        world.mutated = mutated;
        world.choices = choices.to_vec();
        world.read = 0;
        world.calls = 0;
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.world().answer(&request))
    }
}

impl World {
    fn answer(&mut self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let call = Call::read(request).ok_or_else(|| ConnectorError::user("no request".into()))?;
        self.calls += 1;
        self.watch(&call);
        let answer = self.usual(&call);
        let answer = if self.is_mutated(&call) { self.mutate(answer)? } else { answer };
        self.answered += answer.body.len();
        self.last.clone_from(&answer.body);
        if call.operation == "DescribeTaskDefinition" {
            self.described = serde_json::from_slice(&answer.body).ok();
        }
        let status =
            StatusCode::try_from(answer.status).map_err(|error| ConnectorError::user(error.into()))?;
        let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
        for (name, value) in answer.headers {
            // What is no header cannot come over a wire.
            _ = response.headers_mut().try_append(name, value);
        }
        Ok(response)
    }

    /// Secrets are for ECS and Secrets Manager, which have them anyway, and a password is for its database.
    fn watch(&mut self, call: &Call) {
        const MAY_KNOW: [&str; 4] =
            ["ModifyDBCluster", "RegisterTaskDefinition", "PutSecretValue", "UpdateSecret"];
        if call.operation == "RegisterTaskDefinition" {
            self.registered = serde_json::from_slice(&call.body).ok();
        }
        let text = String::from_utf8_lossy(&call.body);
        if text.contains(CANARY) && !MAY_KNOW.contains(&call.operation.as_str()) {
            self.leaked = Some(format!("{}: {text}", call.operation));
        }
    }

    fn is_mutated(&self, call: &Call) -> bool {
        match self.mutated {
            Mutated::None => false,
            Mutated::All => true,
            Mutated::Only(operations) => operations.contains(&call.operation.as_str()),
        }
    }

    fn usual(&mut self, call: &Call) -> Answer {
        let request: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let canned = |canned: &Canned| Answer::canned(canned, call);
        if call.operation == "BatchGetItem" {
            return self.batch(&request, &canned(&self.canned));
        }
        let asks_releases = request.to_string().contains("release#");
        if !asks_releases && let Some(answer) = self.table.answer(&call.operation, &request) {
            return Answer::json(&answer);
        }
        if let Some(answer) = others(&call.operation) {
            return answer;
        }
        let mut answer = canned(&self.canned);
        if call.operation == "DescribeTaskDefinition" {
            answer.body = with_secret(&answer.body);
        }
        answer
    }

    /// What the ledger remembers, and what the canned one knows beside it.
    fn batch(&self, request: &Value, canned: &Answer) -> Answer {
        let mut answer: Value = serde_json::from_slice(&canned.body).unwrap_or_default();
        let tables = request.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
        for (table, asked) in tables {
            let keys = asked.get("Keys").and_then(Value::as_array).into_iter().flatten();
            let known: Vec<Value> = keys.filter_map(|key| self.table.get(key)).cloned().collect();
            if let Some(items) =
                answer.pointer_mut(&format!("/Responses/{table}")).and_then(Value::as_array_mut)
            {
                let is_new = |item: &Value| !known.iter().any(|known| known.get("sk") == item.get("sk"));
                items.retain(is_new);
                items.extend(known);
            }
        }
        Answer::json(&answer)
    }

    fn mutate(&mut self, mut answer: Answer) -> Result<Answer, ConnectorError> {
        const CODES: [&str; 10] = [
            "AccessDeniedException",
            "ThrottlingException",
            "ResourceNotFoundException",
            "ServiceNotFoundException",
            "ClusterNotFoundException",
            "ClientException",
            "TransactionCanceledException",
            "ConditionalCheckFailedException",
            "DBClusterNotFoundFault",
            "NoSuchDistribution",
        ];
        let bytes = std::mem::take(&mut self.choices);
        let left = bytes.get(self.read..).unwrap_or_default();
        let mut choices = Choices::new(left);
        let mut result = Ok(());
        match choices.byte() {
            0..=99 => {}
            100..=179 => answer.mutate_values(&mut choices),
            180..=199 => {
                text::mutate(&mut answer.body, &mut choices);
                self.mixed_up = true;
            }
            200..=211 => {
                let code = choices.one_of(&CODES).copied().unwrap_or_default();
                answer = Answer::error(code, &choices.text(), choices.byte());
            }
            212..=219 => {
                answer.status =
                    *choices.one_of(&[200, 204, 301, 400, 403, 404, 429, 500, 503, 599]).unwrap_or(&200);
            }
            220..=223 => answer.body.clear(),
            224..=227 => answer.body.truncate(choices.below(answer.body.len() + 1)),
            228..=230 => result = Err(ConnectorError::timeout("odd".into())),
            231..=233 => result = Err(ConnectorError::io("odd".into())),
            234..=243 => answer.body = choices.bytes(4_096).to_vec(),
            244..=250 => answer.odd_header(&mut choices),
            _ => {
                answer.body.clone_from(&self.last);
                self.mixed_up = true;
            }
        }
        self.read += left.len() - choices.left();
        self.choices = bytes;
        result.map(|()| answer)
    }
}

impl Call {
    fn read(request: &HttpRequest) -> Option<Self> {
        let mut builder = http::Request::builder().method(request.method()).uri(request.uri());
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        let (parts, ()) = builder.body(()).ok()?.into_parts();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let operation = operation(&parts, &body).to_owned();
        Some(Self { operation, parts, body })
    }
}

/// As AWS calls it; of a page its path.
fn operation<'a>(parts: &'a http::request::Parts, body: &'a [u8]) -> &'a str {
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return operation;
    }
    let query = body.strip_prefix(b"Action=").and_then(|rest| rest.split(|byte| *byte == b'&').next());
    if let Some(operation) = query.and_then(|operation| std::str::from_utf8(operation).ok()) {
        return operation;
    }
    let path = parts.uri.path();
    path.rsplit_once("/operation/").map_or(path, |(_, operation)| operation)
}

impl Answer {
    fn json(body: &Value) -> Self {
        Self::typed("application/x-amz-json-1.1", body.to_string().into_bytes())
    }

    fn typed(content_type: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
    }

    fn canned(canned: &Canned, call: &Call) -> Self {
        let (head, body) = canned.answer(&call.parts, &call.body).into_parts();
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Self {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: ready(body),
        }
    }

    /// In the words of each protocol, whichever it is that was asked in.
    fn error(code: &str, message: &str, status: u8) -> Self {
        let status = 400 + u16::from(status);
        let mut answer = if status.is_multiple_of(2) {
            Self::json(&json!({ "__type": format!("odd#{code}"), "message": message, "CancellationReasons": [
                { "Code": "ConditionalCheckFailed" }, { "Code": message }
            ] }))
        } else {
            let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            Self::typed("text/xml", format!("<ErrorResponse>{error}</ErrorResponse>").into_bytes())
        };
        answer.status = status;
        answer
    }

    fn is(&self, wanted: &str) -> bool {
        self.headers.iter().any(|(name, value)| name == "content-type" && value.contains(wanted))
    }

    /// Changes fields and elements; what is written is still of the format.
    fn mutate_values(&mut self, choices: &mut Choices<'_>) {
        if self.is("cbor") {
            let mut value = cbor::decode(&self.body).unwrap_or_default();
            json::mutate(&mut value, choices);
            self.body = cbor::encode(&value);
        } else if let Ok(mut value) = serde_json::from_slice(&self.body) {
            json::mutate(&mut value, choices);
            self.body = json::written(&value).into_bytes();
        } else {
            text::mutate(&mut self.body, choices);
        }
    }

    fn odd_header(&mut self, choices: &mut Choices<'_>) {
        const NAMES: [&str; 10] = [
            "content-type",
            "x-amzn-errortype",
            "x-amzn-requestid",
            "x-amzn-query-error",
            "x-amz-function-error",
            "date",
            "age",
            "x-cache",
            "etag",
            "retry-after",
        ];
        let name = choices.one_of(&NAMES).copied().unwrap_or_default().to_owned();
        let value = choices.text();
        if choices.byte().is_multiple_of(2) {
            self.headers.retain(|(known, _)| *known != name);
        }
        self.headers.push((name, value));
    }
}

/// A body that is there already.
fn ready(body: canned::Body) -> Vec<u8> {
    use std::task::{Context, Poll, Waker};
    let mut collecting = std::pin::pin!(body.collect());
    match collecting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(collected)) => collected.to_bytes().to_vec(),
        Poll::Pending => Vec::new(),
    }
}

/// What the benchmark never asks.
fn others(operation: &str) -> Option<Answer> {
    const EXECUTION: &str = "arn:aws:states:us-east-1:123456789012:execution:service-down:one";
    let query = |content: &str| {
        let body = format!(
            "<{operation}Response><{operation}Result>{content}</{operation}Result></{operation}Response>"
        );
        Some(Answer::typed("text/xml", body.into_bytes()))
    };
    let answer = match operation {
        "GetSecretValue" => json!({
            "ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:lendpeak2-production-db-credentials-AbCdEf",
            "Name": "lendpeak2-production-db-credentials",
            "VersionId": "0f1d8d14-9b1e-4b7e-9a0b-7f3f6a2c5e90",
            "SecretString": json!({
                "host": "lendpeak2-production.cluster-c0ffee0c0ffee.us-east-1.docdb.amazonaws.com",
                "username": "lendpeak2",
                "password": CANARY,
            }).to_string(),
        }),
        "ListSecretVersionIds" => json!({
            "Name": "lendpeak2-production-db-credentials",
            "Versions": [
                { "VersionId": "0f1d8d14-9b1e-4b7e-9a0b-7f3f6a2c5e90", "VersionStages": ["AWSCURRENT"],
                  "CreatedDate": 1_790_000_000.5 },
                { "VersionId": "1e2d8d14-9b1e-4b7e-9a0b-7f3f6a2c5e90", "CreatedDate": 1_780_000_000.5 },
            ],
        }),
        "StartExecution" => json!({ "executionArn": EXECUTION, "startDate": 1_790_000_000.5 }),
        "DescribeExecution" => json!({
            "executionArn": EXECUTION, "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:x",
            "status": "RUNNING", "startDate": 1_790_000_000.5,
        }),
        "CreateOpsItem" => json!({ "OpsItemId": "oi-0123456789ab", "OpsItemArn": "arn:aws:ssm:x" }),
        "UpdateOpsItem" | "RegisterScalableTarget" | "PutSecretValue" | "UpdateSecretVersionStage" => {
            json!({})
        }
        "DescribeDBClusterSnapshots" => {
            return query(
                "<DBClusterSnapshots><DBClusterSnapshot>\
                 <DBClusterSnapshotIdentifier>rds:lendpeak2-production-2026-09-21-03-00</DBClusterSnapshotIdentifier>\
                 <DBClusterIdentifier>lendpeak2-production</DBClusterIdentifier>\
                 <SnapshotCreateTime>2026-09-21T03:00:20.125Z</SnapshotCreateTime><Engine>docdb</Engine>\
                 <Status>available</Status><Port>27017</Port><EngineVersion>5.0.0</EngineVersion>\
                 <SnapshotType>automated</SnapshotType><PercentProgress>100</PercentProgress>\
                 <StorageEncrypted>true</StorageEncrypted></DBClusterSnapshot></DBClusterSnapshots>",
            );
        }
        "ListTagsForResource" => {
            return query("<TagList><Tag><Key>Project</Key><Value>LendPeak2</Value></Tag></TagList>");
        }
        "DescribeDBSubnetGroups" => {
            return query(
                "<DBSubnetGroups><DBSubnetGroup><DBSubnetGroupName>lendpeak2-production-db</DBSubnetGroupName>\
                 <Subnets><Subnet><SubnetAvailabilityZone><Name>us-east-1a</Name></SubnetAvailabilityZone></Subnet>\
                 <Subnet><SubnetAvailabilityZone><Name>us-east-1b</Name></SubnetAvailabilityZone></Subnet></Subnets>\
                 </DBSubnetGroup></DBSubnetGroups>",
            );
        }
        "DescribeOrderableDBInstanceOptions" => {
            return query(
                "<OrderableDBInstanceOptions><OrderableDBInstanceOption>\
                 <DBInstanceClass>db.r6g.large</DBInstanceClass><AvailabilityZones><AvailabilityZone>\
                 <Name>us-east-1a</Name></AvailabilityZone><AvailabilityZone><Name>us-east-1b</Name>\
                 </AvailabilityZone></AvailabilityZones></OrderableDBInstanceOption></OrderableDBInstanceOptions>",
            );
        }
        "RestoreDBClusterFromSnapshot"
        | "RestoreDBClusterToPointInTime"
        | "DeleteDBInstance"
        | "DeleteDBCluster"
        | "ModifyDBCluster" => return query(""),
        _ => return None,
    };
    Some(Answer::json(&answer))
}

/// With a variable that nobody is to be told.
fn with_secret(task_definition: &[u8]) -> Vec<u8> {
    let mut answer: Value = serde_json::from_slice(task_definition).unwrap_or_default();
    let containers = answer.pointer_mut("/taskDefinition/containerDefinitions").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        if let Some(variables) = container.get_mut("environment").and_then(Value::as_array_mut) {
            variables.push(json!({ "name": "STRIPE_KEY", "value": CANARY }));
        }
    }
    answer.to_string().into_bytes()
}
