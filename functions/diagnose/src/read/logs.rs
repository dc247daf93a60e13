//! What the application logged as errors in the last hour, counted by shape while it is read: memory depends on how
//! many shapes there are, not on how many events.

use std::collections::HashMap;

use aws_sdk_cloudwatchlogs::{Client, types::FilteredLogEvent};
use jiff::{SignedDuration, Timestamp};
use shared::{aws, text};

use super::{Reader, Seen, Why, seen, why};
use crate::evidence::{LogGroup, Logs};

/// The guide's own pattern.
const PATTERN: &str = "ERROR";
const SINCE: SignedDuration = SignedDuration::from_hours(1);
/// AWS gives at most 10,000 events or 1 MB a page; a page with nothing in it can still have a next one.
const MAX_PAGES: usize = 30;
const MAX_EVENTS: u64 = 20_000;
/// More than that are counted together.
const MAX_SHAPES: usize = 500;
const TOLD: usize = 10;

pub(super) async fn logs(reader: &Reader) -> Result<Option<Seen>, Why> {
    let client = Client::new(&reader.config);
    let since = reader.at - SINCE;
    let group = &reader.settings.log_group;
    let mut counted = Counted::default();
    let mut from = None;
    let mut complete = false;
    for _ in 0..MAX_PAGES {
        let page = client
            .filter_log_events()
            .log_group_name(group)
            .filter_pattern(PATTERN)
            .start_time(since.as_millisecond())
            .end_time(reader.at.as_millisecond())
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("read the errors in log group", group.as_str(), &error)))?;
        for event in page.events.unwrap_or_default() {
            counted.add(&event);
        }
        from = page.next_token;
        if from.is_none() {
            complete = true;
            break;
        }
        if counted.errors >= MAX_EVENTS {
            break;
        }
    }
    let logs = counted.told(since, complete);
    Ok(seen(move |evidence| evidence.logs = Some(logs)))
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
    use super::*;

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
