use aws_sdk_secretsmanager::{
    operation::describe_secret::DescribeSecretOutput, types::error::ResourceNotFoundException,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::{DateTime, error::ErrorMetadata};
use jiff::Timestamp;

use super::*;
use crate::evidence::Evidence;

const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";

fn describe(
    id: &'static str,
) -> aws_smithy_mocks::RuleBuilder<
    aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretInput,
    DescribeSecretOutput,
    DescribeSecretError,
> {
    mock!(Client::describe_secret).match_requests(move |request| request.secret_id() == Some(id))
}

fn found(id: &'static str) -> Rule {
    describe(id).then_output(|| {
        let at = DateTime::from_secs(0);
        DescribeSecretOutput::builder().name("db").last_changed_date(at).deleted_date(at).build()
    })
}

fn denied(id: &'static str) -> Rule {
    describe(id).then_error(|| {
        let error = ErrorMetadata::builder().code("AccessDeniedException").message("no").build();
        DescribeSecretError::generic(error)
    })
}

async fn seen_of(rules: &[Rule], ids: &[&str]) -> Result<Evidence, Why> {
    let rules: Vec<&Rule> = rules.iter().collect();
    let client = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, &rules);
    let put = read(&client, ids.iter().map(|id| (*id).to_owned()).collect(), Vec::new()).await?;
    let mut evidence = Evidence::default();
    put.unwrap()(&mut evidence);
    Ok(evidence)
}

fn db() -> Secret {
    let at = Some(Timestamp::UNIX_EPOCH);
    Secret { name: "db".to_owned(), exists: true, deleted_at: at, changed_at: at, rotated_at: None }
}

#[tokio::test]
async fn a_secret_named_in_two_ways_is_told_once() {
    let evidence = seen_of(&[found(ARN), found("db")], &[ARN, "db"]).await.unwrap();
    assert_eq!(evidence.secrets, Some(vec![db()]));
}

#[tokio::test]
async fn a_missing_secret_is_a_secret_that_does_not_exist() {
    let missing = describe(ARN).then_error(|| {
        DescribeSecretError::ResourceNotFoundException(ResourceNotFoundException::builder().build())
    });
    let evidence = seen_of(&[missing], &[ARN]).await.unwrap();
    let secret = Secret { name: "db".to_owned(), ..Secret::default() };
    assert_eq!(evidence.secrets, Some(vec![secret]));
    assert_eq!(evidence.not_seen, []);
}

#[tokio::test]
async fn with_one_secret_denied_the_others_are_told() {
    let evidence = seen_of(&[found("db"), denied("other")], &["db", "other"]).await.unwrap();
    assert_eq!(evidence.secrets, Some(vec![db()]));
    let why = "cannot describe secret other: AccessDeniedException: no".to_owned();
    assert_eq!(evidence.not_seen, [NotSeen { source: "the secret other".to_owned(), why: why.clone() }]);
    assert_eq!(seen_of(&[denied("other")], &["other"]).await.unwrap_err(), why);
}
