//! What a role has to allow, and no call of ours in the sandbox can use.

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
