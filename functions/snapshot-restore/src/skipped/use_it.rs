//! Why a restored cluster is not given a password, cut over to, undone or discarded.

use shared::{
    code,
    outcome::{Next, Stop},
};

use super::{failed, send};
use crate::{codes, docdb::Cluster, restore::state};

pub(crate) fn not_ours(id: &str) -> Stop {
    Stop::refused(
        &codes::NOT_OURS,
        format!("cluster {id} does not carry this function's tags: it is somebody else's"),
    )
    .next(Next::devops("see who made it, in its tags and in CloudTrail"))
}

/// `asked` is the request's field.
pub(crate) fn restore_not_ready(cluster: &Cluster, asked: &str) -> Stop {
    /// While AWS gives it another password: it was ready before.
    const RESETTING: &str = "resetting-master-credentials";
    let id = &cluster.name;
    let reason = format!("there is {}, which cannot be put to use yet", state(cluster));
    let next = if cluster.status == RESETTING {
        send("send this again in a minute", asked, id)
    } else {
        send("take its next step", "continue", id)
    };
    Stop::refused(&codes::RESTORE_NOT_READY, reason).next(next)
}

pub(crate) fn password_managed(id: &str, managed: &str) -> Stop {
    Stop::refused(
        &codes::PASSWORD_MANAGED,
        format!("AWS manages the master user of {id} in {managed}, and takes no password for it"),
    )
    .next(Next::devops("have the service read that secret, or end that management in the console first"))
}

pub(crate) fn password_same(id: &str, secret: &str) -> Stop {
    let reason = format!("{id} has the password that is in secret {secret}: it was not changed since");
    Stop::nothing_to_do(&codes::PASSWORD_SAME, reason).next(send("point the service at it", "cut_over", id))
}

pub(crate) fn secret_without_password(secret: &str) -> Stop {
    Stop::refused(
        &codes::PASSWORD_MISSING,
        format!("secret {secret} is no JSON object with a field `password`"),
    )
    .next(Next::devops("try by hand whether the service can log in"))
}

pub(crate) fn user_not_master(id: &str, secret: &str) -> Stop {
    let reason = format!(
        "the user in secret {secret} is not the master user of {id}, the only one that AWS sets a password for"
    );
    Stop::refused(&codes::USER_NOT_MASTER, reason).next(Next::devops(
        "connect as the master user, and give that user the secret's password by `updateUser`",
    ))
}

pub(crate) fn already_cut_over(id: &str, secret: &str) -> Stop {
    Stop::nothing_to_do(&codes::ALREADY_CUT_OVER, format!("secret {secret} points to {id} already"))
}

pub(crate) fn secret_missing(secret: &str) -> Stop {
    Stop::refused(&code::SECRET_MISSING, format!("there is no secret {secret}"))
        .next(Next::devops("correct DatabaseSecretName of the stack"))
}

pub(crate) fn secret_without_host(secret: &str) -> Stop {
    Stop::refused(
        &codes::SECRET_WITHOUT_HOST,
        format!("secret {secret} is no JSON object with a field `host`"),
    )
    .next(Next::devops("change by hand where the service finds its database"))
}

pub(crate) fn secret_changed(secret: &str) -> Stop {
    Stop::refused(
        &codes::SECRET_CHANGED,
        format!("secret {secret} was changed since: its version is not the cut-over's"),
    )
    .next(Next::devops("see who changed it; set its host by hand, and start new tasks"))
}

pub(crate) fn version_gone(secret: &str, version: &str) -> Stop {
    Stop::refused(&codes::VERSION_GONE, format!("secret {secret} has no version {version} any more"))
        .next(Next::devops("set its host by hand, and start new tasks"))
}

pub(crate) fn never_cut_over(id: &str) -> Stop {
    Stop::nothing_to_do(
        &codes::NEVER_CUT_OVER,
        format!("{id} was never put to use: there is nothing to undo"),
    )
}

pub(crate) fn already_undone(id: &str, secret: &str) -> Stop {
    Stop::nothing_to_do(
        &codes::ALREADY_UNDONE,
        format!("secret {secret} is as it was before the cut-over to {id}"),
    )
}

pub(crate) fn already_gone(id: &str) -> Stop {
    Stop::nothing_to_do(&codes::ALREADY_GONE, format!("there is no cluster {id}, or it is being deleted"))
}

pub(crate) fn was_cut_over(id: &str) -> Stop {
    Stop::refused(
        &codes::WAS_CUT_OVER,
        format!("{id} was put to use: it may hold data that nothing else has"),
    )
    .next(Next::devops("delete it by hand, with a last snapshot, when nobody needs it any more"))
}

pub(crate) fn in_use(id: &str, host: Option<&str>) -> Stop {
    let reason = match host {
        Some(_) => format!("the service's secret points to {id}"),
        None => format!("where the service's secret points cannot be read: it may be {id}"),
    };
    Stop::refused(&codes::IN_USE, reason).next(Next::devops("see what the service's secret says"))
}

pub(crate) fn superseded(what: &str) -> Stop {
    Stop::nothing_to_do(
        &code::SUPERSEDED,
        format!("the secret was changed since: {what} is not checked any more"),
    )
}

pub(crate) fn verified(what: &str, seen: &str) -> Stop {
    Stop::nothing_to_do(&code::VERIFIED, format!("{what} has settled: {seen}"))
}

pub(crate) fn not_verified(what: &str, seen: &str, undo: Option<&str>) -> Stop {
    let look = "look at the service's events and its tasks' logs";
    let next = match undo {
        Some(id) => send(
            format!(
                "{look}; where they cannot log in, {{\"set_password_of\": \"{id}\"}} helps; if it does not work, point it \
                 back"
            ),
            "undo",
            id,
        ),
        None => Next::devops(look),
    };
    failed(&code::NOT_VERIFIED, format!("{what} has not settled: {seen}"), next)
}
