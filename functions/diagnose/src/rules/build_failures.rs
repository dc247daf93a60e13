//! Build failures: the front end's newest build failed, and why. A later success ends it.

use super::Rule;
use crate::{
    evidence::{Build, Evidence},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{self, Risk},
        Level::{self, Aws, DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "build_failed",
        find: build_failed,
        looks_at: "The newest build that came to an end: FAILED, FAULT or TIMED_OUT. A later success ends it, and a build that a person stopped says nothing. Users keep the release before it.",
        otherwise: LAST_GOOD,
        helped: "aws codebuild batch-get-builds --ids <new-build-id> --query 'builds[0].buildStatus' shows SUCCEEDED when the next build has ended",
    },
    Rule {
        cause: "build_type_error",
        find: build_type_error,
        looks_at: "The lines with errors in the log of a failed build: error TS with its number or Type error:, but no module that is missing. The compiler refuses the code, whatever the machine is like.",
        otherwise: LAST_GOOD,
        helped: "aws codebuild batch-get-builds --ids <new-build-id> --query 'builds[0].buildStatus' shows SUCCEEDED when the next build has ended",
    },
    Rule {
        cause: "build_module_missing",
        find: build_module_missing,
        looks_at: "The lines with errors in the log of a failed build: a module that is not found (Cannot find module, Could not resolve, TS2307), a package or version that does not exist (E404, ETARGET), versions that do not go together (ERESOLVE), or a lock file that does not fit. It is the packages or a file's name, not the code.",
        otherwise: LAST_GOOD,
        helped: "aws codebuild batch-get-builds --ids <new-build-id> --query 'builds[0].buildStatus' shows SUCCEEDED when the next build has ended",
    },
    Rule {
        cause: "build_out_of_memory",
        find: build_out_of_memory,
        looks_at: "The lines with errors in the log of a failed build, and CodeBuild's reason: heap out of memory, SIGKILL or exit code 137. The code may be right: the build has too little memory.",
        otherwise: "let the build need less: without source maps, and with type check, tests and bundler one after another",
        helped: "aws codebuild batch-get-builds --ids <new-build-id> --query 'builds[0].buildStatus' shows SUCCEEDED when the next build has ended",
    },
    Rule {
        cause: "build_audit",
        find: build_audit,
        looks_at: "The lines with errors in the log of a failed build, and CodeBuild's reason: npm audit, yarn audit or pnpm audit as the command that failed. Vulnerabilities that npm install only reports fail no build.",
        otherwise: "if a release must go out first, let the audit fail at critical findings only (npm audit --audit-level=critical), and write down what goes out with it",
        helped: "aws codebuild batch-get-builds --ids <new-build-id> --query 'builds[0].buildStatus' shows SUCCEEDED when the next build has ended",
    },
    Rule {
        cause: "build_registry_limited",
        find: build_registry_limited,
        looks_at: "The lines with errors in the log of a failed build, and CodeBuild's reason: too many requests, a pull rate limit or 429. The registry refuses whoever asks too often, whatever the code is.",
        otherwise: "take images from public.ecr.aws or by a pull-through cache (aws ecr create-pull-through-cache-rule --ecr-repository-prefix docker-hub --upstream-registry-url registry-1.docker.io --credential-arn <secret-arn>), and packages from CodeArtifact",
        helped: "aws codebuild batch-get-builds --ids <new-build-id> --query 'builds[0].buildStatus' shows SUCCEEDED when the next build has ended",
    },
];

/// An older commit that was built before can be built again.
const LAST_GOOD: &str = "if a release must go out, build the last commit that was good: aws codebuild start-build --project-name <project> --source-version <commit>";

/// Users keep the front end that they have: nothing is broken yet.
const IMPACT: Impact = Risk;
/// What a person reads before they open the log.
const LINES_SHOWN: usize = 3;

/// The words of the bundlers, of Node, and of TypeScript, which has a code for it.
const NO_MODULE: &[&str] = &[
    "Cannot find module",
    "Module not found",
    "Cannot find package",
    "ERR_MODULE_NOT_FOUND",
    "failed to resolve import",
    "Could not resolve",
    "Could not load",
    "TS2307",
];
/// npm's own codes: no such package, no such version, versions that do not go together, a lock file that does not fit.
const NO_PACKAGE: &[&str] = &["E404", "npm ERR! 404", "npm error 404", "ETARGET", "ERESOLVE", "are in sync"];
/// The words for Node's own limit, and for the kernel's signal 9 as the shell and npm report it.
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
        "FAULT" => "was aborted by CodeBuild",
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
    Some(shown(finding, build, last).since(since).next(level, next).otherwise(last_good(build)))
}

fn build_type_error(evidence: &Evidence) -> Option<Finding> {
    let build = failed(evidence)?;
    let lines = lines(build, |line| is_type_error(line) && !has(line, NO_MODULE));
    let first = lines.first()?;
    let finding =
        Finding::new(Likely, IMPACT, format!("TypeScript refuses the front end's code: {}", one_line(first)));
    Some(shown(finding, build, &lines).since(build.ended_at).next(
        Development,
        "run npx tsc --noEmit on this commit and correct what it names; where the code is as before, take TypeScript and the types back to the versions in the last good build's package-lock.json",
    ).otherwise(last_good(build)))
}

fn build_module_missing(evidence: &Evidence) -> Option<Finding> {
    let build = failed(evidence)?;
    let lines = lines(build, |line| has(line, NO_MODULE) || has(line, NO_PACKAGE));
    let first = lines.first()?;
    let (what, next) = if lines.iter().any(|line| line.contains("ERESOLVE")) {
        (
            "the front end's packages ask for versions that do not go together",
            "run npm ls with the package that is named, bring the versions together, and commit package-lock.json",
        )
    } else {
        (
            "the front end's build does not find a module",
            "see that the package is in package.json and package-lock.json, that its version is published, and that a \
             file's name is written in the same upper and lower case; try with rm -rf node_modules && npm ci",
        )
    };
    let finding = Finding::new(Likely, IMPACT, format!("{what}: {}", one_line(first)));
    let finding = shown(finding, build, &lines).since(build.ended_at);
    Some(finding.next(Development, next).otherwise(last_good(build)))
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
        format!(
            "build it with more memory: aws codebuild start-build --project-name {} --compute-type-override BUILD_GENERAL1_LARGE --environment-variables-override name=NODE_OPTIONS,value=--max-old-space-size=8192; once that succeeds, set both in the project",
            project(build)
        ),
    ))
}

/// Words for images or packages that a registry refuses, whatever the code is.
fn build_registry_limited(evidence: &Evidence) -> Option<Finding> {
    let limited = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["toomanyrequests", "too many requests", "pull rate limit", "rate limit exceeded", " 429 ", "e429"]
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
        format!(
            "start the build again, mostly it then asks from another address: aws codebuild retry-build --id {}; then log in to the registry in the buildspec (docker login, .npmrc)",
            build.id
        ),
    ))
}

/// `npm install` reports vulnerabilities too, but does not fail the build for them: only `npm audit` counts.
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
        "run npm audit, then npm audit fix or update the packages that it names, and commit package-lock.json; the code itself may be as before",
    ))
}

/// The newest build that ended, if it failed. A build that a person stopped says nothing about the code.
fn failed(evidence: &Evidence) -> Option<&Build> {
    let mut ended = evidence.builds.iter().flatten();
    ended.find(|build| build.status == "SUCCEEDED" || has_failed(build)).filter(|build| has_failed(build))
}

fn has_failed(build: &Build) -> bool {
    matches!(build.status.as_str(), "FAILED" | "FAULT" | "TIMED_OUT")
}

fn remedy(build: &Build) -> (Level, String) {
    let (id, project) = (&build.id, project(build));
    let again = format!("aws codebuild retry-build --id {id}");
    let log =
        format!("aws codebuild batch-get-builds --ids {id} --query 'builds[0].logs.deepLink' --output text");
    match (build.status.as_str(), build.phase.as_str()) {
        ("FAULT", _) => (
            Aws,
            format!("start the build again: {again}; if CodeBuild breaks it off again, open a case with AWS"),
        ),
        ("TIMED_OUT", _) => (
            DevOps,
            format!(
                "see in the log what it waited for: {log}; if it only was slow: aws codebuild update-project --name {project} --timeout-in-minutes 120"
            ),
        ),
        (_, "SUBMITTED" | "QUEUED" | "PROVISIONING") => (
            DevOps,
            format!(
                "check the project's image, network and role: aws codebuild batch-get-projects --names {project}; and the limit of builds at once: aws service-quotas list-service-quotas --service-code codebuild; then {again}"
            ),
        ),
        (_, "DOWNLOAD_SOURCE") => (
            DevOps,
            format!(
                "check the source's connection (aws codeconnections list-connections shows AVAILABLE) and what the project's role may read (aws codebuild batch-get-projects --names {project} --query 'projects[0].[source.location,serviceRole]'); then {again}"
            ),
        ),
        (_, "UPLOAD_ARTIFACTS") => (
            DevOps,
            format!(
                "check the bucket and what the project's role may write there: aws codebuild batch-get-projects --names {project} --query 'projects[0].[artifacts.location,serviceRole]'; then {again}"
            ),
        ),
        _ => (
            Development,
            format!("read the end of its log: {log}; then run npm ci && npm run build on this commit"),
        ),
    }
}

/// The project in a build's id: `front-end:0a1b2c3d-…`.
fn project(build: &Build) -> &str {
    build.id.split_once(':').map_or(build.id.as_str(), |(project, _)| project)
}

fn last_good(build: &Build) -> String {
    LAST_GOOD.replace("<project>", project(build))
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
