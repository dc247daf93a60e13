//! What each mode may do, by the gateway's record of calls.

use aws_sdk_dynamodb::types::AttributeValue;
use sandbox::gateway::Call;

use super::*;

#[tokio::test]
async fn observing_writes_nothing_but_the_audit_record() -> Test {
    let stack = Stack::start().await?;
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let observing = stack.function(&[("MODE", "observe"), ("NOTICE_TOPIC_ARN", topic)]).await?;
    let acting = stack.function(&[("NOTICE_TOPIC_ARN", topic)]).await?;
    let observed = outcome(&observing, &alarm(Timestamp::now())).await?;
    assert_eq!(read(&observed), "observed would_act");
    assert_eq!(
        observed["summary"],
        "would do: backend: 2 → 3 tasks; alarm lendpeak2-production-high-cpu rang"
    );
    assert_eq!(observed["plan"]["lines"][1], "set the desired count of backend to 3");
    assert!(observed["plan"].get("actions").is_none() && observed.get("observed").is_none(), "{observed:#}");
    let recorded = stack.outcomes().await?.pop().unwrap_or_default();
    assert_eq!(recorded["plan"]["actions"][1]["set_desired_count"]["desired_count"], 3);
    assert_eq!(decision(&acting, &json!({ "dry_run": true })).await?, "observed would_act");
    assert_eq!(
        decision(&acting, &json!({ "dry_run": true, "desired_count": 99 })).await?,
        "refused count_out_of_range"
    );
    assert_eq!(stack.writes(), ["dynamodb PutItem"; 3]);
    assert_eq!(
        stack.audit().await?,
        ["observed would_act", "observed would_act", "refused count_out_of_range"]
    );
    assert_eq!(stack.sandbox.desired_count().await?, 2);
    Ok(())
}

#[tokio::test]
async fn switched_off_it_reads_nothing_and_says_so() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "off")]).await?;
    assert_eq!(decision(&function, &json!({})).await?, "refused mode_off");
    let calls: Vec<String> = stack.sandbox.gateway.record().by("scale-up").iter().map(Call::name).collect();
    assert_eq!(calls, ["dynamodb PutItem"]);
    Ok(())
}

#[tokio::test]
async fn a_kill_switch_for_all_or_for_the_function_stops_it() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for scope in ["all", "scale-up"] {
        stack.put("kill-switch", scope, &[("reason", "release freeze")]).await?;
        let refused = outcome(&function, &json!({})).await?;
        assert_eq!(read(&refused), "refused kill_switch");
        assert_eq!(refused["reason"], format!("the kill switch `{scope}` is on (release freeze)"));
        let next = &refused["next"];
        assert_eq!(
            (&next["send"]["go"], &next["function"]),
            (&json!(scope), &json!("lendpeak2-production-incident"))
        );
        let what = next["what"].as_str().unwrap_or_default();
        assert!(what.contains(&format!("pk=kill-switch, sk={scope}")), "{what}");
        let key = |value: &str| AttributeValue::S(value.to_owned());
        let delete = stack.sandbox.clients.dynamodb.delete_item().table_name(LEDGER);
        delete.key("pk", key("kill-switch")).key("sk", key(scope)).send().await?;
    }
    assert_eq!(decision(&function, &json!({})).await?, "applied applied");
    Ok(())
}

#[tokio::test]
async fn a_function_that_is_set_up_wrong_refuses_to_start_and_names_the_setting() -> Test {
    let stack = Stack::start().await?;
    for (name, value, message) in [
        ("MODE", "yes", "the environment variable MODE is `yes`, but must be off, observe, approve or auto"),
        ("CLUSTER", "", "the environment variable CLUSTER is not set"),
        (
            "MAX_TASKS",
            "ten",
            "the environment variable MAX_TASKS is `ten`, but must be a whole number from 1 to 5000",
        ),
        (
            "LOG_LEVEL",
            "loud",
            "the environment variable LOG_LEVEL is `loud`, but must be error, warn, info or debug",
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
