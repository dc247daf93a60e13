//! The DocumentDB cluster: what can be seen of it, and what would be left after a loss.

use std::collections::BTreeSet;

use aws_sdk_docdb::types::{DbCluster, DbInstance, Filter, Parameter};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
    time,
};

const LEAST_DAYS: i32 = 7;
/// AWS says: usually within the last five minutes.
const RESTORABLE_WITHIN: SignedDuration = SignedDuration::from_mins(10);

pub(super) async fn logs(site: &Site) -> Result<Verdict, Unseen> {
    Ok(exported(site.database().await?))
}

fn name(cluster: &DbCluster) -> &str {
    cluster.db_cluster_identifier().unwrap_or_default()
}

fn modify(cluster: &DbCluster, options: &str) -> String {
    format!("aws docdb modify-db-cluster --db-cluster-identifier {} {options}", name(cluster))
}

fn exported(cluster: &DbCluster) -> Verdict {
    let exports = cluster.enabled_cloudwatch_logs_exports();
    let lacks: Vec<&str> =
        ["audit", "profiler"].into_iter().filter(|log| !exports.iter().any(|one| one == log)).collect();
    if lacks.is_empty() {
        return Verdict::ok("audit and profiler are exported to CloudWatch Logs");
    }
    let lacks = lacks.join(" and ");
    Verdict::warn(
        format!("not exported to CloudWatch Logs: {lacks}"),
        if lacks == "audit" {
            "nobody can see who changed or deleted what"
        } else {
            "diagnose cannot name the slow queries"
        },
        modify(
            cluster,
            &format!("--cloudwatch-logs-export-configuration EnableLogTypes={}", lacks.replace(" and ", ",")),
        ),
    )
}

pub(super) async fn profiler(site: &Site) -> Result<Verdict, Unseen> {
    let cluster = site.database().await?;
    let group = cluster.db_cluster_parameter_group().unwrap_or_default();
    let client = aws_sdk_docdb::Client::new(&site.config);
    let mut pages = client
        .describe_db_cluster_parameters()
        .db_cluster_parameter_group_name(group)
        .into_paginator()
        .items()
        .send();
    let mut parameters = Vec::new();
    while let Some(parameter) = pages.next().await {
        parameters.push(parameter.map_err(|error| {
            let doing = format!("read the database's parameters {group}");
            Failure::aws(doing, "rds:DescribeDBClusterParameters", &error)
        })?);
    }
    Ok(profiled(group, &parameters))
}

fn profiled(group: &str, parameters: &[Parameter]) -> Verdict {
    let value = |name: &str| {
        let found = parameters.iter().find(|one| one.parameter_name() == Some(name));
        found.and_then(|one| one.parameter_value())
    };
    if value("profiler") == Some("enabled") {
        let threshold = value("profiler_threshold_ms").unwrap_or("100");
        return Verdict::ok(format!("operations of {threshold} ms and more are noted"));
    }
    let set = |group: &str| {
        format!(
            "aws docdb modify-db-cluster-parameter-group --db-cluster-parameter-group-name {group} --parameters \
             ParameterName=profiler,ParameterValue=enabled,ApplyMethod=immediate"
        )
    };
    let mend = if group.starts_with("default.") {
        format!(
            "{}   # AWS lets nobody change {group}: give the cluster a group of its own first",
            set("<group>")
        )
    } else {
        set(group)
    };
    Verdict::warn(format!("the profiler is off in {group}"), "diagnose cannot name the slow queries", mend)
}

pub(super) async fn backups(site: &Site) -> Result<Verdict, Unseen> {
    Ok(backed_up(site.database().await?, site.now))
}

fn backed_up(cluster: &DbCluster, now: Timestamp) -> Verdict {
    let days = cluster.backup_retention_period().unwrap_or_default();
    let newest = cluster.latest_restorable_time().and_then(|at| Timestamp::from_second(at.secs()).ok());
    let Some(newest) = newest else {
        return Verdict::bad(
            "there is no time that can be restored",
            "after a loss there is nothing to go back to",
            modify(cluster, &format!("--backup-retention-period {LEAST_DAYS}")),
        );
    };
    let behind = now.duration_since(newest);
    let says = format!("kept for {days} days, and restorable up to {} ago", time::spoken(behind));
    if behind > RESTORABLE_WITHIN {
        return Verdict::warn(
            says,
            "whatever was written since then would be lost",
            format!(
                "aws docdb describe-events --source-type db-cluster --source-identifier {} --duration 1440",
                name(cluster)
            ),
        );
    }
    if days < LEAST_DAYS {
        return Verdict::warn(
            says,
            "a fault that is found after a week-end cannot be undone",
            modify(cluster, &format!("--backup-retention-period {LEAST_DAYS}")),
        );
    }
    Verdict::ok(says)
}

pub(super) async fn deletion(site: &Site) -> Result<Verdict, Unseen> {
    Ok(protected(site.database().await?))
}

fn protected(cluster: &DbCluster) -> Verdict {
    if cluster.deletion_protection().unwrap_or_default() {
        return Verdict::ok("the cluster is protected from deletion");
    }
    Verdict::warn(
        "the cluster is not protected from deletion",
        "one wrong command, or a template that is taken back, deletes the database",
        modify(cluster, "--deletion-protection"),
    )
}

pub(super) async fn zones(site: &Site) -> Result<Verdict, Unseen> {
    let cluster = site.parameter("DatabaseCluster")?;
    let client = aws_sdk_docdb::Client::new(&site.config);
    let filter = Filter::builder().name("db-cluster-id").values(cluster).build();
    let answer = client.describe_db_instances().filters(filter).send().await.map_err(|error| {
        Failure::aws(format!("read the instances of {cluster}"), "rds:DescribeDBInstances", &error)
    })?;
    Ok(spread(cluster, answer.db_instances()))
}

fn spread(cluster: &str, instances: &[DbInstance]) -> Verdict {
    let zones: BTreeSet<&str> = instances.iter().filter_map(|one| one.availability_zone()).collect();
    let says = format!(
        "{} in {}",
        if instances.len() == 1 { "1 instance".to_owned() } else { format!("{} instances", instances.len()) },
        zones.iter().copied().collect::<Vec<_>>().join(", ")
    );
    if instances.len() >= 2 && zones.len() >= 2 {
        return Verdict::ok(says);
    }
    let class = instances.first().and_then(|one| one.db_instance_class()).unwrap_or("<class>");
    Verdict::warn(
        says,
        "when that instance or zone fails, the database is away until AWS has made another instance",
        format!(
            "aws docdb create-db-instance --db-cluster-identifier {cluster} --db-instance-identifier {cluster}-{} \
             --db-instance-class {class} --engine docdb --availability-zone <another zone>",
            instances.len() + 1
        ),
    )
}

pub(super) async fn version(site: &Site) -> Result<Verdict, Unseen> {
    Ok(supported(site.database().await?, site.now))
}

/// An end of standard support that AWS has announced: the version, that day, and the last day of Extended Support. No call
/// of DocumentDB's API says it
/// (<https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-version-support-dates.html>).
const ENDS: [(&str, Date, Date); 1] = [("3.6", date(2026, 3, 30), date(2029, 3, 30))];
/// To try a new version takes a release or two.
const ANNOUNCED_FOR_DAYS: i32 = 180;

fn supported(cluster: &DbCluster, now: Timestamp) -> Verdict {
    let version = cluster.engine_version().unwrap_or_default();
    let is_it = |number: &str| {
        version.strip_prefix(number).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let Some((number, standard, extended)) = ENDS.into_iter().find(|(number, ..)| is_it(number)) else {
        return Verdict::ok(format!("DocumentDB {version}: no end of its support is known"));
    };
    let today = TimeZone::UTC.to_datetime(now).date();
    let left = standard.duration_since(today).as_hours() / 24;
    let says = if today > standard {
        format!(
            "standard support of DocumentDB {number} ended on {standard}, and Extended Support ends on {extended}"
        )
    } else {
        format!("standard support of DocumentDB {number} ends on {standard}")
    };
    if left > i64::from(ANNOUNCED_FOR_DAYS) {
        return Verdict::ok(says);
    }
    Verdict::warn(
        says,
        "AWS charges for Extended Support from then on, and afterwards raises the version itself, at a time of its own",
        format!(
            "{}   # on a restored copy first: it ends every connection, and wants a parameter group of the new version",
            modify(cluster, "--engine-version 5.0.0 --allow-major-version-upgrade --apply-immediately")
        ),
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_docdb::primitives::DateTime;

    use super::*;
    use crate::doctor::verdict::Word;

    fn now() -> Timestamp {
        "2026-12-01T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_log_that_is_not_exported_is_named() {
        let of = |logs: &[&str]| {
            let logs = logs.iter().map(|log| (*log).to_owned()).collect();
            let cluster = DbCluster::builder().db_cluster_identifier("db");
            exported(&cluster.set_enabled_cloudwatch_logs_exports(Some(logs)).build())
        };
        assert_eq!(of(&["audit", "profiler"]).word, Word::Ok);
        assert_eq!(of(&["profiler"]).costs, "nobody can see who changed or deleted what");
        assert_eq!(
            of(&[]).mend,
            "aws docdb modify-db-cluster --db-cluster-identifier db --cloudwatch-logs-export-configuration \
             EnableLogTypes=audit,profiler"
        );
    }

    #[test]
    fn the_end_of_a_versions_support_is_a_warning_half_a_year_before() {
        let of = |version: &str, today: &str| {
            let cluster = DbCluster::builder().db_cluster_identifier("db").engine_version(version).build();
            supported(&cluster, format!("{today}T10:00:00Z").parse().unwrap())
        };
        let over = of("3.6.0", "2026-12-01");
        assert_eq!(over.word, Word::Warn);
        assert_eq!(
            over.says,
            "standard support of DocumentDB 3.6 ended on 2026-03-30, and Extended Support ends on 2029-03-30"
        );
        assert!(
            over.mend
                .starts_with("aws docdb modify-db-cluster --db-cluster-identifier db --engine-version 5.0.0")
        );
        let words = ["2025-09-30", "2025-10-01", "2026-03-30"].map(|today| of("3.6.0", today).word);
        assert_eq!(words, [Word::Ok, Word::Warn, Word::Warn]);
        assert_eq!(of("3.6.0", "2026-03-30").says, "standard support of DocumentDB 3.6 ends on 2026-03-30");
        assert_eq!(
            of("5.0.0", "2026-12-01"),
            Verdict::ok("DocumentDB 5.0.0: no end of its support is known")
        );
        assert_eq!(of("3.60.0", "2026-12-01").word, Word::Ok);
    }

    #[test]
    fn a_default_group_cannot_be_changed() {
        let one = |name: &str, value: &str| {
            Parameter::builder().parameter_name(name).parameter_value(value).build()
        };
        let on = profiled("own", &[one("profiler", "enabled"), one("profiler_threshold_ms", "50")]);
        assert_eq!(on, Verdict::ok("operations of 50 ms and more are noted"));
        let off = profiled("default.docdb5.0", &[one("profiler", "disabled")]);
        assert_eq!(off.word, Word::Warn);
        assert!(off.mend.contains("a group of its own first"), "{}", off.mend);
    }

    #[test]
    fn what_can_be_restored_reaches_to_now_and_back_a_week() {
        let of = |days: i32, behind: Option<i64>| {
            let at = behind.map(|minutes| DateTime::from_secs(now().as_second() - minutes * 60));
            let cluster = DbCluster::builder().backup_retention_period(days);
            backed_up(&cluster.set_latest_restorable_time(at).build(), now())
        };
        assert_eq!(of(7, Some(5)), Verdict::ok("kept for 7 days, and restorable up to 5 min ago"));
        assert_eq!((of(1, Some(5)).word, of(7, Some(11)).word), (Word::Warn, Word::Warn));
        assert_eq!(of(0, None).word, Word::Bad);
    }

    #[test]
    fn a_cluster_stands_in_two_zones_and_is_not_deleted_by_mistake() {
        let instance = |zone: &str| {
            DbInstance::builder().availability_zone(zone).db_instance_class("db.r6g.large").build()
        };
        assert_eq!(spread("db", &[instance("a"), instance("b")]), Verdict::ok("2 instances in a, b"));
        assert_eq!(spread("db", &[instance("a"), instance("a")]).word, Word::Warn);
        let one = spread("db", &[instance("a")]);
        assert_eq!(one.says, "1 instance in a");
        assert!(one.mend.contains("--db-instance-identifier db-2 --db-instance-class db.r6g.large"));
        let of = |on| protected(&DbCluster::builder().deletion_protection(on).build()).word;
        assert_eq!((of(true), of(false)), (Word::Ok, Word::Warn));
    }
}
