//! A storm of events that are refused for several reasons, one between the others: people hear of each reason once.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::*;

/// How many alarms come to each remedy.
const ALARMS: usize = 40;

/// An alarm that is refused, and the code.
fn refused(task: &str, number: usize) -> (Value, &'static str) {
    let name = format!("{task}-{number}");
    let staging = [("ClusterName", "lendpeak2-staging"), ("ServiceName", SERVICE)];
    let now = Timestamp::now();
    let metric = if task == "rollback" { ERRORS } else { CPU };
    let other = [("LoadBalancer", "app/someone-elses/aaaaaaaaaaaaaaaa")];
    let of_another: &[(&str, &str)] = if task == "rollback" { &other } else { &staging };
    match number % 4 {
        0 => (stack::alarm(&name, metric, &OF_SERVICE, now), "alarm_unknown"),
        1 => (stack::alarm(&name, metric, of_another, now), "another"),
        2 => (stack::alarm(&name, metric, &OF_SERVICE, now - SignedDuration::from_hours(1)), "event_too_old"),
        _ => {
            let event = stack::alarm(&name, metric, &OF_SERVICE, now).to_string();
            let event = event.replace("us-east-1:000000000000:alarm:", "eu-west-1:999999999999:alarm:");
            (event.parse().unwrap_or_default(), "not_of_this_account")
        }
    }
}

/// One after the other, and the same once more, as Lambda and SNS may bring them.
#[tokio::test]
async fn of_forty_refused_alarms_to_each_remedy_people_hear_each_reason_once() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    fixture.sandbox.release(&[]).await?;
    let mut storms = JoinSet::new();
    for task in remedies() {
        let function = fixture.a(task, &[]).await?;
        storms.spawn(async move {
            let mut codes = Vec::new();
            for number in (0..ALARMS).chain(0..ALARMS) {
                let answer = outcome(&function, &refused(task, number).0).await?;
                ensure!(answer["decision"] == "refused", "{task} {number}: {answer:#}");
                codes.push(answer["code"].as_str().unwrap_or_default().to_owned());
            }
            anyhow::Ok((task, codes))
        });
    }
    let mut reasons = BTreeMap::new();
    for ended in storms.join_all().await {
        let (task, codes) = ended?;
        for code in codes {
            *reasons.entry((task, code)).or_insert(0) += 1;
        }
    }
    assert_eq!(fixture.changes(), Vec::<String>::new());
    let told = fixture.told();
    assert!(told.len() <= reasons.len(), "{} notices for {reasons:#?}", told.len());
    Ok(())
}

/// As many as Lambda lets run at once bring the same news.
#[tokio::test]
async fn of_alarms_that_are_refused_at_once_people_hear_once() -> Test {
    const AT_ONCE: usize = 4;
    let fixture = Fixture::start("scale-up").await?;
    let mut storm = JoinSet::new();
    for one in 0..AT_ONCE {
        let function = fixture.a("scale-up", &[]).await?;
        storm.spawn(async move {
            for number in 0..10 {
                let event = stack::alarm(&format!("x-{one}-{number}"), CPU, &OF_SERVICE, Timestamp::now());
                outcome(&function, &event).await?;
            }
            anyhow::Ok(())
        });
    }
    storm.join_all().await.into_iter().collect::<Test>()?;
    assert_eq!(fixture.told().len(), 1, "{:#?}", fixture.told());
    Ok(())
}
