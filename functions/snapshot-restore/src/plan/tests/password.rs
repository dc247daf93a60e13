//! A restored cluster has the password of its data's time.

use super::*;
use crate::{data::data_of, restore::CUT_OVER_FROM};

fn older() -> Fit {
    Fit::Older { changed_at: Some(now() - HOUR) }
}

fn unknown() -> Fit {
    Fit::Unknown { why: "cannot read secret credentials: AccessDeniedException".to_owned() }
}

fn set() -> serde_json::Value {
    json!({ "set_password_of": restore_id() })
}

fn reason(observed: &Observed, goal: Goal) -> String {
    let plan = planned(observed, &asks(goal), None);
    [vec![plan.reason], plan.details].concat().join(". ")
}

#[test]
fn a_plan_to_restore_says_that_the_secret_was_changed_since() {
    let restore = || Goal::Restore(Wanted::LatestSnapshot);
    assert!(!reason(&before(), restore()).contains("password"), "{}", reason(&before(), restore()));
    for fits in [older(), unknown()] {
        let observed = before().with(|seen| seen.log_in_to(SOURCE, fits.clone()));
        assert!(reason(&observed, restore()).contains(&set().to_string().replace(':', ": ")));
    }
    let changed = before().with(|seen| seen.log_in_to(SOURCE, older()));
    let said = "The password in secret credentials was changed at 2026-11-24 03:00:00 UTC";
    assert!(reason(&changed, restore()).contains(said), "{}", reason(&changed, restore()));
    let managed = before().with(|seen| {
        seen.source.as_mut().unwrap().managed_secret = Some("arn:aws:secretsmanager:x".to_owned());
    });
    let said = "AWS manages the master user of lendpeak2-production in arn:aws:secretsmanager:x";
    assert!(reason(&managed, restore()).contains(said), "{}", reason(&managed, restore()));
}

#[test]
fn the_time_of_the_data_is_the_one_that_was_asked_for() {
    let at = |wanted: Wanted| data_of(now(), &before().there().unwrap(), &wanted);
    assert_eq!(at(Wanted::LatestSnapshot), Some(now() - HOUR * 3));
    assert_eq!(at(Wanted::SnapshotBefore(now() - HOUR * 4)), Some(now() - HOUR * 27));
    assert_eq!(at(Wanted::PointInTime(now() - HOUR)), Some(now() - HOUR));
    assert_eq!(at(Wanted::LatestPointInTime), before().source.unwrap().latest_restorable);
    assert_eq!(at(Wanted::Snapshot("x".to_owned())), None);
    assert!(Observed::default().there().is_none());
}

#[test]
fn the_hand_over_offers_the_password_first_where_it_is_needed() {
    let handed_over = |change: &dyn Fn(&mut Observed)| {
        let observed = with_cluster(&["available", "available"]).with(|seen| change(seen));
        let stop = planned(&observed, &asks(Goal::LookAfter), Some(under_way(&[]))).skipped.unwrap();
        assert_eq!(stop.code.name(), "handed_over");
        (stop.reason, stop.next.unwrap().send.unwrap())
    };
    let cut_over = json!({ "cut_over": restore_id() });
    let fits = |fits: Fit| handed_over(&move |seen| seen.log_in_to(&restore_id(), fits.clone()));
    let (reason, send) = fits(Fit::Same);
    assert!(!reason.contains("password"), "{reason}");
    assert_eq!(send, cut_over);
    for (fit, said) in [(older(), "has the older one"), (unknown(), "cannot be told (cannot read secret")] {
        let (reason, send) = fits(fit);
        assert!(reason.contains(said), "{reason}");
        assert_eq!(send, set());
    }
    let (reason, send) = fits(Fit::Missing);
    assert!(reason.contains("has no field `password`"), "{reason}");
    assert_eq!(send, cut_over);
    let (reason, send) = handed_over(&|seen| seen.logins.clear());
    assert!(reason.contains("was not looked at"), "{reason}");
    assert_eq!(send, cut_over);
    let (reason, _) = handed_over(&|seen| {
        seen.tags.insert(CUT_OVER_FROM.to_owned(), "v1".to_owned());
    });
    assert!(reason.ends_with("The service was pointed at it before"), "{reason}");
    let (reason, send) = handed_over(&|seen| {
        seen.restored[0].managed_secret = Some("arn:aws:secretsmanager:x".to_owned());
    });
    assert!(reason.contains("AWS manages the master user"), "{reason}");
    assert_eq!(send, cut_over);
    let (reason, send) = handed_over(&|seen| {
        seen.logins.insert(restore_id(), Login { fits: older(), is_master: false });
    });
    assert!(reason.contains("`updateUser`"), "{reason}");
    assert_eq!(send, cut_over);
}

#[test]
fn a_cut_over_says_first_that_new_tasks_cannot_log_in() {
    let cut_over = || Goal::CutOver(restore_id());
    let before = reason(&ready(), cut_over());
    let changed = ready().with(|seen| seen.log_in_to(&restore_id(), older()));
    assert!(reason(&changed, cut_over()).starts_with("The password in secret credentials was changed at"));
    assert!(reason(&changed, cut_over()).ends_with(&before));
    // A person may go on all the same.
    assert_eq!(
        planned(&changed, &asks(cut_over()), None).actions,
        planned(&ready(), &asks(cut_over()), None).actions
    );
}

#[test]
fn the_password_of_the_secrets_version_is_set_and_which_one_is_noted() {
    let id = restore_id();
    let expected = [
        Action::SetPassword {
            cluster: id.clone(),
            secret: "credentials".to_owned(),
            version: "v1".to_owned(),
        },
        Action::NotePassword {
            restore: id.clone(),
            arn: format!("arn:aws:rds:us-east-1:123456789012:cluster:{id}"),
            version: "v1".to_owned(),
        },
    ];
    for fits in [older(), unknown()] {
        let observed = ready().with(|seen| seen.log_in_to(&id, fits.clone()));
        let plan = planned(&observed, &asks(Goal::SetPassword(id.clone())), None);
        assert_eq!((plan.actions.as_slice(), plan.limits), (&expected[..], Limits::SkipCooldown));
        assert!(plan.reason.contains("nothing uses it yet"), "{}", plan.reason);
    }
    let used = ready().with(|seen| {
        seen.log_in_to(&id, older());
        seen.secret.as_mut().unwrap().host = Some(format!("{id}.docdb"));
    });
    assert!(reason(&used, Goal::SetPassword(id)).contains("backend works on it"));
    for action in expected {
        let text = action.to_string();
        assert_eq!(shared::text::line(&text, shared::text::PERSON), text);
    }
}

#[test]
fn what_cannot_take_the_password_does_not() {
    let request = asks(Goal::SetPassword(restore_id()));
    let changed = || ready().with(|seen| seen.log_in_to(&restore_id(), older()));
    refuses(&Observed::default(), &request, "restore_unknown");
    refuses(&changed().with(|seen| seen.tags.clear()), &request, "not_ours");
    refuses(&changed().with(|seen| seen.secret = None), &request, "secret_missing");
    refuses(&ready(), &request, "password_same");
    let missing = ready().with(|seen| seen.log_in_to(&restore_id(), Fit::Missing));
    refuses(&missing, &request, "password_missing");
    let resetting =
        |seen: &mut Observed| "resetting-master-credentials".clone_into(&mut seen.restored[0].status);
    refuses(&changed().with(resetting), &request, "restore_not_ready");
    let managed = |seen: &mut Observed| {
        seen.restored[0].managed_secret = Some("arn:aws:secretsmanager:x".to_owned());
    };
    refuses(&changed().with(managed), &request, "password_managed");
    let other_user = |seen: &mut Observed| {
        seen.logins.insert(restore_id(), Login { fits: older(), is_master: false });
    };
    refuses(&changed().with(other_user), &request, "user_not_master");
}

#[test]
fn a_cut_over_waits_while_the_password_is_set() {
    let resetting =
        ready().with(|seen| "resetting-master-credentials".clone_into(&mut seen.restored[0].status));
    let stop = planned(&resetting, &asks(Goal::CutOver(restore_id())), None).skipped.unwrap();
    assert_eq!(stop.code.name(), "restore_not_ready");
    assert_eq!(stop.next.unwrap().send, Some(json!({ "cut_over": restore_id() })));
}
