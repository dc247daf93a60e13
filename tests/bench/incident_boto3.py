"""incident as most people would write it: an alarm rings, and the same calls, one after the other."""

import json
import os
import time

import boto3

import ledger

ENVIRONMENT = os.environ["ENVIRONMENT"]
ALARMS = os.environ["SERVICE_DOWN_ALARMS"].split(",")
CRITICAL = os.environ["CRITICAL_ALARM"]
MACHINE = os.environ["STATE_MACHINE_ARN"]
CAUSE = "service-down"
KEPT_SECONDS = 400 * 86_400

machines = boto3.client("stepfunctions")


def handler(event, context):
    alarm = event["detail"]
    name = alarm["alarmName"]
    if name not in ALARMS or alarm["state"]["value"] != "ALARM":
        raise RuntimeError("this opens no incident")
    if ledger.dynamodb.get_item(
        TableName=ledger.TABLE, Key=ledger.key("incident-open", CAUSE), ConsistentRead=True
    ).get("Item"):
        raise RuntimeError("an incident of this cause is open already")
    newest = ledger.dynamodb.query(
        TableName=ledger.TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "incidents"}},
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=10,
    )["Items"]
    if any(json.loads(item["data"]["S"])["cause"] == CAUSE for item in newest):
        raise RuntimeError("there was one a short time ago")

    incident = {
        "id": f"{ledger.text(time.time())}-{CAUSE}",
        "cause": CAUSE,
        "title": "Service down",
        "severity": "critical" if name == CRITICAL else "high",
        "opened_at": ledger.text(time.time()),
        "ringing": [name],
        "handling": "wanted",
        "owed": "opened",
    }
    short = name.removeprefix(f"lendpeak2-{ENVIRONMENT}-")
    pointer = ledger.key("incident-open", CAUSE) | {"incident": {"S": incident["id"]}}
    ledger.dynamodb.transact_write_items(
        TransactItems=[
            ledger.put(item_of(incident, 1), "attribute_not_exists(pk)"),
            ledger.put(pointer, "attribute_not_exists(pk)"),
            ledger.put(line(incident, event["id"], f"{short} is in ALARM: {alarm['state']['reason']}")),
        ]
    )
    machines.start_execution(
        stateMachineArn=MACHINE,
        name=incident["id"].replace(":", "-"),
        input=json.dumps({"incident": incident["id"]}),
    )
    notice = f"Service down ({incident['severity']}) since {incident['opened_at']}; {short} rings."
    ledger.sns.publish(TopicArn=ledger.TOPIC, Subject="Service down", Message=notice)
    told = incident | {"owed": None}
    ledger.dynamodb.transact_write_items(
        TransactItems=[
            ledger.put(item_of(told, 2), "version = :read", {":read": {"N": "1"}}),
            ledger.put(line(incident, "told", "level 1 was told")),
        ]
    )
    answer = {"did": "opened", "incident": incident["id"], "notice": notice}
    print(json.dumps({"level": "INFO", "message": "answered", "answer": answer}))
    return answer


def item_of(incident, version):
    item = ledger.item("incidents", incident["id"], incident)
    return item | {"version": {"N": str(version)}, "expires_at": expires()}


def line(incident, key, what):
    now = ledger.text(time.time())
    item = ledger.item(f"incident#{incident['id']}", f"{now}#{key}", {"at": now, "by": "alarm", "what": what})
    return item | {"expires_at": expires()}


def expires():
    return {"N": str(int(time.time()) + KEPT_SECONDS)}
