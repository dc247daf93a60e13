//! What each function says of itself, and what it takes: the documents are compared with that.

use anyhow::{Context, Result};
use jiff::Timestamp;
use shared::{
    code::Code,
    lambda::{Invocation, Task},
    remedy::Remedy,
    runner::Runner,
    settings::Environment,
    trigger::{self, Trigger},
};

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

pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Those of its own. A function that has no `codes.rs` has none.
    pub(crate) codes: &'static [&'static Code],
    /// What it shows to whoever sends no request.
    pub(crate) example: &'static str,
    takes: fn(&Environment, &Invocation) -> Result<()>,
}

pub(crate) static ALL: [Function; 9] = [
    Function {
        name: "cache-invalidation",
        codes: cache_invalidation::codes::CODES,
        example: cache_invalidation::CacheInvalidation::EXAMPLE,
        takes: remedy::<cache_invalidation::CacheInvalidation>,
    },
    Function {
        name: "diagnose",
        codes: &[],
        example: diagnose::Diagnose::EXAMPLE,
        takes: |_, invocation| {
            diagnose::request::from_triggers(&trigger::parse(invocation)?)?;
            Ok(())
        },
    },
    Function { name: "health-probe", codes: &[], example: health_probe::Probe::EXAMPLE, takes: probe },
    Function {
        name: "incident",
        codes: incident::codes::CODES,
        example: incident::Handler::EXAMPLE,
        takes: |_, invocation| {
            for trigger in trigger::parse(invocation)? {
                if let Some(asked) = trigger.asked() {
                    incident::request::Request::new(&trigger, asked)?;
                }
            }
            Ok(())
        },
    },
    Function {
        name: "restart",
        codes: restart::codes::CODES,
        example: restart::Restart::EXAMPLE,
        takes: remedy::<restart::Restart>,
    },
    Function {
        name: "rollback",
        codes: rollback::codes::CODES,
        example: rollback::Rollback::EXAMPLE,
        takes: remedy::<rollback::Rollback>,
    },
    Function {
        name: "scale-up",
        codes: scale_up::codes::CODES,
        example: scale_up::ScaleUp::EXAMPLE,
        takes: remedy::<scale_up::ScaleUp>,
    },
    Function {
        name: "snapshot-restore",
        codes: snapshot_restore::codes::CODES,
        example: snapshot_restore::SnapshotRestore::EXAMPLE,
        takes: remedy::<snapshot_restore::SnapshotRestore>,
    },
    Function {
        name: "write-freeze",
        codes: write_freeze::codes::CODES,
        example: write_freeze::WriteFreeze::EXAMPLE,
        takes: remedy::<write_freeze::WriteFreeze>,
    },
];

fn remedy<R: Remedy>(environment: &Environment, invocation: &Invocation) -> Result<()> {
    let runner = Runner::<R>::start(environment)?;
    for trigger in trigger::parse(invocation)? {
        runner.remedy().requests(&trigger)?;
    }
    Ok(())
}

fn probe(environment: &Environment, invocation: &Invocation) -> Result<()> {
    let settings = health_probe::settings::Settings::from_environment(environment)?;
    for asked in trigger::parse(invocation)?.iter().filter_map(Trigger::asked) {
        let request: health_probe::request::Request = asked.request_without_plan()?;
        request.checks(&settings)?;
        request.tries(&settings)?;
    }
    Ok(())
}

impl Function {
    /// By its name, or by its name in Lambda, as in `lendpeak2-production-restart`.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let of_that_name = |function: &&Self| {
            name.strip_suffix(function.name).is_some_and(|rest| matches!(rest, "" | IN_LAMBDA))
        };
        ALL.iter().find(of_that_name).with_context(|| format!("there is no function {name}"))
    }

    /// Whether it takes a body, as it would be sent to it: nothing is asked of AWS.
    pub(crate) fn takes(&self, body: &str) -> Result<()> {
        let invocation = Invocation {
            body: body.to_owned(),
            request_id: "a-request-of-the-documents".to_owned(),
            deadline: Timestamp::MAX,
            function_arn: format!("arn:aws:lambda:us-east-1:123456789012:function:{IN_LAMBDA}{}", self.name),
        };
        (self.takes)(&Environment::from_pairs(SETTINGS), &invocation)
            .with_context(|| format!("{} does not take {}", self.name, body.trim()))
    }
}

/// What is before each name in Lambda.
const IN_LAMBDA: &str = "lendpeak2-production-";

#[test]
fn every_function_is_here() -> Result<()> {
    let names = ALL.iter().map(|function| function.name.to_owned()).collect();
    anyhow::ensure!(sandbox::functions()? == names, "{names:?}");
    Ok(())
}
