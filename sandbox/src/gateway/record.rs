//! What the functions called, written down for the check of their roles: who, what, on which resource. Of a request
//! only the fields that name something are kept, so that no secret and no personal data gets into a file.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use http::request::Parts;
use serde_json::{Map, Value};

use super::api::Problems;
use super::{Call, DocDb};
use crate::calls::Recorded;

/// The folder that the calls are written into; nothing is written without it.
pub const FOLDER: &str = "LENDPEAK2_CALLS";

/// The fields that name a resource, or that a policy's condition looks at. What is in them is kept whole.
const NAMES: [&str; 50] = [
    // Elastic Container Service, and its scaling.
    "cluster",
    "executionRoleArn",
    "family",
    "familyPrefix",
    "resourceArn",
    "service",
    "serviceDeploymentArn",
    "serviceDeploymentArns",
    "serviceRevisionArns",
    "services",
    "tags",
    "task",
    "taskDefinition",
    "taskRoleArn",
    "tasks",
    "ResourceId",
    "ResourceIds",
    "ScalableDimension",
    "ServiceNamespace",
    // DynamoDB. Its keys are names of ours, and the leading one can be a condition's.
    "TableName",
    "pk",
    // CloudWatch and its logs.
    "AlarmName",
    "AlarmNamePrefix",
    "AlarmNames",
    "AlarmTypes",
    "Namespace",
    "logGroupIdentifier",
    "logGroupName",
    "logStreamName",
    // DocumentDB.
    "DBClusterIdentifier",
    "DBClusterParameterGroupName",
    "DBClusterSnapshotIdentifier",
    "DBInstanceIdentifier",
    "DBSubnetGroupName",
    "KmsKeyId",
    "ResourceName",
    "SnapshotIdentifier",
    "SourceDBClusterIdentifier",
    "Tags",
    // The others.
    "LoadBalancerArn",
    "OpsItemId",
    "SecretId",
    "TargetArn",
    "TargetGroupArn",
    "TopicArn",
    "executionArn",
    "ids",
    "projectName",
    "repositoryName",
    "stateMachineArn",
];

/// A file for each gateway, made when the first call of a function comes.
#[derive(Debug)]
pub(super) struct Record {
    folder: Option<PathBuf>,
    functions: BTreeSet<String>,
    file: Mutex<Option<File>>,
}

/// One call under way. It is written when this is dropped, however the call ends.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    record: &'a Record,
    recorded: Recorded,
}

impl Record {
    /// As the environment says.
    pub(super) fn from_environment() -> Self {
        let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let functions =
            if folder.is_some() { crate::functions().unwrap_or_default() } else { BTreeSet::new() };
        Self { folder, functions, file: Mutex::new(None) }
    }

    /// Returns `None` if recording is off, if the caller is not one of our functions, or if the resource to change no longer
    /// exists (its tags, which the policy checks, are gone too).
    pub(super) fn entry(&self, call: &Call, parts: &Parts, docdb: &DocDb) -> Option<Entry<'_>> {
        self.folder.as_ref()?;
        if !self.functions.contains(&call.caller) {
            return None;
        }
        let tags = if call.service == "rds" { docdb.tags_of(&call.request) } else { None };
        let writes = ["Delete", "Modify"].iter().any(|verb| call.operation.starts_with(verb));
        if tags.is_none() && call.service == "rds" && writes {
            return None;
        }
        let mut names = names(&call.request).unwrap_or_default();
        if let (Some(partition), Some(kept)) = (queried(call), names.as_object_mut()) {
            kept.insert("pk".to_owned(), partition);
        }
        let recorded = Recorded {
            by: program(),
            caller: call.caller.clone(),
            service: call.service.clone(),
            operation: call.operation.clone(),
            // Protocols that name the resource in the path have nothing else to name it with, but for an alias of a function.
            path: match parts.uri.query() {
                Some(query) if call.service == "lambda" => format!("{}?{query}", parts.uri.path()),
                _ => parts.uri.path().to_owned(),
            },
            names,
            resource_tags: tags.unwrap_or_default(),
            status: None,
            asked: None,
            said: None,
        };
        Some(Entry { record: self, recorded })
    }

    /// A line at once, so that a killed process loses none. A file that cannot be written is noticed when the
    /// record is read: the function has no calls then.
    fn write(&self, recorded: &Recorded) {
        let Some(folder) = &self.folder else { return };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = open(folder, &recorded.by);
        }
        if let (Some(file), Ok(mut line)) = (file.as_mut(), serde_json::to_vec(recorded)) {
            line.push(b'\n');
            let _ = file.write_all(&line);
        }
    }
}

fn open(folder: &PathBuf, program: &str) -> Option<File> {
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    std::fs::create_dir_all(folder).ok()?;
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    let name = format!("{program}-{}-{number}.jsonl", std::process::id());
    // The system gives a process's number again one day: what is there then stays.
    OpenOptions::new().create(true).append(true).open(folder.join(name)).ok()
}

/// The program that the gateway is in; of a test, the first module that it is in, as in `scale_up`.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    // A test's program has a name with a hash, and nextest says which test runs in it.
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => {
            let test = std::env::var("NEXTEST_TEST_NAME").unwrap_or_default();
            test.split_once("::").map_or(name, |(module, _)| module).to_owned()
        }
        _ => stem,
    }
}

impl Entry<'_> {
    pub(super) fn asked(&mut self, problems: Problems) {
        self.recorded.asked = problems;
    }

    pub(super) fn said(&mut self, problems: Problems) {
        self.recorded.said = problems;
    }

    pub(super) fn answered(&mut self, status: Option<u16>) {
        self.recorded.status = status;
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.record.write(&self.recorded);
    }
}

/// The partition that a query of DynamoDB reads. Its condition names it by placeholders only, as in `pk = :pk` or
/// `#p = :of AND sk BETWEEN :from AND :to`.
fn queried(call: &Call) -> Option<Value> {
    if call.service != "dynamodb" || call.operation != "Query" {
        return None;
    }
    let request = &call.request;
    let condition = request.get("KeyConditionExpression")?.as_str()?;
    condition.split(" AND ").find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (name.trim_matches(['(', ' ']), value.trim_matches([')', ' ']));
        let named = request.get("ExpressionAttributeNames").and_then(|names| names.get(name)?.as_str());
        (named.unwrap_or(name) == "pk")
            .then(|| request.get("ExpressionAttributeValues")?.get(value).cloned())?
    })
}

/// A request's fields that name something, in their places; nothing where there are none.
fn names(request: &Value) -> Option<Value> {
    match request {
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(field, value)| {
                // A form's lists are fields such as `Tags.Tag.1.Key`.
                let name = field.split('.').next().unwrap_or(field);
                let value = if NAMES.contains(&name) { Some(value.clone()) } else { names(value) };
                Some((field.clone(), value?))
            });
            let kept: Map<String, Value> = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(values) => {
            let kept: Vec<Value> = values.iter().filter_map(names).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Request;
    use serde_json::{Value, json};

    use super::{Call, DocDb, Record, names};
    use crate::calls::read_calls;

    fn record(folder: Option<&std::path::Path>) -> Record {
        let folder = folder.map(std::path::Path::to_path_buf);
        Record {
            folder,
            functions: BTreeSet::from(["scale-up".to_owned()]),
            file: std::sync::Mutex::default(),
        }
    }

    /// One call of `caller` that is answered with `status`, or never.
    fn make(record: &Record, caller: &str, status: Option<u16>) {
        let body = json!({ "cluster": "c", "service": "s", "desiredCount": 4 });
        call(record, caller, "AmazonEC2ContainerServiceV20141113.UpdateService", &body, status);
    }

    fn call(record: &Record, caller: &str, target: &str, body: &Value, status: Option<u16>) {
        let request = Request::post("/").header("x-amz-user-agent", format!("aws-sdk-rust app/{caller}"));
        let request = request.header("x-amz-target", target);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let body = body.to_string().into_bytes().into();
        let entry = record.entry(&Call::identify(&parts, &body), &parts, &DocDb::default());
        if let (Some(mut entry), Some(status)) = (entry, status) {
            entry.answered(Some(status));
        }
    }

    #[test]
    fn a_call_of_a_function_is_written_down_whether_it_was_answered_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(Some(folder.path()));
        make(&record, "scale-up", Some(200));
        make(&record, "scale-up", None);
        // Nobody else's calls say anything about a role.
        make(&record, "stand-in", Some(200));
        // It is all there while the gateway still runs.
        let calls = read_calls(folder.path()).unwrap();
        let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
        assert_eq!(statuses, [Some(200), None]);
        assert_eq!((calls[0].caller.as_str(), calls[0].service.as_str()), ("scale-up", "ecs"));
        assert_eq!(calls[0].operation, "UpdateService");
        assert_eq!(calls[0].names, json!({ "cluster": "c", "service": "s" }));
    }

    #[test]
    fn two_gateways_write_into_files_of_their_own_and_none_is_made_before_a_call() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (record(Some(folder.path())), record(Some(folder.path())));
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 0);
        make(&one, "scale-up", Some(200));
        make(&two, "scale-up", Some(200));
        assert_eq!(files(), 2);
        make(&record(None), "scale-up", Some(200));
        assert_eq!(read_calls(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn only_what_names_a_resource_is_kept_of_a_request() {
        let request = json!({ "SecretId": "db", "SecretString": "{\"password\":\"orchid\"}" });
        assert_eq!(names(&request), Some(json!({ "SecretId": "db" })));

        let request = json!({ "TransactItems": [
            { "Put": { "TableName": "ledger", "Item": { "pk": { "S": "a" }, "outcome": { "S": "said" } } } },
            { "Update": { "TableName": "ledger", "Key": { "pk": { "S": "b" } }, "ExpressionAttributeValues":
                { ":x": { "S": "said" } } } },
        ] });
        let kept = json!({ "TransactItems": [
            { "Put": { "TableName": "ledger", "Item": { "pk": { "S": "a" } } } },
            { "Update": { "TableName": "ledger", "Key": { "pk": { "S": "b" } } } },
        ] });
        assert_eq!(names(&request), Some(kept));

        let request = json!({ "Action": "DeleteDBCluster", "DBClusterIdentifier": "c", "Tags.Tag.1.Key": "k",
            "MasterUserPassword": "orchid" });
        assert_eq!(names(&request), Some(json!({ "DBClusterIdentifier": "c", "Tags.Tag.1.Key": "k" })));
        assert_eq!(names(&json!({ "containerDefinitions": [{ "environment": [{ "value": "x" }] }] })), None);
    }

    /// What a policy can limit by `dynamodb:LeadingKeys`.
    fn partition_of_query(request: &Value) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let record = record(Some(folder.path()));
        call(&record, "scale-up", "DynamoDB_20120810.Query", request, Some(200));
        read_calls(folder.path()).unwrap()[0].names["pk"].clone()
    }

    #[test]
    fn the_partition_of_a_query_is_kept_however_its_condition_is_written() {
        for condition in [
            "pk = :p",
            "pk=:p",
            "(pk = :p) AND (sk < :s)",
            "pk = :p AND sk BETWEEN :s AND :t",
            "sk = :s AND pk = :p",
            "#k = :p AND begins_with(sk, :s)",
        ] {
            let request = json!({ "TableName": "ledger", "KeyConditionExpression": condition,
                "ExpressionAttributeNames": { "#k": "pk" },
                "ExpressionAttributeValues": { ":p": { "S": "audit#a" }, ":s": { "S": "said" }, ":t": { "S": "t" } } });
            assert_eq!(partition_of_query(&request), json!({ "S": "audit#a" }), "{condition}");
        }
        let odd = json!({ "TableName": "ledger", "KeyConditionExpression": "sk = :s",
            "ExpressionAttributeValues": { ":s": { "S": "said" } } });
        assert_eq!(partition_of_query(&odd), Value::Null);
    }

    #[test]
    fn the_partitions_of_a_batch_are_kept_and_nothing_else_of_its_items() {
        let key = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "said" } });
        let request = json!({ "RequestItems": { "ledger": { "ConsistentRead": true,
            "Keys": [key("target#a"), key("event#b")] } } });
        let kept = json!({ "RequestItems": { "ledger": {
            "Keys": [{ "pk": { "S": "target#a" } }, { "pk": { "S": "event#b" } }] } } });
        assert_eq!(names(&request), Some(kept));
    }
}
