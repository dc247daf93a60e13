//! Which of the recorded calls change LendPeak2.

use crate::gateway::Call;

/// What changes nothing that users of LendPeak2 would feel: the ledger, notices, metrics, one function asking another.
const OUR_OWN: [(&str, &str); 10] = [
    ("dynamodb", "PutItem"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "DeleteItem"),
    ("dynamodb", "TransactWriteItems"),
    ("sns", "Publish"),
    ("cloudwatch", "PutMetricData"),
    ("states", "StartExecution"),
    ("lambda", "Invoke"),
    ("ssm", "CreateOpsItem"),
    ("ssm", "UpdateOpsItem"),
];

/// Whether a call changes LendPeak2 or what carries it. What is not known to be harmless is taken for a change.
pub fn changes_the_stack(call: &Call) -> bool {
    !call.is_read() && !OUR_OWN.contains(&(call.service.as_str(), call.operation.as_str()))
}
