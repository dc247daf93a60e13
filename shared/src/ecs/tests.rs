use super::*;

fn deployment(status: &str, rollout: &str) -> Deployment {
    let running_count = 2;
    Deployment {
        status: status.to_owned(),
        rollout: rollout.to_owned(),
        running_count,
        ..Deployment::default()
    }
}

fn service(deployments: Vec<Deployment>, stage: Option<Stage>) -> Service {
    Service { desired_count: 2, running_count: 2, deployments, stage, ..Service::default() }
}

fn stage(name: &str, status: &str) -> Stage {
    let (strategy, name, status) = ("LINEAR".to_owned(), name.to_owned(), status.to_owned());
    Stage { strategy, name, status, since: None, ends_at: None, hooks: Vec::new(), pauses: false }
}

#[test]
fn a_service_is_steady_once_its_deployment_has_ended_well_or_moved_all_traffic() {
    let (done, under_way) = (deployment("PRIMARY", "COMPLETED"), deployment("PRIMARY", "IN_PROGRESS"));
    let before = deployment("ACTIVE", "COMPLETED");
    assert!(service(vec![done.clone()], None).is_steady());
    assert!(!service(vec![under_way.clone()], None).is_steady());
    assert!(!service(vec![done, before.clone()], None).is_steady());
    // Behind a Classic Load Balancer, ECS does not say how the roll-out stands.
    assert!(service(vec![deployment("PRIMARY", "")], None).is_steady());
    assert!(!service(vec![deployment("PRIMARY", ""), before.clone()], None).is_steady());
    assert!(!service(Vec::new(), None).is_steady());
    let staged = |name, status| service(vec![under_way.clone(), before.clone()], Some(stage(name, status)));
    for (name, steady) in [
        ("SCALE_UP", false),
        ("PRODUCTION_TRAFFIC_SHIFT", false),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", true),
        ("BAKE_TIME", true),
        ("CLEAN_UP", true),
        ("A_NEWER_STAGE", false),
    ] {
        assert_eq!(staged(name, "IN_PROGRESS").is_steady(), steady, "{name}");
        assert!(!staged(name, "ROLLBACK_IN_PROGRESS").is_steady(), "{name}");
    }
    let short = Service { desired_count: 3, ..staged("BAKE_TIME", "IN_PROGRESS") };
    assert!(!short.is_steady());
}

#[test]
fn what_a_service_names_is_looked_for_in_what_it_would_run() {
    let text = |text: &str| text.to_owned();
    let needs =
        Needs { ports: vec![(text("app"), 80)], port_names: vec![text("api")], volumes: vec![text("data")] };
    let offers = Offers {
        ports: needs.ports.clone(),
        port_names: needs.port_names.clone(),
        volumes: needs.volumes.clone(),
    };
    assert_eq!(needs.missing_in(&offers), None);
    assert_eq!(Needs::default().missing_in(&Offers::default()), None);
    let lacks = |change: fn(&mut Offers)| {
        let mut offers = offers.clone();
        change(&mut offers);
        needs.missing_in(&offers).unwrap_or_default()
    };
    assert_eq!(lacks(|offers| offers.ports = vec![("app".to_owned(), 8080)]), "container app with port 80");
    assert_eq!(lacks(|offers| offers.port_names.clear()), "port api");
    assert_eq!(lacks(|offers| offers.volumes.clear()), "volume data, configured at launch");
}
