//! What the application logged as errors in the last hour, counted by shape while it is read: memory depends on how
//! many shapes there are, not on how many events.

use std::collections::HashMap;

use aws_sdk_cloudwatchlogs::{Client, types::FilteredLogEvent};
use jiff::{SignedDuration, Timestamp};
use shared::{aws, text};

use super::{Reader, Seen, Why, seen, why};
use crate::evidence::{LogGroup, Logs, NotSeen};

/// One pass over an hour's lines, by a regular expression of CloudWatch's, which knows `|` and `[]` and no other case:
/// a term by itself (the guide's `ERROR`) does not find `MongoServerError:`, winston's `"level":"error"` or pino's
/// `"level":50`. `FilterLogEvents` costs nothing by itself, whatever it reads; a line without any of these words is not
/// transferred, and those that are no error after all are left out here ([`is_error`]).
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html>
pub const PATTERN: &str =
    "%[Ee]rror|ERROR|Exception|[Ff]atal|FATAL|CRITICAL|SEVERE|Traceback|panic|level.:.?[56]0%";
const SINCE: SignedDuration = SignedDuration::from_hours(1);
/// AWS gives at most 10,000 events or 1 MB a page; a page with nothing in it can still have a next one.
const MAX_PAGES: usize = 30;
const MAX_EVENTS: u64 = 20_000;
/// More than that are counted together.
const MAX_SHAPES: usize = 500;
const TOLD: usize = 10;

pub(super) async fn logs(reader: &Reader) -> Result<Option<Seen>, Why> {
    let logs = read(&Client::new(&reader.config), &reader.settings.log_group, reader.at).await?;
    let not_seen = (!logs.complete).then(|| NotSeen {
        source: "some of the errors in the log".to_owned(),
        why: format!("there are more than the {} of the last hour that were read", logs.errors),
    });
    Ok(seen(move |evidence| {
        evidence.logs = Some(logs);
        evidence.not_seen.extend(not_seen);
    }))
}

async fn read(client: &Client, group: &str, at: Timestamp) -> Result<Logs, Why> {
    let since = at - SINCE;
    let mut counted = Counted::default();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .filter_log_events()
            .log_group_name(group)
            .filter_pattern(PATTERN)
            .start_time(since.as_millisecond())
            .end_time(at.as_millisecond())
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("read the errors in log group", group, &error)))?;
        for event in page.events.unwrap_or_default() {
            if event.message().is_some_and(is_error) {
                counted.add(&event);
            }
        }
        from = page.next_token;
        if from.is_none() || counted.errors >= MAX_EVENTS {
            break;
        }
    }
    Ok(counted.told(since, from.is_none()))
}

/// Whether a line tells of an error, as applications really write them: by its level where it has one, else by what an
/// uncaught error begins with.
pub fn is_error(line: &str) -> bool {
    const LEVELS: &[&str] = &["ERROR", "FATAL", "CRITICAL", "SEVERE", "EMERG", "ALERT", "CRIT", "PANIC"];
    const NO_ERROR: &[&str] = &["INFO", "DEBUG", "TRACE", "NOTICE", "VERBOSE", "WARN", "WARNING"];
    /// Of loggers that write their level small.
    const SMALL: &[&str] =
        &["[error]", "[crit]", "[fatal]", "level=error", "level=fatal", "error:", "fatal:"];
    const SMALL_NO_ERROR: &[&str] =
        &["[info]", "[debug]", "[warn]", "level=info", "level=debug", "level=warn"];
    /// The level stands at the beginning, after a time, a process and the like.
    const FIRST_WORDS: usize = 8;
    let line = line.trim_start();
    if let Some(level) = level(line) {
        return level;
    }
    // A line of a stack, of whichever error.
    if line.starts_with("at ") {
        return false;
    }
    let words = || line.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let level = words().take(FIRST_WORDS).find(|word| LEVELS.contains(word) || NO_ERROR.contains(word));
    if let Some(word) = level {
        return LEVELS.contains(&word);
    }
    let small = line.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| small.contains(word));
    !says(SMALL_NO_ERROR) && (says(SMALL) || words().any(is_thrown) || small.contains("panicked at"))
}

/// By its level, where a line is JSON with one: a word (winston, logrus) or a number (pino, bunyan).
fn level(line: &str) -> Option<bool> {
    const ERROR: u64 = 50;
    if !line.starts_with('{') {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let level =
        ["level", "severity", "log.level", "levelname", "lvl"].iter().find_map(|name| value.get(name))?;
    match level {
        serde_json::Value::Number(number) => Some(number.as_u64()? >= ERROR),
        serde_json::Value::String(level) => {
            let level = level.to_ascii_lowercase();
            Some(
                ["error", "fatal", "crit", "severe", "emerg", "alert", "panic"]
                    .iter()
                    .any(|one| level.starts_with(one)),
            )
        }
        _ => None,
    }
}

/// What programs name their errors: `Error`, `MongoServerError`, `java.lang.IllegalStateException`, `Traceback`.
fn is_thrown(word: &str) -> bool {
    word.ends_with("Error")
        || word.ends_with("Exception")
        || ["FATAL", "Fatal", "Traceback", "panic"].contains(&word)
}

#[derive(Default)]
struct Counted {
    errors: u64,
    shapes: HashMap<String, LogGroup>,
}

impl Counted {
    fn add(&mut self, event: &FilteredLogEvent) {
        self.errors += 1;
        let mut shape = text::log_line(event.message().unwrap_or_default());
        if self.shapes.len() >= MAX_SHAPES && !self.shapes.contains_key(&shape) {
            "other errors".clone_into(&mut shape);
        }
        let at = event.timestamp().and_then(|at| Timestamp::from_millisecond(at).ok());
        let group = self.shapes.entry(shape).or_default();
        group.count += 1;
        group.first = [group.first, at].into_iter().flatten().min();
        group.last = group.last.max(at);
    }

    fn told(self, since: Timestamp, complete: bool) -> Logs {
        let mut groups: Vec<LogGroup> =
            self.shapes.into_iter().map(|(shape, group)| LogGroup { shape, ..group }).collect();
        groups.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.shape.cmp(&other.shape)));
        groups.truncate(TOLD);
        Logs { since: Some(since), errors: self.errors, complete, groups }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    #[tokio::test]
    async fn a_log_without_an_end_is_left_and_is_not_complete() {
        let endless = mock!(Client::filter_log_events).then_output(|| {
            let error = FilteredLogEvent::builder().message("ERROR no").build();
            FilterLogEventsOutput::builder().events(error).next_token("n").build()
        });
        let client = mock_client!(aws_sdk_cloudwatchlogs, RuleMode::MatchAny, &[&endless]);
        let logs = read(&client, "/ecs/backend", Timestamp::UNIX_EPOCH + SINCE).await.unwrap();
        assert_eq!((logs.complete, logs.errors), (false, 30));
    }

    #[test]
    fn events_are_counted_by_their_shape_and_the_most_frequent_are_told() {
        let at: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
        let mut counted = Counted::default();
        for number in 1_000..2_000_i64 {
            let kind = if number % 4 == 0 { "refused" } else { "timed out" };
            let message = format!("ERROR call {number} {kind}");
            let event = FilteredLogEvent::builder().message(message).timestamp(at.as_millisecond() + number);
            counted.add(&event.build());
        }
        let logs = counted.told(at, true);
        let told: Vec<(&str, u64)> =
            logs.groups.iter().map(|group| (group.shape.as_str(), group.count)).collect();
        assert_eq!(
            (logs.errors, told),
            (1_000, vec![("ERROR call <…> timed out", 750), ("ERROR call <…> refused", 250)])
        );
    }

    #[test]
    fn errors_are_found_as_applications_write_them() {
        #[track_caller]
        fn check(pattern: &regex_lite::Regex, line: &str, expected: bool) {
            assert_eq!(pattern.is_match(line) && is_error(line), expected, "{line}");
        }
        let pattern = regex_lite::Regex::new(PATTERN.trim_matches('%')).unwrap();
        for line in [
            "ERROR could not send e-mail",
            "2026-11-24T14:00:00.000Z ERROR [http] boom",
            "[2026-11-24 14:00:00,000] ERROR in app: boom",
            "E1124 14:00:00.000000 1 main.go:12] Error: boom",
            "MongoServerError: Authentication failed.",
            "Error: connect ECONNREFUSED 10.0.3.4:27017",
            r#"{"level":"error","message":"boom","timestamp":"2026-11-24T14:00:00Z"}"#,
            r#"{"level":50,"time":1,"pid":1,"msg":"boom"}"#,
            r#"{"level": 60, "msg": "boom"}"#,
            r#"{"severity":"ERROR","message":"boom"}"#,
            r#"{"levelname":"CRITICAL","message":"boom"}"#,
            "Traceback (most recent call last):",
            "pymongo.errors.ServerSelectionTimeoutError: timed out",
            "Exception in thread \"main\" java.lang.IllegalStateException: boom",
            "FATAL: password authentication failed for user",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "thread 'main' panicked at src/main.rs:1:1:",
            "time=\"2026-11-24T14:00:00Z\" level=error msg=boom",
            "2026/11/24 14:00:00 [error] 31#31: *1 connect() failed",
            "SEVERE: Servlet.service() threw an exception",
            "UnhandledPromiseRejectionWarning: TypeError: x is not a function",
        ] {
            check(&pattern, line, true);
        }
        for line in [
            "INFO the import ended with 0 errors",
            "2026-11-24T14:00:00Z INFO error handler is ready",
            "WARN worker thread pool resized after an error",
            r#"{"level":"info","message":"error page rendered"}"#,
            r#"{"level":30,"msg":"last error was an hour ago"}"#,
            "    at Object.<anonymous> (/app/errors/Error.js:10:5)",
            "time=\"2026-11-24T14:00:00Z\" level=info msg=\"no error\"",
            "10.0.0.1 - - \"GET /loans HTTP/1.1\" 200 12",
        ] {
            check(&pattern, line, false);
        }
    }

    #[test]
    fn ever_new_shapes_do_not_fill_the_memory() {
        let mut counted = Counted::default();
        let letters = |number: u32| -> String {
            number
                .to_string()
                .chars()
                .map(|digit| char::from(b'a' + u8::try_from(digit).unwrap_or(b'0') - b'0'))
                .collect()
        };
        for number in 0..20_000 {
            counted.add(&FilteredLogEvent::builder().message(format!("ERROR {}", letters(number))).build());
        }
        assert!(counted.shapes.len() <= MAX_SHAPES + 1);
        assert_eq!(counted.told(Timestamp::UNIX_EPOCH, true).groups[0].shape, "other errors");
    }
}
