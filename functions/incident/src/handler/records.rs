//! This function's own audit records: of kill switches, and of approvals that are not enough.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde_json::{Value, json};
use shared::{
    clock,
    code::Code,
    error::{Error, chain},
    ledger::{
        AUDIT_KEPT,
        items::{item_key, json as as_json, kept, string},
    },
    outcome::{Decision, Outcome, VERSION},
};

use super::{actor::Actor, context::Handler};
use crate::FUNCTION;

/// What is recorded.
pub(super) struct Record<'a> {
    pub(super) code: &'static Code,
    pub(super) decision: Decision,
    pub(super) what: &'a str,
    pub(super) target: &'a str,
    pub(super) plan: Value,
    pub(super) by: &'a str,
}

impl Handler {
    /// The write of an audit record, as part of a transaction.
    pub(super) fn record(&self, record: &Record<'_>, actor: &Actor<'_>) -> Result<TransactWriteItem, Error> {
        let Record { code, decision, what, target, plan, by } = record;
        let outcome = Outcome {
            summary: (*what).to_owned(),
            version: VERSION,
            decision: *decision,
            code: (*code).into(),
            under_way: false,
            reason: (*what).to_owned(),
            next: None,
            target: (*target).to_owned(),
            steps: Vec::new(),
            verification: None,
            plan: plan.clone(),
            observed: Value::Null,
            trigger: json!({ "id": actor.id, "at": actor.at, "by": by }),
            function: FUNCTION.to_owned(),
            environment: self.settings.environment.clone(),
            execution_id: actor.id.to_owned(),
            at: actor.now,
            duration_ms: 0,
        };
        let sk = format!("{}#{}", clock::sortable(actor.now), actor.id);
        let mut audit = item_key(&format!("audit#{FUNCTION}"), &sk);
        for (name, value) in [
            ("decision", outcome.decision.as_str().to_owned()),
            ("reason", outcome.reason.clone()),
            ("target", outcome.target.clone()),
            ("outcome", as_json(&outcome)?),
        ] {
            audit.insert(name.to_owned(), string(value));
        }
        audit.insert("expires_at".to_owned(), kept(actor.now, AUDIT_KEPT));
        self.store().put(audit)
    }

    /// Adds an entry to the timelines of all open incidents. One that cannot be written keeps no other from getting it.
    pub(super) async fn add_to_open(&self, actor: &Actor<'_>, what: &str) -> Result<(), Error> {
        for incident in self.store().open_and_recent(0).await?.open {
            if let Err(error) = self.add_entry(&incident.id, actor, what).await {
                tracing::error!(incident = incident.id, error = chain(&error), "a timeline entry is missing");
            }
        }
        Ok(())
    }
}
