//! The command for a request that an answer advises to send. Whoever reads it at 3 a.m. does not type JSON.

use serde_json::Value;

use crate::{answer::text, function::Function};

/// Nothing where there is no command for it: then the JSON is shown.
pub(crate) fn command(function: Function, send: &Value) -> Option<String> {
    let field = |name: &str| Some(text(send, name)).filter(|value| !value.is_empty());
    let number = |name: &str| send.get(name).and_then(Value::as_u64);
    let with = |name: &str, command: &str| field(name).map(|value| format!("{command} {}", word(&value)));
    if let Some(decided) = with("approve", "approve").or_else(|| with("reject", "reject")) {
        return Some(format!("lendpeak2 {decided}"));
    }
    // A field that a command does not say would be lost.
    let known = fields(function);
    if send.as_object()?.keys().any(|field| !known.contains(&field.as_str())) {
        return None;
    }
    let command = match function {
        Function::HealthProbe => "health".to_owned(),
        Function::Diagnose => match number("status") {
            Some(status) => format!("diagnose {status}"),
            None => with("symptom", "diagnose").unwrap_or_else(|| "diagnose".to_owned()),
        },
        Function::Rollback => with("to", "rollback")?,
        Function::ScaleUp => match (number("desired_count"), number("by")) {
            (Some(count), _) => format!("scale {count}"),
            (None, Some(more)) => format!("scale +{more}"),
            (None, None) => "scale step".to_owned(),
        },
        Function::Restart => "restart".to_owned(),
        Function::WriteFreeze => with("state", "freeze")?,
        Function::CacheInvalidation => match (field("status"), send.get("paths").and_then(Value::as_array)) {
            (Some(id), _) => format!("invalidate --status {}", word(&id)),
            (None, Some(paths)) => {
                let paths: Vec<String> = paths.iter().filter_map(Value::as_str).map(word).collect();
                format!("invalidate {}", paths.join(" "))
            }
            (None, None) => "invalidate '/*'".to_owned(),
        },
        Function::SnapshotRestore => restore(send)?,
        Function::Incident => return incident(send),
    };
    let overrides =
        if send.get("override").and_then(Value::as_bool) == Some(true) { " --override" } else { "" };
    let reason = field("reason").map(|reason| format!(" --reason {}", word(&reason))).unwrap_or_default();
    // These two have nothing to give a reason for.
    let reason =
        if matches!(function, Function::HealthProbe | Function::Diagnose) { String::new() } else { reason };
    Some(format!("lendpeak2 {command}{overrides}{reason}"))
}

/// A text with commands in the place of requests, as in ``or send {"reject":"0a1b"} to reject it``.
pub(crate) fn inline(text: &str, of: Function) -> String {
    /// What stands before a request, and before a command in its place.
    const BEFORE: [(&str, &str); 3] = [("Send ", "Type "), ("send ", "type "), ("as in ", "as in ")];
    let found = BEFORE.into_iter().filter_map(|(send, r#type)| Some((text.find(send)?, send, r#type)));
    let Some((at, send, r#type)) = found.min() else { return text.to_owned() };
    let (before, rest) = text.split_at(at);
    let rest = rest.strip_prefix(send).unwrap_or(rest);
    match requests(rest, of) {
        Some((commands, after)) => format!("{before}{type}{commands}{}", inline(after, of)),
        None => format!("{before}{send}{}", inline(rest, of)),
    }
}

/// One request, or several, at the beginning of a text: their commands, and what comes after.
fn requests(text: &str, of: Function) -> Option<(String, &str)> {
    const BETWEEN: [&str; 3] = [", ", " or ", " and "];
    let (first, mut after) = request(text, of)?;
    let mut commands = format!("`{first}`");
    while let Some((between, (next, left))) =
        BETWEEN.into_iter().find_map(|between| Some((between, request(after.strip_prefix(between)?, of)?)))
    {
        commands = format!("{commands}{between}`{next}`");
        after = left;
    }
    Some((commands, after))
}

/// `{"to":"previous"}`, `rollback: {"to":"previous"}` or `{"to":"previous"} to rollback`.
fn request(text: &str, of: Function) -> Option<(String, &str)> {
    let named = text.split_once(": {").and_then(|(name, _)| Some((Function::named(name)?, name.len() + 2)));
    let (named, from) = named.map_or((None, 0), |(function, from)| (Some(function), from));
    let json = text.get(from..).filter(|json| json.starts_with('{'))?;
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    let send = values.next()?.ok()?;
    let after = json.get(values.byte_offset()..)?;
    let to = after.strip_prefix(" to ").and_then(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        Some((Function::named(name)?, after))
    });
    match to {
        Some((function, after)) => Some((command(function, &send)?, after)),
        None => Some((command(named.unwrap_or(of), &send)?, after)),
    }
}

/// Lines with commands in the place of requests; whether a line is nothing but one.
pub(crate) fn in_place(lines: &[String], of: Function) -> Vec<(String, bool)> {
    let mut typed: Vec<(String, bool)> = Vec::new();
    for line in lines {
        // `Send to lendpeak2-production-incident`, and the request in the next line.
        let asked = typed.last().and_then(|(before, _)| Some(before.rsplit_once("end to ")?.1.to_owned()));
        let function = asked.as_deref().and_then(Function::named);
        let alone =
            serde_json::from_str(line).ok().and_then(|send: Value| command(function.unwrap_or(of), &send));
        match alone {
            Some(command) => {
                if let Some((before, _)) = typed.last_mut().filter(|_| function.is_some()) {
                    let kept = before.len() - asked.map_or(0, |name| name.len()) - "Send to ".len();
                    before.truncate(kept);
                    before.push_str("Type");
                }
                typed.push((command, true));
            }
            None => typed.push((inline(line, of), false)),
        }
    }
    typed
}

/// The fields of a request that its command says.
fn fields(function: Function) -> &'static [&'static str] {
    match function {
        Function::HealthProbe => &[],
        Function::Diagnose => &["symptom", "status"],
        Function::Rollback => &["to", "override", "reason"],
        Function::ScaleUp => &["service", "desired_count", "by", "override", "reason"],
        Function::Restart => &["override", "reason"],
        Function::WriteFreeze => &["state", "reason"],
        Function::CacheInvalidation => &["paths", "status", "reason"],
        Function::SnapshotRestore => &[
            "list",
            "snapshot",
            "point_in_time",
            "before",
            "continue",
            "set_password_of",
            "cut_over",
            "undo",
            "discard",
            "reason",
        ],
        Function::Incident => {
            &["go", "by", "show", "acknowledge", "take_over", "escalate", "resolve", "reason"]
        }
    }
}

fn restore(send: &Value) -> Option<String> {
    if send.get("list").is_some() {
        return Some("restore list".to_owned());
    }
    [
        ("snapshot", "snapshot"),
        ("point_in_time", "at"),
        ("before", "snapshot --before"),
        ("continue", "continue"),
        ("set_password_of", "set-password"),
        ("cut_over", "cut-over"),
        ("undo", "undo"),
        ("discard", "discard"),
    ]
    .into_iter()
    .find_map(|(field, command)| {
        let value = send.get(field)?.as_str()?;
        Some(format!("restore {command} {}", word(value)))
    })
}

fn incident(send: &Value) -> Option<String> {
    if let Some(whom) = send.get("go").and_then(Value::as_str) {
        return Some(if whom == "all" {
            "lendpeak2 start".to_owned()
        } else {
            format!("lendpeak2 start {}", word(whom))
        });
    }
    let (name, id) = ["show", "acknowledge", "escalate", "resolve"]
        .into_iter()
        .find_map(|field| Some((field, send.get(field)?.as_str()?)))?;
    let name = if name == "acknowledge" { "ack" } else { name };
    let take_over =
        if send.get("take_over").and_then(Value::as_bool) == Some(true) { " --take-over" } else { "" };
    let reason = text(send, "reason");
    let reason = if reason.is_empty() { reason } else { format!(" --reason {}", word(&reason)) };
    Some(format!("lendpeak2 incident {name} {}{take_over}{reason}", word(id)))
}

/// A word as a shell takes it.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::args::Arguments;

    #[track_caller]
    fn check(function: Function, send: &Value, expected: &str) {
        let command = command(function, send).unwrap();
        assert_eq!(command, format!("lendpeak2 {expected}"));
        // Whatever is advised can be typed.
        let typed = command.replace("'not waited for: cooldown'", "x").replace('\'', "");
        let typed = Arguments::try_parse_from(typed.split(' '));
        assert!(typed.is_ok(), "{command}: {}", typed.unwrap_err());
    }

    #[test]
    fn every_request_that_functions_advise_has_a_command() {
        check(Function::Rollback, &json!({ "to": "previous" }), "rollback previous");
        check(Function::Rollback, &json!({ "approve": "0a1b" }), "approve 0a1b");
        check(
            Function::ScaleUp,
            &json!({ "service": "backend", "desired_count": 5, "override": true, "reason": "not waited for: cooldown" }),
            "scale 5 --override --reason 'not waited for: cooldown'",
        );
        check(Function::ScaleUp, &json!({ "by": 2 }), "scale +2");
        check(Function::ScaleUp, &json!({ "reason": "short" }), "scale step --reason short");
        check(Function::Restart, &json!({ "reason": "leak" }), "restart --reason leak");
        check(Function::WriteFreeze, &json!({ "state": "on" }), "freeze on");
        check(Function::CacheInvalidation, &json!({}), "invalidate '/*'");
        check(Function::CacheInvalidation, &json!({ "paths": ["/a", "/b/*"] }), "invalidate /a '/b/*'");
        check(Function::CacheInvalidation, &json!({ "status": "I1" }), "invalidate --status I1");
        check(
            Function::SnapshotRestore,
            &json!({ "point_in_time": "2026-12-01T10:00:00Z" }),
            "restore at 2026-12-01T10:00:00Z",
        );
        check(Function::SnapshotRestore, &json!({ "cut_over": "c-1" }), "restore cut-over c-1");
        check(Function::SnapshotRestore, &json!({ "set_password_of": "c-1" }), "restore set-password c-1");
        check(Function::SnapshotRestore, &json!({ "continue": "c-1" }), "restore continue c-1");
        check(Function::Incident, &json!({ "go": "all", "by": "<your name>" }), "start");
        check(
            Function::Incident,
            &json!({ "acknowledge": "i", "by": "x", "take_over": true }),
            "incident ack i --take-over",
        );
        check(
            Function::Incident,
            &json!({ "resolve": "i", "reason": "<how>" }),
            "incident resolve i --reason '<how>'",
        );
        check(Function::Diagnose, &json!({}), "diagnose");
    }

    #[test]
    fn what_has_no_command_is_left_as_json() {
        assert_eq!(command(Function::Restart, &json!({ "go": "all" })), None);
        assert_eq!(command(Function::Rollback, &json!({})), None);
        assert_eq!(command(Function::SnapshotRestore, &json!({ "report": "x" })), None);
    }

    #[test]
    fn requests_inside_of_a_text_are_commands() {
        for (text, expected) in [
            (
                "approve by 10:00, or send {\"reject\":\"0a1b\"} to reject it",
                "approve by 10:00, or type `lendpeak2 reject 0a1b` to reject it",
            ),
            ("  send lendpeak2-production-scale-up: {\"by\":2}", "  type `lendpeak2 scale +2`"),
            ("to lift it send {\"go\":\"all\",\"by\":\"<your name>\"}", "to lift it type `lendpeak2 start`"),
            (
                "when it is safe, send {\"go\":\"all\"} to incident, which lifts it",
                "when it is safe, type `lendpeak2 start`, which lifts it",
            ),
            (
                "Find the cause. Send {} to lendpeak2-production-diagnose",
                "Find the cause. Type `lendpeak2 diagnose`",
            ),
            ("look for the cause; send {} to diagnose.", "look for the cause; type `lendpeak2 diagnose`."),
            ("send it again", "send it again"),
            (
                "send {\"odd\": 1}, or send {\"reject\":\"x\"}",
                "send {\"odd\": 1}, or type `lendpeak2 reject x`",
            ),
        ] {
            assert_eq!(inline(text, Function::Incident), expected);
        }
        assert_eq!(
            inline(
                "send {\"snapshot\": \"<id>\"}, {\"before\": \"<time>\"} or {\"point_in_time\": \"latest\"}",
                Function::SnapshotRestore
            ),
            "type `lendpeak2 restore snapshot '<id>'`, `lendpeak2 restore snapshot --before '<time>'` or `lendpeak2 restore at latest`"
        );
        assert_eq!(
            inline("name the release, as in {\"to\": \"family:revision\"}", Function::Rollback),
            "name the release, as in `lendpeak2 rollback family:revision`"
        );
    }

    #[test]
    fn a_request_in_a_line_of_its_own_is_a_command() {
        let lines = [
            "You have it? Send to lendpeak2-production-incident",
            "{\"acknowledge\":\"i\",\"by\":\"<your name>\"}",
            "Incident i",
        ];
        let typed = in_place(&lines.map(str::to_owned), Function::Incident);
        assert_eq!(
            typed,
            [
                ("You have it? Type".to_owned(), false),
                ("lendpeak2 incident ack i".to_owned(), true),
                ("Incident i".to_owned(), false)
            ]
        );
    }

    #[test]
    fn a_word_survives_a_shell() {
        for (text, expected) in
            [("a-b:1", "a-b:1"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''"), ("$(rm)", "'$(rm)'")]
        {
            assert_eq!(word(text), expected);
        }
    }
}
