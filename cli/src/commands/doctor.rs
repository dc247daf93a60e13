//! `lendpeak2 doctor`

use std::{sync::Arc, time::Duration};

use clap::Args;

use crate::{
    doctor::{Finding, checks, examine, report, ring, ring::Rung, site::Site},
    exit::Exit,
    failure::Failure,
    global::Global,
    progress::Progress,
    remedy::confirm,
    render,
    runbook::Runbook,
    screen::{BAD, BOLD, GOOD},
    time,
};

/// What a check may take: a function runs for a minute at most.
const PATIENCE: Duration = Duration::from_secs(75);

/// Say what would keep the runbook from working, what that costs, and the command that mends it
///
/// It only looks: at AWS, at the managed stack, and at what the functions answer to requests that change nothing. It ends
/// with 0, also where there are warnings; with 3 where something is bad.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// End with 5 where there are warnings, or something was not seen
    #[arg(long)]
    strict: bool,
    /// Send a test to each support level, after a question
    #[arg(long)]
    ring: bool,
    /// Who sends the test; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    if options.ring && !runbook.global.yes && !runbook.screen.is_interactive() {
        let why = if runbook.screen.is_json() {
            "with --json nobody is asked"
        } else {
            "there is no terminal to ask on"
        };
        return Err(Failure::usage(
            why,
            "say --yes to ring every level, or leave --ring out: then it only looks",
        ));
    }
    let site = Arc::new(Site::new(runbook.config.clone(), runbook.stack.clone(), time::now()));
    let patience = runbook.global.timeout.unwrap_or(PATIENCE);
    let looks = Progress::spinner(runbook.screen, &format!("{} checks", checks::ALL.len()));
    let mut findings = examine(&site, checks::ALL, patience).await;
    drop(looks);
    for finding in &mut findings {
        finding.verdict.mend = as_typed(&finding.verdict.mend, &runbook.global);
    }
    let exit = report::exit(&findings, options.strict);
    if !options.ring {
        show(runbook, &findings, None);
        return Ok(exit);
    }
    let by = runbook.by(options.by.as_deref()).await?;
    if !runbook.screen.is_json() {
        show(runbook, &findings, None);
        let plan = ring::plan(&site, &by);
        let plan: Vec<String> =
            plan.iter().map(|line| render::field("would", BOLD, line, runbook.screen.width())).collect();
        runbook.screen.plan(&format!("\n{}", plan.join("\n")));
        confirm(runbook, "Ring them?").await?;
    }
    let rung = ring::ring(&site, &by).await;
    if runbook.screen.is_json() {
        show(runbook, &findings, Some(&rung));
    } else {
        let lines: Vec<String> = rung.iter().map(|one| line(one, runbook.screen.width())).collect();
        runbook.screen.answer(&lines.join("\n"));
    }
    let all_sent = !rung.is_empty() && rung.iter().all(Rung::is_sent);
    Ok(if all_sent { exit } else { exit.or_worse(Exit::Refused) })
}

fn show(runbook: &Runbook<'_>, findings: &[Finding], rung: Option<&[Rung]>) {
    let screen = runbook.screen;
    if screen.is_json() {
        screen.json(&report::as_json(&runbook.stack.environment, findings, rung));
    } else {
        screen.answer(&report::words(findings, screen.width()));
    }
}

fn line(rung: &Rung, width: Option<usize>) -> String {
    let (label, style) = if rung.is_sent() { ("rung", GOOD) } else { ("failed", BAD) };
    render::field(label, style, &rung.words(), width)
}

/// A command that mends something is for the same profile, region and environment as this one was typed for.
fn as_typed(mend: &str, global: &Global) -> String {
    let option = |name: &str, value: &Option<String>| {
        value.as_ref().map_or_else(String::new, |value| format!(" {name} {value}"))
    };
    let place = option("--profile", &global.profile) + &option("--region", &global.region);
    if let Some(rest) = mend.strip_prefix("aws ") {
        return format!("aws{place} {rest}");
    }
    match mend.strip_prefix("lendpeak2 ") {
        Some(rest) => format!("lendpeak2{place}{} {rest}", option("-e", &global.environment)),
        None => mend.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_mends_is_typed_at_the_same_place() {
        let global = Global {
            profile: Some("ops".to_owned()),
            region: Some("eu-west-1".to_owned()),
            environment: Some("staging".to_owned()),
            ..Global::default()
        };
        for (mend, expected) in [
            ("aws sns subscribe", "aws --profile ops --region eu-west-1 sns subscribe"),
            ("lendpeak2 start", "lendpeak2 --profile ops --region eu-west-1 -e staging start"),
            ("make deploy ENV=staging", "make deploy ENV=staging"),
            ("", ""),
        ] {
            assert_eq!(as_typed(mend, &global), expected);
        }
        assert_eq!(as_typed("aws sns subscribe", &Global::default()), "aws sns subscribe");
    }
}
