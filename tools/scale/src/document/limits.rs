//! Which limits there are, those met first come first.

use super::{played::Played, table};
use crate::{
    amounts::grouped,
    api::Api,
    assumptions::Assumptions,
    float,
    quota::Standing,
    scene::{ALARM_AFTER, STORM_MINUTES, Timing},
    simulate::Count,
    stack::Stack,
    usage,
};

pub(super) fn standing(
    standing: &[Standing],
    assumed: &Assumptions,
    stack: &Stack,
    runs_at_once: u32,
) -> String {
    let account = assumed.an_account();
    let rows: Vec<Vec<String>> = standing
        .iter()
        .map(|one| {
            let room = grouped(one.services().into());
            vec![
                one.what.to_owned(),
                format!("{}{}", grouped(one.most.into()), note(one.unconfirmed)),
                grouped(one.a_service.into()),
                if one.services() < account { format!("**{room}**") } else { room },
                grouped(one.needed(account).into()),
                one.page.to_owned(),
                one.then.to_owned(),
            ]
        })
        .collect();
    let head = format!("{account} need");
    let head = ["limit", "default", "a deployment", "room for services", head.as_str(), "from", "and then"];
    let events = stack.event_rules + stack.subscriptions;
    // SAM makes a schedule, rule or subscription of each event, a permission of each rule and subscription, and one
    // configuration of each function's failed events.
    let made = stack.schedules() + 2 * events + stack.resources("AWS::Serverless::Function");
    format!(
        "## Limits of what an account may have\n\nOf one account and region, with nothing else in it. **Bold**: room for fewer than {account} \
         services.\n\n{}\nA template may have 500 resources: this one has {}, with what SAM makes of them about {}. A deployment's ledger is a \
         table of its own, which begins with 4,000 write and 12,000 read units a second, 1,000 and 3,000 to a partition; its busiest \
         second, in which all its schedules fire, takes {} read units. Lambda adds 1,000 runs in 10 s to each function, and a deployment has {runs_at_once} at once, at most.\n",
        table(&head, &rows),
        stack.resources_in_all(),
        stack.resources_in_all() + made,
        usage::busiest_second(stack),
    )
}

fn note(unconfirmed: &str) -> String {
    if unconfirmed.is_empty() { String::new() } else { format!(" (not confirmed: {unconfirmed})") }
}

pub(super) fn rates(played: &Played) -> String {
    let account = played.account;
    let (together, spread) = (played.rest(account, Timing::OneSecond), played.rest(account, Timing::Minute));
    let (storm, storm_spread) =
        (played.storm(account, Timing::OneSecond), played.storm(account, Timing::Minute));
    let mut rates: Vec<(Api, f64)> = Api::LIMITED
        .iter()
        .filter_map(|api| {
            Some((*api, float(api.rate()?.burst.into()) / float(storm.of(*api).top_second.max(1))))
        })
        .collect();
    rates.sort_by(|one, other| one.1.total_cmp(&other.1));
    let rows: Vec<Vec<String>> = rates
        .iter()
        .filter_map(|(api, _)| {
            let rate = api.rate()?;
            let burst = if rate.burst == rate.a_second {
                grouped(rate.a_second.into())
            } else {
                format!("{}, burst {}", grouped(rate.a_second.into()), grouped(rate.burst.into()))
            };
            let fixed = if rate.can_be_raised { "" } else { ", fixed" };
            Some(vec![
                api.name().to_owned(),
                format!("{burst}{fixed}{}", note(rate.unconfirmed)),
                format!("{:.2}", float(spread.of(*api).calls) / 3_600.0),
                spread.of(*api).top_second.to_string(),
                together.of(*api).top_second.to_string(),
                storm_spread.of(*api).top_second.to_string(),
                storm.of(*api).top_second.to_string(),
                lost(together.of(*api)),
                lost(storm_spread.of(*api)),
                lost(storm.of(*api)),
            ])
        })
        .collect();
    format!(
        "## Rates of what an account may ask\n\nCalls a second of {account} services in one account. The storm: all of them are down at once for {STORM_MINUTES} \
         minutes, every alarm rings after {} minutes, every state machine diagnoses, tries the remedy with the most calls, watches, \
         and hands over. *Lost*: calls that were throttled until the SDK gave up.\n\n{}\nWhat follows of a lost call: a remedy's scheduled run \
         ends with an error, and Lambda repeats it after 1 and 2 minutes, then its message is in the dead-letter queue; five minutes later the next run \
         looks again. `diagnose` names the source as not seen, and concludes nothing from it. A remedy that cannot read does nothing, and the \
         state machine goes on. The probe puts its metrics once a minute, far below their rate. Sources: {}.\n",
        ALARM_AFTER / crate::time::MINUTE,
        table(
            &[
                "operation",
                "a second",
                "rest, mean",
                "rest, top second",
                "rest, all in one second",
                "storm, top second",
                "storm, all in one second",
                "lost: rest in one second",
                "lost: storm",
                "lost: storm in one second",
            ],
            &rows
        ),
        sources(),
    )
}

fn lost(count: Count) -> String {
    if count.throttled == 0 {
        "-".to_owned()
    } else {
        format!("{} of {}", grouped(count.failed), grouped(count.calls))
    }
}

fn sources() -> String {
    let mut pages: Vec<&str> = Api::LIMITED.iter().filter_map(|api| Some(api.rate()?.page)).collect();
    pages.sort_unstable();
    pages.dedup();
    pages.join("; ")
}
