//! The reason codes of this function alone.

use shared::code::Code;

pub const TASK_DEFINITION_INACTIVE: Code = Code::new(
    "task_definition_inactive",
    "The service's task definition is INACTIVE: ECS refuses to deploy it.",
);
pub const IMAGE_MISSING: Code = Code::new(
    "image_missing",
    "ECR does not have the image that new tasks need: the tasks that run are the last.",
);
pub const NO_TASK_WOULD_STAY: Code = Code::new(
    "no_task_would_stay",
    "The service's minimum healthy percent is 0: ECS may stop every task before a fresh one runs.",
);
pub const NO_ROOM_FOR_A_DEPLOYMENT: Code = Code::new(
    "no_room_for_a_deployment",
    "The service's deployment configuration lets no fresh task start and no old one stop.",
);
pub const RESTART_FAILED: Code =
    Code::new("restart_failed", "The deployment of a restart has failed, and ECS has given it up.");

pub const CODES: &[&Code] = &[
    &TASK_DEFINITION_INACTIVE,
    &IMAGE_MISSING,
    &NO_TASK_WOULD_STAY,
    &NO_ROOM_FOR_A_DEPLOYMENT,
    &RESTART_FAILED,
];
