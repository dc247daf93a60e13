"""What README and the troubleshooting guide have a person do on AWS, and what else the gateway answers, by boto3.

Prints a line for each operation that is not answered as it should be, and ends with 1 where there is one. The metrics
are asked for in each protocol that CloudWatch has: older clients send forms, boto3 sends JSON, the SDK for Rust CBOR.
"""

import datetime
import json
import sys

import boto3
import botocore.session

ENVIRONMENT = "lendpeak2-production"
CLUSTER, SERVICE = ENVIRONMENT, "backend"
FAMILY = "lendpeak2-backend-production"
OF_SERVICE = [{"Name": "ClusterName", "Value": CLUSTER}, {"Name": "ServiceName", "Value": SERVICE}]
SCALED = {"ServiceNamespace": "ecs", "ResourceId": f"service/{CLUSTER}/{SERVICE}"}
DIMENSION = {"ScalableDimension": "ecs:service:DesiredCount"}
DISTRIBUTION = "E1234567890ABC"
# Of the protocols, one sends whole seconds.
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
HOUR_AGO = NOW - datetime.timedelta(hours=1)
SPAN = {"StartTime": HOUR_AGO, "EndTime": NOW}

failures, clients = [], {}


def fail(what):
    failures.append(what)
    print(what, flush=True)


def call(service, operation, /, **request):
    """The answer of one operation; None where there is none that can be read."""
    if service not in clients:
        clients[service] = boto3.client(service)
    return answer_of(f"{service} {operation}", getattr(clients[service], operation), request)


def answer_of(name, operation, request):
    try:
        answer = operation(**request)
    except Exception as error:  # whatever a client cannot read is what this looks for
        fail(f"{name}: {type(error).__name__}: {error}")
        return None
    answer.pop("ResponseMetadata", None)
    return answer


def expect(what, answer, is_so):
    try:
        if answer is None or is_so(answer):
            return
    except (KeyError, IndexError, TypeError) as error:
        fail(f"{what}: {error!r} in {answer}")
        return
    fail(f"{what}: {answer}")


def statistics(metric, dimensions, *statistics):
    namespace, name = metric
    wanted = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions, "Period": 300}
    return {**wanted, **SPAN, "Statistics": list(statistics)}


def metrics(protocol):
    """The same questions in one of CloudWatch's protocols."""
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def speaking(service, kind, api_version=None):
        model = load(service, kind, api_version)
        if (service, kind) == ("cloudwatch", "service-2"):
            model["metadata"]["protocols"] = [protocol]
        return model

    loader.load_service_model = speaking
    client = session.create_client("cloudwatch")
    spoken = client.meta.service_model.resolved_protocol
    expect(f"cloudwatch by {protocol}", spoken, lambda spoken: spoken == protocol)

    def ask(operation, /, **request):
        return answer_of(f"cloudwatch {operation} by {protocol}", getattr(client, operation), request)

    put_by = [{"Name": "By", "Value": protocol}]
    loan = {"MetricName": "LoanProcessingTime", "Value": 420.5, "Unit": "Milliseconds", "Dimensions": put_by}
    at = NOW - datetime.timedelta(minutes=20)
    ask("put_metric_data", Namespace="LendPeak2", MetricData=[{**loan, "Timestamp": at}])
    ask(
        "put_metric_alarm",
        AlarmName="high-error-rate",
        AlarmDescription="Error rate above 5%",
        MetricName="HTTPCode_Target_5XX_Count",
        Namespace="AWS/ApplicationELB",
        Statistic="Sum",
        Period=300,
        Threshold=10,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=2,
    )
    ask("put_composite_alarm", AlarmName="critical", AlarmRule='ALARM("high-error-rate")', ActionsEnabled=True)
    named = ask("describe_alarms", AlarmNames=["added"], AlarmTypes=["MetricAlarm", "CompositeAlarm"]) or {}
    put = ask("describe_alarms", AlarmNames=["high-error-rate"]) or {}
    memory = {"Namespace": "AWS/ECS", "MetricName": "MemoryUtilization", "Dimensions": OF_SERVICE}
    own = ask("get_metric_statistics", **statistics(("LendPeak2", "LoanProcessingTime"), put_by, "Maximum")) or {}
    return {
        "memory": ask("get_metric_statistics", **statistics(("AWS/ECS", "MemoryUtilization"), OF_SERVICE, "Average")),
        "put": [point["Maximum"] for point in own.get("Datapoints", [])],
        "data": ask(
            "get_metric_data",
            MetricDataQueries=[{"Id": "memory", "MetricStat": {"Metric": memory, "Period": 300, "Stat": "Average"}}],
            **SPAN,
        ),
        "listed": ask("list_metrics", Namespace="AWS/ECS", Dimensions=[{"Name": "ServiceName", "Value": SERVICE}]),
        "history": ask("describe_alarm_history", AlarmName="rang"),
        "alarms": [alarm["AlarmName"] for alarm in named.get("MetricAlarms", []) + put.get("MetricAlarms", [])],
    }


by_json, by_form, by_cbor = (metrics(protocol) for protocol in ["json", "query", "smithy-rpc-v2-cbor"])
expect("a form is answered as JSON is", (by_form, by_json), lambda both: both[0] == both[1])
expect("CBOR is answered as JSON is", (by_cbor, by_json), lambda both: both[0] == both[1])
points = by_json["memory"] and by_json["memory"]["Datapoints"]
expect("a usual hour of memory", points, lambda points: len(points) > 10 and {p["Average"] for p in points} == {44.0})
expect("what was put", by_json["put"], lambda values: values == [420.5])
expect("memory's data", by_json["data"], lambda data: set(data["MetricDataResults"][0]["Values"]) == {44.0})
expect("an alarm that rang", by_json["history"], lambda items: len(items["AlarmHistoryItems"]) == 1)
expect("alarms", by_json["alarms"], lambda names: names == ["added", "high-error-rate"])
names = by_json["listed"] and {metric["MetricName"] for metric in by_json["listed"]["Metrics"]}
expect("metrics of the service", names, lambda names: {"CPUUtilization", "MemoryUtilization"} <= names)
balancer = f"app/{ENVIRONMENT}/0123456789abcdef"
for metric, dimensions, wanted in [
    (("AWS/ApplicationELB", "TargetResponseTime"), [("LoadBalancer", balancer)], 1.2),
    (("AWS/CloudFront", "CacheHitRate"), [("DistributionId", DISTRIBUTION), ("Region", "Global")], 93.0),
]:
    dimensions = [{"Name": name, "Value": value} for name, value in dimensions]
    answer = call("cloudwatch", "get_metric_statistics", **statistics(metric, dimensions, "Average", "Maximum"))
    expect(metric, answer, lambda answer: {point["Maximum"] for point in answer["Datapoints"]} == {wanted})

# The service, its tasks and its scaling.
call("ecs", "list_clusters")
call("ecs", "list_services", cluster=CLUSTER)
described = call("ecs", "describe_services", cluster=CLUSTER, services=[SERVICE])
expect("the service", described, lambda answer: answer["services"][0]["desiredCount"] == 2)
described = call("ecs", "describe_task_definition", taskDefinition=FAMILY)
expect("its release", described, lambda answer: answer["taskDefinition"]["revision"] == 1)
call("ecs", "list_tasks", cluster=CLUSTER, startedBy="deployment")
tasks = call("ecs", "list_tasks", cluster=CLUSTER, serviceName=SERVICE)
if tasks is not None:
    described = call("ecs", "describe_tasks", cluster=CLUSTER, tasks=tasks["taskArns"])
    expect("its tasks", described, lambda answer: len(answer["tasks"]) == 2)
stopped = call("ecs", "list_tasks", cluster=CLUSTER, serviceName=SERVICE, desiredStatus="STOPPED")
expect("a task that stopped", stopped, lambda answer: len(answer["taskArns"]) == 1)
if stopped is not None:
    described = call("ecs", "describe_tasks", cluster=CLUSTER, tasks=stopped["taskArns"])
    expect("why it stopped", described, lambda answer: "exited" in answer["tasks"][0]["stoppedReason"])
deployments = call("ecs", "list_service_deployments", cluster=CLUSTER, service=SERVICE)
expect("its deployments", deployments, lambda answer: len(answer["serviceDeployments"]) == 1)
if deployments is not None:
    arns = [deployment["serviceDeploymentArn"] for deployment in deployments["serviceDeployments"]]
    call("ecs", "describe_service_deployments", serviceDeploymentArns=arns)
call("application-autoscaling", "describe_scalable_targets", ServiceNamespace="ecs")
call("application-autoscaling", "describe_scaling_activities", **SCALED)
cpu = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
call(
    "application-autoscaling",
    "put_scaling_policy",
    **SCALED,
    **DIMENSION,
    PolicyName="cpu-scaling",
    PolicyType="TargetTrackingScaling",
    TargetTrackingScalingPolicyConfiguration={"TargetValue": 60.0, "PredefinedMetricSpecification": cpu},
)
policies = call("application-autoscaling", "describe_scaling_policies", **SCALED)
names = policies and [policy["PolicyName"] for policy in policies["ScalingPolicies"]]
expect("its policies", names, lambda names: names == ["cpu", "cpu-scaling"])
updated = call("ecs", "update_service", cluster=CLUSTER, service=SERVICE, desiredCount=3)
expect("another count", updated, lambda answer: answer["service"]["desiredCount"] == 3)
call("ecs", "update_service", cluster=CLUSTER, service=SERVICE, taskDefinition=f"{FAMILY}:1")
call("ecr", "describe_images", repositoryName="lendpeak2/backend", imageIds=[{"imageTag": "1"}])

# What it logs.
log = {"logGroupName": f"/ecs/{ENVIRONMENT}", "logStreamName": "ecs/backend/any-client"}
at = int(HOUR_AGO.timestamp() * 1000)
call("logs", "create_log_stream", **log)
lines = [{"timestamp": at + 1, "message": "ERROR no connection"}, {"timestamp": at + 2, "message": "listening"}]
call("logs", "put_log_events", **log, logEvents=lines)
for pattern in ["ERROR", "%no connection|refused%"]:
    found = call("logs", "filter_log_events", logGroupName=f"/ecs/{ENVIRONMENT}", filterPattern=pattern, startTime=at)
    expect(f"the log by {pattern}", found, lambda answer: len(answer["events"]) == 1)

# The load balancer and the security groups.
balancers = call("elbv2", "describe_load_balancers")
expect("the load balancer", balancers, lambda answer: len(answer["LoadBalancers"]) == 1)
if balancers is not None:
    balancer = balancers["LoadBalancers"][0]["LoadBalancerArn"]
    call("elbv2", "describe_load_balancers", LoadBalancerArns=[balancer])
    call("elbv2", "describe_listeners", LoadBalancerArn=balancer)
    call("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=balancer)
groups = call("elbv2", "describe_target_groups")
expect("the health check", groups, lambda answer: answer["TargetGroups"][0]["HealthCheckPath"] == "/health")
if groups is not None:
    group = groups["TargetGroups"][0]["TargetGroupArn"]
    live = {"HealthCheckPath": "/live", "HealthCheckIntervalSeconds": 15}
    changed = call("elbv2", "modify_target_group", TargetGroupArn=group, **live)
    expect("another health check", changed, lambda answer: live.items() <= answer["TargetGroups"][0].items())
    groups = call("elbv2", "describe_target_groups", TargetGroupArns=[group])
    expect("it stays so", groups, lambda answer: answer["TargetGroups"][0]["HealthCheckPath"] == "/live")
    healths = call("elbv2", "describe_target_health", TargetGroupArn=group)
    expect("the targets", healths, lambda answer: answer["TargetHealthDescriptions"][0]["TargetHealth"]["State"])
found = call("ec2", "describe_security_groups", GroupIds=["sg-0a5c0a5c0a5c0a5c0"])
expect("a security group", found, lambda answer: answer["SecurityGroups"][0]["IpPermissions"][0]["FromPort"] == 8080)

# The database and its secret.
secrets = call("secretsmanager", "list_secrets")
expect("the secrets", secrets, lambda answer: len(answer["SecretList"]) == 1)
secret = call("secretsmanager", "get_secret_value", SecretId=f"{ENVIRONMENT}-db-credentials")
expect("the secret", secret, lambda answer: json.loads(answer["SecretString"])["port"] == 27018)
clusters = call("docdb", "describe_db_clusters")
expect("the cluster", clusters, lambda answer: answer["DBClusters"][0]["DBClusterIdentifier"] == ENVIRONMENT)
expect("its members", clusters, lambda answer: len(answer["DBClusters"][0]["DBClusterMembers"]) == 2)
for operation, named in [
    ("describe_db_instances", {}),
    ("describe_db_subnet_groups", {}),
    ("describe_events", {"SourceType": "db-cluster"}),
    ("describe_orderable_db_instance_options", {"Engine": "docdb"}),
]:
    call("docdb", operation, **named)
snapshots = call("docdb", "describe_db_cluster_snapshots", DBClusterIdentifier=ENVIRONMENT)
expect("its snapshots", snapshots, lambda answer: len(answer["DBClusterSnapshots"]) > 5)
changed = call("docdb", "modify_db_cluster", DBClusterIdentifier=ENVIRONMENT, BackupRetentionPeriod=14)
expect("more backups", changed, lambda answer: answer["DBCluster"]["BackupRetentionPeriod"] == 14)
if snapshots is not None:
    newest = snapshots["DBClusterSnapshots"][0]["DBClusterSnapshotIdentifier"]
    restore = {"DBClusterIdentifier": f"{ENVIRONMENT}-restore", "SnapshotIdentifier": newest, "Engine": "docdb"}
    restored = call("docdb", "restore_db_cluster_from_snapshot", **restore)
    expect("a restored cluster", restored, lambda answer: answer["DBCluster"]["Status"] == "available")

# The front end.
call("cloudfront", "list_distributions")
batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "any-client"}
created = call("cloudfront", "create_invalidation", DistributionId=DISTRIBUTION, InvalidationBatch=batch)
if created is not None:
    made = created["Invalidation"]["Id"]
    got = call("cloudfront", "get_invalidation", DistributionId=DISTRIBUTION, Id=made)
    expect("the invalidation", got, lambda answer: answer["Invalidation"]["Status"] == "Completed")
listed = call("cloudfront", "list_invalidations", DistributionId=DISTRIBUTION)
expect("all invalidations", listed, lambda answer: answer["InvalidationList"]["Quantity"] == 1)
builds = call("codebuild", "list_builds_for_project", projectName="lendpeak2-frontend")
if builds is not None:
    call("codebuild", "batch_get_builds", ids=builds["ids"])

# What people are told, and AWS has open.
topic = f"arn:aws:sns:us-east-1:000000000000:{ENVIRONMENT}-notices"
call("sns", "list_subscriptions_by_topic", TopicArn=topic)
issues = call("health", "describe_events", filter={"eventStatusCodes": ["open"]})
expect("AWS's open issues", issues, lambda answer: [issue["service"] for issue in answer["events"]] == ["ECS"])
item = call("ssm", "create_ops_item", Title="Service down", Description="By boto3", Source="any-client")
if item is not None:
    call("ssm", "get_ops_item", OpsItemId=item["OpsItemId"])
call("s3", "create_bucket", Bucket="lendpeak2-dumps")
call("s3", "put_object", Bucket="lendpeak2-dumps", Key="heapdump.hprof", Body=b"heap")
call("s3", "get_object", Bucket="lendpeak2-dumps", Key="heapdump.hprof")

# The runbook itself.
stacks = call("cloudformation", "describe_stacks")
expect("the stack", stacks, lambda answer: answer["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
asked = call("lambda", "invoke", FunctionName=f"{ENVIRONMENT}-scale-up", Payload=b'{"by": 1, "dry_run": true}')
expect("a dry run", asked, lambda answer: json.load(answer["Payload"])["decision"] == "observed")
table, key = f"{ENVIRONMENT}-ledger", {"pk": {"S": "kill-switch"}, "sk": {"S": "all"}}
call("dynamodb", "put_item", TableName=table, Item={**key, "reason": {"S": "release freeze"}})
call("dynamodb", "delete_item", TableName=table, Key=key)
records = call(
    "dynamodb",
    "query",
    TableName=table,
    KeyConditionExpression="pk = :pk",
    ExpressionAttributeValues={":pk": {"S": "audit#scale-up"}},
    ScanIndexForward=False,
)
expect("its record", records, lambda answer: answer["Count"] == 1)
machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{ENVIRONMENT}-snapshot-restore"
latest = '{"snapshot": "latest", "reason": "negative amounts"}'
call("stepfunctions", "start_execution", stateMachineArn=machine, input=latest)

sys.exit(bool(failures))
