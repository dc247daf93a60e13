use std::sync::{Arc, Mutex};

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use aws_types::{SdkConfig, region::Region};

use super::*;
use crate::evidence::{Evidence, Permission};

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// An EC2 that gives one answer, and what it is asked.
fn answering(status: u16, body: &'static str) -> (Ec2, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&heard);
    let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
        let form = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let signed = header("authorization");
        assert!(signed.contains("/eu-central-1/ec2/aws4_request"), "{signed}");
        asked.lock().unwrap().push(format!("{} {form}", request.uri()));
        http::Response::builder().status(status).body(body).unwrap()
    });
    let credentials = aws_credential_types::Credentials::for_tests();
    let config = SdkConfig::builder()
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
        .build();
    (Ec2::new(&config), heard)
}

const ONE_GROUP: &str = r#"<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>1</requestId>
  <securityGroupInfo><item>
    <groupId>sg-1</groupId>
    <ipPermissions><item>
      <ipProtocol>tcp</ipProtocol><fromPort>27017</fromPort><toPort>27017</toPort>
      <groups><item><userId>123456789012</userId><groupId>sg-tasks</groupId></item></groups>
      <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges>
      <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>
      <prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds>
    </item></ipPermissions>
    <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges/></item></ipPermissionsEgress>
  </item></securityGroupInfo>
</DescribeSecurityGroupsResponse>"#;

#[tokio::test]
async fn a_group_that_does_not_exist_is_named_and_the_others_are_told() {
    let (client, heard) = answering(200, ONE_GROUP);
    let wanted = ids(&["sg-1", "sg-gone"]);
    let groups = read(&client, &wanted).await.unwrap();
    let ingress = Permission {
        protocol: "tcp".to_owned(),
        from_port: Some(27_017),
        to_port: Some(27_017),
        groups: vec!["sg-tasks".to_owned()],
        ranges: vec!["10.0.0.0/8".to_owned(), "::/0".to_owned(), "pl-1".to_owned()],
    };
    let egress = Permission { protocol: "-1".to_owned(), ..Permission::default() };
    let group = SecurityGroup { id: "sg-1".to_owned(), ingress: vec![ingress], egress: vec![egress] };
    assert_eq!(groups, [group]);
    assert_eq!(
        *heard.lock().unwrap(),
        ["https://ec2.eu-central-1.amazonaws.com/ Action=DescribeSecurityGroups&Version=2016-11-15&\
             Filter.1.Name=group-id&Filter.1.Value.1=sg-1&Filter.1.Value.2=sg-gone"]
    );
    let mut evidence = Evidence::default();
    put_together(&wanted, groups, None, Vec::new()).unwrap()(&mut evidence);
    assert_eq!(evidence.not_seen[0].source, "the security group sg-gone");
    assert_eq!((evidence.security_groups.unwrap().len(), evidence.redis), (1, None));
}

#[tokio::test]
async fn pages_without_an_end_are_an_error_since_a_group_on_the_next_would_seem_to_be_none() {
    let (client, heard) = answering(
        200,
        "<DescribeSecurityGroupsResponse><securityGroupInfo/><nextToken>n</nextToken></DescribeSecurityGroupsResponse>",
    );
    let error = why(&read(&client, &ids(&["sg-1"])).await.unwrap_err());
    assert!(error.contains("more pages than were read"), "{error}");
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), MAX_PAGES);
    assert!(heard[1].ends_with("&NextToken=n"), "{heard:?}");
}

#[tokio::test]
async fn what_is_refused_or_cannot_be_read_is_told() {
    let refused = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You may not</Message>\
        </Error></Errors><RequestID>1</RequestID></Response>";
    for (status, body, expected) in [
        (403, refused, "UnauthorizedOperation: You may not"),
        (500, "<Response/>", "an error without a code"),
        (200, "{}", "AWS's answer could not be read"),
        (200, "", "AWS's answer could not be read"),
        (200, "<a>", "AWS's answer could not be read"),
    ] {
        let (client, _) = answering(status, body);
        let error = why(&read(&client, &ids(&["sg-1"])).await.unwrap_err());
        assert!(error.contains(expected), "{status} {body}: {error}");
    }
}
