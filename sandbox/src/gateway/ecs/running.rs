//! Tasks that run: their addresses, and since when they do.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Inner, last_part, leave_out_empty, set, text};

/// The tasks that ran at some moment began that much earlier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aged {
    at: Timestamp,
    by: Duration,
}

impl Aged {
    pub(super) fn new(by: Duration) -> Self {
        Self { at: Timestamp::now(), by }
    }
}

/// A task's private address, the same whenever it is asked for.
pub(in crate::gateway) fn address(task: &str) -> String {
    let mut bytes = [0_u8; 2];
    for (number, byte) in task.bytes().enumerate() {
        for place in bytes.iter_mut().skip(number % 2).step_by(2) {
            *place = place.wrapping_mul(31).wrapping_add(byte);
        }
    }
    let [subnet, host] = bytes;
    format!("10.0.{subnet}.{host}")
}

impl Inner {
    /// As ECS does it: a service's task is started by its deployment.
    fn show_deployment(&self, task: &mut Value, is_first: bool) {
        let Some(service) = text(task, "group").strip_prefix("service:") else { return };
        let Some(deployment) = self.deployments.current(service) else { return };
        let before = if is_first && self.leaves_one_behind { "-before" } else { "" };
        let started_by = format!("{deployment}{before}");
        set(task, "startedBy", json!(started_by));
    }

    pub(super) fn complete_running(&self, answer: &mut Value) {
        let tasks = answer.get_mut("tasks").and_then(Value::as_array_mut).into_iter().flatten();
        for (number, task) in tasks.enumerate() {
            let address = address(last_part(text(task, "taskArn")));
            let detail = json!({ "name": "privateIPv4Address", "value": address });
            let attachment =
                json!({ "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [detail] });
            set(task, "attachments", json!([attachment]));
            leave_out_empty(task);
            self.show_deployment(task, number == 0);
            let Some(Aged { at, by }) = self.aged else { continue };
            for time in ["createdAt", "startedAt"] {
                let began = task.get(time).and_then(Value::as_f64);
                if let Some(began) = began.filter(|began| *began <= super::seconds(at)) {
                    set(task, time, json!(began - by.as_secs_f64()));
                }
            }
        }
    }
}
