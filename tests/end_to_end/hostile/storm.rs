//! A storm of events that are refused: people hear of each reason once, and nothing is touched.

use tokio::task::JoinSet;

use super::*;

/// How many alarms come to each remedy.
const ALARMS: usize = 40;
/// How many of them come once more.
const AGAIN: usize = 10;
/// As large as an answer may be that people look at.
const LARGEST: usize = 100_000;

/// One after the other, and the same once more, as SNS may bring them: each remedy is asked by alarms that nobody knows.
#[tokio::test]
async fn of_forty_alarms_that_are_refused_for_one_reason_people_hear_once_for_each_remedy() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    fixture.sandbox.release(&[]).await?;
    let mut storms = JoinSet::new();
    for task in remedies() {
        let function = fixture.a(task, &[]).await?;
        let metric = if task == "rollback" { ERRORS } else { CPU };
        storms.spawn(async move {
            for number in (0..ALARMS).chain(0..AGAIN) {
                let event = stack::alarm(&format!("{task}-{number}"), metric, &OF_SERVICE, Timestamp::now());
                let answer = outcome(&function, &event).await?;
                ensure!(read(&answer) == "refused alarm_unknown", "{task} {number}: {answer:#}");
                ensure!(answer.to_string().len() < LARGEST, "{task}: {} bytes", answer.to_string().len());
            }
            anyhow::Ok(())
        });
    }
    storms.join_all().await.into_iter().collect::<Test>()?;
    assert_eq!(fixture.changes(), Vec::<String>::new());
    for task in remedies() {
        assert_eq!(fixture.told_of(&format!("] {task} refused")), 1, "{:?}", fixture.told());
    }
    is_untouched(&fixture).await
}

/// There is at most what people were told.
async fn is_untouched(fixture: &Fixture) -> Test {
    for item in time::items(&fixture.sandbox).await? {
        let (pk, sk) = (time::text(&item, "pk"), time::text(&item, "sk"));
        let is_known = pk.starts_with("event#") && sk.starts_with("refused#");
        let kinds = ["target#", "event#", "approval#", "release#"];
        ensure!(is_known || !kinds.iter().any(|kind| pk.starts_with(kind)), "{pk} {sk}");
    }
    Ok(())
}

#[tokio::test]
async fn of_a_hundred_slips_of_a_person_nobody_else_hears() -> Test {
    const SLIPS: usize = 100;
    let fixture = Fixture::start("scale-up").await?;
    fixture.sandbox.release(&[]).await?;
    let mut functions = Vec::new();
    for task in remedies() {
        functions.push((task, fixture.a(task, &[]).await?));
    }
    for number in 0..SLIPS {
        let (task, function) = &functions[number % functions.len()];
        let slip = match number % 5 {
            0 => json!({ "reasn": format!("slip {number}") }),
            1 => json!({ "approve": format!("{number:012}") }),
            2 => json!({ "to": format!("other-family:{number}"), "desired_count": 4_000 }),
            3 => json!({ "reason": "x".repeat(3_000 + number) }),
            _ => json!([format!("slip {number}")]),
        };
        let answer = function.invoke(slip.to_string(), stack::DEADLINE).await;
        match answer {
            sandbox::runtime_api::Answer::Err { error_message, .. } => {
                ensure!(error_message.len() < LARGEST / 10, "{task}: {error_message}");
            }
            sandbox::runtime_api::Answer::Ok(answer) => {
                ensure!(answer["decision"] == "refused", "{task}: {answer:#}");
                ensure!(answer.to_string().len() < LARGEST, "{task}: {answer:#}");
            }
            other => anyhow::bail!("{task}: {other:?}"),
        }
    }
    // What is well-formed and not allowed has its answer too.
    for (task, request) in [
        ("scale-up", json!({ "service": "frontend" })),
        ("scale-up", json!({ "desired_count": 4_000 })),
        ("rollback", json!({ "to": release(99) })),
        ("rollback", json!({ "to": "other-family:1" })),
    ] {
        for _ in 0..5 {
            let (_, function) =
                functions.iter().find(|(other, _)| *other == task).context("no such remedy")?;
            assert_eq!(outcome(function, &request).await?["decision"], "refused", "{request}");
        }
    }
    assert_eq!(fixture.told(), Vec::<String>::new());
    assert_eq!(fixture.changes(), Vec::<String>::new());
    is_untouched(&fixture).await
}
