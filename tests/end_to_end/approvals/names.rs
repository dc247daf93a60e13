//! Who may not decide, and what cannot be read.

use super::*;

#[tokio::test]
async fn a_session_without_a_name_decides_nothing() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    for verb in ["approve", "reject"] {
        let refused = house.decide(UNNAMED, &format!("{verb}:{plan}")).await?;
        assert_eq!(read(&refused), "refused approver_unnamed", "{refused:#}");
    }
    assert_eq!(house.restarts(), 0);
    Ok(())
}

/// Names in the body or beside it are no names.
#[tokio::test]
async fn a_stranger_is_called_what_aws_calls_them_whatever_they_say() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    let answer = house.decide("Guest.mallory", &format!("approve:{plan} by alice@example.com")).await?;
    let sender = json!({ "id": "AROAGUESTEXAMPLE", "name": "mallory" });
    assert_eq!([&answer["by"], &answer["sender"]], [&json!("mallory"), &sender]);
    let record = house.recorded("applied").await?;
    assert_eq!(record["trigger"]["by"], "mallory");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_is_not_there_is_none_of_anybody() -> Test {
    let house = House::named(&[]).await?;
    for body in ["approve:0123456789abcd", "reject:20261128-195411-service-down"] {
        let unknown = house.decide(ALICE, body).await?;
        assert_eq!(read(&unknown), "refused approval_unknown", "{unknown:#}");
    }
    Ok(())
}

/// It is answered to the sender alone, once, and is no dead letter.
#[tokio::test]
async fn what_cannot_be_read_is_told_to_nobody_else_and_not_tried_again() -> Test {
    let house = House::named(&[]).await?;
    let told = house.told().len();
    let long = format!("note:20261128-195411-x {}", "x".repeat(1_000));
    for (body, why) in [
        ("yes please", "there is no colon"),
        ("{\"approve\":\"0123456789abcd\"}", "is none of approve"),
        ("approve:$Yes", "`$Yes` is no id"),
        ("escalate:20261128-195411-x", "`escalate` is none of"),
        (long.as_str(), "may have 1000 at most"),
        ("start:all please", "takes no words"),
    ] {
        let answer = house.decide(ALICE, body).await?;
        assert_eq!(read(&answer), "refused message_unreadable", "{answer:#}");
        assert!(answer["summary"].as_str().is_some_and(|said| said.contains(why)), "{answer:#}");
    }
    assert_eq!(house.told().len(), told, "people were told of it");
    for queue in ["approvals", "dead-letters"] {
        assert_eq!(house.waiting_in(queue).await?, "0", "{queue}");
    }
    Ok(())
}
