//! What only a run can reach, and constants of the code hold.

use super::*;

/// Of what a run sends, asks and keeps.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn of_runs() -> Vec<Limit> {
    const SNS: &str = "SNS API reference, Publish";
    const CLOUDFRONT: &str = "CloudFront developer guide, quotas";
    vec![
        by_code(
            "bytes that a state takes and hands on",
            262_144,
            STEP_FUNCTIONS,
            "a function's answer, which a state machine gets whole",
            &[ANSWER],
        ),
        by_code(
            "bytes of an item",
            400 * 1_024,
            DYNAMODB,
            "an intent: the request that it came from, and its plan, which an answer has too",
            &[BODY, ANSWER],
        ),
        by_code("bytes of an event", 262_144, LAMBDA, "a person's request", &[BODY]),
        by_code(
            "bytes of a log event",
            262_144,
            "CloudWatch Logs user guide, quotas",
            "an answer",
            &[ANSWER],
        ),
        by_code(
            "bytes of a message",
            262_144,
            SNS,
            "a notice",
            &[(TEXT, "const MAX_NOTICE: usize = 4_000;")],
        ),
        by_code(
            "characters of a subject",
            100,
            SNS,
            "a notice's",
            &[("shared/src/notice.rs", "const MAX_SUBJECT: usize = 100;")],
        ),
        by_code(
            "writes of a transaction",
            100,
            DYNAMODB,
            "all kill switches that are lifted at once, and the record",
            &[("functions/incident/src/handler/kill_switch.rs", "const AT_ONCE: usize = 90;")],
        ),
        Limit {
            what: "characters of an execution's name",
            most: 80,
            page: STEP_FUNCTIONS,
            reached_by: "an incident's id and how often it came back",
            held_by: Held::Constants(
                &[("functions/incident/src/slug.rs", "const MAX_SLUG: usize = 48;")],
                // The time before it, a letter and a number after it.
                "20261124-140000-".len() + "-a".len() + "-4294967295".len(),
            ),
        },
        Limit {
            what: "characters of an OpsItem's title",
            most: 1_024,
            page: "Systems Manager API reference, CreateOpsItem",
            reached_by: "an incident's title, after its environment",
            held_by: Held::Constants(
                &[("functions/incident/src/handler/limits.rs", "const MAX_TEXT: usize = 600;")],
                "[] ".len() + 20,
            ),
        },
        by_code(
            "metrics of a call of GetMetricData",
            500,
            CLOUDWATCH,
            "the instances of a database, each with seven",
            &[("functions/diagnose/src/read/metrics.rs", "const MAX_QUERIES: usize = 500;")],
        ),
        by_code(
            "names of a call of DescribeAlarms",
            100,
            CLOUDWATCH,
            "the alarms that a composite alarm of a person's own is made of",
            &[("shared/src/alarms/describe.rs", "const MOST_CHILDREN: usize = 100;")],
        ),
        by_code(
            "revisions of a call of DescribeServiceRevisions",
            20,
            "ECS API reference",
            "a service's history",
            &[("functions/rollback/src/history.rs", "const REVISIONS_A_CALL: usize = 20;")],
        ),
        by_code(
            "tags of a task definition",
            50,
            "ECS developer guide, tagging",
            "a copy, which has two more than what it is of",
            &[("shared/src/ecs/task_definition.rs", "const MOST_TAGS: usize = 50;")],
        ),
        by_code(
            "tasks of a service",
            5_000,
            "ECS developer guide, quotas",
            "a person's request to scale-up",
            &[("functions/scale-up/src/settings.rs", "const ECS_MAX_TASKS: u32 = 5_000;")],
        ),
        by_code(
            "values of a filter",
            200,
            "EC2 API reference",
            "the security groups that diagnose looks up",
            &[("functions/diagnose/src/read/security_groups.rs", "const A_CALL: usize = 100;")],
        ),
        by_code(
            "characters of a cluster's name",
            63,
            "DocumentDB developer guide, quotas",
            "a restored cluster's, with a time at its end",
            &[("functions/snapshot-restore/src/name.rs", "const MAX_LENGTH: usize = 63;")],
        ),
        by_code(
            "characters of a path",
            4_000,
            CLOUDFRONT,
            "a person's request to cache-invalidation",
            &[("functions/cache-invalidation/src/paths.rs", "const MAX_PATH_LENGTH: usize = 4_000;")],
        ),
        by_code(
            "paths that are being invalidated",
            3_000,
            CLOUDFRONT,
            "invalidations that overlap",
            &[("functions/cache-invalidation/src/settings.rs", "const FILES_IN_PROGRESS: usize = 3_000;")],
        ),
        by_code(
            "wildcards that are being invalidated",
            15,
            CLOUDFRONT,
            "invalidations that overlap",
            &[("functions/cache-invalidation/src/settings.rs", "const WILDCARDS_IN_PROGRESS: usize = 15;")],
        ),
    ]
}
