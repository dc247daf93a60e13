//! Secrets and parameters that tasks cannot read.

use jiff::Timestamp;

use super::{
    failed_starts::{Failures, NOT_ALLOWED, SECRETS, impact, says},
    steps::{after, named, role, secret},
};
use crate::{
    evidence::{Evidence, Secret},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Level::DevOps,
    },
    names::secret_name,
};

/// A secret that was changed yesterday may show with today's first new task.
pub(super) const CHANGED_MINUTES: i64 = 24 * 60;

const UNKNOWN: &str = "<secret-that-the-task-definition-names>";

pub(super) fn secret_missing(evidence: &Evidence) -> Option<Finding> {
    let unreadable = [
        "looking for beginning of value",
        "unexpected end of json",
        "cannot unmarshal",
        "after top-level value",
        "invalid character",
    ];
    let no_key = ["not contain json key"];
    let missing =
        evidence.secrets.iter().flatten().find(|secret| !secret.exists && secret.deleted_at.is_none());
    let failed = Failures::of(evidence, |words| {
        says(words, &["secret", "ssm"])
            && (says(
                words,
                &[
                    "resourcenotfound",
                    "can't find the specified secret",
                    "invalid parameters",
                    "invalid ssm parameters",
                ],
            ) || says(words, &no_key)
                || says(words, &unreadable))
    });
    let Some(missing) = missing else {
        let failed = failed?;
        let words = failed.words();
        let changed = changed_lately(evidence);
        let seen = changed.map(|(secret, _)| secret).or_else(|| only_secret(evidence));
        let which = secret(&words).or(seen.map(|secret| secret.name.as_str())).unwrap_or(UNKNOWN);
        let (why, repair, otherwise) = if says(&words, &unreadable) {
            (
                "a secret is not JSON, and the task definition names a key of it",
                format!(
                    "look at its version before, and put it back if it is right: {}",
                    version_before(which)
                ),
                Some(format!("save the right JSON: {}", save(which))),
            )
        } else if says(&words, &no_key) {
            let key = after(&words, "json key ").unwrap_or("the key");
            (
                "a secret lacks the key that the task definition names",
                format!(
                    "see which keys it has (aws secretsmanager get-secret-value --secret-id {which} --query \
                     SecretString --output text | jq keys), then add {key} to its JSON: {}",
                    save(which)
                ),
                Some(format!(
                    "correct the key's name in a new revision, or put the version before back: {}",
                    version_before(which)
                )),
            )
        } else if says(&words, &["ssm"]) {
            let name = after(&words, "parameters: ").unwrap_or("<parameter-that-the-reason-names>");
            (
                "a parameter of Parameter Store does not exist",
                format!(
                    "create it: aws ssm put-parameter --type SecureString --name {name} --value \
                     file://value.txt"
                ),
                Some(
                    "look for it under another name (aws ssm describe-parameters --query \
                     'Parameters[].Name') and name that one in a new revision"
                        .to_owned(),
                ),
            )
        } else {
            ("a secret does not exist", create(secret(&words).map_or(UNKNOWN, secret_name)), None)
        };
        let finding = failed.finding(evidence, why);
        let mut finding = match changed {
            Some((secret, at)) => {
                finding.fact("Secrets Manager", secret.name.clone(), "changed").at(Some(at))
            }
            None => finding,
        };
        if let Some(otherwise) = otherwise {
            finding = finding.otherwise(otherwise);
        }
        return Some(failed.next(evidence, finding, &repair));
    };
    let finding = secret_gone(evidence, missing, failed.as_ref(), "does not exist");
    let finding = finding.fact("Secrets Manager", missing.name.clone(), "does not exist");
    let next = create(&missing.name);
    Some(match &failed {
        Some(failed) => failed.next(evidence, finding, &next),
        None => finding.next(DevOps, next),
    })
}

fn changed_lately(evidence: &Evidence) -> Option<(&Secret, Timestamp)> {
    let changed = evidence.secrets.iter().flatten().filter_map(|secret| Some((secret, secret.changed_at?)));
    changed.max_by_key(|(_, at)| *at).filter(|(_, at)| evidence.within_minutes(*at, CHANGED_MINUTES))
}

/// The only secret that it can be.
pub(super) fn only_secret(evidence: &Evidence) -> Option<&Secret> {
    match evidence.secrets.as_deref()? {
        [secret] => Some(secret),
        _ => None,
    }
}

fn create(name: &str) -> String {
    format!(
        "create it with the content that it had: aws secretsmanager create-secret --name {name} \
         --secret-string file://secret.json; a new secret has a new ARN: name it in a new revision where the \
         task definition has the old one"
    )
}

fn save(which: &str) -> String {
    format!("aws secretsmanager put-secret-value --secret-id {which} --secret-string file://secret.json")
}

/// What makes a secret's version before the current one again; what is current now becomes the version before.
pub(super) fn version_before(which: &str) -> String {
    let id_of = |stage: &str| {
        format!(
            "$(aws secretsmanager list-secret-version-ids --secret-id {which} --query \"Versions[?contains(VersionStages, '{stage}')].VersionId\" --output text)"
        )
    };
    format!(
        "aws secretsmanager update-secret-version-stage --secret-id {which} --version-stage AWSCURRENT --move-to-version-id {} --remove-from-version-id {}",
        id_of("AWSPREVIOUS"),
        id_of("AWSCURRENT")
    )
}

pub(super) fn secret_deleted(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        says(words, &["secret"]) && says(words, &["marked for deletion", "scheduled for deletion"])
    });
    let Some(deleted) = evidence.secrets.iter().flatten().find(|secret| secret.deleted_at.is_some()) else {
        let failed = failed?;
        let which = secret(&failed.words()).map_or_else(|| UNKNOWN.to_owned(), str::to_owned);
        let finding = failed.finding(evidence, "a secret is scheduled for deletion");
        return Some(finding.next(DevOps, restore(&which)));
    };
    let finding = secret_gone(evidence, deleted, failed.as_ref(), "is scheduled for deletion");
    let finding = finding
        .fact("Secrets Manager", deleted.name.clone(), "scheduled for deletion")
        .at(deleted.deleted_at);
    Some(finding.next(DevOps, restore(&deleted.name)))
}

fn restore(which: &str) -> String {
    format!(
        "restore the secret: aws secretsmanager restore-secret --secret-id {which}; nothing is lost before \
         its recovery window ends"
    )
}

/// Running tasks have read their secrets; the next one cannot.
fn secret_gone(evidence: &Evidence, secret: &Secret, failed: Option<&Failures<'_>>, how: &str) -> Finding {
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let mut named = containers.flat_map(|container| &container.secrets);
    // If only the settings name a secret, it is not known whether the application reads it.
    let is_read = evidence.definition.is_none() || named.any(|[_, from]| from.contains(&secret.name));
    let finding = Finding::new(
        if is_read { Certain } else { Likely },
        impact(evidence),
        format!("no task can start: the secret {} {how}", secret.name),
    )
    .since(secret.deleted_at)
    .not_before(secret.deleted_at);
    match failed {
        Some(failed) => failed.shown(evidence, finding),
        None => finding,
    }
}

pub(super) fn secret_not_permitted(evidence: &Evidence) -> Option<Finding> {
    let is_gone = |words: &str| {
        let mut secrets = evidence.secrets.iter().flatten();
        // Without permission, AWS answers "denied" for a secret that does not exist, too.
        secrets.any(|secret| (!secret.exists || secret.deleted_at.is_some()) && words.contains(&secret.name))
    };
    let failed =
        Failures::of(evidence, |words| says(words, NOT_ALLOWED) && says(words, SECRETS) && !is_gone(words))?;
    let words = failed.words();
    let role = role(&words).unwrap_or("<execution-role>");
    let (action, resource) = if says(&words, &["kms"]) {
        ("kms:Decrypt", named(&words, "arn:aws:kms:").unwrap_or("<arn-of-the-key>").to_owned())
    } else if says(&words, &["ssm"]) {
        ("ssm:GetParameters", named(&words, "arn:aws:ssm:").unwrap_or("<arn-of-the-parameter>").to_owned())
    } else {
        // The reason may have the ARN without the six characters at its end.
        let arn = secret(&words).map(|arn| format!("{arn}*"));
        ("secretsmanager:GetSecretValue", arn.unwrap_or_else(|| "<arn-of-the-secret>".to_owned()))
    };
    let finding = failed.finding(evidence, "their execution role may not read a secret").otherwise(format!(
        "where the role has that right, see what denies it: the secret's own policy (aws secretsmanager \
         get-resource-policy --secret-id {}), its KMS key's, or a policy of the organization",
        secret(&words).unwrap_or(UNKNOWN)
    ));
    // A policy of the same name would replace the permission for another secret.
    let last = resource.rsplit([':', '/']).next().unwrap_or("secret").trim_matches(['*', '<', '>']);
    let allow = format!(
        "let the execution role read it: aws iam put-role-policy --role-name {role} --policy-name read-{last} --policy-document '{{\"Version\": \"2012-10-17\", \"Statement\": [ {{\"Effect\": \"Allow\", \"Action\": \"{action}\", \"Resource\": \"{resource}\" }} ] }}'"
    );
    Some(failed.next(evidence, finding, &allow))
}
