//! Build failures: the front end's newest build did not come to a good end, and why. A later success ends it.

use super::Rules;
use crate::{
    evidence::{Build, Evidence},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{self, Risk},
        Level::{self, Aws, DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("build_failed", build_failed),
    ("build_type_error", build_type_error),
    ("build_module_missing", build_module_missing),
    ("build_out_of_memory", build_out_of_memory),
    ("build_audit", build_audit),
    ("build_registry_limited", build_registry_limited),
];

/// Users keep the front end that they have: nothing is broken yet.
const IMPACT: Impact = Risk;
/// What a person reads before they open the log.
const LINES_SHOWN: usize = 3;

/// Of the bundlers, of Node, and of TypeScript, which says it with a code of its own.
const NO_MODULE: &[&str] = &[
    "Cannot find module",
    "Module not found",
    "Cannot find package",
    "ERR_MODULE_NOT_FOUND",
    "failed to resolve import",
    "Could not resolve",
    "TS2307",
];
/// npm's own codes: no such package, no such version, versions that do not go together, a lock file that does not fit.
const NO_PACKAGE: &[&str] = &["E404", "npm ERR! 404", "npm error 404", "ETARGET", "ERESOLVE", "are in sync"];
/// Node's own limit, and the kernel's signal 9 as the shell and as npm tell it.
const OUT_OF_MEMORY: &[&str] = &[
    "heap out of memory",
    "exit status 137",
    "exit code 137",
    "exited with code 137",
    "exited with 137",
    "signal SIGKILL",
];

fn build_failed(evidence: &Evidence) -> Option<Finding> {
    let build = failed(evidence)?;
    let how = match build.status.as_str() {
        "TIMED_OUT" => "ran out of time",
        "FAULT" => "was broken off by CodeBuild",
        _ => "failed",
    };
    let place = if build.phase.is_empty() { String::new() } else { format!(" in {}", build.phase) };
    let why = one_line(&build.reason);
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let (level, next) = remedy(build);
    // The failures since the last success: the oldest of them is when it began.
    let in_a_row = evidence.builds.iter().flatten().take_while(|build| build.status != "SUCCEEDED");
    let since = in_a_row.filter(|build| has_failed(build)).filter_map(|build| build.ended_at).min();
    let finding = Finding::new(
        Certain,
        IMPACT,
        format!("the front end's build {} {how}{place}{why}; users keep the release before it", build.id),
    );
    // What the log ends with.
    let lines = lines(build, |_| true);
    let last = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
    Some(shown(finding, build, last).since(since).next(level, next))
}

fn build_type_error(evidence: &Evidence) -> Option<Finding> {
    let build = failed(evidence)?;
    let lines = lines(build, |line| is_type_error(line) && !has(line, NO_MODULE));
    let first = lines.first()?;
    let finding =
        Finding::new(Likely, IMPACT, format!("TypeScript refuses the front end's code: {}", one_line(first)));
    Some(shown(finding, build, &lines).since(build.ended_at).next(
        Development,
        "run `npx tsc --noEmit` on this commit and correct what it names; did TypeScript or a package's types change?",
    ))
}

fn build_module_missing(evidence: &Evidence) -> Option<Finding> {
    let build = failed(evidence)?;
    let lines = lines(build, |line| has(line, NO_MODULE) || has(line, NO_PACKAGE));
    let first = lines.first()?;
    let (what, next) = if lines.iter().any(|line| line.contains("ERESOLVE")) {
        (
            "the front end's packages ask for versions that do not go together",
            "run `npm ls` for the package that is named, bring the versions together, and commit package-lock.json",
        )
    } else {
        (
            "the front end's build does not find a module",
            "see that the package is in package.json and package-lock.json, that its version is published, and that a \
             file's name is written in the same upper and lower case; try with `rm -rf node_modules && npm ci`",
        )
    };
    let finding = Finding::new(Likely, IMPACT, format!("{what}: {}", one_line(first)));
    Some(shown(finding, build, &lines).since(build.ended_at).next(Development, next))
}

fn build_out_of_memory(evidence: &Evidence) -> Option<Finding> {
    let build = failed(evidence)?;
    let lines = lines(build, |line| has(line, OUT_OF_MEMORY));
    if lines.is_empty() && !has(&build.reason, OUT_OF_MEMORY) {
        return None;
    }
    let finding =
        Finding::new(Likely, IMPACT, format!("the front end's build {} ran out of memory", build.id));
    Some(shown(finding, build, &lines).since(build.ended_at).next(
        DevOps,
        "give the CodeBuild project a larger compute type, and Node its share of it \
         (NODE_OPTIONS=--max-old-space-size=<MiB>)",
    ))
}

/// Images or packages that are not given out, whatever the code is.
fn build_registry_limited(evidence: &Evidence) -> Option<Finding> {
    let limited = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["toomanyrequests", "too many requests", "pull rate limit", "rate limit exceeded", "429"]
            .iter()
            .any(|word| text.contains(word))
    };
    let build = failed(evidence)?;
    let lines = lines(build, limited);
    if lines.is_empty() && !limited(&build.reason) {
        return None;
    }
    let first = lines.first().map_or_else(|| one_line(&build.reason), |line| one_line(line));
    let finding = Finding::new(
        Likely,
        IMPACT,
        format!("a registry refuses the front end's build for asking too often: {first}"),
    );
    Some(shown(finding, build, &lines).since(build.ended_at).next(
        DevOps,
        "start the build again (aws codebuild start-build --project-name <the project>); then log in to the registry in the buildspec, or take its images from public.ecr.aws or ECR's pull-through cache",
    ))
}

/// `npm install` tells of vulnerabilities as well, and fails no build by it: only the audit itself counts.
fn build_audit(evidence: &Evidence) -> Option<Finding> {
    const AUDITS: &[&str] = &["npm audit", "yarn audit", "pnpm audit", "--audit-level"];
    const FAILS: &[&str] = &["command", "failed", "exit"];
    let build = failed(evidence)?;
    let audits = lines(build, |line| has(line, AUDITS) && has(line, FAILS));
    if audits.is_empty() && !has(&build.reason, AUDITS) {
        return None;
    }
    let found = lines(build, |line| line.to_ascii_lowercase().contains("vulnerabilit"));
    let what = match found.first() {
        Some(line) => format!("the audit of packages fails the front end's build: {}", one_line(line)),
        None => "the audit of packages fails the front end's build".to_owned(),
    };
    Some(shown(Finding::new(Likely, IMPACT, what), build, &found).since(build.ended_at).next(
        Development,
        "run `npm audit`, then `npm audit fix` or update the packages that it names; the code itself may be as before",
    ))
}

/// The newest build that came to an end, if that was a bad one. A build that a person stopped says nothing of the code.
fn failed(evidence: &Evidence) -> Option<&Build> {
    let mut ended = evidence.builds.iter().flatten();
    ended.find(|build| build.status == "SUCCEEDED" || has_failed(build)).filter(|build| has_failed(build))
}

fn has_failed(build: &Build) -> bool {
    matches!(build.status.as_str(), "FAILED" | "FAULT" | "TIMED_OUT")
}

fn remedy(build: &Build) -> (Level, &'static str) {
    match (build.status.as_str(), build.phase.as_str()) {
        ("FAULT", _) => {
            (Aws, "start the build again; if CodeBuild breaks it off again, open a case with AWS")
        }
        ("TIMED_OUT", _) => {
            (DevOps, "see in the log what it waited for; if it only was slow, raise the project's timeout")
        }
        (_, "SUBMITTED" | "QUEUED" | "PROVISIONING") => {
            (DevOps, "check the CodeBuild project: its image, its network, and the limit of builds at once")
        }
        (_, "DOWNLOAD_SOURCE") => (
            DevOps,
            "check the source's connection and what the project's role may read, then start the build again",
        ),
        (_, "UPLOAD_ARTIFACTS") => {
            (DevOps, "check the artifacts' bucket and what the project's role may write there")
        }
        _ => {
            (Development, "read the end of the build's log, and run `npm ci && npm run build` on this commit")
        }
    }
}

fn shown(finding: Finding, build: &Build, lines: &[&str]) -> Finding {
    let phase = if build.phase.is_empty() { String::new() } else { format!(" in {}", build.phase) };
    let finding = finding
        .fact("CodeBuild, builds", format!("build {}", build.id), format!("{}{phase}", build.status))
        .at(build.ended_at);
    let reason = one_line(&build.reason);
    let finding =
        if reason.is_empty() { finding } else { finding.fact("CodeBuild, builds", "its reason", reason) };
    lines
        .iter()
        .take(LINES_SHOWN)
        .fold(finding, |finding, line| finding.fact("CodeBuild, the build's log", "an error", one_line(line)))
}

fn lines(build: &Build, is_wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    build
        .errors
        .iter()
        .map(String::as_str)
        .filter(|line| !line.trim().is_empty() && is_wanted(line))
        .collect()
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// As `tsc` tells it (`error TS2345:`), as bundlers do (`TS2345:`), and as Next.js does.
fn is_type_error(line: &str) -> bool {
    let has_code = line.match_indices("TS").any(|(place, _)| {
        let digits = line.get(place + 2..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
        let begins = !line.get(..place).unwrap_or_default().ends_with(|last: char| last.is_alphanumeric());
        begins && (4..=5).contains(&digits)
    });
    // Numbers may be masked.
    has_code || line.contains("error TS") || line.contains("Type error:")
}

/// The first line that says anything, without the full stop.
fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.trim_end_matches('.').to_owned()
}
