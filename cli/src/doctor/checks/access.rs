//! Who asks, and what they may ask.

use aws_sdk_lambda::{operation::invoke::InvokeError, types::InvocationType};

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
    function::Function,
    who,
};

pub(super) async fn identity(site: &Site) -> Result<Verdict, Unseen> {
    let client = aws_sdk_sts::Client::new(&site.config);
    let answer =
        client.get_caller_identity().send().await.map_err(|error| {
            Failure::aws("see whose credentials these are", "sts:GetCallerIdentity", &error)
        })?;
    let region = site.config.region().map(AsRef::as_ref).unwrap_or_default();
    Ok(of_whom(answer.arn().unwrap_or_default(), answer.account().unwrap_or_default(), region))
}

fn of_whom(arn: &str, account: &str, region: &str) -> Verdict {
    let says = format!("{} in account {account}, {region}", who::name(arn));
    if arn.ends_with(":root") {
        return Verdict::warn(
            says,
            "whoever has these credentials may do anything, and no policy limits that",
            "aws sso login   # as somebody with docs/permissions/operate.json",
        );
    }
    Verdict::ok(says)
}

/// What a dry invocation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    May,
    Denied,
    Missing,
}

/// Lambda itself looks whether one may invoke, and runs nothing.
pub(super) async fn may_invoke(site: &Site) -> Result<Verdict, Unseen> {
    let client = aws_sdk_lambda::Client::new(&site.config);
    let mut called = Vec::new();
    for (function, name) in site.functions() {
        let invoke = client.invoke().function_name(name).invocation_type(InvocationType::DryRun);
        called.push((
            function,
            match invoke.send().await {
                Ok(_) => Called::May,
                Err(error) => {
                    let missing =
                        error.as_service_error().is_some_and(InvokeError::is_resource_not_found_exception);
                    let failure = Failure::aws(format!("ask {name}"), "lambda:InvokeFunction", &error);
                    match failure.denied() {
                        _ if missing => Called::Missing,
                        Some(_) => Called::Denied,
                        None => return Err(failure.into()),
                    }
                }
            },
        ));
    }
    Ok(invocable(&called, &site.stack.environment))
}

fn invocable(called: &[(Function, Called)], environment: &str) -> Verdict {
    let which = |wanted: Called| {
        let its = called.iter().filter(|(_, called)| *called == wanted);
        its.map(|(function, _)| function.name()).collect::<Vec<_>>().join(", ")
    };
    let (missing, denied) = (which(Called::Missing), which(Called::Denied));
    if !missing.is_empty() {
        return Verdict::bad(
            format!("the stack names functions that are not there: {missing}"),
            "what they are for is done by nobody",
            format!("make deploy ENV={environment}"),
        );
    }
    if !denied.is_empty() {
        return Verdict::warn(
            format!("your role may not invoke {denied}"),
            "in an outage you could not ask for it, nor approve it",
            "aws iam create-policy --policy-name lendpeak2-operate --policy-document \
             file://docs/permissions/operate.json   # and attach it to your role",
        );
    }
    Verdict::ok(format!("you may invoke all {} functions", called.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::verdict::Word;

    #[test]
    fn the_root_of_an_account_is_nobody_to_work_as() {
        let of = |arn: &str| of_whom(arn, "123456789012", "eu-west-1");
        let ana = of("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Ops_0a1b/ana@example.com");
        assert_eq!(ana, Verdict::ok("ana@example.com in account 123456789012, eu-west-1"));
        assert_eq!(of("arn:aws:iam::123456789012:root").word, Word::Warn);
    }

    #[test]
    fn a_function_that_is_gone_is_worse_than_one_that_is_not_yours() {
        let of = |called: [Called; 2]| {
            invocable(&[(Function::Rollback, called[0]), (Function::ScaleUp, called[1])], "staging")
        };
        assert_eq!(of([Called::May; 2]), Verdict::ok("you may invoke all 2 functions"));
        let denied = of([Called::Denied, Called::May]);
        assert_eq!((denied.word, denied.says.as_str()), (Word::Warn, "your role may not invoke rollback"));
        let missing = of([Called::Denied, Called::Missing]);
        assert_eq!((missing.word, missing.mend.as_str()), (Word::Bad, "make deploy ENV=staging"));
    }
}
