"""The ledger and the notice, for the remedy beside this one: the items that the function itself writes."""

import json
import os
import time

import boto3

TABLE = os.environ["LEDGER_TABLE"]
TOPIC = os.environ["NOTICE_TOPIC_ARN"]
AUDIT_KEPT_SECONDS = 400 * 86_400
# As long as Lambda may deliver an event again.
EVENT_KEPT_SECONDS = 2 * 86_400

dynamodb = boto3.client("dynamodb")
sns = boto3.client("sns")


def look(function, target, event_id):
    keys = [key("kill-switch", "all"), key("kill-switch", function)]
    keys += [key(f"target#{target}", sk) for sk in (function, f"{function}#follow-up", "holder", "freeze")]
    keys.append(key(f"event#{function}", event_id))
    known = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    if known["Responses"][TABLE]:
        raise RuntimeError("the ledger knows otherwise of this target or event")


def claim(function, target, context, plan):
    lease_until = time.time() + context.get_remaining_time_in_millis() / 1000
    holder = key(f"target#{target}", "holder")
    holder |= {
        "held_by": {"S": function},
        "execution_id": {"S": context.aws_request_id},
        "lease_until": {"S": text(lease_until)},
    }
    free = "attribute_not_exists(pk) OR held_by = :function OR lease_until < :now"
    writes = [
        absent("all"),
        absent(function),
        put(claim_item(function, target, plan, version=1), "attribute_not_exists(pk)"),
        put(holder, free, {":function": {"S": function}, ":now": {"S": text(time.time())}}),
    ]
    dynamodb.transact_write_items(TransactItems=writes)


def record(outcome):
    function, target, execution_id = outcome["function"], outcome["target"], outcome["execution_id"]
    print(json.dumps({"level": "INFO", "message": "decided", "outcome": outcome}))
    now = time.time()
    audit = key(f"audit#{function}", f"{text(now)}#{execution_id}")
    audit |= {
        "decision": {"S": outcome["decision"]},
        "target": {"S": target},
        "outcome": {"S": json.dumps(outcome)},
        "expires_at": {"N": str(int(now) + AUDIT_KEPT_SECONDS)},
    }
    answered = item(f"event#{function}", execution_id, outcome)
    answered["expires_at"] = {"N": str(int(now) + EVENT_KEPT_SECONDS)}
    ours = "attribute_not_exists(pk) OR execution_id = :run"
    writes = [
        put(audit),
        put(claim_item(function, target, outcome["plan"], version=2), "version = :read", {":read": {"N": "1"}}),
        delete(f"target#{target}", "holder", ours, {":run": {"S": execution_id}}),
        put(answered),
    ]
    dynamodb.transact_write_items(TransactItems=writes)
    sns.publish(TopicArn=TOPIC, Subject=f"{function} {outcome['decision']}: {target}", Message=json.dumps(outcome))


def claim_item(function, target, plan, version):
    claim = item(f"target#{target}", function, {"open": version == 1, "plan": plan})
    return claim | {"version": {"N": str(version)}}


def text(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def item(pk, sk, data):
    return key(pk, sk) | {"data": {"S": json.dumps(data)}}


def absent(scope):
    check = {"TableName": TABLE, "Key": key("kill-switch", scope), "ConditionExpression": "attribute_not_exists(pk)"}
    return {"ConditionCheck": check}


def put(item, condition=None, values=None):
    return {"Put": {"TableName": TABLE, "Item": item} | only_if(condition, values)}


def delete(pk, sk, condition=None, values=None):
    return {"Delete": {"TableName": TABLE, "Key": key(pk, sk)} | only_if(condition, values)}


def only_if(condition, values):
    given = {"ConditionExpression": condition, "ExpressionAttributeValues": values}
    return {name: value for name, value in given.items() if value}
