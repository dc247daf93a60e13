//! The reason codes of this function alone.

use shared::code::Code;

// What is to be restored.
pub const LIST: Code = Code::new("list", "The answer lists what can be restored.");
pub const SOURCE_MISSING: Code =
    Code::new("source_missing", "There is no cluster of the configured name to restore beside.");
pub const SOURCE_WITHOUT_INSTANCES: Code =
    Code::new("source_without_instances", "The source has no instance whose class could be copied.");
pub const SNAPSHOT_MISSING: Code =
    Code::new("snapshot_missing", "There is no such snapshot: the answer names the newest ones.");
pub const SNAPSHOT_NOT_AVAILABLE: Code =
    Code::new("snapshot_not_available", "The snapshot is not finished, or cannot be used.");
pub const OTHER_CLUSTER: Code =
    Code::new("other_cluster", "The snapshot is of another cluster than the source.");
pub const KEY_NOT_OURS: Code = Code::new(
    "key_not_ours",
    "The data is encrypted with a key of another account, or with one that cannot be used.",
);
pub const OUTSIDE_WINDOW: Code = Code::new(
    "outside_window",
    "The point in time cannot be restored: the answer says from when to when that is possible.",
);

// How a restore stands.
pub const RESTORE_IN_PROGRESS: Code = Code::under_way(
    "restore_in_progress",
    "Another restore is under way, and there is one at a time: the answer has its id.",
);
pub const OTHER_RESTORE: Code = Code::new(
    "other_restore",
    "There is no such restore, and another one is under way: the answer has its id.",
);
pub const RESTORE_UNKNOWN: Code =
    Code::new("restore_unknown", "There is no such restore: it was not approved in time, or is deleted.");
pub const NOTHING_UNDER_WAY: Code = Code::new("nothing_under_way", "No restore or cut-over is under way.");
pub const NOT_BEGUN: Code = Code::new(
    "not_begun",
    "The restore has no cluster yet: it waits for its approval, unless it was discarded.",
);
pub const CLUSTER_CREATING: Code =
    Code::under_way("cluster_creating", "AWS has not made the restored cluster available yet.");
pub const INSTANCES_CREATING: Code =
    Code::under_way("instances_creating", "Not all instances of the restored cluster are available yet.");
pub const WAITS_FOR_A_PERSON: Code = Code::new(
    "waits_for_a_person",
    "AWS refused to create an instance, which is tried again only when a person sends `continue`.",
);
pub const HANDED_OVER: Code =
    Code::new("handed_over", "The restored cluster is ready, and as its source is.");
pub const HANDED_OVER_WITH_DIFFERENCES: Code = Code::new(
    "handed_over_with_differences",
    "The restored cluster is ready, and differs from its source: the answer lists how.",
);
pub const RESTORE_FAILED: Code =
    Code::new("restore_failed", "The restored cluster is in a state that it does not leave by itself.");
pub const CLUSTER_GONE: Code =
    Code::new("cluster_gone", "The restored cluster was not created, or somebody has deleted it.");
pub const NOT_FINISHED: Code = Code::new("not_finished", "The restore is not done in the time that it had.");
pub const DISCARDED: Code =
    Code::new("discarded", "The restored cluster is being deleted: its restore is over.");
pub const LEFT_BEHIND: Code = Code::new(
    "left_behind",
    "The restore has come to a stop, and has left something behind that costs money.",
);
pub const NOTHING_LEFT_BEHIND: Code =
    Code::new("nothing_left_behind", "The restore has ended without a cluster: nothing is left behind.");

// What AWS refuses.
pub const CLUSTER_QUOTA: Code = Code::new("cluster_quota", "The account may have no more clusters.");
pub const STORAGE_QUOTA: Code = Code::new("storage_quota", "The account may have no more storage.");
pub const INSTANCE_QUOTA: Code = Code::new(
    "instance_quota",
    "The account may have no more instances. What was made stays, and `continue` goes on with it.",
);
pub const NO_CAPACITY: Code = Code::new(
    "no_capacity",
    "AWS has no capacity for the cluster or an instance, or its subnet group no place.",
);
pub const NAME_TAKEN: Code =
    Code::new("name_taken", "There is a cluster or an instance of that name, and it is not this restore's.");
pub const RESTORE_IMPOSSIBLE: Code =
    Code::new("restore_impossible", "AWS cannot restore this: the answer has its reason.");

// What is asked of a restored cluster.
pub const NOT_OURS: Code = Code::new("not_ours", "The cluster does not carry this function's tags.");
pub const RESTORE_NOT_READY: Code =
    Code::new("restore_not_ready", "The restored cluster or an instance of it is not available yet.");
pub const PASSWORD_SAME: Code =
    Code::new("password_same", "The restored cluster has the password that is in the secret already.");
pub const PASSWORD_MISSING: Code = Code::new("password_missing", "The secret has no password in it.");
pub const PASSWORD_MANAGED: Code =
    Code::new("password_managed", "AWS manages the password of the cluster, and takes none for it.");
pub const USER_NOT_MASTER: Code = Code::new(
    "user_not_master",
    "The user in the secret is not the cluster's master user, the only one that AWS sets a password for.",
);
pub const SECRET_WITHOUT_HOST: Code = Code::new("secret_without_host", "The secret has no host in it.");
pub const SECRET_CHANGED: Code =
    Code::new("secret_changed", "Somebody has changed the secret since the cut-over or the approval.");
pub const VERSION_GONE: Code =
    Code::new("version_gone", "The secret does not have the version from before the cut-over any more.");
pub const ALREADY_CUT_OVER: Code =
    Code::new("already_cut_over", "The secret points to the restored cluster already.");
pub const NEVER_CUT_OVER: Code =
    Code::new("never_cut_over", "The restored cluster was never put to use: there is nothing to undo.");
pub const ALREADY_UNDONE: Code =
    Code::new("already_undone", "The secret is as it was before the cut-over already.");
pub const ALREADY_GONE: Code = Code::new("already_gone", "There is no such cluster, or it is being deleted.");
pub const WAS_CUT_OVER: Code = Code::new(
    "was_cut_over",
    "The restored cluster is not discarded: it was put to use, and may hold data that nothing else has.",
);
pub const IN_USE: Code = Code::new(
    "in_use",
    "The restored cluster is not discarded: the service's secret points to it, or cannot be read.",
);

pub const CODES: &[&Code] = &[
    &LIST,
    &SOURCE_MISSING,
    &SOURCE_WITHOUT_INSTANCES,
    &SNAPSHOT_MISSING,
    &SNAPSHOT_NOT_AVAILABLE,
    &OTHER_CLUSTER,
    &KEY_NOT_OURS,
    &OUTSIDE_WINDOW,
    &RESTORE_IN_PROGRESS,
    &OTHER_RESTORE,
    &RESTORE_UNKNOWN,
    &NOTHING_UNDER_WAY,
    &NOT_BEGUN,
    &CLUSTER_CREATING,
    &INSTANCES_CREATING,
    &WAITS_FOR_A_PERSON,
    &HANDED_OVER,
    &HANDED_OVER_WITH_DIFFERENCES,
    &RESTORE_FAILED,
    &CLUSTER_GONE,
    &NOT_FINISHED,
    &DISCARDED,
    &LEFT_BEHIND,
    &NOTHING_LEFT_BEHIND,
    &CLUSTER_QUOTA,
    &STORAGE_QUOTA,
    &INSTANCE_QUOTA,
    &NO_CAPACITY,
    &NAME_TAKEN,
    &RESTORE_IMPOSSIBLE,
    &NOT_OURS,
    &RESTORE_NOT_READY,
    &PASSWORD_SAME,
    &PASSWORD_MISSING,
    &PASSWORD_MANAGED,
    &USER_NOT_MASTER,
    &SECRET_WITHOUT_HOST,
    &SECRET_CHANGED,
    &VERSION_GONE,
    &ALREADY_CUT_OVER,
    &NEVER_CUT_OVER,
    &ALREADY_UNDONE,
    &ALREADY_GONE,
    &WAS_CUT_OVER,
    &IN_USE,
];
