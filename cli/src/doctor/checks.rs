//! The list of checks. Each is two functions: one reads, and one decides by what was read.

mod access;
mod alarms;
mod balancer;
mod chat;
mod database;
mod front_end;
mod functions;
mod image;
mod lifecycle;
mod names;
mod own_state;
mod people;
mod permissions;
mod scaling;
mod schedules;
mod service;
mod stack;

use std::{future::Future, pin::Pin, sync::Arc};

use super::{
    site::Site,
    verdict::{Unseen, Verdict},
};

pub(crate) use people::{LEVELS, Level};

/// What a check's look comes to.
pub(crate) type Look = Pin<Box<dyn Future<Output = Result<Verdict, Unseen>> + Send>>;

pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) look: fn(Arc<Site>) -> Look,
}

/// A check by its name, and the function that looks.
macro_rules! checks {
    ($($name:literal => $look:path,)+) => {
        &[$(Check { name: $name, look: |site| Box::pin(async move { $look(&site).await }) }),+]
    };
}

/// In the order in which they are shown where they turned out alike.
pub(crate) const ALL: &[Check] = checks! {
    // Whoever asks, and the stack.
    "identity" => access::identity,
    "may-invoke" => access::may_invoke,
    "stack" => stack::state,
    "names" => names::agree,
    "functions" => functions::state,
    "permissions" => permissions::suffice,
    "concurrency" => functions::concurrency,
    "modes" => functions::modes,
    // What the runbook's people are in for.
    "kill-switch" => own_state::kill_switch,
    "incidents" => own_state::incidents,
    "plans" => own_state::plans,
    "probe" => own_state::probe,
    "schedules" => schedules::enabled,
    "dead-letters" => own_state::dead_letters,
    "alarms" => alarms::ring,
    "alarm-data" => alarms::have_data,
    "level-1" => people::level_1,
    "level-2" => people::level_2,
    "level-3" => people::level_3,
    "pager" => people::pager,
    "delivery" => people::delivery,
    "chat" => chat::channels,
    // The managed stack.
    "deployment-controller" => service::controller,
    "service-arn" => service::arn,
    "circuit-breaker" => service::circuit_breaker,
    "healthy-percent" => service::healthy_percent,
    "grace-period" => service::grace_period,
    "auto-scaling" => scaling::limits,
    "container-insights" => service::container_insights,
    "exec" => service::exec,
    "image" => image::fixed,
    "image-kept" => image::kept,
    "health-check" => balancer::health_check,
    "deregistration" => balancer::deregistration,
    "idle-timeout" => balancer::idle_timeout,
    "access-logs" => balancer::access_logs,
    "certificate" => balancer::certificate,
    "database-logs" => database::logs,
    "database-profiler" => database::profiler,
    "database-backups" => database::backups,
    "database-deletion" => database::deletion,
    "database-zones" => database::zones,
    "database-version" => database::version,
    "cloudfront-metrics" => front_end::metrics,
    "cloudfront-errors" => front_end::error_pages,
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    /// What is called is what a policy can allow: a check that is added has its action there.
    #[test]
    fn the_policy_allows_every_action_that_is_looked_with_and_no_other() {
        let policy: Value =
            serde_json::from_str(include_str!("../../../docs/permissions/doctor.json")).unwrap();
        let mut allowed = BTreeSet::new();
        for statement in policy["Statement"].as_array().unwrap() {
            match &statement["Action"] {
                Value::Array(actions) => allowed.extend(actions.iter().filter_map(Value::as_str)),
                one => allowed.extend(one.as_str()),
            }
        }
        let mut texts =
            vec![include_str!("../runbook.rs").to_owned(), include_str!("../ledger.rs").to_owned()];
        texts.push(include_str!("../stack.rs").to_owned());
        for folder in ["src/doctor", "src/doctor/checks"] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    texts.push(std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let texts = texts.join("\n");
        let code = texts.split('"').filter(|text| is_action(text));
        // Anybody may ask who they are.
        let called: BTreeSet<&str> = code.filter(|action| *action != "sts:GetCallerIdentity").collect();
        let called: BTreeSet<&str> = called.into_iter().filter(|action| !NOT_OURS.contains(action)).collect();
        assert_eq!(called, allowed);
    }

    /// Actions that tests of checks speak of, and that of whoever decides about a plan.
    const NOT_OURS: [&str; 3] = ["ecs:UpdateService", "ecs:ListTasks", "dynamodb:GetItem"];

    /// As in `ecs:DescribeServices`.
    fn is_action(text: &str) -> bool {
        let Some((service, name)) = text.split_once(':') else { return false };
        let is_service = !service.is_empty() && service.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        is_service
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
    }
}
