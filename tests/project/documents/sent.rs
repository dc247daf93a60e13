//! What each function takes: the documents' requests are tried on that.

use anyhow::{Context, Result};
use functions::Function;
use jiff::Timestamp;
use shared::{lambda::Invocation, settings::Environment};

/// What the documents' own requests are about: the names are those of production.
const SETTINGS: [(&str, &str); 14] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("ENVIRONMENT", "production"),
    ("LEDGER_TABLE", "lendpeak2-production-ledger"),
    ("CLUSTER", "lendpeak2-production"),
    ("SERVICE", "backend"),
    ("LOAD_ALARMS", "lendpeak2-production-ecs-cpu"),
    ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
    ("DISTRIBUTION_ID", "E1234567890ABC"),
    ("API_URL", "https://api.lendpeak.com"),
    ("APP_URL", "https://app.lendpeak.com"),
    ("SOURCE_CLUSTER", "lendpeak2-production"),
    ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
];

/// What is before each name in Lambda.
const IN_LAMBDA: &str = "lendpeak2-production-";

/// By its name, or by its name in Lambda, as in `lendpeak2-production-restart`.
pub(crate) fn named(name: &str) -> Result<&'static Function> {
    let of_that_name = |function: &&Function| {
        name.strip_suffix(function.name()).is_some_and(|rest| matches!(rest, "" | IN_LAMBDA))
    };
    functions::all().find(of_that_name).with_context(|| format!("there is no function {name}"))
}

/// Whether a function takes a body, as it would be sent to it: nothing is asked of AWS.
pub(crate) fn takes(function: &Function, body: &str) -> Result<()> {
    let name = function.name();
    let invocation = Invocation {
        body: body.to_owned(),
        request_id: "a-request-of-the-documents".to_owned(),
        deadline: Timestamp::MAX,
        function_arn: format!("arn:aws:lambda:us-east-1:123456789012:function:{IN_LAMBDA}{name}"),
    };
    function
        .takes(&Environment::from_pairs(SETTINGS), &invocation)
        .with_context(|| format!("{name} does not take {}", body.trim()))
}
