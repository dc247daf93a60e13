use shared::{lambda::Invocation, trigger};

use super::*;

fn parsed(body: &str) -> Result<Request, Error> {
    let invocation = Invocation {
        body: body.to_owned(),
        request_id: "request".to_owned(),
        deadline: jiff::Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    let triggers = trigger::parse(&invocation)?;
    let [trigger] = triggers.as_slice() else { panic!("one trigger") };
    Request::new(trigger, trigger.asked().expect("a person or a machine asks"))
}

#[track_caller]
fn check(body: &str, expected: &Request) {
    assert_eq!(parsed(body).unwrap(), *expected, "{body}");
}

#[track_caller]
fn refuses(body: &str, words: &str) {
    let error = parsed(body).unwrap_err();
    assert!(error.kind() == "InvalidRequest" && error.to_string().contains(words), "{body}: {error}");
}

fn owned(text: &str) -> String {
    text.to_owned()
}

#[test]
fn each_request_is_read() {
    let id = owned("20261124-140000-service-down");
    check("{}", &Request::List);
    check(r#"{"list": true}"#, &Request::List);
    check(r#"{"show": "20261124-140000-service-down"}"#, &Request::Show { id: id.clone() });
    check(
        r#"{"note": "20261124-140000-service-down", "text": "the pool is full"}"#,
        &Request::Note { id: id.clone(), text: owned("the pool is full"), public: false, by: None },
    );
    check(
        r#"{"acknowledge": "20261124-140000-service-down", "by": "on call"}"#,
        &Request::Acknowledge { id: id.clone(), by: owned("on call"), take_over: false },
    );
    check(
        r#"{"escalate": "20261124-140000-service-down", "level": 3, "reason": "the region"}"#,
        &Request::Escalate { id: id.clone(), level: Some(3), reason: Some(owned("the region")), by: None },
    );
    check(r#"{"resolve": "20261124-140000-service-down"}"#, &Request::Resolve { id, reason: None, by: None });
}

#[test]
fn the_guides_scripts_are_requests() {
    let open = Open {
        title: owned("API Response Time Degraded"),
        severity: Severity::High,
        assignee: Some(owned("oncall@lendpeak.com")),
        cause: None,
    };
    for name in ["open", "create_incident"] {
        let body = format!(
            r#"{{"{name}": {{"severity": "high", "title": "API Response Time Degraded", "assignee": "oncall@lendpeak.com"}}}}"#
        );
        check(&body, &Request::Open(open.clone()));
    }
    assert_eq!(open.cause(), "api-response-time-degraded");
    // However its cause is spelt, it is the one whose state machine starts.
    for cause in ["service_down", "service-down", "Service Down", "SERVICE_DOWN"] {
        assert_eq!(Open { cause: Some(owned(cause)), ..open.clone() }.cause(), SERVICE_DOWN, "{cause}");
    }
    check(
        r#"{"update_status": {"component": "api", "status": "degraded", "message": "Investigating"}}"#,
        &Request::UpdateStatus {
            component: Component {
                component: owned("api"),
                status: ComponentStatus::Degraded,
                message: owned("Investigating"),
            },
            until: None,
            by: None,
        },
    );
    check(
        r#"{"maintenance": {"title": "Upgrade", "until": "1h", "components": ["api"]}, "by": "Ana"}"#,
        &Request::Maintenance {
            maintenance: Maintenance {
                title: owned("Upgrade"),
                text: None,
                components: vec![owned("api")],
                from: None,
                until: When::After(SignedDuration::from_hours(1)),
            },
            by: owned("Ana"),
        },
    );
    check(
        r#"{"end_maintenance": "20261124-1400-upgrade", "by": "Ana"}"#,
        &Request::EndMaintenance { id: owned("20261124-1400-upgrade"), by: owned("Ana") },
    );
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    refuses(r#"{"shwo": "x"}"#, "shwo");
    refuses(r#"{"show": ""}"#, "`show` is missing or empty");
    refuses(r#"{"note": "x"}"#, "`text` is missing or empty");
    refuses(r#"{"acknowledge": "x"}"#, "`by` is missing or empty");
    refuses(r#"{"acknowledge": 7, "by": "x"}"#, "must be text, not the number 7");
    refuses(r#"{"escalate": "x", "level": 4}"#, "`level` is 4");
    refuses(r#"{"escalate": "x", "level": 0}"#, "`level` is 0");
    refuses(r#"{"escalate": "x", "level": -1}"#, "a whole number of 0 or more");
    refuses(r#"{"open": {"severity": "high"}}"#, "title");
    refuses(r#"{"open": {"title": "x", "severity": "urgent"}}"#, "urgent");
    refuses(r#"{"open": {"title": "x", "owner": "y"}}"#, "owner");
    refuses(r#"{"update_status": {"component": "api", "status": "so-so", "message": "x"}}"#, "so-so");
    refuses(r#"{"text": "x"}"#, "does not say what to do");
    refuses(r#"{"show": "x", "by": "y"}"#, "`by` does not belong");
    refuses(r#"{"show": "x", "resolve": "x"}"#, "several things at once");
    refuses(r#"{"approve": "x"}"#, "nothing to approve or reject");
    refuses(r#"{"reject": "x"}"#, "nothing to approve or reject");
    refuses(r#"{"override": true, "reason": "at once"}"#, "nothing to override");
    let long = format!(r#"{{"open": {{"title": "{}"}}}}"#, "x".repeat(81));
    refuses(&long, "`title` has 81 characters; send at most 80");
}

#[test]
fn a_step_is_for_the_state_machine_alone() {
    refuses(r#"{"step": {"approval": {"incident": "x"}}}"#, "only the state machine");
    check(
        r#"{"step_functions": {"execution": "e", "state": "s@1"}, "request": {"step": {"approval": {"incident": "x"}}}}"#,
        &Request::Step(Step::Approval { incident: owned("x") }),
    );
    check(
        r#"{"step_functions": {"execution": "e", "state": "s@1"}, "request": {"step": {"take": {}}}}"#,
        &Request::Step(Step::Take { incident: None }),
    );
}

#[test]
fn the_kill_switch_is_a_request() {
    let stop = |until: Option<When>| {
        Request::Stop(Stop {
            name: owned("scale-up"),
            reason: Some(owned("the sale")),
            by: Some(owned("Ana")),
            until,
        })
    };
    check(r#"{"stop": "scale-up", "reason": "the sale", "by": "Ana"}"#, &stop(None));
    let until = When::At("2026-11-28T22:00:00Z".parse().unwrap());
    check(
        r#"{"stop": "scale-up", "reason": "the sale", "by": "Ana", "until": "2026-11-28T22:00:00Z"}"#,
        &stop(Some(until)),
    );
    let until = When::After(SignedDuration::from_hours(2));
    check(r#"{"stop": "scale-up", "reason": "the sale", "by": "Ana", "until": "2h"}"#, &stop(Some(until)));
    check(r#"{"go": "ALL "}"#, &Request::Go { name: owned("ALL "), by: None });
    refuses(r#"{"stop": "all", "until": "soon"}"#, "`until` is neither");
    refuses(r#"{"go": "all", "until": "2h"}"#, "`until` does not belong");
    refuses(r#"{"go": ""}"#, "`go` is empty");
    refuses(r#"{"stop": ""}"#, "`stop` is missing or empty");
    refuses(&format!(r#"{{"stop": "all", "reason": "{}"}}"#, "x".repeat(2_001)), "2001 characters");
}

#[test]
fn a_report_is_of_one_to_four_hundred_days_and_of_a_week_if_it_does_not_say() {
    check(r#"{"report": {"days": 30}}"#, &Request::Report(Report { days: 30 }));
    check(r#"{"report": {}}"#, &Request::Report(Report { days: 7 }));
    for (days, words) in [
        ("0", "`report.days` is 0, but must be from 1 to 400"),
        ("401", "`report.days` is 401, but must be from 1 to 400"),
        ("-1", "`report.days` is -1"),
        (r#""7""#, "`report.days` must be a whole number, not the text \"7\""),
        ("7.5", "`report.days` must be a whole number, not the number 7.5"),
        ("null", "`report.days` must be a whole number, not null"),
    ] {
        refuses(&format!(r#"{{"report": {{"days": {days}}}}}"#), words);
    }
    refuses(r#"{"report": true}"#, "`report` must be an object, not true");
    refuses(r#"{"report": {"weeks": 1}}"#, "unknown field `weeks`: `report` takes `days`");
    refuses(r#"{"report": {}, "by": "Ana"}"#, "`by` does not belong to this request");
    refuses(r#"{"report": {}, "list": true}"#, "several things at once");
}
