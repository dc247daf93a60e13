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
    Release { revision: name(revision), frozen_from: of.map(name), ..Release::default() }
}

/// The copy of a release with which writes were frozen.
fn frozen(copy: u32, of: u32) -> Release {
    frozen_or_plain(copy, Some(of))
}

fn candidates(history: &[PastDeployment], releases: &[Release], current: u32) -> Vec<Candidate> {
    Known { history, releases }.candidates(&arn(current))
}

fn released_at(history: &[PastDeployment], releases: &[Release], current: u32) -> Option<Timestamp> {
    Known { history, releases }.released_at(&arn(current))
}

#[track_caller]
fn chooses(history: &[PastDeployment], releases: &[Release], current: u32, expected: &[(u32, Why)]) {
    let chosen = candidates(history, releases, current);
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
    let once_good = Release { good_at: Some(at(0)), ..rolled_back(2) };
    chooses(&history, &[once_good], 3, &[(1, SUCCEEDED)]);
    // Somebody has deployed it again since, and it works.
    let good_again = Release { good_at: Some(at(2)), ..rolled_back(2) };
    chooses(&history, &[good_again], 3, &[(2, PASSED), (1, SUCCEEDED)]);
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
    assert_eq!(released_at(&history, &[], 2), Some(at(30)));
    assert_eq!(released_at(&history, &[], 3), None);
    let again = [deployed(2, "SUCCESSFUL", 90), deployed(1, "SUCCESSFUL", 60), deployed(2, "SUCCESSFUL", 30)];
    assert_eq!(released_at(&again, &[], 2), Some(at(90)));
}

#[test]
fn a_deployment_that_ecs_has_undone_does_not_make_the_one_before_young() {
    let history = [deployed(3, "ROLLBACK_SUCCESSFUL", 90), deployed(2, "SUCCESSFUL", 10)];
    assert_eq!(released_at(&history, &[], 2), Some(at(10)));
    // What was noted of a name while it was being undone is about those images.
    let history = [
        with_image(deployed(1, "ROLLBACK_SUCCESSFUL", 20), "backend:latest", "sha256:b"),
        with_image(deployed(1, "SUCCESSFUL", 10), "backend:latest", "sha256:a"),
    ];
    let noted = Release { rolled_back_at: Some(at(25)), ..frozen_or_plain(1, None) };
    let known = Known { history: &history, releases: std::slice::from_ref(&noted) };
    assert!(!known.is_bad(&known.deployed(&history[1]).unwrap()));
    assert!(known.is_bad(&known.deployed(&history[0]).unwrap()));
}

#[test]
fn a_freeze_does_not_make_a_release_young() {
    let history =
        [deployed(1, "SUCCESSFUL", 90), deployed(2, "SUCCESSFUL", 60), deployed(1, "SUCCESSFUL", 30)];
    assert_eq!(released_at(&history, &[frozen(2, 1)], 1), Some(at(30)));
    assert_eq!(released_at(&history[1..], &[frozen(2, 1)], 2), Some(at(30)));
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
        Known { history: &history, releases: &[] }.moved_images(&history[1]).into_values().next()
    };
    let latest = "registry:5000/lendpeak2/backend:latest";
    assert_eq!(
        moved(latest, latest, "sha256:b").as_deref(),
        Some("registry:5000/lendpeak2/backend@sha256:a")
    );
    assert_eq!(moved("backend", "backend", "sha256:b").as_deref(), Some("backend@sha256:a"));
    assert_eq!(moved(latest, latest, "sha256:a"), None);
    assert_eq!(moved("backend:1", "backend:2", "sha256:b"), None);
    // It had no tag that could move: a copy's, whose release may have one.
    assert_eq!(moved("backend@sha256:a", "backend", "sha256:b").as_deref(), Some("backend@sha256:a"));
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
            copy_of: None,
        };
        releases.into_iter().map(release).collect()
    })
}

proptest! {
    #[test]
    fn no_choice_is_the_present_one_or_rolled_back_from_or_unproven(
        history in histories(), releases in known(), current in 1..8_u32,
    ) {
        let chosen = candidates(&history, &releases, current);
        let known = Known { history: &history, releases: &releases };
        let is_it = |task_definition: &str, chosen: &str| known.stands_for(task_definition) == chosen;
        for candidate in &chosen {
            let chosen = revision(&candidate.task_definition);
            let mut noted = releases.iter().filter(|release| is_it(&release.revision, chosen));
            prop_assert!(!is_it(&arn(current), chosen));
            prop_assert!(noted.clone().all(|release| !release.is_bad()));
            let succeeded = history.iter().any(|past| {
                past.has_succeeded() && past.task_definition.as_deref().is_some_and(|name| is_it(name, chosen))
            });
            let was_good = noted.any(|release| release.good_at.is_some());
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
        let chosen = candidates(&history, &releases, current);
        let (mut turned, mut shuffled) = (history.clone(), releases);
        turned.reverse();
        shuffled.reverse();
        if !turned.is_empty() {
            turned.rotate_left(turn % history.len());
        }
        prop_assert_eq!(candidates(&turned, &shuffled, current), chosen);
    }
}

/// A push of `:latest`, deployed by force.
fn pushed(minute: i64, digest: &str) -> PastDeployment {
    with_image(deployed(1, "SUCCESSFUL", minute), "backend:latest", digest)
}

#[test]
fn the_same_name_with_another_image_is_another_release() {
    let history = [pushed(30, "sha256:b"), pushed(20, "sha256:a"), pushed(10, "sha256:a")];
    let known = Known { history: &history, releases: &[] };
    assert_eq!(known.released_at(&arn(1)), Some(at(30)));
    let chosen = known.candidates(&arn(1));
    let [candidate] = &chosen[..] else { panic!("{chosen:?}") };
    assert_eq!(revision(&candidate.task_definition), name(1));
    let images = BTreeMap::from([("backend".to_owned(), "backend@sha256:a".to_owned())]);
    assert_eq!(candidate.images, images);
    let digests = |digest: &str| BTreeMap::from([("backend".to_owned(), digest.to_owned())]);
    assert_eq!(known.told(&name(1), &digests("sha256:b")), format!("{} (backend sha256:b)", name(1)));
    // A restart is no other release.
    let restarted = [pushed(30, "sha256:a"), pushed(10, "sha256:a")];
    let known = Known { history: &restarted, releases: &[] };
    assert_eq!((known.candidates(&arn(1)), known.released_at(&arn(1))), (vec![], Some(at(10))));
    assert_eq!(known.told(&name(1), &digests("sha256:a")), name(1));
}

#[test]
fn a_note_is_about_the_images_that_ran_when_it_was_made() {
    let history = [pushed(30, "sha256:c"), pushed(20, "sha256:b"), pushed(10, "sha256:a")];
    let noted = Release { good_at: Some(at(15)), rolled_back_at: Some(at(25)), ..good(1, 15) };
    let known = Known { history: &history, releases: std::slice::from_ref(&noted) };
    let chosen: Vec<(Option<String>, Why)> = known
        .candidates(&arn(1))
        .into_iter()
        .map(|candidate| (candidate.digests.into_values().next(), candidate.why))
        .collect();
    assert_eq!(chosen, [(Some("sha256:a".to_owned()), PASSED)]);
}

#[test]
fn a_copy_by_digest_counts_as_the_release_with_those_images() {
    let copy = with_image(deployed(2, "SUCCESSFUL", 30), "backend@sha256:a", "sha256:a");
    let history = [copy, pushed(20, "sha256:b"), pushed(10, "sha256:a")];
    let copied = Release { copy_of: Some(name(1)), ..frozen_or_plain(2, None) };
    let bad = Release { rolled_back_at: Some(at(25)), ..frozen_or_plain(1, None) };
    // Back at a, from b: a is what runs, and b is bad.
    chooses(&history, &[copied.clone(), bad], 2, &[]);
    let known = Known { history: &history, releases: std::slice::from_ref(&copied) };
    let digests: Vec<_> =
        known.candidates(&arn(2)).into_iter().flat_map(|one| one.digests.into_values()).collect();
    assert_eq!(digests, ["sha256:b"]);
    assert!(known.ran(&name(1), "backend", "backend@sha256:b"));
    assert!(!known.ran(&name(1), "backend", "backend@sha256:c"));
}

proptest! {
    #[test]
    fn a_choice_never_depends_on_names_where_digests_differ(
        pushes in prop::collection::vec((1..3_u32, 0..3_usize), 1..8),
    ) {
        const DIGESTS: [&str; 3] = ["sha256:a", "sha256:b", "sha256:c"];
        let deploy = |revision: u32, minute: usize, digest: usize| {
            let minute = i64::try_from(minute).unwrap();
            with_image(deployed(revision, "SUCCESSFUL", minute), "backend:latest", DIGESTS[digest])
        };
        let history: Vec<PastDeployment> =
            pushes.iter().enumerate().map(|(minute, (revision, digest))| deploy(*revision, minute, *digest)).collect();
        let (current, runs) = *pushes.last().unwrap();
        let chosen = candidates(&history, &[], current);
        for candidate in &chosen {
            let digest = candidate.digests.values().next().unwrap();
            prop_assert!(revision(&candidate.task_definition) != name(current) || digest != DIGESTS[runs]);
            // What is deployed is just that image.
            let has_moved = history.last().unwrap().images[0].digest != *digest;
            prop_assert!(!has_moved || candidate.images.values().any(|image| image.ends_with(digest.as_str())));
        }
        // Each that was deployed and does not run is a choice, once.
        let mut others: Vec<(u32, usize)> = pushes.clone();
        others.sort_unstable();
        others.dedup();
        others.retain(|pushed| *pushed != (current, runs));
        prop_assert_eq!(chosen.len(), others.len());
    }
}
