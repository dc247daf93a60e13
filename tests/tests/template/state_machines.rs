//! Every state machine ends, tries again, and gets what its definition asks for.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::workspace;

use crate::document::Template;

fn definitions(template: &Template) -> Result<Vec<(Value, String)>> {
    let machines = template.of_type("AWS::Serverless::StateMachine");
    assert!(!machines.is_empty());
    machines
        .into_iter()
        .map(|machine| {
            let path = machine["DefinitionUri"].as_str().context("a definition that is not in a file")?;
            Ok((machine.clone(), std::fs::read_to_string(workspace().join(path))?))
        })
        .collect()
}

#[test]
fn every_state_machine_has_a_time_limit_and_a_role_and_tries_again() -> Result<()> {
    let template = Template::read()?;
    for (machine, definition) in definitions(&template)? {
        let definition: Value = serde_json::from_str(&definition)?;
        let name = machine["Name"]["Fn::Sub"].as_str().context("a state machine without a name")?;
        assert!(name.starts_with("lendpeak2-${Environment}-"), "{name}");
        template.named(&machine["Role"], "Fn::GetAtt", "AWS::IAM::Role")?;
        let limit = definition["TimeoutSeconds"].as_u64().context("it may run for a year")?;
        assert!(limit <= 4 * 60 * 60, "{name}");
        for (state, content) in definition["States"].as_object().context("no states")? {
            if content["Type"] == "Task" {
                assert!(content["Retry"].is_array(), "{name}: {state} is not tried again");
                // The last one tells people; beyond that there is only the end.
                assert!(state == "Tell" || content["Catch"].is_array(), "{name}: {state} fails unseen");
            }
        }
    }
    Ok(())
}

#[test]
fn every_state_machine_gets_what_its_definition_asks_for_and_no_more() -> Result<()> {
    let template = Template::read()?;
    for (machine, definition) in definitions(&template)? {
        let given = machine["DefinitionSubstitutions"].as_object().context("nothing is given")?;
        let given: BTreeSet<&str> = given.keys().map(String::as_str).collect();
        let asked = definition.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
        assert_eq!(asked.collect::<BTreeSet<_>>(), given);
    }
    Ok(())
}

/// A loop whose turns are one event to the function would get one answer for ever.
#[test]
fn each_time_that_a_state_asks_a_function_is_an_event_of_its_own() -> Result<()> {
    for (_, definition) in definitions(&Template::read()?)? {
        let definition: Value = serde_json::from_str(&definition)?;
        let states = definition["States"].as_object().context("no states")?;
        for state in states.values().filter(|state| {
            state["Resource"].as_str().is_some_and(|resource| resource.ends_with("lambda:invoke"))
        }) {
            let id = state["Arguments"]["Payload"]["step_functions"]["state"].to_string();
            assert!(id.contains("$states.context.State.EnteredTime"), "{state}");
        }
    }
    Ok(())
}
