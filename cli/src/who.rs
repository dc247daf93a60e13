//! Whoever types, as AWS knows them. A courtesy to those who read the record: nothing is allowed or forbidden by it.

use aws_sdk_sts::{Client, operation::get_caller_identity::GetCallerIdentityOutput};

use crate::failure::Failure;

/// As `incident` takes a name.
const LONGEST: usize = 60;

pub(crate) async fn am_i(client: &Client) -> Result<String, Failure> {
    Ok(name(identity(client).await?.arn().unwrap_or_default()))
}

/// The same, as a plan keeps who asked for it: of a user, AWS tells whoever approves the id alone.
pub(crate) async fn asks(client: &Client) -> Result<String, Failure> {
    let identity = identity(client).await?;
    Ok(in_full(identity.arn().unwrap_or_default(), identity.user_id().unwrap_or_default()))
}

async fn identity(client: &Client) -> Result<GetCallerIdentityOutput, Failure> {
    client
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| Failure::aws("see whose credentials these are", "sts:GetCallerIdentity", &error))
}

fn in_full(arn: &str, id: &str) -> String {
    let name = name(arn);
    if arn.contains(":user/") && !id.is_empty() { format!("{name} ({id})") } else { name }
}

/// The last part of an ARN: a user, or the session of a role, which IAM Identity Center names after the person.
fn name(arn: &str) -> String {
    let last = arn.rsplit(['/', ':']).next().unwrap_or_default();
    if last.is_empty() { "unknown".to_owned() } else { last.chars().take(LONGEST).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_with_the_id_by_which_it_approves() {
        assert_eq!(in_full("arn:aws:iam::123456789012:user/ops/ana", "AIDAEXAMPLE"), "ana (AIDAEXAMPLE)");
        let session = "arn:aws:sts::123456789012:assumed-role/Ops/ana@example.com";
        assert_eq!(in_full(session, "AROAEXAMPLE:ana@example.com"), "ana@example.com");
    }

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
