//! The load balancer, and where users find the API.

use super::{Findings, Seen, own_first, readable};
use crate::discover::seen::{Balancer, Listener, Way};

const ALL: [&str; 3] = ["LoadBalancerFullName", "TargetGroupFullName", "ApiUrl"];

pub(super) fn decide(seen: &Seen, environment: &str, all: &mut Findings) {
    target_group(seen, all);
    let Some(way) = readable(&seen.way, &[ALL[0], ALL[2]], all) else { return };
    let Some(first) = way.balancers.first() else {
        let why = match seen.service.target_groups.first() {
            None => "the service is behind no load balancer",
            Some(_) => "no application load balancer sends to the service's target group",
        };
        all.open(ALL[0], why);
        all.open(ALL[2], why);
        return;
    };
    let names: Vec<String> = way.balancers.iter().map(full_name).collect();
    match names.as_slice() {
        [name] => all.certain(ALL[0], name, "it sends to the service's target group".to_owned()),
        _ => all.likeliest(ALL[0], names, "one of those that send to the service's target groups".to_owned()),
    }
    if let Some(listeners) = readable(&way.listeners, &[ALL[2]], all) {
        api(listeners, first, environment, all);
    }
}

fn full_name(balancer: &Balancer) -> String {
    after(&balancer.arn, "loadbalancer/").to_owned()
}

fn after<'a>(arn: &'a str, word: &str) -> &'a str {
    arn.split_once(word).map_or(arn, |(_, name)| name)
}

fn target_group(seen: &Seen, all: &mut Findings) {
    let groups = seen.service.target_groups.iter();
    let mut names: Vec<String> =
        groups.map(|one| format!("targetgroup/{}", after(&one.target_group, "targetgroup/"))).collect();
    names.dedup();
    match names.as_slice() {
        [] => all.open(ALL[1], "the service is behind no load balancer"),
        [name] => all.certain(ALL[1], name, "the service registers its tasks in it".to_owned()),
        _ => all.likeliest(ALL[1], names, "one of those in which the service registers its tasks".to_owned()),
    }
}

/// Where users find it: by a rule's host, or a certificate's name, or else by the load balancer's own.
fn api(listeners: &[Listener], balancer: &Balancer, environment: &str, all: &mut Findings) {
    // A listener without TLS is there to send users on.
    let secure: Vec<&Listener> = listeners.iter().filter(|one| one.is_https).collect();
    let listeners = if secure.is_empty() { listeners.iter().collect() } else { secure };
    if listeners.is_empty() {
        all.open("ApiUrl", "no listener of the load balancer leads to the service's target group");
        return;
    }
    let addresses = |hosts: fn(&Listener) -> Vec<String>| {
        let each = listeners.iter().flat_map(|one| hosts(one).into_iter().map(|host| address(one, &host)));
        let mut addresses: Vec<String> = each.collect();
        addresses.sort_by_key(|address| !address.contains("://api"));
        own_first(&mut addresses, environment, String::clone);
        addresses.dedup();
        addresses
    };
    let by_rule = addresses(|one| concrete(&one.hosts));
    if let [address] = by_rule.as_slice() {
        all.certain(
            "ApiUrl",
            address,
            "the host for which a rule of the listener leads to the service".to_owned(),
        );
        return;
    }
    let rules = "one of the hosts for which rules of the listener lead to the service";
    let certificates = "a name of the listener's certificate: look whether users come by it";
    let own = "the load balancer's own name: users have another, as a rule";
    let by_certificate = addresses(|one| concrete(one.certified.as_deref().unwrap_or_default()));
    let by_name =
        listeners.first().map(|one| address(one, &balancer.dns.to_lowercase())).into_iter().collect();
    let sources = [(by_rule, rules), (by_certificate, certificates), (by_name, own)];
    if let Some((addresses, evidence)) = sources.into_iter().find(|(addresses, _)| !addresses.is_empty()) {
        all.likeliest("ApiUrl", addresses, evidence.to_owned());
    }
}

/// Names that stand for one host.
fn concrete(hosts: &[String]) -> Vec<String> {
    hosts.iter().filter(|host| !host.contains(['*', '?'])).map(|host| host.to_lowercase()).collect()
}

fn address(listener: &Listener, host: &str) -> String {
    let (scheme, usual) = if listener.is_https { ("https", 443) } else { ("http", 80) };
    if listener.port == usual {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}:{}", listener.port)
    }
}

impl Way {
    /// The network that it is in, where that is one.
    pub(super) fn vpc(&self) -> Option<&str> {
        let first =
            self.balancers.first().map(|balancer| balancer.vpc.as_str()).filter(|vpc| !vpc.is_empty())?;
        self.balancers.iter().all(|balancer| balancer.vpc == first).then_some(first)
    }
}
