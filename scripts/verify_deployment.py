"""Calls each function of a deployed stack with a request that changes nothing, and says what AWS did not let it do:
`make verify-deployment ENV=staging`.

Prints a line for each function, and ends with 1 where one was denied something, failed, or is missing. What a remedy
would write is not tried.
"""

import argparse
import base64
import json
import pathlib
import re
import sys
import time

import boto3
import tomlkit

EVENTS = pathlib.Path("events")
# The sample of events/<task>/ that changes nothing, where that is another one than `dry-run`.
SAMPLES = {"diagnose": "all", "incident": "list"}
# As CloudWatch Logs searches for them.
DENIALS = "AccessDenied|AuthorizationError|UnauthorizedOperation"
DENIED = re.compile(DENIALS)
ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
LONGEST = 200


def requests():
    """What each function is asked, by its task."""
    tasks = sorted(folder.name for folder in EVENTS.iterdir() if folder.is_dir())
    samples = {task: EVENTS / task / f"{SAMPLES.get(task, 'dry-run')}.json" for task in tasks}
    return {task: json.loads(sample.read_text()) for task, sample in samples.items()}


def stack_of(environment):
    settings = tomlkit.parse(pathlib.Path("samconfig.toml").read_text())
    if environment not in settings:
        sys.exit(f"samconfig.toml has no [{environment}.deploy.parameters]")
    return str(settings[environment]["deploy"]["parameters"]["stack_name"])


def functions_of(stack, prefix):
    """The functions of the stack by their tasks."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    names = [one["PhysicalResourceId"] for one in resources if one["ResourceType"] == "AWS::Lambda::Function"]
    return {name.removeprefix(prefix): name for name in names}


def texts(value):
    """All texts in it, wherever they stand."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


def denials(said):
    """What was denied: the action where AWS names it, or else the words around it."""
    for text in said:
        for found in DENIED.finditer(text):
            action = ACTION.search(text, found.start())
            begin = max(0, found.start() - LONGEST // 2)
            yield action[1] if action else " ".join(text[begin : begin + LONGEST].split())


def call(client, name, request):
    """The answer, and whatever was said beside it."""
    answered = client.invoke(FunctionName=name, LogType="Tail", Payload=json.dumps(request).encode())
    answer = json.load(answered["Payload"])
    log = base64.b64decode(answered.get("LogResult", "")).decode(errors="replace")
    return answer, "FunctionError" in answered, [*texts(answer), *log.splitlines()]


def logged(name, since):
    """The lines of its log in which something is denied."""
    logs = boto3.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{name}", startTime=int(since * 1000), filterPattern=f"%{DENIALS}%"
        )
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def judged(answer, has_failed, said):
    """A word for the answer, and what it is about."""
    denied = sorted(set(denials(said)))
    if denied:
        return "denied", "; ".join(denied)
    if has_failed or not isinstance(answer, dict):
        return "failed", " ".join(texts(answer))
    unseen = [f"{one['source']} ({one['why']})" for one in answer.get("not_seen", [])]
    if unseen:
        return "look", "not seen: " + ", ".join(unseen)
    if "decision" not in answer:
        return "ok" if answer.get("healthy", True) else "look", answer.get("summary", "")
    told = f"{answer['decision']} {answer['code']}"
    if answer["code"] == "mode_off":
        return "off", "not tried: its mode is off"
    if answer["decision"] in ["observed", "nothing_to_do", "listed"]:
        return "ok", told
    return "look", f"{told}: {answer['reason']}"


def main():
    arguments = argparse.ArgumentParser(description="Calls each function of a deployed stack, and changes nothing.")
    arguments.add_argument("environment")
    arguments.add_argument("--stack", help="its name, where samconfig.toml has another")
    arguments.add_argument("--wait", type=float, default=10, help="seconds until logs can be searched")
    given = arguments.parse_args()
    functions = functions_of(given.stack or stack_of(given.environment), f"lendpeak2-{given.environment}-")
    client, since = boto3.client("lambda"), time.time()
    asked = requests()
    answers = {task: call(client, functions[task], request) for task, request in asked.items() if task in functions}
    time.sleep(given.wait)
    words = []
    for task in asked:
        word, what = "missing", "the stack has no such function"
        if task in answers:
            answer, has_failed, said = answers[task]
            word, what = judged(answer, has_failed, [*said, *logged(functions[task], since)])
        print(f"{word:8} {task:20} {what[:LONGEST]}", flush=True)
        words.append(word)
    sys.exit(any(word in ["denied", "failed", "missing"] for word in words))


main()
