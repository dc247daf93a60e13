//! Subscriptions by e-mail. Nobody in the sandbox follows the link in AWS's mail, so each of them waits for ever; the local
//! AWS takes them for confirmed.

use bytes::Bytes;
use http::request::Parts;
use http_body_util::BodyExt;
use serde_json::Value;

use super::Answer;
use super::call::Call;
use super::forward::Upstream;
use super::moto::in_text;

const CONFIRMED: &str = "SubscriptionsConfirmed";
const PENDING: &str = "SubscriptionsPending";

pub(super) async fn answer(call: &Call, parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
    match call.operation.as_str() {
        "ListSubscriptionsByTopic" => in_text(upstream.forward(parts, body).await, pending).await,
        "GetTopicAttributes" => {
            let topic = call.request.get("TopicArn").and_then(Value::as_str).unwrap_or_default();
            let mails = count(topic, parts.clone(), upstream).await;
            in_text(upstream.forward(parts, body).await, |answer| recounted(answer, mails)).await
        }
        _ => upstream.forward(parts, body).await,
    }
}

/// How many of a topic's subscriptions are by e-mail.
async fn count(topic: &str, parts: Parts, upstream: &Upstream) -> usize {
    let list = format!("Action=ListSubscriptionsByTopic&Version=2010-03-31&TopicArn={topic}");
    let Ok(body) = upstream.forward(parts, list.into()).await.into_body().collect().await;
    String::from_utf8_lossy(&body.to_bytes()).split("<member>").filter(|member| is_mail(member)).count()
}

fn is_mail(member: &str) -> bool {
    member.contains("<Protocol>email")
}

/// (<https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>)
fn pending(answer: &str) -> String {
    let members = answer.split("<member>").map(|member| match member.split_once("</SubscriptionArn>") {
        Some((_, rest)) if is_mail(member) => {
            format!("<SubscriptionArn>PendingConfirmation</SubscriptionArn>{rest}")
        }
        _ => member.to_owned(),
    });
    members.collect::<Vec<_>>().join("<member>")
}

fn recounted(answer: &str, mails: usize) -> String {
    let value = |name: &str| format!("<key>{name}</key><value>");
    let is = |name: &str| -> usize {
        let (_, rest) = answer.split_once(&value(name)).unwrap_or_default();
        rest.split('<').next().and_then(|count| count.parse().ok()).unwrap_or_default()
    };
    let (confirmed, waiting) = (is(CONFIRMED), is(PENDING));
    let set = |name: &str, was: usize, now: usize| {
        (format!("{}{was}<", value(name)), format!("{}{now}<", value(name)))
    };
    let (from, to) = set(CONFIRMED, confirmed, confirmed.saturating_sub(mails));
    let answer = answer.replace(&from, &to);
    let (from, to) = set(PENDING, waiting, waiting + mails);
    answer.replace(&from, &to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_subscription_by_mail_waits() {
        let member = |arn: &str, protocol: &str| {
            format!(
                "<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>{protocol}</Protocol></member>"
            )
        };
        let listed =
            format!("<Subscriptions>{}{}</Subscriptions>", member("arn:1", "sqs"), member("arn:2", "email"));
        let expected = format!(
            "<Subscriptions>{}{}</Subscriptions>",
            member("arn:1", "sqs"),
            member("PendingConfirmation", "email")
        );
        assert_eq!(pending(&listed), expected);
    }

    #[test]
    fn who_waits_is_not_counted_as_confirmed() {
        let entry =
            |name: &str, count: usize| format!("<entry><key>{name}</key><value>{count}</value></entry>");
        let of = |confirmed, waiting| entry(CONFIRMED, confirmed) + &entry(PENDING, waiting);
        assert_eq!(recounted(&of(3, 1), 2), of(1, 3));
        assert_eq!(recounted(&of(3, 1), 0), of(3, 1));
    }
}
