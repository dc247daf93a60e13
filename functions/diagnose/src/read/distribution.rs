//! CloudFront: whether the distribution is deployed, and which invalidations are still going.

use aws_sdk_cloudfront::Client;
use shared::aws;

use super::{Reader, Seen, Why, cut, seen, timestamp, why};
use crate::evidence::{Distribution, Invalidation};

/// The newest; those in progress are among them.
const NEWEST: i32 = 50;

pub(super) async fn distribution(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(id) = reader.settings.distribution.as_deref() else {
        return Ok(None);
    };
    let client = Client::new(&reader.config);
    let (found, invalidations) = tokio::join!(
        client.get_distribution().id(id).send(),
        client.list_invalidations().distribution_id(id).max_items(NEWEST).send()
    );
    let found = found.map_err(|error| why(&aws::failed("read distribution", id, &error)))?;
    let invalidations =
        invalidations.map_err(|error| why(&aws::failed("list the invalidations of", id, &error)))?;
    let list = invalidations.invalidation_list;
    let is_cut = list.as_ref().is_some_and(|list| list.is_truncated);
    let listed = list.and_then(|list| list.items).unwrap_or_default();
    // The newest come first: after one that is over, others in progress are unlikely.
    let is_cut = is_cut && listed.last().is_some_and(|oldest| oldest.status() != "Completed");
    let not_seen = is_cut.then(|| cut("some of the invalidations", listed.len()));
    let under_way = listed.into_iter().filter(|one| one.status() != "Completed");
    let distribution = found.distribution;
    let seen_now = Distribution {
        id: id.to_owned(),
        is_enabled: distribution
            .as_ref()
            .and_then(|one| one.distribution_config())
            .is_some_and(aws_sdk_cloudfront::types::DistributionConfig::enabled),
        status: distribution.map(|one| one.status).unwrap_or_default(),
        invalidations: under_way
            .map(|one| Invalidation { created_at: timestamp(one.create_time()), id: one.id })
            .collect(),
    };
    Ok(seen(move |evidence| {
        evidence.distribution = Some(seen_now);
        evidence.not_seen.extend(not_seen);
    }))
}
