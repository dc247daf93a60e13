"""Plays a state machine in every way that its tasks may answer, and says where an expression fails that nothing catches.

Reads {"definition", "inputs", "answers", "granted"} and writes {"expressions", "visited", "denied", "problems"}. `answers`
has what each task answered once, as a list. Each is tried whole, with each field left out, and with each field null; and
each task fails, with a cause and without one. A task whose target is not in `granted` only fails.

With "state", "input" and "variables" in place of inputs and answers, it writes what that state hands to what it calls.
"""

import copy
import json
import sys

import jsonata

ENTERED = "2026-11-24T14:00:00.000Z"
CONTEXT = {
    "Execution": {"Id": "arn:aws:states:us-east-1:123456789012:execution:service-down:one"},
    "State": {"EnteredTime": ENTERED},
}
# Of whatever kind, to whichever catcher takes it; a time-out has no cause.
ERRORS = [
    {"Error": "States.Timeout"},
    {"Error": "InvalidRequest", "Cause": "x" * 5000},
    {"Error": "States.DataLimitExceeded", "Cause": "The state/task returned a result with a size exceeding the limit."},
]
# Step Functions: no other error is caught by States.ALL alone.
NOT_CAUGHT_BY_ALL = ["States.DataLimitExceeded", "States.Runtime"]
MOST_PLAYED = 20000
# By protocol, as SNS takes them, the letters of each at most: SNS takes 262,144 bytes in all, and an SMS has 140.
BODIES = {"default": 10000, "email": 10000, "sms": 140, "http": 10000, "https": 10000}
# Of what a chat shows.
MOST_TITLE, MOST_DESCRIPTION = 150, 2500


class Undecided(Exception):
    """An expression that has no result."""


def is_expression(value):
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


DECIDED = {}


def evaluate(text, states, variables):
    """What an expression says. The engine is slow, and most of them see the same again and again."""
    seen = {name: value for name, value in states.items() if f"$states.{name}" in text}
    named = {name: value for name, value in variables.items() if f"${name}" in text}
    key = (text, json.dumps([seen, named], sort_keys=True))
    if key not in DECIDED:
        DECIDED[key] = decide(text[2:-2].strip(), seen, named)
    value, error = DECIDED[key]
    if error:
        raise Undecided(f"{text}: {error}")
    return copy.deepcopy(value)


def decide(expression, states, variables):
    null = jsonata.utils.Utils.NULL_VALUE
    bindings = {name: null if value is None else value for name, value in variables.items()}
    bindings["states"] = states
    try:
        value = jsonata.Jsonata.jsonata(expression).evaluate(None, bindings)
        if value is None and not jsonata.Jsonata.jsonata(f"$exists(({expression}))").evaluate(None, bindings):
            return None, "it has no result"
    except Exception as error:
        return None, str(error)
    return plain(value), None


def plain(value):
    """As JSON has it: the engine has lists and numbers of its own kinds."""
    return json.loads(json.dumps(value, default=lambda other: None))


def fill(value, states, variables):
    if is_expression(value):
        return evaluate(value, states, variables)
    if isinstance(value, dict):
        return {name: fill(field, states, variables) for name, field in value.items()}
    if isinstance(value, list):
        return [fill(item, states, variables) for item in value]
    return value


def expressions(value, path=""):
    if is_expression(value):
        yield path, value
    elif isinstance(value, dict):
        for name, field in value.items():
            yield from expressions(field, f"{path}/{name}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from expressions(item, f"{path}/{place}")


def variants(answer):
    """An answer, with each of its fields left out and null, and with those of its first findings left out."""
    yield answer
    if not isinstance(answer, dict):
        return
    yield {}
    for name in answer:
        yield {other: value for other, value in answer.items() if other != name}
        yield {**answer, name: None}
        inner = answer[name]
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            for field in inner[0]:
                changed = copy.deepcopy(answer)
                del changed[name][0][field]
                yield changed


class Player:
    def __init__(self, definition, answers, granted):
        self.states = definition["States"]
        self.answers = answers
        self.granted = granted
        self.denied = set()
        self.problems = []
        self.visited = set()
        self.played = set()

    def play(self, start, inputs):
        open_ = [(start, given, {}) for given in inputs]
        while open_:
            name, given, variables = open_.pop()
            key = json.dumps([name, given, variables], sort_keys=True)
            if key in self.played:
                continue
            self.played.add(key)
            if len(self.played) > MOST_PLAYED:
                self.problems.append(f"{name}: it is played for ever")
                return
            self.visited.add(name)
            state = self.states[name]
            try:
                open_.extend(self.step(name, state, given, variables))
            except Undecided as error:
                self.problems.append(f"{name} on {json.dumps(given)[:300]}: {error}")

    def step(self, name, state, given, variables):
        context = {**CONTEXT, "State": {**CONTEXT["State"], "Name": name}}
        seen = {"input": given, "context": context}
        kind = state["Type"]
        if kind == "Task":
            return list(self.task(name, state, seen, variables))
        if kind == "Choice":
            return [self.choice(name, state, seen, variables)]
        if kind == "Wait":
            self.expect(name, "Seconds", fill(state["Seconds"], seen, variables), (int, float))
        elif kind == "Fail":
            for field in ("Error", "Cause"):
                self.expect(name, field, fill(state[field], seen, variables), str)
        elif kind != "Succeed":
            self.problems.append(f"{name}: {kind} is not played")
        if "Next" not in state:
            return []
        return [(state["Next"], *self.leave(state, seen, variables, given))]

    def leave(self, rule, seen, variables, otherwise):
        output = fill(rule["Output"], seen, variables) if "Output" in rule else otherwise
        assigned = {name: fill(value, seen, variables) for name, value in rule.get("Assign", {}).items()}
        return output, {**variables, **assigned}

    def choice(self, name, state, seen, variables):
        for rule in state["Choices"]:
            holds = fill(rule["Condition"], seen, variables)
            self.expect(name, "Condition", holds, bool)
            if holds is True:
                return (rule["Next"], *self.leave(rule, seen, variables, seen["input"]))
        return (state["Default"], *self.leave(state, seen, variables, seen["input"]))

    def task(self, name, state, seen, variables):
        try:
            arguments = fill(state["Arguments"], seen, variables)
        except Undecided as error:
            yield self.caught(name, state, {"Error": "States.QueryEvaluationError", "Cause": str(error)}, seen, variables)
            return
        target = arguments.get("FunctionName", arguments.get("TopicArn"))
        self.expect(name, "target", target, str)
        if "Message" in arguments:
            self.expect(name, "Message", arguments["Message"], str)
            self.expect(name, "Subject", arguments["Subject"], str)
            self.problems.extend(f"{name}: {problem}" for problem in wrong_bodies(arguments))
        for error in ERRORS:
            yield self.caught(name, state, error, seen, variables)
        if target not in self.granted:
            self.denied.add(target)
            error = {"Error": "Lambda.AWSLambdaException", "Cause": f"not authorized to invoke {target}"}
            yield self.caught(name, state, error, seen, variables)
            return
        if state["Resource"] == "arn:aws:states:::sns:publish":
            results = [{"MessageId": "one"}]
        else:
            recorded = self.answers.get(name)
            if recorded is None:
                self.problems.append(f"{name}: no answer of it is recorded")
                return
            results = [{"Payload": variant, "StatusCode": 200} for one in recorded for variant in variants(one)]
        for result in results:
            with_result = {**seen, "result": result}
            try:
                yield (state["Next"], *self.leave(state, with_result, variables, result))
            except Undecided as error:
                failed = {"Error": "States.QueryEvaluationError", "Cause": str(error)}
                yield self.caught(name, state, failed, seen, variables)

    def caught(self, name, state, error, seen, variables):
        for catcher in state.get("Catch", []):
            names = catcher["ErrorEquals"]
            if error["Error"] in names or ("States.ALL" in names and error["Error"] not in NOT_CAUGHT_BY_ALL):
                with_error = {**seen, "errorOutput": error}
                return (catcher["Next"], *self.leave(catcher, with_error, variables, error))
        raise Undecided(f"{error['Error']} is not caught")

    def expect(self, name, field, value, kinds):
        is_bool = isinstance(value, bool)
        if not isinstance(value, kinds) or (is_bool and kinds is not bool):
            self.problems.append(f"{name}: {field} is {json.dumps(value)[:200]}")


def wrong_bodies(arguments):
    """What is wrong with the bodies of a notice."""
    if arguments.get("MessageStructure") != "json":
        yield "it has one body for all, which a chat drops"
        return
    bodies = json.loads(arguments["Message"])
    for protocol, most in BODIES.items():
        body = bodies.get(protocol)
        if not isinstance(body, str) or not 0 < len(body) <= most:
            yield f"its body for {protocol} is {json.dumps(body)[:300]}"
    if bodies.keys() != BODIES.keys() or bodies["http"] != bodies["https"]:
        yield f"it has bodies for {sorted(bodies)}"
        return
    chat = json.loads(bodies["https"])
    content, metadata = chat["content"], chat["metadata"]
    if (chat["version"], chat["source"]) != ("1.0", "custom"):
        yield "it is not in Amazon Q's schema"
    if not 0 < len(content["title"]) <= MOST_TITLE or not 0 < len(content["description"]) <= MOST_DESCRIPTION:
        yield f"a chat does not show all of {json.dumps(content)[:300]}"
    texts = content["nextSteps"] + content["keywords"] + list(metadata["additionalContext"].values())
    if not all(isinstance(text, str) and text for text in texts):
        yield f"not all of these are texts: {texts}"
    if metadata["enableCustomActions"] is not False:
        yield "it has buttons, and nobody who hears them"


def main():
    asked = json.load(sys.stdin)
    definition = asked["definition"]
    if "state" in asked:
        seen = {"input": asked["input"], "context": CONTEXT}
        json.dump(fill(definition["States"][asked["state"]]["Arguments"], seen, asked["variables"]), sys.stdout)
        return
    found = list(expressions(definition))
    problems = []
    for path, text in found:
        try:
            jsonata.Jsonata.jsonata(text[2:-2].strip())
        except Exception as error:
            problems.append(f"{path}: {text} does not parse: {error}")
    player = Player(definition, asked["answers"], asked["granted"])
    if not problems:
        player.play(definition["StartAt"], asked["inputs"])
    json.dump(
        {
            "expressions": len(found),
            "played": len(player.played),
            "visited": sorted(player.visited),
            "denied": sorted(player.denied),
            "problems": sorted(set(problems + player.problems)),
        },
        sys.stdout,
    )


main()
