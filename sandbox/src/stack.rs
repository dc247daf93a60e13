//! A function under test in a sandbox. Most runs use a bootstrap of their own, so that a test can choose its
//! settings, its deadline and the moment it dies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue, Statistic};
use aws_sdk_cloudwatchlogs::operation::create_log_group::CreateLogGroupError;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::deploy::{self, CLUSTER, SERVICE};
use crate::gateway::{Call, DISTRIBUTION, Fault, Rule, sender_id};
use crate::runtime_api::{Answer, Bootstrap};
use crate::sandbox::{Options, Sandbox};
use crate::standin::LOAD_BALANCER;

/// A service, its operation, and which of its calls.
pub type NumberedCall = (String, String, usize);

pub use crate::names::LEDGER;
/// The service's name in the ledger.
pub const TARGET: &str = "service/lendpeak2-production/backend";
/// As long as a function may run in the template.
pub const DEADLINE: Duration = Duration::from_mins(1);
/// A killed run's lease ends with its deadline.
pub const SHORT_DEADLINE: Duration = Duration::from_secs(3);

/// The topic that alarms come by.
pub const ALARM_TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-alarms";

/// Its name, its metric with the namespace before it, and the metric's dimensions.
type TestAlarm = (&'static str, [&'static str; 2], &'static [(&'static str, &'static str)]);

/// The alarms of the tests' own events, beside the template's: their names, metrics, and dimensions. A function
/// believes no alarm that CloudWatch does not know.
const ALARMS: [TestAlarm; 6] = [
    ("lendpeak2-production-high-cpu", ["AWS/ECS", "CPUUtilization"], &OF_SERVICE),
    ("lendpeak2-production-memory-leak", ["AWS/ECS", "MemoryUtilization"], &OF_SERVICE),
    ("lendpeak2-production-cloudfront-4xx-rate", ["AWS/CloudFront", "4xxErrorRate"], &OF_FRONT_END),
    ("errors", ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"], &[("LoadBalancer", LOAD_BALANCER)]),
    ("negative-loans", ["LendPeak2/Data", "NegativeLoans"], &[]),
    ("lendpeak2-production-negative-loans", ["LendPeak2/Data", "NegativeLoans"], &[]),
];
/// The service, as the alarms on it name it.
pub const OF_SERVICE: [(&str, &str); 2] = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
const OF_FRONT_END: [(&str, &str); 2] = [("DistributionId", DISTRIBUTION), ("Region", "Global")];

/// Puts the tests' alarms into CloudWatch, in ALARM.
async fn put_alarms(sandbox: &Sandbox) -> anyhow::Result<()> {
    for (name, metric, dimensions) in ALARMS {
        put_alarm(sandbox, name, metric, dimensions).await?;
    }
    Ok(())
}

/// Puts an alarm on a high value into CloudWatch, in ALARM.
pub async fn put_alarm(
    sandbox: &Sandbox,
    name: &str,
    [namespace, metric]: [&str; 2],
    dimensions: &[(&str, &str)],
) -> anyhow::Result<()> {
    let cloudwatch = &sandbox.clients.cloudwatch;
    let dimension = |(name, value): &(&str, &str)| Dimension::builder().name(*name).value(*value).build();
    cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .namespace(namespace)
        .metric_name(metric)
        .set_dimensions(Some(dimensions.iter().map(dimension).collect()))
        .statistic(Statistic::Average)
        .period(60)
        .evaluation_periods(1)
        // Above the usual day: to `diagnose`, a lower one would be an alarm that is set too low.
        .threshold(99.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .send()
        .await?;
    let state = cloudwatch.set_alarm_state().alarm_name(name).state_value(StateValue::Alarm);
    state.state_reason("Threshold Crossed").send().await?;
    Ok(())
}

/// A sandbox, and how one function is set up in it.
#[derive(Debug)]
pub struct Stack {
    pub sandbox: Sandbox,
    task: &'static str,
    settings: Vec<(String, String)>,
}

impl Stack {
    /// `settings` are those that only this function has. It is deployed too, and so is the probe, which others ask.
    pub async fn start(task: &'static str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_beside(&["health-probe"], task, settings).await
    }

    /// The same with other functions deployed beside it.
    pub async fn start_beside(
        others: &[&'static str],
        task: &'static str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let functions = Some([others, &[task]].concat());
        let sandbox = Sandbox::start(Options { metrics: false, functions, ..Options::default() }).await?;
        put_alarms(&sandbox).await?;
        Ok(Self::in_sandbox(sandbox, task, settings))
    }

    /// The same in a sandbox that is there already.
    pub fn in_sandbox(sandbox: Sandbox, task: &'static str, settings: &[(&str, &str)]) -> Self {
        let (url, app_url) = (sandbox.gateway.url(), sandbox.standin.url());
        let own = [
            ("ENVIRONMENT", "production"),
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("MODE", "auto"),
            ("LEDGER_TABLE", LEDGER),
            ("VERIFY_SECONDS", "0"),
            ("CLUSTER", CLUSTER),
            ("SERVICE", SERVICE),
            ("LOAD_BALANCER", LOAD_BALANCER),
            ("ALARM_TOPIC_ARN", ALARM_TOPIC),
            ("API_URL", app_url.as_str()),
            ("APP_URL", app_url.as_str()),
        ];
        let settings = own.iter().chain(settings);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { sandbox, task, settings }
    }

    /// A bootstrap of the function as the template sets it up, with some settings replaced.
    pub async fn function(&self, replaced: &[(&str, &str)]) -> anyhow::Result<Bootstrap> {
        self.another(self.task, replaced).await
    }

    /// The same of another function in the same sandbox.
    pub async fn another(&self, task: &str, replaced: &[(&str, &str)]) -> anyhow::Result<Bootstrap> {
        let mut environment = self.settings.clone();
        for (name, value) in replaced {
            environment.retain(|(other, _)| other != name);
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        Bootstrap::start(&deploy::binaries()?.join(task), &environment).await
    }

    /// A bootstrap of any function, with the same settings.
    pub async fn other(&self, task: &str) -> anyhow::Result<Bootstrap> {
        Bootstrap::start(&deploy::binaries()?.join(task), &self.settings).await
    }

    /// The function's name.
    pub fn task(&self) -> &'static str {
        self.task
    }

    /// What the function did to AWS, in order.
    pub fn writes(&self) -> Vec<String> {
        let calls = self.sandbox.gateway.record().by(self.task);
        // Another function that is asked to look changes nothing.
        let writes = calls.iter().filter(|call| !call.is_read() && call.operation != "Invoke");
        writes.map(Call::name).collect()
    }

    /// Writes lines into a log that has no such stream yet, all now.
    pub async fn log(&self, group: &str, stream: &str, lines: &[String]) -> anyhow::Result<()> {
        let logs = &self.sandbox.clients.logs;
        if let Err(error) = logs.create_log_group().log_group_name(group).send().await {
            let exists = error
                .as_service_error()
                .is_some_and(CreateLogGroupError::is_resource_already_exists_exception);
            anyhow::ensure!(exists, "cannot create the log group {group}: {error}");
        }
        logs.create_log_stream().log_group_name(group).log_stream_name(stream).send().await?;
        let at = Timestamp::now().as_millisecond();
        let event = |line: &String| InputLogEvent::builder().timestamp(at).message(line).build();
        let events = lines.iter().map(event).collect::<Result<Vec<_>, _>>()?;
        let put = logs.put_log_events().log_group_name(group).log_stream_name(stream);
        put.set_log_events(Some(events)).send().await?;
        Ok(())
    }

    /// How often the function made this call.
    pub fn count(&self, name: &str) -> usize {
        self.sandbox.gateway.record().names(self.task).iter().filter(|call| *call == name).count()
    }

    /// The calls of the function so far.
    pub fn numbered_calls(&self) -> Vec<NumberedCall> {
        let mut seen = BTreeMap::new();
        let calls = self.sandbox.gateway.record().by(self.task).into_iter().map(|call| {
            let k = seen.entry(call.name()).or_insert(0);
            *k += 1;
            (call.service, call.operation, *k)
        });
        calls.collect()
    }

    /// The k-th call of an operation of the function goes wrong.
    pub fn add_fault(&self, service: &str, operation: &str, fault: Fault, k: usize) {
        self.sandbox.gateway.faults().add(Rule::new(service, operation, fault).of(self.task).at(k));
    }

    /// Delivers an event to a run that is killed when the k-th call of an operation has taken effect.
    pub async fn kill_after(
        &self,
        event: &Value,
        service: &str,
        operation: &str,
        k: usize,
    ) -> anyhow::Result<()> {
        self.add_fault(service, operation, Fault::HangAfter, k);
        let doomed = self.function(&[]).await?;
        let run = async { doomed.invoke(event.to_string(), SHORT_DEADLINE).await };
        let reached = async {
            let begun = Instant::now();
            while !self.sandbox.gateway.faults().left().is_empty() && begun.elapsed() < DEADLINE {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            // The call is on its way; let it take effect.
            tokio::time::sleep(Duration::from_millis(500)).await;
            doomed.kill().await;
        };
        match tokio::join!(run, reached) {
            (Answer::Exited(None), ()) => Ok(()),
            (other, ()) => {
                anyhow::bail!("it was to be killed after {service} {operation}, and answered {other:?}")
            }
        }
    }

    /// Puts an item into the ledger.
    pub async fn put(&self, pk: &str, sk: &str, more: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut put = self.sandbox.clients.dynamodb.put_item().table_name(LEDGER);
        for (name, value) in [("pk", pk), ("sk", sk)].iter().chain(more) {
            put = put.item(*name, AttributeValue::S((*value).to_owned()));
        }
        put.send().await?;
        Ok(())
    }

    /// The texts of an item of the ledger.
    pub async fn item(&self, pk: &str, sk: &str) -> anyhow::Result<Option<Value>> {
        let key = |value: &str| AttributeValue::S(value.to_owned());
        let get =
            self.sandbox.clients.dynamodb.get_item().table_name(LEDGER).key("pk", key(pk)).key("sk", key(sk));
        let texts = get.send().await?.item.map(|item| {
            item.into_iter().filter_map(|(name, value)| Some((name, json!(value.as_s().ok()?)))).collect()
        });
        Ok(texts.map(Value::Object))
    }

    /// The JSON in an item's `data`.
    pub async fn data(&self, pk: &str, sk: &str) -> anyhow::Result<Value> {
        let item = self.item(pk, sk).await?.context("no such item")?;
        let data = item.get("data").and_then(Value::as_str).context("no data")?;
        Ok(serde_json::from_str(data)?)
    }

    /// Replaces one field of the JSON in an item's `data`.
    pub async fn change(&self, pk: &str, sk: &str, field: &str, value: Value) -> anyhow::Result<()> {
        /// A run may write it in between.
        const TRIES: u32 = 5;
        let text = |value: &str| AttributeValue::S(value.to_owned());
        for _ in 0..TRIES {
            let item = self.item(pk, sk).await?.context("no such item")?;
            let was = item.get("data").and_then(Value::as_str).context("no data")?;
            let mut data: Value = serde_json::from_str(was)?;
            data.as_object_mut().context("no object")?.insert(field.to_owned(), value.clone());
            let update = self.sandbox.clients.dynamodb.update_item().table_name(LEDGER);
            let update =
                update.key("pk", text(pk)).key("sk", text(sk)).update_expression("SET #data = :data");
            let update =
                update.expression_attribute_names("#data", "data").condition_expression("#data = :was");
            let update = update.expression_attribute_values(":was", text(was));
            let update = update.expression_attribute_values(":data", text(&data.to_string()));
            match update.send().await.map_err(SdkError::into_service_error) {
                Err(error) if error.is_conditional_check_failed_exception() => {}
                done => return Ok(done.map(|_| ())?),
            }
        }
        bail!("{pk} {sk} is written again and again")
    }

    /// As if what was done on the target had been done an hour ago: the cooldown is over, and the budget is not.
    pub async fn end_cooldown(&self, pk: &str, sk: &str) -> anyhow::Result<()> {
        let attempts =
            self.data(pk, sk).await?.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
        let hour_ago = Timestamp::now() - jiff::SignedDuration::from_hours(1);
        let ended = (0_i64..).zip(attempts).map(|(place, mut attempt)| {
            if let Some(attempt) = attempt.as_object_mut() {
                attempt.insert("at".to_owned(), json!(hour_ago - jiff::SignedDuration::from_mins(place)));
            }
            attempt
        });
        self.change(pk, sk, "attempts", ended.collect()).await?;
        self.change(pk, sk, "counted", Value::Null).await
    }

    /// Decision and code of the function's audit records, oldest first.
    pub async fn audit(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.outcomes().await?.iter().map(read).collect())
    }

    /// The outcomes in the function's audit records, oldest first.
    pub async fn outcomes(&self) -> anyhow::Result<Vec<Value>> {
        let query =
            self.sandbox.clients.dynamodb.query().table_name(LEDGER).key_condition_expression("pk = :pk");
        let query =
            query.expression_attribute_values(":pk", AttributeValue::S(format!("audit#{}", self.task)));
        let items = query.send().await?.items.unwrap_or_default();
        let outcomes = items.iter().filter_map(|item| item.get("outcome")?.as_s().ok());
        outcomes.map(|outcome| Ok(serde_json::from_str(outcome)?)).collect()
    }
}

/// Does it for each of these calls, some at once: each has a sandbox of its own, which is a process.
pub async fn each_in_a_sandbox<F>(
    calls: Vec<NumberedCall>,
    mut trial: impl FnMut(NumberedCall) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    const AT_ONCE: usize = 4;
    for some in calls.chunks(AT_ONCE) {
        let trials: JoinSet<_> = some.iter().cloned().map(&mut trial).collect();
        trials.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    }
    Ok(())
}

pub async fn outcome(function: &Bootstrap, event: &Value) -> anyhow::Result<Value> {
    match function.invoke(event.to_string(), DEADLINE).await {
        Answer::Ok(outcome) => Ok(outcome),
        other => anyhow::bail!("{event} was answered with {other:?}\n{}", function.log()),
    }
}

/// The whole answer to a person's request, with what was observed and planned.
pub async fn whole(function: &Bootstrap, request: &Value) -> anyhow::Result<Value> {
    let mut request = request.clone();
    request.as_object_mut().context("no request")?.insert("verbose".to_owned(), json!(true));
    outcome(function, &request).await
}

/// Decision and code, as in `refused cooldown`.
pub async fn decision(function: &Bootstrap, event: &Value) -> anyhow::Result<String> {
    let outcome = outcome(function, event).await?;
    Ok(read(&outcome))
}

/// Decision and code of an outcome.
pub fn read(outcome: &Value) -> String {
    let text = |name: &str| outcome.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    format!("{} {}", text("decision"), text("code"))
}

/// Bodies that are wrong are answered with an error of this type and with these words, and write nothing.
pub async fn refuses(function: &Bootstrap, cases: &[(&str, &str, &str)]) -> anyhow::Result<()> {
    for (body, kind, words) in cases {
        match function.invoke(*body, DEADLINE).await {
            Answer::Err { error_type, error_message } => {
                anyhow::ensure!(error_type == *kind, "{body}: {error_type}");
                anyhow::ensure!(error_message.contains(words), "{body}: {error_message}");
            }
            other => anyhow::bail!("{body} was answered with {other:?}"),
        }
    }
    Ok(())
}

/// An alarm as SNS delivers it. The alarm itself may not be in CloudWatch: the event has the word.
pub fn alarm(name: &str, metric: [&str; 2], dimensions: &[(&str, &str)], changed: Timestamp) -> Value {
    let dimensions: Vec<Value> =
        dimensions.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let [namespace, metric] = metric;
    let message = json!({
        "AlarmName": name,
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"),
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": changed.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
        "Trigger": { "MetricName": metric, "Namespace": namespace, "Dimensions": dimensions },
    });
    sns(ALARM_TOPIC, &message.to_string())
}

/// A message as SNS hands it to Lambda.
pub fn sns(topic: &str, message: &str) -> Value {
    json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{topic}:6f1a3c5e-0d2b-4c8a-9e7f-1122334455aa"),
        "Sns": {
            "Type": "Notification",
            "MessageId": "a1b2c3d4-0001-5000-8000-00000000000a",
            "TopicArn": topic,
            "Message": message,
            "Timestamp": Timestamp::now().to_string(),
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/certificate.pem",
            "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
            "MessageAttributes": {},
        },
    }] })
}

/// A message of the queue of approvals as Lambda hands it to `incident`: `key` is whose access key signed it.
pub fn delivered(message: &str, key: &str, body: &str) -> Value {
    let sent = Timestamp::now().as_millisecond().to_string();
    json!({ "Records": [{
        "messageId": message,
        "receiptHandle": "AQEBexample",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": sent,
            "SenderId": sender_id(key),
            "ApproximateFirstReceiveTimestamp": sent,
        },
        "messageAttributes": {},
        "md5OfBody": "d41d8cd98f00b204e9800998ecf8427e",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:lendpeak2-production-approvals",
        "awsRegion": "us-east-1",
    }] })
}

/// The follow-up schedule's event.
pub fn tick() -> Value {
    json!({ "version": "0", "id": "tick", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "time": Timestamp::now().to_string(), "detail": "{}",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/follow-up"] })
}
