//! What `make peer` tries, the quicker part; and moto itself.

use std::time::{Duration, Instant};

use anyhow::Context;
use sandbox::gateway::{DIFFERENCES, Gateway, Instead};
use sandbox::moto::Moto;
use scenarios::peer::{self, Row};
use scenarios::scenario::Scenario;
use serde_json::{Value, json};
use tokio::net::TcpStream;

type Test = anyhow::Result<()>;

/// What was not as expected.
async fn play(function: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let scenario = Scenario::named(function).with_context(|| format!("there is no {function}"))?;
    peer::play(scenario, &mut rows).await?;
    anyhow::ensure!(!rows.is_empty(), "{function} was asked nothing");
    rows.retain(|row| !row.is_ok());
    Ok(rows)
}

#[tokio::test]
async fn one_alarm_by_three_routes_scales_once() -> Test {
    assert_eq!(play("scale-up").await?, []);
    Ok(())
}

#[tokio::test]
async fn a_frozen_copy_differs_from_its_release_in_the_variable_alone() -> Test {
    assert_eq!(play("write-freeze").await?, []);
    Ok(())
}

#[tokio::test]
async fn an_incident_goes_from_its_alarm_to_its_end() -> Test {
    assert_eq!(play("incident").await?, []);
    Ok(())
}

/// What a newer moto does itself is not to be kept from it.
#[tokio::test]
async fn moto_does_not_answer_what_it_is_said_to_lack_of_ecs() -> Test {
    let moto = Moto::start().await?;
    let gateway = Gateway::start_before_moto(moto.address()).await?;
    assert_ne!(gateway.ask_ecs("ListClusters", &json!({})).await, Value::Null);
    for difference in &DIFFERENCES {
        if difference.service == "ecs" && difference.instead == Instead::Gateway {
            let answer = gateway.ask_ecs(difference.operation, &json!({})).await;
            assert_eq!(answer, Value::Null, "{}", difference.operation);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_moto_ends_when_it_is_dropped_and_leaves_no_files() -> Test {
    let moto = Moto::start().await?;
    let (address, directory) = (moto.address().to_owned(), moto.directory().to_owned());
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    TcpStream::connect(&address).await?;
    drop(moto);
    let dropped = Instant::now();
    while TcpStream::connect(&address).await.is_ok() {
        assert!(dropped.elapsed() < Duration::from_secs(10), "{address} still answers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!directory.exists());
    Ok(())
}
