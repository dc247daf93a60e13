use super::*;

/// As one reads it in `template.yaml`.
#[test]
fn a_deployment_is_what_the_template_says() {
    let stack = Stack::read();
    let names: Vec<&str> = stack.functions().iter().map(|lambda| lambda.name.as_str()).collect();
    assert_eq!(names, subject::ALL.map(|subject| subject.name));
    for lambda in stack.functions() {
        let timeout_seconds = if lambda.name == "incident" { 30 } else { 60 };
        let is = (lambda.memory_mb, lambda.timeout_seconds, lambda.reserved);
        assert_eq!(is, (256, timeout_seconds, 0), "{}", lambda.name);
    }
    for subject in subject::ALL {
        let schedule = |every_minutes, window_minutes| vec![Schedule { every_minutes, window_minutes }];
        let expected = match subject.name {
            "health-probe" => schedule(1, 0),
            "incident" => schedule(1, 1),
            "diagnose" => Vec::new(),
            _ => schedule(5, 4),
        };
        assert_eq!(stack.function(subject).schedules, expected, "{}", subject.name);
    }
}

#[test]
fn what_the_parameter_reserves_each_function_reserves() {
    assert_eq!(Stack::read().reserved(), 0);
    assert_eq!(Stack::read().reserving(4).reserved(), 36);
    let default = "ReservedConcurrency:\n    Type: Number\n    Default: ";
    let changed = TEMPLATE.replace(&format!("{default}0"), &format!("{default}4"));
    assert_eq!(Stack::of(&changed), Stack::read().reserving(4));
}

#[test]
fn its_resources_are_those_of_the_template() {
    let stack = Stack::read();
    let counted = [
        ("AWS::CloudWatch::Alarm", 18),
        ("AWS::CloudWatch::CompositeAlarm", 1),
        ("AWS::CloudWatch::Dashboard", 1),
        ("AWS::DynamoDB::Table", 1),
        ("AWS::IAM::ManagedPolicy", 4),
        ("AWS::IAM::Role", 13),
        ("AWS::Lambda::Alias", 7),
        ("AWS::Logs::LogGroup", 11),
        ("AWS::SNS::Topic", 11),
        ("AWS::SQS::Queue", 2),
        ("AWS::Scheduler::ScheduleGroup", 1),
        ("AWS::Serverless::Function", 9),
        ("AWS::Serverless::StateMachine", 2),
    ];
    for (kind, count) in counted {
        assert_eq!(stack.resources(kind), count, "{kind}");
    }
    let written = TEMPLATE.lines().filter(|line| line.starts_with("    Type: AWS::")).count();
    assert_eq!(usize::try_from(stack.resources_in_all()), Ok(written));
    // The 5xx rate is made of five metrics, incident's errors of two, each of which is billed.
    assert_eq!(stack.alarm_metrics, 23);
    assert_eq!((stack.event_rules, stack.subscriptions, stack.queue_sources), (5, 7, 1));
    assert_eq!(stack.log_retention_days, 90);
    assert!(stack.pays_per_request && stack.keeps_point_in_time && stack.uses_account_key);
    assert_eq!((stack.poll_seconds, stack.recovery_seconds, stack.restore_poll_seconds), (15, 600, 60));
}

/// `functions/health-probe/src/metrics/tests.rs` expects `6 * 8 + 1` values of a run.
#[test]
fn the_probe_has_eight_metrics_for_each_of_six_checks_and_one_for_all() {
    let stack = Stack::read();
    assert_eq!(stack.probe_metrics(), 49);
    assert_eq!(stack.remedies(), 6);
    assert_eq!(stack.custom_metrics(), 55);
}

#[test]
fn a_flexible_time_window_is_seen() {
    const SCHEDULE: &str = "ScheduleExpression: !Ref FollowUpSchedule";
    for window in [
        "FlexibleTimeWindow: { Mode: FLEXIBLE, MaximumWindowInMinutes: 4 }",
        "FlexibleTimeWindow:\n              Mode: FLEXIBLE\n              MaximumWindowInMinutes: 4",
    ] {
        let changed = TEMPLATE.replace(SCHEDULE, &format!("{SCHEDULE}\n            {window}"));
        let schedules = Stack::of(&changed).function(&subject::rollback::SUBJECT).schedules;
        assert_eq!(schedules, [Schedule { every_minutes: 5, window_minutes: 4 }], "{window}");
    }
}
