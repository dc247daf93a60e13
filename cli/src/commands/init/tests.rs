use super::*;
use crate::discover::findings::Open;

fn finding(parameter: &'static str, value: &str, sure: Sure) -> Finding {
    Finding {
        parameter,
        value: value.to_owned(),
        sure,
        evidence: "it was\n seen".to_owned(),
        others: Vec::new(),
    }
}

fn overrides(all: &[(&str, &str)]) -> Overrides {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What is written of one finding, where the section has these already.
#[track_caller]
fn check(finding: Finding, there: &[(&str, &str)], expected: Option<(&str, &str)>) {
    let findings = Findings { found: vec![finding], ..Findings::default() };
    let settings = settings(&findings, &overrides(there));
    let written: Vec<(&str, &str)> =
        settings.iter().map(|one| (one.value.as_str(), one.comment.as_str())).collect();
    assert_eq!(written, expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn what_is_certain_is_written_over_what_was_there() {
    let found = || finding("DatabaseCluster", "db-a", Sure::Certain);
    let written = Some(("db-a", "certain: it was seen"));
    check(found(), &[], written);
    check(found(), &[("DatabaseCluster", "db-b")], written);
}

#[test]
fn a_guess_changes_nothing_that_a_person_has_written() {
    let found = || finding("DatabaseCluster", "db-a", Sure::Guess);
    let written = Some(("db-a", "guess: it was seen"));
    check(found(), &[], written);
    check(found(), &[("DatabaseCluster", "db-a")], written);
    check(found(), &[("DatabaseCluster", "db-b")], None);
}

#[test]
fn what_the_template_has_by_default_is_not_written_where_it_was_not() {
    let found = || finding("ServiceName", "backend", Sure::Certain);
    check(found(), &[], None);
    check(found(), &[("ServiceName", "api")], Some(("backend", "certain: it was seen")));
    check(finding("DistributionId", "", Sure::Certain), &[], Some(("", "certain: it was seen")));
}

#[test]
fn roles_that_a_person_added_stay() {
    let found = || finding("TaskRoleArns", "a,b", Sure::Certain);
    check(found(), &[("TaskRoleArns", "a,b,c")], Some(("a,b,c", "certain: it was seen")));
    check(found(), &[("TaskRoleArns", "a,c")], Some(("a,b", "certain: it was seen")));
}

#[test]
fn what_has_to_be_given_and_is_nowhere_is_missing() {
    let required = parameters::all().iter().filter(|parameter| parameter.default.is_none());
    let mut there: Overrides = required.map(|parameter| (parameter.name.clone(), "x".to_owned())).collect();
    assert!(missing(&Findings::default(), &there).is_empty());
    there.remove("ClusterName");
    there.remove("DatabaseCluster");
    let found = Findings { found: vec![finding("ClusterName", "c", Sure::Certain)], ..Findings::default() };
    assert_eq!(missing(&found, &there), ["DatabaseCluster"]);
}

#[test]
fn a_name_of_another_section_is_no_certain_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samconfig.toml");
    let text = "[production.deploy.parameters]\nparameter_overrides = [\"DatabaseCluster=db\", \"MaximumTasks=4\"]\n";
    std::fs::write(&path, text).unwrap();
    let samconfig = Samconfig::read(&path).unwrap();
    let found = || Findings {
        found: vec![
            finding("DatabaseCluster", "db", Sure::Certain),
            finding("MaximumTasks", "4", Sure::Certain),
        ],
        open: vec![Open { parameter: "AppUrl", why: "why".to_owned(), others: Vec::new() }],
        ..Findings::default()
    };
    let mut findings = found();
    doubt(&mut findings, &samconfig, "staging").unwrap();
    assert_eq!(findings.found.iter().map(|one| one.sure).collect::<Vec<_>>(), [Sure::Guess, Sure::Certain]);
    let mut findings = found();
    doubt(&mut findings, &samconfig, "production").unwrap();
    assert_eq!(findings, found());
}

#[tokio::test]
async fn an_environment_is_the_one_that_was_given_or_that_the_name_says() {
    let named =
        |cluster: &str| discover::ecs::Named { cluster: cluster.to_owned(), service: "backend".to_owned() };
    let of = async |given: Option<&str>, cluster: &str| {
        environment_of(given.map(str::to_owned), &named(cluster), None)
            .await
            .map(|(environment, _)| environment)
    };
    assert_eq!(of(None, "lp-staging").await.unwrap(), "staging");
    assert_eq!(of(Some("blue"), "lp-staging").await.unwrap(), "blue");
    assert_eq!(of(None, "lp").await.unwrap_err().exit().code(), 2);
    assert_eq!(of(Some("No Such"), "lp").await.unwrap_err().exit().code(), 2);
}
