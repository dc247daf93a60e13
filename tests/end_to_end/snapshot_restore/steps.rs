//! The whole way of a restore, step by step.

use super::*;

#[tokio::test]
async fn an_approved_restore_gets_what_its_source_has_and_is_handed_over() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    docdb(&stack).set_times(Duration::from_millis(400), Duration::from_millis(400));
    let asked = whole(&function, &latest()).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed", "{asked:#}");
    assert!(text(&asked, "/summary").contains("would lack all writes of 3 h 12 min, since"), "{asked:#}");
    for said in [
        "is 3 h 12 min old",
        "with 2 × db.r6g.large, docdb 5.0.0",
        "security groups sg-0123456789abcdef0 and sg-0fedcba9876543210",
        "parameter group lendpeak2-production-docdb5",
        "subnet group lendpeak2-production-db",
        "KMS key arn:aws:kms:",
        "about $0.53 an hour",
        "20 to 60 minutes",
    ] {
        assert!(details(&asked).contains(said), "{said}: {asked:#}");
    }
    let id = id(&asked["plan"]["actions"]);
    assert!(docdb(&stack).restored().is_empty());
    let begun = outcome(&function, &asked["next"]["send"]).await?;
    assert_eq!(read(&begun), "applied applied", "{begun:#}");
    assert_eq!(begun["verification"]["verified"], true, "{begun:#}");

    let done = finish(&function, &id).await?;
    assert_eq!(read(&done), "nothing_to_do handed_over", "{done:#}");
    assert!(text(&done, "/reason").contains(&endpoint(&id)), "{done:#}");
    assert_eq!(done["next"]["send"], json!({ "cut_over": id }));
    let what = text(&done, "/next/what");
    assert!(what.contains("sets `host` in secret lendpeak2-production-db-credentials to"), "{what}");

    let clusters = docdb(&stack).restored();
    let [cluster] = clusters.as_slice() else { panic!("{clusters:#?}") };
    let source = docdb(&stack).cluster(SOURCE).unwrap();
    assert_eq!((&cluster.name, cluster.status), (&id, "available"));
    assert_eq!(cluster.fields, source.fields);
    assert_eq!(cluster.security_groups, source.security_groups);
    assert_eq!(cluster.log_exports, source.log_exports);
    assert_eq!(cluster.tags["Project"], "LendPeak2");
    let tag = |name: &str| cluster.tags[&format!("lendpeak2:{name}")].clone();
    assert_eq!([tag("restore-of"), tag("restore-id")], [SOURCE.to_owned(), id.clone()]);
    assert!(tag("restored-from").starts_with("rds:lendpeak2-production-"), "{cluster:#?}");
    let (writer, reader) = (format!("{id}-1"), format!("{id}-2"));
    let class = "db.r6g.large";
    assert_eq!(instances(cluster), [[&writer, class, "us-east-1a"], [&reader, class, "us-east-1b"]]);

    assert_source_untouched(&stack);
    assert_eq!(secret(&stack).await?.0, endpoint(SOURCE));
    // It stays handed over, whoever asks again.
    let again = json!({ "continue": id });
    assert_eq!(decision(&function, &again).await?, "nothing_to_do handed_over");
    assert_eq!(stack.item(&format!("target#{SOURCE_TARGET}"), "snapshot-restore#follow-up").await?, None);
    Ok(())
}

#[tokio::test]
async fn the_reader_is_not_made_before_the_writer_is_available() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    let next = json!({ "continue": id });
    // AWS does not take backup times with a restore.
    let settings = outcome(&function, &next).await?;
    assert!(text(&settings, "/steps/0/action").contains("parameter group"), "{settings:#}");
    docdb(&stack).set_times(Duration::ZERO, Duration::from_mins(1));
    let writer = outcome(&function, &next).await?;
    assert!(text(&writer, "/steps/0/action").contains(&format!("create instance {id}-1")), "{writer:#}");
    assert_eq!(decision(&function, &next).await?, "nothing_to_do instances_creating");
    assert_eq!(stack.count("rds CreateDBInstance"), 1);
    docdb(&stack).set_times(Duration::ZERO, Duration::ZERO);
    assert_eq!(decision(&function, &next).await?, "applied applied");
    assert_eq!(decision(&function, &next).await?, "nothing_to_do handed_over");
    assert_eq!(stack.count("rds CreateDBInstance"), 2);
    Ok(())
}

#[tokio::test]
async fn a_point_in_time_gets_the_parameter_group_that_aws_does_not_take_with_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let an_hour_ago = jiff::Timestamp::now() - Duration::from_hours(1);
    for request in [json!({ "point_in_time": "latest" }), json!({ "point_in_time": an_hour_ago.to_string() })]
    {
        let id = restored(&function, &request).await?;
        let cluster = docdb(&stack).cluster(&id).unwrap();
        assert_eq!(cluster.fields, docdb(&stack).cluster(SOURCE).unwrap().fields);
        // Names are a second apart.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    assert_eq!(stack.count("rds RestoreDBClusterToPointInTime"), 2);
    assert_source_untouched(&stack);
    Ok(())
}

#[tokio::test]
async fn the_schedule_takes_the_steps_too() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(read(&outcome(&function, &tick()).await?["outcomes"][0]));
    }
    let steps = ["applied applied"; 3];
    assert_eq!(told, [&steps[..], &["nothing_to_do handed_over"]].concat());
    assert_eq!(instances(&docdb(&stack).cluster(&id).unwrap()).len(), 2);
    let idle = outcome(&function, &tick()).await?;
    let both = [&idle["outcomes"][0], &idle["outcomes"][1]].map(read);
    assert_eq!(both, ["nothing_to_do nothing_under_way"; 2].map(str::to_owned));
    let audit = stack.audit().await?;
    let expected = ["awaiting_approval approval_needed", "applied applied"];
    assert_eq!(audit, [&expected[..], &steps, &["nothing_to_do handed_over"]].concat());
    Ok(())
}

#[tokio::test]
async fn one_restore_at_a_time_and_a_second_one_after_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    let refused = outcome(&function, &json!({ "snapshot": "before-release-42" })).await?;
    assert_eq!(read(&refused), "refused restore_in_progress");
    assert_eq!(refused["next"]["send"], json!({ "continue": id }));
    assert_eq!(read(&finish(&function, &id).await?), "nothing_to_do handed_over");
    let (_, plan) = ask(&function, &json!({ "snapshot": "before-release-42" })).await?;
    assert!(text(&plan, "/0/create_cluster/origin/snapshot/id") == "before-release-42", "{plan:#}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_done_in_time_is_given_up_and_says_what_is_left_behind() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    docdb(&stack).set_times(Duration::from_hours(9), Duration::ZERO);
    let id = id(&approved(&function, &latest()).await?);
    assert_eq!(decision(&function, &json!({ "continue": id })).await?, "nothing_to_do cluster_creating");
    let (pk, sk) = (format!("target#{SOURCE_TARGET}"), "snapshot-restore#follow-up");
    let mut follow_up = stack.data(&pk, sk).await?;
    follow_up["due"] = json!("2026-11-20T10:00:00Z");
    stack.put(&pk, sk, &[("due", "2026-11-20T10:00:00Z"), ("data", &follow_up.to_string())]).await?;
    let ended = outcome(&function, &tick()).await?["outcomes"][0].clone();
    assert_eq!(read(&ended), "failed not_finished", "{ended:#}");
    assert!(
        text(&ended, "/reason").contains(&format!("cluster {id} (creating) with no instance")),
        "{ended:#}"
    );
    assert_eq!(decision(&function, &json!({ "continue": id })).await?, "refused given_up");
    let report = outcome(&function, &json!({ "report": id })).await?;
    assert_eq!(read(&report), "listed left_behind");
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_somebody_deletes_is_not_made_again() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    docdb(&stack).remove_cluster(&id);
    // At first it may only not be listed yet.
    assert_eq!(decision(&function, &json!({ "continue": id })).await?, "nothing_to_do cluster_creating");
    let (pk, sk) = (format!("target#{SOURCE_TARGET}"), "snapshot-restore#follow-up");
    let what = stack.data(&pk, sk).await?["what"].clone();
    let mut older = what;
    older["begun_at"] = json!("2026-11-20T10:00:00Z");
    stack.change(&pk, sk, "what", older).await?;
    assert_eq!(decision(&function, &json!({ "continue": id })).await?, "failed cluster_gone");
    assert_eq!(stack.count("rds RestoreDBClusterFromSnapshot"), 1);
    let report = outcome(&function, &json!({ "report": id })).await?;
    assert_eq!(read(&report), "refused nothing_left_behind");
    Ok(())
}

#[tokio::test]
async fn settings_that_aws_does_not_heed_are_told_with_the_hand_over_and_after_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    docdb(&stack).set_field(SOURCE, "StorageType", "iopt1");
    docdb(&stack).set_certificate(&format!("{SOURCE}-2"), "rds-ca-ecc384-g1");
    let iopt1 = restored(&function, &latest()).await?;
    assert_eq!(docdb(&stack).cluster(&iopt1).unwrap().fields["StorageType"], "iopt1");
    tokio::time::sleep(Duration::from_millis(1_100)).await;

    for field in
        ["StorageType", "EnableCloudwatchLogsExports", "CACertificateIdentifier", "DeletionProtection"]
    {
        docdb(&stack).ignore(field);
    }
    let id = id(&approved(&function, &latest()).await?);
    let done = finish(&function, &id).await?;
    let again = outcome(&function, &json!({ "continue": id })).await?;
    for told in [done, again] {
        assert_eq!(read(&told), "nothing_to_do handed_over_with_differences", "{told:#}");
        for difference in [
            "the storage type is standard instead of iopt1".to_owned(),
            "the log exports is none instead of audit and profiler".to_owned(),
            "the deletion protection is off instead of on".to_owned(),
            format!("the CA certificate of {id}-2 is rds-ca-rsa2048-g1 instead of rds-ca-ecc384-g1"),
        ] {
            assert!(text(&told, "/reason").contains(&difference), "{difference}: {told:#}");
        }
        assert!(!text(&told, "/reason").contains("are as its source's"), "{told:#}");
    }
    Ok(())
}
