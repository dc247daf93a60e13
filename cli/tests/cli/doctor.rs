//! `lendpeak2 doctor` against a sandbox: one that is well, and what it says of each thing that is not.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_scheduler::types::ScheduleState;
use serde_json::Value;

use crate::support::{Said, Sandbox, on_a_terminal, runtime, said};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:people-notices";

#[test]
fn it_says_what_is_wrong_and_what_mends_it() {
    let sandbox = Sandbox::start("auto");
    let aws = Aws::new(&sandbox);
    until_the_probe_has_run(&sandbox);
    sandbox.typed("doctor");
    lines_fit_on_a_screen(&sandbox);
    json_is_the_answer_and_nothing_else(&sandbox);
    a_kill_switch_is_bad_until_it_is_lifted(&sandbox);
    each_level_is_rung_after_a_yes(&sandbox, &aws);
    a_subscription_counts_once_it_is_confirmed(&sandbox, &aws);
    a_schedule_that_is_off_is_bad(&sandbox, &aws);
    what_is_denied_is_not_seen_and_stops_nothing_else(&sandbox);
}

/// Somebody else's way to the sandbox's AWS.
struct Aws {
    config: SdkConfig,
    runtime: tokio::runtime::Runtime,
}

impl Aws {
    fn new(sandbox: &Sandbox) -> Self {
        Self { config: sandbox.aws(), runtime: runtime() }
    }

    fn subscribe(&self, protocol: &str, address: &str) {
        let sns = aws_sdk_sns::Client::new(&self.config);
        let subscribe = sns.subscribe().topic_arn(TOPIC).protocol(protocol).endpoint(address);
        self.runtime.block_on(subscribe.send()).unwrap();
    }

    fn unsubscribe_all(&self) {
        let sns = aws_sdk_sns::Client::new(&self.config);
        self.runtime.block_on(async {
            let listed = sns.list_subscriptions_by_topic().topic_arn(TOPIC).send().await.unwrap();
            for subscription in listed.subscriptions() {
                let arn = subscription.subscription_arn().unwrap();
                sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
            }
        });
    }

    /// What came to whoever listens at a level, the newest last.
    fn heard(&self, level: &str) -> Vec<Value> {
        let sqs = aws_sdk_sqs::Client::new(&self.config);
        self.runtime.block_on(async {
            let queue = sqs.get_queue_url().queue_name(format!("people-{level}")).send().await.unwrap();
            let queue = queue.queue_url().unwrap();
            let mut heard = Vec::new();
            loop {
                let answer = sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
                let messages = answer.unwrap().messages.unwrap_or_default();
                if messages.is_empty() {
                    return heard;
                }
                for message in messages {
                    heard.push(serde_json::from_str(message.body().unwrap()).unwrap());
                    let delete = sqs.delete_message().queue_url(queue);
                    delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
                }
            }
        })
    }

    fn set_schedule(&self, name: &str, state: &ScheduleState) {
        let scheduler = aws_sdk_scheduler::Client::new(&self.config);
        self.runtime.block_on(async {
            let group = "lendpeak2-production";
            let is = scheduler.get_schedule().group_name(group).name(name).send().await.unwrap();
            let update = scheduler.update_schedule().group_name(group).name(name).state(state.clone());
            let update = update.set_schedule_expression(is.schedule_expression).set_target(is.target);
            update.set_flexible_time_window(is.flexible_time_window).send().await.unwrap();
        });
    }
}

/// Its schedule runs it every minute; a person need not wait.
fn until_the_probe_has_run(sandbox: &Sandbox) {
    const PATIENCE: Duration = Duration::from_secs(90);
    let begun = Instant::now();
    while checked(&sandbox.run(&["--json", "doctor"]), "probe")["verdict"] != "ok" {
        assert!(begun.elapsed() < PATIENCE, "the probe does not run");
        assert_eq!(sandbox.run(&["health"]).code, 0);
    }
}

/// What one check came to, in JSON.
#[track_caller]
fn checked(said: &Said, check: &str) -> Value {
    let all = said.json();
    let found = all["checks"].as_array().unwrap().iter().find(|one| one["check"] == check).cloned();
    found.unwrap_or_else(|| panic!("no check {check}: {said:?}"))
}

fn lines_fit_on_a_screen(sandbox: &Sandbox) {
    for columns in [80, 200] {
        let told = said(sandbox.lendpeak2(&["doctor"]).env("COLUMNS", columns.to_string()));
        assert_eq!(told.code, 0, "{told:?}");
        for line in told.out.lines() {
            // A command is left whole: it is copied.
            let is_command =
                line.starts_with("         ") && [" aws ", " make "].iter().any(|word| line.contains(word));
            assert!(is_command || line.chars().count() <= columns, "at {columns}: {line}");
        }
        assert!(!told.out.contains('\x1b'), "it has colours in a pipe");
    }
    let coloured = said(sandbox.lendpeak2(&["doctor"]).env("CLICOLOR_FORCE", "1"));
    assert!(coloured.out.contains('\x1b'), "{coloured:?}");
    let plain = said(sandbox.lendpeak2(&["doctor", "--no-color"]).env("CLICOLOR_FORCE", "1"));
    assert!(!plain.out.contains('\x1b'), "{plain:?}");
}

fn json_is_the_answer_and_nothing_else(sandbox: &Sandbox) {
    let told = sandbox.run(&["--json", "doctor", "--strict"]);
    assert_eq!((told.code, told.err.as_str()), (5, ""), "{told:?}");
    let counts = told.json()["counts"].clone();
    assert_eq!((&counts["bad"], &counts["not_seen"]), (&Value::from(0), &Value::from(0)), "{told:?}");
    // Nobody is asked, and so nobody is rung.
    let told = sandbox.run(&["--json", "doctor", "--ring"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""), "{told:?}");
    assert!(told.err.contains("--yes"), "{told:?}");
}

fn a_kill_switch_is_bad_until_it_is_lifted(sandbox: &Sandbox) {
    assert_eq!(sandbox.run(&["stop", "a migration is under way"]).code, 0);
    let told = sandbox.run(&["--json", "doctor"]);
    let switch = checked(&told, "kill-switch");
    assert_eq!(
        (told.code, &switch["verdict"], &switch["mend"]),
        (3, &"bad".into(), &"lendpeak2 start".into())
    );
    assert!(switch["says"].as_str().unwrap().ends_with("(Ana: a migration is under way)"), "{switch}");
    assert_eq!(sandbox.run(&["start", "--yes"]).code, 0);
    assert_eq!(checked(&sandbox.run(&["--json", "doctor"]), "kill-switch")["verdict"], "ok");
    assert_eq!(sandbox.run(&["stop", "scale-up", "it grows too fast"]).code, 0);
    let told = sandbox.run(&["--json", "doctor"]);
    let switch = checked(&told, "kill-switch");
    assert_eq!((told.code, &switch["verdict"]), (0, &"warn".into()));
    assert_eq!(switch["mend"], "lendpeak2 start scale-up");
    assert_eq!(sandbox.run(&["start", "scale-up", "--yes"]).code, 0);
}

fn each_level_is_rung_after_a_yes(sandbox: &Sandbox, aws: &Aws) {
    let levels = ["notices", "level-2", "level-3"];
    for level in levels {
        aws.heard(level);
    }
    let told = on_a_terminal(&sandbox.lendpeak2(&["doctor", "--ring"]), "n");
    assert_eq!(told.code, 130, "{told:?}");
    assert!(told.out.contains("Ring them?") && told.out.contains("nothing was done"), "{told:?}");
    assert!(levels.iter().all(|level| aws.heard(level).is_empty()));
    let told = sandbox.run(&["--json", "--yes", "doctor", "--ring"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
    assert_eq!(told.json()["rung"].as_array().unwrap().len(), 3, "{told:?}");
    for (number, level) in (1..).zip(levels) {
        let [test] = <[Value; 1]>::try_from(aws.heard(level)).unwrap();
        assert_eq!(
            test["Subject"],
            format!("[production] TEST for level {number} by Ana: nothing is wrong"),
            "{test}"
        );
        assert!(test["Message"].as_str().unwrap().contains("There is nothing to do."), "{test}");
    }
    let told = on_a_terminal(&sandbox.lendpeak2(&["doctor", "--ring"]), "y");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("level 3: lendpeak2-production-level-3 has the test"), "{told:?}");
    assert_eq!(aws.heard("level-3").len(), 1);
}

fn a_subscription_counts_once_it_is_confirmed(sandbox: &Sandbox, aws: &Aws) {
    let level = || {
        let told = sandbox.run(&["--json", "doctor"]);
        (told.code, checked(&told, "level-1"))
    };
    aws.unsubscribe_all();
    let (code, nobody) = level();
    assert_eq!((code, &nobody["verdict"]), (3, &"bad".into()), "{nobody}");
    assert_eq!(nobody["says"], "nobody is subscribed to lendpeak2-production-notices");
    aws.subscribe("email", "ops@example.com");
    let (code, pending) = level();
    assert_eq!((code, &pending["verdict"]), (3, &"bad".into()), "{pending}");
    assert!(pending["says"].as_str().unwrap().starts_with("nobody has confirmed"), "{pending}");
    assert!(
        pending["mend"].as_str().unwrap().contains("--notification-endpoint ops@example.com"),
        "{pending}"
    );
    aws.subscribe("sqs", QUEUE);
    let (code, some) = level();
    assert_eq!((code, &some["verdict"]), (0, &"warn".into()), "{some}");
    assert_eq!(some["says"], "1 confirmed for lendpeak2-production-notices (sqs), and 1 not");
}

fn a_schedule_that_is_off_is_bad(sandbox: &Sandbox, aws: &Aws) {
    aws.set_schedule("incident", &ScheduleState::Disabled);
    let told = sandbox.run(&["--json", "doctor"]);
    let schedules = checked(&told, "schedules");
    assert_eq!((told.code, &schedules["verdict"]), (3, &"bad".into()), "{schedules}");
    assert_eq!(schedules["says"], "switched off: incident");
    aws.set_schedule("incident", &ScheduleState::Enabled);
    assert_eq!(checked(&sandbox.run(&["--json", "doctor"]), "schedules")["verdict"], "ok");
}

fn what_is_denied_is_not_seen_and_stops_nothing_else(sandbox: &Sandbox) {
    sandbox.deny("ecr", "DescribeRepositories");
    let told = sandbox.run(&["--json", "doctor"]);
    let image = checked(&told, "image");
    assert_eq!((told.code, &image["verdict"]), (0, &"not_seen".into()), "{image}");
    assert!(
        image["costs"].as_str().unwrap().starts_with("your role needs ecr:DescribeRepositories"),
        "{image}"
    );
    assert_eq!(told.json()["counts"]["not_seen"], 1, "{told:?}");
    // Whoever may ask no function has the rest.
    sandbox.deny("lambda", "Invoke");
    let told = sandbox.run(&["--json", "doctor"]);
    assert_eq!(checked(&told, "may-invoke")["verdict"], "warn", "{told:?}");
    for check in ["permissions", "kill-switch", "incidents"] {
        assert_eq!(checked(&told, check)["verdict"], "not_seen", "{check}: {told:?}");
    }
    assert_eq!((told.code, &told.json()["counts"]["not_seen"]), (0, &4.into()), "{told:?}");
    let told = sandbox.run(&["doctor"]);
    assert!(told.out.contains("not seen image: cannot read the repository lendpeak2/backend"), "{told:?}");
}
