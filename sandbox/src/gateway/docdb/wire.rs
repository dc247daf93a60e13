//! Answers as the Query protocol writes them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::wire::{block, element};
use super::endpoint;
use super::state::{Cluster, Event, Instance, Snapshot, arn};

/// The answer of an operation around its content.
pub(super) fn document(operation: &str, content: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{operation}Result>{content}\
         </{operation}Result><ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata></{operation}Response>"
    )
}

fn time(name: &str, at: Timestamp) -> String {
    element(name, &format!("{at:.3}"))
}

fn elements<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    values.into_iter().map(|value| element(name, value)).collect()
}

pub(super) fn cluster(
    cluster: &Cluster,
    status: &str,
    instances: &[&Instance],
    [earliest, latest]: [Timestamp; 2],
) -> String {
    let Cluster { name, fields, security_groups, log_exports, managed_secret, .. } = cluster;
    let own: String = fields.iter().map(|(field, value)| element(field, value)).collect();
    let groups: String = security_groups
        .iter()
        .map(|group| {
            let group = element("VpcSecurityGroupId", group) + &element("Status", "active");
            block("VpcSecurityGroupMembership", &group)
        })
        .collect();
    let members: String = instances
        .iter()
        .enumerate()
        .map(|(number, instance)| {
            // The first that there was is the writer.
            let writes = if number == 0 { "true" } else { "false" };
            let member =
                element("DBInstanceIdentifier", &instance.name) + &element("IsClusterWriter", writes);
            block("DBClusterMember", &member)
        })
        .collect();
    let managed = managed_secret.as_ref().map_or_else(String::new, |arn| {
        let secret = element("SecretArn", arn) + &element("SecretStatus", "active");
        block("MasterUserSecret", &secret)
    });
    format!(
        "<DBCluster>{}{}{}{}{}{}{}{own}{managed}<VpcSecurityGroups>{groups}</VpcSecurityGroups><DBClusterMembers>{members}\
         </DBClusterMembers><EnabledCloudwatchLogsExports>{}</EnabledCloudwatchLogsExports></DBCluster>",
        element("DBClusterIdentifier", name),
        element("DBClusterArn", &arn("cluster", name)),
        element("Status", status),
        element("Endpoint", &endpoint(name)),
        element("ReaderEndpoint", &endpoint(name).replacen(".cluster-", ".cluster-ro-", 1)),
        time("EarliestRestorableTime", earliest),
        time("LatestRestorableTime", latest),
        elements("member", log_exports.iter().map(String::as_str)),
    )
}

pub(super) fn instance(instance: &Instance, status: &str) -> String {
    let Instance { name, cluster, class, zone, promotion_tier, maintenance_window, certificate, .. } =
        instance;
    let address = element("Address", &endpoint(name).replacen(".cluster-", ".", 1));
    let fields = [
        ("DBInstanceIdentifier", name.as_str()),
        ("DBClusterIdentifier", cluster),
        ("DBInstanceClass", class),
        ("DBInstanceStatus", status),
        ("Engine", "docdb"),
        ("EngineVersion", "5.0.0"),
        ("AvailabilityZone", zone),
        ("PromotionTier", promotion_tier),
        ("PreferredMaintenanceWindow", maintenance_window),
        ("AutoMinorVersionUpgrade", "true"),
        ("CACertificateIdentifier", certificate),
        ("PerformanceInsightsEnabled", "false"),
    ];
    let fields: String = fields.iter().map(|(field, value)| element(field, value)).collect();
    format!("<DBInstance>{fields}<Endpoint>{address}</Endpoint></DBInstance>")
}

pub(super) fn snapshot(snapshot: &Snapshot) -> String {
    let Snapshot { id, cluster, kind, status, taken_at, engine_version, kms_key } = snapshot;
    let progress = if status == "available" { "100" } else { "40" };
    let fields = [
        ("DBClusterSnapshotIdentifier", id.as_str()),
        ("DBClusterIdentifier", cluster),
        ("SnapshotType", kind),
        ("Status", status),
        ("Engine", "docdb"),
        ("EngineVersion", engine_version),
        ("StorageEncrypted", "true"),
        ("KmsKeyId", kms_key),
        ("PercentProgress", progress),
    ];
    let fields: String = fields.iter().map(|(field, value)| element(field, value)).collect();
    format!("<DBClusterSnapshot>{fields}{}</DBClusterSnapshot>", time("SnapshotCreateTime", *taken_at))
}

pub(super) fn tags(tags: &BTreeMap<String, String>) -> String {
    let tags: String = tags
        .iter()
        .map(|(key, value)| block("Tag", &(element("Key", key) + &element("Value", value))))
        .collect();
    format!("<TagList>{tags}</TagList>")
}

pub(super) fn parameters(all: &[(&str, &str)]) -> String {
    let all: String = all
        .iter()
        .map(|(name, value)| {
            let fields = [
                ("ParameterName", *name),
                ("ParameterValue", *value),
                ("Source", "user"),
                ("ApplyType", "dynamic"),
                ("IsModifiable", "true"),
                ("ApplyMethod", "immediate"),
            ];
            let fields: String = fields.iter().map(|(field, value)| element(field, value)).collect();
            block("Parameter", &fields)
        })
        .collect();
    block("Parameters", &all)
}

pub(super) fn subnet_groups(zones: &[&str]) -> String {
    let subnets: String = zones
        .iter()
        .map(|zone| block("Subnet", &block("SubnetAvailabilityZone", &element("Name", zone))))
        .collect();
    format!("<DBSubnetGroups><DBSubnetGroup><Subnets>{subnets}</Subnets></DBSubnetGroup></DBSubnetGroups>")
}

pub(super) fn orderable(classes: &[(&str, &[&str])]) -> String {
    let options: String = classes
        .iter()
        .map(|(class, zones)| {
            let zones: String =
                zones.iter().map(|zone| block("AvailabilityZone", &element("Name", zone))).collect();
            let class = element("DBInstanceClass", class);
            block("OrderableDBInstanceOption", &(class + &block("AvailabilityZones", &zones)))
        })
        .collect();
    format!("<OrderableDBInstanceOptions>{options}</OrderableDBInstanceOptions>")
}

pub(super) fn event(event: &Event) -> String {
    let fields = [
        ("SourceIdentifier", event.source.as_str()),
        ("SourceType", event.kind),
        ("Message", &event.message),
    ];
    let fields: String = fields.iter().map(|(field, value)| element(field, value)).collect();
    let categories = block("EventCategories", &element("EventCategory", event.category));
    block("Event", &(fields + &categories + &time("Date", event.at)))
}
