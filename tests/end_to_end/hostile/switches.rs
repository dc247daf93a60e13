//! The kill switch as people set it by hand in the console, and in the middle of a run.

use sandbox::gateway::{Fault, Rule};

use super::*;

#[tokio::test]
async fn a_kill_switch_that_is_misspelt_stops_every_remedy_all_the_same() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    fixture.sandbox.release(&[]).await?;
    let mut functions = Vec::new();
    for task in remedies() {
        functions.push((task, fixture.a(task, &[]).await?));
    }
    for scope in ["ALL", "All", "*", "all ", "everything", "scale_up", "lendpeak2-production-scale-up"] {
        fixture.put("kill-switch", scope, &[]).await?;
        for (task, function) in &functions {
            let answer = outcome(function, &by_hand(task)).await?;
            ensure!(read(&answer) == "refused kill_switch", "`{scope}` and {task}: {answer:#}");
        }
        let key = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        let delete = fixture.sandbox.clients.dynamodb.delete_item().table_name(stack::LEDGER);
        delete.key("pk", key("kill-switch")).key("sk", key(scope)).send().await?;
    }
    assert_eq!(fixture.changes(), Vec::<String>::new());
    // Another function's own name stops that one alone.
    fixture.put("kill-switch", "restart", &[]).await?;
    for (task, function) in &functions {
        let expected = if *task == "scale-up" { "applied applied" } else { "refused kill_switch" };
        if ["scale-up", "restart"].contains(task) {
            assert_eq!(decision(function, &by_hand(task)).await?, expected, "{task}");
        }
    }
    Ok(())
}

/// Between the first write and the second one of a run.
#[tokio::test]
async fn a_kill_switch_that_is_set_in_the_middle_of_a_run_stops_the_rest() -> Test {
    for (task, service, first) in [
        ("scale-up", "application-autoscaling", "RegisterScalableTarget"),
        ("write-freeze", "ecs", "RegisterTaskDefinition"),
    ] {
        let fixture = Fixture::start(task).await?;
        let runs = fixture.sandbox.runs().await?;
        let slow = Fault::Timeout(Duration::from_secs(2));
        fixture.sandbox.gateway.faults().add(Rule::new(service, first, slow).of(task));
        let function = fixture.function(&[]).await?;
        let event = by_hand(task);
        let set = async {
            while !fixture.sandbox.gateway.faults().left().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            fixture.put("kill-switch", "all", &[("reason", "stop")]).await
        };
        let (answer, set) = tokio::join!(outcome(&function, &event), set);
        set?;
        let answer = answer?;
        assert_eq!(answer["code"], "kill_switch", "{answer:#}");
        assert_eq!(fixture.count("ecs UpdateService"), 0, "{task}");
        assert_eq!(
            (fixture.sandbox.runs().await?, fixture.sandbox.desired_count().await?),
            (runs, 2),
            "{task}"
        );
    }
    Ok(())
}
