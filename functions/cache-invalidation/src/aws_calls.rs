//! What `cache-invalidation` asks of AWS, call by call. A call that no rule expects panics.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_cloudfront::{
    operation::{
        get_invalidation::{GetInvalidationError, GetInvalidationOutput},
        list_invalidations::{ListInvalidationsError, ListInvalidationsOutput},
    },
    primitives::DateTime,
    types::{self, error::NoSuchInvalidation},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use shared::{aws::Aws, settings::Environment, web::Web};

use crate::{
    Action, Clients, Goal, Observed, PathLimits, Paths, Request, Settings, Source, apply,
    observe::{self, Asset, Invalidation},
};

const DISTRIBUTION: &str = "E1234567890ABC";

fn clients(rules: &[Rule]) -> Clients {
    let rules: Vec<&Rule> = rules.iter().collect();
    Clients {
        cloudfront: OnceLock::from(mock_client!(aws_sdk_cloudfront, RuleMode::MatchAny, &rules)),
        ..Clients::new(SdkConfig::builder().build())
    }
}

fn web() -> Web {
    let environment = Environment::from_pairs([
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    Aws::new(&environment, "test").unwrap().web()
}

/// The front end is at an address where nothing listens.
fn settings() -> Settings {
    Settings {
        distribution: DISTRIBUTION.to_owned(),
        app_url: "http://127.0.0.1:9".to_owned(),
        build_project: None,
        pipeline: None,
        asset_path: "/assets/main.js".to_owned(),
        limits: PathLimits { paths: 15, wildcards: 5 },
        free_paths: 1_000,
    }
}

fn request(goal: Goal) -> Request {
    Request { goal, source: Source::Person, event: "event-1".to_owned(), at: Timestamp::UNIX_EPOCH }
}

fn ago(minutes: i64) -> Timestamp {
    let at = Timestamp::now() - SignedDuration::from_mins(minutes);
    Timestamp::from_second(at.as_second()).unwrap()
}

fn listed(invalidations: &'static [(&str, &str, i64)]) -> Rule {
    mock!(aws_sdk_cloudfront::Client::list_invalidations)
        .match_requests(|request| {
            request.distribution_id() == Some(DISTRIBUTION) && request.max_items() == Some(100)
        })
        .then_output(move || {
            let items = invalidations.iter().map(|(id, status, minutes)| {
                let created = DateTime::from_secs(ago(*minutes).as_second());
                let one = types::InvalidationSummary::builder().id(*id).status(*status).create_time(created);
                one.build().unwrap()
            });
            let list = types::InvalidationList::builder()
                .marker("")
                .max_items(100)
                .is_truncated(false)
                .quantity(2)
                .set_items(Some(items.collect()));
            ListInvalidationsOutput::builder().invalidation_list(list.build().unwrap()).build()
        })
}

fn is(id: &'static str, status: &'static str, minutes: i64, path: &'static str) -> Rule {
    mock!(aws_sdk_cloudfront::Client::get_invalidation)
        .match_requests(move |request| {
            request.distribution_id() == Some(DISTRIBUTION) && request.id() == Some(id)
        })
        .then_output(move || {
            let paths = types::Paths::builder().quantity(1).items(path).build().unwrap();
            let batch = types::InvalidationBatch::builder().paths(paths).caller_reference(format!("of {id}"));
            let one = types::Invalidation::builder()
                .id(id)
                .status(status)
                .create_time(DateTime::from_secs(ago(minutes).as_second()))
                .invalidation_batch(batch.build().unwrap());
            GetInvalidationOutput::builder().invalidation(one.build().unwrap()).build()
        })
}

fn seen(id: &str, status: &str, minutes: i64, path: &str) -> Invalidation {
    Invalidation {
        id: id.to_owned(),
        status: status.to_owned(),
        created_at: ago(minutes),
        caller_reference: format!("of {id}"),
        paths: vec![path.to_owned()],
    }
}

/// Without the seconds in which the test ran.
fn to_the_minute(mut observed: Observed) -> Observed {
    for one in &mut observed.invalidations {
        let minutes = Timestamp::now().duration_since(one.created_at).as_mins();
        one.created_at = ago(minutes);
    }
    observed
}

#[tokio::test]
async fn those_in_progress_and_the_recent_are_read_with_their_paths() {
    let clients = clients(&[
        listed(&[
            ("I4", "InProgress", 1),
            ("I3", "Completed", 20),
            ("I2", "InProgress", 90),
            ("I1", "Completed", 120),
        ]),
        is("I4", "InProgress", 1, "/*"),
        is("I3", "Completed", 20, "/a"),
        is("I2", "InProgress", 90, "/b"),
    ]);
    let paths = Paths { paths: vec!["/c/*".to_owned()], widened: vec![] };
    let observed =
        observe::observe(&clients, &web(), &settings(), &request(Goal::Invalidate(paths))).await.unwrap();
    let expected = Observed {
        invalidations: vec![
            seen("I4", "InProgress", 1, "/*"),
            seen("I3", "Completed", 20, "/a"),
            seen("I2", "InProgress", 90, "/b"),
        ],
        ..Observed::default()
    };
    assert_eq!(to_the_minute(observed), to_the_minute(expected));
}

#[tokio::test]
async fn an_asset_that_does_not_answer_is_an_observation() {
    let clients = clients(&[listed(&[])]);
    let everything = request(Goal::Invalidate(Paths::all()));
    let observed = observe::observe(&clients, &web(), &settings(), &everything).await.unwrap();
    let silent = |path: &str| Asset {
        path: path.to_owned(),
        error: Some("the connection failed".to_owned()),
        ..Asset::default()
    };
    assert_eq!(observed.assets, [silent("/assets/main.js"), silent("/")]);
}

#[tokio::test]
async fn with_nothing_to_look_after_only_the_list_is_read() {
    let observed = observe::observe(
        &clients(&[listed(&[("I1", "Completed", 61)])]),
        &web(),
        &settings(),
        &request(Goal::LookAfter),
    )
    .await;
    assert_eq!(observed.unwrap(), Observed::default());
}

#[tokio::test]
async fn an_unknown_invalidation_is_nothing_and_no_error() {
    let unknown = mock!(aws_sdk_cloudfront::Client::get_invalidation)
        .then_error(|| GetInvalidationError::NoSuchInvalidation(NoSuchInvalidation::builder().build()));
    let asked = request(Goal::Status("I9".to_owned()));
    assert_eq!(
        observe::observe(&clients(&[unknown]), &web(), &settings(), &asked).await.unwrap(),
        Observed::default()
    );
}

#[tokio::test]
async fn a_read_that_fails_names_the_call_the_distribution_and_awss_code() {
    let denied = mock!(aws_sdk_cloudfront::Client::list_invalidations).then_error(|| {
        let meta = aws_smithy_types::error::ErrorMetadata::builder();
        ListInvalidationsError::generic(meta.code("AccessDenied").message("not allowed").build())
    });
    let error = observe::observe(&clients(&[denied]), &web(), &settings(), &request(Goal::LookAfter))
        .await
        .unwrap_err();
    assert_eq!(
        shared::error::chain(&error),
        "cannot list the invalidations of distribution E1234567890ABC: AccessDenied: not allowed"
    );
}

fn sent() -> Action {
    Action::CreateInvalidation {
        distribution: DISTRIBUTION.to_owned(),
        paths: vec!["/c/*".to_owned()],
        widened: vec![],
        caller_reference: "of I1".to_owned(),
        before: vec![],
    }
}

#[tokio::test(start_paused = true)]
async fn looking_again_waits_for_the_end_and_no_longer_than_its_patience() {
    let running = [listed(&[("I1", "InProgress", 0)]), is("I1", "InProgress", 0, "/c/*")];
    let action = sent();
    let early =
        apply::verify(&clients(&running), &web(), &settings(), &[&action], Duration::from_secs(5)).await;
    assert_eq!((early.verified, early.what.as_str()), (false, "invalidation I1 is in progress"));
    let ended = [listed(&[("I1", "Completed", 0)]), is("I1", "Completed", 0, "/c/*")];
    let seen = apply::verify(&clients(&ended), &web(), &settings(), &[&action], Duration::ZERO).await;
    assert_eq!((seen.verified, seen.what.as_str()), (true, "invalidation I1 is completed"));
    let missing =
        apply::verify(&clients(&[listed(&[])]), &web(), &settings(), &[&action], Duration::ZERO).await;
    assert!(!missing.verified);
}

#[tokio::test]
async fn a_page_that_does_not_answer_was_not_seen() {
    let ended = [listed(&[("I1", "Completed", 0)]), is("I1", "Completed", 0, "/index.html")];
    let Action::CreateInvalidation { distribution, caller_reference, before, .. } = sent();
    let paths = vec!["/index.html".to_owned()];
    let action =
        Action::CreateInvalidation { distribution, paths, widened: vec![], caller_reference, before };
    let seen = apply::verify(&clients(&ended), &web(), &settings(), &[&action], Duration::ZERO).await;
    assert_eq!(
        (seen.verified, seen.what.as_str()),
        (
            false,
            "invalidation I1 is completed: /index.html: no answer: the connection failed: no fresh copy was seen of \
             /index.html"
        )
    );
}
