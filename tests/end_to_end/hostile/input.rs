//! What a person might send: nothing is done that its reader would not expect.

use sandbox::stack::refuses;

use super::*;

#[tokio::test]
async fn what_says_two_things_names_another_place_or_is_endless_is_an_error_and_changes_nothing() -> Test {
    let fixture = Fixture::start("rollback").await?;
    let long = "x".repeat(100_000);
    let letters = "é".repeat(2_001);
    let invalid = "InvalidRequest";
    let elsewhere = "and this service is of account 000000000000 in us-east-1";
    let family = "task-definition/lendpeak2-backend-production:1";
    let revision = "service-revision/lendpeak2-production/backend/1";
    let of = |account: &str| format!(r#"{{"to": "arn:aws:ecs:{account}"}}"#);
    let bodies = |task: &str| -> Vec<(String, String)> {
        let twice = |field: &str| format!("the field `{field}` is there twice");
        let mut bodies = vec![
            (r#"{"dry_run": true, "reason": "a", "dry_run": false}"#.to_owned(), twice("dry_run")),
            (r#"{"approve": "0123456789ab", "approve": "ba9876543210"}"#.to_owned(), twice("approve")),
            (r#"{"reason": "a", "re\u0061son": "b"}"#.to_owned(), twice("reason")),
        ];
        bodies.extend(match task {
            "scale-up" => vec![
                (r#"{"dry_run": true, "by": 1, "dry_run": false}"#.to_owned(), twice("dry_run")),
                (r#"{"by": 1, "by": 4}"#.to_owned(), twice("by")),
                (format!(r#"{{"by": 1, "reason": "{long}"}}"#), "100000 characters".to_owned()),
                (format!(r#"{{"service": "{long}", "service": "backend"}}"#), twice("service")),
            ],
            "rollback" => vec![
                (r#"{"to": "previous", "to": "lendpeak2-backend-production:1"}"#.to_owned(), twice("to")),
                (of(&format!("eu-west-1:999999999999:{family}")), elsewhere.to_owned()),
                (of(&format!("us-east-1:999999999999:{family}")), elsewhere.to_owned()),
                (of(&format!("eu-west-1:000000000000:{revision}")), elsewhere.to_owned()),
                (of(&format!("us-east-1:999999999999:{revision}")), elsewhere.to_owned()),
                (
                    of(&format!("us-east-1:000000000000:{family}")).replace("arn:aws:", "arn:aws-cn:"),
                    elsewhere.to_owned(),
                ),
                (format!(r#"{{"to": "previous", "reason": "{letters}"}}"#), "2001 characters".to_owned()),
            ],
            "write-freeze" => vec![
                (r#"{"state": "off", "state": "on"}"#.to_owned(), twice("state")),
                (format!(r#"{{"state": "on", "reason": "{long}"}}"#), "100000 characters".to_owned()),
                (format!(r#"{{"state": "on", "reason": "{letters}"}}"#), "2001 characters".to_owned()),
                (format!(r#"{{"state": "on", "by": "{long}"}}"#), "100000 characters".to_owned()),
            ],
            "cache-invalidation" => {
                vec![(r#"{"paths": ["/a"], "paths": ["/*"]}"#.to_owned(), twice("paths"))]
            }
            _ => Vec::new(),
        });
        bodies
    };
    for task in remedies().into_iter().chain(["cache-invalidation"]) {
        let function = fixture.a(task, &[]).await?;
        for (body, words) in bodies(task) {
            refuses(&function, &[(&body, invalid, &words)]).await.with_context(|| task.to_owned())?;
        }
    }
    assert_eq!(fixture.changes(), Vec::<String>::new());
    assert!(time::items(&fixture.sandbox).await?.is_empty(), "something was noted");
    assert!(fixture.told().is_empty(), "a person has the answer, and nobody else is told");
    Ok(())
}

/// As long as a reason may be, and all of it in letters that JSON doubles.
#[tokio::test]
async fn the_longest_reason_is_kept_with_the_record_and_fits_the_ledger() -> Test {
    let fixture = Fixture::start("write-freeze").await?;
    let function = fixture.function(&[]).await?;
    let reason = r#"\""#.repeat(1_000);
    let answer = outcome(&function, &json!({ "state": "on", "reason": reason })).await?;
    assert_eq!(read(&answer), "applied applied");
    assert_eq!(fixture.audit().await?, ["applied applied"]);
    assert!(answer.to_string().len() < 100_000, "{}", answer.to_string().len());
    for item in time::items(&fixture.sandbox).await? {
        let size: usize = item.values().filter_map(|value| value.as_s().ok()).map(String::len).sum();
        assert!(size < 100_000, "{} {} has {size} bytes", time::text(&item, "pk"), time::text(&item, "sk"));
    }
    Ok(())
}
