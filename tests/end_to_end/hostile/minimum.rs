//! A minimum that was raised comes back to what it was, unless somebody has had another word on it since.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::*;

#[tokio::test]
async fn a_minimum_that_somebody_set_since_stays() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    let function = fixture.function(&[("COOLDOWN_SECONDS", "0")]).await?;
    let minimum = || fixture.sandbox.gateway.scalable_targets()[0].minimum;
    let register = |minimum: i32| {
        let register = fixture.sandbox.clients.autoscaling.register_scalable_target();
        let register = register.service_namespace(ServiceNamespace::Ecs).resource_id(TARGET);
        register.scalable_dimension(ScalableDimension::EcsServiceDesiredCount).min_capacity(minimum).send()
    };
    for (tasks, set) in [(3, 8), (4, 1), (5, 2)] {
        let before = minimum();
        assert_eq!(decision(&function, &json!({ "by": 1 })).await?, "applied applied");
        assert_eq!(minimum(), tasks, "it was {before}");
        register(set).await?;
        fixture.change(&of_service(), "scale-up#follow-up", "due", json!("2026-01-01T00:00:00Z")).await?;
        let changes = fixture.changes();
        let answer = outcome(&function, &tick()).await?;
        assert_eq!(minimum(), i64::from(set), "{answer:#}");
        assert_eq!(fixture.changes(), changes);
        // It is looked after no more.
        assert_eq!(fixture.item(&of_service(), "scale-up#follow-up").await?, None);
        assert_eq!(decision(&function, &tick()).await?, "nothing_to_do no_minimum_raised");
        register(2).await?;
    }
    Ok(())
}
