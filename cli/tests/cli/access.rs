//! No credentials, no region, and sign-ins that are over: 4, or 2 where the command line could say it.

use std::{fs, path::PathBuf, process::Command};

use crate::support::{Said, lendpeak2, said};

fn profiles(name: &str, content: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

#[track_caller]
fn check(command: &mut Command, code: i32, says: &[&str]) {
    let Said { code: ended, out, err } = said(command);
    assert_eq!((ended, out.as_str()), (code, ""), "{err}");
    for words in says {
        assert!(err.contains(words), "{words}: {err}");
    }
}

#[test]
fn without_a_region_it_says_how_to_name_one() {
    check(&mut lendpeak2(&["health"]), 2, &["error: no region is named", "--region"]);
}

#[test]
fn without_credentials_it_says_how_to_sign_in() {
    let says = ["error: cannot find the stack", "aws sso login", "--profile"];
    check(&mut lendpeak2(&["--region", "us-east-1", "health"]), 4, &says);
}

#[test]
fn a_sign_in_by_sso_that_is_over_is_to_be_made_again() {
    let config = "[profile ops]\nregion = us-east-1\nsso_session = ops\nsso_account_id = 123456789012\nsso_role_name = Ops\n\
                  [sso-session ops]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n";
    let mut command = lendpeak2(&["--profile", "ops", "health"]);
    command.env("AWS_CONFIG_FILE", profiles("sso", config)).env("HOME", env!("CARGO_TARGET_TMPDIR"));
    check(&mut command, 4, &["sign in again by `aws sso login`"]);
}

#[test]
fn a_sign_in_by_aws_login_that_is_over_is_to_be_made_again() {
    let config = "[profile ops]\nregion = us-east-1\nlogin_session = arn:aws:iam::123456789012:user/ana\n";
    let mut command = lendpeak2(&["--profile", "ops", "health"]);
    command.env("AWS_CONFIG_FILE", profiles("login", config)).env("HOME", env!("CARGO_TARGET_TMPDIR"));
    check(&mut command, 4, &["sign in again by `aws sso login` or `aws login`"]);
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    check(&mut lendpeak2(&["--region", "us-east-1", "--profile", "opps", "health"]), 4, &["opps"]);
}

#[test]
fn an_error_is_json_too_where_json_is_asked_for() {
    let Said { code, out, err } = said(&mut lendpeak2(&["--json", "health"]));
    let error: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!((code, out.as_str(), &error["exit"]), (2, "", &serde_json::json!(2)));
}

#[test]
fn where_nobody_answers_it_has_failed() {
    let mut command = lendpeak2(&["--endpoint-url", "http://127.0.0.1:1", "health"]);
    check(&mut command, 1, &["error: cannot find the stack"]);
    assert!(!said(&mut command).err.contains("may have been done"), "nothing was asked for");
}
