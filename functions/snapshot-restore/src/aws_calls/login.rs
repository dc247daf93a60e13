//! What shows whether the service can log in to what was restored, and what lets it.

use aws_sdk_docdb::operation::modify_db_cluster::{ModifyDBClusterError, ModifyDbClusterOutput};
use aws_sdk_secretsmanager::{
    operation::{get_secret_value::GetSecretValueError, list_secret_version_ids::ListSecretVersionIdsOutput},
    primitives::DateTime,
    types::SecretVersionsListEntry,
};

use super::*;
use crate::login::{Fit, Login, Whose};

const OLD: &str = r#"{"username":"u","password":"orchid-1","host":"a"}"#;
const NEW: &str = r#"{"username":"u","password":"orchid-2","host":"a"}"#;
const OTHER_HOST: &str = r#"{"username":"u","password":"orchid-1","host":"b"}"#;
/// Of these versions the last is current, and one is only being made.
const VERSIONS: [(&str, i64, &str); 4] =
    [("v0", 100, ""), ("v1", 200, "AWSPREVIOUS"), ("v2", 300, "AWSCURRENT"), ("v3", 150, "AWSPENDING")];

/// A secret that was changed and rotated then, in seconds.
fn changed(changed: i64, rotated: Option<i64>) -> Rule {
    mock!(aws_sdk_secretsmanager::Client::describe_secret).then_output(move || {
        DescribeSecretOutput::builder()
            .version_ids_to_stages("v2", vec!["AWSCURRENT".to_owned()])
            .last_changed_date(DateTime::from_secs(changed))
            .set_last_rotated_date(rotated.map(DateTime::from_secs))
            .build()
    })
}

fn listed() -> Rule {
    mock!(aws_sdk_secretsmanager::Client::list_secret_version_ids)
        .match_requests(|request| request.include_deprecated() == Some(true))
        .then_output(|| {
            let versions = VERSIONS.map(|(id, created, stage)| {
                let stages = Some(stage).filter(|stage| !stage.is_empty()).map(str::to_owned);
                let version = SecretVersionsListEntry::builder().version_id(id);
                let version = version.set_version_stages(Some(stages.into_iter().collect()));
                version.created_date(DateTime::from_secs(created)).build()
            });
            ListSecretVersionIdsOutput::builder().set_versions(Some(versions.into())).build()
        })
}

fn of_version(version: &'static str, content: &'static str) -> Rule {
    mock!(aws_sdk_secretsmanager::Client::get_secret_value)
        .match_requests(move |request| request.version_id() == Some(version))
        .then_output(move || {
            GetSecretValueOutput::builder().version_id(version).secret_string(content).build()
        })
}

fn now_is(content: &'static str) -> Rule {
    mock!(aws_sdk_secretsmanager::Client::get_secret_value)
        .match_requests(|request| request.version_id().is_none())
        .then_output(move || GetSecretValueOutput::builder().version_id("v2").secret_string(content).build())
}

fn then(second: i64) -> Whose {
    Whose::AtTime(Timestamp::from_second(second).unwrap())
}

async fn login(whose: &Whose, rules: &[Rule]) -> Login {
    let login = secret::login(&secrets(rules), "s", Some(whose), Some("u")).await;
    assert!(!format!("{login:?}").contains("orchid"), "{login:?}");
    login
}

#[tokio::test]
async fn a_secret_that_was_not_changed_since_is_not_read() {
    let same = Login { fits: Fit::Same, is_master: true };
    assert_eq!(login(&then(300), &[changed(300, None)]).await, same);
    assert_eq!(login(&then(300), &[changed(300, Some(250))]).await, same);
}

#[tokio::test]
async fn the_password_of_the_datas_time_is_compared_with_the_one_of_now() {
    let fits = async |whose: Whose, rules: &[Rule]| login(&whose, rules).await.fits;
    let at_300 = Some(Timestamp::from_second(300).unwrap());
    let older = fits(then(250), &[changed(300, None), listed(), now_is(NEW), of_version("v1", OLD)]).await;
    assert_eq!(older, Fit::Older { changed_at: at_300 });
    // The host alone was changed: by a cut-over, as an example.
    let host =
        fits(then(250), &[changed(300, None), listed(), now_is(OTHER_HOST), of_version("v1", OLD)]).await;
    assert_eq!(host, Fit::Same);
    // A version that has no label any more counts, and one that is only being made does not.
    let deprecated =
        fits(then(170), &[changed(300, None), listed(), now_is(NEW), of_version("v0", OLD)]).await;
    assert_eq!(deprecated, Fit::Older { changed_at: Some(Timestamp::from_second(200).unwrap()) });
    // Only a label was moved since.
    assert_eq!(fits(then(350), &[changed(400, None), listed(), now_is(NEW)]).await, Fit::Same);
    let set = |version: &str| Whose::Version(version.to_owned());
    let since_set = fits(set("v1"), &[changed(300, None), now_is(NEW), of_version("v1", OLD)]).await;
    assert_eq!(since_set, Fit::Older { changed_at: None });
    assert_eq!(fits(set("v2"), &[changed(300, None), now_is(NEW)]).await, Fit::Same);
}

#[tokio::test]
async fn what_cannot_be_compared_is_told_and_is_no_error() {
    let why = async |whose: Whose, rules: &[Rule]| match login(&whose, rules).await.fits {
        Fit::Unknown { why } => why,
        other => panic!("{other:?}"),
    };
    let gone = why(then(50), &[changed(300, None), listed()]).await;
    assert_eq!(gone, "secret s has no version left that is as old as its data");
    let rotating = why(then(350), &[changed(400, Some(400)), listed(), now_is(NEW)]).await;
    assert_eq!(rotating, "the secret was being rotated at the time of its data");
    let denied = mock!(aws_sdk_secretsmanager::Client::get_secret_value).then_error(|| {
        let meta = aws_smithy_types::error::ErrorMetadata::builder().code("AccessDeniedException");
        GetSecretValueError::generic(meta.message("not allowed").build())
    });
    let denied = why(then(250), &[changed(300, None), listed(), denied]).await;
    assert_eq!(denied, "cannot read secret s: AccessDeniedException: not allowed");
    let untold = secret::login(&secrets(&[]), "s", None, None).await;
    assert_eq!(untold, Login::unknown("when its data is of is not noted on it"));
}

#[tokio::test]
async fn a_secret_without_a_password_and_one_of_another_user_are_told_apart() {
    let rules =
        |content: &'static str| [changed(300, None), listed(), now_is(content), of_version("v1", OLD)];
    for content in [r#"{"host":"a"}"#, "mongodb://u:orchid-2@a/", r#"{"password":{"a":"orchid-2"}}"#] {
        assert_eq!(login(&then(250), &rules(content)).await.fits, Fit::Missing);
    }
    let other = login(&then(250), &rules(r#"{"username":"app","password":"orchid-2"}"#)).await;
    assert!(!other.is_master && matches!(other.fits, Fit::Older { .. }), "{other:?}");
    assert!(login(&then(250), &rules(r#"{"password":"orchid-2"}"#)).await.is_master);
}

fn modified(result: Option<&'static str>) -> Rule {
    let modify = mock!(aws_sdk_docdb::Client::modify_db_cluster).match_requests(|request| {
        request.db_cluster_identifier() == Some(ID)
            && request.master_user_password() == Some("orchid-2")
            && request.apply_immediately() == Some(true)
            && request.manage_master_user_password().is_none()
    });
    match result {
        None => modify.then_output(|| ModifyDbClusterOutput::builder().build()),
        Some(message) => modify.then_error(move || {
            let meta = aws_smithy_types::error::ErrorMetadata::builder().code("InvalidParameterValue");
            ModifyDBClusterError::generic(meta.message(message).build())
        }),
    }
}

#[tokio::test]
async fn the_password_of_the_approved_version_is_set_and_told_nowhere() {
    let set = async |version: &str, result: Option<&'static str>| {
        let Some(password) = secret::password(&secrets(&[now_is(NEW)]), "s", version).await.unwrap() else {
            return Ok(false);
        };
        database::set_password(&documents(&[modified(result)]), ID, &password).await.map(|()| true)
    };
    assert!(set("v2", None).await.unwrap());
    // Another version is current by now.
    assert!(!set("v1", None).await.unwrap());
    let refused = chain(&set("v2", Some("MasterUserPassword is too short")).await.unwrap_err());
    let cannot = format!("cannot set the master user's password of cluster {ID}");
    assert_eq!(refused, format!("{cannot}: InvalidParameterValue: MasterUserPassword is too short"));
    let repeated = chain(&set("v2", Some("orchid-2 is too short")).await.unwrap_err());
    assert_eq!(repeated, format!("{cannot}: InvalidParameterValue"));
}
