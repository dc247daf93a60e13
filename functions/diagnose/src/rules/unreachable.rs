//! The way to the API: its name, and what lets requests in to the load balancer.

use shared::probe;

use super::{
    broken::{answer, host, no_connection, one_line},
    certificates::is_of_front_end,
};
use crate::{
    evidence::{Evidence, SecurityGroup},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::Down,
        Level::DevOps,
    },
};

pub(super) fn dns_not_found(evidence: &Evidence) -> Option<Finding> {
    let checks = &evidence.probe.as_ref()?.checks;
    let check = checks.iter().find(|check| check.failed_by(probe::Kind::Dns))?;
    let host = host(&check.url);
    let message = check.error.as_ref().map(|error| one_line(&error.message)).filter(|text| !text.is_empty());
    // If no name at all is found, the probe's own resolver may be the cause.
    let all = checks.iter().all(|check| check.failed_by(probe::Kind::Dns));
    let serves = if is_of_front_end(check) { "distribution <distribution>" } else { "<load-balancer>" };
    Some(
        Finding::new(if all { Likely } else { Certain }, Down, format!("the name {host} is not found in DNS"))
            .fact("health probe", check.url.clone(), message.unwrap_or_else(|| "not found".to_owned()))
            .next(DevOps, format!("look for its record: aws route53 list-resource-record-sets --hosted-zone-id <zone-id> --query \"ResourceRecordSets[?Name=='{host}.']\" (the zone: aws route53 list-hosted-zones); if it is gone, create it again in the console, as an alias of {serves}"))
            .otherwise(format!("see whether the domain is still registered and delegated: aws route53domains list-domains --region us-east-1, and dig +trace {host}")),
    )
}

pub(super) fn api_unreachable(evidence: &Evidence) -> Option<Finding> {
    let check = evidence.check("health").filter(|check| no_connection(check))?;
    let groups = evidence.target_groups.as_ref()?;
    let healthy =
        groups.iter().flat_map(|group| &group.targets).filter(|target| target.state == "healthy").count();
    if healthy == 0 {
        return None;
    }
    let host = host(&check.url);
    // If nothing at all is reached, the probe itself may be cut off.
    let alone = evidence.probe.iter().flat_map(|probe| &probe.checks).all(no_connection);
    let finding = Finding::new(
        if alone { Possible } else { Likely },
        Down,
        format!("{host} cannot be reached, and the {healthy} targets behind it are healthy: the load balancer is cut off"),
    )
    .fact("health probe", check.url.clone(), answer(check))
    .fact("ALB, target health", "healthy targets", healthy.to_string());
    let finding = match &evidence.load_balancer {
        Some(balancer) if !balancer.state.is_empty() => finding
            .fact("ALB", format!("state of {}", balancer.name), balancer.state.clone())
            .against("active"),
        _ => finding,
    };
    Some(finding.next(DevOps, way_in(evidence, host)))
}

/// What opens the load balancer again, as far as it was seen.
fn way_in(evidence: &Evidence, host: &str) -> String {
    const HTTPS: u16 = 443;
    if let Some(balancer) = &evidence.load_balancer {
        if !balancer.listeners.iter().any(|listener| listener.port == HTTPS) {
            return format!(
                "give {} a listener on {HTTPS}: aws elbv2 create-listener --load-balancer-arn <load-balancer-arn> --protocol HTTPS --port {HTTPS} --certificates CertificateArn=<certificate-arn> --default-actions Type=forward,TargetGroupArn=<target-group-arn>",
                balancer.name
            );
        }
        let own = evidence.security_groups.iter().flatten();
        let own: Vec<&SecurityGroup> =
            own.filter(|group| balancer.security_groups.contains(&group.id)).collect();
        if let Some(first) = own.first()
            && own.len() == balancer.security_groups.len()
            && !own.iter().flat_map(|group| &group.ingress).any(|rule| rule.covers(HTTPS))
        {
            return format!(
                "put back the rule for {HTTPS} that was removed from {0}: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=RevokeSecurityGroupIngress --max-results 5 shows it; if the API is public: aws ec2 authorize-security-group-ingress --group-id {0} --protocol tcp --port {HTTPS} --cidr 0.0.0.0/0",
                first.id
            );
        }
    }
    format!(
        "see whether the name leads to the load balancer: dig +short {host}, and aws elbv2 describe-load-balancers --names <load-balancer> --query 'LoadBalancers[0].[DNSName,Scheme,State.Code,AvailabilityZones[].SubnetId]'; if it does, see whether routes and network ACLs of these subnets let the internet in"
    )
}
