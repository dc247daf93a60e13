"""Writes what AWS has published of its APIs, as botocore carries it, into a folder: <service>/<operation>.json, with the
shapes that the operation can reach and without their documentation. A service is called as in a signature."""

import json
import pathlib
import sys

import botocore.loaders

SERVICES = {
    "application-autoscaling": "application-autoscaling",
    "cloudfront": "cloudfront",
    "cloudwatch": "cloudwatch",
    "codebuild": "codebuild",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "elasticloadbalancing": "elbv2",
    "health": "health",
    "logs": "logs",
    "rds": "docdb",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "ssm": "ssm",
    "states": "stepfunctions",
}
OF_SHAPE = [
    "enum", "flattened", "key", "max", "member", "members", "min", "pattern", "payload", "required", "type", "union",
    "value", "document",
]  # fmt: skip
OF_MEMBER = ["flattened", "location", "locationName", "queryName", "shape", "union"]


def kept(of, names):
    return {name: of[name] for name in names if name in of}


def reference(of):
    return kept(of, OF_MEMBER)


def references(shape):
    return [shape[name] for name in ["key", "member", "value"] if name in shape] + list(shape.get("members", {}).values())


def pruned(shape):
    left = kept(shape, OF_SHAPE)
    if "pattern" in left:
        # Java writes what is beyond 16 bits as two.
        left["pattern"] = left["pattern"].replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    for name in ["key", "member", "value"]:
        if name in left:
            left[name] = reference(left[name])
    if "members" in left:
        left["members"] = {name: reference(member) for name, member in left["members"].items()}
    return left


def reachable(shapes, roots):
    found, todo = {}, list(roots)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = pruned(shapes[name])
            todo += [member["shape"] for member in references(shapes[name])]
    return found


def write(folder):
    loader = botocore.loaders.Loader()
    for signed, name in SERVICES.items():
        model = loader.load_service_model(name, "service-2")
        place = folder / signed
        place.mkdir(parents=True, exist_ok=True)
        for name, operation in model["operations"].items():
            given, answered = operation.get("input", {}), operation.get("output", {})
            roots = [one["shape"] for one in [given, answered] if one]
            written = {
                "uri": operation["http"]["requestUri"],
                "input": given.get("shape"),
                "output": answered.get("shape"),
                "wrapper": answered.get("resultWrapper"),
                "shapes": reachable(model["shapes"], roots),
            }
            (place / f"{name}.json").write_text(json.dumps(written))


write(pathlib.Path(sys.argv[1]))
