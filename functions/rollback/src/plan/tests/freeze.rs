//! While writes are frozen, what is gone back to is frozen too.

use super::*;

/// The copy of a release with which writes are frozen, as the ledger knows it.
fn copy_of(copy: u32, release: u32) -> Release {
    Release { revision: name(copy), frozen_from: Some(name(release)), ..Release::default() }
}

fn frozen_to(revision: u32) -> Action {
    Action::Deploy {
        from: name(3),
        to: name(revision),
        copy: false,
        images: BTreeMap::new(),
        freeze: Some(read_only()),
        or: Vec::new(),
    }
}

#[track_caller]
fn acts_frozen(observed: &Observed, request: &Request, action: Action) -> Plan {
    let plan = plan(now(), observed, request, &settings(), &frozen());
    assert_eq!((&first_choices(&plan)[..], &plan.skipped), (&[action][..], &None));
    assert_eq!(plan.notes, [Note::RolledBack { release: name(3) }]);
    plan
}

#[test]
fn while_writes_are_frozen_the_release_gone_back_to_is_frozen_too() {
    let plan = acts_frozen(&observed(), &by_alarm(), frozen_to(2));
    assert!(plan.reason.contains("writes are frozen since 1970-01-12 13:46:40 UTC, and stay so"));
    assert_eq!(
        plan.actions[0].to_string(),
        format!("roll back from {} to a copy of {} with READONLY_MODE=true", name(3), name(2))
    );
    let named = observed().with(naming(Some(definition(1))));
    acts_frozen(&named, &by_hand(To::Revision(name(1))), frozen_to(1));
}

#[test]
fn a_deployment_under_way_is_not_left_to_ecs_where_that_would_end_or_begin_a_freeze() {
    let rolling = |releases: Vec<Release>| {
        observed()
            .with(|observed| {
                observed.history[0].status = "IN_PROGRESS".to_owned();
                observed.history.push(past(1, "SUCCESSFUL", MINUTE * 60 * 48));
                observed.releases = releases;
            })
            .choosing()
    };
    let stop = |observed: &Observed| Action::StopDeployment {
        service_deployment: observed.history[0].arn.clone(),
        from: name(3),
        to: name(2),
    };
    // ECS would go to 2.
    let plain = rolling(vec![]);
    acts_frozen(&plain, &by_alarm(), frozen_to(2));
    acts(&plain, &by_alarm(), stop(&plain));
    let copy = rolling(vec![copy_of(2, 1)]);
    acts_frozen(&copy, &by_alarm(), stop(&copy));
    acts(&copy, &by_alarm(), deploy_to(1));
}

#[test]
fn what_is_frozen_is_no_release_of_its_own() {
    // 3 is the copy of 2, which was frozen a minute ago and is as old as it was.
    let frozen_copy = || {
        observed()
            .with(|observed| {
                observed.history.push(past(1, "SUCCESSFUL", MINUTE * 60 * 48));
                observed.releases = vec![copy_of(3, 2)];
            })
            .choosing()
    };
    let plan = plan(now(), &frozen_copy(), &previous(), &settings(), &frozen());
    assert_eq!(plan.actions, [frozen_to(1)]);
    skips(&frozen_copy(), &by_alarm(), "release_too_old");
    let rolling = frozen_copy().with(|observed| observed.history[0].status = "IN_PROGRESS".to_owned());
    assert_eq!(plan.actions, super::plan(now(), &rolling, &previous(), &settings(), &frozen()).actions);
}

#[test]
fn a_frozen_copy_is_named_only_while_writes_are_frozen() {
    let copy = TaskDefinition { frozen_from: Some(name(1)), ..definition(2) };
    let named = observed().with(naming(Some(copy)));
    let request = by_hand(To::Revision(name(2)));
    skips(&named, &request, "frozen_copy");
    acts_frozen(&named, &request, deploy_to(2));
}

#[test]
fn a_release_that_cannot_be_frozen_is_refused_while_writes_are() {
    let other = observed().with(|observed| {
        let found = observed.candidates[0].1.as_mut().unwrap();
        found.images = BTreeMap::from([("app".to_owned(), "lendpeak2/backend:1".to_owned())]);
    });
    let refused = plan(now(), &other, &by_alarm(), &settings(), &frozen());
    assert_eq!(refused.skipped.unwrap().code.name(), "cannot_stay_frozen");
    acts(&other, &by_alarm(), deploy_to(2));
}

#[test]
fn an_intent_from_before_there_were_freezes_is_read() {
    let intent = json!({ "deploy": { "from": name(3), "to": name(2), "copy": false, "images": {} } });
    assert_eq!(serde_json::from_value::<Action>(intent.clone()).unwrap(), deploy_to(2));
    assert_eq!(json!(deploy_to(2)), intent);
}
