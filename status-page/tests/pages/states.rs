//! The twelve states.

use jiff::{ToSpan, civil::date};
use status_page::{Component, Day, Impact, Incident, Maintenance, Page, Phase, Status, Update};

use crate::made::{
    component, days_ago, good_days, id, maintenance, minutes_ago, now, open_incident, page, past_incident,
    public, update,
};

/// By the name of its folder.
pub(crate) fn all() -> [(&'static str, Page); 12] {
    [
        ("all-well", all_well()),
        ("down", down()),
        ("partial", partial()),
        ("unknown", unknown()),
        ("maintenance-before", Page { maintenances: vec![maintenance(3 * 1_440)], ..page() }),
        ("maintenance-while", maintenance_while()),
        ("maintenance-after", maintenance_after()),
        ("two-incidents", two_incidents()),
        ("first-day", first_day()),
        ("ninety-days", ninety_days()),
        ("four-hundred-days", four_hundred_days()),
        ("hostile", hostile()),
    ]
}

/// Beside the twelve: nothing is there yet.
pub(crate) fn empty() -> Page {
    Page { components: Vec::new(), response_times: Vec::new(), url: String::new(), ..page() }
}

fn with(page: Page, change: impl FnOnce(&mut [Component])) -> Page {
    let mut page = page;
    change(&mut page.components);
    page
}

fn today(component: &mut Component) -> &mut Day {
    component.days.last_mut().unwrap()
}

fn all_well() -> Page {
    let incidents = vec![past_incident("late", Impact::Minor, &["Web app"], 3)];
    Page { incidents, ..page() }
}

fn down() -> Page {
    let incidents = vec![open_incident("outage", Impact::Critical, &["API", "Web app"], 12)];
    with(Page { incidents, ..page() }, |components| {
        for component in components {
            (component.status, component.since) = (Status::MajorOutage, Some(minutes_ago(12)));
            (today(component).up, today(component).down) = (1_018, 12);
        }
    })
}

/// One is slow, another works in part, and the promised word is late.
fn partial() -> Page {
    let incident = open_incident("log-in", Impact::Major, &["API"], 64);
    let text =
        public("Some of you cannot log in.\nWhat is known: https://help.example.com/log-in?from=status.");
    let updates = vec![
        update(minutes_ago(61), Phase::Investigating),
        Update { text: Some(text), ..update(minutes_ago(40), Phase::Identified) },
    ];
    let incidents = vec![Incident { next_update_by: Some(minutes_ago(10)), updates, ..incident }];
    with(Page { incidents, ..page() }, |components| {
        (components[0].status, components[0].since) = (Status::PartialOutage, Some(minutes_ago(64)));
        (today(&mut components[0]).up, today(&mut components[0]).partial) = (966, 64);
        (components[1].status, components[1].since) = (Status::DegradedPerformance, Some(minutes_ago(20)));
        components[1].message = Some(public("Lists take some seconds."));
        (today(&mut components[1]).up, today(&mut components[1]).degraded) = (1_010, 20);
    })
}

fn unknown() -> Page {
    with(page(), |components| {
        (components[1].status, components[1].since) = (Status::Unknown, Some(minutes_ago(9)));
        (today(&mut components[1]).up, today(&mut components[1]).unknown) = (1_015, 15);
        // Two days of which nothing is left.
        components[1].days.drain(10..12);
    })
}

fn maintenance_while() -> Page {
    let whole =
        Maintenance { id: id("network"), components: Vec::new(), text: None, ..maintenance(4 * 1_440) };
    let maintenances = vec![whole, maintenance(-30)];
    with(Page { maintenances, ..page() }, |components| {
        (components[0].status, components[0].since) = (Status::UnderMaintenance, Some(minutes_ago(30)));
        (today(&mut components[0]).up, today(&mut components[0]).maintenance) = (1_000, 30);
    })
}

/// One took its time, one was ended early, and one was called off.
fn maintenance_after() -> Page {
    let one = maintenance(-300);
    let early = Maintenance { id: id("early"), ended_at: Some(minutes_ago(1_600)), ..maintenance(-1_640) };
    let never = Maintenance { id: id("never"), ended_at: Some(minutes_ago(50)), ..maintenance(600) };
    Page { maintenances: vec![never, one, early], ..page() }
}

fn two_incidents() -> Page {
    let watched = Incident {
        title: Some(public("Webhooks are sent late")),
        impact: Impact::Minor,
        updates: [
            (80, Phase::Investigating),
            (70, Phase::Identified),
            (60, Phase::Identified),
            (20, Phase::Monitoring),
        ]
        .map(|(minutes, phase)| update(minutes_ago(minutes), phase))
        .to_vec(),
        ..open_incident("webhooks", Impact::Minor, &["Webhooks"], 83)
    };
    let other = open_incident("outage", Impact::Critical, &["API"], 8);
    let components = vec![
        component("Web app", None),
        component("API", Some("Programs")),
        component("Webhooks", Some("Programs")),
        component("Reports", Some("Data")),
    ];
    with(Page { components, incidents: vec![other, watched], ..page() }, |components| {
        (components[1].status, components[1].since) = (Status::MajorOutage, Some(minutes_ago(8)));
    })
}

fn first_day() -> Page {
    with(Page { response_times: Vec::new(), ..page() }, |components| {
        for component in components {
            component.since = Some(minutes_ago(20));
            component.days = good_days(1);
            (today(component).up, today(component).unknown) = (20, 1_010);
        }
    })
}

/// Four components and every day of ninety, no two weeks the same.
fn ninety_days() -> Page {
    let names =
        [("Web app", None), ("API", Some("Programs")), ("Webhooks", Some("Programs")), ("Reports", None)];
    let components = names.map(|(name, group)| component(name, group)).to_vec();
    let incidents = (1..=10).map(|number| {
        past_incident(&format!("incident-{number}"), Impact::Major, &["API", "Reports"], number * 9)
    });
    with(Page { components, incidents: incidents.collect(), ..page() }, |components| {
        for (place, component) in (0..).zip(components) {
            component.days = good_days(90);
            for (number, day) in (place..).zip(&mut component.days) {
                match number % 11 {
                    3 => (day.up, day.down) = (1_020, 7),
                    5 => (day.up, day.partial) = (1_000, 27),
                    7 => (day.up, day.degraded, day.unknown) = (900, 65, 75),
                    9 => (day.up, day.maintenance) = (960, 60),
                    _ => {}
                }
            }
        }
    })
}

/// A month with something in it behind every other.
fn four_hundred_days() -> Page {
    let incidents = (0..=20).map(|number| {
        let impact = [Impact::None, Impact::Minor, Impact::Major, Impact::Critical][number % 4];
        let days = i64::try_from(number * 20 + 1).unwrap();
        let names: &[&str] = if number % 2 == 0 { &["API"] } else { &["API", "Web app"] };
        past_incident(&format!("incident-{number}"), impact, names, days)
    });
    with(Page { incidents: incidents.collect(), ..page() }, |components| {
        for component in components {
            component.days = good_days(90);
        }
    })
}

/// What people, or those who want to harm them, can type.
fn hostile() -> Page {
    let script = public("</title><script>alert(1)</script>\"'&lt; ]]> <!-- x --> ${x} {{x}}");
    let long = public(&"Donaudampfschiff".repeat(30));
    let turned = public("مرحبا \u{202e}evil\u{202c} שלום <b>");
    let links = public(
        "javascript:alert(1) http://example.com https://example.com/\"onmouseover=\"alert(1) \
         https://user:pass@example.com data:text/html,x\n<img src=//example.com/x onerror=alert(1)> ]]>\u{fffe}\u{ffff}",
    );
    let incident = Incident {
        title: Some(script.clone()),
        components: vec![id("api"), id("not-there")],
        updates: vec![
            Update { text: Some(links.clone()), ..update(minutes_ago(50), Phase::Investigating) },
            Update { text: Some(turned.clone()), ..update(minutes_ago(40), Phase::Identified) },
            Update { text: Some(long.clone()), ..update(minutes_ago(30), Phase::Identified) },
        ],
        ..open_incident("../../<x>", Impact::Critical, &[], 55)
    };
    let work =
        Maintenance { title: long.clone(), text: Some(links), components: Vec::new(), ..maintenance(60) };
    let components = vec![
        Component { name: script.clone(), message: Some(turned.clone()), ..component("API", None) },
        Component { name: long.clone(), group: Some(script.clone()), ..component("Long", None) },
        Component { name: turned, group: Some(long), ..component("Turned", None) },
    ];
    Page { name: script, components, incidents: vec![incident], maintenances: vec![work], ..page() }
}

#[test]
fn they_are_of_the_time_that_they_say() {
    assert_eq!(now() - jiff::SignedDuration::from_secs(20), minutes_ago(0));
    assert_eq!(days_ago(1).to_string(), "2026-11-30T17:10:00Z");
    assert_eq!(good_days(90)[0].date, date(2026, 12, 1) - 89.days());
}
