mod differences;
mod password;
mod use_it;

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use shared::{
    outcome::Decision,
    plan::{FollowUpChange, Limits},
};

use super::*;
use crate::{
    action::Action,
    docdb::{Cluster, ClusterSettings, Instance, InstanceSettings, Snapshot},
    follow_up::{FollowUp, Progress},
    login::{Fit, Login},
    name,
    request::Wanted,
    restore::{Origin, Restore},
};

const SOURCE: &str = "lendpeak2-production";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub(crate) fn settings() -> Settings {
    Settings {
        source: SOURCE.to_owned(),
        secret: "credentials".to_owned(),
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        probe_function: "health-probe".to_owned(),
        limit: Duration::from_hours(4),
        in_network: false,
        settle: Duration::from_mins(15),
        approval: Duration::from_mins(30),
    }
}

fn now() -> Timestamp {
    "2026-11-24T04:00:00Z".parse().unwrap()
}

fn restore_id() -> String {
    name::of_cluster(SOURCE, now())
}

fn instance(cluster: &str, number: usize, status: &str) -> Instance {
    Instance {
        status: status.to_owned(),
        is_writer: number == 1,
        engine_version: "5.0.0".to_owned(),
        settings: InstanceSettings {
            name: name::of_instance(cluster, number),
            class: "db.r6g.large".to_owned(),
            zone: Some(format!("us-east-1{number}")),
            ..InstanceSettings::default()
        },
        ..Instance::default()
    }
}

fn cluster(name: &str, instances: &[&str]) -> Cluster {
    Cluster {
        name: name.to_owned(),
        arn: format!("arn:aws:rds:us-east-1:123456789012:cluster:{name}"),
        status: "available".to_owned(),
        endpoint: format!("{name}.docdb"),
        reader_endpoint: format!("{name}-ro.docdb"),
        deletion_protection: true,
        earliest_restorable: Some(now() - HOUR * 48),
        latest_restorable: Some(now() - SignedDuration::from_mins(5)),
        master_user: Some("lendpeak".to_owned()),
        managed_secret: None,
        instances: instances
            .iter()
            .enumerate()
            .map(|(number, status)| instance(name, number + 1, status))
            .collect(),
        settings: ClusterSettings {
            engine: "docdb".to_owned(),
            engine_version: "5.0.0".to_owned(),
            parameter_group: "production".to_owned(),
            subnet_group: "production".to_owned(),
            security_groups: vec!["sg-1".to_owned()],
            kms_key: Some(KEY.to_owned()),
            ..ClusterSettings::default()
        },
    }
}

fn snapshot(id: &str, age: SignedDuration) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        cluster: SOURCE.to_owned(),
        kind: "automated".to_owned(),
        status: "available".to_owned(),
        taken_at: Some(now() - age),
        engine_version: "5.0.0".to_owned(),
        encrypted: true,
        kms_key: Some(KEY.to_owned()),
        progress: 100,
    }
}

/// A source with a snapshot 3 hours old, and one of yesterday.
fn before() -> Observed {
    Observed {
        source: Some(cluster(SOURCE, &["available", "available"])),
        snapshots: vec![snapshot("new", HOUR * 3), snapshot("old", HOUR * 27)],
        ..Observed::default()
    }
    .with(|seen| seen.log_in_to(SOURCE, Fit::Same))
}

impl Observed {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The service's user is the master user.
    fn log_in_to(&mut self, cluster: &str, fits: Fit) {
        self.logins.insert(cluster.to_owned(), Login { fits, is_master: true });
    }
}

fn asks(goal: Goal) -> Request {
    Request { goal, at: now() }
}

fn for_snapshot(wanted: Wanted) -> Request {
    asks(Goal::Restore(wanted))
}

fn planned(observed: &Observed, request: &Request, follow_up: Option<FollowUp>) -> Plan {
    plan(now(), observed, request, &settings(), &Past { follow_up, ..Past::default() })
}

#[track_caller]
fn refuses(observed: &Observed, request: &Request, code: &str) {
    let plan = planned(observed, request, None);
    assert_eq!(plan.actions, []);
    let stop = plan.skipped.unwrap();
    assert_eq!(stop.code.name(), code);
    assert!(stop.decision == Decision::NothingToDo || stop.next.is_some(), "{stop:?}");
    // A read that finds nothing is no failure.
    assert!(!matches!(request.goal, Goal::Report(_) | Goal::List) || stop.decision != Decision::Failed);
}

/// The request that a refusal offers.
fn sends(observed: &Observed, wanted: Wanted) -> Option<serde_json::Value> {
    planned(observed, &for_snapshot(wanted), None).skipped?.next?.send
}

#[track_caller]
fn origin(observed: &Observed, wanted: Wanted) -> Origin {
    let plan = planned(observed, &for_snapshot(wanted), None);
    match plan.actions.as_slice() {
        [Action::CreateCluster(restore)] => restore.origin.clone(),
        other => panic!("{other:?}, {:?}", plan.skipped),
    }
}

fn of(id: &str, age: SignedDuration) -> Origin {
    Origin::Snapshot { id: id.to_owned(), taken_at: now() - age }
}

#[test]
fn the_data_is_what_was_asked_for() {
    assert_eq!(origin(&before(), Wanted::LatestSnapshot), of("new", HOUR * 3));
    assert_eq!(origin(&before(), Wanted::SnapshotBefore(now() - HOUR * 4)), of("old", HOUR * 27));
    // One that was taken at that very moment may have the corruption.
    assert_eq!(origin(&before(), Wanted::SnapshotBefore(now() - HOUR * 3)), of("old", HOUR * 27));
    let named = before().with(|seen| seen.named = Some(snapshot("old", HOUR * 27)));
    assert_eq!(origin(&named, Wanted::Snapshot("old".to_owned())), of("old", HOUR * 27));
    assert_eq!(origin(&before(), Wanted::LatestPointInTime), Origin::LatestPointInTime);
    let at = now() - HOUR;
    assert_eq!(origin(&before(), Wanted::PointInTime(at)), Origin::PointInTime { at });
}

#[test]
fn what_cannot_be_restored_has_a_reason_and_a_next_step() {
    let latest = for_snapshot(Wanted::LatestSnapshot);
    let named = for_snapshot(Wanted::Snapshot("x".to_owned()));
    let with_named = |change: fn(&mut Snapshot)| {
        before().with(|seen| {
            let mut named = snapshot("x", HOUR);
            change(&mut named);
            seen.named = Some(named);
        })
    };
    refuses(&before().with(|seen| seen.source = None), &latest, "source_missing");
    refuses(
        &before().with(|seen| seen.source = Some(cluster(SOURCE, &[]))),
        &latest,
        "source_without_instances",
    );
    refuses(&before().with(|seen| seen.snapshots.clear()), &latest, "snapshot_missing");
    let creating = |seen: &mut Observed| {
        seen.snapshots.iter_mut().for_each(|snapshot| "creating".clone_into(&mut snapshot.status));
    };
    refuses(&before().with(creating), &latest, "snapshot_not_available");
    refuses(&before(), &for_snapshot(Wanted::SnapshotBefore(now() - HOUR * 48)), "snapshot_missing");
    refuses(&before(), &named, "snapshot_missing");
    refuses(&with_named(|it| "staging".clone_into(&mut it.cluster)), &named, "other_cluster");
    refuses(&with_named(|it| "failed".clone_into(&mut it.status)), &named, "snapshot_not_available");
    let theirs = |it: &mut Snapshot| it.kms_key = Some(KEY.replace("123456789012", "000000000000"));
    refuses(&with_named(theirs), &named, "key_not_ours");
    for at in [now() - HOUR * 49, now(), now() + HOUR] {
        refuses(&before(), &for_snapshot(Wanted::PointInTime(at)), "outside_window");
    }
    let no_backups = |seen: &mut Observed| {
        seen.source.as_mut().unwrap().latest_restorable = None;
    };
    refuses(&before().with(no_backups), &for_snapshot(Wanted::LatestPointInTime), "outside_window");
}

#[test]
fn a_refusal_offers_what_can_be_restored() {
    let latest_time = Some(json!({ "point_in_time": "latest" }));
    assert_eq!(sends(&before(), Wanted::PointInTime(now() + HOUR)), latest_time);
    let named = |status: &'static str| {
        let seen = before().with(|seen| {
            seen.named = Some(Snapshot { status: status.to_owned(), ..snapshot("x", HOUR) });
        });
        sends(&seen, Wanted::Snapshot("x".to_owned()))
    };
    assert_eq!(named("creating"), Some(json!({ "snapshot": "x" })));
    assert_eq!(named("failed"), Some(json!({ "list": true })));

    let list = |seen: Observed| planned(&seen, &asks(Goal::List), None).skipped.unwrap().next.unwrap().send;
    assert_eq!(list(before()), latest_time);
    let no_backups = |seen: &mut Observed| seen.source.as_mut().unwrap().latest_restorable = None;
    assert_eq!(list(before().with(no_backups)), Some(json!({ "snapshot": "latest" })));
    let nothing = before().with(no_backups).with(|seen| seen.snapshots.clear());
    assert_eq!(list(nothing), None);
}

#[test]
fn an_older_engine_in_the_snapshot_is_kept_and_said() {
    let older = before()
        .with(|seen| seen.snapshots.iter_mut().for_each(|one| "4.0.0".clone_into(&mut one.engine_version)));
    let plan = planned(&older, &for_snapshot(Wanted::LatestSnapshot), None);
    let [Action::CreateCluster(restore)] = plan.actions.as_slice() else { panic!("{plan:?}") };
    assert_eq!(restore.settings.engine_version, "4.0.0");
    assert!(plan.details.contains(&"lendpeak2-production runs 5.0.0 now".to_owned()), "{:?}", plan.details);
}

#[test]
fn what_is_lost_comes_first_and_the_rest_line_by_line() {
    let plan = planned(&before(), &for_snapshot(Wanted::LatestSnapshot), None);
    let lost = "it would lack all writes of 3 h 0 min, since 2026-11-24 01:00:00 UTC";
    assert_eq!((plan.reason.as_str(), plan.details.len()), (lost, 4));
    let [age, source, cost, made] = plan.details.as_slice() else { panic!("{plan:?}") };
    assert!(age.contains("is 3 h 0 min old") && source.contains("is not touched"), "{age} {source}");
    assert!(cost.contains("20 to 60 minutes") && made.contains("2 × db.r6g.large"), "{cost} {made}");
    let short = in_short(&plan.actions);
    assert_eq!(short, InShort::always(format!("restore of {SOURCE} as {}", restore_id())));
}

#[test]
fn what_it_comes_to_is_said_in_short() {
    let check = |actions: &[Action], planned: &str, done: &str| {
        let expected = InShort { planned: planned.to_owned(), done: done.to_owned() };
        assert_eq!(in_short(actions), expected);
    };
    let cluster = || "a".to_owned();
    check(
        &[
            Action::AllowDeletion { cluster: cluster() },
            Action::DeleteInstance { instance: "a-1".to_owned(), cluster: cluster() },
            Action::DeleteCluster { cluster: cluster() },
        ],
        "take the deletion protection off cluster a, delete instance a-1, delete cluster a without a last snapshot",
        "deletion protection taken off cluster a, deletion of instance a-1 begun, \
         deletion of cluster a begun, without a last snapshot",
    );
    let version = || "v2".to_owned();
    check(
        &[
            Action::SetPassword { cluster: cluster(), secret: "s".to_owned(), version: version() },
            Action::NotePassword { restore: cluster(), arn: "arn".to_owned(), version: version() },
        ],
        "give the master user of cluster a the password in version v2 of secret s",
        "master user of cluster a given the password in version v2 of secret s",
    );
    let redeploy = Action::Redeploy {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        running: "ecs-svc/1".to_owned(),
    };
    check(
        &[Action::PointSecretBack { secret: "s".to_owned(), from: version(), to: "v1".to_owned() }, redeploy],
        "make version v1 of secret s current again, start new tasks of backend, which read the secret",
        "version v1 of secret s made current again, new tasks of backend started, which read the secret",
    );
}

#[test]
fn a_list_has_a_line_for_each() {
    let plan = planned(&before(), &asks(Goal::List), None);
    let stop = plan.skipped.unwrap();
    assert_eq!((stop.decision, stop.code.name()), (Decision::Listed, "list"));
    assert!(
        stop.reason.ends_with(", or from 2 snapshots") && plan.details.len() == 3,
        "{stop:?} {:?}",
        plan.details
    );
    assert!(plan.details[1].starts_with("new (automated, 3 h 0 min old"), "{:?}", plan.details);
}

/// The restore that is under way, as the ledger has it.
fn under_way(tried: &[&str]) -> FollowUp {
    let source = before().source.unwrap();
    let restore = Restore::new(&source, of("new", HOUR * 3), &BTreeMap::new(), now());
    let tried = tried.iter().map(|step| (*step).to_owned()).collect();
    let progress = Progress { restore, begun_at: now() - HOUR, tried };
    progress.until(now() + HOUR)
}

fn with_cluster(instances: &[&str]) -> Observed {
    Observed { restored: vec![cluster(&restore_id(), instances)], ..Observed::default() }
        .with(|seen| seen.log_in_to(&restore_id(), Fit::Same))
}

#[track_caller]
fn waits(observed: &Observed, follow_up: &FollowUp, code: &str) {
    for goal in [Goal::Continue(restore_id()), Goal::LookAfter] {
        let plan = planned(observed, &asks(goal), Some(follow_up.clone()));
        assert_eq!((plan.actions.len(), plan.skipped.map(|stop| stop.code.name())), (0, Some(code)));
    }
}

#[test]
fn each_state_has_its_next_step() {
    let creating = with_cluster(&[]).with(|seen| "creating".clone_into(&mut seen.restored[0].status));
    waits(&creating, &under_way(&[]), "cluster_creating");
    waits(&with_cluster(&["creating"]), &under_way(&[]), "instances_creating");
    waits(&with_cluster(&["available", "creating"]), &under_way(&[]), "instances_creating");
    waits(&with_cluster(&["available", "available"]), &under_way(&[]), "handed_over");
    waits(&with_cluster(&["available", "failed"]), &under_way(&[]), "restore_failed");
    waits(&Observed::default(), &under_way(&[]), "cluster_gone");
    let going = with_cluster(&[]).with(|seen| "deleting".clone_into(&mut seen.restored[0].status));
    waits(&going, &under_way(&[]), "discarded");
    let late = FollowUp { due: now(), ..under_way(&[]) };
    waits(&creating, &late, "not_finished");
}

#[test]
fn a_cluster_that_takes_no_connection_is_waited_for_and_then_handed_over_with_that() {
    let up = |reached: bool| {
        with_cluster(&["available", "available"]).with(|seen| {
            seen.reached.insert(restore_id(), reached);
        })
    };
    waits(&up(true), &under_way(&[]), "handed_over");
    waits(&up(false), &under_way(&[]), "instances_creating");
    let late = FollowUp { due: now(), ..under_way(&[]) };
    waits(&up(false), &late, "handed_over_with_differences");
}

#[track_caller]
fn acts(observed: &Observed, goal: Goal, follow_up: &FollowUp, expected: &str) {
    let plan = planned(observed, &asks(goal), Some(follow_up.clone()));
    let words: Vec<String> = plan.actions.iter().map(ToString::to_string).collect();
    assert_eq!(words, [expected]);
    assert_eq!(plan.limits, Limits::Exempt);
    // The time that it has is the one that it was given.
    assert!(matches!(plan.follow_up, FollowUpChange::Set(kept) if kept.due == follow_up.due));
}

#[test]
fn the_writer_comes_first_and_a_refused_step_waits_for_a_person() {
    let id = restore_id();
    let create = |number: usize| {
        format!("create instance {id}-{number} (db.r6g.large in us-east-1{number}) in cluster {id}")
    };
    let go_on = || Goal::Continue(restore_id());
    acts(&with_cluster(&[]), go_on(), &under_way(&[]), &create(1));
    acts(&with_cluster(&["available"]), Goal::LookAfter, &under_way(&[]), &create(2));
    let other =
        with_cluster(&[]).with(|seen| "default".clone_into(&mut seen.restored[0].settings.parameter_group));
    let copy = format!(
        "give cluster {id} the parameter group production and the backup and maintenance times of its source"
    );
    acts(&other, Goal::LookAfter, &under_way(&[]), &copy);
    // AWS did not heed it: that is told in the end, and not tried for ever.
    acts(&other, Goal::LookAfter, &under_way(&["settings"]), &create(1));
    // A person may try it again, and not for ever either.
    acts(&other, go_on(), &under_way(&["settings", "settings"]), &copy);
    acts(&other, go_on(), &under_way(&["settings", "settings", "settings"]), &create(1));

    let tried = under_way(&[&format!("{id}-1")]);
    let plan = planned(&with_cluster(&[]), &asks(Goal::LookAfter), Some(tried.clone()));
    assert_eq!(plan.skipped.unwrap().code.name(), "waits_for_a_person");
    acts(&with_cluster(&[]), go_on(), &tried, &create(1));
}

#[test]
fn another_restore_is_refused_while_one_is_under_way() {
    let other = name::of_cluster(SOURCE, now() - HOUR);
    let plan = planned(&with_cluster(&[]), &asks(Goal::Continue(other)), Some(under_way(&[])));
    assert_eq!(plan.skipped.unwrap().code.name(), "other_restore");
    let plan = planned(&before(), &for_snapshot(Wanted::LatestSnapshot), Some(under_way(&[])));
    assert_eq!(plan.skipped.unwrap().code.name(), "restore_in_progress");
}

#[test]
fn without_a_follow_up_it_says_what_has_become_of_a_restore() {
    let goal = || asks(Goal::Continue(restore_id()));
    refuses(&Observed::default(), &goal(), "not_begun");
    let old = name::of_cluster(SOURCE, now() - HOUR);
    refuses(&Observed::default(), &asks(Goal::Continue(old)), "restore_unknown");
    refuses(&with_cluster(&["available", "available"]), &goal(), "handed_over");
    refuses(&with_cluster(&["creating"]), &goal(), "given_up");
    refuses(&Observed::default(), &asks(Goal::LookAfter), "nothing_under_way");
    refuses(&with_cluster(&["available"]), &asks(Goal::Report(restore_id())), "left_behind");
    refuses(&Observed::default(), &asks(Goal::Report(restore_id())), "nothing_left_behind");
    // The state machine's restore has come to a stop: that is for people to hear.
    for (observed, code) in
        [(with_cluster(&["available"]), "left_behind"), (Observed::default(), "nothing_left_behind")]
    {
        let stop = planned(&observed, &asks(Goal::Stopped(restore_id())), None).skipped.unwrap();
        assert_eq!((stop.decision, stop.code.name()), (Decision::Failed, code));
    }
}

use use_it::{ready, used};

fn any_instances() -> impl Strategy<Value = Vec<&'static str>> {
    let status = prop_oneof![Just("creating"), Just("available"), Just("deleting"), Just("failed")];
    proptest::collection::vec(status, 0..3)
}

fn any_goal() -> impl Strategy<Value = Goal> {
    let at = (-100_i64..10).prop_map(|hours| now() + HOUR * i32::try_from(hours).unwrap());
    prop_oneof![
        Just(Goal::Restore(Wanted::LatestSnapshot)),
        Just(Goal::Restore(Wanted::LatestPointInTime)),
        at.clone().prop_map(|at| Goal::Restore(Wanted::SnapshotBefore(at))),
        at.prop_map(|at| Goal::Restore(Wanted::PointInTime(at))),
        Just(Goal::Continue(restore_id())),
        Just(Goal::LookAfter),
        Just(Goal::SetPassword(restore_id())),
        Just(Goal::CutOver(restore_id())),
        Just(Goal::Undo(restore_id())),
        Just(Goal::Discard(restore_id())),
        Just(Goal::LookAfterCutOver),
        Just(Goal::List),
    ]
}

/// The clusters and instances that an action names as its own.
fn written(action: &Action) -> Vec<&str> {
    match action {
        Action::CreateCluster(restore) => vec![&restore.id],
        Action::CopySettings { cluster, .. }
        | Action::AllowDeletion { cluster }
        | Action::DeleteCluster { cluster }
        | Action::SetPassword { cluster, .. } => vec![cluster],
        Action::CreateInstance { cluster, instance, .. } => vec![cluster, &instance.name],
        Action::DeleteInstance { instance, cluster } => vec![instance, cluster],
        Action::NoteCutOver { restore, .. } | Action::NotePassword { restore, .. } => vec![restore],
        Action::SetSecretHost { .. } | Action::PointSecretBack { .. } | Action::Redeploy { .. } => vec![],
    }
}

proptest! {
    #[test]
    fn whatever_there_is_the_source_is_not_written_to_and_a_newer_snapshot_is_never_chosen(
        goal in any_goal(),
        ages in proptest::collection::vec(0_i32..100, 0..6),
        instances in any_instances(),
        status in prop_oneof![Just("available"), Just("creating"), Just("deleting")],
        is_used in any::<bool>(),
        is_under_way in any::<bool>(),
        is_tried in any::<bool>(),
    ) {
        let base = if is_used { used() } else { ready() };
        let observed = base.with(|seen| {
            seen.source = before().source;
            seen.snapshots = ages.iter().map(|age| snapshot(&format!("s{age}"), HOUR * *age)).collect();
            seen.snapshots.sort_by_key(|one| std::cmp::Reverse(one.taken_at));
            seen.restored = vec![cluster(&restore_id(), &instances)];
            status.clone_into(&mut seen.restored[0].status);
        });
        let tried = name::of_instance(&restore_id(), 1);
        let tried = if is_tried { vec![tried.as_str()] } else { vec![] };
        let follow_up = is_under_way.then(|| under_way(&tried));
        let plan = planned(&observed, &asks(goal.clone()), follow_up);
        for action in &plan.actions {
            for name in written(action) {
                prop_assert!(name.starts_with(&restore_id()), "{name}");
            }
            if let (Action::CreateCluster(restore), Goal::Restore(Wanted::SnapshotBefore(at))) = (action, &goal) {
                let older = matches!(&restore.origin, Origin::Snapshot { taken_at, .. } if taken_at < at);
                prop_assert!(older, "{action}");
            }
        }
        // While it is made, one step at a time.
        if matches!(goal, Goal::Restore(_) | Goal::Continue(_) | Goal::LookAfter) {
            prop_assert!(plan.actions.len() <= 1);
        }
        prop_assert_eq!(plan.actions.is_empty(), plan.skipped.is_some());
    }
}
