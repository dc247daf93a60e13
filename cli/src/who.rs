//! Whoever types, as AWS knows them. A courtesy to those who read the record: nothing is allowed or forbidden by it.

use aws_sdk_sts::Client;

use crate::failure::Failure;

/// As `incident` takes a name.
const LONGEST: usize = 60;

pub(crate) async fn am_i(client: &Client) -> Result<String, Failure> {
    let identity =
        client.get_caller_identity().send().await.map_err(|error| {
            Failure::aws("see whose credentials these are", "sts:GetCallerIdentity", &error)
        })?;
    Ok(name(identity.arn().unwrap_or_default()))
}

/// The last part of an ARN: a user, or the session of a role, which IAM Identity Center names after the person.
pub(crate) fn name(arn: &str) -> String {
    let last = arn.rsplit(['/', ':']).next().unwrap_or_default();
    if last.is_empty() { "unknown".to_owned() } else { last.chars().take(LONGEST).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_called_by_its_own_name() {
        for (arn, expected) in [
            (
                "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Ops_0a1b/ana@example.com",
                "ana@example.com",
            ),
            ("arn:aws:iam::123456789012:user/ops/ana", "ana"),
            ("arn:aws:iam::123456789012:root", "root"),
            ("", "unknown"),
        ] {
            assert_eq!(name(arn), expected, "{arn}");
        }
    }
}
