//! A restored cluster has the password of its data's time: it is given the one that the service's secret has.

use shared::{outcome::Stop, plan::Limits};

use super::cut_over::{ours, secret};
use crate::{
    action::Action,
    follow_up::Plan,
    login::{Fit, Login},
    observe::Observed,
    restore::state,
    settings::Settings,
    skipped,
};

pub(super) fn set(observed: &Observed, id: &str, settings: &Settings) -> Result<Plan, Stop> {
    let cluster = ours(observed, id, settings)?;
    if let Some(managed) = &cluster.managed_secret {
        return Err(skipped::password_managed(id, managed));
    }
    if !cluster.is_available() {
        return Err(skipped::restore_not_ready(cluster, "set_password_of"));
    }
    let secret = secret(observed, settings)?;
    let unknown = Login::unknown("it was not read");
    let login = observed.logins.get(id).unwrap_or(&unknown);
    match login.fits {
        Fit::Same => return Err(skipped::password_same(id, &secret.name)),
        Fit::Missing => return Err(skipped::secret_without_password(&secret.name)),
        _ if !login.is_master => return Err(skipped::user_not_master(id, &secret.name)),
        Fit::Older { .. } | Fit::Unknown { .. } => {}
    }
    let set = Action::SetPassword {
        cluster: id.to_owned(),
        secret: secret.name.clone(),
        version: secret.current.clone(),
    };
    let note = Action::NotePassword {
        restore: id.to_owned(),
        arn: cluster.arn.clone(),
        version: secret.current.clone(),
    };
    let is_used = secret.host.as_ref().is_some_and(|host| *host == cluster.endpoint);
    let who = if is_used {
        format!(
            "{} works on it, and its tasks that began with another cannot log in anew then",
            settings.service
        )
    } else {
        "nothing uses it yet".to_owned()
    };
    let reason = format!(
        "{} then takes the password that is in secret {}, so that tasks with it can log in; {who}. Nothing else of it is \
         changed, and {} is not touched",
        state(cluster),
        secret.name,
        settings.source
    );
    Ok(Plan { limits: Limits::SkipCooldown, ..Plan::act(vec![set, note], reason) })
}
