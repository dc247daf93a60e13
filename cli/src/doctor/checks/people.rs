//! Whether somebody hears: the topic of each support level, the pager's, and what SNS could not deliver.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat},
};
use aws_sdk_sns::types::Subscription;

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

/// A support level's topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) number: u8,
    /// The stack's output with its ARN.
    pub(crate) output: &'static str,
    /// The parameter that subscribes an address.
    parameter: &'static str,
}

pub(crate) const LEVELS: [Level; 3] = [
    Level { number: 1, output: "NoticesTopic", parameter: "NoticeEmail" },
    Level { number: 2, output: "Level2Topic", parameter: "Level2Email" },
    Level { number: 3, output: "Level3Topic", parameter: "Level3Email" },
];

const A_DAY: i32 = 86_400;

/// Who is subscribed to a topic. An address that SNS calls is never shown: whoever has a pager's can page people.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listeners {
    /// Their protocols.
    confirmed: Vec<String>,
    /// Protocol, and the address of an e-mail.
    pending: Vec<(String, Option<String>)>,
}

pub(super) async fn level_1(site: &Site) -> Result<Verdict, Unseen> {
    level(site, LEVELS[0]).await
}

pub(super) async fn level_2(site: &Site) -> Result<Verdict, Unseen> {
    level(site, LEVELS[1]).await
}

pub(super) async fn level_3(site: &Site) -> Result<Verdict, Unseen> {
    level(site, LEVELS[2]).await
}

async fn level(site: &Site, level: Level) -> Result<Verdict, Unseen> {
    let topic = site.output(level.output)?;
    Ok(heard(level, topic, &listeners(site, topic).await?))
}

async fn listeners(site: &Site, topic: &str) -> Result<Listeners, Unseen> {
    let client = aws_sdk_sns::Client::new(&site.config);
    let mut pages = client.list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(one) = pages.next().await {
        all.push(one.map_err(|error| {
            let doing = format!("read who is subscribed to {topic}");
            Failure::aws(doing, "sns:ListSubscriptionsByTopic", &error)
        })?);
    }
    Ok(of_subscriptions(&all))
}

fn of_subscriptions(all: &[Subscription]) -> Listeners {
    let mut listeners = Listeners::default();
    for one in all {
        let protocol = one.protocol().unwrap_or_default().to_owned();
        match one.subscription_arn().unwrap_or_default() {
            arn if arn.starts_with("arn:") => listeners.confirmed.push(protocol),
            "PendingConfirmation" => {
                let is_shown = protocol.starts_with("email");
                let address = one.endpoint().filter(|_| is_shown).map(str::to_owned);
                listeners.pending.push((protocol, address));
            }
            // Whoever has left is listed for a while.
            _ => {}
        }
    }
    listeners.confirmed.sort_unstable();
    listeners
}

fn heard(level: Level, topic: &str, listeners: &Listeners) -> Verdict {
    let Listeners { confirmed, pending } = listeners;
    let name = topic.rsplit(':').next().unwrap_or(topic);
    let subscribe = |protocol: &str, address: &str| {
        format!(
            "aws sns subscribe --topic-arn {topic} --protocol {protocol} --notification-endpoint {address}"
        )
    };
    let again = pending.first().map(|(protocol, address)| {
        let address = address.as_deref().unwrap_or("<the same address>");
        format!("{}   # AWS asks once more: follow the link in its mail", subscribe(protocol, address))
    });
    if confirmed.is_empty() {
        let says = match pending.len() {
            0 => format!("nobody is subscribed to {name}"),
            1 => format!("nobody has confirmed a subscription to {name}, and 1 waits for that"),
            count => format!("nobody has confirmed a subscription to {name}, and {count} wait for that"),
        };
        let parameter = level.parameter;
        let mend = again.unwrap_or_else(|| {
            format!("{}   # or name it as {parameter}, and deploy", subscribe("email", "<address>"))
        });
        return match level.number {
            1 => Verdict::bad(says, "SNS drops every notice without an error: nobody is told anything", mend),
            number => Verdict::warn(
                says,
                format!("an incident that level {} does not answer goes up to nobody", number - 1),
                mend,
            ),
        };
    }
    let mut kinds = confirmed.clone();
    kinds.dedup();
    let says = format!("{} confirmed for {name} ({})", confirmed.len(), kinds.join(", "));
    match again {
        Some(again) => Verdict::warn(
            format!("{says}, and {} not", pending.len()),
            "whoever has not confirmed hears nothing, and does not know it",
            again,
        ),
        None => Verdict::ok(says),
    }
}

pub(super) async fn pager(site: &Site) -> Result<Verdict, Unseen> {
    match site.output("PagerTopic") {
        Ok(topic) => Ok(paged(topic, &listeners(site, topic).await?)),
        Err(_) => Ok(Verdict::ok("the stack was deployed without a pager")),
    }
}

fn paged(topic: &str, listeners: &Listeners) -> Verdict {
    if !listeners.confirmed.is_empty() {
        return Verdict::ok(format!("{} confirmed", listeners.confirmed.len()));
    }
    Verdict::bad(
        "the pager has not confirmed its subscription",
        "an incident pages nobody",
        format!(
            "aws sns subscribe --topic-arn {topic} --protocol https --notification-endpoint <PagerUrl>   # a pager \
             confirms by itself, if its address is right"
        ),
    )
}

pub(super) async fn delivery(site: &Site) -> Result<Verdict, Unseen> {
    let topics: Vec<&str> = LEVELS
        .iter()
        .filter_map(|level| site.output(level.output).ok())
        .filter_map(|topic| topic.rsplit(':').next())
        .collect();
    let queries = topics.iter().enumerate().map(|(number, topic)| {
        let metric = Metric::builder()
            .namespace("AWS/SNS")
            .metric_name("NumberOfNotificationsFailed")
            .dimensions(Dimension::builder().name("TopicName").value(*topic).build())
            .build();
        let stat = MetricStat::builder().metric(metric).period(A_DAY).stat("Sum").build();
        MetricDataQuery::builder().id(format!("m{number}")).metric_stat(stat).build()
    });
    let client = aws_sdk_cloudwatch::Client::new(&site.config);
    let now = site.now.as_second();
    let get = client.get_metric_data().set_metric_data_queries(Some(queries.collect()));
    let get = get.start_time(DateTime::from_secs(now - i64::from(A_DAY))).end_time(DateTime::from_secs(now));
    let answer = get.send().await.map_err(|error| {
        Failure::aws("read what SNS could not deliver", "cloudwatch:GetMetricData", &error)
    })?;
    Ok(delivered(&topics, answer.metric_data_results()))
}

fn delivered(topics: &[&str], results: &[MetricDataResult]) -> Verdict {
    let failed = |number: usize| -> f64 {
        let id = format!("m{number}");
        results.iter().filter(|one| one.id() == Some(&id)).flat_map(MetricDataResult::values).sum()
    };
    let failed: Vec<String> = topics
        .iter()
        .enumerate()
        .map(|(number, topic)| (topic, failed(number)))
        .filter(|(_, count)| *count > 0.0)
        .map(|(topic, count)| format!("{count} of {topic}"))
        .collect();
    if failed.is_empty() {
        return Verdict::ok("SNS has delivered every notice of the last 24 h");
    }
    Verdict::warn(
        format!("notices that SNS could not deliver in the last 24 h: {}", failed.join(", ")),
        "somebody who is subscribed was not told: an address that is gone, or a server that refuses",
        "lendpeak2 doctor --ring   # and ask each of them whether it came",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::verdict::Word;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices";

    fn subscription(protocol: &str, arn: &str, endpoint: &str) -> Subscription {
        Subscription::builder().protocol(protocol).subscription_arn(arn).endpoint(endpoint).build()
    }

    fn of(all: &[Subscription], level: usize) -> Verdict {
        heard(LEVELS[level], TOPIC, &of_subscriptions(all))
    }

    #[test]
    fn level_1_without_a_listener_is_bad_and_a_level_above_it_a_warning() {
        let nobody = of(&[], 0);
        assert_eq!(nobody.word, Word::Bad);
        assert_eq!(nobody.says, "nobody is subscribed to lendpeak2-production-notices");
        assert_eq!(of(&[], 1).word, Word::Warn);
        assert_eq!(of(&[], 2).costs, "an incident that level 2 does not answer goes up to nobody");
        let gone = of(&[subscription("email", "Deleted", "ana@example.com")], 0);
        assert_eq!(gone.says, nobody.says);
    }

    #[test]
    fn whoever_has_not_confirmed_is_asked_again_by_the_command() {
        let ana = subscription("email", "PendingConfirmation", "ana@example.com");
        let pending = of(std::slice::from_ref(&ana), 0);
        assert_eq!(pending.word, Word::Bad);
        assert_eq!(
            pending.mend,
            format!(
                "aws sns subscribe --topic-arn {TOPIC} --protocol email --notification-endpoint ana@example.com   # AWS \
                 asks once more: follow the link in its mail"
            )
        );
        let some = of(&[subscription("sqs", &format!("{TOPIC}:1"), "arn:q"), ana], 0);
        assert_eq!(
            (some.word, some.says.as_str()),
            (Word::Warn, "1 confirmed for lendpeak2-production-notices (sqs), and 1 not")
        );
    }

    #[test]
    fn a_pagers_address_is_never_shown() {
        let pager = [subscription("https", "PendingConfirmation", "https://pager.example.com/secret")];
        let verdict = paged(TOPIC, &of_subscriptions(&pager));
        assert_eq!(verdict.word, Word::Bad);
        let level = of(&pager, 0);
        assert!(![verdict, level].iter().any(|verdict| format!("{verdict:?}").contains("secret")));
    }

    #[test]
    fn what_sns_could_not_deliver_is_counted_by_topic() {
        let result = |id: &str, value: f64| MetricDataResult::builder().id(id).values(value).build();
        let topics = ["notices", "level-2"];
        assert_eq!(delivered(&topics, &[]).word, Word::Ok);
        let verdict = delivered(&topics, &[result("m0", 0.0), result("m1", 3.0)]);
        assert_eq!(verdict.word, Word::Warn);
        assert!(verdict.says.ends_with(": 3 of level-2"), "{}", verdict.says);
    }
}
