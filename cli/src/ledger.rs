//! What the ledger says: audit records, and plans that wait. It is only read.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use jiff::Timestamp;
use serde_json::Value;

use crate::{answer::text, failure::Failure, function::Function, time};

type Item = HashMap<String, AttributeValue>;

pub(crate) struct Ledger {
    client: Client,
    table: String,
}

/// A plan that a person is asked about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) function: Function,
    pub(crate) target: String,
    /// Its actions, as people read them.
    pub(crate) actions: Vec<String>,
    pub(crate) reason: String,
    pub(crate) expires: Timestamp,
    /// Who has approved so far, where one approval is not enough.
    pub(crate) approved_by: Vec<String>,
    /// The item's own JSON.
    pub(crate) data: Value,
}

impl Plan {
    /// What a person should know before a yes.
    pub(crate) fn details(&self) -> Vec<String> {
        let details = self.data.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        details.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Who asked for it, as in `claude-code for alice`, `alarm high-cpu`.
    pub(crate) fn asked_by(&self) -> String {
        let kind = self.data.pointer("/trigger/kind");
        let field = |pointer: &str| {
            let text = kind.and_then(|kind| kind.pointer(pointer)).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let named =
            ["/person/asked_by", "/person/by", "/step_functions/asked/by"].into_iter().find_map(field);
        let alarm = || field("/alarm/name").map(|name| format!("alarm {name}"));
        let machine = || {
            let execution = field("/step_functions/execution")?;
            Some(execution.rsplit(':').nth(1)?.to_owned())
        };
        named.or_else(alarm).or_else(machine).unwrap_or_else(|| {
            let by_hand = kind.is_some_and(|kind| kind.get("person").is_some());
            if by_hand { "by hand".to_owned() } else { "an event".to_owned() }
        })
    }
}

/// What became of a plan that does not wait any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Over {
    Used(String),
    Rejected { at: String, by: String },
    Expired(Timestamp),
}

impl Ledger {
    pub(crate) fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// What a function decided since a time, the oldest first: its answers, as JSON.
    pub(crate) async fn records(
        &self,
        function: Function,
        after: &str,
    ) -> Result<Vec<(String, Value)>, Failure> {
        let items = self.query(&format!("audit#{}", function.name()), Some(after)).await?;
        Ok(items.iter().filter_map(record).collect())
    }

    /// The plans that wait, the one that expires first before the others.
    pub(crate) async fn plans(&self, now: Timestamp) -> Result<Vec<Plan>, Failure> {
        let all = self.all_plans().await?;
        let waits = |(item, plan): (Item, Plan)| over(&item, plan.expires, now).is_none().then_some(plan);
        let mut waiting: Vec<Plan> = all.into_iter().filter_map(waits).collect();
        waiting.sort_by_key(|plan| plan.expires);
        Ok(waiting)
    }

    /// A plan by its id, and what became of it if it does not wait any more.
    pub(crate) async fn plan(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<(Plan, Option<Over>)>, Failure> {
        let all = self.all_plans().await?;
        let found = all.into_iter().find(|(_, plan)| plan.id == id);
        Ok(found.map(|(item, plan)| {
            let over = over(&item, plan.expires, now);
            (plan, over)
        }))
    }

    /// What a message of the queue of approvals came to, once that is known.
    pub(crate) async fn answer(&self, message: &str) -> Result<Option<Value>, Failure> {
        let string = |text: &str| AttributeValue::S(text.to_owned());
        let get = self.client.get_item().table_name(&self.table);
        let get = get.key("pk", string("answers")).key("sk", string(message)).consistent_read(true);
        let answer = get.send().await.map_err(|error| {
            Failure::aws(format!("read the ledger {}", self.table), "dynamodb:GetItem", &error)
        })?;
        Ok(answer.item.and_then(|item| serde_json::from_str(attribute(&item, "data")).ok()))
    }

    async fn all_plans(&self) -> Result<Vec<(Item, Plan)>, Failure> {
        let mut all = Vec::new();
        for function in Function::REMEDIES {
            let items = self.query(&format!("approval#{}", function.name()), None).await?;
            all.extend(items.into_iter().filter_map(|item| {
                let plan = plan(&item, function)?;
                Some((item, plan))
            }));
        }
        Ok(all)
    }

    async fn query(&self, pk: &str, after: Option<&str>) -> Result<Vec<Item>, Failure> {
        let string = |text: &str| AttributeValue::S(text.to_owned());
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .expression_attribute_values(":pk", string(pk));
        query = match after {
            None => query.key_condition_expression("pk = :pk"),
            Some(after) => query
                .key_condition_expression("pk = :pk AND sk > :after")
                .expression_attribute_values(":after", string(after)),
        };
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(|error| {
                Failure::aws(format!("read the ledger {}", self.table), "dynamodb:Query", &error)
            })?);
        }
        Ok(items)
    }
}

fn attribute<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn record(item: &Item) -> Option<(String, Value)> {
    let outcome = serde_json::from_str(attribute(item, "outcome")).ok()?;
    Some((attribute(item, "sk").to_owned(), outcome))
}

/// One that cannot be read can be approved by nobody.
fn plan(item: &Item, function: Function) -> Option<Plan> {
    let data: Value = serde_json::from_str(attribute(item, "data")).ok()?;
    let actions = data.get("plan").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Some(Plan {
        id: Some(text(&data, "id")).filter(|id| !id.is_empty())?,
        function,
        target: text(&data, "target"),
        actions: actions.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        reason: text(&data, "reason"),
        expires: text(&data, "expires").parse().ok()?,
        approved_by: approved_by(item),
        data,
    })
}

/// By the names of their sessions; a user has only an id.
fn approved_by(item: &Item) -> Vec<String> {
    let votes: Value = serde_json::from_str(attribute(item, "votes")).unwrap_or_default();
    let votes = votes.as_array().map_or(&[][..], Vec::as_slice);
    let approvals = votes.iter().filter(|vote| text(vote, "said") == "approve");
    approvals
        .filter_map(|vote| {
            let sender = vote.get("sender")?;
            let session = text(sender, "name");
            Some(if session.is_empty() { text(sender, "id") } else { session })
        })
        .collect()
}

fn over(item: &Item, expires: Timestamp, now: Timestamp) -> Option<Over> {
    if item.contains_key("used_at") {
        return Some(Over::Used(attribute(item, "used_at").to_owned()));
    }
    if item.contains_key("rejected_at") {
        let (at, by) = (attribute(item, "rejected_at").to_owned(), attribute(item, "rejected_by").to_owned());
        return Some(Over::Rejected { at, by });
    }
    (now >= expires).then_some(Over::Expired(expires))
}

impl Over {
    /// As in `was used at …`.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Used(at) => format!("was approved at {} UTC", time::readable(at)),
            Self::Rejected { at, by } if by.is_empty() => format!("was rejected at {at}"),
            Self::Rejected { at, by } => format!("was rejected by {by} at {at}"),
            Self::Expired(at) => format!("expired at {} UTC", time::full(*at)),
        }
    }

    /// What the function itself would answer.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Used(_) => "approval_used",
            Self::Rejected { .. } => "approval_rejected",
            Self::Expired(_) => "approval_expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(fields: &[(&str, &str)]) -> Item {
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned())))
            .collect()
    }

    fn asked() -> Item {
        let data = json!({ "id": "0a1b", "target": "service/c/s", "plan": ["restart s"], "reason": "leak",
            "expires": "2026-12-01T10:30:00Z", "actions": [] });
        item(&[("pk", "approval#restart"), ("sk", "0a1b"), ("data", &data.to_string())])
    }

    #[test]
    fn a_plan_is_read_and_one_that_cannot_be_is_left_out() {
        let plan_of = |item| plan(&item, Function::Restart);
        let read = plan_of(asked()).unwrap();
        assert_eq!(
            (read.id.as_str(), read.actions.as_slice()),
            ("0a1b", ["restart s".to_owned()].as_slice())
        );
        assert_eq!((read.asked_by().as_str(), read.approved_by.len()), ("an event", 0));
        let mut approved = asked();
        let votes = r#"[{"said": "approve", "sender": {"id": "AROAEXAMPLE", "name": "alice"}},
            {"said": "reject", "sender": {"id": "AIDAEXAMPLE"}}]"#;
        approved.extend(item(&[("votes", votes)]));
        assert_eq!(plan_of(approved).unwrap().approved_by, ["alice"]);
        assert_eq!(plan_of(item(&[("data", "{")])), None);
        assert_eq!(plan_of(item(&[("data", r#"{"id": "x"}"#)])), None);
    }

    #[test]
    fn who_asked_for_a_plan_is_said() {
        for (kind, expected) in [
            (json!({ "person": { "by": "alice" } }), "alice"),
            (json!({ "person": { "by": 2, "asked_by": "claude-code for alice" } }), "claude-code for alice"),
            (json!({ "person": {} }), "by hand"),
            (json!({ "alarm": { "name": "high-cpu" } }), "alarm high-cpu"),
            (
                json!({ "step_functions": { "execution": "arn:aws:states:r:a:execution:service-down:1", "asked": {} } }),
                "service-down",
            ),
            (json!({ "ecs": {} }), "an event"),
        ] {
            let data =
                json!({ "id": "0a1b", "trigger": { "kind": kind }, "expires": "2026-12-01T10:30:00Z" });
            let plan = plan(&item(&[("data", &data.to_string())]), Function::Restart).unwrap();
            assert_eq!(plan.asked_by(), expected, "{data}");
        }
    }

    #[test]
    fn what_became_of_a_plan_is_said() {
        let expires: Timestamp = "2026-12-01T10:30:00Z".parse().unwrap();
        let before: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        assert_eq!(over(&asked(), expires, before), None);
        let late = over(&asked(), expires, expires).unwrap();
        assert_eq!(
            (late.code(), late.words().as_str()),
            ("approval_expired", "expired at 2026-12-01 10:30:00 UTC")
        );
        let mut used = asked();
        used.extend(item(&[("used_at", "2026-12-01T10:05:00.123Z")]));
        assert_eq!(over(&used, expires, expires).unwrap().words(), "was approved at 2026-12-01 10:05:00 UTC");
        let mut rejected = asked();
        rejected.extend(item(&[("rejected_at", "2026-12-01 10:05:00 UTC"), ("rejected_by", "Ana")]));
        let rejected = over(&rejected, expires, before).unwrap();
        assert_eq!(
            (rejected.code(), rejected.words().as_str()),
            ("approval_rejected", "was rejected by Ana at 2026-12-01 10:05:00 UTC")
        );
    }
}
