"""snapshot-restore as most people would write it: the same calls, one after the other.

It does the step that the benchmark asks for: one more instance for a restored cluster.
"""

import os

import boto3

import ledger

SOURCE = os.environ["SOURCE_CLUSTER"]
# What the ledger keeps of an instance, by its name in DocumentDB's calls.
INSTANCE = {
    "DBInstanceIdentifier": "name",
    "DBInstanceClass": "class",
    "AvailabilityZone": "zone",
    "PromotionTier": "promotion_tier",
    "PreferredMaintenanceWindow": "maintenance_window",
    "AutoMinorVersionUpgrade": "auto_minor_version_upgrade",
    "CopyTagsToSnapshot": "copy_tags_to_snapshot",
    "CACertificateIdentifier": "ca_certificate",
    "EnablePerformanceInsights": "performance_insights",
    "PerformanceInsightsKMSKeyId": "performance_insights_key",
}
# The settings that AWS does not take when a cluster is restored.
SETTINGS = {
    "DBClusterParameterGroup": "parameter_group",
    "BackupRetentionPeriod": "backup_retention_days",
    "PreferredBackupWindow": "backup_window",
    "PreferredMaintenanceWindow": "maintenance_window",
}

docdb = boto3.client("docdb")


def handler(event, context):
    target = f"cluster/{SOURCE}"
    follow_up = ledger.look("snapshot-restore", target, context.aws_request_id, under_way=True)
    progress = follow_up["what"]
    restore = progress["restore"]
    if restore["id"] != event["continue"]:
        raise RuntimeError(f"it is {restore['id']} that is under way")

    restored = [cluster for cluster in clusters() if cluster["DBClusterIdentifier"].startswith(f"{SOURCE}-restore-")]
    made = instances([cluster["DBClusterIdentifier"] for cluster in restored])
    cluster = next(cluster for cluster in restored if cluster["DBClusterIdentifier"] == restore["id"])
    if cluster["Status"] != "available":
        raise RuntimeError(f"{restore['id']} is {cluster['Status']}")
    if any(cluster.get(field) != restore["settings"][ours] for field, ours in SETTINGS.items()):
        raise RuntimeError("the cluster's settings come first")
    instance = next_instance(restore, made)
    tried = [*progress["tried"], instance["name"]]
    plan = {"cluster": restore["id"], "instance": instance}
    follow_up = follow_up | {"what": progress | {"tried": tried}}
    ledger.claim("snapshot-restore", target, context, plan, follow_up)

    docdb.create_db_instance(
        DBClusterIdentifier=restore["id"],
        Engine=restore["settings"]["engine"],
        Tags=[{"Key": key, "Value": value} for key, value in restore["tags"].items()],
        **{field: instance[ours] for field, ours in INSTANCE.items() if instance.get(ours) is not None},
    )
    docdb.describe_db_clusters(DBClusterIdentifier=restore["id"])
    now = instances([restore["id"]])
    outcome = {
        "function": "snapshot-restore",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"restored": {i["DBInstanceIdentifier"]: i["DBInstanceStatus"] for i in made}},
        "plan": plan,
        "verification": {"verified": instance["name"] in [i["DBInstanceIdentifier"] for i in now]},
    }
    ledger.record(outcome)
    return outcome


def clusters():
    pages = docdb.get_paginator("describe_db_clusters").paginate()
    return [cluster for page in pages for cluster in page["DBClusters"]]


def instances(names):
    """The instances of these clusters, in one go."""
    of = [{"Name": "db-cluster-id", "Values": names}]
    pages = docdb.get_paginator("describe_db_instances").paginate(Filters=of)
    return [instance for page in pages for instance in page["DBInstances"]]


def next_instance(restore, made):
    """The first that is not made yet; the writer must be up before the others are."""
    statuses = {instance["DBInstanceIdentifier"]: instance["DBInstanceStatus"] for instance in made}
    missing = next((i for i in restore["instances"] if i["name"] not in statuses), None)
    if missing is None:
        raise RuntimeError("all instances are made")
    writer = restore["instances"][0]
    if missing is not writer and statuses.get(writer["name"]) != "available":
        raise RuntimeError("the writer is not up yet")
    return missing
