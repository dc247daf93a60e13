//! Which kinds of resource a role has to name for an action. AWS looks at each thing that a call is about, and refuses the
//! call where one of them is not allowed: so a role names every kind that AWS's reference has for the action, but for those
//! listed here.

use anyhow::Result;

use super::reference::Reference;

/// The actions whose calls are about one thing, of any of the kinds.
pub const ONE_OF_THEM: [(&str, &str); 3] = [
    ("ecs:TagResource", "a call tags one thing"),
    ("rds:AddTagsToResource", "a call tags one thing"),
    ("rds:ListTagsForResource", "a call reads the tags of one thing"),
];

/// An action, a kind that AWS's reference has for it, and why no call of ours is about one.
pub const NOT_NEEDED: [(&str, &str, &str); 7] = [
    ("rds:CreateDBInstance", "secgrp", "it is of EC2-Classic, which AWS has ended"),
    ("rds:ModifyDBCluster", "og", "the reference does not require it, and the call names none"),
    ("rds:ModifyDBCluster", "pg", "the reference does not require it, and the call names none"),
    ("rds:RestoreDBClusterFromSnapshot", "snapshot", "a cluster is restored from a snapshot of a cluster"),
    ("rds:RestoreDBClusterToPointInTime", "cluster-auto-backup", "it is for a source that has been deleted"),
    ("s3:PutObject", "accesspointobject", "the bucket is written to by its own name"),
    ("states:DescribeExecution", "express", "the state machine is a standard one"),
];

/// The kinds of resource that an action has to be allowed on, and that none of these is of.
pub fn lacking<'a>(reference: &'a Reference, action: &str, resources: &[&str]) -> Result<Vec<&'a str>> {
    let kinds = reference.kinds(action)?;
    let is_named = |kind: &str| resources.iter().any(|resource| reference.is_of(action, kind, resource));
    let one_is_enough = ONE_OF_THEM.iter().any(|(name, _)| *name == action);
    if one_is_enough && kinds.iter().any(|kind| is_named(kind)) {
        return Ok(Vec::new());
    }
    let is_needed =
        |kind: &str| !NOT_NEEDED.iter().any(|(name, not_needed, _)| *name == action && *not_needed == kind);
    Ok(kinds.into_iter().filter(|kind| is_needed(kind) && !is_named(kind)).collect())
}
