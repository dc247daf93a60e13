//! The readers, on answers as AWS writes them.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use aws_config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use http::{Request, Response};
use serde_json::Value;

use super::{
    ecs::Named,
    findings::{Findings, decide},
    *,
};

const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lp/0123456789abcdef";
const BALANCER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/lp/fedcba9876543210";
const LISTENER: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/lp/fedcba9876543210/0a1b2c3d4e5f6a7b";

/// An AWS that answers with this: status and body, by the operation and the request's body.
fn aws(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> SdkConfig {
    let client = infallible_client_fn(move |request: Request<SdkBody>| {
        let (operation, body) = (operation(&request), text(request.body()).to_owned());
        let (status, body) = answer(&operation, &body);
        Response::builder().status(status).body(SdkBody::from(body)).unwrap()
    });
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("a", "b", None, None, "test")))
        .retry_config(RetryConfig::disabled())
        .http_client(client)
        .build()
}

fn text(body: &SdkBody) -> &str {
    body.bytes().map(|bytes| std::str::from_utf8(bytes).unwrap_or_default()).unwrap_or_default()
}

fn operation(request: &Request<SdkBody>) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let form = text(request.body()).split('&').find_map(|pair| pair.strip_prefix("Action="));
    let path = request.uri().path();
    let named =
        target.and_then(|target| target.rsplit('.').next()).or(form).or_else(|| path.rsplit('/').next());
    named.unwrap_or_default().to_owned()
}

fn query(operation: &str, content: &str) -> String {
    format!("<{operation}Response><{operation}Result>{content}</{operation}Result></{operation}Response>")
}

/// An account with one service, and what belongs to it.
fn answer(operation: &str, body: &str) -> (u16, String) {
    let content = match operation {
        "ListClusters" => return (200, r#"{"clusterArns":["arn:aws:ecs:us-east-1:123456789012:cluster/lp-production"]}"#.to_owned()),
        // Two pages, of ARNs in the old and in the new form.
        "ListServices" if body.contains("nextToken") => return (200, r#"{"serviceArns":["arn:aws:ecs:us-east-1:123456789012:service/worker"]}"#.to_owned()),
        "ListServices" => return (200, r#"{"serviceArns":["arn:aws:ecs:us-east-1:123456789012:service/lp-production/backend"],"nextToken":"more"}"#.to_owned()),
        "DescribeServices" => return (200, format!(
            r#"{{"services":[{{"serviceArn":"arn:aws:ecs:us-east-1:123456789012:service/lp-production/backend","serviceName":"backend",
            "clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/lp-production","status":"ACTIVE",
            "taskDefinition":"arn:aws:ecs:us-east-1:123456789012:task-definition/lp-backend:7",
            "loadBalancers":[{{"targetGroupArn":"{GROUP}","containerName":"api","containerPort":3000}}],
            "networkConfiguration":{{"awsvpcConfiguration":{{"subnets":["subnet-0a"],"securityGroups":["sg-0a"]}}}}}}],"failures":[]}}"#
        )),
        "DescribeTaskDefinition" => return (200, r#"{"taskDefinition":{"family":"lp-backend","revision":7,
            "taskRoleArn":"arn:aws:iam::123456789012:role/lp-task","executionRoleArn":"arn:aws:iam::123456789012:role/lp-execution",
            "containerDefinitions":[{"name":"api","essential":true,
              "environment":[{"name":"MONGO_HOST","value":"lp-db.cluster-c0ffee.us-east-1.docdb.amazonaws.com"},
                             {"name":"CORS_ORIGIN","value":"https://app.lp.example"},
                             {"name":"REDIS_URL","value":"rediss://x:hunter2@master.lp-redis.c0ffee.use1.cache.amazonaws.com:6380"}],
              "secrets":[{"name":"DB_HOST","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:lp/production/db-Ab3dEf:host::"},
                         {"name":"JWT","valueFrom":"arn:aws:secretsmanager:us-east-1:123456789012:secret:lp/production/jwt-Ab3dEg"}],
              "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/lp","awslogs-region":"us-east-1"}}}]}}"#.to_owned()),
        "DescribeTargetGroups" => format!("<TargetGroups><member><TargetGroupArn>{GROUP}</TargetGroupArn><LoadBalancerArns><member>{BALANCER}</member></LoadBalancerArns></member></TargetGroups>"),
        "DescribeLoadBalancers" => format!("<LoadBalancers><member><LoadBalancerArn>{BALANCER}</LoadBalancerArn><Type>application</Type><DNSName>lp-1.us-east-1.elb.amazonaws.com</DNSName><VpcId>vpc-1</VpcId></member></LoadBalancers>"),
        "DescribeListeners" => format!("<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><Port>443</Port><Protocol>HTTPS</Protocol><DefaultActions><member><Type>fixed-response</Type></member></DefaultActions></member></Listeners>"),
        "DescribeRules" => format!("<Rules><member><Conditions><member><Field>host-header</Field><HostHeaderConfig><Values><member>api.lp.example</member></Values></HostHeaderConfig></member></Conditions><Actions><member><Type>forward</Type><ForwardConfig><TargetGroups><member><TargetGroupArn>{GROUP}</TargetGroupArn><Weight>1</Weight></member></TargetGroups></ForwardConfig></member></Actions></member></Rules>"),
        "DescribeListenerCertificates" => "<Certificates><member><CertificateArn>arn:aws:acm:us-east-1:123456789012:certificate/c</CertificateArn></member><member><CertificateArn>arn:aws:iam::123456789012:server-certificate/old</CertificateArn></member></Certificates>".to_owned(),
        "DescribeCertificate" => return (200, r#"{"Certificate":{"DomainName":"*.lp.example","SubjectAlternativeNames":["*.lp.example","lp.example"]}}"#.to_owned()),
        "DescribeDBClusters" => "<DBClusters><DBCluster><DBClusterIdentifier>lp-db</DBClusterIdentifier><Engine>docdb</Engine><Endpoint>lp-db.cluster-c0ffee.us-east-1.docdb.amazonaws.com</Endpoint><DBSubnetGroup>lp</DBSubnetGroup></DBCluster><DBCluster><DBClusterIdentifier>aurora</DBClusterIdentifier><Engine>aurora-mysql</Engine></DBCluster></DBClusters>".to_owned(),
        "DescribeDBSubnetGroups" => "<DBSubnetGroups><DBSubnetGroup><DBSubnetGroupName>lp</DBSubnetGroupName><VpcId>vpc-1</VpcId></DBSubnetGroup></DBSubnetGroups>".to_owned(),
        "DescribeCacheClusters" => {
            let node = |id: &str| format!("<CacheCluster><CacheClusterId>{id}</CacheClusterId><ReplicationGroupId>lp-redis</ReplicationGroupId><Engine>redis</Engine><CacheSubnetGroupName>lp</CacheSubnetGroupName><SecurityGroups><member><SecurityGroupId>sg-0ed5</SecurityGroupId><Status>active</Status></member></SecurityGroups><CacheNodes><CacheNode><Endpoint><Address>{id}.c0ffee.use1.cache.amazonaws.com</Address><Port>6380</Port></Endpoint></CacheNode></CacheNodes></CacheCluster>");
            format!("<CacheClusters>{}{}<CacheCluster><CacheClusterId>m</CacheClusterId><Engine>memcached</Engine></CacheCluster></CacheClusters>", node("lp-redis-001"), node("lp-redis-002"))
        }
        "DescribeReplicationGroups" => "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>lp-redis</ReplicationGroupId><NodeGroups><NodeGroup><PrimaryEndpoint><Address>master.lp-redis.c0ffee.use1.cache.amazonaws.com</Address><Port>6380</Port></PrimaryEndpoint></NodeGroup></NodeGroups></ReplicationGroup></ReplicationGroups>".to_owned(),
        "DescribeCacheSubnetGroups" => "<CacheSubnetGroups><CacheSubnetGroup><CacheSubnetGroupName>lp</CacheSubnetGroupName><VpcId>vpc-1</VpcId><Subnets><Subnet><SubnetIdentifier>subnet-0b</SubnetIdentifier></Subnet></Subnets></CacheSubnetGroup></CacheSubnetGroups>".to_owned(),
        "DescribeServerlessCaches" => "<ServerlessCaches><member><ServerlessCacheName>other</ServerlessCacheName><Engine>valkey</Engine><Endpoint><Address>other.serverless.use1.cache.amazonaws.com</Address><Port>6379</Port></Endpoint><SecurityGroupIds><SecurityGroupId>sg-0a11</SecurityGroupId></SecurityGroupIds><SubnetIds><SubnetId>subnet-0f</SubnetId></SubnetIds></member></ServerlessCaches>".to_owned(),
        "distribution" => return (200, distributions()),
        "ListProjects" => return (200, r#"{"projects":["front"]}"#.to_owned()),
        "BatchGetProjects" => return (200, r#"{"projects":[{"name":"front","source":{"type":"GITHUB","buildspec":"phases: {}"},"environment":{"type":"LINUX_CONTAINER","image":"i","computeType":"BUILD_GENERAL1_SMALL","environmentVariables":[{"name":"BUCKET","value":"lp-front"},{"name":"TOKEN","value":"lp-front-token","type":"SECRETS_MANAGER"}]}}]}"#.to_owned()),
        "ListPipelines" => return (200, r#"{"pipelines":[{"name":"front-pipeline"}]}"#.to_owned()),
        "GetPipeline" => return (200, r#"{"pipeline":{"name":"front-pipeline","roleArn":"arn:aws:iam::123456789012:role/p","stages":[{"name":"Build","actions":[{"name":"b","actionTypeId":{"category":"Build","owner":"AWS","provider":"CodeBuild","version":"1"},"configuration":{"ProjectName":"front"}}]},{"name":"Deploy","actions":[{"name":"d","actionTypeId":{"category":"Deploy","owner":"AWS","provider":"S3","version":"1"},"configuration":{"BucketName":"lp-front"}}]}]}}"#.to_owned()),
        "DescribeScalableTargets" => return (200, r#"{"ScalableTargets":[{"ServiceNamespace":"ecs","ResourceId":"service/lp-production/backend","ScalableDimension":"ecs:service:DesiredCount","MinCapacity":2,"MaxCapacity":12,"RoleARN":"r","CreationTime":1}]}"#.to_owned()),
        _ => return denied(operation),
    };
    (200, query(operation, &content))
}

fn distributions() -> String {
    let one = |id: &str, is_enabled: bool| {
        format!(
            "<DistributionSummary><Id>{id}</Id><ARN>a</ARN><Status>Deployed</Status><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime><DomainName>d0.cloudfront.net</DomainName><Aliases><Quantity>1</Quantity><Items><CNAME>app.lp.example</CNAME></Items></Aliases><Origins><Quantity>1</Quantity><Items><Origin><Id>o</Id><DomainName>lp-front.s3.us-east-1.amazonaws.com</DomainName></Origin></Items></Origins><Comment></Comment><Enabled>{is_enabled}</Enabled></DistributionSummary>"
        )
    };
    format!(
        "<DistributionList><Marker></Marker><MaxItems>100</MaxItems><IsTruncated>false</IsTruncated><Quantity>2</Quantity><Items>{}{}</Items></DistributionList>",
        one("E1AAAAAAAAAA", true),
        one("E0OLDOLDOLDO", false)
    )
}

/// As each protocol says it.
fn denied(operation: &str) -> (u16, String) {
    let queried = [
        "DescribeTargetGroups",
        "DescribeLoadBalancers",
        "DescribeListeners",
        "DescribeRules",
        "distribution",
    ];
    let is_xml = queried.contains(&operation)
        || operation.contains("DB")
        || operation.contains("Cache")
        || operation.contains("ListenerCert")
        || operation.contains("ReplicationGroups");
    if is_xml {
        return (403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>".to_owned());
    }
    (400, r#"{"__type":"AccessDeniedException","message":"not authorized"}"#.to_owned())
}

async fn found(config: &SdkConfig) -> (Seen, Findings) {
    let ecs = aws_sdk_ecs::Client::new(config);
    let named = Named { cluster: "lp-production".to_owned(), service: "backend".to_owned() };
    let service = ecs::service(&ecs, &named).await.unwrap();
    let seen = Box::pin(look(config, service)).await.unwrap();
    let findings = decide(&seen, "production", false);
    (seen, findings)
}

#[tokio::test]
async fn everything_is_read_as_aws_writes_it() {
    let (seen, findings) = found(&aws(answer)).await;
    // CloudWatch's answers are no text; the sandbox has them.
    assert!(seen.alarms.is_err());
    for (parameter, expected) in [
        ("ClusterName", "lp-production"),
        ("ServiceName", "backend"),
        ("BackendContainer", "api"),
        ("TaskFamily", "lp-backend"),
        (
            "TaskRoleArns",
            "arn:aws:iam::123456789012:role/lp-task,arn:aws:iam::123456789012:role/lp-execution",
        ),
        ("LogGroupName", "/ecs/lp"),
        ("SecretPrefix", "lp/production/"),
        ("DatabaseSecretName", "lp/production/db"),
        ("LoadBalancerFullName", "app/lp/fedcba9876543210"),
        ("TargetGroupFullName", "targetgroup/lp/0123456789abcdef"),
        ("ApiUrl", "https://api.lp.example"),
        ("AppUrl", "https://app.lp.example"),
        ("DatabaseCluster", "lp-db"),
        ("RedisSecurityGroupIds", "sg-0ed5"),
        ("RedisPort", "6380"),
        ("DistributionId", "E1AAAAAAAAAA"),
        ("FrontEndPipeline", "front-pipeline"),
        ("MaximumTasks", "12"),
    ] {
        assert_eq!(findings.value(parameter), Some(expected), "{parameter}: {findings:?}");
    }
    assert_eq!(findings.open, []);
    let listeners = seen.way.unwrap().listeners.unwrap();
    assert_eq!(
        listeners[0].certified.as_deref(),
        Ok(&["*.lp.example".to_owned(), "lp.example".to_owned()][..])
    );
    assert_eq!(seen.databases.unwrap().len(), 1);
    assert_eq!(seen.caches.unwrap().len(), 2);
    assert_eq!(seen.projects.unwrap()[0].words, ["lp-front", "phases: {}"]);
}

#[tokio::test]
async fn what_is_denied_is_left_out_and_names_its_action() {
    let only_ecs = |operation: &str, body: &str| match operation {
        "DescribeServices" | "DescribeTaskDefinition" => answer(operation, body),
        other => denied(other),
    };
    let (seen, findings) = found(&aws(only_ecs)).await;
    for (why, action) in [
        (seen.way.unwrap_err(), "elasticloadbalancing:DescribeTargetGroups"),
        (seen.databases.unwrap_err(), "rds:DescribeDBClusters"),
        (seen.caches.unwrap_err(), "elasticache:DescribeCacheClusters"),
        (seen.distributions.unwrap_err(), "cloudfront:ListDistributions"),
        (seen.projects.unwrap_err(), "codebuild:ListProjects"),
        (seen.pipelines.unwrap_err(), "codepipeline:ListPipelines"),
        (seen.most_tasks.unwrap_err(), "application-autoscaling:DescribeScalableTargets"),
    ] {
        assert!(why.ends_with(&format!("your role needs {action}")), "{why}");
    }
    assert_eq!(findings.value("TaskFamily"), Some("lp-backend"));
    assert_eq!(findings.value("DatabaseCluster"), None);
}

#[tokio::test]
async fn without_what_says_where_it_is_the_rest_is_still_read() {
    let some = |operation: &str, body: &str| match operation {
        "DescribeRules"
        | "DescribeDBSubnetGroups"
        | "DescribeCacheSubnetGroups"
        | "DescribeServerlessCaches"
        | "DescribeReplicationGroups"
        | "DescribeCertificate" => denied(operation),
        other => answer(other, body),
    };
    let (seen, findings) = found(&aws(some)).await;
    assert!(seen.way.unwrap().listeners.unwrap_err().contains("elasticloadbalancing:DescribeRules"));
    assert_eq!(findings.value("LoadBalancerFullName"), Some("app/lp/fedcba9876543210"));
    assert_eq!(findings.value("DatabaseCluster"), Some("lp-db"));
    assert_eq!(seen.caches.unwrap()[0].vpc, None);
}

#[tokio::test]
async fn without_credentials_nothing_is_made_up() {
    let expired =
        |_: &str, _: &str| (400, r#"{"__type":"ExpiredTokenException","message":"expired"}"#.to_owned());
    let named = Named { cluster: "c".to_owned(), service: "s".to_owned() };
    let ecs = aws_sdk_ecs::Client::new(&aws(expired));
    assert_eq!(ecs::service(&ecs, &named).await.unwrap_err().exit().code(), 4);
    let late = move |operation: &str, body: &str| match operation {
        "DescribeServices" => answer(operation, body),
        other => expired(other, body),
    };
    let config = aws(late);
    let service = ecs::service(&aws_sdk_ecs::Client::new(&config), &named).await.unwrap();
    assert_eq!(Box::pin(look(&config, service)).await.unwrap_err().code(), "bad_credentials");
}

#[tokio::test]
async fn services_are_read_page_by_page_and_not_for_ever() {
    let ecs = aws_sdk_ecs::Client::new(&aws(answer));
    let names = ecs::services(&ecs, None).await.unwrap();
    let names: Vec<&str> = names.iter().map(|one| one.service.as_str()).collect();
    assert_eq!(names, ["backend", "worker"]);
    let pages = AtomicUsize::new(0);
    let endless = move |_: &str, _: &str| {
        let next = pages.fetch_add(1, Ordering::Relaxed);
        let arn = "arn:aws:ecs:us-east-1:123456789012:cluster/c";
        (200, format!(r#"{{"clusterArns":["{arn}"],"nextToken":"{next}"}}"#))
    };
    let failure = ecs::services(&aws_sdk_ecs::Client::new(&aws(endless)), None).await.unwrap_err();
    assert_eq!(failure.exit().code(), 2);
    let none = |_: &str, _: &str| {
        (400, r#"{"__type":"ClusterNotFoundException","message":"Cluster not found."}"#.to_owned())
    };
    let failure = ecs::services(&aws_sdk_ecs::Client::new(&aws(none)), Some("nope")).await.unwrap_err();
    assert_eq!(failure.to_string(), "there is no ECS cluster `nope` in this account and region");
}

#[tokio::test]
async fn a_service_that_is_gone_is_not_there() {
    let gone = |_: &str, _: &str| {
        (200, r#"{"services":[{"serviceName":"backend","status":"INACTIVE"}],"failures":[]}"#.to_owned())
    };
    let named = Named { cluster: "c".to_owned(), service: "backend".to_owned() };
    let failure = ecs::service(&aws_sdk_ecs::Client::new(&aws(gone)), &named).await.unwrap_err();
    assert_eq!(failure.to_string(), "the cluster c has no service `backend`");
}

/// What is called is what a policy can allow, and the policy allows no more.
#[test]
fn the_policy_allows_every_action_that_is_looked_with_and_no_other() {
    let policy: Value = serde_json::from_str(include_str!("../../../docs/permissions/init.json")).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let allowed = statements.flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    });
    let allowed: BTreeSet<&str> = allowed.collect();
    let files = ["ecs", "elb", "front", "limits", "stores", "../stack"];
    let texts =
        files.map(|file| std::fs::read_to_string(format!("src/discover/{file}.rs")).unwrap()).join("\n");
    let is_action = |text: &&str| {
        let parts = text.split_once(':');
        parts.is_some_and(|(service, name)| {
            let is_service =
                !service.is_empty() && service.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            is_service
                && name.chars().all(|c| c.is_ascii_alphanumeric())
                && name.starts_with(|c: char| c.is_ascii_uppercase())
        })
    };
    let called: BTreeSet<&str> = texts.split('"').filter(is_action).collect();
    assert_eq!(called, allowed);
}
