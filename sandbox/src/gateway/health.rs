//! AWS Health: what it has open.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, call::Call, wire};
use crate::names::REGION;

/// Every clone has the same events.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// The newest first.
    issues: Arc<Mutex<Vec<Value>>>,
}

impl Health {
    /// An issue of a service in the sandbox's region that begins now.
    pub fn open(&self, service: &str) {
        let code = format!("AWS_{service}_OPERATIONAL_ISSUE");
        let issue = json!({
            "arn": format!("arn:aws:health:{REGION}::event/{service}/{code}/{code}_1"),
            "service": service,
            "eventTypeCode": code,
            "eventTypeCategory": "issue",
            "region": REGION,
            "startTime": Timestamp::now().as_second(),
            "statusCode": "open",
            "eventScopeCode": "PUBLIC",
        });
        self.issues.lock().unwrap_or_else(PoisonError::into_inner).insert(0, issue);
    }

    /// None for what the local AWS answers.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        (call.operation == "DescribeEvents").then(|| {
            let issues = self.issues.lock().unwrap_or_else(PoisonError::into_inner);
            wire::in_protocol(call, &json!({ "events": *issues }))
        })
    }
}
