//! What becomes of a restored cluster.

use shared::ecs::{Deployment, RunningTask, Service};

use super::*;
use crate::{
    follow_up::{redeployed, settled},
    observe::Database,
    restore::{CUT_OVER_FROM, INSTANCES, RESTORE_ID, RESTORE_OF},
    secret::{self, Secret},
};

fn service() -> Service {
    let primary = Deployment {
        id: "ecs-svc/1".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: "backend:1".to_owned(),
        rollout: "COMPLETED".to_owned(),
        created_at: Some(now()),
        failed_tasks: 0,
        ..Deployment::default()
    };
    Service {
        status: "ACTIVE".to_owned(),
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
        task_definition: "backend:1".to_owned(),
        deployment_controller: "ECS".to_owned(),
        deployments: vec![primary],
        events: Vec::new(),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        ..Service::default()
    }
}

/// The service's tasks, both of its deployment.
fn tasks() -> Vec<RunningTask> {
    let task = |number: usize| RunningTask {
        task: format!("task/{number}"),
        started_by: "ecs-svc/1".to_owned(),
        created_at: Some(now()),
    };
    vec![task(1), task(2)]
}

fn points_to(host: &str, version: &str) -> Secret {
    Secret {
        name: "credentials".to_owned(),
        current: version.to_owned(),
        versions: vec!["v1".to_owned(), version.to_owned()],
        changed_at: Some(now()),
        rotated_at: None,
        host: Some(host.to_owned()),
        also: Vec::new(),
    }
}

/// Handed over, and not put to use.
pub(super) fn ready() -> Observed {
    let tags = [(RESTORE_OF, SOURCE.to_owned()), (RESTORE_ID, restore_id()), (INSTANCES, "2".to_owned())];
    Observed {
        tags: tags.map(|(key, value)| (key.to_owned(), value)).into(),
        secret: Some(points_to("lendpeak2-production.docdb", "v1")),
        service: Some(service()),
        ..with_cluster(&["available", "available"])
    }
}

pub(super) fn used() -> Observed {
    let version = secret::version_of(&restore_id(), "v1");
    ready().with(|seen| {
        seen.tags.insert(CUT_OVER_FROM.to_owned(), "v1".to_owned());
        seen.secret = Some(points_to(&format!("{}.docdb", restore_id()), &version));
    })
}

#[test]
fn a_cut_over_says_every_value_and_keeps_the_version_before() {
    let plan = planned(&ready(), &asks(Goal::CutOver(restore_id())), None);
    let id = restore_id();
    let expected = [
        Action::SetSecretHost {
            secret: "credentials".to_owned(),
            before: "v1".to_owned(),
            version: secret::version_of(&id, "v1"),
            from: "lendpeak2-production.docdb".to_owned(),
            to: format!("{id}.docdb"),
            also: Vec::new(),
        },
        Action::Redeploy {
            cluster: "lendpeak2-production".to_owned(),
            service: "backend".to_owned(),
            running: "ecs-svc/1".to_owned(),
        },
        Action::NoteCutOver {
            restore: id.clone(),
            arn: format!("arn:aws:rds:us-east-1:123456789012:cluster:{id}"),
            before: "v1".to_owned(),
        },
    ];
    assert_eq!(plan.actions, expected);
    assert_eq!(plan.limits, Limits::SkipCooldown);
    assert!(plan.reason.contains("Writes are not frozen"), "{}", plan.reason);
    let uri = ready().with(|seen| {
        seen.secret.as_mut().unwrap().also = vec!["uri".to_owned()];
    });
    let plan = planned(&uri, &asks(Goal::CutOver(restore_id())), None);
    assert!(plan.reason.contains("The secret's uri also name"), "{}", plan.reason);
}

#[test]
fn what_must_not_be_put_to_use_is_not() {
    let request = asks(Goal::CutOver(restore_id()));
    refuses(&Observed::default(), &request, "restore_unknown");
    refuses(&ready().with(|seen| seen.tags.clear()), &request, "not_ours");
    let other = |seen: &mut Observed| {
        seen.tags.insert(RESTORE_OF.to_owned(), "staging".to_owned());
    };
    refuses(&ready().with(other), &request, "not_ours");
    let creating = |seen: &mut Observed| "creating".clone_into(&mut seen.restored[0].instances[1].status);
    refuses(&ready().with(creating), &request, "restore_not_ready");
    refuses(&ready().with(|seen| seen.restored[0].instances.clear()), &request, "restore_not_ready");
    let writer_alone = |seen: &mut Observed| seen.restored[0].instances.truncate(1);
    refuses(&ready().with(writer_alone), &request, "restore_not_ready");
    refuses(&ready().with(|seen| seen.secret = None), &request, "secret_missing");
    let hostless = |seen: &mut Observed| {
        seen.secret.as_mut().unwrap().host = None;
    };
    refuses(&ready().with(hostless), &request, "secret_without_host");
    refuses(&used(), &request, "already_cut_over");
    refuses(&ready().with(|seen| seen.service = None), &request, "service_missing");
    let with_service = |change: fn(&mut Service)| {
        ready().with(|seen| {
            change(seen.service.as_mut().unwrap());
        })
    };
    refuses(&with_service(|it| "INACTIVE".clone_into(&mut it.status)), &request, "service_inactive");
    refuses(
        &with_service(|it| "CODE_DEPLOY".clone_into(&mut it.deployment_controller)),
        &request,
        "not_deployed_by_ecs",
    );
    let rolling = with_service(|it| "IN_PROGRESS".clone_into(&mut it.deployments[0].rollout));
    refuses(&rolling, &request, "deployment_in_progress");
}

#[test]
fn undoing_needs_the_version_of_the_cut_over() {
    let request = asks(Goal::Undo(restore_id()));
    let plan = planned(&used(), &request, None);
    let version = secret::version_of(&restore_id(), "v1");
    let back =
        Action::PointSecretBack { secret: "credentials".to_owned(), from: version, to: "v1".to_owned() };
    assert_eq!((plan.actions.first(), plan.limits), (Some(&back), Limits::SkipCooldown));
    assert!(plan.reason.contains("what was written since"), "{}", plan.reason);
    // The tag comes last: until then the secret itself shows it.
    let untagged = used().with(|seen| drop(seen.tags.remove(CUT_OVER_FROM)));
    assert_eq!(planned(&untagged, &request, None).actions, plan.actions);
    // Nor does the tag of an earlier cut-over hide a later one.
    let again = used().with(|seen| {
        seen.tags.insert(CUT_OVER_FROM.to_owned(), "v0".to_owned());
    });
    assert_eq!(planned(&again, &request, None).actions, plan.actions);
    refuses(&ready(), &request, "never_cut_over");
    let undone = |seen: &mut Observed| seen.secret = Some(points_to("lendpeak2-production.docdb", "v1"));
    refuses(&used().with(undone), &request, "already_undone");
    let rotated = |seen: &mut Observed| seen.secret = Some(points_to("x", "v9"));
    refuses(&used().with(rotated), &request, "secret_changed");
    let forgotten = |seen: &mut Observed| {
        seen.secret.as_mut().unwrap().versions.remove(0);
    };
    refuses(&used().with(forgotten), &request, "version_gone");
}

#[test]
fn only_what_was_restored_and_never_used_is_deleted() {
    let request = asks(Goal::Discard(restore_id()));
    let words = |observed: &Observed| -> Vec<String> {
        planned(observed, &request, None).actions.iter().map(ToString::to_string).collect()
    };
    let id = restore_id();
    let delete = [
        format!("delete instance {id}-1"),
        format!("delete instance {id}-2"),
        format!("delete cluster {id} without a last snapshot"),
    ];
    assert_eq!(words(&ready())[1..], delete);
    assert_eq!(words(&ready())[0], format!("take the deletion protection off cluster {id}"));
    assert_eq!(words(&ready().with(|seen| seen.restored[0].deletion_protection = false)), delete);
    refuses(&Observed::default(), &request, "already_gone");
    refuses(&ready().with(|seen| seen.tags.clear()), &request, "not_ours");
    refuses(&used(), &request, "was_cut_over");
    let undone_untagged = used().with(|seen| {
        seen.tags.remove(CUT_OVER_FROM);
        let secret = seen.secret.as_mut().unwrap();
        "v1".clone_into(&mut secret.current);
        secret.host = Some("lendpeak2-production.docdb".to_owned());
    });
    refuses(&undone_untagged, &request, "was_cut_over");
    let by_hand = ready().with(|seen| seen.secret = Some(points_to(&format!("{id}.docdb"), "v2")));
    refuses(&by_hand, &request, "in_use");
    // Where it points must be known.
    refuses(&ready().with(|seen| seen.secret = None), &request, "in_use");
}

#[test]
fn a_cut_over_is_looked_after_until_it_has_settled_or_its_time_is_over() {
    let follow_up = |due: Timestamp| {
        let what = json!({ "version": "v2", "what": "the cut-over", "undo": restore_id() });
        let what = serde_json::from_value(what).unwrap();
        Some(FollowUp { due, what, until_verified: true })
    };
    let (later, over) = (now() + HOUR, now());
    let code = |observed: &Observed, due: Timestamp| {
        planned(observed, &asks(Goal::LookAfterCutOver), follow_up(due)).skipped.unwrap().code.name()
    };
    let answers = |answers: bool| Some(Database { answers, summary: "…".to_owned() });
    let seen = |database: Option<Database>| Observed {
        secret: Some(points_to("new", "v2")),
        service: Some(service()),
        tasks: tasks(),
        database,
        ..Observed::default()
    };
    assert_eq!(code(&seen(answers(true)), later), "verified");
    assert_eq!(code(&seen(answers(false)), later), "still_settling");
    assert_eq!(code(&seen(None), later), "still_settling");
    assert_eq!(code(&seen(answers(false)), over), "not_verified");
    let old_tasks = seen(answers(true)).with(|seen| {
        seen.service.as_mut().unwrap().deployments[0].created_at = Some(now() - HOUR);
    });
    assert_eq!(code(&old_tasks, over), "not_verified");
    let other = seen(answers(true)).with(|seen| seen.secret = Some(points_to("x", "v3")));
    assert_eq!(code(&other, over), "superseded");
    let what = json!({ "version": "v2", "what": "the cut-over", "undo": restore_id(), "also": ["uri"] });
    let what = serde_json::from_value(what).unwrap();
    let follow_up = FollowUp { due: over, what, until_verified: true };
    let stop = planned(&seen(answers(true)), &asks(Goal::LookAfterCutOver), Some(follow_up)).skipped.unwrap();
    assert_eq!(stop.code.name(), "not_verified");
    assert!(stop.reason.contains("the secret's uri still names it"), "{}", stop.reason);
}

/// What is said where all is well but for this.
#[track_caller]
fn is_not_verified(change: impl FnOnce(&mut Observed), expected: &str) {
    let seen = Observed {
        secret: Some(points_to("new", "v2")),
        service: Some(service()),
        tasks: tasks(),
        database: Some(Database { answers: true, summary: "…".to_owned() }),
        ..Observed::default()
    };
    let well = settled(&seen, "v2", &[]);
    assert!(well.verified && well.what.ends_with("and /health/db passes"), "{well:?}");
    let seen = settled(&seen.with(change), "v2", &[]);
    assert!(!seen.verified && seen.what.contains(expected), "{seen:?}");
}

#[test]
fn it_is_verified_only_where_every_task_began_after_the_secrets_version_was_current() {
    let second = SignedDuration::from_secs(1);
    is_not_verified(
        |seen| "ecs-svc/0".clone_into(&mut seen.tasks[1].started_by),
        "1 of 2 began before the secret was changed: they have the version before",
    );
    is_not_verified(|seen| seen.tasks[0].created_at = Some(now() - second), "1 of 2 began before");
    is_not_verified(|seen| seen.tasks[0].created_at = None, "1 of 2 began before");
    is_not_verified(|seen| seen.tasks.clear(), "none of them can be seen");
    is_not_verified(
        |seen| seen.service.as_mut().unwrap().deployments[0].created_at = Some(now() - second),
        "the service's tasks began before the secret was changed",
    );
    is_not_verified(
        |seen| seen.secret.as_mut().unwrap().changed_at = None,
        "since when the secret's version is current is not known",
    );
    is_not_verified(|seen| seen.service = None, "the service was not seen");
    is_not_verified(|seen| seen.service.as_mut().unwrap().running_count = 1, "1 of 2 tasks run");
    is_not_verified(|seen| seen.secret = Some(points_to("x", "v3")), "another version of the secret");
    is_not_verified(|seen| seen.database = None, "the probe did not answer");
    is_not_verified(|seen| seen.database.as_mut().unwrap().answers = false, "but /health/db fails");
}

#[test]
fn a_fraction_of_a_second_counts_where_both_times_have_one() {
    let moment = SignedDuration::from_millis(300);
    let changed = |at: SignedDuration| {
        move |seen: &mut Observed| {
            seen.secret.as_mut().unwrap().changed_at = Some(now() + at);
            seen.service.as_mut().unwrap().deployments[0].created_at = Some(now() + moment);
            for task in &mut seen.tasks {
                task.created_at = Some(now() + moment);
            }
        }
    };
    is_not_verified(changed(moment * 2), "the service's tasks began before the secret was changed");
    let seen = Observed {
        secret: Some(points_to("new", "v2")),
        service: Some(service()),
        tasks: tasks(),
        ..Observed::default()
    };
    assert!(redeployed(&seen.clone().with(changed(moment)), "v2").0);
    // Nobody can tell within a second.
    assert!(redeployed(&seen.with(changed(SignedDuration::ZERO)), "v2").0);
}
