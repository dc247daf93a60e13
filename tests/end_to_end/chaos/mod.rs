//! `make chaos`, as much of it as a test has time for: at each call that answers the first delivery one failure, all of
//! them in turn. `make chaos` tries every failure at every call of all deliveries. A function alone is struck in its own tests.

use anyhow::Context;
use scenarios::chaos::{self, Choice, Machine, Piece, Storm};

type Test = anyhow::Result<()>;

/// A run of it takes many seconds.
async fn machine_holds(machine: Machine) -> Test {
    chaos::hold_at(Piece::Machine(machine), Choice::OneEach { most: 5 }).await
}

#[tokio::test]
async fn the_state_machine_service_down_holds_wherever_it_is_struck() -> Test {
    machine_holds(Machine::ServiceDown).await
}

#[tokio::test]
async fn the_state_machine_snapshot_restore_holds_wherever_it_is_struck() -> Test {
    machine_holds(Machine::SnapshotRestore).await
}

/// A remedy beside each of its rivals, in both orders.
async fn holds_beside_its_rivals(remedy: &str) -> Test {
    let declared = subject::named(remedy).and_then(subject::Subject::remedy);
    for rival in declared.with_context(|| format!("{remedy} is no remedy"))?.rivals {
        for name in [format!("{rival}-then-{remedy}"), format!("{remedy}-then-{rival}")] {
            let pair = Piece::named(&name).with_context(|| format!("there is no {name}"))?;
            chaos::hold_at(pair, Choice::OneEach { most: 3 }).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn scale_up_holds_beside_an_urgent_remedy_whichever_dies() -> Test {
    holds_beside_its_rivals("scale-up").await
}

/// The others, which have fewer.
#[tokio::test]
async fn each_other_remedy_holds_beside_an_urgent_one_whichever_dies() -> Test {
    for remedy in subject::remedies().filter(|remedy| remedy.name != "scale-up") {
        holds_beside_its_rivals(remedy.name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_storm_of_deliveries_comes_to_one_action() -> Test {
    let mut struck = 0;
    for scenario in chaos::struck() {
        let wrong = chaos::blow(scenario, Storm { deliveries: 80, at_once: 8 }).await?;
        assert!(wrong.is_empty(), "{}: {wrong:#?}", scenario.name());
        struck += 1;
    }
    assert!(struck > 3, "only {struck} functions");
    Ok(())
}
