//! Whether AWS lets the functions do what they have to: each is asked what changes nothing, and its answer and its log are
//! searched for what was denied. What a remedy would write is not tried.

use std::collections::BTreeSet;

use aws_sdk_lambda::{Client, primitives::Blob, types::LogType};
use aws_smithy_types::base64;
use serde_json::Value;

use crate::{
    answer::{Answer, Decision, text},
    aws::FUNCTION_TIMEOUT,
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
    function::Function,
};

/// As AWS's services say it.
const DENIALS: [&str; 3] = ["AccessDenied", "AuthorizationError", "UnauthorizedOperation"];
/// Before the action that was denied.
const BEFORE_ACTION: &str = "not authorized to perform: ";

/// A sample of `events/` that changes nothing.
fn sample(function: Function) -> &'static str {
    match function {
        Function::HealthProbe => include_str!("../../../../events/health-probe/dry-run.json"),
        Function::Diagnose => include_str!("../../../../events/diagnose/all.json"),
        Function::Incident => include_str!("../../../../events/incident/list.json"),
        Function::ScaleUp => include_str!("../../../../events/scale-up/dry-run.json"),
        Function::Rollback => include_str!("../../../../events/rollback/dry-run.json"),
        Function::Restart => include_str!("../../../../events/restart/dry-run.json"),
        Function::WriteFreeze => include_str!("../../../../events/write-freeze/dry-run.json"),
        Function::SnapshotRestore => include_str!("../../../../events/snapshot-restore/dry-run.json"),
        Function::CacheInvalidation => include_str!("../../../../events/cache-invalidation/dry-run.json"),
    }
}

/// What came of asking one function.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Well,
    /// Its mode is off: it looked at nothing.
    Off,
    /// What it could not see.
    Partly(String),
    Denied(BTreeSet<String>),
    Failed(String),
}

pub(super) async fn suffice(site: &Site) -> Result<Verdict, Unseen> {
    let timeouts =
        aws_config::timeout::TimeoutConfig::builder().operation_attempt_timeout(FUNCTION_TIMEOUT).build();
    let config = aws_sdk_lambda::config::Builder::from(&site.config).timeout_config(timeouts).build();
    let client = Client::from_conf(config);
    let mut asked = tokio::task::JoinSet::new();
    for (function, name) in site.functions() {
        let (client, name) = (client.clone(), name.to_owned());
        asked.spawn(async move { Ok((function, ask(&client, function, &name).await?)) });
    }
    let answers: Vec<Result<(Function, Seen), Unseen>> = asked.join_all().await;
    let mut seen = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    seen.sort_by_key(|(function, _)| *function);
    Ok(of_all(&seen, &site.stack.environment))
}

async fn ask(client: &Client, function: Function, name: &str) -> Result<Seen, Unseen> {
    let invoke =
        client.invoke().function_name(name).log_type(LogType::Tail).payload(Blob::new(sample(function)));
    let answered = invoke
        .send()
        .await
        .map_err(|error| Failure::aws(format!("ask {name}"), "lambda:InvokeFunction", &error))?;
    let payload = answered.payload().map(Blob::as_ref).unwrap_or_default();
    let log = answered.log_result().and_then(|log| base64::decode(log).ok()).unwrap_or_default();
    let answer = serde_json::from_slice(payload).unwrap_or_default();
    Ok(of_one(&answer, answered.function_error().is_some(), &String::from_utf8_lossy(&log)))
}

fn of_one(answer: &Value, has_failed: bool, log: &str) -> Seen {
    let mut denied = denials(&answer.to_string());
    denied.extend(denials(log));
    if !denied.is_empty() {
        return Seen::Denied(denied);
    }
    if has_failed || !answer.is_object() {
        let message = text(answer, "errorMessage");
        return Seen::Failed(if message.is_empty() { "its log says why".to_owned() } else { message });
    }
    let unseen: Vec<String> = answer
        .get("not_seen")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| format!("{} ({})", text(one, "source"), text(one, "why")))
        .collect();
    if !unseen.is_empty() {
        return Seen::Partly(unseen.join(", "));
    }
    let read = Answer::of(answer);
    match read.decision {
        Decision::Refused if read.code == "mode_off" => Seen::Off,
        // A target that does not exist, or an input that is not right, is a refusal with a reason.
        Decision::Failed => Seen::Failed(read.in_a_line().to_owned()),
        _ => Seen::Well,
    }
}

/// The actions that were denied; where AWS names none, its word for it.
fn denials(said: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for word in DENIALS {
        for (at, _) in said.match_indices(word) {
            let rest = said.get(at..).unwrap_or_default();
            let action = rest.split_once(BEFORE_ACTION).map(|(_, rest)| {
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-')).collect()
            });
            all.insert(
                action.filter(|action: &String| action.contains(':')).unwrap_or_else(|| word.to_owned()),
            );
        }
    }
    all
}

fn of_all(seen: &[(Function, Seen)], environment: &str) -> Verdict {
    let words = |of: &dyn Fn(&Seen) -> Option<String>| -> Vec<String> {
        seen.iter()
            .filter_map(|(function, seen)| Some(format!("{} ({})", function.name(), of(seen)?)))
            .collect()
    };
    let denied = words(&|seen| match seen {
        Seen::Denied(actions) => Some(actions.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
        _ => None,
    });
    if !denied.is_empty() {
        return Verdict::bad(
            format!("AWS denies: {}", denied.join("; ")),
            "what these read or do is refused in an outage too",
            format!("make deploy ENV={environment}   # a policy of your organization may deny it as well"),
        );
    }
    let failed = words(&|seen| match seen {
        Seen::Failed(why) => Some(why.clone()),
        _ => None,
    });
    if let Some((function, _)) = seen.iter().find(|(_, seen)| matches!(seen, Seen::Failed(_))) {
        return Verdict::bad(
            format!("asked what changes nothing, these fail: {}", failed.join("; ")),
            "they fail in an outage too",
            format!("lendpeak2 logs --function {} --since 15m", function.name()),
        );
    }
    let partly = words(&|seen| match seen {
        Seen::Partly(what) => Some(what.clone()),
        _ => None,
    });
    if !partly.is_empty() {
        return Verdict::warn(
            format!("not seen: {}", partly.join("; ")),
            "a cause that shows there is not found",
            "lendpeak2 diagnose",
        );
    }
    let off = seen.iter().filter(|(_, seen)| *seen == Seen::Off).count();
    let all = seen.len();
    match off {
        0 => Verdict::ok(format!(
            "{all} functions were asked what changes nothing, and AWS denied them nothing"
        )),
        off => Verdict::ok(format!(
            "{} functions were asked what changes nothing, and AWS denied them nothing; {off} are off, and were not tried",
            all - off
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::verdict::Word;

    #[test]
    fn what_is_denied_is_found_wherever_it_is_said() {
        let words = "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: ecs:UpdateService on \
                     resource: x";
        let answer = json!({ "decision": "failed", "steps": [{ "error": format!("AccessDeniedException: {words}") }] });
        assert_eq!(of_one(&answer, false, ""), Seen::Denied(["ecs:UpdateService".to_owned()].into()));
        let log = format!("{{\"message\":\"AuthorizationErrorException: {words}\"}}\n");
        assert_eq!(
            of_one(&json!({ "decision": "observed" }), false, &log),
            Seen::Denied(["ecs:UpdateService".to_owned()].into())
        );
        assert_eq!(
            of_one(&json!({ "decision": "observed" }), false, "UnauthorizedOperation"),
            Seen::Denied(["UnauthorizedOperation".to_owned()].into())
        );
    }

    #[test]
    fn a_refusal_is_an_answer_and_an_error_is_none() {
        assert_eq!(of_one(&json!({ "decision": "refused", "code": "cooldown" }), false, ""), Seen::Well);
        assert_eq!(of_one(&json!({ "decision": "refused", "code": "mode_off" }), false, ""), Seen::Off);
        assert_eq!(of_one(&json!({ "healthy": false }), false, ""), Seen::Well);
        assert_eq!(of_one(&json!({ "errorMessage": "no" }), true, ""), Seen::Failed("no".to_owned()));
        assert_eq!(of_one(&Value::Null, false, ""), Seen::Failed("its log says why".to_owned()));
        let partly = json!({ "not_seen": [{ "source": "database logs", "why": "no such log group" }] });
        assert_eq!(of_one(&partly, false, ""), Seen::Partly("database logs (no such log group)".to_owned()));
    }

    #[test]
    fn the_worst_is_said_first() {
        let of = |seen: &[Seen]| {
            let seen: Vec<(Function, Seen)> =
                [Function::Diagnose, Function::Rollback].into_iter().zip(seen.iter().cloned()).collect();
            of_all(&seen, "production")
        };
        let denied = of(&[Seen::Partly("x".to_owned()), Seen::Denied(["ecs:ListTasks".to_owned()].into())]);
        assert_eq!((denied.word, denied.says.as_str()), (Word::Bad, "AWS denies: rollback (ecs:ListTasks)"));
        let failed = of(&[Seen::Failed("no".to_owned()), Seen::Well]);
        assert_eq!(failed.mend, "lendpeak2 logs --function diagnose --since 15m");
        assert_eq!(of(&[Seen::Partly("x".to_owned()), Seen::Well]).word, Word::Warn);
        assert!(of(&[Seen::Well, Seen::Off]).says.ends_with("1 are off, and were not tried"));
    }

    #[test]
    fn every_sample_changes_nothing() {
        for function in Function::ALL {
            let sample: Value = serde_json::from_str(sample(function)).unwrap();
            let looks = sample["dry_run"] == true || sample == json!({}) || sample == json!({ "list": true });
            assert!(looks, "{}: {sample}", function.name());
        }
    }
}
