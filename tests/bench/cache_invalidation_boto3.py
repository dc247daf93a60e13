"""cache-invalidation as most people would write it: the same job, one call after the other.

One call less than the function: the answer names the new invalidation, which the function finds again in the
list, as a run has to that takes over from one that died.
"""

import os
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import boto3

import ledger

DISTRIBUTION = os.environ["DISTRIBUTION_ID"]
ASSET = os.environ["APP_URL"] + os.environ["ASSET_PATH"]
FOLLOW_UP_SECONDS = 1_800
TIMEOUT_SECONDS = 3
# Clocks differ, and an age is in whole seconds.
TOLERANCE_SECONDS = 5

cloudfront = boto3.client("cloudfront")


def handler(event, context):
    target = f"distribution/{DISTRIBUTION}"
    paths = sorted(event["paths"])
    ledger.look("cache-invalidation", target, context.aws_request_id)

    recent = recent_invalidations()
    if any(i["Status"] != "Completed" and i["InvalidationBatch"]["Paths"]["Items"] == paths for i in recent):
        raise RuntimeError("an invalidation of the same paths is in progress")
    before = head(ASSET)

    plan = {"paths": paths, "caller_reference": f"cache-invalidation {context.aws_request_id}"}
    follow_up = {"due": time.time() + FOLLOW_UP_SECONDS, "before": before, **plan}
    ledger.claim("cache-invalidation", target, context, plan, follow_up)

    created = cloudfront.create_invalidation(
        DistributionId=DISTRIBUTION,
        InvalidationBatch={
            "Paths": {"Quantity": len(paths), "Items": paths},
            "CallerReference": plan["caller_reference"],
        },
    )["Invalidation"]
    cloudfront.get_waiter("invalidation_completed").wait(DistributionId=DISTRIBUTION, Id=created["Id"])
    after = head(ASSET)
    since = datetime.now(timezone.utc) - created["CreateTime"]
    is_hit = (after["x_cache"] or "").startswith("Hit")
    verified = not (is_hit and int(after["age"] or 0) > since.total_seconds() + TOLERANCE_SECONDS)
    outcome = {
        "function": "cache-invalidation",
        "execution_id": context.aws_request_id,
        "decision": "applied",
        "target": target,
        "observed": {"invalidations": [i["Id"] for i in recent], "asset": before},
        "plan": plan,
        "verification": {"verified": verified, "invalidation": created["Id"], "asset": after},
    }
    ledger.record(outcome, ends_follow_up=verified)
    return outcome


def recent_invalidations():
    """Those in progress and those of the last hour, with their paths."""
    listed = cloudfront.list_invalidations(DistributionId=DISTRIBUTION, MaxItems="100")["InvalidationList"]
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    return [
        cloudfront.get_invalidation(DistributionId=DISTRIBUTION, Id=listed["Id"])["Invalidation"]
        for listed in listed.get("Items", [])
        if listed["Status"] != "Completed" or listed["CreateTime"] >= since
    ]


def head(url):
    request = urllib.request.Request(url, method="HEAD")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        headers = answer.headers
        return {
            "status": answer.status,
            "x_cache": headers["X-Cache"],
            "age": headers["Age"],
            "etag": headers["ETag"],
        }
