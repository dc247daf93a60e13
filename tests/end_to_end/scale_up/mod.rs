//! `scale-up` from an event to the ledger, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod approvals;
mod crashes;
mod deliveries;
mod faults;
mod input;
mod modes;
mod refusals;
mod schedule;

use std::{ops::Deref, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use sandbox::{
    deploy::{CLUSTER, SERVICE},
    runtime_api::{Answer, Bootstrap},
    stack::{self, DEADLINE, LEDGER, TARGET, decision, outcome, read, tick, whole},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

struct Stack(stack::Stack);

impl Deref for Stack {
    type Target = stack::Stack;

    fn deref(&self) -> &stack::Stack {
        &self.0
    }
}

impl Stack {
    async fn start() -> anyhow::Result<Self> {
        let own = [("LOAD_ALARMS", "lendpeak2-production-ecs-cpu")];
        Ok(Self(stack::Stack::start("scale-up", &own).await?))
    }

    fn updates(&self) -> usize {
        self.count("ecs UpdateService")
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

/// A CPU alarm as SNS delivers it. The alarm itself is not in CloudWatch: the event has the word.
fn alarm(changed: Timestamp) -> Value {
    let dimensions = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
    stack::alarm("lendpeak2-production-high-cpu", ["AWS/ECS", "CPUUtilization"], &dimensions, changed)
}
