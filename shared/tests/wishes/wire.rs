//! An AWS in memory: a ledger that keeps what it is given, whatever the condition, and topics that take everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Map, Value, json};

type Item = Map<String, Value>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    items: BTreeMap<(String, String), Item>,
    /// The bodies that were published.
    published: Vec<String>,
    /// Operations that are throttled.
    failing: BTreeSet<&'static str>,
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.lock().answer(&request);
        let status = status.try_into().unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

impl Wire {
    pub(crate) fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fail(&self, operation: &'static str, fails: bool) {
        let mut world = self.lock();
        if fails {
            world.failing.insert(operation);
        } else {
            world.failing.remove(operation);
        }
    }

    pub(crate) fn put(&self, pk: &str, sk: &str, texts: &[(&str, &str)]) {
        let own = [("pk", pk), ("sk", sk)];
        let item = own.iter().chain(texts).map(|(name, value)| ((*name).to_owned(), json!({ "S": value })));
        self.lock().put(&item.collect());
    }

    pub(crate) fn delete(&self, pk: &str, sk: &str) {
        self.lock().items.remove(&(pk.to_owned(), sk.to_owned()));
    }

    /// Who wants something of a target.
    pub(crate) fn wanted(&self, target: &str) -> Vec<String> {
        let world = self.lock();
        let item = world.items.get(&(format!("target#{target}"), "lamp#wanted".to_owned()));
        let names = item.into_iter().flat_map(Map::keys);
        names.filter_map(|name| Some(name.strip_prefix("wanted ")?.to_owned())).collect()
    }

    /// The outcomes that are on record.
    pub(crate) fn recorded(&self) -> Vec<String> {
        let world = self.lock();
        let audit = world.items.iter().filter(|((pk, _), _)| pk == "audit#lamp");
        audit.map(|(_, item)| text(item, "outcome").to_owned()).collect()
    }

    pub(crate) fn told(&self) -> Vec<String> {
        let published = self.lock().published.clone();
        published.into_iter().map(|body| body.replace('+', " ").replace("%20", " ")).collect()
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value["S"].as_str()).unwrap_or_default()
}

fn key(item: &Item) -> (String, String) {
    (text(item, "pk").to_owned(), text(item, "sk").to_owned())
}

impl World {
    fn answer(&mut self, request: &HttpRequest) -> (u16, String) {
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
        let Some(target) = request.headers().get("x-amz-target") else {
            return (200, self.sns(&body));
        };
        let operation = target.rsplit('.').next().unwrap_or_default();
        if self.failing.contains(operation) {
            return (400, json!({ "__type": "ThrottlingException", "message": "slow down" }).to_string());
        }
        let body: Value = serde_json::from_str(&body).unwrap();
        (200, self.dynamodb(operation, &body).to_string())
    }

    fn dynamodb(&mut self, operation: &str, body: &Value) -> Value {
        match operation {
            "BatchGetItem" => {
                let keys = body["RequestItems"]["ledger"]["Keys"].as_array().unwrap();
                let found = keys.iter().filter_map(|asked| self.items.get(&key(asked.as_object().unwrap())));
                json!({ "Responses": { "ledger": found.collect::<Vec<_>>() }, "UnprocessedKeys": {} })
            }
            // No kill switch is set, and nobody else owes anything.
            "Query" => json!({ "Items": [] }),
            "TransactWriteItems" => {
                for write in body["TransactItems"].as_array().unwrap() {
                    self.write(write);
                }
                json!({})
            }
            "PutItem" => {
                self.write(&json!({ "Put": body }));
                json!({})
            }
            "DeleteItem" => {
                self.write(&json!({ "Delete": body }));
                json!({})
            }
            other => panic!("{other} was not expected"),
        }
    }

    fn put(&mut self, item: &Item) {
        self.items.insert(key(item), item.clone());
    }

    fn write(&mut self, write: &Value) {
        if let Some(item) = write["Put"]["Item"].as_object() {
            self.put(item);
        }
        if let Some(at) = write["Delete"]["Key"].as_object() {
            self.items.remove(&key(at));
        }
        if let Some(at) = write["Update"]["Key"].as_object() {
            let update = &write["Update"];
            let item = self.items.entry(key(at)).or_insert_with(|| at.clone());
            let (what, parts) = update["UpdateExpression"].as_str().unwrap().split_once(' ').unwrap();
            for part in parts.split(", ") {
                let (name, value) = part.split_once(" = ").unwrap_or((part, ""));
                let name = update["ExpressionAttributeNames"][name].as_str().unwrap_or(name).to_owned();
                match what {
                    "SET" => item.insert(name, update["ExpressionAttributeValues"][value].clone()),
                    "REMOVE" => item.remove(&name),
                    other => panic!("{other} was not expected"),
                };
            }
        }
    }

    fn sns(&mut self, body: &str) -> String {
        const NAMESPACE: &str = r#"xmlns="http://sns.amazonaws.com/doc/2010-03-31/""#;
        if body.starts_with("Action=Publish") {
            self.published.push(body.to_owned());
            return format!(
                "<PublishResponse {NAMESPACE}><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
            );
        }
        format!(
            "<GetTopicAttributesResponse {NAMESPACE}><GetTopicAttributesResult><Attributes><entry>\
             <key>SubscriptionsConfirmed</key><value>1</value></entry></Attributes></GetTopicAttributesResult>\
             </GetTopicAttributesResponse>"
        )
    }
}
