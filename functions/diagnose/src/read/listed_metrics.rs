//! The metrics that CloudWatch knows of this stack, to tell one that never came from one that stopped.

use aws_sdk_cloudwatch::{Client, types::DimensionFilter};
use shared::{aws, telemetry::NAMESPACE};

use super::{Reader, Seen, Why, seen, why};
use crate::evidence::ListedMetric;

/// 500 metrics a page. Half a list would make metrics look as if they had never come.
const MAX_PAGES: usize = 6;

pub(super) async fn listed_metrics(reader: &Reader) -> Result<Option<Seen>, Why> {
    let client = Client::new(&reader.config);
    let settings = &reader.settings;
    let load_balancer = settings.load_balancer.as_deref();
    let of_distribution = async {
        // Where they cannot be read, the source of their values says so.
        let Some(client) = reader.global_cloudwatch() else { return Ok(Vec::new()) };
        let distribution = settings.distribution.as_deref();
        listed(&client, "AWS/CloudFront", Some("DistributionId"), distribution).await
    };
    let (ecs, alb, cdn, database, own) = tokio::join!(
        listed(&client, "AWS/ECS", Some("ClusterName"), Some(&settings.cluster)),
        listed(&client, "AWS/ApplicationELB", Some("LoadBalancer"), load_balancer),
        of_distribution,
        // Those of clusters and of instances have no dimension in common.
        listed(&client, "AWS/DocDB", None, settings.database.as_deref()),
        listed(&client, NAMESPACE, Some("Environment"), Some(&settings.environment))
    );
    let metrics = [ecs?, alb?, cdn?, database?, own?].concat();
    Ok(seen(move |evidence| evidence.listed_metrics = Some(metrics)))
}

/// Those of a namespace, of one dimension where it has a name; none where the stack has no such part.
async fn listed(
    client: &Client,
    namespace: &str,
    dimension: Option<&str>,
    value: Option<&str>,
) -> Result<Vec<ListedMetric>, Why> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let filter = dimension.map(|name| vec![DimensionFilter::builder().name(name).value(value).build()]);
    let mut found = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .list_metrics()
            .namespace(namespace)
            .set_dimensions(filter.clone())
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("list the metrics of", namespace, &error)))?;
        found.extend(page.metrics.unwrap_or_default().into_iter().map(|metric| {
            ListedMetric {
                namespace: metric.namespace.unwrap_or_default(),
                name: metric.metric_name.unwrap_or_default(),
                dimensions: metric
                    .dimensions
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|dimension| Some((dimension.name?, dimension.value?)))
                    .collect(),
            }
        }));
        from = page.next_token;
        if from.is_none() {
            return Ok(found);
        }
    }
    Err(format!("{namespace} has more metrics than were read"))
}
