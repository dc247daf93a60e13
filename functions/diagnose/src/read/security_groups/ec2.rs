//! The one operation of EC2 that is called here, on the SDK's own runtime: signature, retries, timeouts and user agent
//! are those of all other calls. EC2's crate of the SDK has 1.2 million lines, and was a fifth of the whole build.

use std::borrow::Cow;

use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
    user_agent::{ApiMetadata, UserAgentInterceptor},
};
use aws_smithy_runtime::client::{
    identity::IdentityCache, orchestrator::operation::Operation,
    retries::classifiers::TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::{
    auth::{
        AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
        static_resolver::StaticAuthSchemeOptionResolver,
    },
    behavior_version::BehaviorVersion,
    identity::SharedIdentityResolver,
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    result::SdkError,
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::StaticRuntimePlugin,
};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::Layer,
    error::{ErrorMetadata, metadata},
};
use aws_types::{
    SdkConfig, SigningName,
    region::{Region, SigningRegion},
};
use roxmltree::{Document, Node};
use url::form_urlencoded::Serializer;

use crate::evidence::{Permission, SecurityGroup};

/// Of the API: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>.
const VERSION: &str = "2016-11-15";

/// `DescribeSecurityGroups`.
#[derive(Debug, Clone)]
pub(super) struct Ec2 {
    describe: Operation<Asked, Page, ErrorMetadata>,
}

/// Asked for by a filter: a group that does not exist would fail the whole call if it were asked for by its id.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub ids: Vec<String>,
    /// The token of the page before.
    pub from: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub groups: Vec<SecurityGroup>,
    pub next: Option<String>,
}

impl Ec2 {
    pub(super) fn new(config: &SdkConfig) -> Self {
        let region = config.region().cloned();
        let mut layer = Layer::new("ec2");
        layer.store_put(ApiMetadata::new("ec2", VERSION));
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig {
            region: region.clone().map(SigningRegion::from),
            name: Some(SigningName::from_static("ec2")),
            ..SigV4OperationSigningConfig::default()
        });
        if let Some(name) = config.app_name() {
            layer.store_put(name.clone());
        }
        let mut components = RuntimeComponentsBuilder::new("ec2");
        components.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
            StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
        )));
        components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
        components.set_identity_cache(Some(IdentityCache::no_cache()));
        if let Some(credentials) = config.credentials_provider() {
            components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
        }
        let plugin =
            StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components);
        let endpoint = config.endpoint_url().map_or_else(
            || Cow::Owned(endpoint(region.as_ref(), config.use_fips() == Some(true))),
            Cow::Borrowed,
        );
        let mut operation = Operation::builder()
            .service_name("ec2")
            .operation_name("DescribeSecurityGroups")
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint)
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .interceptor(UserAgentInterceptor::new())
            .runtime_plugin(plugin)
            .serializer(|asked: Asked| request(&asked))
            .deserializer(answer);
        if let Some(client) = config.http_client() {
            operation = operation.http_client(client);
        }
        if let Some(sleep) = config.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        if let Some(retries) = config.retry_config() {
            operation = operation.standard_retry(retries);
        }
        if let Some(timeouts) = config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        Self { describe: operation.build() }
    }

    pub(super) async fn describe(&self, asked: Asked) -> Result<Page, SdkError<ErrorMetadata, HttpResponse>> {
        self.describe.invoke(asked).await
    }
}

/// As <https://docs.aws.amazon.com/general/latest/gr/ec2-service.html> has them.
fn endpoint(region: Option<&Region>, fips: bool) -> String {
    let region = region.map_or("us-east-1", Region::as_ref);
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let service = if fips { "ec2-fips" } else { "ec2" };
    format!("https://{service}.{region}.{domain}")
}

fn request(asked: &Asked) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", "DescribeSecurityGroups").append_pair("Version", VERSION);
    form.append_pair("Filter.1.Name", "group-id");
    for (number, id) in asked.ids.iter().enumerate() {
        form.append_pair(&format!("Filter.1.Value.{}", number + 1), id);
    }
    if let Some(from) = &asked.from {
        form.append_pair("NextToken", from);
    }
    let mut request = HttpRequest::new(SdkBody::from(form.finish()));
    request.set_method("POST")?;
    request.set_uri("/")?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Page, OrchestratorError<ErrorMetadata>> {
    let unreadable = |why: &str| OrchestratorError::response(why.into());
    let body = response.body().bytes().ok_or_else(|| unreadable("the answer was not read whole"))?;
    let text = std::str::from_utf8(body).map_err(|_| unreadable("the answer is no text"))?;
    let document = Document::parse(text).map_err(|_| unreadable("the answer is no XML"))?;
    let root = document.root_element();
    if !response.status().is_success() {
        let refused = root.descendants().find(|node| node.has_tag_name("Error")).unwrap_or(root);
        let error = ErrorMetadata::builder();
        let error = field(refused, "Code").into_iter().fold(error, metadata::Builder::code);
        let error = field(refused, "Message").into_iter().fold(error, metadata::Builder::message);
        return Err(OrchestratorError::operation(error.build()));
    }
    Ok(Page {
        groups: items(root, "securityGroupInfo").map(security_group).collect(),
        next: field(root, "nextToken").filter(|token| !token.is_empty()),
    })
}

fn security_group(group: Node<'_, '_>) -> SecurityGroup {
    SecurityGroup {
        id: field(group, "groupId").unwrap_or_default(),
        ingress: items(group, "ipPermissions").map(permission).collect(),
        egress: items(group, "ipPermissionsEgress").map(permission).collect(),
    }
}

fn permission(found: Node<'_, '_>) -> Permission {
    let number = |name| field(found, name).and_then(|text| text.parse().ok());
    let each = |list, name| items(found, list).filter_map(move |item| field(item, name));
    Permission {
        protocol: field(found, "ipProtocol").unwrap_or_default(),
        from_port: number("fromPort"),
        to_port: number("toPort"),
        groups: each("groups", "groupId").collect(),
        ranges: each("ipRanges", "cidrIp")
            .chain(each("ipv6Ranges", "cidrIpv6"))
            .chain(each("prefixListIds", "prefixListId"))
            .collect(),
    }
}

fn child<'a, 'b>(node: Node<'a, 'b>, name: &str) -> Option<Node<'a, 'b>> {
    // The namespace has the API's version in it.
    node.children().find(|child| child.tag_name().name() == name)
}

fn field(node: Node<'_, '_>, name: &str) -> Option<String> {
    Some(child(node, name)?.text().unwrap_or_default().to_owned())
}

fn items<'a, 'b>(node: Node<'a, 'b>, list: &str) -> impl Iterator<Item = Node<'a, 'b>> + use<'a, 'b> {
    child(node, list)
        .into_iter()
        .flat_map(|list| list.children())
        .filter(|item| item.tag_name().name() == "item")
}
