use aws_sdk_ec2::{
    operation::describe_security_groups::DescribeSecurityGroupsOutput,
    types::{IpRange, PrefixListId, UserIdGroupPair},
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};

use super::*;
use crate::evidence::Evidence;

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn a_group_that_does_not_exist_is_named_and_the_others_are_told() {
    let known = mock!(Client::describe_security_groups)
        .match_requests(|request| {
            let filters = request.filters();
            request.group_ids().is_empty()
                && filters
                    .iter()
                    .any(|filter| filter.name() == Some("group-id") && filter.values().len() == 2)
        })
        .then_output(|| {
            let ingress = IpPermission::builder()
                .ip_protocol("tcp")
                .from_port(27_017)
                .to_port(27_017)
                .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-tasks").build())
                .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").build())
                .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").build())
                .build();
            let group = types::SecurityGroup::builder().group_id("sg-1").ip_permissions(ingress).build();
            DescribeSecurityGroupsOutput::builder().security_groups(group).build()
        });
    let client = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&known]);
    let wanted = ids(&["sg-1", "sg-gone"]);
    let groups = read(&client, &wanted).await.unwrap();
    let ingress = Permission {
        protocol: "tcp".to_owned(),
        from_port: Some(27_017),
        to_port: Some(27_017),
        groups: vec!["sg-tasks".to_owned()],
        ranges: vec!["10.0.0.0/8".to_owned(), "pl-1".to_owned()],
    };
    let group = SecurityGroup { id: "sg-1".to_owned(), ingress: vec![ingress], egress: Vec::new() };
    assert_eq!(groups, [group]);
    let mut evidence = Evidence::default();
    put_together(&wanted, groups, None, Vec::new()).unwrap()(&mut evidence);
    assert_eq!(evidence.not_seen[0].source, "the security group sg-gone");
    assert_eq!((evidence.security_groups.unwrap().len(), evidence.redis), (1, None));
}

#[tokio::test]
async fn pages_without_an_end_are_an_error_since_a_group_on_the_next_would_seem_to_be_none() {
    let endless = mock!(Client::describe_security_groups).then_output(|| {
        let group = types::SecurityGroup::builder().group_id("sg-1").build();
        DescribeSecurityGroupsOutput::builder().security_groups(group).next_token("n").build()
    });
    let client = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&endless]);
    let error = why(&read(&client, &ids(&["sg-1"])).await.unwrap_err());
    assert!(error.contains("more pages than were read"), "{error}");
}
