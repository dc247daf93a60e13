//! What a role has to allow and no call of ours in the sandbox can use, and what a role need not allow.

use super::needs::Need;
use super::policy::LEADING_KEYS;

/// The actions, with who uses them instead.
pub const EXEMPT: [(&str, &str); 14] = [
    ("logs:CreateLogStream", "Lambda itself writes a function's logs"),
    ("logs:PutLogEvents", "Lambda itself writes a function's logs"),
    ("sqs:SendMessage", "Lambda itself hands over what failed"),
    ("sqs:DeleteMessage", LAMBDA_TAKES),
    ("sqs:GetQueueAttributes", LAMBDA_TAKES),
    ("sqs:ReceiveMessage", LAMBDA_TAKES),
    ("ec2:AssignPrivateIpAddresses", LAMBDA_ATTACHES),
    ("ec2:CreateNetworkInterface", LAMBDA_ATTACHES),
    ("ec2:DeleteNetworkInterface", LAMBDA_ATTACHES),
    ("ec2:DescribeNetworkInterfaces", LAMBDA_ATTACHES),
    ("ec2:DescribeSubnets", LAMBDA_ATTACHES),
    ("ec2:UnassignPrivateIpAddresses", LAMBDA_ATTACHES),
    ("kms:Decrypt", SECRETS_MANAGER_ASKS),
    ("kms:GenerateDataKey", SECRETS_MANAGER_ASKS),
];

const LAMBDA_TAKES: &str = "Lambda itself takes a function's messages from its queue";
const LAMBDA_ATTACHES: &str = "Lambda itself attaches the function to a network";
const SECRETS_MANAGER_ASKS: &str = "Secrets Manager asks KMS in the function's name";

/// Why no call is needed for an action.
pub fn reason(action: &str) -> Option<&'static str> {
    EXEMPT.iter().find(|(exempt, _)| *exempt == action).map(|(_, reason)| *reason)
}

/// What only tests name: settings in place of what the template's parameters say, which the role would follow.
const SET_UP_OTHERWISE: [(&str, &str); 5] = [
    (":service/lendpeak2-production/worker", "a service that is not there, in SERVICE"),
    ("target#service/lendpeak2-production/worker", "what the ledger knows of that service"),
    (":table/no-such-table", "a ledger that is not there, in LEDGER_TABLE"),
    (
        ":cluster:lendpeak2-production-restore-20261120101500",
        "a restore of an earlier version, without its tags",
    ),
    (":stateMachine:none", "a state machine that is not there, in STATE_MACHINE_ARN"),
];

/// Whether only a test's own settings name this.
pub fn is_set_up_otherwise(need: &Need) -> bool {
    let named = need.context.get(LEADING_KEYS).into_iter().flatten().chain([&need.resource]);
    let mut named = named.map(String::as_str);
    named.any(|name| SET_UP_OTHERWISE.iter().any(|(end, _)| name.ends_with(end)))
}
