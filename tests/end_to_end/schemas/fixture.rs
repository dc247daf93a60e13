//! One sandbox for many items: each is tried with a ledger of its own, on a service that is as it was.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, ensure};
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue, Statistic};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_ecs::types::ContainerDefinition;
use jiff::Timestamp;
use sandbox::{
    Options, Sandbox,
    deploy::{self, CLUSTER, SERVICE, TASKS},
    names::STATUS_PAGE_BUCKET,
    runtime_api::Bootstrap,
    stack::{self, outcome},
};
use scenarios::scenario::Scenario;
use serde_json::{Value, json};

use super::{
    Test, decisions,
    items::{self, Item},
};

pub(crate) const COMPOSITE: &str = "lendpeak2-production-service-down";
pub(crate) const PROBE: &str = "lendpeak2-production-probe-failing";
const CPU: &str = "lendpeak2-production-high-cpu";
const MEMORY: &str = "lendpeak2-production-memory-leak";

#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    /// The release that ran first, and the one that runs now.
    pub(crate) good: String,
    pub(crate) other: String,
    ledgers: AtomicUsize,
}

impl Fixture {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let functions = Some(vec!["health-probe"]);
        let sandbox = Sandbox::start(Options { metrics: false, functions, ..Options::default() }).await?;
        let good = sandbox.runs().await?;
        let other = sandbox.release(&[]).await?;
        let fixture = Self { sandbox, good, other, ledgers: AtomicUsize::new(0) };
        fixture.listen().await?;
        fixture.sandbox.clients.s3.create_bucket().bucket(STATUS_PAGE_BUCKET).send().await?;
        fixture.ring(CPU, ["AWS/ECS", "CPUUtilization"]).await?;
        fixture.ring(MEMORY, ["AWS/ECS", "MemoryUtilization"]).await?;
        Ok(fixture)
    }

    /// A file of the status page.
    pub(crate) async fn file(&self, path: &str) -> anyhow::Result<String> {
        let get = self.sandbox.clients.s3.get_object().bucket(STATUS_PAGE_BUCKET).key(path).send().await?;
        Ok(String::from_utf8(get.body.collect().await?.into_bytes().to_vec())?)
    }

    pub(crate) async fn page(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.file(path).await?)?)
    }

    /// Somebody hears what each level is told.
    async fn listen(&self) -> Test {
        let queue = self.sandbox.clients.sqs.create_queue().queue_name("people").send().await;
        queue.context("cannot make people's queue")?;
        for topic in ["notices", "level-2", "level-3"] {
            let subscribe = self.sandbox.clients.sns.subscribe().topic_arn(topic_arn(topic)).protocol("sqs");
            subscribe.endpoint("arn:aws:sqs:us-east-1:000000000000:people").send().await?;
        }
        Ok(())
    }

    /// An alarm of the service's that is in ALARM and wakes nobody by itself.
    async fn ring(&self, name: &str, [namespace, metric]: [&str; 2]) -> Test {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let put = self.sandbox.clients.cloudwatch.put_metric_alarm().alarm_name(name).namespace(namespace);
        let put = put.metric_name(metric).dimensions(dimension("ClusterName", CLUSTER));
        let put = put.dimensions(dimension("ServiceName", SERVICE)).statistic(Statistic::Average).period(60);
        let put = put.evaluation_periods(3).threshold(80.0);
        put.comparison_operator(ComparisonOperator::GreaterThanThreshold).send().await?;
        let state = self.sandbox.clients.cloudwatch.set_alarm_state().alarm_name(name);
        state.state_value(StateValue::Alarm).state_reason("Threshold Crossed").send().await?;
        Ok(())
    }

    /// A ledger with these items, beside a service that is as it was at first.
    pub(crate) async fn with(&self, items: &[&Item]) -> anyhow::Result<Ledger<'_>> {
        self.calm().await?;
        let number = self.ledgers.fetch_add(1, Ordering::Relaxed);
        let ledger = Ledger {
            fixture: self,
            table: format!("ledger-{number}"),
            calls: self.sandbox.gateway.calls().len(),
            now: Timestamp::now(),
            event: Timestamp::now() - jiff::SignedDuration::from_mins(2),
        };
        ledger.create().await?;
        for item in items {
            ledger.put(item).await?;
        }
        Ok(ledger)
    }

    async fn calm(&self) -> Test {
        // So that `good` is what ran before, whatever earlier items had deployed.
        for release in [&self.good, &self.other] {
            let update = self.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
            update.task_definition(release).desired_count(TASKS).send().await?;
        }
        self.set_minimum(TASKS).await?;
        self.sandbox.gateway.ecs().clear_stopped_tasks();
        for cluster in self.sandbox.gateway.docdb().restored() {
            self.sandbox.gateway.docdb().remove_cluster(&cluster.name);
        }
        Ok(())
    }

    pub(crate) async fn set_minimum(&self, minimum: i32) -> Test {
        let register = self.sandbox.clients.autoscaling.register_scalable_target();
        let register = register.service_namespace(ServiceNamespace::Ecs).resource_id(stack::TARGET);
        let register = register.scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        register.min_capacity(minimum).max_capacity(10).send().await?;
        Ok(())
    }

    pub(crate) fn minimum(&self) -> Option<u32> {
        let targets = self.sandbox.gateway.scalable_targets();
        targets.first().and_then(|target| u32::try_from(target.minimum).ok())
    }

    /// The id of the service's deployment.
    async fn deployment(&self) -> anyhow::Result<String> {
        let describe = self.sandbox.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE);
        let described = describe.send().await?;
        let deployments = described.services().first().context("the service is gone")?.deployments();
        let primary = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY"));
        Ok(primary.and_then(|primary| primary.id()).unwrap_or_default().to_owned())
    }

    /// Whether what the service runs makes it read-only.
    pub(crate) async fn is_frozen(&self) -> anyhow::Result<bool> {
        let describe = self.sandbox.clients.ecs.describe_task_definition();
        let described = describe.task_definition(self.sandbox.runs().await?).send().await?;
        let containers = described.task_definition().context("it is gone")?.container_definitions();
        Ok(containers
            .iter()
            .flat_map(ContainerDefinition::environment)
            .any(|variable| variable.name() == Some("READONLY_MODE")))
    }
}

/// A ledger of its own for one item, and what happened since it is there.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    pub(crate) fixture: &'a Fixture,
    pub(crate) table: String,
    calls: usize,
    now: Timestamp,
    /// When the alarm changed that was answered before.
    event: Timestamp,
}

impl Ledger<'_> {
    async fn create(&self) -> Test {
        let create = self.fixture.sandbox.clients.dynamodb.create_table().table_name(&self.table);
        let mut create = create.billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let attribute =
                AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            create = create.attribute_definitions(attribute.build()?).key_schema(key.build()?);
        }
        create.send().await?;
        Ok(())
    }

    async fn words(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let alarm = format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{CPU}");
        Ok(vec![
            ("runs", self.fixture.sandbox.runs().await?),
            ("good", self.fixture.good.clone()),
            ("other", self.fixture.other.clone()),
            ("deployment", self.fixture.deployment().await?),
            ("event", format!("{alarm}@{}", self.event.as_millisecond())),
        ])
    }

    pub(crate) async fn put(&self, item: &Item) -> Test {
        let attributes = items::attributes(item, self.now, &self.words().await?)?;
        let put = self.fixture.sandbox.clients.dynamodb.put_item().table_name(&self.table);
        put.set_item(Some(attributes.into_iter().collect())).send().await?;
        Ok(())
    }

    /// A text of the items' files as it is in this ledger.
    pub(crate) async fn filled(&self, text: &str) -> anyhow::Result<String> {
        items::fill(text, self.now, &self.words().await?)
    }

    /// A function in front of this ledger.
    pub(crate) async fn function(&self, task: &str) -> anyhow::Result<Bootstrap> {
        let sandbox = &self.fixture.sandbox;
        let (url, app_url) = (sandbox.gateway.url(), sandbox.standin.url());
        let (functions, notices) = (subject::names(), topic_arn("notices"));
        let alarms = format!("{COMPOSITE},{PROBE}");
        let common = [
            ("ENVIRONMENT", "production"),
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("MODE", "auto"),
            ("LEDGER_TABLE", self.table.as_str()),
            ("RUNBOOK_FUNCTIONS", functions.as_str()),
            ("VERIFY_SECONDS", "0"),
            ("CLUSTER", CLUSTER),
            ("SERVICE", SERVICE),
            ("API_URL", app_url.as_str()),
            ("APP_URL", app_url.as_str()),
            ("NOTICE_TOPIC_ARN", notices.as_str()),
            ("ALARM_TOPIC_ARN", stack::ALARM_TOPIC),
        ];
        let scenario = Scenario::named(task).with_context(|| format!("there is no {task}"))?;
        let more: &[(&str, &str)] = match task {
            "cache-invalidation" => &[("ATTEMPTS_PER_DAY", "50")],
            "incident" => &[
                ("SERVICE_DOWN_ALARMS", &alarms),
                ("REMEDIES", "rollback=auto,scale-up=approve,restart=observe"),
                ("MINIMUM_APPROVALS", "scale-up=2"),
                ("STATUS_PAGE_BUCKET", STATUS_PAGE_BUCKET),
            ],
            _ => &[],
        };
        // The last one of a name counts.
        let settings = common.iter().chain(scenario.settings).chain(more);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Bootstrap::start(&deploy::binaries()?.join(task), &settings.collect::<Vec<_>>()).await
    }

    /// What a function answers; never that the ledger is the trouble.
    pub(crate) async fn ask(&self, task: &str, event: &Value) -> anyhow::Result<Value> {
        let answer = outcome(&self.function(task).await?, event).await?;
        for decision in decisions(&answer) {
            let is_the_ledger =
                ["ledger_unavailable", "intent_unreadable"].iter().any(|code| decision.ends_with(code));
            ensure!(!is_the_ledger, "{task} answers {} with {decision}: {}", short(event), answer["reason"]);
        }
        Ok(answer)
    }

    /// A function answers with this decision and code, among others where a schedule asks for several things.
    pub(crate) async fn answers(&self, task: &str, event: &Value, expected: &str) -> anyhow::Result<Value> {
        let answer = self.ask(task, event).await?;
        let decisions = decisions(&answer);
        ensure!(
            decisions.iter().any(|decision| decision == expected),
            "{task} answers {} with {}, not with {expected}: {}",
            short(event),
            decisions.join(" and "),
            answer["reason"]
        );
        Ok(answer)
    }

    /// What people were told since: subjects and messages.
    pub(crate) fn told(&self) -> Vec<String> {
        let calls = self.fixture.sandbox.gateway.calls();
        let published = calls.into_iter().skip(self.calls).filter(|call| call.name() == "sns Publish");
        let text = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
        published
            .map(|call| {
                format!("{}\n{}", text(&call.request, "Subject"), sandbox::notices::text_of(&call.request))
            })
            .collect()
    }

    /// How many notices have all these words in them.
    pub(crate) fn told_of(&self, words: &[&str]) -> usize {
        self.told().iter().filter(|notice| words.iter().all(|word| notice.contains(word))).count()
    }

    /// How often functions called this since.
    pub(crate) fn calls(&self, name: &str) -> usize {
        let calls = self.fixture.sandbox.gateway.calls();
        let ours = ["-", "sandbox", "stand-in"];
        calls
            .iter()
            .skip(self.calls)
            .filter(|call| call.name() == name && !ours.contains(&call.caller.as_str()))
            .count()
    }

    /// What functions have sent to a service about this ledger since.
    pub(crate) fn requests(&self, service: &str) -> Vec<Value> {
        let calls = self.fixture.sandbox.gateway.calls().into_iter().skip(self.calls);
        let theirs = calls.filter(|call| call.service == service && call.caller != "sandbox");
        theirs
            .map(|call| call.request)
            .filter(|request| request.to_string().contains(&format!("\"{}\"", self.table)))
            .collect()
    }

    /// An item as it is now, its attributes' texts and numbers.
    pub(crate) async fn item(&self, pk: &str, sk: &str) -> anyhow::Result<Option<Value>> {
        let all = self.all().await?;
        Ok(all.into_iter().find(|item| item["pk"] == pk && item["sk"] == sk))
    }

    /// All items, their attributes' texts and numbers.
    pub(crate) async fn all(&self) -> anyhow::Result<Vec<Value>> {
        let scan = self.fixture.sandbox.clients.dynamodb.scan().table_name(&self.table).consistent_read(true);
        let items = scan.send().await?.items.unwrap_or_default();
        let value = |value: AttributeValue| match value {
            AttributeValue::S(text) => json!(text),
            AttributeValue::N(number) => json!(number.parse::<i64>().unwrap_or_default()),
            other => json!(format!("{other:?}")),
        };
        let item = |item: std::collections::HashMap<String, AttributeValue>| {
            Value::Object(item.into_iter().map(|(name, content)| (name, value(content))).collect())
        };
        Ok(items.into_iter().map(item).collect())
    }

    /// The alarm on CPU as SNS delivers it, changed when the answered one did.
    pub(crate) fn cpu_alarm_of_then(&self) -> Value {
        cpu_alarm(self.event)
    }
}

fn topic_arn(name: &str) -> String {
    format!("arn:aws:sns:us-east-1:000000000000:lendpeak2-production-{name}")
}

/// As much of an event as names it.
fn short(event: &Value) -> String {
    const MANY: usize = 60;
    event.to_string().chars().take(MANY).collect()
}

fn of_service(name: &str, metric: [&str; 2], at: Timestamp) -> Value {
    stack::alarm(name, metric, &[("ClusterName", CLUSTER), ("ServiceName", SERVICE)], at)
}

pub(crate) fn cpu_alarm(at: Timestamp) -> Value {
    of_service(CPU, ["AWS/ECS", "CPUUtilization"], at)
}

/// An alarm that asks for this remedy, as SNS delivers it.
pub(crate) fn alarm(task: &str) -> anyhow::Result<Value> {
    let now = Timestamp::now();
    Ok(match task {
        "scale-up" => cpu_alarm(now),
        "restart" => of_service(MEMORY, ["AWS/ECS", "MemoryUtilization"], now),
        other => anyhow::bail!("no alarm for {other}"),
    })
}

/// What a person sends to have a remedy act at once.
pub(crate) fn request(task: &str) -> anyhow::Result<Value> {
    Ok(match task {
        "scale-up" => json!({ "desired_count": 4, "reason": "queue grows" }),
        "rollback" => json!({ "to": "previous", "reason": "it answers 500" }),
        "restart" => json!({ "reason": "memory grows" }),
        "write-freeze" => json!({ "state": "on", "reason": "loans are negative" }),
        "cache-invalidation" => json!({ "paths": ["/index.html"], "reason": "it is stale" }),
        "snapshot-restore" => json!({ "snapshot": "latest", "reason": "negative amounts" }),
        other => anyhow::bail!("no request for {other}"),
    })
}
