//! What DocumentDB asks for. Its actions are those of RDS, and many look at more than one resource.

use sandbox::calls::Recorded;
use sandbox::clients::REGION;
use serde_json::Value;

use super::{Need, RESOURCE_TAG, action, arn, text};

pub(super) fn needs(call: &Recorded) -> Vec<Need> {
    let named = |kind: &str, field: &str| match text(call, field) {
        "" => None,
        // A snapshot of another account is named by its ARN.
        name if name.starts_with("arn:") => Some(name.to_owned()),
        name => Some(arn("rds", &format!("{kind}:{name}"))),
    };
    let all = |kind: &str| arn("rds", &format!("{kind}:*"));
    // What the engine, or the account's network, has for a call that names none.
    let default = |kind: &str| arn("rds", &format!("{kind}:default"));
    let need = |resource: String| Need::new(&action(call), resource);
    let cluster = named("cluster", "DBClusterIdentifier");
    let instance = named("db", "DBInstanceIdentifier");
    match call.operation.as_str() {
        // These take no resource.
        "DescribeEvents" | "DescribeOrderableDBInstanceOptions" => vec![need("*".to_owned())],
        "DescribeDBClusters" => vec![need(cluster.unwrap_or_else(|| all("cluster")))],
        "DescribeDBInstances" => vec![need(instance.unwrap_or_else(|| all("db")))],
        "DescribeDBSubnetGroups" => {
            vec![need(named("subgrp", "DBSubnetGroupName").unwrap_or_else(|| all("subgrp")))]
        }
        "DescribeDBClusterSnapshots" => {
            let snapshot = named("cluster-snapshot", "DBClusterSnapshotIdentifier");
            let snapshot = snapshot.unwrap_or_else(|| all("cluster-snapshot"));
            cluster.into_iter().chain([snapshot]).map(need).collect()
        }
        "ListTagsForResource" | "AddTagsToResource" => vec![need(text(call, "ResourceName").to_owned())],
        "RestoreDBClusterFromSnapshot" | "RestoreDBClusterToPointInTime" => {
            let tagged = tagging(call, cluster.as_ref());
            let subnets = named("subgrp", "DBSubnetGroupName");
            let group = named("cluster-pg", "DBClusterParameterGroupName");
            let resources = [
                cluster,
                named("cluster", "SourceDBClusterIdentifier"),
                named("cluster-snapshot", "SnapshotIdentifier"),
                subnets.or_else(|| Some(default("subgrp"))),
                group.or_else(|| Some(default("cluster-pg"))),
                // DocumentDB has one for each engine, and its calls have no field for it.
                Some(default("og")),
            ];
            resources.into_iter().flatten().map(need).chain(tagged).chain(using_key(call)).collect()
        }
        "CreateDBInstance" => {
            let tagged = tagging(call, instance.as_ref());
            let groups = ["og", "pg", "subgrp"].map(|kind| Some(default(kind)));
            [cluster, instance].into_iter().chain(groups).flatten().map(need).chain(tagged).collect()
        }
        "ModifyDBCluster" => {
            let group = named("cluster-pg", "DBClusterParameterGroupName").map(need);
            cluster.map(|cluster| with_tags(need(cluster), call)).into_iter().chain(group).collect()
        }
        "DeleteDBCluster" => {
            // The final snapshot's too, also where there is to be none.
            let both = cluster.map(|cluster| [with_tags(need(cluster), call), need(all("cluster-snapshot"))]);
            both.into_iter().flatten().collect()
        }
        "DeleteDBInstance" => instance.map(|instance| with_tags(need(instance), call)).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Making something with tags is tagging it too.
fn tagging(call: &Recorded, made: Option<&String>) -> Option<Need> {
    let tags = call.names.as_object()?.keys().any(|field| field.starts_with("Tags."));
    if tags { Some(Need::new("rds:AddTagsToResource", made?.clone())) } else { None }
}

/// A cluster that is restored with a key of the account: DocumentDB asks KMS for it in the caller's name.
fn using_key(call: &Recorded) -> Vec<Need> {
    let key = match text(call, "KmsKeyId") {
        "" => return Vec::new(),
        key if key.starts_with("arn:") => key.to_owned(),
        key => arn("kms", &format!("key/{key}")),
    };
    let asked_by = || vec![format!("rds.{REGION}.amazonaws.com")];
    let need = |action| Need::new(action, key.clone()).with("kms:ViaService", asked_by());
    ["kms:CreateGrant", "kms:DescribeKey"].map(need).into()
}

/// With the tags of the resource that the call is about.
fn with_tags(mut need: Need, call: &Recorded) -> Need {
    for (name, value) in &call.resource_tags {
        let value = value.as_str().map_or_else(|| Value::to_string(value), str::to_owned);
        need = need.with(&format!("{RESOURCE_TAG}{name}"), vec![value]);
    }
    need
}
