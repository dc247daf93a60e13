//! Which findings are consequences of which cause.

type Causes = &'static [&'static str];

/// What users and the probe see if the API does not answer, for any reason.
const SEEN: Causes = &["status_code", "cors_preflight_refused", "origin_errors", "unknown_cause"];
/// What the load balancer sees in that case.
const UNHEALTHY: Causes =
    &["no_healthy_target", "target_timeout", "target_response_mismatch", "target_failed_health_checks"];
/// Tasks that do not start, or that stop.
const NO_TASKS: Causes = &["tasks_missing", "targets_draining", "no_targets", "deployment_stuck"];
/// Tasks that end by themselves, or for their health.
const ENDED: Causes = &["container_exits", "health_check_in_grace"];
/// Findings that are reported only while the reason is not known.
const BLAMED: Causes = &["release_broke_it", "change_broke_it"];
/// Answers that come late.
const SLOW: Causes = &["slow_first_byte", "idle_timeout_too_short", "target_timeout", "status_code"];
/// Requests that wait for the database.
const WAITING: Causes = &["slow_database", "connection_pool_waits"];
/// A database that takes no more connections.
const FULL: Causes = &[
    "connection_pool_waits",
    "database_refused",
    "slow_database",
    "change_broke_it",
    "target_response_mismatch",
    "no_healthy_target",
    "slow_first_byte",
];
const BUILD: Causes = &["build_failed", "not_found_after_deployment"];

/// Causes, and what each of them explains. Among causes of equal weight, the first in the table is reported first.
pub(super) const EXPLAINS: &[(Causes, &[Causes])] = &[
    (
        &["database_down"],
        &[
            BLAMED,
            ENDED,
            UNHEALTHY,
            SEEN,
            SLOW,
            WAITING,
            &["database_refused", "writer_failed_over", "tasks_missing", "alarm_always_on"],
        ],
    ),
    (
        &["writer_failed_over"],
        &[WAITING, SEEN, &["database_refused", "cold_cache", "target_timeout", "container_exits"]],
    ),
    (
        &["service_missing", "scaled_to_zero"],
        &[SEEN, &["no_healthy_target", "no_targets", "metric_stopped", "change_broke_it"]],
    ),
    // Tasks that do not start.
    (
        &[
            "image_missing",
            "image_not_pullable",
            "secret_missing",
            "secret_deleted",
            "secret_not_permitted",
            "out_of_memory_at_start",
            "size_not_possible",
            "no_capacity",
            "no_address_left",
            "aws_not_reachable",
            "network_interface_not_attached",
            "target_not_registered",
            "database_refused",
        ],
        &[
            NO_TASKS,
            ENDED,
            UNHEALTHY,
            SEEN,
            BLAMED,
            &["no_spare_tasks", "scaling_activity_failed", "alarm_always_on"],
        ],
    ),
    // The database works, but the application does not accept it.
    (
        &["database_ca_not_trusted"],
        &[
            BLAMED,
            ENDED,
            UNHEALTHY,
            SEEN,
            &[
                "database_down",
                "database_refused",
                "connection_pool_waits",
                "tasks_missing",
                "alarm_always_on",
            ],
        ],
    ),
    // If a release caused one of these, the release is rolled back.
    (
        &["log_group_missing", "role_not_assumable", "exec_format_error"],
        &[
            NO_TASKS,
            ENDED,
            UNHEALTHY,
            SEEN,
            &["change_broke_it", "no_spare_tasks", "scaling_activity_failed", "alarm_always_on"],
        ],
    ),
    (
        &["health_check_in_grace", "container_exits"],
        &[NO_TASKS, UNHEALTHY, SEEN, &["change_broke_it", "alarm_always_on"]],
    ),
    (&["tasks_missing"], &[SEEN, &["no_healthy_target", "no_targets"]]),
    (&["deployment_stuck"], &[&["tasks_missing"]]),
    (
        &["release_broke_it"],
        &[
            NO_TASKS,
            ENDED,
            UNHEALTHY,
            SEEN,
            &[
                "log_group_missing",
                "role_not_assumable",
                "exec_format_error",
                "slow_first_byte",
                "change_broke_it",
                "alarm_always_on",
            ],
        ],
    ),
    (&["change_broke_it"], &[UNHEALTHY, SEEN]),
    (
        &["certificate_expired", "certificate_refused", "dns_not_found"],
        &[SEEN, &["slow_tls", "api_unreachable"]],
    ),
    (&["redis_down"], &[SEEN, UNHEALTHY, ENDED, &["slow_first_byte", "tasks_missing", "change_broke_it"]]),
    (&["elb_internal"], &[SEEN, &["no_healthy_target"]]),
    (&["targets_draining"], &[SEEN, &["tasks_missing", "no_healthy_target", "change_broke_it"]]),
    (&["no_targets", "no_healthy_target", "api_unreachable"], &[SEEN]),
    (&["no_targets"], &[&["keep_alive_too_short"]]),
    (&["aws_issue"], &[&["elb_internal", "unknown_cause"]]),
    (&["unknown_cause"], &[&["status_code"]]),
    (&["health_check_port_wrong"], &[&["security_group_closed"]]),
    (
        &[
            "health_check_path_wrong",
            "health_check_port_wrong",
            "health_check_matcher_wrong",
            "health_check_timing_wrong",
        ],
        &[UNHEALTHY, SEEN, &["health_check_in_grace", "change_broke_it"]],
    ),
    (
        &["security_group_closed"],
        &[
            UNHEALTHY,
            ENDED,
            SEEN,
            BLAMED,
            &[
                "database_down",
                "database_refused",
                "redis_down",
                "aws_not_reachable",
                "image_not_pullable",
                "tasks_missing",
            ],
        ],
    ),
    (
        &["target_timeout", "target_response_mismatch", "target_failed_health_checks"],
        &[SEEN, &["no_healthy_target"]],
    ),
    (&["memory_leak", "memory_follows_load"], &[&["out_of_memory_kills", "memory_limit_near_normal"]]),
    (&["memory_limit_near_normal"], &[&["out_of_memory_kills"]]),
    (&["out_of_memory_kills"], &[SEEN, &["container_exits", "target_timeout"]]),
    (&["missing_index"], &[&["collection_scan"]]),
    (&["missing_index", "collection_scan", "cold_cache"], &[WAITING, SLOW]),
    (&["slow_database"], &[SLOW, &["connection_pool_waits", "no_spare_tasks"]]),
    (&["pool_exceeds_limit", "connection_leak"], &[&["connections_near_limit"]]),
    (&["pool_exceeds_limit", "connection_leak", "connections_near_limit"], &[FULL, SEEN]),
    (&["write_burst"], &[&["lag_on_all_readers", "lag_on_one_reader", "slow_database", "slow_first_byte"]]),
    (&["small_instance"], &[&["lag_on_all_readers", "lag_on_one_reader"]]),
    (&["target_value_not_reachable"], &[&["at_maximum"]]),
    // Too few tasks for the load.
    (
        &[
            "scaling_suspended",
            "target_value_not_reachable",
            "at_maximum",
            "no_scaling_policy",
            "scaling_activity_failed",
            "scaling_alarm_without_data",
        ],
        &[SLOW, &["no_spare_tasks", "memory_follows_load"]],
    ),
    (&["no_spare_tasks"], &[SLOW, &["target_response_mismatch", "memory_follows_load"]]),
    (&["one_bad_target"], &[SLOW, &["target_response_mismatch", "target_failed_health_checks"]]),
    (&["build_failed"], &[&["not_found_after_deployment"]]),
    (&["build_module_missing"], &[&["build_type_error"]]),
    (
        &[
            "build_module_missing",
            "build_type_error",
            "build_out_of_memory",
            "build_audit",
            "build_registry_limited",
        ],
        &[BUILD],
    ),
    (&["not_found_after_deployment", "origin_errors", "cors_preflight_refused"], &[&["status_code"]]),
    (&["asset_not_cached"], &[&["low_hit_rate"]]),
    (&["cors_wildcard_credentials"], &[&["cors_origin", "cors_credentials", "cors_preflight_refused"]]),
    (&["metric_wrong_dimension"], &[&["metric_never_came"]]),
    (
        &["metric_wrong_dimension", "metric_stopped", "metric_never_came"],
        &[&["alarm_insufficient_data", "scaling_alarm_without_data"]],
    ),
    (&["alarm_threshold_wrong"], &[&["alarm_flaps", "alarm_always_on"]]),
];
