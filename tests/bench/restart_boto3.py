"""restart as most people would write it: the same calls, one after the other."""

import os
import time

import boto3

import ledger

CLUSTER = os.environ["CLUSTER"]
SERVICE = os.environ["SERVICE"]
SETTLE_SECONDS = 900
UNDER_WAY = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]

ecr = boto3.client("ecr")
ecs = boto3.client("ecs")
secrets = boto3.client("secretsmanager")


def handler(event, context):
    target = f"service/{CLUSTER}/{SERVICE}"
    ledger.look("restart", target, context.aws_request_id)

    service = describe()
    under_way = ecs.list_service_deployments(cluster=CLUSTER, service=SERVICE, status=UNDER_WAY, maxResults=100)
    if under_way["serviceDeployments"] or [d["rolloutState"] for d in service["deployments"]] != ["COMPLETED"]:
        raise RuntimeError("a deployment is under way")
    if service["pendingCount"] or not 0 < service["desiredCount"] <= service["runningCount"]:
        raise RuntimeError("its tasks do not all run")
    if ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus="STOPPED")["taskArns"]:
        raise RuntimeError("tasks have stopped: see first whether new ones start")
    current = service["taskDefinition"]
    definition = ecs.describe_task_definition(taskDefinition=current, include=["TAGS"])["taskDefinition"]
    if definition["status"] != "ACTIVE":
        raise RuntimeError(f"{current} cannot be deployed")
    for container in definition["containerDefinitions"]:
        look_for_image(container["image"])
        for secret in container["secrets"]:
            if "DeletedDate" in secrets.describe_secret(SecretId=secret["valueFrom"]):
                raise RuntimeError(f"{secret['name']} is being deleted")

    before = service["deployments"][0]["id"]
    plan = {"task_definition": current, "replaces": before}
    follow_up = {"due": ledger.text(time.time() + SETTLE_SECONDS), "what": plan}
    ledger.claim("restart", target, context, plan, follow_up)

    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=current, forceNewDeployment=True)
    now = describe()
    outcome = {
        "function": "restart",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"task_definition": current, "events": [e["message"] for e in service["events"][:5]]},
        "plan": plan,
        "verification": {"verified": now["deployments"][0]["id"] != before},
    }
    ledger.record(outcome)
    return outcome


def describe():
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]


def look_for_image(image):
    """Raises where ECR does not have it."""
    registry, name = image.split("/", 1)
    repository, tag = name.rsplit(":", 1)
    ecr.describe_images(
        registryId=registry.split(".")[0], repositoryName=repository, imageIds=[{"imageTag": tag}]
    )
