//! One test a drill.

use super::*;

#[test]
fn each_drill_is_found_by_its_name() {
    for drill in Drill::ALL {
        assert_eq!(Drill::named(drill.name()), Some(drill));
    }
    assert_eq!(Drill::named("nothing"), None);
}

#[tokio::test]
async fn a_bad_release_is_rolled_back() -> Test {
    let found = play(Drill::BadRelease).await?;
    assert_eq!(found.pointer("/remedy/send"), Some(&json!({ "to": "previous" })));
    Ok(())
}

#[tokio::test]
async fn a_load_spike_ends_with_more_tasks() -> Test {
    play(Drill::LoadSpike).await?;
    Ok(())
}

#[tokio::test]
async fn tasks_killed_for_their_memory_are_for_development() -> Test {
    let found = play(Drill::OutOfMemory).await?;
    assert!(found.to_string().contains("give the tasks more memory"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn a_deleted_secret_is_for_devops_to_restore() -> Test {
    let found = play(Drill::SecretDeleted).await?;
    assert!(found.to_string().contains("aws secretsmanager restore-secret"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_down_is_for_devops() -> Test {
    play(Drill::DatabaseDown).await?;
    Ok(())
}

#[tokio::test]
async fn an_expired_certificate_is_for_devops() -> Test {
    let found = play(Drill::CertificateExpired).await?;
    assert!(found.to_string().contains("expired 2 days ago"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn one_bad_target_is_good_after_a_restart() -> Test {
    play(Drill::OneBadTarget).await?;
    Ok(())
}

#[tokio::test]
async fn a_404_that_cloudfront_keeps_goes_with_an_invalidation() -> Test {
    play(Drill::CdnStale).await?;
    Ok(())
}

#[tokio::test]
async fn an_alarm_that_flaps_is_no_reason_to_act() -> Test {
    play(Drill::FlappingAlarm).await?;
    Ok(())
}

#[tokio::test]
async fn an_alarm_about_a_service_that_is_well_is_no_reason_to_act() -> Test {
    play(Drill::HealthyService).await?;
    Ok(())
}
