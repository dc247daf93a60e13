//! scale-up's calls as one writes them first in Rust: the SDK's, the runtime's and the compiler's defaults. Its reads
//! are made at once, as the function's are: what differs is the defaults alone.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::BehaviorVersion;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, TransactWriteItem,
};
use aws_sdk_ecs::types::{DeploymentRolloutState, DesiredStatus, Service};
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::{Value, json};

const FUNCTION: &str = "scale-up";
const AUDIT_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// As long as Lambda may deliver an event again.
const EVENT_KEPT: Duration = Duration::from_secs(2 * 86_400);

type Item = HashMap<String, AttributeValue>;

struct Clients {
    scaling: aws_sdk_applicationautoscaling::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    ecs: aws_sdk_ecs::Client,
    sns: aws_sdk_sns::Client,
    cluster: String,
    service: String,
    max_tasks: i32,
    table: String,
    topic: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let clients = Clients {
        scaling: aws_sdk_applicationautoscaling::Client::new(&config),
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        ecs: aws_sdk_ecs::Client::new(&config),
        sns: aws_sdk_sns::Client::new(&config),
        cluster: std::env::var("CLUSTER")?,
        service: std::env::var("SERVICE")?,
        max_tasks: std::env::var("MAX_TASKS")?.parse()?,
        table: std::env::var("LEDGER_TABLE")?,
        topic: std::env::var("NOTICE_TOPIC_ARN")?,
    };
    run(service_fn(|event| clients.handle(event))).await
}

impl Clients {
    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let (run, deadline) = (event.context.request_id.as_str(), event.context.deadline);
        let by = event.payload["by"].as_i64().unwrap_or(1);
        let target = format!("service/{}/{}", self.cluster, self.service);
        let ((), service, stopped, scaled) = tokio::try_join!(
            self.look(&target, run),
            self.describe(),
            self.stopped_tasks(),
            self.is_scaled(&target)
        )?;
        let rolling_out = service
            .deployments()
            .iter()
            .any(|one| one.rollout_state() == Some(&DeploymentRolloutState::InProgress));
        if stopped > 0 || scaled || rolling_out || service.pending_count() > 0 {
            return Err("this is not a service that is short of tasks".into());
        }

        let desired = service.desired_count();
        let wanted = (desired + i32::try_from(by)?).min(desired * 2).min(self.max_tasks);
        let plan = json!({ "desired_count": wanted });
        self.claim(&target, run, deadline, &plan).await?;

        let update = self.ecs.update_service().cluster(&self.cluster).service(&self.service);
        update.desired_count(wanted).send().await?;
        let now = self.describe().await?;
        let events: Vec<&str> = service.events().iter().take(5).filter_map(|event| event.message()).collect();
        let outcome = json!({
            "function": FUNCTION,
            "execution_id": run,
            "decision": "applied",
            "target": target,
            "observed": { "desired_count": desired, "events": events },
            "plan": plan,
            "verification": { "verified": now.running_count() >= wanted },
        });
        self.record(&target, run, &plan, &outcome).await?;
        Ok(outcome)
    }

    async fn look(&self, target: &str, run: &str) -> Result<(), Error> {
        let of_target = format!("target#{target}");
        let follow_up = format!("{FUNCTION}#follow-up");
        let keys = [
            key("kill-switch", "all"),
            key("kill-switch", FUNCTION),
            key(&of_target, FUNCTION),
            key(&of_target, &follow_up),
            key(&of_target, "holder"),
            key(&of_target, "freeze"),
            key(&format!("event#{FUNCTION}"), run),
        ];
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.into())).consistent_read(true).build()?;
        let known = self.dynamodb.batch_get_item().request_items(&self.table, keys).send().await?;
        let items = known.responses().and_then(|tables| tables.get(&self.table));
        if items.is_some_and(|items| !items.is_empty()) {
            return Err("the ledger knows of this target or event".into());
        }
        Ok(())
    }

    async fn describe(&self) -> Result<Service, Error> {
        let described =
            self.ecs.describe_services().cluster(&self.cluster).services(&self.service).send().await?;
        Ok(described.services.unwrap_or_default().pop().ok_or("there is no such service")?)
    }

    async fn stopped_tasks(&self) -> Result<usize, Error> {
        let tasks = self.ecs.list_tasks().cluster(&self.cluster).service_name(&self.service);
        Ok(tasks.desired_status(DesiredStatus::Stopped).send().await?.task_arns().len())
    }

    async fn is_scaled(&self, target: &str) -> Result<bool, Error> {
        let targets = self
            .scaling
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_ids(target);
        Ok(!targets.send().await?.scalable_targets().is_empty())
    }

    async fn claim(&self, target: &str, run: &str, deadline: u64, plan: &Value) -> Result<(), Error> {
        let absent = |scope: &str| {
            let check = ConditionCheck::builder().table_name(&self.table);
            let check = check.set_key(Some(key("kill-switch", scope)));
            check.condition_expression("attribute_not_exists(pk)").build()
        };
        let mut holder = key(&format!("target#{target}"), "holder");
        holder.insert("held_by".into(), text(FUNCTION));
        holder.insert("execution_id".into(), text(run));
        holder.insert("lease_until".into(), text(deadline));
        let writes = [
            TransactWriteItem::builder().condition_check(absent("all")?).build(),
            TransactWriteItem::builder().condition_check(absent(FUNCTION)?).build(),
            put(self
                .put(claim_item(target, plan, 1))
                .condition_expression("attribute_not_exists(pk)")
                .build()?),
            put(self
                .put(holder)
                .condition_expression("attribute_not_exists(pk) OR held_by = :function OR lease_until < :now")
                .expression_attribute_values(":function", text(FUNCTION))
                .expression_attribute_values(":now", text(seconds(Duration::ZERO)))
                .build()?),
        ];
        self.dynamodb.transact_write_items().set_transact_items(Some(writes.into())).send().await?;
        Ok(())
    }

    async fn record(&self, target: &str, run: &str, plan: &Value, outcome: &Value) -> Result<(), Error> {
        tracing::info!(%outcome, "decided");
        let mut audit = key(&format!("audit#{FUNCTION}"), &format!("{}#{run}", seconds(Duration::ZERO)));
        audit.insert("decision".into(), text("applied"));
        audit.insert("target".into(), text(target));
        audit.insert("outcome".into(), text(outcome));
        audit.insert("expires_at".into(), number(seconds(AUDIT_KEPT)));
        let mut answered = key(&format!("event#{FUNCTION}"), run);
        answered.insert("data".into(), text(outcome));
        answered.insert("expires_at".into(), number(seconds(EVENT_KEPT)));
        let give_back = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(&format!("target#{target}"), "holder")))
            .condition_expression("attribute_not_exists(pk) OR execution_id = :run")
            .expression_attribute_values(":run", text(run));
        let writes = [
            put(self.put(audit).build()?),
            put(self
                .put(claim_item(target, plan, 2))
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(1))
                .build()?),
            TransactWriteItem::builder().delete(give_back.build()?).build(),
            put(self.put(answered).build()?),
        ];
        self.dynamodb.transact_write_items().set_transact_items(Some(writes.into())).send().await?;
        let notice = self.sns.publish().topic_arn(&self.topic);
        let notice = notice.subject(format!("{FUNCTION} applied: {target}")).message(outcome.to_string());
        notice.send().await?;
        Ok(())
    }

    fn put(&self, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }
}

fn put(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

fn key(pk: &str, sk: &str) -> Item {
    [("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))].into()
}

fn claim_item(target: &str, plan: &Value, version: u64) -> Item {
    let mut claim = key(&format!("target#{target}"), FUNCTION);
    claim.insert("data".into(), text(json!({ "open": version == 1, "plan": plan })));
    claim.insert("version".into(), number(version));
    claim
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Since 1970, so long from now.
fn seconds(from_now: Duration) -> u64 {
    (SystemTime::now() + from_now).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
