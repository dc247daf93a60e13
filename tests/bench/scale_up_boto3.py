"""scale-up as most people would write it: the same calls, one after the other."""

import json
import os
import time

import boto3

TABLE = os.environ["LEDGER_TABLE"]
TOPIC = os.environ["NOTICE_TOPIC_ARN"]
CLUSTER = os.environ["CLUSTER"]
SERVICE = os.environ["SERVICES"].split(",")[0]
MAX_TASKS = int(os.environ["MAX_TASKS"])
AUDIT_KEPT_SECONDS = 400 * 86_400

dynamodb = boto3.client("dynamodb")
ecs = boto3.client("ecs")
scaling = boto3.client("application-autoscaling")
sns = boto3.client("sns")


def handler(event, context):
    target = f"service/{CLUSTER}/{SERVICE}"
    claim_key = key(f"target#{target}", "scale-up")
    event_key = key("event#scale-up", context.aws_request_id)
    keys = [key("kill-switch", "all"), key("kill-switch", "scale-up"), claim_key, event_key]
    keys.append(key(f"target#{target}", "scale-up#follow-up"))
    known = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    if known["Responses"][TABLE]:
        raise RuntimeError("the ledger knows this target or event")

    service = describe()
    stopped = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus="STOPPED")["taskArns"]
    targets = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ScalableDimension="ecs:service:DesiredCount", ResourceIds=[target]
    )["ScalableTargets"]
    rolling_out = any(d.get("rolloutState") == "IN_PROGRESS" for d in service["deployments"])
    if stopped or targets or rolling_out or service["pendingCount"]:
        raise RuntimeError("this is not a service that is short of tasks")

    wanted = min(service["desiredCount"] + event["by"], service["desiredCount"] * 2, MAX_TASKS)
    claim = {**claim_key, "data": {"S": json.dumps({"open": True, "desired_count": wanted})}, "version": {"N": "1"}}
    dynamodb.transact_write_items(
        TransactItems=[absent("all"), absent("scale-up"), put(claim, "attribute_not_exists(pk)")]
    )

    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=wanted)
    now = describe()
    outcome = {
        "function": "scale-up",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"desired_count": service["desiredCount"], "events": [e["message"] for e in service["events"][:5]]},
        "plan": {"desired_count": wanted},
        "verified": now["runningCount"] >= wanted,
    }
    print(json.dumps({"level": "INFO", "message": "decided", "outcome": outcome}))

    text = json.dumps(outcome)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    expires = {"N": str(int(time.time()) + AUDIT_KEPT_SECONDS)}
    audit = key("audit#scale-up", f"{at}#{context.aws_request_id}")
    audit |= {"decision": {"S": "applied"}, "target": {"S": target}, "outcome": {"S": text}, "expires_at": expires}
    claim = {**claim, "data": {"S": json.dumps({"open": False, "desired_count": wanted})}, "version": {"N": "2"}}
    answered = {**event_key, "data": {"S": text}, "expires_at": expires}
    dynamodb.transact_write_items(
        TransactItems=[put(audit), put(claim, "version = :read", {":read": {"N": "1"}}), put(answered)]
    )
    sns.publish(TopicArn=TOPIC, Subject=f"scale-up applied: {target}", Message=text)
    return outcome


def describe():
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def absent(scope):
    check = {"TableName": TABLE, "Key": key("kill-switch", scope), "ConditionExpression": "attribute_not_exists(pk)"}
    return {"ConditionCheck": check}


def put(item, condition=None, values=None):
    put = {"TableName": TABLE, "Item": item}
    if condition:
        put["ConditionExpression"] = condition
    if values:
        put["ExpressionAttributeValues"] = values
    return {"Put": put}
