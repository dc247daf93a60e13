//! `lendpeak2 init`

mod ask;
mod check;
mod choose;
mod show;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::{
    aws,
    discover::{
        self, environment,
        findings::{self, Finding, Findings, Sure},
        seen::last_part,
    },
    exit::Exit,
    failure::Failure,
    global::Global,
    parameters,
    progress::Progress,
    samconfig::{Overrides, Samconfig, Setting},
    screen::Screen,
    who,
};

/// Find the stack's parameters by one ECS service, and write them into samconfig.toml
///
/// It only reads, and no secret's value. Each parameter is certain, by what AWS says, or a guess that a person should
/// look at.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The backend's ECS cluster; found if left out, or asked for
    #[arg(long, value_name = "NAME|ARN")]
    cluster: Option<String>,
    /// The backend's ECS service; found if left out, or asked for
    #[arg(long, value_name = "NAME|ARN")]
    service: Option<String>,
    /// Write the environment's section of this file [without a name: samconfig.toml]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = FILE, conflicts_with = "check")]
    write: Option<PathBuf>,
    /// Compare what is found with the deployed stack and samconfig.toml; 3 where they differ
    #[arg(long)]
    check: bool,
    /// The file that --check compares with
    #[arg(long, value_name = "FILE", default_value = FILE)]
    file: PathBuf,
}

const FILE: &str = "samconfig.toml";

/// Where it was looked, and for whom.
pub(crate) struct Place {
    account: String,
    region: String,
    environment: String,
    service: discover::ecs::Named,
}

pub(crate) async fn run(global: &Global, options: &Options, screen: &Screen) -> Result<Exit, Failure> {
    let config = aws::config(global).await?;
    let waits = Progress::spinner(screen, "AWS is asked");
    let account = who::account(&aws_sdk_sts::Client::new(&config)).await;
    let account = account.map_err(|failure| failure.of_profile(global.profile.as_deref()))?;
    let samconfig = Samconfig::read(options.write.as_deref().unwrap_or(&options.file))?;
    let given = global.environment.as_deref();
    let mut deployed =
        if options.check { check::deployed(&config, given).await? } else { Err(String::new()) };
    let wanted =
        deployed.as_ref().ok().map(|stack| stack.environment.clone()).or_else(|| given.map(str::to_owned));
    let overrides = |environment: &str| samconfig.overrides(environment).map(Option::unwrap_or_default);
    let known = wanted.as_deref().map(overrides).transpose()?.unwrap_or_default();
    let ecs = aws_sdk_ecs::Client::new(&config);
    drop(waits);

    let asks = (screen.is_interactive() && !global.yes && !options.check).then_some(screen);
    let name = |given: Option<&String>, parameter: &str| {
        let stack = deployed.as_ref().ok();
        let is = stack.and_then(|stack| stack.parameters().get(parameter)).or_else(|| known.get(parameter));
        // To check, what is deployed or written counts where nothing was given.
        given.or(is.filter(|_| options.check)).map(|name| last_part(name).to_owned())
    };
    let given = choose::Given {
        cluster: name(options.cluster.as_ref(), "ClusterName"),
        service: name(options.service.as_ref(), "ServiceName"),
        environment: wanted.clone(),
    };
    let service = choose::service(&ecs, &given, asks).await?;
    let (environment, evidence) = environment_of(wanted.clone(), &service, asks).await?;
    choose::keep_apart(&service, &environment)?;
    if options.check && wanted.is_none() {
        deployed = check::deployed(&config, Some(&environment)).await?;
    }
    let overrides = overrides(&environment)?;

    let waits = Progress::spinner(screen, "AWS is asked what belongs to the service");
    let described = discover::ecs::service(&ecs, &service).await?;
    let seen = Box::pin(discover::look(&config, described)).await?;
    drop(waits);
    let restores_in_network = overrides.get("RestoreInNetwork").is_some_and(|value| value == "true");
    let mut findings = findings::decide(&seen, &environment, restores_in_network);
    let value = environment.clone();
    let own = Finding { parameter: "Environment", value, sure: Sure::Certain, evidence, others: Vec::new() };
    findings.found.insert(0, own);
    doubt(&mut findings, &samconfig, &environment)?;
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let place = Place { account, region, environment, service };
    if options.check {
        return check::run(screen, &place, &findings, &deployed, &samconfig);
    }
    if let Some(screen) = asks {
        ask::about(screen, &mut findings, &overrides).await;
    }
    write(screen, options, &place, &findings, &samconfig, &overrides, asks.is_some()).await
}

/// Which environment it is of, and who says so.
async fn environment_of(
    given: Option<String>,
    service: &discover::ecs::Named,
    asks: Option<&Screen>,
) -> Result<(String, String), Failure> {
    let name = format!("{}/{}", service.cluster, service.service);
    let said = environment::named_in(&name);
    let (environment, evidence) = match (given, said, asks) {
        (Some(given), ..) => (given, "named by -e or LENDPEAK2_ENVIRONMENT".to_owned()),
        (None, Some(said), _) => (said, format!("the service's name says so: {name}")),
        (None, None, Some(screen)) => {
            (screen.prompt("Which environment is it? As in staging:").await, "a person said so".to_owned())
        }
        (None, None, None) => {
            return Err(Failure::usage(
                format!("nothing says of which environment {name} is"),
                "name it by -e, as in -e staging",
            ));
        }
    };
    match parameters::named("Environment").and_then(|parameter| parameter.refuses(&environment)) {
        Some(why) => Err(Failure::usage(why, "name it by -e, as in -e staging")),
        None => Ok((environment, evidence)),
    }
}

/// A name that stands in another environment's section as well is looked at by a person.
fn doubt(findings: &mut Findings, samconfig: &Samconfig, environment: &str) -> Result<(), Failure> {
    for section in samconfig.environments()?.iter().filter(|section| *section != environment) {
        let others = samconfig.overrides(section)?.unwrap_or_default();
        for parameter in parameters::of_one_environment() {
            let value = findings.value(parameter).filter(|value| !value.is_empty());
            if value.is_some() && value == others.get(parameter).map(String::as_str) {
                findings.doubt(parameter, section);
            }
        }
    }
    Ok(())
}

/// What is to stand in the section: of what the template has by default only what stands there already.
fn settings(findings: &Findings, overrides: &Overrides) -> Vec<Setting> {
    let is_needed = |finding: &&Finding| {
        let Some(there) = overrides.get(finding.parameter) else {
            let default =
                parameters::named(finding.parameter).and_then(|parameter| parameter.default.as_deref());
            return default != Some(finding.value.as_str());
        };
        // A guess changes nothing that a person has written.
        finding.sure == Sure::Certain || *there == finding.value
    };
    let needed = findings.found.iter().filter(is_needed);
    needed
        .map(|finding| {
            // Roles that were added stay.
            let there = overrides.get(finding.parameter);
            let there = there.filter(|there| check::covers(finding.parameter, there, &finding.value));
            Setting {
                name: finding.parameter.to_owned(),
                value: there.unwrap_or(&finding.value).clone(),
                comment: format!("{}: {}", finding.sure.word(), one_line(&finding.evidence)),
            }
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn write(
    screen: &Screen,
    options: &Options,
    place: &Place,
    findings: &Findings,
    samconfig: &Samconfig,
    overrides: &Overrides,
    asks: bool,
) -> Result<Exit, Failure> {
    let settings = settings(findings, overrides);
    let text = samconfig.with(&place.environment, &settings);
    let changes = show::changes(&settings, overrides);
    let file = samconfig.path.display();
    if !screen.is_json() {
        screen.answer(&show::words(findings, screen.width()));
    }
    let missing = missing(findings, overrides);
    let asks = asks && options.write.is_none() && !changes.is_empty();
    let writes = match (&options.write, asks) {
        (Some(_), _) => true,
        (None, true) => {
            screen.plan(&format!(
                "\n{file}, [{}.deploy.parameters]:\n{}",
                place.environment,
                show::list(&changes)
            ));
            screen.ask(&format!("Write it into {file}?")).await
        }
        (None, false) => false,
    };
    if writes {
        samconfig.write(&text?)?;
    }
    if screen.is_json() {
        let written = if writes { json!(file.to_string()) } else { Value::Null };
        screen.json(&show::as_json(place, findings, &changes, &missing, &written));
    } else {
        screen.answer(&show::end(place, samconfig, writes.then_some(&changes), &missing, screen.width()));
    }
    if asks && !writes {
        return Ok(Exit::Interrupted);
    }
    // To find less than a stack needs is no success.
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Unwell })
}

/// What a stack cannot be made without, and is neither found nor there.
fn missing(findings: &Findings, overrides: &Overrides) -> Vec<&'static str> {
    let required = parameters::all().iter().filter(|parameter| parameter.default.is_none());
    let names = required.map(|parameter| parameter.name.as_str());
    names.filter(|name| findings.value(name).is_none() && !overrides.contains_key(*name)).collect()
}

#[cfg(test)]
mod tests;
