//! The stack itself: whether its last deployment came to its end, and whether it is still what was deployed.

use aws_sdk_cloudformation::types::{Stack, StackDriftStatus, StackStatus};

use crate::doctor::{
    site::Site,
    verdict::{Unseen, Verdict},
};

pub(super) async fn state(site: &Site) -> Result<Verdict, Unseen> {
    Ok(of_stack(site.described().await?, &site.stack.environment))
}

fn of_stack(stack: &Stack, environment: &str) -> Verdict {
    let name = stack.stack_name().unwrap_or_default();
    let status = stack.stack_status().map_or("of no status", StackStatus::as_str);
    let says = format!("{name} is {status}");
    let events = format!(
        "aws cloudformation describe-stack-events --stack-name {name} --query \
         \"StackEvents[?ends_with(ResourceStatus,'FAILED')].[LogicalResourceId,ResourceStatusReason]\""
    );
    match status {
        "UPDATE_ROLLBACK_FAILED" => Verdict::bad(
            says,
            "half of the last deployment is there, and nothing can be deployed",
            format!("aws cloudformation continue-update-rollback --stack-name {name}"),
        ),
        _ if status.ends_with("FAILED") || status.starts_with("ROLLBACK") || status.starts_with("DELETE") => {
            Verdict::bad(says, "parts of the runbook are not there", events)
        }
        "UPDATE_ROLLBACK_COMPLETE" => Verdict::warn(
            says,
            "the last deployment failed and was taken back: what it was to change has not changed",
            events,
        ),
        _ if status.ends_with("IN_PROGRESS") => Verdict::warn(
            says,
            "what is found now may be otherwise once the deployment is over",
            format!("aws cloudformation wait stack-update-complete --stack-name {name}"),
        ),
        _ if is_drifted(stack) => Verdict::warn(
            format!("{says}, and somebody has changed what it made"),
            "the next deployment may fail, or take that change back",
            format!(
                "aws cloudformation describe-stack-resource-drifts --stack-name {name} \
                 --stack-resource-drift-status-filters MODIFIED DELETED   # then: make deploy ENV={environment}"
            ),
        ),
        _ => Verdict::ok(says),
    }
}

/// As AWS found it when somebody last asked for it: it does not look by itself.
fn is_drifted(stack: &Stack) -> bool {
    let drift = stack.drift_information().and_then(|drift| drift.stack_drift_status());
    drift == Some(&StackDriftStatus::Drifted)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::StackDriftInformation;

    use super::*;
    use crate::doctor::verdict::Word;

    fn stack(status: &str, drift: StackDriftStatus) -> Stack {
        Stack::builder()
            .stack_name("lendpeak2-runbook-production")
            .stack_status(StackStatus::from(status))
            .creation_time(std::time::SystemTime::UNIX_EPOCH.into())
            .drift_information(StackDriftInformation::builder().stack_drift_status(drift).build())
            .build()
    }

    #[test]
    fn each_state_of_a_stack_has_its_word() {
        for (status, drift, word) in [
            ("CREATE_COMPLETE", StackDriftStatus::NotChecked, Word::Ok),
            ("UPDATE_COMPLETE", StackDriftStatus::InSync, Word::Ok),
            ("IMPORT_COMPLETE", StackDriftStatus::NotChecked, Word::Ok),
            ("UPDATE_COMPLETE", StackDriftStatus::Drifted, Word::Warn),
            ("UPDATE_IN_PROGRESS", StackDriftStatus::NotChecked, Word::Warn),
            ("UPDATE_ROLLBACK_COMPLETE", StackDriftStatus::NotChecked, Word::Warn),
            ("ROLLBACK_COMPLETE", StackDriftStatus::NotChecked, Word::Bad),
            ("UPDATE_ROLLBACK_FAILED", StackDriftStatus::NotChecked, Word::Bad),
            ("DELETE_FAILED", StackDriftStatus::NotChecked, Word::Bad),
        ] {
            assert_eq!(of_stack(&stack(status, drift), "production").word, word, "{status}");
        }
    }

    #[test]
    fn a_roll_back_that_failed_is_to_be_gone_on_with() {
        let verdict = of_stack(&stack("UPDATE_ROLLBACK_FAILED", StackDriftStatus::NotChecked), "production");
        assert_eq!(
            verdict.mend,
            "aws cloudformation continue-update-rollback --stack-name lendpeak2-runbook-production"
        );
    }
}
