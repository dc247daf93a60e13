//! The load balancer before the service: which of its listeners lead to the service, and for which hosts.

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{
        Action, ForwardActionConfig, LoadBalancerTypeEnum, ProtocolEnum, Rule, TargetGroup, TargetGroupTuple,
    },
};

use super::seen::{Balancer, Listener, Registered, Way};
use super::{read, together};
use crate::failure::Failure;

/// More rules than a load balancer has without asking AWS for more.
const MOST_RULES: usize = 200;
const MOST_CERTIFICATES: usize = 30;

pub(crate) async fn way(
    client: &Client,
    certificates: &aws_sdk_acm::Client,
    registered: &[Registered],
) -> Result<Way, Failure> {
    let groups: Vec<String> = registered.iter().map(|one| one.target_group.clone()).collect();
    if groups.is_empty() {
        return Ok(Way::default());
    }
    let described = client.describe_target_groups().set_target_group_arns(Some(groups.clone())).send().await;
    let described = described.map_err(|error| {
        Failure::aws("read the target groups", "elasticloadbalancing:DescribeTargetGroups", &error)
    })?;
    let mut arns: Vec<String> =
        described.target_groups().iter().flat_map(TargetGroup::load_balancer_arns).cloned().collect();
    arns.sort();
    arns.dedup();
    if arns.is_empty() {
        return Ok(Way::default());
    }
    let answer = client.describe_load_balancers().set_load_balancer_arns(Some(arns)).send().await;
    let answer = answer.map_err(|error| {
        Failure::aws("read the load balancers", "elasticloadbalancing:DescribeLoadBalancers", &error)
    })?;
    let is_application = |kind: Option<&LoadBalancerTypeEnum>| {
        kind.is_none_or(|kind| *kind == LoadBalancerTypeEnum::Application)
    };
    let balancers = answer.load_balancers().iter().filter(|balancer| is_application(balancer.r#type()));
    let balancers: Vec<Balancer> = balancers
        .map(|balancer| {
            let arn = balancer.load_balancer_arn().unwrap_or_default();
            let its = described.target_groups().iter();
            let its = its.filter(|group| group.load_balancer_arns().iter().any(|its| its == arn));
            Balancer {
                arn: arn.to_owned(),
                dns: balancer.dns_name().unwrap_or_default().to_owned(),
                vpc: balancer.vpc_id().unwrap_or_default().to_owned(),
                target_groups: its.filter_map(|group| Some(group.target_group_arn()?.to_owned())).collect(),
            }
        })
        .collect();
    let mut listeners = Vec::new();
    for balancer in &balancers {
        match read(of_balancer(client, certificates, balancer).await)? {
            Ok(found) => listeners.extend(found),
            Err(why) => return Ok(Way { balancers: balancers.clone(), listeners: Err(why) }),
        }
    }
    Ok(Way { balancers, listeners: Ok(listeners) })
}

async fn of_balancer(
    client: &Client,
    certificates: &aws_sdk_acm::Client,
    balancer: &Balancer,
) -> Result<Vec<Listener>, Failure> {
    let described =
        client.describe_listeners().load_balancer_arn(&balancer.arn).send().await.map_err(|error| {
            Failure::aws("read the listeners", "elasticloadbalancing:DescribeListeners", &error)
        })?;
    let each = described.listeners().iter().map(|listener| {
        let (client, certificates) = (client.clone(), certificates.clone());
        let (listener, groups) = (listener.clone(), balancer.target_groups.clone());
        async move {
            let arn = listener.listener_arn().unwrap_or_default();
            let rules = rules(&client, arn).await?;
            let hosts: Vec<String> =
                rules.iter().filter(|rule| leads_to(rule.actions(), &groups)).flat_map(hosts).collect();
            if hosts.is_empty() && !leads_to(listener.default_actions(), &groups) {
                return Ok(None);
            }
            let is_https = listener.protocol() == Some(&ProtocolEnum::Https);
            let certified =
                if is_https { read(certified(&client, &certificates, arn).await)? } else { Ok(Vec::new()) };
            Ok(Some(Listener { port: listener.port().unwrap_or_default(), is_https, hosts, certified }))
        }
    });
    Ok(together(each).await?.into_iter().flatten().collect())
}

async fn rules(client: &Client, listener: &str) -> Result<Vec<Rule>, Failure> {
    let mut pages = client.describe_rules().listener_arn(listener).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            Failure::aws("read the listeners' rules", "elasticloadbalancing:DescribeRules", &error)
        })?;
        all.extend(page.rules.unwrap_or_default());
        if all.len() > MOST_RULES {
            break;
        }
    }
    Ok(all)
}

fn leads_to(actions: &[Action], groups: &[String]) -> bool {
    actions.iter().any(|action| {
        let weighted = action.forward_config().into_iter().flat_map(ForwardActionConfig::target_groups);
        let mut named =
            weighted.filter_map(TargetGroupTuple::target_group_arn).chain(action.target_group_arn());
        named.any(|arn| groups.iter().any(|group| group == arn))
    })
}

fn hosts(rule: &Rule) -> Vec<String> {
    let conditions = rule.conditions().iter().filter(|condition| condition.field() == Some("host-header"));
    conditions
        .flat_map(|condition| match condition.host_header_config() {
            Some(config) => config.values().to_vec(),
            None => condition.values().to_vec(),
        })
        .collect()
}

/// The names for which a listener has certificates.
async fn certified(
    client: &Client,
    acm: &aws_sdk_acm::Client,
    listener: &str,
) -> Result<Vec<String>, Failure> {
    let mut pages =
        client.describe_listener_certificates().listener_arn(listener).into_paginator().items().send();
    let mut arns: Vec<String> = Vec::new();
    while let Some(certificate) = pages.next().await {
        let certificate = certificate.map_err(|error| {
            let action = "elasticloadbalancing:DescribeListenerCertificates";
            Failure::aws("read the listeners' certificates", action, &error)
        })?;
        arns.extend(certificate.certificate_arn);
        if arns.len() == MOST_CERTIFICATES {
            break;
        }
    }
    // Those of IAM are not known to ACM.
    arns.retain(|arn| arn.contains(":acm:"));
    arns.dedup();
    let each = arns.into_iter().map(|arn| {
        let acm = acm.clone();
        async move {
            let described = acm.describe_certificate().certificate_arn(arn).send().await;
            let described = described
                .map_err(|error| Failure::aws("read the certificates", "acm:DescribeCertificate", &error))?;
            let names = described.certificate.map(|certificate| {
                let others = certificate.subject_alternative_names.unwrap_or_default();
                others.into_iter().chain(certificate.domain_name).collect::<Vec<_>>()
            });
            Ok(names.unwrap_or_default())
        }
    });
    let mut names: Vec<String> = together(each).await?.into_iter().flatten().collect();
    names.sort();
    names.dedup();
    Ok(names)
}
