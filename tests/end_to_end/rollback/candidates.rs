//! A release that cannot be used: the next one has its turn, and if there is none, people hear of it at once.

use super::*;
use sandbox::gateway::{Fault, Rule};

const REFUSAL: &str = "The container backend did not have a container port 8080 defined.";

fn refuse(stack: &Stack, revision: u32) {
    stack.sandbox.gateway.ecs().refuse_release(&release(revision), "InvalidParameterException", REFUSAL);
}

#[tokio::test]
async fn what_ecs_does_not_take_is_passed_over_within_the_run() -> Test {
    let stack = start_broken().await?;
    refuse(&stack, 2);
    let function = stack.function(&[("VERIFY_SECONDS", "10")]).await?;
    let outcome = outcome(&function, &alarm()).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!(
        (stack.sandbox.runs().await?, &outcome["verification"]["verified"]),
        (release(1), &json!(true))
    );
    let steps: Vec<&str> = outcome["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step["result"].as_str())
        .collect();
    assert_eq!(steps, ["failed", "done"], "{outcome:#}");
    assert!(
        outcome["steps"][0]["error"].as_str().is_some_and(|error| error.contains(REFUSAL)),
        "{outcome:#}"
    );
    assert_eq!(stack.audit().await?, ["applied applied"]);
    Ok(())
}

#[tokio::test]
async fn where_ecs_takes_none_people_hear_of_it_at_once_and_nothing_is_tried_again() -> Test {
    let stack = start_broken().await?;
    refuse(&stack, 1);
    refuse(&stack, 2);
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let function = stack.function(&[("NOTICE_TOPIC_ARN", topic)]).await?;
    let refused = outcome(&function, &alarm()).await?;
    assert_eq!(read(&refused), "refused release_refused", "{refused:#}");
    assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains(REFUSAL)), "{refused:#}");
    assert_eq!((stack.count("sns Publish"), stack.count("ecs UpdateService")), (1, 2));
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    assert_eq!((stack.count("ecs UpdateService"), stack.sandbox.runs().await?), (2, release(3)));
    // It counts for nothing: once ECS takes it, it is done.
    let named = outcome(&function, &json!({ "to": release(1), "reason": "the port is there again" })).await?;
    assert_eq!(read(&named), "refused release_refused", "{named:#}");
    Ok(())
}

#[tokio::test]
async fn what_lacks_what_the_service_names_is_not_even_tried() -> Test {
    let stack = start().await?;
    let without_port =
        |container: &mut aws_sdk_ecs::types::ContainerDefinition| container.port_mappings = None;
    stack.sandbox.release_by_tool(&release(2), without_port).await?;
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    let function = stack.function(&[]).await?;
    let named = outcome(&function, &json!({ "to": release(3) })).await?;
    assert_eq!(read(&named), "refused release_does_not_fit", "{named:#}");
    let reason = named["reason"].as_str().unwrap_or_default();
    assert!(reason.ends_with("container backend with port 8080"), "{reason}");
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    assert_eq!((stack.sandbox.runs().await?, stack.count("ecs UpdateService")), (release(2), 1));
    Ok(())
}

#[tokio::test]
async fn what_a_copy_would_lose_is_said_before_anything_is_noted() -> Test {
    let stack = start_broken().await?;
    let ecs = &stack.sandbox.clients.ecs;
    for revision in [1, 2] {
        ecs.deregister_task_definition().task_definition(release(revision)).send().await?;
        stack.sandbox.gateway.ecs().add_field(&release(revision), "newerThanUs", json!({ "mode": "strict" }));
    }
    let function = stack.function(&[]).await?;
    for event in [alarm(), json!({ "to": release(2) })] {
        let refused = outcome(&function, &event).await?;
        let reason = refused["reason"].as_str().unwrap_or_default();
        assert_eq!(refused["decision"], "refused", "{refused:#}");
        assert!(reason.contains("does not know: newerThanUs"), "{reason}");
    }
    assert_eq!(stack.item(&format!("release#{TARGET}"), &release(3)).await?, None);
    assert_eq!(stack.count("ecs RegisterTaskDefinition"), 0);
    Ok(())
}

#[tokio::test]
async fn a_family_that_is_busy_is_waited_for_within_the_run() -> Test {
    let stack = start_broken().await?;
    for revision in [1, 2] {
        let deregister = stack.sandbox.clients.ecs.deregister_task_definition();
        deregister.task_definition(release(revision)).send().await?;
    }
    let busy = "Too many concurrent attempts to create a new revision of the specified family.";
    let busy = Rule::new("ecs", "RegisterTaskDefinition", Fault::Refused("ClientException", busy));
    stack.sandbox.gateway.faults().add(busy.of("rollback"));
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    assert_eq!(stack.count("ecs RegisterTaskDefinition"), 2);
    Ok(())
}

async fn with_a_probe_that_hangs(stack: &Stack) -> anyhow::Result<Bootstrap> {
    let hangs = Rule::new("lambda", "Invoke", Fault::HangBefore).times(9).of("rollback");
    stack.sandbox.gateway.faults().add(hangs);
    stack.function(&[("VERIFY_SECONDS", "0")]).await
}

#[tokio::test]
async fn a_probe_that_hangs_delays_nobody_who_names_a_release() -> Test {
    let stack = start_broken().await?;
    let function = with_a_probe_that_hangs(&stack).await?;
    assert_eq!(decision(&function, &json!({ "to": release(1), "reason": "now" })).await?, "applied applied");
    let calls = stack.sandbox.gateway.record().names("rollback");
    let asked = calls.iter().position(|call| call == "lambda Invoke");
    let done = calls.iter().position(|call| call == "ecs UpdateService");
    assert!(done.is_some() && asked.is_none_or(|asked| Some(asked) > done), "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn without_the_probes_answer_the_alarm_is_believed() -> Test {
    let stack = start_broken().await?;
    let function = with_a_probe_that_hangs(&stack).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    let outcome = stack.outcomes().await?.pop().unwrap_or_default();
    assert_eq!(
        (read(&outcome), &outcome["observed"]["health"]),
        ("applied applied".to_owned(), &Value::Null)
    );
    Ok(())
}
