"""scale-up as most people would write it: the same calls, one after the other."""

import os

import boto3

import ledger

CLUSTER = os.environ["CLUSTER"]
SERVICE = os.environ["SERVICE"]
MAX_TASKS = int(os.environ["MAX_TASKS"])

ecs = boto3.client("ecs")
scaling = boto3.client("application-autoscaling")


def handler(event, context):
    target = f"service/{CLUSTER}/{SERVICE}"
    ledger.look("scale-up", target, context.aws_request_id)

    service = describe()
    stopped = ecs.list_tasks(cluster=CLUSTER, serviceName=SERVICE, desiredStatus="STOPPED")["taskArns"]
    targets = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ScalableDimension="ecs:service:DesiredCount", ResourceIds=[target]
    )["ScalableTargets"]
    rolling_out = any(d.get("rolloutState") == "IN_PROGRESS" for d in service["deployments"])
    if stopped or targets or rolling_out or service["pendingCount"]:
        raise RuntimeError("this is not a service that is short of tasks")

    wanted = min(service["desiredCount"] + event["by"], service["desiredCount"] * 2, MAX_TASKS)
    plan = {"desired_count": wanted}
    ledger.claim("scale-up", target, context, plan)

    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=wanted)
    now = describe()
    outcome = {
        "function": "scale-up",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"desired_count": service["desiredCount"], "events": [e["message"] for e in service["events"][:5]]},
        "plan": plan,
        "verification": {"verified": now["runningCount"] >= wanted},
    }
    ledger.record(outcome)
    return outcome


def describe():
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
