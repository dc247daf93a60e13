use serde_json::{Value, json};

use super::*;

fn outcome(change: &Value) -> Outcome {
    let mut written = json!({
        "summary": "backend: 2 → 4 tasks, all run; asked by hand: queue grows", "decision": "applied",
        "code": "applied", "next": null, "reason": "asked by hand: queue grows; all 2 tasks run",
        "target": "service/lendpeak2-production/backend",
        "steps": [{ "action": "set the desired count of backend to 4", "result": "done" }],
        "verification": { "verified": true, "what": "all run" }, "function": "scale-up",
        "environment": "production", "execution_id": "run-1", "at": "2026-11-24T14:00:00.123Z", "duration_ms": 1,
        "version": 1, "plan": null, "observed": null,
        "trigger": { "id": "a", "at": "2026-11-24T14:00:00Z", "kind": { "person": { "dry_run": false } } },
    });
    for (name, value) in change.as_object().into_iter().flatten() {
        written[name] = value.clone();
    }
    serde_json::from_value(written).unwrap()
}

#[track_caller]
fn titled(change: &Value, what: &str, expected: &str) {
    assert_eq!(Notice::of(&outcome(change), "topic", what).subject, format!("[production] {expected}"));
}

#[test]
fn a_title_says_what_was_done_and_who_asked() {
    titled(&json!({}), "backend: 2 → 4 tasks", "backend 2 -> 4 tasks (scale-up, by hand)");
    let alarm = json!({ "name": "cpu", "arn": "arn", "state": "ALARM", "reason": "crossed", "metrics": [] });
    let trigger = json!({ "id": "a", "at": "2026-11-24T14:00:00Z", "kind": { "alarm": alarm } });
    let change = json!({ "trigger": trigger, "decision": "awaiting_approval" });
    titled(&change, "backend: 2 → 4 tasks", "approve? backend 2 -> 4 tasks (scale-up, by an alarm)");
    titled(
        &json!({ "decision": "failed" }),
        "backend: 2 → 4 tasks",
        "failed: backend 2 -> 4 tasks (scale-up, by hand)",
    );
    let refused =
        json!({ "decision": "refused", "steps": [], "reason": "Cooling down until 20:26:45 UTC. At 19:56" });
    titled(&refused, "backend: 2 → 4 tasks", "scale-up refused: Cooling down until 20:26:45 UTC");
    let settled = json!({ "decision": "failed", "steps": [], "reason": "it has not settled. Now" });
    titled(&settled, "", "scale-up failed: it has not settled");
    titled(
        &json!({ "decision": "nothing_to_do", "reason": "it has settled" }),
        "",
        "scale-up: it has settled",
    );
}

#[test]
fn a_message_begins_with_the_summary_and_says_nothing_twice() {
    let next = json!({ "what": "look", "function": "lendpeak2-production-rollback", "send": { "to": "previous" },
        "level": 2 });
    let plan = json!({ "details": ["it costs $1 an hour"] });
    let notice =
        Notice::of(&outcome(&json!({ "next": next, "plan": plan })), "topic", "backend: 2 → 4 tasks");
    assert_eq!(
        notice.message,
        "backend: 2 → 4 tasks, all run; asked by hand: queue grows\n\
         asked by hand: queue grows; all 2 tasks run\n\
         - set the desired count of backend to 4: done\n\
         - it costs $1 an hour\n\
         Next (level 2): look\n\
         Send to lendpeak2-production-rollback: {\"to\":\"previous\"}\n\
         Record: run-1 at 2026-11-24 14:00:00 UTC"
    );
}

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices";
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/lendpeak2-production-approvals";

fn facts() -> Facts {
    Facts {
        opening: "OPEN: Service down (critical)".to_owned(),
        lines: vec!["Since 14:00 UTC.".to_owned(), "Cause: release backend:12 answers 500.".to_owned()],
        steps: vec![
            Step::new("You: approve, or it stays down.")
                .send("lendpeak2-production-rollback", json!({ "approve": "499484d277f1" })),
            Step::new("You: find the cause.").send("lendpeak2-production-diagnose", json!({})),
        ],
        closing: "Incident 20261124-140000-service-down".to_owned(),
        incident: Some("20261124-140000-service-down".to_owned()),
        plan: Some("499484d277f1".to_owned()),
        ..Facts::new("production", "incident", Kind::Opened, "OPEN critical: Service down")
    }
}

fn body(notice: &Notice, protocol: &str) -> String {
    let bodies: Value = serde_json::from_str(&notice.bodies()).unwrap();
    bodies[protocol].as_str().unwrap().to_owned()
}

fn chat_of(notice: &Notice) -> Value {
    serde_json::from_str(&body(notice, "https")).unwrap()
}

#[test]
fn a_chat_gets_amazon_qs_schema() {
    let console = "https://us-east-1.console.aws.amazon.com";
    let description = format!(
        "Since 14:00 UTC.\nCause: release backend:12 answers 500.\nIncident 20261124-140000-service-down\n\
         Dashboard: {console}/cloudwatch/home?region=us-east-1#dashboards:name=lendpeak2-production-runbook\n\
         Log: {console}/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/\
         $252Faws$252Flambda$252Flendpeak2-production-incident\n\
         Function: {console}/lambda/home?region=us-east-1#/functions/lendpeak2-production-rollback?tab=testing"
    );
    assert_eq!(
        chat_of(&Notice::new(TOPIC, facts()).with_buttons(Some(QUEUE))),
        json!({
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": ":rotating_light: production: OPEN: Service down (critical)",
                "description": description,
                "nextSteps": [
                    "You: approve, or it stays down. Send to `lendpeak2-production-rollback`: \
                     `{\"approve\":\"499484d277f1\"}`",
                    "You: find the cause. Send `{}` to `lendpeak2-production-diagnose`",
                ],
                "keywords": ["production", "incident"],
            },
            "metadata": {
                "threadId": "20261124-140000-service-down",
                "summary": "production: OPEN: Service down (critical)",
                "eventType": "lendpeak2.opened",
                "relatedResources": ["arn:aws:lambda:us-east-1:123456789012:function:lendpeak2-production-incident"],
                "additionalContext": {
                    "Do": "approve", "Environment": "production", "F": "lendpeak2-production-incident:look",
                    "Function": "lendpeak2-production-incident",
                    "Have": "acknowledge:20261124-140000-service-down", "Incident": "20261124-140000-service-down",
                    "No": "reject:499484d277f1", "Plan": "499484d277f1", "Q": QUEUE, "Yes": "approve:499484d277f1",
                },
                "enableCustomActions": true,
            },
        })
    );
}

#[test]
fn a_text_is_that_of_an_email_without_its_links() {
    let notice = Notice::new(TOPIC, facts());
    let text = "OPEN: Service down (critical)\nSince 14:00 UTC.\nCause: release backend:12 answers 500.\n\
                You: approve, or it stays down. Send to lendpeak2-production-rollback\n{\"approve\":\"499484d277f1\"}\n\
                You: find the cause. Send {} to lendpeak2-production-diagnose\n\
                Incident 20261124-140000-service-down";
    assert_eq!((notice.message.as_str(), body(&notice, "default").as_str()), (text, text));
    assert!(body(&notice, "email").starts_with(&format!("{text}\n\nDashboard: https://")));
    assert_eq!(body(&notice, "sms"), "production: OPEN critical: Service down. Plan 499484d277f1");
}

#[test]
fn links_lead_to_the_console_of_the_partition() {
    for (partition, region, console) in [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/"),
        ("aws-us-gov", "us-gov-west-1", "https://console.amazonaws-us-gov.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
    ] {
        let topic = format!("arn:{partition}:sns:{region}:123456789012:lendpeak2-production-notices");
        let links = Links::of(&topic, &facts()).unwrap().all();
        assert!(
            links.iter().all(|(_, link)| link.starts_with(console) && link.contains(region)),
            "{links:?}"
        );
    }
    for topic in
        ["", "topic", "arn:aws:sns:us-east-1", "arn:aws:sqs:us-east-1:1:a", "arn:aws:sns:us east 1:1:a"]
    {
        assert_eq!(Links::of(topic, &facts()), None, "{topic}");
    }
    let strange = Facts { environment: "a/../b".to_owned(), ..facts() };
    assert_eq!(Links::of(TOPIC, &strange), None);
}

/// Whoever may name an alarm or write a log line is not to call a channel, or to send people somewhere.
#[test]
fn a_chat_interprets_nothing_that_others_wrote() {
    let hostile = "<!channel> @here @channel #general <https://evil.example|log in> [log in](https://evil.example) \
                   www.evil.example *RESOLVED* ~no~ `code` _all well_ a_b&c";
    let mut step = Step::new(hostile).send("lendpeak2-production-rollback", json!({ "by": "`<!here>`" }));
    let mut told = Facts { lines: vec![hostile.to_owned()], opening: hostile.to_owned(), ..facts() };
    told.steps = vec![step.clone()];
    let chat = chat_of(&Notice::new("topic", told));
    let shown = "&lt;!channel&gt; @\u{200b}here @\u{200b}channel #\u{200b}general &lt;https:\u{200b}//evil.example|log in&gt; \
                 [log in]\u{200b}(https:\u{200b}//evil.example) www\u{200b}.evil.example ∗RESOLVED∗ ∼no∼ 'code' \
                 ＿all well＿ a_b&amp;c";
    assert_eq!(chat["content"]["description"], format!("{shown}\nIncident 20261124-140000-service-down"));
    // A span of code is left as it is, and cannot be left.
    assert_eq!(
        chat["content"]["nextSteps"][0],
        format!(
            "{shown} send to `lendpeak2-production-rollback`: `{{\"by\":\"\\u0060&lt;!here&gt;\\u0060\"}}`"
        )
    );
    step.words.clear();
    assert_eq!(step.verb(), "Send");
}

#[test]
fn what_an_earlier_version_left_in_the_ledger_is_told_in_a_chat_too() {
    let notice = Notice {
        topic_arn: TOPIC.to_owned(),
        subject: "[production] scale-up applied: service/lendpeak2-production/backend".to_owned(),
        message: "alarm high-cpu rang\n- set the desired count of backend to 3: done".to_owned(),
        facts: None,
    };
    let chat = chat_of(&notice);
    assert_eq!(
        chat["content"]["title"],
        ":information_source: production: scale-up applied: service/lendpeak2-production/backend"
    );
    let description = chat["content"]["description"].as_str().unwrap();
    assert!(description.starts_with("alarm high-cpu rang\n- set the desired"), "{description}");
    assert_eq!(body(&notice, "default"), notice.message);
}

/// A later version may have more kinds, and fewer or more fields.
#[test]
fn facts_are_read_leniently() {
    let read: Facts =
        serde_json::from_str(r#"{"kind": "on_fire", "headline": "it burns", "new": 1}"#).unwrap();
    assert_eq!(read, Facts { headline: "it burns".to_owned(), ..Facts::default() });
    let written = serde_json::to_string(&facts()).unwrap();
    assert_eq!(serde_json::from_str::<Facts>(&written).unwrap(), facts());
}

#[test]
fn a_page_has_the_shape_of_an_alarm_and_keeps_its_name_until_it_is_over() {
    let at = "2026-11-24T14:00:00.5Z".parse().unwrap();
    let page = |state| Page::new(&facts(), state, "Service down → ünknown", "the cause", at, TOPIC);
    let page_of = |state| serde_json::from_str::<Value>(&page(state).message).unwrap();
    assert_eq!(
        page(State::Alarm).subject,
        "ALARM: lendpeak2-production: Service down -> ?nknown".replace('?', " ")
    );
    assert_eq!(page(State::Ok).subject.split(' ').next(), Some("OK:"));
    let name = "lendpeak2-production/20261124-140000-service-down";
    assert_eq!(
        page_of(State::Alarm),
        json!({
            "AlarmName": name, "AlarmDescription": facts().text(), "AWSAccountId": "123456789012",
            "NewStateValue": "ALARM", "NewStateReason": "the cause",
            "StateChangeTime": "2026-11-24T14:00:00.000+0000", "Region": "us-east-1",
            "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"), "OldStateValue": "OK",
            "Trigger": { "MetricName": "Incident", "Namespace": "LendPeak2", "Dimensions": [] },
        })
    );
    let over = page_of(State::Ok);
    assert_eq!(
        (over["AlarmName"].as_str(), over["NewStateValue"].as_str(), over["OldStateValue"].as_str()),
        (Some(name), Some("OK"), Some("ALARM"))
    );
}

#[track_caller]
fn fits(notice: &Notice) {
    let whole = notice.bodies();
    assert!(whole.len() <= MAX_BODIES, "{} bytes", whole.len());
    let bodies: Value = serde_json::from_str(&whole).unwrap();
    for (protocol, body) in bodies.as_object().unwrap() {
        assert!(!body.as_str().unwrap().trim().is_empty(), "{protocol}");
    }
    assert!(notice.subject.len() <= MAX_SUBJECT && notice.subject.is_ascii(), "{}", notice.subject);
    let sms = body(notice, "sms");
    assert!(sms.len() <= MAX_SMS && sms.is_ascii(), "{sms}");
    let chat = chat_of(notice);
    let (content, metadata) = (&chat["content"], &chat["metadata"]);
    let letters = |value: &Value| value.as_str().unwrap().chars().count();
    assert!(letters(&content["title"]) <= chat::MAX_TITLE, "{content:#}");
    assert!((1..=chat::MAX_DESCRIPTION).contains(&letters(&content["description"])), "{content:#}");
    let steps = content["nextSteps"].as_array().unwrap();
    assert!(steps.len() <= chat::MAX_NEXT_STEPS, "{content:#}");
    assert!(steps.iter().all(|step| letters(step) <= chat::MAX_STEP), "{content:#}");
    let extra = metadata["additionalContext"].as_object().unwrap();
    assert!(extra.values().all(|value| letters(value) <= 250), "{metadata:#}");
}

#[test]
fn the_largest_notice_fits() {
    for text in ["\"\\\n".repeat(20_000), "\u{1}".repeat(60_000), "💥&<@#".repeat(10_000)] {
        let lines: Vec<String> = std::iter::repeat_n(text.clone(), 3).collect();
        let step = Step::new(text.clone()).send(text.clone(), json!({ "by": text }));
        let told = Facts {
            headline: text.clone(),
            opening: text.clone(),
            closing: text.clone(),
            incident: Some(text.clone()),
            plan: Some(text.clone()),
            steps: vec![step; 30],
            lines,
            ..facts()
        };
        fits(&Notice::new(TOPIC, told));
        let (subject, message) = ("[production] scale-up".to_owned(), text);
        fits(&Notice { topic_arn: TOPIC.to_owned(), subject, message, facts: None });
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn whatever_is_told_keeps_the_limits_and_calls_nobody(
        environment in "(?s).{0,40}|[a-z]{1,9}", headline in "(?s).{0,300}", opening in "(?s).{0,300}",
        lines in proptest::collection::vec("(?s).{0,900}|[<>&@#*_`:/ ]{0,900}", 0..12),
        words in proptest::collection::vec("(?s).{0,900}", 0..8),
        request in "(?s).{0,900}", closing in "(?s).{0,300}",
        incident in proptest::option::of("(?s).{0,80}|[a-z0-9-]{1,20}"),
        plan in proptest::option::of("(?s).{0,80}|[a-z0-9-]{1,20}"),
        queue in proptest::option::of("https?://(?s).{0,80}|https://[a-z./]{1,20}[ -~]?"),
        message in proptest::option::of("(?s).{0,6000}"),
    ) {
        let step = |words: &String| {
            Step::new(words).send("lendpeak2-production-rollback", json!({ "reason": request }))
        };
        let told = Facts {
            opening, lines, closing, incident, plan, steps: words.iter().map(step).collect(),
            ..Facts::new(&environment, "incident", Kind::Opened, headline)
        };
        let mut notice = Notice::new(TOPIC, told).with_buttons(queue.as_deref());
        if let Some(message) = message {
            (notice.message, notice.facts) = (message, None);
        }
        fits(&notice);
        let chat = chat_of(&notice);
        for (name, value) in chat["metadata"]["additionalContext"].as_object().unwrap() {
            let is_in_a_command = ["Do", "F", "Have", "No", "Q", "Yes"].contains(&name.as_str());
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
            proptest::prop_assert!(!is_in_a_command || value.as_str().unwrap().chars().all(fits), "{}", value);
        }
        for text in chat["content"]["nextSteps"].as_array().unwrap().iter()
            .chain([&chat["content"]["title"], &chat["content"]["description"], &chat["metadata"]["summary"]])
        {
            let text = text.as_str().unwrap();
            proptest::prop_assert!(!text.contains(['<', '>']), "{}", text);
            let words = text.split('`').step_by(2);
            for words in words {
                proptest::prop_assert!(!words.contains("@h") && !words.contains("]("), "{}", words);
            }
            let ours = text.matches("https://us-east-1.console.aws.amazon.com/").count();
            let in_code = text.split('`').skip(1).step_by(2).map(|code| code.matches("://").count()).sum::<usize>();
            proptest::prop_assert_eq!(text.matches("://").count(), ours + in_code, "{}", text);
        }
    }
}
