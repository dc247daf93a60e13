//! How the runbook stands: what stops it, what waits for a person, and whether it runs.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricStat},
};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    answer::text,
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
    ledger::{Ledger, Plan},
    time,
};

/// The probe runs every minute, and CloudWatch is a minute late.
const PROBED_WITHIN: SignedDuration = SignedDuration::from_mins(3);
const PROBE_LOOKED_BACK_SECONDS: i64 = 900;
const A_MINUTE: i32 = 60;

fn listed<'a>(status: &'a Value, name: &str) -> &'a [Value] {
    status.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) async fn kill_switch(site: &Site) -> Result<Verdict, Unseen> {
    Ok(stopped(site.status().await?))
}

fn stopped(status: &Value) -> Verdict {
    let switches = listed(status, "switches");
    let Some(first) = switches.first() else { return Verdict::ok("no kill switch is on") };
    let says: Vec<String> = switches.iter().map(switch).collect();
    let name = text(first, "name");
    let start = if name == "all" { "lendpeak2 start".to_owned() } else { format!("lendpeak2 start {name}") };
    let stops_all = switches.iter().any(|switch| text(switch, "stops") == "all");
    let all: Vec<String> = switches.iter().map(|switch| text(switch, "stops")).collect();
    if stops_all {
        return Verdict::bad(says.join("; "), "no remedy does anything, whatever happens", start);
    }
    Verdict::warn(says.join("; "), format!("{} changes nothing, whatever happens", all.join(" and ")), start)
}

/// As in `the kill switch all is on since 2026-12-01 10:00:00 (Ana: a migration)`.
fn switch(switch: &Value) -> String {
    let [name, at, until, by, reason] =
        ["name", "at", "until", "by", "reason"].map(|name| text(switch, name));
    let since = if at.is_empty() { at } else { format!(" since {}", time::readable(&at)) };
    let until = if until.is_empty() { until } else { format!(" until {}", time::readable(&until)) };
    let who: Vec<String> = [by, reason].into_iter().filter(|word| !word.is_empty()).collect();
    let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(": ")) };
    format!("the kill switch {name} is on{since}{until}{who}")
}

pub(super) async fn incidents(site: &Site) -> Result<Verdict, Unseen> {
    Ok(open(site.status().await?))
}

fn open(status: &Value) -> Verdict {
    let open = listed(status, "open");
    if open.is_empty() {
        return Verdict::ok("no incident is open");
    }
    let is_taken = |incident: &&Value| incident.get("acknowledged").is_some_and(Value::is_object);
    let free = open.iter().find(|incident| !is_taken(incident));
    let titles: Vec<String> = open
        .iter()
        .map(|incident| format!("{} ({})", text(incident, "title"), text(incident, "severity")))
        .collect();
    let says = format!("open: {}", titles.join(", "));
    match free {
        Some(incident) => Verdict::warn(
            says,
            "nobody has it yet",
            format!("lendpeak2 incident ack {}", text(incident, "incident")),
        ),
        None => Verdict::ok(format!("{says}, and somebody has it")),
    }
}

pub(super) async fn plans(site: &Site) -> Result<Verdict, Unseen> {
    let ledger = Ledger::new(aws_sdk_dynamodb::Client::new(&site.config), site.stack.ledger()?);
    Ok(waiting(&ledger.plans(site.now).await?, site.now))
}

fn waiting(plans: &[Plan], now: Timestamp) -> Verdict {
    let Some(first) = plans.first() else { return Verdict::ok("no plan waits for approval") };
    let what = format!("{} ({})", first.actions.join(", "), first.function.name());
    let more = if plans.len() == 1 { String::new() } else { format!(", and {} more", plans.len() - 1) };
    Verdict::warn(
        format!("a plan waits for approval: {what}{more}"),
        format!(
            "nothing is done until somebody decides, and it expires in {}",
            time::spoken(first.expires.duration_since(now))
        ),
        format!("lendpeak2 approve {}   # or reject", first.id),
    )
}

pub(super) async fn dead_letters(site: &Site) -> Result<Verdict, Unseen> {
    let queue = site.output("DeadLettersQueue")?;
    let client = aws_sdk_sqs::Client::new(&site.config);
    let get = client.get_queue_attributes().queue_url(queue);
    let answer = get.attribute_names(QueueAttributeName::ApproximateNumberOfMessages).send().await;
    let answer = answer
        .map_err(|error| Failure::aws("read the dead-letter queue", "sqs:GetQueueAttributes", &error))?;
    let count = answer.attributes().and_then(|all| all.get(&QueueAttributeName::ApproximateNumberOfMessages));
    let count = count.and_then(|count| count.parse().ok());
    count
        .map(|count| undelivered(queue, count))
        .ok_or_else(|| Unseen::new("SQS does not say how many messages the dead-letter queue has"))
}

fn undelivered(queue: &str, count: u64) -> Verdict {
    if count == 0 {
        return Verdict::ok("no run has failed for good, and no event was left undelivered");
    }
    Verdict::warn(
        format!("{count} runs failed for good, or events were not delivered"),
        "what they were to do was not done, unless a later run did it",
        format!(
            "aws sqs receive-message --queue-url {queue} --max-number-of-messages 10 --attribute-names All   # when they \
             are read: aws sqs purge-queue --queue-url {queue}"
        ),
    )
}

pub(super) async fn probe(site: &Site) -> Result<Verdict, Unseen> {
    let environment = Dimension::builder().name("Environment").value(&site.stack.environment).build();
    let metric =
        Metric::builder().namespace("LendPeak2").metric_name("Healthy").dimensions(environment).build();
    let stat = MetricStat::builder().metric(metric).period(A_MINUTE).stat("Minimum").build();
    let now = site.now.as_second();
    let client = aws_sdk_cloudwatch::Client::new(&site.config);
    let get = client
        .get_metric_data()
        .metric_data_queries(MetricDataQuery::builder().id("healthy").metric_stat(stat).build())
        .start_time(DateTime::from_secs(now - PROBE_LOOKED_BACK_SECONDS))
        .end_time(DateTime::from_secs(now));
    let answer = get
        .send()
        .await
        .map_err(|error| Failure::aws("read what the probe measured", "cloudwatch:GetMetricData", &error))?;
    let results = answer.metric_data_results().iter();
    let points =
        results.flat_map(|one| one.timestamps().iter().map(DateTime::secs).zip(one.values().iter().copied()));
    let newest = points.max_by_key(|(at, _)| *at);
    Ok(probed(newest, site.now))
}

/// The newest value, and the second in which its minute began.
fn probed(newest: Option<(i64, f64)>, now: Timestamp) -> Verdict {
    let mend = "lendpeak2 logs --function health-probe --since 1h";
    let blind = "nobody notices an outage before users do, and rollback knows no release that is good";
    let Some((minute, value)) = newest else {
        return Verdict::bad("the probe has not run for 15 minutes", blind, mend);
    };
    let ended = Timestamp::from_second(minute + i64::from(A_MINUTE)).unwrap_or(now);
    let ago = now.duration_since(ended);
    if ago > PROBED_WITHIN {
        return Verdict::bad(
            format!("the probe ran {} ago, and should every minute", time::spoken(ago)),
            blind,
            mend,
        );
    }
    let at = Timestamp::from_second(minute).unwrap_or(now);
    if value < 1.0 {
        // The newest minute that CloudWatch has: it may be over.
        return Verdict::warn(
            format!("the probe failed at {} UTC, the last time that is known", time::of_day(at)),
            "users met an error then, and do so still unless it is over",
            "lendpeak2 health",
        );
    }
    Verdict::ok(format!("the probe passed at {} UTC", time::of_day(at)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{doctor::verdict::Word, function::Function};

    fn now() -> Timestamp {
        "2026-12-01T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_switch_of_all_is_bad_and_that_of_one_function_a_warning() {
        let on = |name: &str, stops: &str| {
            json!({ "switches": [{ "name": name, "stops": stops, "by": "Ana", "reason": "a migration",
                "at": "2026-12-01T09:00:00.5Z", "until": "" }] })
        };
        assert_eq!(stopped(&json!({ "switches": [] })), Verdict::ok("no kill switch is on"));
        assert_eq!(
            stopped(&on("all", "all")),
            Verdict::bad(
                "the kill switch all is on since 2026-12-01 09:00:00 (Ana: a migration)",
                "no remedy does anything, whatever happens",
                "lendpeak2 start"
            )
        );
        // A misspelt name stops all.
        assert_eq!(stopped(&on("scaleup", "all")).mend, "lendpeak2 start scaleup");
        let one = stopped(&on("scale-up", "scale-up"));
        assert_eq!(
            (one.word, one.costs.as_str()),
            (Word::Warn, "scale-up changes nothing, whatever happens")
        );
    }

    #[test]
    fn an_incident_that_nobody_has_is_a_warning() {
        let incident = |taken: Value| json!({ "open": [{ "incident": "i-1", "title": "Service down", "severity": "high", "acknowledged": taken }] });
        let free = open(&incident(Value::Null));
        assert_eq!((free.word, free.mend.as_str()), (Word::Warn, "lendpeak2 incident ack i-1"));
        assert_eq!(open(&incident(json!({ "by": "Ana" }))).word, Word::Ok);
        assert_eq!(open(&json!({})), Verdict::ok("no incident is open"));
    }

    #[test]
    fn a_plan_that_waits_says_how_long_it_does() {
        let plan = Plan {
            id: "0a1b".to_owned(),
            function: Function::Restart,
            target: String::new(),
            actions: vec!["restart backend".to_owned()],
            reason: String::new(),
            expires: "2026-12-01T10:20:00Z".parse().unwrap(),
            approved_by: Vec::new(),
            data: Value::Null,
        };
        assert_eq!(
            waiting(&[plan.clone(), plan], now()),
            Verdict::warn(
                "a plan waits for approval: restart backend (restart), and 1 more",
                "nothing is done until somebody decides, and it expires in 20 min",
                "lendpeak2 approve 0a1b   # or reject"
            )
        );
        assert_eq!(waiting(&[], now()).word, Word::Ok);
    }

    #[test]
    fn a_dead_letter_is_to_be_read() {
        assert_eq!(undelivered("q", 0).word, Word::Ok);
        assert!(undelivered("q", 3).mend.starts_with("aws sqs receive-message --queue-url q "));
    }

    #[test]
    fn a_probe_that_stands_still_is_bad_and_one_that_fails_a_warning() {
        let at = |seconds_ago: i64, value| probed(Some((now().as_second() - seconds_ago, value)), now()).word;
        assert_eq!((at(60, 1.0), at(240, 1.0), at(241, 1.0)), (Word::Ok, Word::Ok, Word::Bad));
        assert_eq!(at(60, 0.0), Word::Warn);
        // It may be over by then.
        let failed = probed(Some((now().as_second() - 60, 0.0)), now());
        assert_eq!(failed.says, "the probe failed at 09:59:00 UTC, the last time that is known");
        assert_eq!(probed(None, now()).says, "the probe has not run for 15 minutes");
    }
}
