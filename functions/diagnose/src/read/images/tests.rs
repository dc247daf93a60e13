use aws_sdk_ecr::{
    operation::describe_images::DescribeImagesOutput,
    types::{
        ImageDetail,
        error::{ImageNotFoundException, RepositoryNotFoundException},
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;
use jiff::Timestamp;

use super::*;
use crate::evidence::Evidence;

const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

fn client(rule: &Rule) -> Client {
    mock_client!(aws_sdk_ecr, RuleMode::MatchAny, &[rule])
}

fn reference(path: &str) -> ecr::Image {
    ecr::Image::parse(&format!("{HOST}/{path}")).unwrap()
}

#[tokio::test]
async fn a_found_image_tells_when_it_was_pushed() {
    let found = mock!(Client::describe_images)
        .match_requests(|request| {
            request.registry_id() == Some("123456789012")
                && request.repository_name() == Some("backend")
                && request.image_ids().iter().any(|id| id.image_tag() == Some("41"))
        })
        .then_output(|| {
            let pushed = aws_smithy_types::DateTime::from_secs(0);
            let detail = ImageDetail::builder().image_pushed_at(pushed).build();
            DescribeImagesOutput::builder().image_details(detail).build()
        });
    let (_, image) = look_up(client(&found), reference("backend:41")).await;
    let image = image.unwrap();
    assert!(image.exists);
    assert_eq!(image.pushed_at, Some(Timestamp::UNIX_EPOCH));
}

#[tokio::test]
async fn a_missing_image_says_what_is_missing() {
    let no_image = mock!(Client::describe_images).then_error(|| {
        DescribeImagesError::ImageNotFoundException(ImageNotFoundException::builder().build())
    });
    let no_repository = mock!(Client::describe_images).then_error(|| {
        DescribeImagesError::RepositoryNotFoundException(RepositoryNotFoundException::builder().build())
    });
    let missing = async |rule: &Rule, path: &str| {
        let image = look_up(client(rule), reference(path)).await.1.unwrap();
        assert!(!image.exists);
        image.why.unwrap()
    };
    assert_eq!(missing(&no_image, "backend:41").await, "there is no such tag");
    assert_eq!(missing(&no_image, "backend@sha256:ab").await, "there is no such digest");
    assert_eq!(missing(&no_repository, "backend:41").await, "there is no such repository");
}

#[tokio::test]
async fn with_one_image_denied_the_other_is_told() {
    let denied = mock!(Client::describe_images).then_error(|| {
        let error = ErrorMetadata::builder().code("AccessDeniedException").message("no").build();
        DescribeImagesError::generic(error)
    });
    let denied = async || look_up(client(&denied), reference("backend:41")).await;
    let found = ("other".to_owned(), Ok(Image { exists: true, ..Image::default() }));
    let mut evidence = Evidence::default();
    put_together(vec![denied().await, found]).unwrap().unwrap()(&mut evidence);
    assert_eq!(evidence.images.unwrap().len(), 1);
    let image = format!("{HOST}/backend:41");
    let why = format!("cannot describe image {image}: AccessDeniedException: no");
    assert_eq!(evidence.not_seen, [NotSeen { source: format!("the image {image}"), why: why.clone() }]);
    assert_eq!(put_together(vec![denied().await]).err(), Some(why));
}
