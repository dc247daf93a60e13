//! `scale-up` from an event to the ledger, against the sandbox with real SDK calls. Most runs use a bootstrap
//! of their own, so that a test can choose its settings, its deadline and the moment it dies.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod approvals;
mod crashes;
mod deliveries;
mod faults;
mod input;
mod modes;
mod refusals;
mod schedule;

use std::time::Duration;

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::{
    deploy::{self, CLUSTER, SERVICE},
    gateway::Call,
    runtime_api::{Answer, Bootstrap},
    sandbox::{Options, Sandbox},
};

type Test = anyhow::Result<()>;

const LEDGER: &str = "lendpeak2-production-ledger";
const TARGET: &str = "service/lendpeak2-production/backend";
/// As long as the function may run in the template.
const DEADLINE: Duration = Duration::from_mins(1);

struct Stack {
    sandbox: Sandbox,
}

impl Stack {
    async fn start() -> anyhow::Result<Self> {
        let sandbox = Sandbox::start(Options { metrics: false, ..Options::default() }).await?;
        Ok(Self { sandbox })
    }

    /// A bootstrap of `scale-up` as the template sets it up, with some settings replaced.
    async fn function(&self, replaced: &[(&str, &str)]) -> anyhow::Result<Bootstrap> {
        let mut environment: Vec<(String, String)> = [
            ("ENVIRONMENT", "production"),
            ("AWS_ENDPOINT_URL", &self.sandbox.gateway.url()),
            ("MODE", "auto"),
            ("LEDGER_TABLE", LEDGER),
            ("VERIFY_SECONDS", "0"),
            ("CLUSTER", CLUSTER),
            ("SERVICES", SERVICE),
            ("LOAD_ALARMS", "lendpeak2-production-ecs-cpu"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (name, value) in replaced {
            environment.retain(|(other, _)| other != name);
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        Bootstrap::start(&deploy::binaries()?.join("scale-up"), &environment).await
    }

    /// What `scale-up` did to AWS, in order.
    fn writes(&self) -> Vec<String> {
        let calls = self.sandbox.gateway.record().by("scale-up");
        calls.iter().filter(|call| !call.is_read()).map(Call::name).collect()
    }

    fn updates(&self) -> usize {
        self.writes().iter().filter(|name| *name == "ecs UpdateService").count()
    }

    async fn put(&self, pk: &str, sk: &str, more: &[(&str, &str)]) -> Test {
        let mut put = self.sandbox.clients.dynamodb.put_item().table_name(LEDGER);
        for (name, value) in [("pk", pk), ("sk", sk)].iter().chain(more) {
            put = put.item(*name, AttributeValue::S((*value).to_owned()));
        }
        put.send().await?;
        Ok(())
    }

    /// The JSON in an item's `data`.
    async fn data(&self, pk: &str, sk: &str) -> anyhow::Result<Value> {
        let key = |value: &str| AttributeValue::S(value.to_owned());
        let get =
            self.sandbox.clients.dynamodb.get_item().table_name(LEDGER).key("pk", key(pk)).key("sk", key(sk));
        let item = get.send().await?.item.context("no such item")?;
        Ok(serde_json::from_str(item["data"].as_s().ok().context("no data")?)?)
    }

    /// Replaces one field of the JSON in an item's `data`.
    async fn change(&self, pk: &str, sk: &str, field: &str, value: Value) -> Test {
        let mut data = self.data(pk, sk).await?;
        data[field] = value;
        let key = |value: &str| AttributeValue::S(value.to_owned());
        let update = self.sandbox.clients.dynamodb.update_item().table_name(LEDGER);
        let update = update.key("pk", key(pk)).key("sk", key(sk)).update_expression("SET #data = :data");
        let update = update.expression_attribute_names("#data", "data");
        update.expression_attribute_values(":data", key(&data.to_string())).send().await?;
        Ok(())
    }

    /// The decisions in the audit record, oldest first.
    async fn audit(&self) -> anyhow::Result<Vec<String>> {
        let query =
            self.sandbox.clients.dynamodb.query().table_name(LEDGER).key_condition_expression("pk = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S("audit#scale-up".to_owned()));
        let items = query.send().await?.items.unwrap_or_default();
        Ok(items.iter().filter_map(|item| item["decision"].as_s().ok().cloned()).collect())
    }

    async fn set_desired_count(&self, count: i32) -> Test {
        let update = self.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.desired_count(count).send().await?;
        Ok(())
    }
}

async fn send(function: &Bootstrap, event: &Value) -> Answer {
    function.invoke(event.to_string(), DEADLINE).await
}

async fn outcome(function: &Bootstrap, event: &Value) -> anyhow::Result<Value> {
    match send(function, event).await {
        Answer::Ok(outcome) => Ok(outcome),
        other => anyhow::bail!("{event} was answered with {other:?}\n{}", function.log()),
    }
}

/// Decision and code, as in `refused cooldown`.
async fn decision(function: &Bootstrap, event: &Value) -> anyhow::Result<String> {
    let outcome = outcome(function, event).await?;
    Ok(read(&outcome))
}

fn read(outcome: &Value) -> String {
    let text = |name: &str| outcome[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", text("decision"), text("code"))
}

/// A CPU alarm as SNS delivers it. The alarm itself is not in CloudWatch: the event has the word.
fn alarm(changed: Timestamp) -> Value {
    let message = json!({
        "AlarmName": "high-cpu",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:high-cpu",
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": changed.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
        "Trigger": { "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Dimensions": [
            { "name": "ClusterName", "value": CLUSTER }, { "name": "ServiceName", "value": SERVICE } ] },
    });
    json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": message.to_string() } }] })
}

fn tick() -> Value {
    json!({ "version": "0", "id": "tick", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "time": Timestamp::now().to_string(), "detail": "{}",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/follow-up"] })
}
