//! Which finding is the cause of which: a dead database behind 500s, unhealthy targets and restarts is one finding
//! with three consequences. Then the order: what hurts most and is surest comes first.

use crate::finding::{Confidence, Consequence, Finding, Impact};

/// A cause, and what else is found where it is at work.
const EXPLAINS: &[(&str, &[&str])] = &[
    (
        "database_down",
        &[
            "database_refused",
            "container_exits",
            "health_check_in_grace",
            "target_response_mismatch",
            "target_timeout",
            "target_failed_health_checks",
            "no_healthy_target",
            "slow_database",
            "connection_pool_waits",
            "idle_timeout_too_short",
            "slow_first_byte",
            "status_code",
            "cors_preflight_refused",
            "writer_failed_over",
            "alarm_always_on",
            "origin_errors",
            "release_broke_it",
            "change_broke_it",
            "unknown_cause",
            "tasks_missing",
        ],
    ),
    (
        "writer_failed_over",
        &[
            "database_refused",
            "connection_pool_waits",
            "cold_cache",
            "slow_database",
            "status_code",
            "target_timeout",
            "container_exits",
            "unknown_cause",
        ],
    ),
    (
        "service_missing",
        &[
            "no_healthy_target",
            "no_targets",
            "status_code",
            "origin_errors",
            "metric_stopped",
            "unknown_cause",
            "cors_preflight_refused",
        ],
    ),
    (
        "scaled_to_zero",
        &[
            "no_healthy_target",
            "no_targets",
            "status_code",
            "origin_errors",
            "metric_stopped",
            "unknown_cause",
            "cors_preflight_refused",
            "change_broke_it",
        ],
    ),
    ("image_missing", STARTING),
    ("image_not_pullable", STARTING),
    ("secret_missing", STARTING),
    ("secret_deleted", STARTING),
    ("secret_not_permitted", STARTING),
    ("out_of_memory_at_start", STARTING),
    ("size_not_possible", STARTING),
    ("no_capacity", STARTING),
    ("no_address_left", STARTING),
    ("aws_not_reachable", STARTING),
    ("network_interface_not_attached", STARTING),
    ("target_not_registered", STARTING),
    ("database_refused", STARTING),
    ("database_ca_not_trusted", NO_DATABASE),
    // A release that brought one of these is taken back, whatever it was.
    ("log_group_missing", NOT_RUNNING),
    ("role_not_assumable", NOT_RUNNING),
    ("exec_format_error", NOT_RUNNING),
    ("health_check_in_grace", NOT_SERVING),
    ("container_exits", NOT_SERVING),
    ("tasks_missing", &["no_healthy_target", "no_targets", "status_code", "origin_errors", "unknown_cause"]),
    (
        "release_broke_it",
        &[
            "container_exits",
            "health_check_in_grace",
            "target_response_mismatch",
            "target_timeout",
            "target_failed_health_checks",
            "no_healthy_target",
            "targets_draining",
            "status_code",
            "slow_first_byte",
            "origin_errors",
            "cors_preflight_refused",
            "change_broke_it",
            "unknown_cause",
            "alarm_always_on",
            "log_group_missing",
            "role_not_assumable",
            "exec_format_error",
            "tasks_missing",
        ],
    ),
    (
        "change_broke_it",
        &[
            "target_response_mismatch",
            "target_timeout",
            "target_failed_health_checks",
            "no_healthy_target",
            "status_code",
            "origin_errors",
            "cors_preflight_refused",
            "unknown_cause",
        ],
    ),
    (
        "certificate_expired",
        &["status_code", "slow_tls", "cors_preflight_refused", "api_unreachable", "unknown_cause"],
    ),
    (
        "certificate_refused",
        &["status_code", "slow_tls", "cors_preflight_refused", "api_unreachable", "unknown_cause"],
    ),
    ("dns_not_found", &["status_code", "cors_preflight_refused", "api_unreachable", "unknown_cause"]),
    ("redis_down", &["status_code", "slow_first_byte", "target_response_mismatch", "unknown_cause"]),
    ("elb_internal", &["no_healthy_target", "status_code", "unknown_cause"]),
    ("no_targets", &["status_code", "cors_preflight_refused", "unknown_cause"]),
    ("targets_draining", &["tasks_missing", "status_code", "cors_preflight_refused", "unknown_cause"]),
    ("no_healthy_target", &["status_code", "cors_preflight_refused", "unknown_cause"]),
    ("api_unreachable", &["status_code", "cors_preflight_refused", "unknown_cause"]),
    ("unknown_cause", &["status_code"]),
    ("health_check_path_wrong", TARGETS),
    (
        "health_check_port_wrong",
        &[
            "security_group_closed",
            "target_timeout",
            "target_failed_health_checks",
            "no_healthy_target",
            "status_code",
            "health_check_in_grace",
            "unknown_cause",
            "change_broke_it",
        ],
    ),
    (
        "security_group_closed",
        &[
            "database_down",
            "database_refused",
            "redis_down",
            "container_exits",
            "target_timeout",
            "target_failed_health_checks",
            "target_response_mismatch",
            "no_healthy_target",
            "health_check_in_grace",
            "status_code",
            "change_broke_it",
            "unknown_cause",
            "aws_not_reachable",
            "image_not_pullable",
            "tasks_missing",
            "release_broke_it",
        ],
    ),
    ("health_check_matcher_wrong", TARGETS),
    ("health_check_timing_wrong", TARGETS),
    ("target_timeout", &["no_healthy_target", "status_code", "unknown_cause"]),
    ("target_response_mismatch", &["no_healthy_target", "status_code", "unknown_cause"]),
    ("target_failed_health_checks", &["no_healthy_target", "status_code", "unknown_cause"]),
    ("memory_leak", &["out_of_memory_kills", "memory_limit_near_normal"]),
    ("memory_follows_load", &["out_of_memory_kills", "memory_limit_near_normal"]),
    ("memory_limit_near_normal", &["out_of_memory_kills"]),
    ("out_of_memory_kills", &["container_exits", "status_code", "target_timeout", "unknown_cause"]),
    (
        "missing_index",
        &[
            "collection_scan",
            "slow_database",
            "idle_timeout_too_short",
            "slow_first_byte",
            "target_timeout",
            "connection_pool_waits",
            "status_code",
        ],
    ),
    (
        "collection_scan",
        &[
            "slow_database",
            "idle_timeout_too_short",
            "slow_first_byte",
            "target_timeout",
            "connection_pool_waits",
            "status_code",
        ],
    ),
    ("cold_cache", &["slow_database", "slow_first_byte", "idle_timeout_too_short", "connection_pool_waits"]),
    (
        "slow_database",
        &[
            "idle_timeout_too_short",
            "slow_first_byte",
            "target_timeout",
            "connection_pool_waits",
            "no_spare_tasks",
            "status_code",
        ],
    ),
    (
        "pool_exceeds_limit",
        &[
            "connections_near_limit",
            "connection_pool_waits",
            "database_refused",
            "slow_first_byte",
            "status_code",
            "target_response_mismatch",
            "no_healthy_target",
            "slow_database",
            "change_broke_it",
            "unknown_cause",
            "origin_errors",
        ],
    ),
    (
        "connection_leak",
        &[
            "connections_near_limit",
            "connection_pool_waits",
            "database_refused",
            "slow_first_byte",
            "status_code",
            "target_response_mismatch",
            "no_healthy_target",
            "slow_database",
            "change_broke_it",
            "unknown_cause",
            "origin_errors",
        ],
    ),
    (
        "connections_near_limit",
        &[
            "connection_pool_waits",
            "database_refused",
            "slow_first_byte",
            "status_code",
            "target_response_mismatch",
            "no_healthy_target",
            "slow_database",
            "change_broke_it",
            "unknown_cause",
            "origin_errors",
        ],
    ),
    ("write_burst", &["lag_on_all_readers", "lag_on_one_reader", "slow_database", "slow_first_byte"]),
    ("small_instance", &["lag_on_all_readers", "lag_on_one_reader"]),
    ("scaling_suspended", SHORT_OF_TASKS),
    (
        "target_value_not_reachable",
        &[
            "at_maximum",
            "no_spare_tasks",
            "slow_first_byte",
            "idle_timeout_too_short",
            "target_timeout",
            "memory_follows_load",
            "status_code",
        ],
    ),
    ("at_maximum", SHORT_OF_TASKS),
    ("no_scaling_policy", SHORT_OF_TASKS),
    ("scaling_activity_failed", SHORT_OF_TASKS),
    ("scaling_alarm_without_data", SHORT_OF_TASKS),
    (
        "no_spare_tasks",
        &[
            "slow_first_byte",
            "status_code",
            "target_timeout",
            "target_response_mismatch",
            "idle_timeout_too_short",
            "memory_follows_load",
        ],
    ),
    (
        "one_bad_target",
        &[
            "status_code",
            "target_timeout",
            "target_response_mismatch",
            "target_failed_health_checks",
            "slow_first_byte",
            "idle_timeout_too_short",
        ],
    ),
    ("build_failed", &["not_found_after_deployment"]),
    ("build_module_missing", &["build_type_error", "build_failed", "not_found_after_deployment"]),
    ("build_type_error", BUILD),
    ("build_out_of_memory", BUILD),
    ("build_audit", BUILD),
    ("build_registry_limited", BUILD),
    ("not_found_after_deployment", &["status_code"]),
    ("origin_errors", &["status_code"]),
    ("asset_not_cached", &["low_hit_rate"]),
    ("cors_preflight_refused", &["status_code"]),
    ("cors_wildcard_credentials", &["cors_origin", "cors_credentials", "cors_preflight_refused"]),
    (
        "metric_wrong_dimension",
        &["metric_never_came", "alarm_insufficient_data", "scaling_alarm_without_data"],
    ),
    ("metric_stopped", &["alarm_insufficient_data", "scaling_alarm_without_data"]),
    ("metric_never_came", &["alarm_insufficient_data", "scaling_alarm_without_data"]),
    ("alarm_threshold_wrong", &["alarm_flaps", "alarm_always_on"]),
];

/// What comes of tasks that do not start.
const STARTING: &[&str] = &[
    "targets_draining",
    "container_exits",
    "health_check_in_grace",
    "no_healthy_target",
    "no_targets",
    "target_failed_health_checks",
    "target_timeout",
    "target_response_mismatch",
    "status_code",
    "origin_errors",
    "release_broke_it",
    "change_broke_it",
    "cors_preflight_refused",
    "unknown_cause",
    "no_spare_tasks",
    "scaling_activity_failed",
    "alarm_always_on",
    "tasks_missing",
];
/// What comes of tasks that end at once.
const NOT_RUNNING: &[&str] = &[
    "container_exits",
    "tasks_missing",
    "health_check_in_grace",
    "targets_draining",
    "no_healthy_target",
    "no_targets",
    "target_failed_health_checks",
    "target_timeout",
    "target_response_mismatch",
    "status_code",
    "origin_errors",
    "change_broke_it",
    "cors_preflight_refused",
    "unknown_cause",
    "no_spare_tasks",
    "scaling_activity_failed",
    "alarm_always_on",
];
/// What comes of a database that is there, and that the application does not accept.
const NO_DATABASE: &[&str] = &[
    "release_broke_it",
    "database_down",
    "database_refused",
    "container_exits",
    "health_check_in_grace",
    "target_response_mismatch",
    "target_failed_health_checks",
    "no_healthy_target",
    "connection_pool_waits",
    "status_code",
    "origin_errors",
    "change_broke_it",
    "cors_preflight_refused",
    "unknown_cause",
    "tasks_missing",
    "alarm_always_on",
];
const NOT_SERVING: &[&str] = &[
    "tasks_missing",
    "targets_draining",
    "no_healthy_target",
    "no_targets",
    "target_failed_health_checks",
    "target_timeout",
    "target_response_mismatch",
    "status_code",
    "origin_errors",
    "change_broke_it",
    "cors_preflight_refused",
    "unknown_cause",
    "alarm_always_on",
];
const TARGETS: &[&str] = &[
    "target_timeout",
    "target_response_mismatch",
    "target_failed_health_checks",
    "no_healthy_target",
    "status_code",
    "health_check_in_grace",
    "unknown_cause",
    "change_broke_it",
];
const SHORT_OF_TASKS: &[&str] = &[
    "no_spare_tasks",
    "slow_first_byte",
    "idle_timeout_too_short",
    "target_timeout",
    "memory_follows_load",
    "status_code",
];
const BUILD: &[&str] = &["build_failed", "not_found_after_deployment"];

/// Puts consequences under their causes, and the causes in order.
pub(crate) fn ranked(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| {
        (std::cmp::Reverse(weight(finding)), depth(finding.cause), finding.chapter, finding.cause)
    });
    let mut causes: Vec<Finding> = Vec::new();
    // The causes of others come first, however they weigh: those that nothing found explains.
    let explained_by: Vec<Option<usize>> = findings
        .iter()
        .map(|finding| findings.iter().position(|other| explains(other, finding.cause)))
        .collect();
    let root = |mut place: usize| {
        // The table has no circles among its pairs; the bound is for one that somebody may add.
        for _ in 0..findings.len() {
            match explained_by.get(place).copied().flatten() {
                Some(cause) if cause != place => place = cause,
                _ => break,
            }
        }
        place
    };
    let roots: Vec<usize> = (0..findings.len()).map(root).collect();
    for (place, finding) in findings.iter().enumerate() {
        if roots.get(place) == Some(&place) {
            let mut finding = finding.clone();
            let consequences = roots.iter().zip(&findings).enumerate();
            let consequences: Vec<&Finding> = consequences
                .filter(|(other, (root, _))| **root == place && *other != place)
                .map(|(_, (_, found))| found)
                .collect();
            for found in consequences {
                finding.impact = finding.impact.max(found.impact);
                finding.since = [finding.since, found.since].into_iter().flatten().min();
                let Finding { cause, chapter, what, evidence, remedy, .. } = found.clone();
                finding.explains.push(Consequence { cause, chapter, what, evidence, remedy });
            }
            causes.push(finding);
        }
    }
    causes.sort_by_key(|finding| std::cmp::Reverse(weight(finding)));
    causes
}

/// Whether this finding is a reason for that cause. One that is only possible explains nothing.
fn explains(finding: &Finding, cause: &str) -> bool {
    let in_table = EXPLAINS.iter().any(|(from, to)| *from == finding.cause && to.contains(&cause));
    finding.confidence > Confidence::Possible
        && finding.cause != cause
        && (in_table || cause == "unknown_cause" && tells_why(finding))
}

/// A cause is unknown only while nothing that is felt is more than a symptom.
fn tells_why(finding: &Finding) -> bool {
    const SYMPTOMS: &[&str] = &["status_code", "cors_preflight_refused", "origin_errors", "slow_first_byte"];
    finding.impact >= Impact::Degraded && !SYMPTOMS.contains(&finding.cause)
}

/// What hurts now comes before what may; what is only possible counts for less.
fn weight(finding: &Finding) -> (u8, Confidence) {
    let impact = finding.impact as u8;
    let guess = u8::from(finding.confidence == Confidence::Possible);
    (impact.saturating_sub(guess), finding.confidence)
}

/// How near the root a cause is, by its place in the table.
fn depth(cause: &str) -> usize {
    EXPLAINS.iter().position(|(from, _)| *from == cause).unwrap_or(EXPLAINS.len())
}

#[cfg(test)]
mod tests;
