"""write-freeze as most people would write it: the same calls, one after the other."""

import os
import time

import boto3

import ledger

CLUSTER = os.environ["CLUSTER"]
SERVICE = os.environ["SERVICE"]
CONTAINER = os.environ["CONTAINER"]
VARIABLE = {"name": os.environ["VARIABLE"], "value": os.environ["VALUE"]}
FROZEN_FROM = "lendpeak2:frozen-from"
SETTLE_SECONDS = 900
RELEASES_KEPT_SECONDS = 400 * 86_400
# Between a copy and its use, hardly anybody registers more.
NEWEST = 3
# What ECS tells of a task definition, and does not take when one is registered.
TOLD = (
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "deregisteredAt",
    "registeredBy",
)

ecs = boto3.client("ecs")


def handler(event, context):
    if event["state"] != "on":
        raise ValueError("`state` must be `on`")
    target = f"service/{CLUSTER}/{SERVICE}"
    ledger.look("write-freeze", target, context.aws_request_id)

    service = describe()
    current, _ = registered(service["taskDefinition"])
    release = name(current["taskDefinitionArn"])
    if is_frozen(current):
        raise RuntimeError(f"writes to {release} are frozen already")
    if CONTAINER not in (c["name"] for c in current["containerDefinitions"]):
        raise RuntimeError(f"{release} has no container {CONTAINER}")
    if [d["rolloutState"] for d in service["deployments"]] != ["COMPLETED"]:
        raise RuntimeError("a deployment is under way or has failed")
    plan = {"release": release, "container": CONTAINER, "variable": VARIABLE}
    ledger.claim("write-freeze", target, context, plan, {"due": time.time() + SETTLE_SECONDS, **plan})

    note_freeze(target, release, event["reason"])
    copy = frozen_copy(release)
    note_copy(target, name(copy), release)
    ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=copy)
    now = describe()
    done = [d["rolloutState"] for d in now["deployments"]] == ["COMPLETED"]
    verified = is_frozen(registered(now["taskDefinition"])[0]) and done and now["runningCount"] >= now["desiredCount"]
    outcome = {
        "function": "write-freeze",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"release": release, "events": [e["message"] for e in service["events"][:5]]},
        "plan": plan,
        "verification": {"verified": verified},
    }
    ledger.record(outcome, ends_follow_up=verified)
    return outcome


def describe():
    return ecs.describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]


def registered(task_definition):
    """The task definition, and its tags."""
    answer = ecs.describe_task_definition(taskDefinition=task_definition, include=["TAGS"])
    return answer["taskDefinition"], {tag["key"]: tag["value"] for tag in answer["tags"]}


def is_frozen(definition):
    containers = definition["containerDefinitions"]
    return any(c["name"] == CONTAINER and VARIABLE in c.get("environment", []) for c in containers)


def frozen_copy(release):
    """The copy that a run left which died, or a new one."""
    family = release.rsplit(":", 1)[0]
    newest = ecs.list_task_definitions(familyPrefix=family, sort="DESC", maxResults=10)["taskDefinitionArns"]
    for arn in newest[:NEWEST]:
        definition, tags = registered(arn)
        if tags.get(FROZEN_FROM) == release and is_frozen(definition):
            return arn
    original, tags = registered(release)
    copy = {field: value for field, value in original.items() if field not in TOLD}
    copy["containerDefinitions"] = [frozen(container) for container in copy["containerDefinitions"]]
    # CloudFormation's own tags are for AWS to set.
    tags = {key: value for key, value in tags.items() if not key.startswith("aws:")} | {FROZEN_FROM: release}
    made = ecs.register_task_definition(**copy, tags=[{"key": key, "value": value} for key, value in tags.items()])
    return made["taskDefinition"]["taskDefinitionArn"]


def frozen(container):
    if container["name"] != CONTAINER:
        return container
    others = [v for v in container.get("environment", []) if v["name"] != VARIABLE["name"]]
    return container | {"environment": [*others, VARIABLE]}


def note_freeze(target, release, reason):
    """So that other remedies know; one that is on already stays so since then."""
    fields = {"container": CONTAINER, "variable": VARIABLE["name"], "value": VARIABLE["value"]}
    fields |= {"release": release, "reason": reason}
    sets = ["#since = if_not_exists(#since, :since)", *(f"#{field} = :{field}" for field in fields)]
    fields["since"] = ledger.text(time.time())
    ledger.dynamodb.update_item(
        TableName=ledger.TABLE,
        Key=ledger.key(f"target#{target}", "freeze"),
        UpdateExpression=f"SET {', '.join(sets)}",
        ExpressionAttributeNames={f"#{field}": field for field in fields},
        ExpressionAttributeValues={f":{field}": {"S": value} for field, value in fields.items()},
    )


def note_copy(target, copy, release):
    ledger.dynamodb.update_item(
        TableName=ledger.TABLE,
        Key=ledger.key(f"release#{target}", copy),
        UpdateExpression="SET frozen_from = :release, expires_at = :expires",
        ExpressionAttributeValues={
            ":release": {"S": release},
            ":expires": {"N": str(int(time.time()) + RELEASES_KEPT_SECONDS)},
        },
    )


def name(arn):
    return arn.rsplit("/", 1)[-1]
