//! What people or other stacks might send to do harm, or without meaning any: what the functions answer, what becomes of
//! it, and whether anybody hears of it.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod alarms;
mod collisions;
mod input;
mod intents;
mod minimum;
mod reasons;
mod settling;
mod storm;
mod storm_mixed;
mod switches;
mod time;
mod undecided;
mod upwards;
mod week;
mod week_open;

use std::{ops::Deref, time::Duration};

use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use sandbox::{
    Options, Sandbox,
    deploy::{CLUSTER, FAMILY, SERVICE},
    gateway::{Call, FRONT_END_BUILD},
    runtime_api::Bootstrap,
    stack::{self, TARGET, decision, outcome, put_alarm, read, tick},
    standin::LOAD_BALANCER,
};
use scenarios::scenario::Scenario;
use serde_json::{Value, json};
use subject::{Subject, Target};

type Test = anyhow::Result<()>;

const OF_SERVICE: [(&str, &str); 2] = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
const ERRORS: [&str; 2] = ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"];
/// In the key of the notice that a plan has expired.
const EXPIRY: &str = "#expired-";
const CPU: [&str; 2] = ["AWS/ECS", "CPUUtilization"];

/// A sandbox in which nothing runs but what a test starts.
struct Fixture(stack::Stack);

impl Deref for Fixture {
    type Target = stack::Stack;

    fn deref(&self) -> &stack::Stack {
        &self.0
    }
}

impl Fixture {
    /// `task` is the function under test.
    async fn start(task: &'static str) -> anyhow::Result<Self> {
        let functions = Some(vec!["health-probe"]);
        let sandbox = Sandbox::start(Options { metrics: false, functions, ..Options::default() }).await?;
        let own = own(task);
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Ok(Self(stack::Stack::in_sandbox(sandbox, task, &own)))
    }

    /// A function as the template sets it up, with some settings replaced.
    async fn a(&self, task: &str, replaced: &[(&str, &str)]) -> anyhow::Result<Bootstrap> {
        let own = own(task);
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let settings: Vec<(&str, &str)> = own.chain(replaced.iter().copied()).collect();
        self.another(task, &settings).await
    }

    /// What functions have done to anything but the ledger and people's topics, and who.
    fn changes(&self) -> Vec<String> {
        let calls = self.sandbox.gateway.calls().into_iter();
        let by_functions = calls.filter(|call| !["-", "sandbox", "stand-in"].contains(&call.caller.as_str()));
        let changes = by_functions.filter(|call| {
            !call.is_read()
                && call.operation != "Invoke"
                && !["dynamodb", "sns", "monitoring", "cloudwatch"].contains(&call.service.as_str())
        });
        changes.map(|call| format!("{} {}", call.caller, Call::name(&call))).collect()
    }

    /// What SNS took, in order: subjects and messages.
    fn told(&self) -> Vec<String> {
        let calls = self.sandbox.gateway.calls().into_iter();
        let published = calls.filter(|call| call.name() == "sns Publish" && call.status == Some(200));
        let text = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
        published
            .map(|call| {
                format!("{}\n{}", text(&call.request, "Subject"), sandbox::notices::text_of(&call.request))
            })
            .collect()
    }

    fn told_of(&self, words: &str) -> usize {
        self.told().iter().filter(|told| told.contains(words)).count()
    }

    /// The sort keys of what is owed to people, in order. That a plan has expired is owed only if nobody decides.
    async fn owed(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.outbox().await?.into_iter().filter(|key| !key.contains(EXPIRY)).collect())
    }

    /// The same of the plans that may expire.
    async fn expiries(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.outbox().await?.into_iter().filter(|key| key.contains(EXPIRY)).collect())
    }

    async fn outbox(&self) -> anyhow::Result<Vec<String>> {
        let items = time::items(&self.sandbox).await?;
        let mut owed: Vec<String> = items
            .iter()
            .filter(|item| time::text(item, "pk") == "owed")
            .map(|item| time::text(item, "sk").to_owned())
            .collect();
        owed.sort();
        Ok(owed)
    }

    /// Another remedy holds the service until `seconds` from now.
    async fn held_for(&self, seconds: i64) -> Test {
        let until = time::sortable(Timestamp::now() + SignedDuration::from_secs(seconds));
        self.put(&of_service(), "holder", &[("held_by", "snapshot-restore"), ("lease_until", &until)]).await
    }
}

/// The remedies of the service that alarms wake.
fn remedies() -> Vec<&'static str> {
    let is_of_service = |subject: &&Subject| {
        subject.hears_alarms
            && subject.remedy().is_some_and(|remedy| remedy.targets.contains(&Target::Service))
    };
    subject::remedies().filter(is_of_service).map(|subject| subject.name).collect()
}

/// What this function is told by its environment, beside what all are told.
fn own(task: &str) -> Vec<(&'static str, String)> {
    let scenario = Scenario::named(task).into_iter().flat_map(|scenario| scenario.settings);
    let scenario = scenario.map(|(name, value)| (*name, (*value).to_owned()));
    std::iter::once(("RUNBOOK_FUNCTIONS", subject::names())).chain(scenario).collect()
}

fn topic(name: &str) -> String {
    format!("arn:aws:sns:us-east-1:000000000000:lendpeak2-production-{name}")
}

/// The service in the ledger.
fn of_service() -> String {
    format!("target#{TARGET}")
}

fn release(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

/// The target group's load balancer counts errors.
fn errors(name: &str) -> Value {
    stack::alarm(name, ERRORS, &[("LoadBalancer", LOAD_BALANCER)], Timestamp::now())
}

fn load(name: &str) -> Value {
    stack::alarm(name, CPU, &OF_SERVICE, Timestamp::now())
}

fn violations(name: &str) -> Value {
    stack::alarm(name, ["LendPeak2/Data", "NegativeLoans"], &[], Timestamp::now())
}

/// What a person sends to have a remedy act at once.
fn by_hand(task: &str) -> Value {
    match task {
        "scale-up" => json!({ "by": 1, "reason": "queues grow" }),
        "rollback" => json!({ "to": "previous", "reason": "it answers 500" }),
        "write-freeze" => json!({ "state": "on", "reason": "loans are negative" }),
        _ => json!({ "reason": "memory grows" }),
    }
}

/// Decisions and codes of an answer, of which a scheduled run may have several.
fn decisions(answer: &Value) -> Vec<String> {
    answer["outcomes"].as_array().map_or_else(|| vec![read(answer)], |all| all.iter().map(read).collect())
}
