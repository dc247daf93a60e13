//! Whose items of the ledger each function may touch, and how: by partition, which is what a policy can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use iam::{
    needs::{LEADING_KEYS, Need},
    policy::{self, Statement},
    resolve::Resolver,
};
use subject::{Subject, Target};

use crate::template::{document::Template, functions::task};

const READS: [&str; 4] = ["BatchGetItem", "ConditionCheckItem", "GetItem", "Query"];
const WRITES: [&str; 3] = ["DeleteItem", "PutItem", "UpdateItem"];
/// What takes no key, or takes many, none of which a policy sees.
const NEVER: [&str; 5] = ["BatchWriteItem", "PartiQLDelete", "PartiQLUpdate", "Scan", "DeleteTable"];

const SERVICE: &str = "target#service/lendpeak2-production/backend";
const DISTRIBUTION: &str = "target#distribution/E1234567890ABC";
const DATABASE: &str = "target#cluster/lendpeak2-production";
const RESTORED: &str = "target#cluster/lendpeak2-production-restore-20261120100000";
const RELEASES: &str = "release#service/lendpeak2-production/backend";

/// What each function's role says.
struct Roles(BTreeMap<String, Vec<Statement>>);

impl Roles {
    fn read() -> Result<Self> {
        let template = Template::read()?;
        let resolver = Resolver::new(&template)?;
        let tasks = template.functions().into_iter().map(task);
        let roles = tasks.map(|task| Ok((task.clone(), policy::of_function(&template, &resolver, &task)?)));
        Ok(Self(roles.collect::<Result<_>>()?))
    }

    fn tasks(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn may(&self, task: &str, operation: &str, partition: &str) -> bool {
        let need = Need {
            action: format!("dynamodb:{operation}"),
            resource: "arn:aws:dynamodb:us-east-1:000000000000:table/lendpeak2-production-ledger".to_owned(),
            context: [(LEADING_KEYS.to_owned(), vec![partition.to_owned()])].into(),
        };
        self.0[task].iter().any(|statement| statement.allows(&need).is_some())
    }

    /// The functions that may do one of these with the items of a partition.
    fn who<'a>(&'a self, operations: &[&str], partition: &str) -> BTreeSet<&'a str> {
        let may = |task: &&str| operations.iter().any(|operation| self.may(task, operation, partition));
        self.tasks().filter(may).collect()
    }
}

/// Those that change something. They keep claims, approvals and records.
fn remedies() -> BTreeSet<&'static str> {
    subject::remedies().map(|subject| subject.name).collect()
}

/// Those that work on a target of this kind.
fn that_change(target: Target) -> BTreeSet<&'static str> {
    let of = |subject: &'static Subject| Some((subject.name, subject.remedy()?.targets));
    let works = subject::remedies().filter_map(of).filter(|(_, targets)| targets.contains(&target));
    works.map(|(name, _)| name).collect()
}

fn all() -> Vec<&'static str> {
    [&READS[..], &WRITES[..], &NEVER[..]].concat()
}

#[test]
fn the_remedies_are_the_functions_that_have_a_mode() -> Result<()> {
    let template = Template::read()?;
    let functions = template.functions().into_iter();
    let with_a_mode = functions.filter(|one| !one["Environment"]["Variables"]["MODE"].is_null()).map(task);
    let with_a_mode: Vec<String> = with_a_mode.collect();
    assert_eq!(with_a_mode.iter().map(String::as_str).collect::<BTreeSet<_>>(), remedies());
    Ok(())
}

#[test]
fn nobody_may_delete_or_change_a_record_and_each_writes_its_own() -> Result<()> {
    let roles = Roles::read()?;
    for task in roles.tasks() {
        let records = format!("audit#{task}");
        assert_eq!(roles.who(&["DeleteItem", "UpdateItem"], &records), [].into(), "{records}");
        let keeps = remedies().contains(task) || task == "incident";
        let writer: BTreeSet<&str> = keeps.then_some(task).into_iter().collect();
        assert_eq!(roles.who(&["PutItem"], &records), writer, "{records}");
        // An incident's timeline is made of what remedies recorded.
        let reader: BTreeSet<&str> = remedies().contains(task).then_some("incident").into_iter().collect();
        assert_eq!(roles.who(&READS, &records), reader, "{records}");
    }
    Ok(())
}

#[test]
fn only_incident_may_set_or_lift_a_kill_switch_and_every_remedy_sees_all_of_them() -> Result<()> {
    let roles = Roles::read()?;
    assert_eq!(roles.who(&WRITES, "kill-switch"), ["incident"].into());
    // It sets and lifts; what is set is not changed.
    assert_eq!(roles.who(&["UpdateItem"], "kill-switch"), [].into());
    for remedy in remedies() {
        assert!(roles.may(remedy, "Query", "kill-switch"), "{remedy} does not see the whole partition");
        assert!(roles.may(remedy, "ConditionCheckItem", "kill-switch"), "{remedy} claims in spite of it");
    }
    Ok(())
}

#[test]
fn plans_and_answers_are_their_functions_own() -> Result<()> {
    let roles = Roles::read()?;
    for task in roles.tasks() {
        let own: BTreeSet<&str> = remedies().contains(task).then_some(task).into_iter().collect();
        // `incident` notes that a day's report was told.
        let notes = (task == "incident").then_some(task);
        assert_eq!(roles.who(&all(), &format!("event#{task}")), own.iter().copied().chain(notes).collect());
        let approvals = format!("approval#{task}");
        // What is there it may change: `incident` adds the votes of people.
        let voted = (!own.is_empty()).then_some("incident");
        assert_eq!(roles.who(&["PutItem"], &approvals), own);
        assert_eq!(roles.who(&["DeleteItem"], &approvals), BTreeSet::new());
        assert_eq!(roles.who(&["UpdateItem"], &approvals), own.iter().copied().chain(voted).collect());
        assert_eq!(roles.who(&["GetItem"], &approvals), own.iter().copied().chain(voted).collect());
        // While one waits for an approval, `incident` looks which, and its report lists all.
        assert_eq!(roles.who(&["Query"], &approvals), voted.into_iter().collect());
    }
    Ok(())
}

#[test]
fn a_target_is_touched_only_by_the_remedies_that_work_on_it() -> Result<()> {
    let roles = Roles::read()?;
    for (target, kind) in [
        (SERVICE, Some(Target::Service)),
        (DISTRIBUTION, Some(Target::Distribution)),
        (DATABASE, Some(Target::Database)),
        (RESTORED, Some(Target::Database)),
        ("target#service/lendpeak2-production/another", None),
        ("target#distribution/E0987654321XYZ", None),
        ("target#cluster/another", None),
        ("target#", None),
    ] {
        let expected = kind.map(that_change).unwrap_or_default();
        assert_eq!(roles.who(&all(), target), expected, "{target}");
        assert_eq!(roles.who(&["PutItem"], target), expected, "{target}");
        assert_eq!(roles.who(&["BatchGetItem"], target), expected, "{target}");
    }
    Ok(())
}

/// They wait for nobody who is at work on the target, and change nothing there.
#[test]
fn a_question_has_a_target_of_its_own_that_is_only_read() -> Result<()> {
    let roles = Roles::read()?;
    for (target, remedy) in [
        ("target#distribution/E1234567890ABC/invalidation/I1234567890ABC", "cache-invalidation"),
        ("target#cluster/lendpeak2-production/snapshots", "snapshot-restore"),
    ] {
        assert_eq!(roles.who(&["BatchGetItem"], target), [remedy].into(), "{target}");
        assert_eq!(roles.who(&WRITES, target), [].into(), "{target}");
    }
    Ok(())
}

#[test]
fn releases_are_noted_by_those_that_see_or_make_them_and_read_by_rollback() -> Result<()> {
    let roles = Roles::read()?;
    assert_eq!(roles.who(&["UpdateItem"], RELEASES), ["health-probe", "rollback", "write-freeze"].into());
    assert_eq!(roles.who(&["Query"], RELEASES), ["rollback"].into());
    assert_eq!(roles.who(&["GetItem"], RELEASES), ["rollback", "write-freeze"].into());
    assert_eq!(roles.who(&["DeleteItem", "PutItem"], RELEASES), [].into());
    let another = "release#service/lendpeak2-production/another";
    assert_eq!(roles.who(&all(), another), [].into());
    Ok(())
}

#[test]
fn incidents_are_incidents_own() -> Result<()> {
    let roles = Roles::read()?;
    for partition in ["incidents", "incident-open", "incident#20261120-100000-service-down", "component"] {
        assert_eq!(roles.who(&all(), partition), ["incident"].into(), "{partition}");
    }
    for kept in ["incidents", "incident#20261120-100000-service-down", "component"] {
        assert_eq!(roles.who(&["DeleteItem", "UpdateItem"], kept), [].into(), "{kept}");
    }
    Ok(())
}

/// Whoever runs next sends what is owed to people.
#[test]
fn what_is_owed_is_sent_by_whoever_comes_next() -> Result<()> {
    let roles = Roles::read()?;
    let everybody: BTreeSet<&str> = remedies().into_iter().chain(["incident"]).collect();
    for operation in ["DeleteItem", "PutItem", "Query", "UpdateItem"] {
        assert_eq!(roles.who(&[operation], "owed"), everybody, "{operation}");
    }
    Ok(())
}

#[test]
fn no_role_reaches_a_partition_that_nobody_knows_or_all_of_them() -> Result<()> {
    let roles = Roles::read()?;
    for partition in ["anything", "", "audit#", "audit#*", "*", "Kill-Switch", "approval#", "event#"] {
        assert_eq!(roles.who(&all(), partition), [].into(), "{partition}");
    }
    for task in roles.tasks() {
        for partition in [format!("audit#{task}"), SERVICE.to_owned(), "owed".to_owned()] {
            for operation in NEVER {
                assert!(!roles.may(task, operation, &partition), "{task}: {operation} on {partition}");
            }
        }
    }
    Ok(())
}
