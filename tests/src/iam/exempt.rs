//! What a role has to allow and no call of ours in the sandbox can use, and what a role need not allow.

/// The actions, with who uses them instead.
pub const EXEMPT: [(&str, &str); 11] = [
    ("logs:CreateLogStream", "Lambda itself writes a function's logs"),
    ("logs:PutLogEvents", "Lambda itself writes a function's logs"),
    ("sqs:SendMessage", "Lambda itself hands over what failed"),
    ("ec2:AssignPrivateIpAddresses", LAMBDA_ATTACHES),
    ("ec2:CreateNetworkInterface", LAMBDA_ATTACHES),
    ("ec2:DeleteNetworkInterface", LAMBDA_ATTACHES),
    ("ec2:DescribeNetworkInterfaces", LAMBDA_ATTACHES),
    ("ec2:DescribeSubnets", LAMBDA_ATTACHES),
    ("ec2:UnassignPrivateIpAddresses", LAMBDA_ATTACHES),
    ("kms:Decrypt", SECRETS_MANAGER_ASKS),
    ("kms:GenerateDataKey", SECRETS_MANAGER_ASKS),
];

const LAMBDA_ATTACHES: &str = "Lambda itself attaches the function to a network";
const SECRETS_MANAGER_ASKS: &str = "Secrets Manager asks KMS in the function's name";

/// Why no call is needed for an action.
pub fn reason(action: &str) -> Option<&'static str> {
    EXEMPT.iter().find(|(exempt, _)| *exempt == action).map(|(_, reason)| *reason)
}

/// What only tests name: settings in place of what the template's parameters say, which the role would follow, and an
/// alarm of somebody's own. A function that may not look at such an alarm takes the event's word for it.
const SET_UP_OTHERWISE: [(&str, &str); 3] = [
    (":service/lendpeak2-production/worker", "a service that is not there, in SERVICE and SERVICES"),
    (":table/no-such-table", "a ledger that is not there, in LEDGER_TABLE"),
    (":alarm:errors", "an alarm that somebody wired to the topic of rollback"),
];

/// Whether only a test's own settings name this.
pub fn is_set_up_otherwise(resource: &str) -> bool {
    SET_UP_OTHERWISE.iter().any(|(end, _)| resource.ends_with(end))
}
