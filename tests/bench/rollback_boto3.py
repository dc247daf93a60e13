"""rollback as most people would write it: the same calls, one after the other."""

import json
import os
import time

import boto3

import ledger

CLUSTER = os.environ["CLUSTER"]
SERVICE = os.environ["SERVICE"]
PROBE = os.environ["PROBE_FUNCTION"]
SETTLE_SECONDS = 900
RELEASES_KEPT_SECONDS = 400 * 86_400
# ECS describes no more service revisions at once.
REVISIONS_A_CALL = 20
QUESTION = json.dumps({"checks": ["health", "health-db", "health-redis"], "tries": 1, "dry_run": True})

ecs = boto3.client("ecs")
functions = boto3.client("lambda")


def handler(event, context):
    if event["to"] != "previous":
        raise ValueError("`to` must be `previous`")
    target = f"service/{CLUSTER}/{SERVICE}"
    ledger.look("rollback", target, context.aws_request_id)

    service = describe()
    deployments = successful_deployments()
    releases = known_releases(target)
    stopped = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus="STOPPED")["taskArns"]
    health = probe()
    if not health["health"] and not health["health-db"] and health["health-redis"]:
        raise RuntimeError("it is the database that fails, and no older release would help")

    current = service["taskDefinition"]
    task_definition(current)
    to = last_good(deployments, releases, current)
    if task_definition(to)["status"] != "ACTIVE":
        raise RuntimeError(f"a copy of {to} must be registered first")
    images = images_of(deployments, to)
    if any(images.get(name, digest) != digest for d in deployments for name, digest in d["images"].items()):
        raise RuntimeError(f"a tag of {to} stands for another image by now")
    plan = {"from": name(current), "to": name(to)}
    ledger.claim("rollback", target, context, plan, {"due": time.time() + SETTLE_SECONDS, **plan})

    note_rolled_back(target, name(current))
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=name(to))
    now = describe()
    runs = task_definition(now["taskDefinition"])["taskDefinitionArn"] == to
    done = [d["rolloutState"] for d in now["deployments"]] == ["COMPLETED"]
    verified = runs and done and now["runningCount"] >= now["desiredCount"] and probe()["health"]
    outcome = {
        "function": "rollback",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"task_definition": current, "deployments": deployments, "stopped": stopped, "health": health},
        "plan": plan,
        "verification": {"verified": verified},
    }
    ledger.record(outcome, ends_follow_up=verified)
    return outcome


def describe():
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]


def task_definition(arn):
    return ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["taskDefinition"]


def successful_deployments():
    """The newest first, with what each brought."""
    listed = ecs.list_service_deployments(cluster=CLUSTER, service=SERVICE, maxResults=100)["serviceDeployments"]
    if any(d["status"] in ("PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS") for d in listed):
        raise RuntimeError("a deployment is under way")
    successful = [d for d in listed if d["status"] == "SUCCESSFUL"]
    successful.sort(key=lambda d: d["createdAt"], reverse=True)
    arns = [d["targetServiceRevisionArn"] for d in successful[:REVISIONS_A_CALL]]
    described = ecs.describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"]
    revisions = {r["serviceRevisionArn"]: r for r in described}
    return [
        {
            "created_at": d["createdAt"].isoformat(),
            "task_definition": revisions[d["targetServiceRevisionArn"]]["taskDefinition"],
            "images": {
                i["image"]: i["imageDigest"] for i in revisions[d["targetServiceRevisionArn"]]["containerImages"]
            },
        }
        for d in successful[:REVISIONS_A_CALL]
    ]


def known_releases(target):
    items = ledger.dynamodb.query(
        TableName=ledger.TABLE,
        KeyConditionExpression="pk = :service",
        ExpressionAttributeValues={":service": {"S": f"release#{target}"}},
        ConsistentRead=True,
    )["Items"]
    return {item["sk"]["S"]: item for item in items}


def last_good(deployments, releases, current):
    """The newest that ran while the probe passed; else the newest that was deployed."""
    known = lambda deployment: releases.get(name(deployment["task_definition"]), {})
    older = [d for d in deployments if d["task_definition"] != current and "rolled_back_at" not in known(d)]
    if not older:
        raise RuntimeError("no release is known to be good")
    return next((d for d in older if "good_at" in known(d)), older[0])["task_definition"]


def images_of(deployments, task_definition):
    return next(d["images"] for d in deployments if d["task_definition"] == task_definition)


def note_rolled_back(target, release):
    now = time.time()
    ledger.dynamodb.update_item(
        TableName=ledger.TABLE,
        Key=ledger.key(f"release#{target}", release),
        UpdateExpression="SET rolled_back_at = :at, expires_at = :expires",
        ExpressionAttributeValues={
            ":at": {"S": ledger.text(now)},
            ":expires": {"N": str(int(now) + RELEASES_KEPT_SECONDS)},
        },
    )


def probe():
    answer = functions.invoke(FunctionName=PROBE, Payload=QUESTION)
    report = json.load(answer["Payload"])
    return {check["name"]: check["healthy"] for check in report["checks"]}


def name(arn):
    return arn.rsplit("/", 1)[-1]
