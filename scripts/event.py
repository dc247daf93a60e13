"""Prints a sample of events/ as if it happened now: `make event FILE=events/scale-up/alarm-sns.json`.

In a sample, `<now>` stands for the present second and `<now-1h>` for one an hour ago, both without their zone, and
`<id>` for an id that nothing else has.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys
import uuid

# What has to be there, by the field that names it: a plan that waits, an incident, a restore, an invalidation, a
# snapshot, a release.
NAMING = [
    "approve",
    "acknowledge",
    "escalate",
    "note",
    "resolve",
    "show",
    "continue",
    "cut_over",
    "discard",
    "report",
    "set_password_of",
    "undo",
    "status",
    "snapshot",
    "to",
]
# These are there anyway.
ANY = ["latest", "previous"]
ACCOUNT, REGION, ENVIRONMENT = "123456789012", "us-east-1", "production"
# CloudFront's alarms are in this region wherever the stack is.
REGION_OF_A_STACK = re.compile(REGION + r"(?!:\d+:alarm:[\w-]*cloudfront)")


def named(event):
    """What an event names that has to be there, if it does."""
    request = event.get("request", event)
    for step in request.get("step", {}).values():
        return step["incident"]
    if "detail-type" in event:
        detail = event["detail"]
        has_failed = isinstance(detail, dict) and detail.get("eventName") == "SERVICE_DEPLOYMENT_FAILED"
        return detail["deploymentId"] if has_failed else None
    names = [request.get(field) for field in NAMING]
    return next((name for name in names if isinstance(name, str) and name not in ANY), None)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("file", type=pathlib.Path)
    arguments.add_argument("--id", help="what is there, in place of what the sample names")
    arguments.add_argument("--account", default=ACCOUNT)
    arguments.add_argument("--region", default=REGION)
    arguments.add_argument("--environment", default=ENVIRONMENT)
    given = arguments.parse_args()
    if not given.file.is_file():
        sys.exit(f"there is no sample {given.file}")
    text = given.file.read_text()
    name = named(json.loads(text))
    if given.id and not name:
        sys.exit(f"{given.file} names nothing that an id could take the place of")
    if name and not given.id:
        print(f"{given.file} names {name}, which has to be there: add ID=<yours>", file=sys.stderr)
    hole = "\0"
    if given.id:
        text = text.replace(name, hole)
    # A sample's fractions of the second must not be in the future.
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    for place, at in [("<now>", now), ("<now-1h>", now - datetime.timedelta(hours=1))]:
        text = text.replace(place, at.strftime("%Y-%m-%dT%H:%M:%S"))
    text = text.replace("<id>", str(uuid.uuid4()))
    text = REGION_OF_A_STACK.sub(given.region, text).replace(ACCOUNT, given.account)
    for stack in ["lendpeak2-", "lendpeak2-backend-"]:
        text = text.replace(stack + ENVIRONMENT, stack + given.environment)
    text = text.replace(hole, given.id or "")
    print(text.rstrip())


main()
