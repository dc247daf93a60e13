//! What each mode may do, by the gateway's record of calls.

use super::*;

#[tokio::test]
async fn observing_writes_nothing_but_the_audit_record() -> Test {
    let stack = Stack::start().await?;
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let observing = stack.function(&[("MODE", "observe"), ("NOTICE_TOPIC_ARN", topic)]).await?;
    let acting = stack.function(&[("NOTICE_TOPIC_ARN", topic)]).await?;
    let observed = outcome(&observing, &built(1)).await?;
    assert_eq!(read(&observed), "observed would_act");
    assert_eq!(
        observed["reason"],
        "would invalidate /* of distribution E1234567890ABC: lendpeak2-frontend has deployed the front end"
    );
    assert_eq!(observed["summary"], "would do: clear /* in CloudFront; lendpeak2-frontend is SUCCEEDED");
    let dry = whole(&acting, &json!({ "paths": ["a b.js", "/c/*.js"], "dry_run": true })).await?;
    assert_eq!(read(&dry), "observed would_act");
    assert_eq!(dry["plan"]["actions"][0]["create_invalidation"]["paths"], json!(["/a%20b.js", "/c/*"]));
    assert!(text(&dry, "/reason").contains("`/c/*.js` became `/c/*`"), "{dry}");
    assert_eq!(stack.writes(), ["dynamodb PutItem"; 2]);
    assert_eq!(stack.audit().await?, ["observed would_act"; 2]);
    assert_eq!((stack.sent().len(), stack.is_looked_after().await?), (0, false));
    Ok(())
}

#[tokio::test]
async fn in_observe_mode_nothing_is_left_to_wait() -> Test {
    let stack = Stack::start().await?;
    stack.fill_cloudfront();
    let observing = stack.function(&[("MODE", "observe")]).await?;
    assert_eq!(decision(&observing, &json!({})).await?, "nothing_to_do waiting_for_room");
    assert_eq!(stack.writes(), ["dynamodb PutItem"]);
    assert!(!stack.is_looked_after().await?);
    Ok(())
}

#[tokio::test]
async fn an_approved_plan_is_sent_once_under_the_reference_of_the_event() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &built(1)).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed");
    assert_eq!(stack.sent(), Vec::<Vec<String>>::new());
    // The asset grows older meanwhile; that changes nothing.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let approval = &asked["next"]["send"];
    // The next build asks for the same, by a reference of its own.
    let joined = outcome(&function, &built(2)).await?;
    assert_eq!(
        (read(&joined).as_str(), &joined["next"]["send"]),
        ("nothing_to_do approval_pending", approval)
    );
    assert_eq!(decision(&function, approval).await?, "applied applied");
    assert_eq!(decision(&function, approval).await?, "refused approval_used");
    let sent = stack.cloudfront().invalidations();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].caller_reference.ends_with("lendpeak2-frontend:1@SUCCEEDED"), "{sent:?}");
    Ok(())
}

#[tokio::test]
async fn a_function_that_is_set_up_wrong_refuses_to_start_and_names_the_setting() -> Test {
    let stack = Stack::start().await?;
    for (name, value, message) in [
        ("DISTRIBUTION_ID", "", "the environment variable DISTRIBUTION_ID is not set"),
        ("APP_URL", "", "the environment variable APP_URL is not set"),
        (
            "MAX_WILDCARDS",
            "16",
            "the environment variable MAX_WILDCARDS is `16`, but must be a whole number from 1 to 15",
        ),
        (
            "FREE_PATHS",
            "many",
            "the environment variable FREE_PATHS is `many`, but must be a whole number from 0 to 1000000",
        ),
    ] {
        let function = stack.function(&[(name, value)]).await?;
        assert_eq!(function.ready().await, None, "{name}={value} was taken");
        let expected =
            Answer::Err { error_type: "InvalidSetting".to_owned(), error_message: message.to_owned() };
        assert_eq!(function.init_error(), Some(expected));
    }
    Ok(())
}
