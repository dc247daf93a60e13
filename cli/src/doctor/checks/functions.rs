//! The functions, as Lambda has them.

use aws_sdk_lambda::types::{AccountLimit, Architecture, LastUpdateStatus, State};
use jiff::{SignedDuration, Timestamp, fmt::strtime};

use crate::{
    doctor::{
        site::{Configured, Site},
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
    function::Function,
    time,
};

/// CloudFormation changes functions while it updates the stack; later it was somebody else.
const OF_A_DEPLOYMENT: SignedDuration = SignedDuration::from_mins(60);
/// What one deployment runs at once at most (docs/scale.md).
const RUNS_AT_ONCE: i32 = 14;
/// Lambda keeps so many for functions that reserve none.
const ENOUGH: i32 = 100;
/// Long enough to see what a remedy would have done.
const OBSERVED_LONG_ENOUGH: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) async fn state(site: &Site) -> Result<Verdict, Unseen> {
    let stack = site.described().await?;
    let deployed = stack.last_updated_time().or(stack.creation_time());
    let deployed = deployed.and_then(|at| Timestamp::from_second(at.secs()).ok());
    Ok(of_functions(site.configured().await?, deployed, &site.stack.environment))
}

fn of_functions(all: &[Configured], deployed: Option<Timestamp>, environment: &str) -> Verdict {
    let deploy = format!("make deploy ENV={environment}");
    let names = |is_one: &dyn Fn(&Configured) -> bool| {
        let found = all.iter().filter(|one| is_one(one)).map(|(function, _)| function.name());
        found.collect::<Vec<_>>().join(", ")
    };
    let broken = names(&|(_, function)| {
        function.state() == Some(&State::Failed)
            || function.last_update_status() == Some(&LastUpdateStatus::Failed)
    });
    if !broken.is_empty() {
        return Verdict::bad(
            format!("Lambda could not set up {broken}"),
            "whatever wakes it gets an error, or the version before",
            deploy,
        );
    }
    let changed = names(&|(_, function)| {
        let modified = function.last_modified().and_then(modified_at);
        modified.zip(deployed).is_some_and(|(modified, at)| modified.duration_since(at) > OF_A_DEPLOYMENT)
    });
    if !changed.is_empty() {
        return Verdict::warn(
            format!("changed after the last deployment, and not by it: {changed}"),
            "they may be of another version or setting than the others, and the next deployment takes that back",
            deploy,
        );
    }
    let mut processors: Vec<&str> =
        all.iter().flat_map(|(_, one)| one.architectures()).map(Architecture::as_str).collect();
    processors.sort_unstable();
    processors.dedup();
    Verdict::ok(format!(
        "{} functions are set up, of the last deployment, for {}",
        all.len(),
        processors.join(" and ")
    ))
}

/// As in `2026-12-01T10:00:00.000+0000`, or with a `Z`.
fn modified_at(text: &str) -> Option<Timestamp> {
    let read = || strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok();
    text.parse().ok().or_else(read)
}

pub(super) async fn concurrency(site: &Site) -> Result<Verdict, Unseen> {
    let client = aws_sdk_lambda::Client::new(&site.config);
    let answer = client.get_account_settings().send().await;
    let answer = answer.map_err(|error| {
        Failure::aws("read Lambda's limits of the account", "lambda:GetAccountSettings", &error)
    })?;
    answer.account_limit().map(room).ok_or_else(|| Unseen::new("Lambda says no limit of the account"))
}

fn room(limit: &AccountLimit) -> Verdict {
    let (free, all) =
        (limit.unreserved_concurrent_executions().unwrap_or_default(), limit.concurrent_executions());
    let says = format!("{free} of the account's {all} concurrent runs are reserved by no function");
    let raise = "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 \
                 --desired-value 1000";
    if free < RUNS_AT_ONCE {
        return Verdict::bad(
            says,
            format!(
                "in an outage the runbook runs up to {RUNS_AT_ONCE} at once: some of them wait, and help late"
            ),
            raise,
        );
    }
    if free < ENOUGH {
        return Verdict::warn(says, "whatever else this account runs may leave the runbook none", raise);
    }
    Verdict::ok(says)
}

pub(super) async fn modes(site: &Site) -> Result<Verdict, Unseen> {
    let created =
        site.described().await?.creation_time().and_then(|at| Timestamp::from_second(at.secs()).ok());
    let age = created.map(|at| site.now.duration_since(at)).unwrap_or_default();
    let modes: Vec<(Function, &str)> = site
        .configured()
        .await?
        .iter()
        .filter_map(|(function, one)| {
            let variables = one.environment()?.variables()?;
            Some((*function, variables.get("MODE")?.as_str()))
        })
        .collect();
    Ok(of_modes(&modes, age, &site.stack.environment))
}

fn of_modes(modes: &[(Function, &str)], age: SignedDuration, environment: &str) -> Verdict {
    let of = |wanted: &str| {
        let its = modes.iter().filter(|(_, mode)| *mode == wanted).map(|(function, _)| function.name());
        its.collect::<Vec<_>>().join(", ")
    };
    let says: Vec<String> = ["off", "observe", "approve", "auto"]
        .into_iter()
        .map(|mode| (mode, of(mode)))
        .filter(|(_, its)| !its.is_empty())
        .map(|(mode, its)| format!("{mode}: {its}"))
        .collect();
    let says = says.join("; ");
    let deploy = |mode: &str| format!("make deploy ENV={environment}   # with Mode={mode} in samconfig.toml");
    if !of("off").is_empty() {
        return Verdict::warn(says, "a remedy that is off refuses, whoever asks", deploy("approve"));
    }
    if !of("observe").is_empty() && age > OBSERVED_LONG_ENOUGH {
        let says = format!("{says}, and the stack is {} old", time::spoken(age));
        return Verdict::warn(
            says,
            "in an outage these say what they would do, and do nothing",
            deploy("approve"),
        );
    }
    Verdict::ok(says)
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput as Output;

    use super::*;
    use crate::doctor::verdict::Word;

    fn function(state: State, update: LastUpdateStatus, modified: &str) -> Configured {
        let output = Output::builder()
            .state(state)
            .last_update_status(update)
            .last_modified(modified)
            .architectures(Architecture::Arm64);
        (Function::Rollback, output.build())
    }

    #[test]
    fn a_function_that_lambda_could_not_set_up_is_bad_and_one_changed_by_hand_a_warning() {
        let deployed = "2026-12-01T10:00:00Z".parse().ok();
        let of = |state, update, modified: &str| {
            of_functions(&[function(state, update, modified)], deployed, "production")
        };
        let well = of(State::Active, LastUpdateStatus::Successful, "2026-12-01T10:02:00.000+0000");
        assert_eq!(well, Verdict::ok("1 functions are set up, of the last deployment, for arm64"));
        // Lambda lets one that is idle go, and starts it again when it is called.
        let idle = of(State::Inactive, LastUpdateStatus::Successful, "2026-12-01T10:02:00.000+0000");
        assert_eq!(idle.word, Word::Ok);
        let by_hand = of(State::Active, LastUpdateStatus::Successful, "2026-12-01T14:02:00.000+0000");
        assert_eq!(by_hand.word, Word::Warn);
        assert!(by_hand.says.ends_with("not by it: rollback"), "{}", by_hand.says);
        let failed = of(State::Active, LastUpdateStatus::Failed, "2026-12-01T10:02:00.000+0000");
        assert_eq!((failed.word, failed.mend.as_str()), (Word::Bad, "make deploy ENV=production"));
    }

    #[test]
    fn a_new_account_has_no_room_for_an_outage() {
        for (free, word) in
            [(10, Word::Bad), (13, Word::Bad), (14, Word::Warn), (99, Word::Warn), (900, Word::Ok)]
        {
            let limit = AccountLimit::builder()
                .concurrent_executions(1_000)
                .unreserved_concurrent_executions(free)
                .build();
            assert_eq!(room(&limit).word, word, "{free}");
        }
    }

    #[test]
    fn to_look_on_for_weeks_is_a_warning_and_so_is_a_remedy_that_is_off() {
        let modes = |rollback, days: i64| {
            let modes = [(Function::Rollback, rollback), (Function::Restart, "auto")];
            of_modes(&modes, SignedDuration::from_hours(24 * days), "production")
        };
        assert_eq!(modes("observe", 13), Verdict::ok("observe: rollback; auto: restart"));
        let long = modes("observe", 15);
        assert_eq!(long.says, "observe: rollback; auto: restart, and the stack is 15 days old");
        assert_eq!(long.mend, "make deploy ENV=production   # with Mode=approve in samconfig.toml");
        assert_eq!(modes("off", 0).word, Word::Warn);
        assert_eq!(modes("approve", 400).word, Word::Ok);
    }
}
