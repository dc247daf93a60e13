//! Recorded evidence, and what is to be the first cause found in it.

mod generated;
mod page;
mod properties;

use anyhow::{Context, Result, bail, ensure};
use diagnose::{
    chapter::{Chapter, sources},
    evidence::Evidence,
    finding::Finding,
    judge,
    logs::{PATTERN, is_error},
    source::Source,
};
use sandbox::cases::{evidence, files, files_and_others, folder, read};

const NOTHING: &str = "nothing found";

fn name(finding: Option<&Finding>) -> &str {
    finding.map_or(NOTHING, |finding| &*finding.cause)
}

#[test]
fn the_first_cause_is_the_right_one_and_nothing_is_found_where_nothing_is_wrong() -> Result<()> {
    let (mut right, mut sick, mut false_alarms, mut healthy) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for path in files_and_others()? {
        let file = read(&path)?;
        for case in &file.cases {
            let place = format!("{}: {}", path.strip_prefix(folder()).unwrap_or(&path).display(), case.name);
            let evidence = evidence(&case.evidence).with_context(|| place.clone())?;
            let findings = judge(&evidence, &Chapter::ALL);
            let first = findings.first();
            let explained: Vec<&str> = first
                .iter()
                .flat_map(|first| &first.explains)
                .map(|consequence| &*consequence.cause)
                .collect();
            let remedy = first.and_then(|first| first.remedy.function()).unwrap_or("none");
            let is_right = name(first) == case.first
                && case.remedy.as_deref().is_none_or(|expected| expected == remedy)
                && case.explains.iter().all(|cause| explained.contains(&cause.as_str()));
            if case.first == NOTHING {
                healthy += 1;
                false_alarms += u32::from(!is_right);
            } else {
                sick += 1;
                right += u32::from(is_right);
            }
            if !is_right {
                let all: Vec<&str> = findings.iter().map(|finding| &*finding.cause).collect();
                wrong.push(format!(
                    "{place}: {all:?} instead of {}, explains {explained:?}, remedy {remedy}",
                    case.first
                ));
            }
        }
    }
    println!("right first cause: {right} of {sick}; false alarms: {false_alarms} of {healthy}");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is said of a cause is for a person to check and to act on.
#[test]
fn every_finding_says_what_shows_it_and_what_to_do() -> Result<()> {
    for path in files()? {
        for case in read(&path)?.cases {
            for finding in judge(&evidence(&case.evidence)?, &Chapter::ALL) {
                let place = format!("{}: {}: {}", path.display(), case.name, finding.cause);
                ensure!(!finding.evidence.is_empty(), "{place} shows nothing");
                ensure!(!finding.remedy.what.is_empty(), "{place} has no next step");
                ensure!((1..=3).contains(&finding.support_level), "{place}");
                let bad = ["\n", "NaN", " inf "];
                let texts =
                    finding.evidence.iter().flat_map(|fact| [&fact.what, &fact.value]).chain([&finding.what]);
                for text in texts {
                    ensure!(
                        !text.is_empty() && !bad.iter().any(|bad| text.contains(bad)),
                        "{place}: `{text}`"
                    );
                }
                ensure!(!finding.what.ends_with('.'), "{place}: a full stop");
            }
        }
    }
    Ok(())
}

#[test]
fn every_cause_has_a_plain_case_one_with_noise_and_one_that_only_looks_like_it() -> Result<()> {
    for path in files()? {
        let file = read(&path)?;
        let chapter =
            path.parent().and_then(|folder| folder.file_name()).context("no chapter")?.to_string_lossy();
        if chapter == "healthy" {
            continue;
        }
        let cause = path.file_stem().context("no name")?.to_string_lossy().into_owned();
        ensure!(!file.about.is_empty(), "{cause}");
        ensure!(chapter.parse::<Chapter>().is_ok(), "{chapter} is no chapter");
        let is =
            file.cases.iter().filter(|case| case.first == cause || case.explains.contains(&cause)).count();
        if is < 2 || file.cases.len() < 3 || is == file.cases.len() {
            bail!("{cause}: {is} of {} cases are it", file.cases.len());
        }
    }
    Ok(())
}

/// What the reader cannot bring is no evidence: each recorded line of a log goes through the reader's own pattern and
/// through what it takes for an error, and the first cause is the same without those that do not pass.
#[test]
fn every_line_of_a_log_that_a_rule_rests_on_is_one_that_the_reader_brings() -> Result<()> {
    let pattern = regex_lite::Regex::new(PATTERN.trim_matches('%'))?;
    let mut wrong = Vec::new();
    for path in files()? {
        for case in read(&path)?.cases {
            let mut evidence: Evidence = evidence(&case.evidence)?;
            if let Some(logs) = &mut evidence.logs {
                logs.groups.retain(|group| pattern.is_match(&group.shape) && is_error(&group.shape));
            }
            let findings = judge(&evidence, &Chapter::ALL);
            if name(findings.first()) != case.first {
                wrong.push(format!("{}: {}: {}", path.display(), case.name, name(findings.first())));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The fields of the evidence that a source fills.
fn fields(source: Source) -> &'static [&'static str] {
    match source {
        Source::Service => &["service", "service_missing"],
        Source::Tasks => &["tasks"],
        Source::Definition => &["definition"],
        Source::Images => &["images"],
        Source::Secrets => &["secrets"],
        Source::Logs => &["logs"],
        Source::TargetGroups => &["target_groups"],
        Source::LoadBalancer => &["load_balancer"],
        Source::SecurityGroups => &["security_groups", "redis"],
        Source::Metrics => &["metrics"],
        Source::Database => &["database"],
        Source::DatabaseEvents => &["database_events"],
        Source::SlowQueries => &["slow_queries"],
        Source::Scaling => &["scaling"],
        Source::Alarms => &["alarms"],
        Source::Distribution => &["distribution"],
        Source::Builds => &["builds"],
        Source::ListedMetrics => &["listed_metrics"],
        Source::Probe => &["probe"],
        Source::AwsHealth => &["aws_issues"],
    }
}

/// Asked for one chapter, `diagnose` reads that chapter's sources and no others.
#[test]
fn a_chapter_finds_its_causes_with_its_own_sources() -> Result<()> {
    let mut missed = Vec::new();
    for path in files()? {
        for case in read(&path)?.cases {
            let evidence: Evidence = evidence(&case.evidence)?;
            for finding in judge(&evidence, &Chapter::ALL) {
                let mut seen = serde_json::to_value(&evidence)?;
                let kept: Vec<&str> =
                    sources(finding.chapter).iter().flat_map(|source| fields(*source)).copied().collect();
                if let Some(seen) = seen.as_object_mut() {
                    seen.retain(|name, _| name == "at" || kept.contains(&name.as_str()));
                }
                let alone = judge(&serde_json::from_value(seen)?, &[finding.chapter]);
                if !alone.iter().any(|one| {
                    one.cause == finding.cause || one.explains.iter().any(|own| own.cause == finding.cause)
                }) {
                    missed.push(format!("{}: {}: {}", path.display(), case.name, finding.cause));
                }
            }
        }
    }
    ensure!(missed.is_empty(), "{}", missed.join("\n"));
    Ok(())
}
