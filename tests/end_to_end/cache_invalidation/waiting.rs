//! Invalidations take time, and CloudFront takes only so many: what is looked after, and when that ends.

use super::*;

#[tokio::test]
async fn identical_paths_in_progress_are_joined() -> Test {
    let stack = Stack::start().await?;
    stack.cloudfront().set_time(NEVER);
    let function = stack.function(&[]).await?;
    let first = outcome(&function, &json!({})).await?;
    assert_eq!(read(&first), "applied applied");
    assert_eq!(first["verification"]["verified"], false);
    let joined = outcome(&function, &json!({ "paths": ["/*", "/index.html"] })).await?;
    assert_eq!(read(&joined), "nothing_to_do already_in_progress");
    let id = &stack.cloudfront().invalidations()[0].id;
    assert_eq!(joined["next"]["send"], json!({ "status": id }));
    assert!(text(&joined, "/reason").contains(id.as_str()), "{joined}");
    assert_eq!(decision(&function, &json!({ "paths": ["/index.html"] })).await?, "applied applied");
    assert_eq!(stack.sent(), [["/*"], ["/index.html"]]);
    Ok(())
}

#[tokio::test]
async fn the_scheduled_run_says_when_an_invalidation_has_ended() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_awaited");
    stack.cloudfront().set_time(NEVER);
    stack.sandbox.standin.release_front_end();
    assert_eq!(decision(&function, &json!({})).await?, "applied applied");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_in_progress");
    stack.cloudfront().set_time(Duration::ZERO);
    let verified = outcome(&function, &tick()).await?;
    assert_eq!(read(&verified), "nothing_to_do verified");
    let reason = text(&verified, "/reason");
    assert!(reason.contains("etag \"main-1\" → \"main-2\""), "{reason}");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_awaited");
    assert_eq!(stack.audit().await?, ["applied applied", "nothing_to_do verified"]);
    assert_eq!((stack.sent().len(), stack.is_looked_after().await?), (1, false));
    Ok(())
}

#[tokio::test]
async fn an_invalidation_that_does_not_end_is_told_once() -> Test {
    let stack = Stack::start().await?;
    stack.cloudfront().set_time(NEVER);
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &json!({})).await?, "applied applied");
    stack.let_it_be_late().await?;
    let late = outcome(&function, &tick()).await?;
    assert_eq!(read(&late), "failed not_verified");
    assert_eq!(late["next"]["level"], 2);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_awaited");
    assert_eq!(stack.audit().await?, ["applied applied", "failed not_verified"]);
    Ok(())
}

#[tokio::test]
async fn what_cloudfront_refuses_is_sent_by_the_scheduled_run() -> Test {
    let stack = Stack::start().await?;
    stack.cloudfront().refuse(1);
    let function = stack.function(&[]).await?;
    let refused = outcome(&function, &built(1)).await?;
    assert_eq!(read(&refused), "failed action_failed");
    let error = text(&refused, "/steps/0/error");
    assert!(error.contains("TooManyInvalidationsInProgress"), "{error}");
    assert_eq!(stack.sent(), Vec::<Vec<String>>::new());
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    assert_eq!(stack.sent(), [["/*"]]);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_awaited");
    Ok(())
}

#[tokio::test]
async fn what_never_arrived_is_sent_also_when_its_run_is_too_old_to_be_taken_up() -> Test {
    let stack = Stack::start().await?;
    stack.cloudfront().refuse(1);
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &built(1)).await?, "failed action_failed");
    let target = format!("target#distribution/{DISTRIBUTION}");
    let mut intent = stack.data(&target, FUNCTION).await?["intent"].clone();
    intent["trigger"]["at"] = json!("2026-01-01T00:00:00Z");
    stack.change(&target, FUNCTION, "intent", intent).await?;
    let sent = outcome(&function, &tick()).await?;
    assert_eq!(read(&sent), "applied applied");
    let expected = "lendpeak2-frontend has deployed the front end; it had to wait (run ";
    assert!(text(&sent, "/reason").starts_with(expected), "{sent}");
    assert!(text(&sent, "/reason").contains("left something unfinished, and it is too old now"), "{sent}");
    assert_eq!((stack.sent().len(), &stack.data(&target, FUNCTION).await?["month_units"]), (1, &json!(1)));
    Ok(())
}

#[tokio::test]
async fn what_cloudfront_has_no_room_for_waits_for_the_scheduled_run() -> Test {
    let stack = Stack::start().await?;
    stack.fill_cloudfront();
    let function = stack.function(&[]).await?;
    let waits = outcome(&function, &built(1)).await?;
    assert_eq!(read(&waits), "nothing_to_do waiting_for_room");
    assert!(
        text(&waits, "/reason").starts_with("CloudFront is at work on 0 files and 15 wildcards"),
        "{waits}"
    );
    assert_eq!(decision(&function, &json!({})).await?, "nothing_to_do already_waiting");
    assert_eq!(decision(&function, &json!({ "paths": ["/a.js"] })).await?, "applied applied");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do waiting_for_room");
    assert_eq!(stack.count("cloudfront CreateInvalidation"), 1);

    stack.cloudfront().set_time(Duration::ZERO);
    let sent = outcome(&function, &tick()).await?;
    assert_eq!(read(&sent), "applied applied");
    assert_eq!(sent["reason"], "lendpeak2-frontend has deployed the front end; it had to wait");
    assert_eq!(stack.sent()[1..], [vec!["/a.js".to_owned()], vec!["/*".to_owned()]]);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do verified");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do not_there");
    assert_eq!((stack.sent().len(), stack.is_looked_after().await?), (3, false));
    Ok(())
}

#[tokio::test]
async fn what_waits_too_long_is_given_up_and_told() -> Test {
    let stack = Stack::start().await?;
    stack.fill_cloudfront();
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &json!({})).await?, "nothing_to_do waiting_for_room");
    stack.let_it_be_late().await?;
    let given_up = outcome(&function, &tick()).await?;
    assert_eq!(read(&given_up), "failed not_sent");
    assert_eq!(given_up["next"]["send"], json!({ "paths": ["/*"] }));
    assert!(!stack.is_looked_after().await?);
    Ok(())
}

#[tokio::test]
async fn past_the_free_paths_an_alarm_is_refused_and_a_person_told_the_cost() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("FREE_PATHS", "3"), ("COOLDOWN_SECONDS", "0")]).await?;
    let two = outcome(&function, &json!({ "paths": ["/a", "/b"] })).await?;
    assert_eq!(two["reason"], "asked by hand");
    let now = Timestamp::now();
    assert_eq!(decision(&function, &alarm(now)).await?, "applied applied");
    let refused = outcome(&function, &alarm(now + Duration::from_secs(1))).await?;
    assert_eq!(read(&refused), "refused free_paths_spent");
    assert_eq!(refused["next"]["send"], json!({ "paths": ["/*"] }));
    let before = outcome(&function, &json!({ "paths": ["/c", "/d"], "dry_run": true })).await?;
    assert!(text(&before, "/reason").ends_with("so this costs $0.010"), "{before}");
    let paid = outcome(&function, &json!({ "paths": ["/c", "/d"] })).await?;
    assert_eq!(read(&paid), "applied applied");
    assert_eq!(
        paid["reason"],
        "asked by hand; 3 of the month's 3 free paths were sent before, so this costs $0.010"
    );
    let deployed = outcome(&function, &built(1)).await?;
    assert!(text(&deployed, "/reason").ends_with("so this costs $0.005"), "{deployed}");
    Ok(())
}
