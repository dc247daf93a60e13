//! What was restored is compared with everything that was approved.

use super::*;

/// A source that says every setting.
fn source() -> Cluster {
    let text = |text: &str| Some(text.to_owned());
    let mut source = cluster(SOURCE, &["available", "available"]);
    source.settings = ClusterSettings {
        port: Some(27_018),
        log_exports: vec!["audit".to_owned(), "profiler".to_owned()],
        storage_type: text("iopt1"),
        network_type: text("DUAL"),
        copy_tags_to_snapshot: Some(true),
        backup_retention_days: Some(7),
        backup_window: text("03:00-03:30"),
        maintenance_window: text("sun:05:00-sun:05:30"),
        serverless: Some([0.5, 8.0]),
        ..source.settings
    };
    for instance in &mut source.instances {
        instance.settings = InstanceSettings {
            promotion_tier: Some(1),
            maintenance_window: text("sun:04:00-sun:04:30"),
            auto_minor_version_upgrade: Some(true),
            copy_tags_to_snapshot: Some(false),
            ca_certificate: text("rds-ca-rsa2048-g1"),
            performance_insights: Some(true),
            performance_insights_key: text("key"),
            ..std::mem::take(&mut instance.settings)
        };
    }
    source
}

fn approved() -> Restore {
    Restore::new(&source(), of("new", HOUR * 3), &BTreeMap::new(), now())
}

/// As it should be.
fn made() -> Cluster {
    let mut made = Cluster { name: restore_id(), ..source() };
    for (number, instance) in made.instances.iter_mut().enumerate() {
        instance.settings.name = name::of_instance(&restore_id(), number + 1);
    }
    made
}

#[track_caller]
fn differs(change: impl FnOnce(&mut Cluster), expected: &str) {
    let mut cluster = made();
    change(&mut cluster);
    assert_eq!(approved().differences(&cluster), [expected]);
    // And that is what the hand-over says.
    let observed = Observed { restored: vec![cluster], ..Observed::default() };
    let progress = Progress { restore: approved(), begun_at: now(), tried: vec!["settings".to_owned()] };
    let plan = planned(&observed, &asks(Goal::LookAfter), Some(progress.until(now() + HOUR)));
    let stop = plan.skipped.unwrap();
    assert_eq!(stop.code.name(), "handed_over_with_differences");
    assert!(stop.reason.contains(expected), "{}", stop.reason);
}

#[test]
fn a_cluster_that_is_as_its_source_does_not_differ() {
    assert_eq!(approved().differences(&made()), [""; 0]);
    // The order says nothing.
    let mut other = made();
    other.settings.log_exports.reverse();
    assert_eq!(approved().differences(&other), [""; 0]);
}

#[test]
fn every_setting_that_was_not_taken_is_told_with_both_values() {
    let text = |text: &str| Some(text.to_owned());
    let set = |text: &mut String, value: &str| value.clone_into(text);
    differs(|it| set(&mut it.settings.engine, "other"), "the engine is other instead of docdb");
    differs(
        |it| set(&mut it.settings.engine_version, "4.0.0"),
        "the engine's version is 4.0.0 instead of 5.0.0",
    );
    differs(
        |it| set(&mut it.settings.subnet_group, "default"),
        "the subnet group is default instead of production",
    );
    differs(
        |it| set(&mut it.settings.parameter_group, "default"),
        "the parameter group is default instead of production",
    );
    differs(|it| it.settings.security_groups.clear(), "the security groups is none instead of sg-1");
    differs(
        |it| drop(it.settings.log_exports.pop()),
        "the log exports is audit instead of audit and profiler",
    );
    differs(|it| it.settings.kms_key = text("other"), &format!("the KMS key is other instead of {KEY}"));
    differs(
        |it| it.settings.storage_type = text("standard"),
        "the storage type is standard instead of iopt1",
    );
    // AWS does not always tell the usual one.
    differs(|it| it.settings.storage_type = None, "the storage type is standard instead of iopt1");
    differs(|it| it.settings.network_type = None, "the network type is IPV4 instead of DUAL");
    differs(|it| it.settings.serverless = None, "the serverless capacity is none instead of 0.5 to 8");
    differs(|it| it.deletion_protection = false, "the deletion protection is off instead of on");
    differs(|it| it.settings.port = Some(27_017), "the port is 27017 instead of 27018");
    differs(|it| it.settings.backup_retention_days = Some(1), "the days of backups is 1 instead of 7");
    differs(|it| it.settings.backup_window = None, "the backup window is none instead of 03:00-03:30");
    differs(
        |it| it.settings.maintenance_window = text("mon:05:00-mon:05:30"),
        "the maintenance window is mon:05:00-mon:05:30 instead of sun:05:00-sun:05:30",
    );
    differs(
        |it| it.settings.copy_tags_to_snapshot = Some(false),
        "the copying of tags to snapshots is off instead of on",
    );
}

#[test]
fn every_setting_of_an_instance_that_was_not_taken_is_told_too() {
    let differs = |change: fn(&mut Instance), what: &str, is: &str, wanted: &str| {
        let expected = format!("{what} of {}-2 is {is} instead of {wanted}", restore_id());
        differs(|it| change(&mut it.instances[1]), &expected);
    };
    differs(
        |it| "db.t3.medium".clone_into(&mut it.settings.class),
        "the class",
        "db.t3.medium",
        "db.r6g.large",
    );
    differs(|it| "4.0.0".clone_into(&mut it.engine_version), "the version", "4.0.0", "5.0.0");
    differs(|it| it.settings.zone = None, "the zone", "none", "us-east-12");
    differs(|it| it.settings.promotion_tier = Some(15), "the promotion tier", "15", "1");
    differs(|it| it.settings.ca_certificate = None, "the CA certificate", "none", "rds-ca-rsa2048-g1");
    differs(
        |it| it.settings.maintenance_window = None,
        "the maintenance window",
        "none",
        "sun:04:00-sun:04:30",
    );
    differs(
        |it| it.settings.auto_minor_version_upgrade = Some(false),
        "the upgrade to minor versions",
        "off",
        "on",
    );
    differs(
        |it| it.settings.copy_tags_to_snapshot = Some(true),
        "the copying of tags to snapshots",
        "on",
        "off",
    );
    differs(|it| it.settings.performance_insights = None, "Performance Insights", "none", "on");
    differs(
        |it| it.settings.performance_insights_key = None,
        "the key of Performance Insights",
        "none",
        "key",
    );
    let mut cluster = made();
    cluster.instances.truncate(1);
    let missing = format!("the instance is missing instead of {}-2", restore_id());
    assert_eq!(approved().differences(&cluster), [missing]);
}

#[test]
fn what_the_source_does_not_say_is_left_to_aws() {
    let plain = cluster(SOURCE, &["available"]);
    let approved = Restore::new(&plain, of("new", HOUR * 3), &BTreeMap::new(), now());
    let mut made = cluster(&restore_id(), &["available"]);
    made.settings.port = Some(27_017);
    made.settings.backup_window = Some("03:00-03:30".to_owned());
    made.settings.storage_type = Some("standard".to_owned());
    made.settings.network_type = Some("IPV4".to_owned());
    made.instances[0].settings.ca_certificate = Some("rds-ca-rsa2048-g1".to_owned());
    assert_eq!(approved.differences(&made), [""; 0]);
}

#[test]
fn who_asks_again_after_the_hand_over_is_told_what_differs_from_the_source_now() {
    let handed_over = |source: Option<Cluster>, change: fn(&mut Cluster)| {
        let mut cluster = made();
        change(&mut cluster);
        let observed = Observed { source, restored: vec![cluster], ..Observed::default() };
        planned(&observed, &asks(Goal::Continue(restore_id())), None).skipped.unwrap()
    };
    let standard = |it: &mut Cluster| it.settings.storage_type = None;
    assert_eq!(handed_over(Some(source()), |_| {}).code.name(), "handed_over");
    let stop = handed_over(Some(source()), standard);
    assert_eq!(stop.code.name(), "handed_over_with_differences");
    assert!(stop.reason.contains("the storage type is standard instead of iopt1"), "{}", stop.reason);
    let stop = handed_over(None, standard);
    assert_eq!(stop.code.name(), "handed_over");
    assert!(stop.reason.contains("compared with its source's when it was handed over"), "{}", stop.reason);
}
