"""Prints a task definition with every field of ECS's published API model, as `DescribeTaskDefinition` answers it.

    pip install botocore==1.44.8 && python every_field.py > every_field.json
"""

import json

from botocore.loaders import Loader

SHAPES = Loader().load_service_model("ecs", "service-2")["shapes"]


def sample(name, path):
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "structure":
        return {member: sample(of["shape"], path + [member]) for member, of in shape["members"].items()}
    if kind == "list":
        return [sample(shape["member"]["shape"], path)]
    if kind == "map":
        return {"key": sample(shape["value"]["shape"], path)}
    if kind == "string":
        return shape["enum"][0] if "enum" in shape else ".".join(path)
    return {"boolean": True, "timestamp": 1795903200.5, "double": 1.5}.get(kind, 7)


print(json.dumps({"taskDefinition": sample("TaskDefinition", [])}, indent=1))
