//! A body that cannot be read, whatever it was to be.

use std::collections::BTreeMap;

use super::*;

#[test]
fn what_is_too_long_is_not_read() {
    let request = |length: usize| format!("{{\"paths\": \"{}\"}}", "x".repeat(length - 13));
    refuses(
        &request(MAX_BODY_BYTES + 1),
        "InvalidRequest",
        "the request has 262145 bytes, but may have 262144",
    );
    let longest = Invocation {
        body: request(MAX_BODY_BYTES),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    assert_eq!(parse(&longest).unwrap().len(), 1);
}

#[test]
fn what_is_nested_too_deeply_is_not_read() {
    let request =
        |levels: usize| format!("{{\"by\": {}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    refuses(&request(MAX_DEPTH + 1), "InvalidRequest", "nested more than 64 levels deep");
    // More than can be read at all.
    refuses(&request(200), "InvalidRequest", "nested more than 64 levels deep");
    let text = format!("{{\"by\": \"\\\"{}\"", "[".repeat(200));
    refuses(&text, "InvalidJson", "EOF while parsing");
    let deepest = Invocation {
        body: request(MAX_DEPTH),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    assert_eq!(parse(&deepest).unwrap().len(), 1);
}

#[test]
fn bad_input_is_named() {
    refuses("", "EmptyRequest", "the request is empty");
    refuses(" \n", "EmptyRequest", "the request is empty");
    refuses("{\"by\": ", "InvalidJson", "EOF while parsing");
    refuses("{\"by\": 1e400}", "InvalidJson", "cannot be read as JSON: number out of range at line 1 column");
    refuses("[1]", "InvalidRequest", "must be a JSON object, and is a list");
    refuses("5", "InvalidRequest", "must be a JSON object, and is a number");
    refuses("\"x\"", "InvalidRequest", "must be a JSON object, and is text");
    refuses("null", "InvalidRequest", "must be a JSON object, and is null");
    // A script without an id sends this, and asks for no restart.
    for field in ["approve", "reject", "desired_count", "by", "paths", "dry_run", "reason"] {
        let says = format!("`{field}` is null: give it a value, or leave it out");
        refuses(&format!("{{\"{field}\": null}}"), "InvalidRequest", &says);
    }
    refuses("true", "InvalidRequest", "must be a JSON object, and is true or false");
    refuses(
        "{\"dry_run\": \"yes\"}",
        "InvalidRequest",
        "`dry_run` must be true or false, not the text \"yes\"",
    );
    refuses("{\"approve\": \"\"}", "InvalidRequest", "`approve` is empty");
    refuses("{\"approve\": \"x\", \"by\": 2}", "InvalidRequest", "`by` beside an approval is the name");
    refuses("{\"approve\": \"x\", \"to\": 2}", "InvalidRequest", "send `approve` without to");
    refuses(
        "{\"approve\": \"x\", \"reject\": \"x\"}",
        "InvalidRequest",
        "send one of `approve` and `reject`",
    );
    refuses("{\"approve\": \"x\", \"ask\": true}", "InvalidRequest", "leave out `ask` and `asked_by`");
    refuses("{\"ask\": \"yes\"}", "InvalidRequest", "`ask` must be true or false");
    refuses("{\"reject\": \" \"}", "InvalidRequest", "`reject` is empty");
    refuses("{\"override\": true, \"reason\": \" \"}", "InvalidRequest", "`override` needs a `reason`");
    refuses("{\"Records\": []}", "UnknownEvent", "top-level keys are: Records");
    refuses("{\"Records\": [{\"s3\": {}}]}", "UnknownEvent", "top-level keys are: Records");
    refuses(
        "{\"detail-type\": \"EC2 Instance\", \"source\": \"aws.ec2\"}",
        "UnknownEvent",
        "`EC2 Instance` from `aws.ec2`",
    );
    refuses("{\"AlarmName\": \"x\"}", "InvalidRequest", "missing field `NewStateValue`");
    refuses("{\"alarmData\": 5, \"alarmArn\": \"x\"}", "InvalidRequest", "this alarm cannot be read");
    let mut bad_time = sns_message(&Value::Null);
    bad_time["StateChangeTime"] = json!("yesterday");
    refuses(&bad_time.to_string(), "InvalidRequest", "`yesterday`");
    let map: BTreeMap<String, u8> = ["source", "detail"].map(|key| (key.to_owned(), 1)).into();
    refuses(&json!(map).to_string(), "UnknownEvent", "top-level keys are: detail, source");
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in ".*", text in "[{}\\[\\]\",:a-zA-Z0-9 .-]{0,60}") {
        let message = json!({ "Records": [record(TOPIC, &text)] }).to_string();
        for body in [body, format!("{{\"AlarmName\":{text}}}"), message] {
            let _ = parse(&Invocation { body, request_id: String::new(), deadline: Timestamp::UNIX_EPOCH, function_arn: String::new() });
        }
    }
}

#[test]
fn a_field_that_is_there_twice_is_refused_at_any_depth() {
    refuses(
        r#"{"dry_run":true,"by":1,"dry_run":false}"#,
        "InvalidRequest",
        "the field `dry_run` is there twice",
    );
    refuses(r#"{"a":[{"b":{"c":1,"c":2}}]}"#, "InvalidRequest", "the field `c` is there twice");
    let message = r#"{"AlarmName":"a","NewStateValue":"OK","NewStateValue":"ALARM"}"#;
    let event = json!({ "Records": [record(TOPIC, message)] });
    refuses(&event.to_string(), "InvalidRequest", "the field `NewStateValue` is there twice");
}
