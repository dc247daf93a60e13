//! The ten drills from end to end with nobody typing: an alarm opens one incident, one execution handles it, only the
//! remedy that is right acts, and people are told once that it began and once how it ended.

use anyhow::ensure;
use drills::{Drill, Ended, Played};
use sandbox::{deploy::PASSWORD, notices::Notice};

type Test = anyhow::Result<()>;

/// A small phone's screen, and as far as anybody scrolls at night.
const COLUMNS: usize = 42;
const LINES: usize = 40;

async fn play(drill: Drill) -> anyhow::Result<Played> {
    let played = drills::play(drill, "auto", &mut |_| ()).await?;
    ensure!(played.faults().is_empty(), "{:#?}\n{}\n{:?}", played.faults(), played.report, played.states);
    told(&played)?;
    if !drill.is_well() {
        ensure!(played.failed_at.is_some(), "the probe never failed");
    }
    Ok(played)
}

/// Each level hears what it is to hear, in words that it may hear, on a phone.
fn told(played: &Played) -> Test {
    let heard = |level: u8| -> Vec<&str> {
        let notices = played.notices.iter().filter(|notice| notice.level == level);
        notices.filter_map(Notice::word).collect()
    };
    let (end, highest) = match played.ended {
        Ended::Resolved => ("RESOLVED", 1),
        Ended::Escalated { level } => ("ESCALATED", level),
        Ended::Open => anyhow::bail!("it is still open"),
    };
    for level in 1..=3 {
        let expected = match level {
            1 => vec!["OPEN", end],
            _ if level <= highest => vec![end],
            _ => Vec::new(),
        };
        // The alarm on the whole service may ring after the probe's: that makes the incident critical, once.
        let (worse, other): (Vec<&str>, Vec<&str>) =
            heard(level).into_iter().partition(|word| *word == "WORSE");
        ensure!(other == expected && worse.len() <= 1, "level {level} heard {:#?}", played.notices);
    }
    for notice in &played.notices {
        let all = format!("{} {}", notice.subject, notice.text);
        ensure!(!all.contains(PASSWORD), "a notice tells the password: {notice:#?}");
        let fits = notice.word().is_none() || notice.lines(COLUMNS) <= LINES;
        ensure!(fits, "{} lines on a phone: {notice:#?}", notice.lines(COLUMNS));
    }
    ensure!(!played.report.contains(PASSWORD), "the report tells the password: {}", played.report);
    Ok(())
}

#[tokio::test]
async fn a_bad_release_is_taken_back() -> Test {
    play(Drill::BadRelease).await?;
    Ok(())
}

#[tokio::test]
async fn a_load_spike_gets_more_tasks() -> Test {
    play(Drill::LoadSpike).await?;
    Ok(())
}

#[tokio::test]
async fn tasks_killed_for_their_memory_go_to_development() -> Test {
    play(Drill::OutOfMemory).await?;
    Ok(())
}

#[tokio::test]
async fn a_deleted_secret_goes_to_devops() -> Test {
    play(Drill::SecretDeleted).await?;
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_down_goes_to_devops() -> Test {
    play(Drill::DatabaseDown).await?;
    Ok(())
}

#[tokio::test]
async fn an_expired_certificate_goes_to_devops() -> Test {
    play(Drill::CertificateExpired).await?;
    Ok(())
}

#[tokio::test]
async fn one_bad_target_is_replaced() -> Test {
    play(Drill::OneBadTarget).await?;
    Ok(())
}

#[tokio::test]
async fn a_404_that_cloudfront_keeps_is_cleared() -> Test {
    play(Drill::CdnStale).await?;
    Ok(())
}

#[tokio::test]
async fn an_alarm_that_flaps_changes_nothing() -> Test {
    play(Drill::FlappingAlarm).await?;
    Ok(())
}

#[tokio::test]
async fn an_alarm_about_a_service_that_is_well_changes_nothing() -> Test {
    play(Drill::HealthyService).await?;
    Ok(())
}

/// Nobody's mode is overruled: people get the cause, and the JSON to send.
#[tokio::test]
async fn in_observe_mode_nothing_is_changed_and_people_get_the_json_to_send() -> Test {
    let played = drills::play(Drill::BadRelease, "observe", &mut |_| ()).await?;
    ensure!(played.changed_by.is_empty(), "changed by {:?}", played.changed_by);
    ensure!(matches!(played.ended, Ended::Escalated { .. }) && played.is_cause_right(), "{}", played.report);
    told(&played)?;
    let escalated = played.notices.iter().find(|notice| notice.word() == Some("ESCALATED"));
    let send = r#"rollback: {"to":"previous"}"#;
    ensure!(escalated.is_some_and(|notice| notice.text.contains(send)), "{:#?}", played.notices);
    Ok(())
}
