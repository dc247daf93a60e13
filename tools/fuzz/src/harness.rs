//! The functions, over an AWS in memory and a clock that does not wait. They are made once for a thread: an input
//! costs no start.

use std::{cell::OnceCell, collections::BTreeMap, sync::LazyLock};

use functions::{FUNCTIONS, Runs};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{
    aws::Aws,
    error::Error,
    lambda::Invocation,
    settings::{Environment, SettingsError},
};
use tokio::runtime::Runtime;

use crate::world::Wire;

/// What each function's environment says beside what all of them are told.
pub const SETTINGS: [(&str, &str); 40] = [
    ("ENVIRONMENT", "production"),
    ("MODE", "auto"),
    ("LEDGER_TABLE", "lendpeak2-production-ledger"),
    ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices"),
    ("VERIFY_SECONDS", "20"),
    ("COOLDOWN_SECONDS", "600"),
    ("ATTEMPTS_PER_DAY", "6"),
    ("APPROVAL_SECONDS", "1800"),
    ("MAX_EVENT_AGE_SECONDS", "900"),
    ("CLUSTER", "lendpeak2-production"),
    ("SERVICE", "backend"),
    ("MAX_TASKS", "10"),
    ("LOAD_ALARMS", "lendpeak2-production-ecs-cpu"),
    ("RAISED_MINIMUM_SECONDS", "3600"),
    ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
    ("SETTLE_SECONDS", "900"),
    ("YOUNG_RELEASE_SECONDS", "3600"),
    ("DISTRIBUTION_ID", "E1234567890ABC"),
    ("APP_URL", "https://app.lendpeak.com"),
    ("API_URL", "https://api.lendpeak.com"),
    ("ASSET_PATH", "/assets/main.js"),
    ("BUILD_PROJECT", "lendpeak2-frontend"),
    ("PIPELINE", "lendpeak2-frontend"),
    ("CONTAINER", "backend"),
    ("VARIABLE", "READONLY_MODE"),
    ("VALUE", "true"),
    ("SOURCE_CLUSTER", "lendpeak2-production"),
    ("DATABASE_CLUSTER", "lendpeak2-production"),
    ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
    ("LIMIT_SECONDS", "14400"),
    ("LOG_GROUP", "/ecs/lendpeak2-production"),
    ("LOAD_BALANCER", "app/lendpeak2-production/0123456789abcdef"),
    ("REDIS_SECURITY_GROUPS", "sg-0123456789abcdef3"),
    ("REDIS_PORT", "6379"),
    ("ALARM_PREFIX", "lendpeak2-production-"),
    ("SERVICE_DOWN_ALARMS", "lendpeak2-production-service-down"),
    (
        "STATE_MACHINE_ARN",
        "arn:aws:states:us-east-1:123456789012:stateMachine:lendpeak2-production-service-down",
    ),
    ("REMEDIES", "rollback=auto,scale-up=approve,cache-invalidation=observe"),
    ("FUNCTIONS", "diagnose,rollback,scale-up"),
    ("OPS_ITEMS", "true"),
];

const OF_LAMBDA: [(&str, &str); 3] =
    [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

/// TLS's roots are read once for all.
static AWS: LazyLock<Result<Aws, SettingsError>> =
    LazyLock::new(|| Aws::new(&Environment::from_pairs(OF_LAMBDA), "fuzz"));

pub fn aws(wire: &Wire) -> Result<Aws, SettingsError> {
    match &*AWS {
        Ok(aws) => Ok(aws.clone().answered_by(wire.connector())),
        Err(SettingsError::Missing { name } | SettingsError::Invalid { name, .. }) => {
            Err(SettingsError::Missing { name })
        }
    }
}

pub struct Harness {
    pub wire: Wire,
    pub aws: Aws,
    runtime: Runtime,
    /// By name.
    functions: BTreeMap<&'static str, Box<dyn Runs>>,
}

impl Harness {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let wire = Wire::default();
        let aws = aws(&wire)?;
        let environment = Environment::from_pairs(SETTINGS);
        let mut functions = BTreeMap::new();
        for function in &FUNCTIONS {
            functions.insert(function.name(), function.start(&environment, &aws)?);
        }
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()?,
            functions,
            wire,
            aws,
        })
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(self.aws.config())
    }

    /// What a function answers to a body.
    pub fn handle(&self, function: &str, body: String) -> Result<Value, Error> {
        /// What a function has for a run.
        const MINUTE: SignedDuration = SignedDuration::from_mins(1);
        let deadline = Timestamp::now() + MINUTE;
        let invocation =
            Invocation { body, request_id: "fuzz-request".to_owned(), deadline, function_arn: String::new() };
        let function = self.functions.get(function);
        assert!(function.is_some(), "it runs on no stack in memory");
        function.map_or(Ok(Value::Null), |function| self.run(function.run(&invocation)))
    }
}

/// Does something with this thread's harness.
///
/// # Panics
/// If the settings above are no settings.
pub fn with_harness<T>(work: impl FnOnce(&Harness) -> T) -> T {
    thread_local! {
        static HARNESS: OnceCell<Harness> = const { OnceCell::new() };
    }
    HARNESS.with(|harness| {
        #[expect(
            clippy::expect_used,
            reason = "the settings above are fixed: without them nothing can be tried"
        )]
        work(harness.get_or_init(|| Harness::new().expect("the functions start with the settings above")))
    })
}
