"""diagnose as most people would write it: the same reads, one after the other (`handler`), or on a pool of threads
(`threads_handler`); then a few rules."""

import json
import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import ClientError

CLUSTER = os.environ["CLUSTER"]
SERVICE = os.environ["SERVICE"]
LOG_GROUP = os.environ["LOG_GROUP"]
LOAD_BALANCER = os.environ["LOAD_BALANCER"]
DATABASE = os.environ["DATABASE_CLUSTER"]
SECRET = os.environ["DATABASE_SECRET"]
DISTRIBUTION = os.environ["DISTRIBUTION_ID"]
PROJECT = os.environ["BUILD_PROJECT"]
REDIS_GROUPS = os.environ["REDIS_SECURITY_GROUPS"].split(",")
PROBE = os.environ["PROBE_FUNCTION"]
ALARM_PREFIX = os.environ["ALARM_PREFIX"]
ENVIRONMENT = os.environ["ENVIRONMENT"]

THREADS = 20
MAX_EVENTS = 20_000
PATTERN = "%[Ee]rror|ERROR|Exception|[Ff]atal|FATAL|CRITICAL|SEVERE|Traceback|panic|level.:.?[56]0%"
# DescribeAlarms answers a hundred at once.
MAX_ALARMS = 1_000
MAX_QUERIES = 400
RECENT = (timedelta(hours=12), 300)
FORTNIGHT = (timedelta(days=14), 21_600)
SERVICE_ID = f"service/{CLUSTER}/{SERVICE}"

ecs = boto3.client("ecs")
logs = boto3.client("logs")
ecr = boto3.client("ecr")
secretsmanager = boto3.client("secretsmanager")
elb = boto3.client("elbv2")
ec2 = boto3.client("ec2")
cloudwatch = boto3.client("cloudwatch")
# CloudFront's metrics are there and nowhere else.
global_cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
docdb = boto3.client("docdb")
autoscaling = boto3.client("application-autoscaling")
cloudfront = boto3.client("cloudfront")
codebuild = boto3.client("codebuild")
functions = boto3.client("lambda")


def handler(event, context):
    return diagnose(context, map)


def threads_handler(event, context):
    with ThreadPoolExecutor(THREADS) as pool:
        return diagnose(context, pool.map)


def diagnose(context, each):
    """`each` calls a function for each of a list, one after the other or at once."""
    at = datetime.now(timezone.utc)
    seen, not_seen = {}, []

    def read(name):
        try:
            return name, READERS[name](at, seen), None
        except (ClientError, LookupError) as error:
            return name, None, f"{type(error).__name__}: {error}"

    # What others are read with comes first.
    for step in STEPS:
        for name, found, why in list(each(read, step)):
            if why:
                not_seen.append({"source": name, "why": why})
            else:
                seen[name] = found
    findings = [finding for rule in RULES for finding in rule(seen)]
    report = {
        "function": "diagnose",
        "execution_id": context.aws_request_id,
        "at": at.isoformat(),
        "nothing_found": not findings,
        "findings": findings,
        "looked_at": [name for name in READERS if name in seen],
        "not_seen": not_seen,
    }
    print(json.dumps({"level": "WARN" if findings else "INFO", "message": "diagnosed", "report": report}))
    return report


def pages(client, operation, key, most=None, **asked):
    """All of a paginated list, or the first so many."""
    found = []
    for page in client.get_paginator(operation).paginate(**asked):
        found += page[key]
        if most and len(found) >= most:
            break
    return found


# What is read ---------------------------------------------------------------------------------------------------------


def service(at, seen):
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]


def definition(at, seen):
    wanted = seen["the service"]["taskDefinition"]
    return ecs.describe_task_definition(taskDefinition=wanted)["taskDefinition"]


def tasks(at, seen):
    found = {}
    for status in ("RUNNING", "STOPPED"):
        arns = pages(ecs, "list_tasks", "taskArns", 1_000, cluster=CLUSTER, serviceName=SERVICE, desiredStatus=status)
        found[status] = []
        for begin in range(0, len(arns), 100):
            answer = ecs.describe_tasks(cluster=CLUSTER, tasks=arns[begin : begin + 100])
            found[status] += answer["tasks"]
    failed = [task for task in found["STOPPED"] if failed_container(task)]
    if failed:
        found["last_log"] = last_log(max(failed, key=lambda task: task["stoppedAt"]), seen["its task definition"])
    return found


def failed_container(task):
    return next((container for container in task["containers"] if container.get("exitCode")), None)


def last_log(task, definition):
    failed = failed_container(task)["name"]
    container = next(one for one in definition["containerDefinitions"] if one["name"] == failed)
    options = container["logConfiguration"]["options"]
    stream = f"{options['awslogs-stream-prefix']}/{failed}/{task['taskArn'].rsplit('/', 1)[1]}"
    answer = logs.get_log_events(
        logGroupName=options["awslogs-group"], logStreamName=stream, limit=5, startFromHead=False
    )
    return shape(answer["events"][-1]["message"]) if answer["events"] else None


def images(at, seen):
    found = {}
    for image in {container["image"] for container in seen["its task definition"]["containerDefinitions"]}:
        registry, _, path = image.partition("/")
        repository, _, tag = path.partition(":")
        answer = ecr.describe_images(
            registryId=registry.split(".")[0], repositoryName=repository, imageIds=[{"imageTag": tag}]
        )
        found[image] = answer["imageDetails"]
    return found


def secrets(at, seen):
    containers = seen["its task definition"]["containerDefinitions"]
    ids = {secret["valueFrom"] for container in containers for secret in container.get("secrets", [])}
    return [secretsmanager.describe_secret(SecretId=id) for id in sorted(ids | {SECRET})]


def errors(at, seen):
    """Counted by shape while the pages come."""
    counts, total = Counter(), 0
    paginator = logs.get_paginator("filter_log_events")
    since = at - timedelta(hours=1)
    for page in paginator.paginate(
        logGroupName=LOG_GROUP, filterPattern=PATTERN, startTime=milliseconds(since), endTime=milliseconds(at)
    ):
        counts.update(shape(event["message"]) for event in page["events"])
        total += len(page["events"])
        if total >= MAX_EVENTS:
            break
    return {"errors": total, "groups": counts.most_common(10)}


PARTICULAR = re.compile(
    r"\S+@\S+"  # an address of a person
    r"|\w+://\S+"
    r"|/[\w/-]*\d[\w/-]*"  # a path with an id in it
    r"|\[?\b[0-9a-f]{16,}\b\]?"
    r"|\b\d[\w.:]*"  # numbers, times, network addresses
    r"|\b\w*\d\w*\b"
)


def shape(line):
    """A line without what differs from one event to the next."""
    if line.startswith("{"):
        try:
            event = json.loads(line)
            line = f"{event.get('level', '')} {event.get('message') or event.get('msg') or ''}"
        except ValueError:
            pass
    return PARTICULAR.sub("<…>", line[:2_000]).strip()[:300]


def milliseconds(at):
    return int(at.timestamp() * 1_000)


def slow_queries(at, seen):
    if "profiler" not in seen["the database"]["cluster"].get("EnabledCloudwatchLogsExports", []):
        return []
    found = {}
    paginator = logs.get_paginator("filter_log_events")
    for page in paginator.paginate(
        logGroupName=f"/aws/docdb/{DATABASE}/profiler",
        startTime=milliseconds(at - timedelta(hours=1)),
        endTime=milliseconds(at),
    ):
        for event in page["events"]:
            query = json.loads(event["message"])
            fields = tuple(query.get("command", {}).get("filter", {}))
            key = (query["ns"], query["op"], fields, query.get("planSummary"))
            count, longest = found.get(key, (0, 0))
            found[key] = (count + 1, max(longest, query["millis"]))
    return sorted(found.items(), key=lambda one: one[1][0] * one[1][1], reverse=True)[:10]


def target_groups(at, seen):
    found = []
    for one in seen["the service"]["loadBalancers"]:
        arn = one["targetGroupArn"]
        group = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
        targets = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        found.append({"group": group, "targets": targets})
    return found


def load_balancer(at, seen):
    found = elb.describe_load_balancers(Names=[LOAD_BALANCER.split("/")[1]])["LoadBalancers"][0]
    arn = found["LoadBalancerArn"]
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return found | {"Attributes": attributes, "Listeners": listeners}


def security_groups(at, seen):
    network = seen["the service"]["networkConfiguration"]["awsvpcConfiguration"]
    ids = {*REDIS_GROUPS, *network["securityGroups"], *seen["the load balancer"]["SecurityGroups"]}
    ids |= {group["VpcSecurityGroupId"] for group in seen["the database"]["cluster"]["VpcSecurityGroups"]}
    by_id = [{"Name": "group-id", "Values": sorted(ids)}]
    return pages(ec2, "describe_security_groups", "SecurityGroups", Filters=by_id)


def database(at, seen):
    cluster = docdb.describe_db_clusters(DBClusterIdentifier=DATABASE)["DBClusters"][0]
    of = [{"Name": "db-cluster-id", "Values": [DATABASE]}]
    return {"cluster": cluster, "instances": docdb.describe_db_instances(Filters=of)["DBInstances"]}


def database_events(at, seen):
    instances = [one["DBInstanceIdentifier"] for one in seen["the database"]["instances"]]
    found = []
    for kind, name in [("db-cluster", DATABASE), *(("db-instance", name) for name in instances)]:
        asked = {"SourceType": kind, "SourceIdentifier": name, "StartTime": at - timedelta(days=1), "EndTime": at}
        found += pages(docdb, "describe_events", "Events", **asked)
    return sorted(found, key=lambda event: event["Date"], reverse=True)[:50]


def metrics(at, seen):
    ours = [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "ServiceName", "Value": SERVICE}]
    of_alb = [{"Name": "LoadBalancer", "Value": LOAD_BALANCER}]
    of_cluster = [{"Name": "DBClusterIdentifier", "Value": DATABASE}]
    of_cdn = [{"Name": "DistributionId", "Value": DISTRIBUTION}, {"Name": "Region", "Value": "Global"}]
    recent = [("AWS/ECS", metric, statistic, ours) for metric, statistic in ECS_METRICS]
    recent += [("AWS/ApplicationELB", metric, statistic, of_alb) for metric, statistic in ALB_METRICS]
    recent += [("AWS/DocDB", metric, statistic, of_cluster) for metric, statistic in CLUSTER_METRICS]
    for instance in seen["the database"]["instances"]:
        of_instance = [{"Name": "DBInstanceIdentifier", "Value": instance["DBInstanceIdentifier"]}]
        recent += [("AWS/DocDB", metric, statistic, of_instance) for metric, statistic in INSTANCE_METRICS]
    recent.append(("LendPeak2", "Healthy", "Minimum", [{"Name": "Environment", "Value": ENVIRONMENT}]))
    cdn = [("AWS/CloudFront", metric, statistic, of_cdn) for metric, statistic in CDN_METRICS]
    volume = [("AWS/DocDB", "VolumeBytesUsed", "Average", of_cluster)]
    return {
        "recent": series(cloudwatch, recent, RECENT, at) + series(global_cloudwatch, cdn, RECENT, at),
        "fortnight": series(cloudwatch, volume, FORTNIGHT, at),
    }


ECS_METRICS = [
    ("CPUUtilization", "Average"),
    ("CPUUtilization", "Maximum"),
    ("MemoryUtilization", "Average"),
    ("MemoryUtilization", "Maximum"),
]
ALB_METRICS = [
    ("RequestCount", "Sum"),
    ("TargetResponseTime", "p50"),
    ("TargetResponseTime", "p99"),
    ("TargetResponseTime", "Maximum"),
    ("HTTPCode_Target_5XX_Count", "Sum"),
    ("HTTPCode_ELB_5XX_Count", "Sum"),
    ("HTTPCode_ELB_502_Count", "Sum"),
    ("HTTPCode_ELB_504_Count", "Sum"),
    ("RejectedConnectionCount", "Sum"),
]
CLUSTER_METRICS = [
    ("VolumeBytesUsed", "Average"),
    ("VolumeWriteIOPs", "Sum"),
    ("DBClusterReplicaLagMaximum", "Maximum"),
]
INSTANCE_METRICS = [
    ("DatabaseConnections", "Maximum"),
    ("DatabaseConnectionsLimit", "Maximum"),
    ("DBInstanceReplicaLag", "Maximum"),
    ("FreeLocalStorage", "Minimum"),
    ("FreeableMemory", "Minimum"),
    ("CPUUtilization", "Average"),
    ("BufferCacheHitRatio", "Average"),
]
CDN_METRICS = [
    ("Requests", "Sum"),
    ("CacheHitRate", "Average"),
    ("4xxErrorRate", "Average"),
    ("5xxErrorRate", "Average"),
]


def series(client, wanted, span, at):
    """What was wanted, each with its values, the oldest first."""
    if not wanted:
        return []
    length, period = span
    end = datetime.fromtimestamp(at.timestamp() // period * period, timezone.utc)
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
                "Period": period,
                "Stat": statistic,
            },
        }
        for number, (namespace, metric, statistic, dimensions) in enumerate(wanted)
    ]
    values = {query["Id"]: [] for query in queries}
    paginator = client.get_paginator("get_metric_data")
    for page in paginator.paginate(MetricDataQueries=queries, StartTime=end - length, EndTime=end):
        for result in page["MetricDataResults"]:
            values[result["Id"]] += result["Values"]
    return [(one, values[query["Id"]][::-1]) for one, query in zip(wanted, queries)]


def scaling(at, seen):
    asked = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    targets = autoscaling.describe_scalable_targets(ResourceIds=[SERVICE_ID], **asked)["ScalableTargets"]
    policies = pages(autoscaling, "describe_scaling_policies", "ScalingPolicies", ResourceId=SERVICE_ID, **asked)
    activities = pages(
        autoscaling, "describe_scaling_activities", "ScalingActivities", 20, ResourceId=SERVICE_ID, **asked
    )
    return {"targets": targets, "policies": policies, "activities": activities}


def alarms(at, seen):
    found = []
    for prefix in (ALARM_PREFIX, f"TargetTracking-{SERVICE_ID}-"):
        asked = {"AlarmNamePrefix": prefix, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        asked["PaginationConfig"] = {"PageSize": 100}
        found += pages(cloudwatch, "describe_alarms", "MetricAlarms", MAX_ALARMS, **asked)
    history = pages(
        cloudwatch,
        "describe_alarm_history",
        "AlarmHistoryItems",
        1_000,
        HistoryItemType="StateUpdate",
        StartDate=at - timedelta(days=1),
        EndDate=at,
        PaginationConfig={"PageSize": 100},
    )
    rang = Counter(
        item["AlarmName"]
        for item in history
        if json.loads(item["HistoryData"])["newState"]["stateValue"] == "ALARM"
    )
    wanted = [
        (alarm["Namespace"], alarm["MetricName"], "Maximum", alarm["Dimensions"])
        for alarm in found
        if alarm.get("Statistic") in ("Average", "Maximum")
    ]
    return {"alarms": found, "rang": rang, "fortnight": series(cloudwatch, wanted[:MAX_QUERIES], FORTNIGHT, at)}


def distribution(at, seen):
    found = cloudfront.get_distribution(Id=DISTRIBUTION)["Distribution"]
    listed = cloudfront.list_invalidations(DistributionId=DISTRIBUTION, MaxItems="50")["InvalidationList"]
    under_way = [one["Id"] for one in listed.get("Items", []) if one["Status"] != "Completed"]
    return {"status": found["Status"], "enabled": found["DistributionConfig"]["Enabled"], "under_way": under_way}


def builds(at, seen):
    ids = codebuild.list_builds_for_project(projectName=PROJECT, sortOrder="DESCENDING")["ids"][:5]
    found = sorted(codebuild.batch_get_builds(ids=ids)["builds"], key=lambda build: build["startTime"], reverse=True)
    if found and found[0]["buildStatus"] in ("FAILED", "FAULT", "TIMED_OUT"):
        where = found[0]["logs"]
        events = logs.get_log_events(logGroupName=where["groupName"], logStreamName=where["streamName"], limit=200)
        lines = [shape(event["message"]) for event in events["events"]]
        found[0]["errors"] = [line for line in lines if "error" in line.lower() or "ERR!" in line][-10:]
    return found


def listed_metrics(at, seen):
    found = []
    for namespace, dimensions in (
        ("AWS/ECS", {"ClusterName": CLUSTER}),
        ("AWS/ApplicationELB", {"LoadBalancer": LOAD_BALANCER}),
        ("AWS/CloudFront", {"DistributionId": DISTRIBUTION}),
        ("AWS/DocDB", {}),
        ("LendPeak2", {}),
    ):
        of = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        found += pages(cloudwatch, "list_metrics", "Metrics", 3_000, Namespace=namespace, Dimensions=of)
    return [(metric["Namespace"], metric["MetricName"]) for metric in found]


def probe(at, seen):
    answer = functions.invoke(FunctionName=PROBE, Payload=json.dumps({"tries": 1, "dry_run": True}))
    return json.load(answer["Payload"])


READERS = {
    "the service": service,
    "its tasks": tasks,
    "its task definition": definition,
    "its images": images,
    "its secrets": secrets,
    "its errors in the log": errors,
    "the target groups": target_groups,
    "the load balancer": load_balancer,
    "the security groups": security_groups,
    "the metrics": metrics,
    "the database": database,
    "the database's events": database_events,
    "slow queries": slow_queries,
    "auto scaling": scaling,
    "the alarms": alarms,
    "CloudFront": distribution,
    "the front end's builds": builds,
    "the list of metrics": listed_metrics,
    "the health probe": probe,
}
FIRST = ["the service", "the load balancer", "the database"]
SECOND = ["its task definition"]
STEPS = [FIRST, SECOND, [name for name in READERS if name not in FIRST + SECOND]]


# What it means --------------------------------------------------------------------------------------------------------


def finding(cause, what, **evidence):
    return {"cause": cause, "what": what, "evidence": evidence}


def killed_for_memory(seen):
    stopped = seen.get("its tasks", {}).get("STOPPED", [])
    killed = [task for task in stopped if (failed_container(task) or {}).get("exitCode") == 137]
    if killed:
        yield finding("out_of_memory_kills", f"{len(killed)} tasks were killed for their memory", of=len(stopped))


def containers_exit(seen):
    tasks = seen.get("its tasks", {})
    codes = Counter((failed_container(task) or {}).get("exitCode") for task in tasks.get("STOPPED", []))
    others = {code: count for code, count in codes.items() if code not in (None, 137)}
    if sum(others.values()) >= 3:
        yield finding("container_exits", "containers exit with errors", codes=others, last=tasks.get("last_log"))


def too_few_tasks(seen):
    service = seen.get("the service")
    if service and service["runningCount"] < service["desiredCount"]:
        yield finding("too_few_tasks", f"{service['runningCount']} of {service['desiredCount']} tasks run")


def image_or_secret_missing(seen):
    for image, details in seen.get("its images", {}).items():
        if not details:
            yield finding("image_missing", f"ECR has no {image}")
    for secret in seen.get("its secrets", []):
        if secret.get("DeletedDate"):
            yield finding("secret_missing", f"{secret['Name']} is deleted")


def unhealthy_targets(seen):
    for group in seen.get("the target groups", []):
        unhealthy = [t["TargetHealth"] for t in group["targets"] if t["TargetHealth"]["State"] == "unhealthy"]
        if unhealthy:
            yield finding("targets_unhealthy", f"{len(unhealthy)} targets are unhealthy", why=unhealthy[0])


def many_errors(seen):
    errors = seen.get("its errors in the log", {"errors": 0, "groups": []})
    if errors["errors"] > 100:
        yield finding("errors_in_log", f"{errors['errors']} errors in the last hour", groups=errors["groups"])


def busy(seen):
    limits = {"CPUUtilization": 85, "MemoryUtilization": 85, "TargetResponseTime": 2, "DBInstanceReplicaLag": 5_000}
    for (namespace, metric, statistic, _), values in seen.get("the metrics", {}).get("recent", []):
        if metric in limits and values and values[-1] > limits[metric]:
            yield finding("busy", f"{namespace} {metric} is {values[-1]:.1f}", statistic=statistic)


def alarms_ring(seen):
    found = seen.get("the alarms", {"alarms": [], "rang": {}})
    ringing = [alarm["AlarmName"] for alarm in found["alarms"] if alarm["StateValue"] == "ALARM"]
    if ringing:
        yield finding("alarms_ring", f"{len(ringing)} alarms ring", alarms=ringing)
    often = {name: count for name, count in found["rang"].items() if count > 10}
    if often:
        yield finding("alert_fatigue", f"{len(often)} alarms rang more than ten times in a day", alarms=often)


def collection_scans(seen):
    scans = [query for query in seen.get("slow queries", []) if query[0][3] == "COLLSCAN"]
    if scans:
        (collection, _, fields, _), (count, longest) = scans[0]
        what = f"{collection} is searched without an index"
        yield finding("missing_index", what, fields=fields, count=count, ms=longest)


def build_failed(seen):
    builds = seen.get("the front end's builds")
    if builds and builds[0]["buildStatus"] != "SUCCEEDED":
        yield finding("build_failed", f"the last build is {builds[0]['buildStatus']}", errors=builds[0].get("errors"))


def probe_fails(seen):
    probe = seen.get("the health probe")
    if probe and not probe["healthy"]:
        yield finding("probe_fails", probe["summary"])


RULES = [
    killed_for_memory,
    containers_exit,
    too_few_tasks,
    image_or_secret_missing,
    unhealthy_targets,
    many_errors,
    busy,
    alarms_ring,
    collection_scans,
    build_failed,
    probe_fails,
]
