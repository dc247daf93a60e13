//! A cluster, and one that is restored beside it: the writer is up, the reader is still to be made. In the query
//! protocol, as RDS.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

pub const SOURCE: &str = "lendpeak2-production";
/// The restore that is under way, and its cluster.
pub const RESTORE: &str = "lendpeak2-production-restore-20260921133320";
const CLASS: &str = "db.r6g.large";
const ZONES: [&str; 2] = ["us-east-1a", "us-east-1b"];
const VERSION: &str = "5.0.0";
const PORT: u16 = 27_017;
const SUBNET_GROUP: &str = "lendpeak2-production-db";
const PARAMETER_GROUP: &str = "lendpeak2-production-docdb5";
const SECURITY_GROUP: &str = "sg-0123456789abcdef0";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-4abc-8abc-0123456789ab";
const LOGS: [&str; 2] = ["audit", "profiler"];
const BACKUP_DAYS: u8 = 7;
const BACKUP_WINDOW: &str = "03:00-03:30";
const MAINTENANCE_WINDOW: &str = "sun:05:00-sun:05:30";
const CERTIFICATE: &str = "rds-ca-rsa2048-g1";
const BEGUN: &str = "2026-09-21T13:33:20.125Z";

/// The instance that `CreateDBInstance` has begun to make.
#[derive(Debug)]
pub(super) struct Created;

pub(super) fn query(operation: &[u8], request: &str, created: &mut Option<Created>) -> Option<String> {
    let (operation, asked) = std::str::from_utf8(operation).ok()?.split_once('&')?;
    let given = |name: &str| form_urlencoded::parse(asked.as_bytes()).find(|(given, _)| given == name);
    let content = match operation {
        "DescribeDBClusters" => {
            let named = given("DBClusterIdentifier");
            let is_wanted = |name: &str| named.as_ref().is_none_or(|(_, named)| named == name);
            let restored = if created.is_some() { 2 } else { 1 };
            let clusters = [(SOURCE, 2), (RESTORE, restored)].into_iter().filter(|(name, _)| is_wanted(name));
            let clusters: String = clusters.map(|(name, members)| cluster(name, members)).collect();
            format!("<DBClusters>{clusters}</DBClusters>")
        }
        "DescribeDBInstances" if given("Filters.Filter.1.Values.Value.1")?.1 == SOURCE => {
            let instances: String =
                (1..=ZONES.len()).map(|number| instance(SOURCE, number, "available")).collect();
            format!("<DBInstances>{instances}</DBInstances>")
        }
        // A run looks at what it has made once.
        "DescribeDBInstances" if given("Filters.Filter.1.Values.Value.1")?.1 == RESTORE => {
            let mut instances = instance(RESTORE, 1, "available");
            if created.take().is_some() {
                instances += &instance(RESTORE, 2, "creating");
            }
            format!("<DBInstances>{instances}</DBInstances>")
        }
        "CreateDBInstance" if given("DBInstanceIdentifier")?.1 == member(RESTORE, 2) => {
            *created = Some(Created);
            instance(RESTORE, 2, "creating")
        }
        "DescribeEvents" => {
            let source = &*given("SourceIdentifier")?.1;
            let events = match &*given("SourceType")?.1 {
                "db-cluster" => event("db-cluster", source, 10, "Manual cluster snapshot created", "backup"),
                kind => event(kind, source, 12, "DB instance restarted", "availability"),
            };
            format!("<Events>{events}</Events>")
        }
        _ => return None,
    };
    Some(format!(
        "<{operation}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{operation}Result>{content}\
         </{operation}Result>{request}</{operation}Response>"
    ))
}

/// What the ledger keeps of the restore until it is handed over.
pub(super) fn follow_up() -> Value {
    let instances: Vec<Value> = (1..)
        .zip(ZONES)
        .map(|(number, zone)| {
            json!({
                "name": member(RESTORE, number),
                "class": CLASS,
                "zone": zone,
                "promotion_tier": number,
                "maintenance_window": MAINTENANCE_WINDOW,
                "auto_minor_version_upgrade": true,
                "copy_tags_to_snapshot": false,
                "ca_certificate": CERTIFICATE,
                "performance_insights": false,
            })
        })
        .collect();
    let restore = json!({
        "id": RESTORE,
        "source": SOURCE,
        "origin": { "snapshot": {
            "id": "rds:lendpeak2-production-2026-09-21-03-00",
            "taken_at": "2026-09-21T03:00:20.125Z",
        } },
        "settings": {
            "engine": "docdb",
            "engine_version": VERSION,
            "port": PORT,
            "subnet_group": SUBNET_GROUP,
            "security_groups": [SECURITY_GROUP],
            "parameter_group": PARAMETER_GROUP,
            "kms_key": KEY,
            "log_exports": LOGS,
            "storage_type": "standard",
            "network_type": "IPV4",
            "copy_tags_to_snapshot": false,
            "backup_retention_days": BACKUP_DAYS,
            "backup_window": BACKUP_WINDOW,
            "maintenance_window": MAINTENANCE_WINDOW,
        },
        "tags": {
            "Project": "LendPeak2",
            "lendpeak2:instances": ZONES.len().to_string(),
            "lendpeak2:restore-id": RESTORE,
            "lendpeak2:restore-of": SOURCE,
            "lendpeak2:restored-from": "rds:lendpeak2-production-2026-09-21-03-00",
        },
        "instances": instances,
    });
    let follow_up = json!({
        "due": "2026-09-21T17:33:20.125Z",
        "what": { "restore": restore, "begun_at": BEGUN, "tried": ["settings", member(RESTORE, 1)] },
        "until_verified": false,
    });
    json!({
        "pk": { "S": format!("target#cluster/{SOURCE}") },
        "sk": { "S": "snapshot-restore#follow-up" },
        "due": { "S": "2026-09-21T17:33:20.125Z" },
        "data": { "S": follow_up.to_string() },
    })
}

/// The name of a cluster's n-th instance, from 1.
fn member(cluster: &str, number: usize) -> String {
    format!("{cluster}-{number}")
}

/// With its first so many members.
fn cluster(name: &str, members: usize) -> String {
    let members: String = (1..=members).map(|number| cluster_member(name, number)).collect();
    let zones = ZONES.map(|zone| format!("<AvailabilityZone>{zone}</AvailabilityZone>")).concat();
    let logs = LOGS.map(|log| format!("<member>{log}</member>")).concat();
    format!(
        "<DBCluster><AvailabilityZones>{zones}</AvailabilityZones><BackupRetentionPeriod>{BACKUP_DAYS}\
         </BackupRetentionPeriod><DBClusterIdentifier>{name}</DBClusterIdentifier>\
         <DBClusterParameterGroup>{PARAMETER_GROUP}</DBClusterParameterGroup>\
         <DBSubnetGroup>{SUBNET_GROUP}</DBSubnetGroup><Status>available</Status>\
         <EarliestRestorableTime>2026-09-14T03:01:20.125Z</EarliestRestorableTime>\
         <Endpoint>{name}.cluster-c0ffee0c0ffee.us-east-1.docdb.amazonaws.com</Endpoint>\
         <ReaderEndpoint>{name}.cluster-ro-c0ffee0c0ffee.us-east-1.docdb.amazonaws.com</ReaderEndpoint>\
         <MultiAZ>true</MultiAZ><Engine>docdb</Engine><EngineVersion>{VERSION}</EngineVersion>\
         <LatestRestorableTime>{BEGUN}</LatestRestorableTime><Port>{PORT}</Port>\
         <MasterUsername>lendpeak2</MasterUsername><PreferredBackupWindow>{BACKUP_WINDOW}</PreferredBackupWindow>\
         <PreferredMaintenanceWindow>{MAINTENANCE_WINDOW}</PreferredMaintenanceWindow>\
         <DBClusterMembers>{members}</DBClusterMembers><VpcSecurityGroups><VpcSecurityGroupMembership>\
         <VpcSecurityGroupId>{SECURITY_GROUP}</VpcSecurityGroupId><Status>active</Status>\
         </VpcSecurityGroupMembership></VpcSecurityGroups><HostedZoneId>ZBENCHMARK</HostedZoneId>\
         <StorageEncrypted>true</StorageEncrypted><KmsKeyId>{KEY}</KmsKeyId>\
         <DbClusterResourceId>cluster-BENCHMARK</DbClusterResourceId>\
         <DBClusterArn>arn:aws:rds:us-east-1:123456789012:cluster:{name}</DBClusterArn><AssociatedRoles/>\
         <ClusterCreateTime>{BEGUN}</ClusterCreateTime><EnabledCloudwatchLogsExports>{logs}\
         </EnabledCloudwatchLogsExports><DeletionProtection>true</DeletionProtection>\
         <StorageType>standard</StorageType><NetworkType>IPV4</NetworkType></DBCluster>"
    )
}

fn cluster_member(cluster: &str, number: usize) -> String {
    let is_writer = number == 1;
    format!(
        "<DBClusterMember><DBInstanceIdentifier>{}</DBInstanceIdentifier><IsClusterWriter>{is_writer}\
         </IsClusterWriter><DBClusterParameterGroupStatus>in-sync</DBClusterParameterGroupStatus>\
         <PromotionTier>{number}</PromotionTier></DBClusterMember>",
        member(cluster, number)
    )
}

/// A cluster's n-th, from 1.
fn instance(cluster: &str, number: usize, status: &str) -> String {
    let name = member(cluster, number);
    let zone = ZONES.get(number - 1).copied().unwrap_or_default();
    // Before it is up, AWS tells neither where it is reached nor since when it is there.
    let reached = if status == "creating" {
        String::new()
    } else {
        format!(
            "<Endpoint><Address>{name}.c0ffee0c0ffee.us-east-1.docdb.amazonaws.com</Address><Port>{PORT}</Port>\
             <HostedZoneId>ZBENCHMARK</HostedZoneId></Endpoint><InstanceCreateTime>{BEGUN}</InstanceCreateTime>"
        )
    };
    let subnets = ZONES
        .map(|zone| {
            format!(
                "<Subnet><SubnetIdentifier>subnet-0123456789abcdef0</SubnetIdentifier><SubnetAvailabilityZone>\
                 <Name>{zone}</Name></SubnetAvailabilityZone><SubnetStatus>Active</SubnetStatus></Subnet>"
            )
        })
        .concat();
    format!(
        "<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceClass>{CLASS}</DBInstanceClass>\
         <Engine>docdb</Engine><DBInstanceStatus>{status}</DBInstanceStatus>{reached}\
         <PreferredBackupWindow>{BACKUP_WINDOW}</PreferredBackupWindow>\
         <BackupRetentionPeriod>{BACKUP_DAYS}</BackupRetentionPeriod><VpcSecurityGroups>\
         <VpcSecurityGroupMembership><VpcSecurityGroupId>{SECURITY_GROUP}</VpcSecurityGroupId>\
         <Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
         <AvailabilityZone>{zone}</AvailabilityZone><DBSubnetGroup><DBSubnetGroupName>{SUBNET_GROUP}\
         </DBSubnetGroupName><VpcId>vpc-0123456789abcdef0</VpcId><SubnetGroupStatus>Complete</SubnetGroupStatus>\
         <Subnets>{subnets}</Subnets></DBSubnetGroup>\
         <PreferredMaintenanceWindow>{MAINTENANCE_WINDOW}</PreferredMaintenanceWindow><PendingModifiedValues/>\
         <EngineVersion>{VERSION}</EngineVersion><AutoMinorVersionUpgrade>true</AutoMinorVersionUpgrade>\
         <PubliclyAccessible>false</PubliclyAccessible><DBClusterIdentifier>{cluster}</DBClusterIdentifier>\
         <StorageEncrypted>true</StorageEncrypted><KmsKeyId>{KEY}</KmsKeyId>\
         <DbiResourceId>db-BENCHMARK{number}</DbiResourceId>\
         <CACertificateIdentifier>{CERTIFICATE}</CACertificateIdentifier>\
         <CopyTagsToSnapshot>false</CopyTagsToSnapshot><PromotionTier>{number}</PromotionTier>\
         <DBInstanceArn>arn:aws:rds:us-east-1:123456789012:db:{name}</DBInstanceArn>\
         <PerformanceInsightsEnabled>false</PerformanceInsightsEnabled></DBInstance>"
    )
}

fn event(kind: &str, name: &str, hours: i64, message: &str, category: &str) -> String {
    let at = Timestamp::now() - SignedDuration::from_hours(hours);
    let resource = if kind == "db-cluster" { "cluster" } else { "db" };
    format!(
        "<Event><SourceIdentifier>{name}</SourceIdentifier><SourceType>{kind}</SourceType><Message>{message}</Message>\
         <EventCategories><EventCategory>{category}</EventCategory></EventCategories><Date>{at:.3}</Date>\
         <SourceArn>arn:aws:rds:us-east-1:123456789012:{resource}:{name}</SourceArn></Event>"
    )
}
