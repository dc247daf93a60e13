//! The incident as an OpsItem.

use sandbox::gateway::{Fault, Rule};

use super::*;

const ON: [(&str, &str); 1] = [("OPS_ITEMS", "true")];

#[tokio::test]
async fn switched_on_an_incident_is_one_ops_item_from_its_beginning_to_its_end() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&ON).await?;
    let id = opened(&function).await?;
    outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    let items = stack.sandbox.gateway.ops_center().items();
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!((items[0].status.as_str(), &items[0].fields["Severity"]), ("Open", &json!("1")));
    assert_eq!(stack.incident(&id).await?["ops_item"], json!({ "id": items[0].id, "open": true }));
    outcome(&function, &json!({ "resolve": id })).await?;
    assert_eq!(stack.sandbox.gateway.ops_center().items()[0].status, "Resolved");
    Ok(())
}

#[tokio::test]
async fn switched_off_ops_center_hears_nothing() -> Test {
    let stack = Stack::start().await?;
    opened(&stack.function(&[]).await?).await?;
    assert_eq!(stack.sandbox.gateway.ops_center().items().len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_ops_center_that_fails_keeps_nobody_from_being_told_and_is_caught_up_with() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&ON).await?;
    let denied = Rule::new("ssm", "CreateOpsItem", Fault::Denied).of("incident");
    stack.sandbox.gateway.faults().add(denied);
    let id = opened(&function).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    assert_eq!(stack.sandbox.gateway.ops_center().items().len(), 0);
    outcome(&function, &tick()).await?;
    assert_eq!(stack.sandbox.gateway.ops_center().items().len(), 1);
    // Its answer was lost: the next one finds it there.
    stack.change("incidents", &id, "ops_item", Value::Null).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.sandbox.gateway.ops_center().items().len(), 1);
    Ok(())
}
