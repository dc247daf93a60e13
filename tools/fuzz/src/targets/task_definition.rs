//! Task definitions: described, summed up, and registered once more as copies.

use serde_json::Value;
use shared::ecs::{self, Copy};

use crate::{claims, harness::with_harness, json::CANARY, world::Mutated};

const RELEASE: &str = "backend:7";

pub fn task_definition(data: &[u8]) {
    with_harness(|harness| {
        let client = aws_sdk_ecs::Client::new(harness.aws.config());
        harness.wire.begin(Mutated::Only(&["DescribeTaskDefinition"]), data);
        match harness.run(ecs::registered(&client, RELEASE)) {
            Ok(Some(registered)) => {
                let summary = registered.summary();
                let told = serde_json::to_string(&summary).unwrap_or_default();
                let is_mixed_up = harness.wire.world().mixed_up;
                assert!(is_mixed_up || !told.contains(CANARY), "a variable is told: {told}");
                if let Some(summary) = summary {
                    assert!(summary.is(summary.revision()) && summary.is(summary.release()));
                }
            }
            Ok(None) => {}
            Err(error) => claims::error_is_bounded(&error),
        }

        harness.wire.begin(Mutated::Only(&["DescribeTaskDefinition", "ListTaskDefinitions"]), data);
        let copy = Copy { of: RELEASE, tags: &[(ecs::COPY_OF, RELEASE)], change: &|container| container };
        let copied = harness.run(ecs::copy_of(&client, &copy));
        let world = harness.wire.world();
        match copied {
            Ok(_) => {
                if let (Some(original), Some(copy)) = (&world.described, &world.registered) {
                    is_a_copy(original, copy);
                }
            }
            Err(error) => claims::error_is_bounded(&error),
        }
    });
}

/// Whatever else was odd: a container's variables are the same in the copy, in their order.
fn is_a_copy(original: &Value, copy: &Value) {
    let originals = original.pointer("/taskDefinition/containerDefinitions").and_then(Value::as_array);
    let copies = copy.get("containerDefinitions").and_then(Value::as_array);
    let (Some(originals), Some(copies)) = (originals, copies) else { return };
    if originals.len() != copies.len() || originals.iter().any(|container| !container.is_object()) {
        return;
    }
    for (original, copy) in originals.iter().zip(copies) {
        let Some(variables) = original.get("environment").and_then(Value::as_array) else { continue };
        if variables.iter().all(is_variable) {
            assert_eq!(Some(&Value::from(variables.clone())), copy.get("environment"), "variables are lost");
        }
    }
}

fn is_variable(variable: &Value) -> bool {
    let is_text = |name: &str| variable.get(name).is_some_and(Value::is_string);
    variable.as_object().is_some_and(|fields| fields.len() == 2) && is_text("name") && is_text("value")
}
