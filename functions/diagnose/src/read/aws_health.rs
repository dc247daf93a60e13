//! What AWS Health has open about the services that the stack stands on.

use aws_sdk_health::{
    Client,
    config::Builder,
    types::{EventFilter, EventStatusCode, EventTypeCategory},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::region::Region;
use shared::aws;

use super::{Reader, Seen, Why, cut, seen, timestamp, why};
use crate::evidence::{AwsIssue, NotSeen};

/// As AWS Health calls them.
const SERVICES: &[&str] = &[
    "ACM",
    "CLOUDFRONT",
    "CLOUDWATCH",
    "DOCDB",
    "EC2",
    "ECR",
    "ECS",
    "ELASTICACHE",
    "ELASTICLOADBALANCING",
    "FARGATE",
    "INTERNETCONNECTIVITY",
    "KMS",
    "MULTIPLE_SERVICES",
    "NATGATEWAY",
    "RDS",
    "ROUTE53",
    "S3",
    "SECRETSMANAGER",
    "SSM",
    "VPC",
];
/// The open issues of one region. There was never more than one page of them.
const MAX_PAGES: usize = 2;
/// AWS's maximum.
const PAGE: i32 = 100;

/// Nothing where the account may not ask: AWS Health's API is for accounts with a support plan of *Business* or above.
/// <https://docs.aws.amazon.com/health/latest/APIReference/Welcome.html>
pub(super) async fn aws_health(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(region) = reader.global_region() else {
        return Ok(None);
    };
    let client = Client::from_conf(Builder::from(&reader.config).region(region).build());
    let own = reader.config.region().map_or("", Region::as_ref);
    let read = issues(&client, own).await?;
    Ok(read.and_then(|(issues, not_seen)| {
        seen(move |evidence| {
            evidence.aws_issues = Some(issues);
            evidence.not_seen.extend(not_seen);
        })
    }))
}

/// The issues, and a note if there are more.
async fn issues(client: &Client, region: &str) -> Result<Option<(Vec<AwsIssue>, Option<NotSeen>)>, Why> {
    const NO_PLAN: &str = "SubscriptionRequiredException";
    let filter = EventFilter::builder()
        .event_status_codes(EventStatusCode::Open)
        .event_type_categories(EventTypeCategory::Issue)
        .regions(region)
        .regions("global")
        .build();
    let mut read = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client.describe_events().filter(filter.clone()).max_results(PAGE).set_next_token(from);
        let page = page.send().await;
        let page = match page {
            Ok(page) => page,
            Err(error) if error.code() == Some(NO_PLAN) => return Ok(None),
            Err(error) => return Err(why(&aws::failed("read", "AWS Health's open events", &error))),
        };
        read.extend(page.events.unwrap_or_default().into_iter().map(|event| AwsIssue {
            service: event.service.unwrap_or_default(),
            code: event.event_type_code.unwrap_or_default(),
            region: event.region.unwrap_or_default(),
            since: event.start_time.as_ref().and_then(timestamp),
            arn: event.arn.unwrap_or_default(),
        }));
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    let not_seen = from.map(|_| cut("some of AWS Health's open events", read.len()));
    read.retain(|issue| SERVICES.contains(&issue.service.as_str()));
    read.sort_by(|one, other| (other.since, &one.arn).cmp(&(one.since, &other.arn)));
    Ok(Some((read, not_seen)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_health::{
        operation::describe_events::{DescribeEventsError, DescribeEventsOutput},
        types::Event,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    fn client(rule: &Rule) -> Client {
        mock_client!(aws_sdk_health, RuleMode::MatchAny, &[rule])
    }

    #[tokio::test]
    async fn open_issues_of_the_stacks_services_are_kept() {
        let rule = mock!(Client::describe_events)
            .match_requests(|request| {
                request.filter().is_some_and(|filter| {
                    filter.event_status_codes() == [EventStatusCode::Open]
                        && filter.event_type_categories() == [EventTypeCategory::Issue]
                        && filter.regions() == ["eu-west-1", "global"]
                })
            })
            .then_output(|| {
                let event = |service: &str| Event::builder().service(service).arn(service).build();
                DescribeEventsOutput::builder().events(event("ECS")).events(event("BILLING")).build()
            });
        let (issues, not_seen) = issues(&client(&rule), "eu-west-1").await.unwrap().unwrap();
        let services: Vec<&str> = issues.iter().map(|issue| issue.service.as_str()).collect();
        assert_eq!((services, not_seen), (vec!["ECS"], None));
    }

    #[tokio::test]
    async fn more_than_was_read_is_named() {
        let rule = mock!(Client::describe_events)
            .then_output(|| DescribeEventsOutput::builder().next_token("more").build());
        let (_, not_seen) = issues(&client(&rule), "eu-west-1").await.unwrap().unwrap();
        assert_eq!(not_seen.unwrap().source, "some of AWS Health's open events");
    }

    #[tokio::test]
    async fn without_a_support_plan_it_is_no_source_and_any_other_error_is_told() {
        let failing = |code: &'static str| {
            mock!(Client::describe_events)
                .then_error(move || DescribeEventsError::generic(ErrorMetadata::builder().code(code).build()))
        };
        let asked = async |code| issues(&client(&failing(code)), "eu-west-1").await;
        assert_eq!(asked("SubscriptionRequiredException").await.unwrap(), None);
        assert!(asked("AccessDeniedException").await.unwrap_err().contains("AccessDeniedException"));
    }
}
