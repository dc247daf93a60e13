//! The load balancer, its targets and the security groups, in the query protocol.

use serde_json::{Value, json};

use super::{LOAD_BALANCER, REDIS_SECURITY_GROUP};

const ELB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012";
const TARGET_GROUP: &str = "targetgroup/backend/0123456789abcdef";
const VPC: &str = "vpc-0123456789abcdef0";
const LOAD_BALANCER_GROUP: &str = "sg-0123456789abcdef1";
/// Of the tasks and of the database.
const INNER_GROUP: &str = "sg-0123456789abcdef0";

pub(super) fn query(operation: &[u8]) -> Option<String> {
    let (operation, _) = std::str::from_utf8(operation).ok()?.split_once('&')?;
    if operation == "DescribeSecurityGroups" {
        let groups = xml("securityGroupInfo", &security_groups(), "item");
        return Some(format!(
            "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>bench</requestId>\
             {groups}</{operation}Response>"
        ));
    }
    let (name, content) = match operation {
        "DescribeLoadBalancers" => ("LoadBalancers", load_balancers()),
        "DescribeLoadBalancerAttributes" => ("Attributes", attributes()),
        "DescribeListeners" => ("Listeners", listeners()),
        "DescribeTargetGroups" => ("TargetGroups", target_groups()),
        "DescribeTargetHealth" => ("TargetHealthDescriptions", target_health()),
        _ => return None,
    };
    let content = xml(name, &content, "member");
    Some(format!(
        "<{operation}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
         <{operation}Result>{content}</{operation}Result><ResponseMetadata><RequestId>bench</RequestId>\
         </ResponseMetadata></{operation}Response>"
    ))
}

/// A value as XML, each of a list's in an element of its own.
fn xml(name: &str, value: &Value, item: &str) -> String {
    let content = match value {
        Value::Array(items) => items.iter().map(|value| xml(item, value, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| xml(name, value, item)).collect(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("<{name}>{content}</{name}>")
}

fn load_balancers() -> Value {
    json!([{
        "LoadBalancerArn": format!("{ELB}:loadbalancer/{LOAD_BALANCER}"),
        "DNSName": "lendpeak2-production-1234567890.us-east-1.elb.amazonaws.com",
        "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
        "CreatedTime": "2026-01-21T13:33:20.125Z",
        "LoadBalancerName": "lendpeak2-production",
        "Scheme": "internet-facing",
        "VpcId": VPC,
        "State": { "Code": "active" },
        "Type": "application",
        "AvailabilityZones": [
            { "ZoneName": "us-east-1a", "SubnetId": "subnet-0123456789abcdef0" },
            { "ZoneName": "us-east-1b", "SubnetId": "subnet-0123456789abcdef1" },
        ],
        "SecurityGroups": [LOAD_BALANCER_GROUP],
        "IpAddressType": "ipv4",
    }])
}

fn attributes() -> Value {
    let attributes = [
        ("idle_timeout.timeout_seconds", "60"),
        ("client_keep_alive.seconds", "3600"),
        ("deletion_protection.enabled", "true"),
        ("access_logs.s3.enabled", "false"),
        ("connection_logs.s3.enabled", "false"),
        ("routing.http2.enabled", "true"),
        ("routing.http.desync_mitigation_mode", "defensive"),
        ("routing.http.drop_invalid_header_fields.enabled", "false"),
        ("routing.http.preserve_host_header.enabled", "false"),
        ("routing.http.xff_header_processing.mode", "append"),
        ("load_balancing.cross_zone.enabled", "true"),
        ("waf.fail_open.enabled", "false"),
        ("zonal_shift.config.enabled", "false"),
    ];
    attributes.map(|(key, value)| json!({ "Key": key, "Value": value })).to_vec().into()
}

fn listeners() -> Value {
    let target_group = format!("{ELB}:{TARGET_GROUP}");
    let groups = json!({
        "TargetGroups": [{ "TargetGroupArn": target_group, "Weight": 1 }],
        "TargetGroupStickinessConfig": { "Enabled": false },
    });
    json!([
        {
            "ListenerArn": format!("{ELB}:listener/{LOAD_BALANCER}/0123456789abcdef"),
            "LoadBalancerArn": format!("{ELB}:loadbalancer/{LOAD_BALANCER}"),
            "Port": 443,
            "Protocol": "HTTPS",
            "Certificates": [{
                "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-0123-4abc-8abc-0123456789ab"
            }],
            "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "DefaultActions": [
                { "Type": "forward", "Order": 1, "TargetGroupArn": target_group, "ForwardConfig": groups }
            ],
        },
        {
            "ListenerArn": format!("{ELB}:listener/{LOAD_BALANCER}/fedcba9876543210"),
            "LoadBalancerArn": format!("{ELB}:loadbalancer/{LOAD_BALANCER}"),
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [{
                "Type": "redirect",
                "Order": 1,
                "RedirectConfig": { "Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301" },
            }],
        },
    ])
}

fn target_groups() -> Value {
    json!([{
        "TargetGroupArn": format!("{ELB}:{TARGET_GROUP}"),
        "TargetGroupName": "backend",
        "Protocol": "HTTP",
        "Port": 8080,
        "VpcId": VPC,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 3,
        "HealthCheckPath": "/health",
        "Matcher": { "HttpCode": "200" },
        "LoadBalancerArns": [format!("{ELB}:loadbalancer/{LOAD_BALANCER}")],
        "TargetType": "ip",
        "ProtocolVersion": "HTTP1",
        "IpAddressType": "ipv4",
    }])
}

fn target_health() -> Value {
    let target = |address: &str| {
        json!({
            "Target": { "Id": address, "Port": 8080, "AvailabilityZone": "us-east-1a" },
            "HealthCheckPort": "8080",
            "TargetHealth": { "State": "healthy" },
        })
    };
    json!(["10.0.1.11", "10.0.2.12"].map(target))
}

fn security_groups() -> Value {
    let to_all = json!([{
        "ipProtocol": "-1",
        "groups": [],
        "ipRanges": [{ "cidrIp": "0.0.0.0/0" }],
        "ipv6Ranges": [],
        "prefixListIds": [],
    }]);
    let group = |id: &str, name: &str, ingress: Value| {
        json!({
            "ownerId": "123456789012",
            "groupId": id,
            "groupName": format!("lendpeak2-production-{name}"),
            "groupDescription": name,
            "vpcId": VPC,
            "ipPermissions": ingress,
            "ipPermissionsEgress": to_all,
            "tagSet": [{ "key": "Project", "value": "LendPeak2" }],
        })
    };
    let from = |port: u16, of: &str| {
        json!({
            "ipProtocol": "tcp",
            "fromPort": port,
            "toPort": port,
            "groups": [{ "userId": "123456789012", "groupId": of }],
            "ipRanges": [],
            "ipv6Ranges": [],
            "prefixListIds": [],
        })
    };
    let from_all = json!([{
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "groups": [],
        "ipRanges": [{ "cidrIp": "0.0.0.0/0" }],
        "ipv6Ranges": [],
        "prefixListIds": [],
    }]);
    json!([
        group(LOAD_BALANCER_GROUP, "load balancer", from_all),
        group(INNER_GROUP, "inner", json!([from(8_080, LOAD_BALANCER_GROUP), from(27_017, INNER_GROUP)])),
        group(REDIS_SECURITY_GROUP, "redis", json!([from(6_379, INNER_GROUP)])),
    ])
}
