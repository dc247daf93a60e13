use proptest::prelude::*;

use super::*;

const FAMILY: &str = "lendpeak2-backend-production";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

fn name(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{FAMILY}:{revision}")
}

fn deployed(revision: u32, status: &str, minute: i64) -> PastDeployment {
    PastDeployment {
        arn: format!("deployment-{minute}"),
        service_revision: format!("service-revision-{minute}"),
        status: status.to_owned(),
        created_at: Some(at(minute)),
        task_definition: Some(arn(revision)),
        images: Vec::new(),
    }
}

fn good(revision: u32, minute: i64) -> Release {
    Release { good_at: Some(at(minute)), ..frozen_or_plain(revision, None) }
}

fn rolled_back(revision: u32) -> Release {
    Release { rolled_back_at: Some(at(0)), ..frozen_or_plain(revision, None) }
}

fn frozen_or_plain(revision: u32, of: Option<u32>) -> Release {
    let frozen_from = of.map(name);
    Release { revision: name(revision), good_at: None, rolled_back_at: None, frozen_from }
}

/// The copy of a release with which writes were frozen.
fn frozen(copy: u32, of: u32) -> Release {
    frozen_or_plain(copy, Some(of))
}

#[track_caller]
fn chooses(history: &[PastDeployment], releases: &[Release], current: u32, expected: &[(u32, Why)]) {
    let chosen = candidates(history, releases, &arn(current));
    let chosen: Vec<(&str, Why)> =
        chosen.iter().map(|candidate| (revision(&candidate.task_definition), candidate.why)).collect();
    let expected: Vec<(String, Why)> = expected.iter().map(|(number, why)| (name(*number), *why)).collect();
    let expected: Vec<(&str, Why)> = expected.iter().map(|(name, why)| (name.as_str(), *why)).collect();
    assert_eq!(chosen, expected);
}

const PASSED: Why = Why::ProbePassed;
const SUCCEEDED: Why = Why::DeploymentSucceeded;

#[test]
fn the_newest_success_that_is_not_the_present_one() {
    let history = [deployed(3, "SUCCESSFUL", 3), deployed(1, "SUCCESSFUL", 1), deployed(2, "SUCCESSFUL", 2)];
    chooses(&history, &[], 3, &[(2, SUCCEEDED), (1, SUCCEEDED)]);
}

#[test]
fn the_previous_revision_that_failed_is_no_choice() {
    let history = [deployed(3, "IN_PROGRESS", 3), deployed(2, "STOPPED", 2), deployed(1, "SUCCESSFUL", 1)];
    chooses(&history, &[], 3, &[(1, SUCCEEDED)]);
    let undone =
        [deployed(3, "SUCCESSFUL", 3), deployed(2, "ROLLBACK_SUCCESSFUL", 2), deployed(1, "SUCCESSFUL", 1)];
    chooses(&undone, &[], 3, &[(1, SUCCEEDED)]);
}

#[test]
fn what_was_rolled_back_from_is_no_choice() {
    let history = [deployed(3, "SUCCESSFUL", 3), deployed(2, "SUCCESSFUL", 2), deployed(1, "SUCCESSFUL", 1)];
    chooses(&history, &[rolled_back(2)], 3, &[(1, SUCCEEDED)]);
    let once_good = Release { good_at: Some(at(2)), ..rolled_back(2) };
    chooses(&history, &[once_good], 3, &[(1, SUCCEEDED)]);
}

#[test]
fn what_ran_while_the_probe_passed_comes_first() {
    let history = [deployed(3, "SUCCESSFUL", 3), deployed(2, "SUCCESSFUL", 2), deployed(1, "SUCCESSFUL", 1)];
    chooses(&history, &[good(1, 2)], 3, &[(1, PASSED), (2, SUCCEEDED)]);
    chooses(&history, &[good(1, 9), good(2, 3)], 3, &[(2, PASSED), (1, PASSED)]);
}

#[test]
fn without_a_history_the_ledger_has_to_do() {
    chooses(&[], &[good(1, 1), good(2, 2), good(3, 3)], 3, &[(2, PASSED), (1, PASSED)]);
    chooses(&[], &[rolled_back(2)], 3, &[]);
    chooses(&[], &[], 3, &[]);
}

#[test]
fn another_family_is_no_choice() {
    let mut other = deployed(2, "SUCCESSFUL", 2);
    other.task_definition = Some("arn:aws:ecs:us-east-1:123456789012:task-definition/other:9".to_owned());
    chooses(&[deployed(3, "SUCCESSFUL", 3), other], &[], 3, &[]);
}

#[test]
fn a_restart_does_not_make_a_release_young() {
    let history =
        [deployed(2, "SUCCESSFUL", 90), deployed(2, "SUCCESSFUL", 30), deployed(1, "SUCCESSFUL", 10)];
    assert_eq!(released_at(&history, &[], &arn(2)), Some(at(30)));
    assert_eq!(released_at(&history, &[], &arn(3)), None);
    let again = [deployed(2, "SUCCESSFUL", 90), deployed(1, "SUCCESSFUL", 60), deployed(2, "SUCCESSFUL", 30)];
    assert_eq!(released_at(&again, &[], &arn(2)), Some(at(90)));
}

#[test]
fn a_freeze_does_not_make_a_release_young() {
    let history =
        [deployed(1, "SUCCESSFUL", 90), deployed(2, "SUCCESSFUL", 60), deployed(1, "SUCCESSFUL", 30)];
    assert_eq!(released_at(&history, &[frozen(2, 1)], &arn(1)), Some(at(30)));
    assert_eq!(released_at(&history[1..], &[frozen(2, 1)], &arn(2)), Some(at(30)));
}

#[test]
fn a_frozen_copy_counts_as_its_release() {
    let history = [deployed(4, "SUCCESSFUL", 4), deployed(3, "SUCCESSFUL", 3), deployed(2, "SUCCESSFUL", 2)];
    // The present one is no choice, itself or as a copy.
    chooses(&history, &[frozen(4, 3)], 4, &[(2, SUCCEEDED)]);
    chooses(&history, &[frozen(4, 3)], 3, &[(2, SUCCEEDED)]);
    // Another's copy is that one, once.
    chooses(&history, &[frozen(3, 2)], 4, &[(2, SUCCEEDED)]);
    let copy_was_good = Release { good_at: Some(at(3)), ..frozen(3, 2) };
    chooses(&history, std::slice::from_ref(&copy_was_good), 4, &[(2, PASSED)]);
    chooses(&[], &[copy_was_good, good(2, 1)], 4, &[(2, PASSED)]);
    chooses(&history, &[frozen(3, 2), rolled_back(2)], 4, &[]);
}

fn with_image(mut deployment: PastDeployment, name: &str, digest: &str) -> PastDeployment {
    deployment.images =
        vec![Image { container: "backend".to_owned(), name: name.to_owned(), digest: digest.to_owned() }];
    deployment
}

#[test]
fn an_image_whose_tag_has_moved_on_is_named_by_its_digest() {
    let moved = |old: &str, new: &str, digest: &str| {
        let history = [
            with_image(deployed(2, "SUCCESSFUL", 2), new, digest),
            with_image(deployed(1, "SUCCESSFUL", 1), old, "sha256:a"),
        ];
        moved_images(&history, &arn(1)).into_values().next()
    };
    let latest = "registry:5000/lendpeak2/backend:latest";
    assert_eq!(
        moved(latest, latest, "sha256:b").as_deref(),
        Some("registry:5000/lendpeak2/backend@sha256:a")
    );
    assert_eq!(moved("backend", "backend", "sha256:b").as_deref(), Some("backend@sha256:a"));
    assert_eq!(moved(latest, latest, "sha256:a"), None);
    assert_eq!(moved("backend:1", "backend:2", "sha256:b"), None);
    assert_eq!(moved("backend@sha256:a", "backend@sha256:a", "sha256:b"), None);
}

fn histories() -> impl Strategy<Value = Vec<PastDeployment>> {
    let statuses = prop_oneof![
        4 => Just("SUCCESSFUL"),
        1 => Just("STOPPED"),
        1 => Just("IN_PROGRESS"),
        1 => Just("ROLLBACK_SUCCESSFUL"),
    ];
    let deployments = prop::collection::vec((1..8_u32, statuses, any::<bool>()), 0..12);
    deployments.prop_map(|deployments| {
        let numbered = deployments.into_iter().zip(0_i64..);
        numbered
            .map(|((revision, status, looked_up), minute)| {
                let mut deployment = deployed(revision, status, minute);
                deployment.task_definition =
                    deployment.task_definition.filter(|_| looked_up || status == "SUCCESSFUL");
                deployment
            })
            .collect()
    })
}

fn known() -> impl Strategy<Value = Vec<Release>> {
    let marks = (prop::option::of(0..20_i64), prop::option::of(0..20_i64));
    prop::collection::btree_map(1..8_u32, marks, 0..8).prop_map(|releases| {
        let release = |(revision, (good, rolled_back)): (u32, (Option<i64>, Option<i64>))| Release {
            revision: name(revision),
            good_at: good.map(at),
            rolled_back_at: rolled_back.map(at),
            // Of the next one, which may not be there.
            frozen_from: (revision % 3 == 0).then(|| name(revision + 1)),
        };
        releases.into_iter().map(release).collect()
    })
}

proptest! {
    #[test]
    fn no_choice_is_the_present_one_or_rolled_back_from_or_unproven(
        history in histories(), releases in known(), current in 1..8_u32,
    ) {
        let chosen = candidates(&history, &releases, &arn(current));
        let is_it = |task_definition: &str, chosen: &str| stands_for(&releases, task_definition) == chosen;
        for candidate in &chosen {
            let chosen = revision(&candidate.task_definition);
            let mut known = releases.iter().filter(|release| is_it(&release.revision, chosen));
            prop_assert!(!is_it(&arn(current), chosen));
            prop_assert!(known.clone().all(|release| release.rolled_back_at.is_none()));
            let succeeded = history.iter().any(|past| {
                past.has_succeeded() && past.task_definition.as_deref().is_some_and(|name| is_it(name, chosen))
            });
            let was_good = known.any(|release| release.good_at.is_some());
            prop_assert!(succeeded || was_good);
            prop_assert_eq!(candidate.why == PASSED, was_good);
        }
        let mut once: Vec<&str> = chosen.iter().map(|candidate| revision(&candidate.task_definition)).collect();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), chosen.len());
    }

    #[test]
    fn the_order_of_the_lists_does_not_matter(
        history in histories(), releases in known(), current in 1..8_u32, turn in 0..12_usize,
    ) {
        let chosen = candidates(&history, &releases, &arn(current));
        let (mut turned, mut shuffled) = (history.clone(), releases);
        turned.reverse();
        shuffled.reverse();
        if !turned.is_empty() {
            turned.rotate_left(turn % history.len());
        }
        prop_assert_eq!(candidates(&turned, &shuffled, &arn(current)), chosen);
    }
}
