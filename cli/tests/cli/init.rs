//! `init` and `params diff` against a sandbox: what they find, and what they do to a file.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{Said, Sandbox, lendpeak2, on_a_terminal, runtime, said};

#[test]
fn the_names_of_a_stack_are_found_by_its_service() {
    let sandbox = Sandbox::start("observe");
    sandbox.typed("init");
    json_has_the_whole_of_it(&sandbox);
    a_check_says_what_differs(&sandbox);
    a_table_fits_on_a_screen(&sandbox);
    a_person_is_asked_about_each_guess(&sandbox);
    a_file_that_cannot_be_written_stays(&sandbox);
    what_is_denied_is_left_open(&sandbox);
    several_services_have_to_be_told_apart(&sandbox);
}

#[test]
fn without_an_answer_or_credentials_nothing_is_made_up() {
    let mut command = lendpeak2(&["--endpoint-url", "http://127.0.0.1:1", "init"]);
    let Said { code, out, .. } = said(&mut command);
    assert_eq!((code, out.as_str()), (1, ""));
    let Said { code, out, .. } = said(&mut lendpeak2(&["--region", "us-east-1", "init"]));
    assert_eq!((code, out.as_str()), (4, ""));
}

/// A folder of its own, with a file in it.
fn folder(name: &str, samconfig: Option<&str>) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("init-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    if let Some(text) = samconfig {
        fs::write(folder.join("samconfig.toml"), text).unwrap();
    }
    folder
}

fn inside(sandbox: &Sandbox, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = sandbox.lendpeak2(arguments);
    command.current_dir(folder);
    command
}

fn json_has_the_whole_of_it(sandbox: &Sandbox) {
    let folder = folder("json", None);
    let told = said(&mut inside(sandbox, &folder, &["--json", "-e", "production", "init", "--write"]));
    assert_eq!((told.code, told.err.as_str()), (5, ""), "{told:?}");
    let found = told.json();
    let parameters = found["parameters"].as_array().unwrap();
    let of = |name: &str| parameters.iter().find(|one| one["parameter"] == name).unwrap_or(&Value::Null);
    for (name, value, sure) in [
        ("ClusterName", "lendpeak2-production", "certain"),
        ("TaskFamily", "lendpeak2-backend-production", "certain"),
        ("LogGroupName", "/ecs/lendpeak2-production", "certain"),
        ("DatabaseCluster", "lendpeak2-production", "certain"),
        ("DatabaseSecretName", "lendpeak2-production-db-credentials", "guess"),
        ("SecretPrefix", "lendpeak2-production-", "guess"),
        ("DistributionId", "E1234567890ABC", "guess"),
        ("FrontEndBuildProject", "lendpeak2-frontend", "certain"),
        ("MaximumTasks", "10", "guess"),
    ] {
        assert_eq!((&of(name)["value"], &of(name)["sure"]), (&value.into(), &sure.into()), "{name}: {found}");
    }
    // The tasks of the sandbox have no roles, and a stack needs them.
    assert_eq!(found["missing"], serde_json::json!(["TaskRoleArns"]));
    assert_eq!(found["written"], "samconfig.toml");
    let text = fs::read_to_string(folder.join("samconfig.toml")).unwrap();
    assert!(
        text.contains("# certain: ") && text.contains("\"DatabaseCluster=lendpeak2-production\","),
        "{text}"
    );
    assert!(!text.contains("Zy7-orchid"), "a secret was written");
}

fn a_check_says_what_differs(sandbox: &Sandbox) {
    let folder = folder("check", None);
    let check = |arguments: &[&str]| said(&mut inside(sandbox, &folder, &[&["--json"], arguments].concat()));
    // The service is the one that is deployed, and the sandbox is as it was deployed.
    let told = check(&["-e", "production", "init", "--check"]);
    assert_eq!(told.code, 0, "{told:?}");
    let compared = told.json();
    assert_eq!((&compared["drift"], &compared["file"]), (&Value::Bool(false), &Value::Null));
    let other = "[production.deploy.parameters]\nparameter_overrides = [\"DatabaseCluster=lendpeak2-old\"]\n";
    fs::write(folder.join("samconfig.toml"), other).unwrap();
    let told = check(&["init", "--check"]);
    assert_eq!(told.code, 3, "{told:?}");
    let compared = told.json();
    let differs = compared["differences"].as_array().unwrap();
    let database = differs.iter().find(|one| one["parameter"] == "DatabaseCluster").unwrap();
    assert_eq!(database["samconfig"], "lendpeak2-old");
    assert_eq!(database["deployed"], "lendpeak2-production");
    assert_eq!(fs::read_to_string(folder.join("samconfig.toml")).unwrap(), other);
    let told = check(&["-e", "production", "params", "diff"]);
    assert_eq!(told.code, 3, "{told:?}");
    let compared = told.json();
    let what =
        compared["differences"].as_array().unwrap().iter().find(|one| one["parameter"] == "DatabaseCluster");
    assert_eq!(what.unwrap()["what"], "the next deployment changes it");
    // A staging that is not deployed has nothing to compare with.
    let told = check(&[
        "-e",
        "staging",
        "init",
        "--check",
        "--cluster",
        "lendpeak2-production",
        "--service",
        "backend",
    ]);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(told.err.contains("other_environment"), "{told:?}");
}

fn a_table_fits_on_a_screen(sandbox: &Sandbox) {
    let folder = folder("width", None);
    for columns in [80, 200] {
        let told = said(inside(sandbox, &folder, &["init"]).env("COLUMNS", columns.to_string()));
        assert!(told.out.lines().all(|line| line.chars().count() <= columns), "{columns}: {}", told.out);
        assert!(!told.out.contains('\x1b'), "{}", told.out);
    }
}

fn a_person_is_asked_about_each_guess(sandbox: &Sandbox) {
    let folder = folder("asked", None);
    let file = folder.join("samconfig.toml");
    // Enter takes what is offered; at the end nothing is written without a yes.
    let told = on_a_terminal(&inside(sandbox, &folder, &["-e", "production", "init"]), "enter");
    assert_eq!(told.code, 130, "{told:?}");
    for question in ["MaximumTasks? [", "Write it into samconfig.toml?", "[y/N]", "Nothing was written."] {
        assert!(told.out.contains(question), "{question}: {told:?}");
    }
    assert!(!file.exists(), "{told:?}");
    let told =
        on_a_terminal(&inside(sandbox, &folder, &["-e", "production", "init"]), "MaximumTasks=6,enter=yes");
    let text = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{told:?}"));
    assert!(text.contains("# certain: a person said so\n    \"MaximumTasks=6\","), "{text}");
    assert!(text.contains("# certain: a person said so; "), "{text}");
}

fn a_file_that_cannot_be_written_stays(sandbox: &Sandbox) {
    let before = "[production.deploy.parameters]\nparameter_overrides = []\n";
    let folder = folder("read-only", Some(before));
    let file = folder.join("samconfig.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let told = said(&mut inside(sandbox, &folder, &["-e", "production", "init", "--write"]));
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.err.contains("cannot write samconfig.toml"), "{told:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    let told =
        said(&mut inside(sandbox, &folder, &["-e", "production", "init", "--write", "none/samconfig.toml"]));
    assert_eq!(told.code, 1, "{told:?}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&file, "[production\n").unwrap();
    let told = said(&mut inside(sandbox, &folder, &["-e", "production", "init", "--write"]));
    assert_eq!(told.code, 2, "{told:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "[production\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "something was left behind");
}

fn what_is_denied_is_left_open(sandbox: &Sandbox) {
    sandbox.deny("cloudfront", "ListDistributions");
    let folder = folder("denied", None);
    let told = said(&mut inside(sandbox, &folder, &["--json", "init"]));
    let found = told.json();
    let open =
        found["open"].as_array().unwrap().iter().find(|one| one["parameter"] == "DistributionId").unwrap();
    assert!(
        open["why"].as_str().unwrap().ends_with("your role needs cloudfront:ListDistributions"),
        "{open}"
    );
    assert!(found["missing"].as_array().unwrap().contains(&"DistributionId".into()), "{found}");
}

/// A second service, and a cluster of another environment.
fn several_services_have_to_be_told_apart(sandbox: &Sandbox) {
    let ecs = aws_sdk_ecs::Client::new(&sandbox.aws());
    let make = async {
        ecs.create_cluster().cluster_name("lendpeak2-staging").send().await.unwrap();
        for (cluster, name) in [("lendpeak2-production", "worker"), ("lendpeak2-staging", "backend")] {
            let create = ecs.create_service().cluster(cluster).service_name(name);
            create.task_definition("lendpeak2-backend-production").desired_count(0).send().await.unwrap();
        }
    };
    runtime().block_on(make);
    let folder = folder("several", None);
    let told = said(&mut inside(sandbox, &folder, &["init"]));
    assert_eq!((told.code, told.out.as_str()), (2, ""), "{told:?}");
    let all = "there are 3 services: lendpeak2-production/backend, lendpeak2-production/worker, lendpeak2-staging/backend";
    assert!(told.err.contains(all) && told.err.contains("--cluster"), "{told:?}");
    // An ARN does, and of staging's service no name of production is taken.
    let cluster = "arn:aws:ecs:us-east-1:000000000000:cluster/lendpeak2-staging";
    let told = said(&mut inside(sandbox, &folder, &["--json", "init", "--cluster", cluster, "--write"]));
    assert_eq!(told.code, 5, "{told:?}");
    let found = told.json();
    assert_eq!(found["environment"], "staging");
    assert!(
        found["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| !one["value"].to_string().contains("production")),
        "{found}"
    );
    let text = fs::read_to_string(folder.join("samconfig.toml")).unwrap();
    let overrides: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with('"')).collect();
    assert!(overrides.iter().all(|line| !line.contains("production")), "{text}");
    let family =
        found["open"].as_array().unwrap().iter().find(|one| one["parameter"] == "TaskFamily").unwrap();
    assert!(family["why"].as_str().unwrap().contains("says production, and this is staging"), "{family}");
    // On a terminal one of them is chosen.
    let told = on_a_terminal(&inside(sandbox, &folder, &["init"]), "Which service=2,enter");
    assert!(told.out.contains("Which service is the backend?"), "{told:?}");
    assert!(told.out.contains("worker"), "{told:?}");
}
