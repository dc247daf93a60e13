//! A release is what runs, whatever it is called: its task definition and its images' digests.

use super::*;
use aws_sdk_ecs::types::ContainerDefinition;
use sandbox::deploy::IMAGE;

const PATIENT: [(&str, &str); 2] = [("VERIFY_SECONDS", "10"), ("COOLDOWN_SECONDS", "0")];

/// What the service runs now: its image, and the releases that its tags name.
async fn running(stack: &Stack) -> anyhow::Result<(String, Vec<(String, String)>)> {
    let (definition, tags) = stack.sandbox.definition(&stack.sandbox.runs().await?).await?;
    let image = definition.container_definitions()[0].image().unwrap_or_default().to_owned();
    let copies = tags.into_iter().filter(|(key, _)| key.starts_with("lendpeak2:")).collect();
    Ok((image, copies))
}

fn image(tag: &str) -> impl FnOnce(&mut ContainerDefinition) {
    let image = IMAGE.replace(":1", &format!(":{tag}"));
    move |container| container.image = Some(image)
}

/// The service revisions' ARNs, the newest first.
async fn service_revisions(stack: &Stack) -> anyhow::Result<Vec<String>> {
    let ecs = &stack.sandbox.clients.ecs;
    let list = ecs.list_service_deployments().cluster("lendpeak2-production").service("backend");
    let listed = list.send().await?;
    let arn = |past: &aws_sdk_ecs::types::ServiceDeploymentBrief| {
        past.target_service_revision_arn().unwrap_or_default().to_owned()
    };
    Ok(listed.service_deployments().iter().map(arn).collect())
}

const GOOD: &str = "sha256:aaaa";

/// Release 2 ran for three days; then its image was pushed again, and deployed by force: that answers 500.
async fn pushed_again() -> anyhow::Result<Stack> {
    let stack =
        Stack::start("rollback", &[("PROBE_FUNCTION", &sandbox::names::function_name("health-probe"))])
            .await?;
    stack.sandbox.gateway.ecs().set_digest(IMAGE, GOOD);
    stack.sandbox.release(&[]).await?;
    stack.sandbox.gateway.ecs().age_deployments(Duration::from_hours(72));
    stack.sandbox.push_broken(IMAGE, "sha256:bbbb").await?;
    Ok(stack)
}

async fn runs_what_was_good(stack: &Stack, outcome: &Value) -> Test {
    assert_eq!(read(outcome), "applied applied", "{outcome:#}");
    assert_eq!(outcome["verification"]["verified"], true, "{outcome:#}");
    let by_digest = format!("{}@{GOOD}", IMAGE.trim_end_matches(":1"));
    let copy_of = vec![("lendpeak2:copy-of".to_owned(), release(2))];
    assert_eq!(running(stack).await?, (by_digest, copy_of));
    Ok(())
}

#[tokio::test]
async fn an_image_that_was_pushed_again_is_a_new_release_and_the_one_before_is_gone_back_to() -> Test {
    let stack = pushed_again().await?;
    let function = stack.function(&PATIENT).await?;
    let outcome = outcome(&function, &alarm()).await?;
    runs_what_was_good(&stack, &outcome).await?;
    let reason = outcome["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(&format!("; to {} (backend {GOOD}), ", release(2))), "{reason}");
    // Mended, and then pushed and deployed once more, it is another release that breaks: the same again, at once.
    stack.sandbox.gateway.ecs().set_digest(IMAGE, "sha256:dddd");
    stack.sandbox.release_by_tool(&release(2), |_| {}).await?;
    stack.sandbox.push_broken(IMAGE, "sha256:cccc").await?;
    let function = stack.function(&[("VERIFY_SECONDS", "10"), ("COOLDOWN_SECONDS", "1800")]).await?;
    let again = sandbox::stack::outcome(&function, &previous()).await?;
    assert_eq!(read(&again), "applied applied", "{again:#}");
    assert_eq!(again["verification"]["verified"], true, "{again:#}");
    Ok(())
}

#[tokio::test]
async fn a_service_revision_means_just_that_one() -> Test {
    let stack = pushed_again().await?;
    let function = stack.function(&PATIENT).await?;
    // By its name, the release runs; with what it ran before beside it, which works as it is sent.
    let named = outcome(&function, &json!({ "to": release(2), "reason": "the old one" })).await?;
    assert_eq!(read(&named), "nothing_to_do already_runs", "{named:#}");
    let send = named["next"]["send"].clone();
    assert_eq!(send["to"], service_revisions(&stack).await?[1]);
    let runs = service_revisions(&stack).await?[0].clone();
    assert_eq!(decision(&function, &json!({ "to": runs })).await?, "nothing_to_do already_runs");
    let outcome = outcome(&function, &send).await?;
    runs_what_was_good(&stack, &outcome).await?;
    // And back to what was pushed, by its own revision.
    let back =
        sandbox::stack::outcome(&function, &json!({ "to": runs, "reason": "it was not that" })).await?;
    assert_eq!(read(&back), "applied applied", "{back:#}");
    assert!(stack.sandbox.standin.now().broken || back["verification"]["verified"] == false);
    Ok(())
}

/// Release 1 was good; writes were frozen (2), a tool copied that with a new image (3), and writes were let through (4).
/// `change` is what else the tool does.
async fn copied_while_frozen(change: impl FnOnce(&mut ContainerDefinition)) -> anyhow::Result<Stack> {
    let probe = sandbox::names::function_name("health-probe");
    let stack =
        Stack::start_beside(&["health-probe", "write-freeze"], "rollback", &[("PROBE_FUNCTION", &probe)])
            .await?;
    let clients = &stack.sandbox.clients;
    let freeze = |state: &str| json!({ "state": state, "reason": "a test", "override": true });
    assert_eq!(read(&clients.ask("write-freeze", &freeze("on")).await?), "applied applied");
    let frozen = stack.sandbox.runs().await?;
    assert_eq!(frozen, release(2));
    stack
        .sandbox
        .release_by_tool(&frozen, |container| {
            image("3")(container);
            change(container);
        })
        .await?;
    let off = clients.ask("write-freeze", &freeze("off")).await?;
    assert_eq!(off["decision"], "applied", "{off:#}");
    stack.sandbox.show_what_runs().await?;
    Ok(stack)
}

async fn goes_back_to_release_1(stack: &Stack, event: &Value) -> Test {
    let function = stack.function(&PATIENT).await?;
    let outcome = outcome(&function, event).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!((running(stack).await?.0, stack.sandbox.runs().await?), (IMAGE.to_owned(), release(1)));
    Ok(())
}

#[tokio::test]
async fn a_tag_that_a_tool_has_carried_on_is_not_believed() -> Test {
    for event in [alarm(), previous(), json!({ "to": release(1), "reason": "it was good" })] {
        let stack = copied_while_frozen(|_| {}).await?;
        // Nothing that stands for release 1 runs.
        let (image, tags) = running(&stack).await?;
        assert!(image.ends_with(":3"), "{image}");
        assert!(!tags.iter().any(|(_, of)| *of == release(1)), "{tags:?}");
        goes_back_to_release_1(&stack, &event).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nor_is_one_whose_variable_the_tool_has_dropped() -> Test {
    let stack = copied_while_frozen(|container| container.environment = None).await?;
    goes_back_to_release_1(&stack, &json!({ "to": release(1) })).await
}

#[tokio::test]
async fn nor_is_one_where_the_tool_has_changed_no_image() -> Test {
    let probe = sandbox::names::function_name("health-probe");
    let stack =
        Stack::start_beside(&["health-probe", "write-freeze"], "rollback", &[("PROBE_FUNCTION", &probe)])
            .await?;
    let freeze = json!({ "state": "on", "reason": "a test" });
    assert_eq!(read(&stack.sandbox.clients.ask("write-freeze", &freeze).await?), "applied applied");
    stack
        .sandbox
        .release_by_tool(&release(2), |container| container.command = Some(vec!["broken".into()]))
        .await?;
    // Frozen as it is, the copy of release 1 is what it goes back to.
    let function = stack.function(&PATIENT).await?;
    let outcome = outcome(&function, &alarm()).await?;
    assert_eq!((read(&outcome), stack.sandbox.runs().await?), ("applied applied".to_owned(), release(2)));
    Ok(())
}

#[tokio::test]
async fn a_tag_of_an_inactive_releases_copy_is_not_believed_either() -> Test {
    let stack = start_broken().await?;
    for revision in [1, 2] {
        let deregister = stack.sandbox.clients.ecs.deregister_task_definition();
        deregister.task_definition(release(revision)).send().await?;
    }
    let function = stack.function(&PATIENT).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    let copy = stack.sandbox.runs().await?;
    assert_eq!(running(&stack).await?.1, [("lendpeak2:copy-of".to_owned(), release(2))]);
    stack.sandbox.release_by_tool(&copy, image("9")).await?;
    let named = outcome(&function, &json!({ "to": release(2), "reason": "9 is bad" })).await?;
    assert_eq!(read(&named), "applied applied", "{named:#}");
    // By the copy that is there already.
    assert_eq!((stack.sandbox.runs().await?, running(&stack).await?.0), (copy, IMAGE.to_owned()));
    Ok(())
}
