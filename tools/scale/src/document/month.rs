//! The answer, the bill, and what it stands on.

use super::{played::Played, table};
use crate::{
    amounts::{dollars, grouped},
    assumptions::Assumptions,
    bill::{self, Line, total},
    price,
    quota::{CONCURRENCY, Standing, Stops, first_of_deployments},
    scene::Timing,
    stack::Stack,
    usage::Usage,
};

pub(super) fn answer(usage: &Usage, assumed: &Assumptions, standing: &[Standing], played: &Played) -> String {
    let account = assumed.an_account();
    let fleet = total(&bill::of(usage, assumed.services, assumed.accounts));
    let apart = total(&bill::of(usage, account, 1)) * f64::from(assumed.accounts);
    let (together, spread) =
        (played.rest(account, Timing::closest(&Stack::read())), played.rest(account, Timing::Minute));
    let throttled = |timing| match played.first.get(&timing) {
        Some(Some((services, api))) => format!("{services} services, by {}", api.name()),
        _ => format!("more than {} services", Played::UP_TO),
    };
    [
        format!(
            "- **A month of one service costs {}.** A fleet of {} services in {} accounts: **{}** on one bill, {} if each account \
             pays its own.",
            dollars(total(&bill::of(usage, 1, 1))),
            grouped(assumed.services.into()),
            assumed.accounts,
            dollars(fleet),
            dollars(apart)
        ),
        room(account, standing, played),
        format!(
            "- **The first rate** that an account at rest meets depends on when its schedules fire. All in one second: {}. Spread over \
             the minute: {}. All in one second, but the remedies' in a flexible window of {} minutes: {}.",
            throttled(Timing::OneSecond),
            throttled(Timing::Minute),
            Timing::WINDOW_MINUTES,
            throttled(Timing::Window)
        ),
        format!(
            "- **{account} services at rest**, for an hour: {} where schedules fire as close together as they can; {} where they are spread over \
             the minute.",
            throttles(together),
            throttles(spread)
        ),
        format!(
            "- **{account} services down at once**: {}.\n",
            super::played::storm_in_words(played, account)
        ),
    ]
    .join("\n")
}

/// How many deployments one account holds with its default quotas.
fn room(account: u32, standing: &[Standing], played: &Played) -> String {
    let Some(first) = first_of_deployments(standing) else { return String::new() };
    let fits = if account > first.services() {
        format!(
            "**{account} do not fit: number {} meets it.** Have it raised to {} and whatever else the account runs, in every account, \
             before the first of them; that costs nothing",
            first.services() + 1,
            grouped(first.needed(account).into())
        )
    } else {
        format!("{account} fit, and no quota has to be raised for them")
    };
    let earlier = standing.iter().filter(|one| one.stops != Stops::Deployment);
    let earlier = earlier.filter(|one| one.services() < account).map(|one| {
        let whose = if one.stops == Stops::LendPeak2 { "LendPeak2's own" } else { "one source less" };
        format!("{} ({whose}) at {}", one.what, one.services())
    });
    let earlier: Vec<String> = earlier.collect();
    let earlier = if earlier.is_empty() {
        String::new()
    } else {
        format!(" What is met earlier stops no deployment: {}.", earlier.join("; "))
    };
    format!(
        "- **One account with its default quotas holds {} deployments**: the first limit is {}, of which there are {}, and a deployment takes {}. \
         {fits}. With {account} of them down in the same second, {} runs go on at once, of {}.{earlier}",
        first.services(),
        first.what,
        grouped((first.most - first.kept).into()),
        first.a_service,
        played.storm(account, Timing::OneSecond).most_at_once,
        grouped(CONCURRENCY.into()),
    )
}

fn throttles(seen: &crate::simulate::Seen) -> String {
    if seen.throttled() == 0 {
        return "no call is throttled".to_owned();
    }
    let good = if seen.lost == 0 {
        "Lambda's repeats make all of them good".to_owned()
    } else {
        format!("Lambda's repeats leave {} of them undone", grouped(seen.lost))
    };
    format!(
        "{} attempts are throttled, {} runs end with an error, and {good}",
        grouped(seen.throttled()),
        grouped(seen.errors)
    )
}

pub(super) fn bill(usage: &Usage, page: f64, assumed: &Assumptions) -> String {
    let account = assumed.an_account();
    let of_line = |lines: &[Line], what: &str| {
        lines.iter().find(|line| line.what == what).map(|line| line.dollars).unwrap_or_default()
    };
    let one = bill::of(usage, 1, 1);
    let (of_account, of_fleet) =
        (bill::of(usage, account, 1), bill::of(usage, assumed.services, assumed.accounts));
    let mut rows: Vec<Vec<String>> = one
        .iter()
        .map(|line| {
            vec![
                line.what.to_owned(),
                line.quantity.clone(),
                dollars(line.dollars),
                dollars(of_line(&of_account, line.what)),
                dollars(of_line(&of_fleet, line.what)),
            ]
        })
        .collect();
    rows.push(vec![
        "**all**".to_owned(),
        String::new(),
        format!("**{}**", dollars(total(&one))),
        format!("**{}**", dollars(total(&of_account))),
        format!("**{}**", dollars(total(&of_fleet))),
    ]);
    let head = [
        "a month".to_owned(),
        "one service uses".to_owned(),
        "one service".to_owned(),
        format!("an account of {account}"),
        format!("{} services, one bill", grouped(assumed.services.into())),
    ];
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    format!(
        "## A month\n\n{}\nThe accounts of an organization are billed together, so that the fleet's metrics cost less after the first \
         10,000. Not counted: free tiers, taxes, support; LendPeak2 itself; a NAT gateway, which the functions do not need \
         (`RestoreInNetwork=true` needs a way out of its network). \
         The fleet's metrics, alarms and dashboards cost the same whether or not anything happens. A status page \
         (`StatusPage=true`) adds {} to a service's month, and what its readers transfer.\n",
        table(&head, &rows),
        dollars(page)
    )
}

pub(super) fn largest(usage: &Usage, assumed: &Assumptions) -> String {
    let fleet = bill::of(usage, assumed.services, assumed.accounts);
    let all = total(&fleet);
    let rows: Vec<Vec<String>> = fleet
        .iter()
        .take(3)
        .map(|line| {
            vec![
                line.what.to_owned(),
                format!("{:.0} %", 100.0 * line.dollars / all),
                line.depends_on.to_owned(),
                line.less_by.to_owned(),
            ]
        })
        .collect();
    let smaller: Vec<String> = fleet
        .iter()
        .skip(3)
        .filter(|line| line.dollars / all > 0.005)
        .map(|line| format!("{}: {}", line.what, line.less_by))
        .collect();
    let restore = price::INSTANCE_HOUR.of(assumed.restore_hours * assumed.restore_instances)
        + price::DATABASE_STORED.of(assumed.restore_hours / crate::usage::HOURS * assumed.database_gb);
    // The probe's success, whole time and certificate for each check, and whether all is well.
    let fewer =
        Usage { custom_metrics: 25.0, dashboards: 1.0 / f64::from(assumed.an_account()), ..usage.clone() };
    let with_less = |services, accounts| dollars(total(&bill::of(&fewer, services, accounts)));
    format!(
        "### The three largest lines of the fleet\n\n{}\nWith 25 custom metrics and one dashboard for an account, a service costs {} and the fleet {}. Then, in their \
         order: {}.\n\nOne restore that lives {} hours costs {}: as much as {:.0} services' Lambda functions in a month. A cluster that \
         somebody forgets costs {} a month.\n",
        table(&["line", "of the fleet's bill", "depends on", "becomes less by"], &rows),
        with_less(1, 1),
        with_less(assumed.services, assumed.accounts),
        smaller.join("; "),
        assumed.restore_hours,
        dollars(restore),
        restore / lambda(usage),
        dollars(
            price::INSTANCE_HOUR.of(crate::usage::HOURS * assumed.restore_instances)
                + price::DATABASE_STORED.of(assumed.database_gb)
        ),
    )
}

fn lambda(usage: &Usage) -> f64 {
    price::LAMBDA_REQUEST.of(usage.runs) + price::LAMBDA_GB_SECOND.of(usage.gb_seconds)
}

pub(super) fn assumptions(assumed: &Assumptions) -> String {
    let rows: Vec<Vec<String>> = assumed
        .rows()
        .into_iter()
        .map(|(flag, value, why)| vec![format!("`{flag}`"), value, why.to_owned()])
        .collect();
    format!(
        "## Assumed\n\nOf one service in a month. Each is a flag of `target/debug/scale`; `--services` and `--accounts` are flags too.\n\n{}",
        table(&["flag", "value", "why"], &rows)
    )
}

pub(super) fn prices() -> String {
    let mut rows: Vec<Vec<String>> = vec![vec![
        "custom metrics".to_owned(),
        "$0.30, past 10,000 $0.10, past 250,000 $0.05, past a million $0.02".to_owned(),
        "metric".to_owned(),
        "Amazon CloudWatch".to_owned(),
    ]];
    rows.extend(price::ALL.iter().map(|price| {
        let per = match price.per {
            1e6 => "million ",
            100_000.0 => "100,000 ",
            10_000.0 => "10,000 ",
            1_000.0 => "1,000 ",
            _ => "",
        };
        let two = format!("{:.2}", price.dollars);
        // As many digits as the price has, and cents at least.
        let all = price.dollars.to_string();
        let amount = if two.len() > all.len() { two } else { all };
        vec![
            price.what.to_owned(),
            format!("${amount}{}", if price.confirmed { "" } else { " (not confirmed)" }),
            format!("{per}{}", price.unit),
            price.page.to_owned(),
        ]
    }));
    format!(
        "## Prices\n\nList prices of us-east-1, November 2026. The page is AWS's pricing page of that service; each price was found in a \
         published copy of it, or in a public price table that quotes it.\n\n{}",
        table(&["what", "price", "per", "page"], &rows)
    )
}

pub(super) fn provenance(stack: &Stack) -> String {
    format!(
        "## What is what\n\n\
         - **Counted from the template**, when the program is built: {} functions with their memory, schedules and reserved \
         concurrency, {} alarms, {} roles and all other resources. From the probe's code: its {} metrics.\n\
         - **Counted from a sandbox**: what each run asks of AWS (the gateway's record of calls, at rest and in one incident), the bytes that it \
         logs, and the items that an incident leaves. **Measured**: what a run computes, by docs/benchmarks.md, scaled to \
         the processor's share that its memory buys.\n\
         - **Simulated**: throttles, retries, times and concurrency. Tokens come back to a bucket evenly; where AWS tells no burst, one \
         second's worth passes at once. The SDK tries four times within 15 s, after a random wait of up to 1, 2 and 4 s; Lambda \
         repeats a failed event after 1 and 2 minutes; an account has no more than 1,000 runs at once. An answer takes 30 ms. Only the runbook \
         calls: whatever else the account runs takes from the same rates.\n\
         - **Assumed**: the table above; that a healthy site answers in 200 ms and one that is down hangs for the probe's 10 s; that \
         AWS does not throttle the operations whose rates it does not publish (load balancers, DocumentDB, CloudFront, Application \
         Auto Scaling, CodeBuild, ECR, EC2).\n\
         - **Published**: prices and quotas. What was found in no source says so. Some copies of AWS's guides are of 2022 and 2023: Service Quotas in the console tells what an account has today.\n",
        stack.functions().len(),
        stack.alarms(),
        stack.resources("AWS::IAM::Role"),
        stack.probe_metrics(),
    )
}
