//! The only write of `cache-invalidation`, and the second look.

use std::time::Duration;

use aws_sdk_cloudfront::types;
use shared::{
    aws, clock,
    error::{Cause, Error, chain},
    guard::Approved,
    outcome::Verification,
    web::Web,
};

use crate::{
    Clients,
    action::Action,
    observe::{self, Asset, Invalidation, Sight, compared},
    settings::Settings,
};

pub(crate) async fn apply(clients: &Clients, approved: &Approved<Action>) -> Result<(), Error> {
    let Action::CreateInvalidation { distribution, paths, caller_reference, .. } = approved.action();
    let whose = || format!("distribution {distribution}");
    let unbuilt = |error: aws_sdk_cloudfront::error::BuildError| Error::Aws {
        operation: "put together an invalidation of",
        resource: whose(),
        source: Cause::new(error.to_string()),
    };
    let quantity = i32::try_from(paths.len()).unwrap_or(i32::MAX);
    let paths = types::Paths::builder().quantity(quantity).set_items(Some(paths.clone())).build();
    let batch = types::InvalidationBatch::builder()
        .paths(paths.map_err(unbuilt)?)
        .caller_reference(caller_reference)
        .build()
        .map_err(unbuilt)?;
    clients
        .cloudfront()
        .create_invalidation()
        .distribution_id(distribution)
        .invalidation_batch(batch)
        .send()
        .await
        .map(|_| ())
        .map_err(|error| aws::failed("create an invalidation of", whose(), &error))
}

/// Looks until CloudFront says that it is done, or for as long as there is patience; then at the assets.
pub(crate) async fn verify(
    clients: &Clients,
    web: &Web,
    settings: &Settings,
    actions: &[&Action],
    patience: Duration,
) -> Verification {
    let Some(Action::CreateInvalidation { paths, caller_reference, before, .. }) = actions.first() else {
        return Verification { verified: true, what: "there was nothing to do".to_owned() };
    };
    match completed(clients, settings, caller_reference, patience).await {
        Err(error) => Verification::not_seen(&chain(&error)),
        Ok(None) => Verification {
            verified: false,
            what: "the invalidation is not among the latest of the distribution".to_owned(),
        },
        Ok(Some(seen)) if !seen.is_completed() => {
            Verification { verified: false, what: format!("invalidation {} is in progress", seen.id) }
        }
        Ok(Some(seen)) => {
            let assets = observe::assets(web, settings, paths).await;
            served(&seen, before, &assets)
        }
    }
}

fn served(seen: &Invalidation, before: &[Asset], assets: &[Asset]) -> Verification {
    let (sight, said) = Sight::of_all(assets, seen.created_at, clock::now());
    let mut what = format!("invalidation {} is completed", seen.id);
    if !assets.is_empty() {
        what = format!("{what}: {}", compared(before, assets));
    }
    if let Some(said) = said {
        what = format!("{what}: {said}");
    }
    Verification { verified: sight == Sight::Fresh, what }
}

async fn completed(
    clients: &Clients,
    settings: &Settings,
    caller_reference: &str,
    patience: Duration,
) -> Result<Option<Invalidation>, Error> {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
    /// It was sent a moment ago: few can be newer.
    const NEWEST: usize = 5;
    let newest = observe::recent(clients, settings, NEWEST).await?;
    let mut seen = newest.into_iter().find(|one| one.caller_reference == caller_reference);
    let again = async {
        while let Some(one) = seen.as_ref().filter(|one| !one.is_completed()) {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            seen = observe::invalidation(clients, settings, &one.id).await?;
        }
        Ok(())
    };
    // The last look that ended is what was seen.
    tokio::time::timeout(patience, again).await.unwrap_or(Ok(()))?;
    Ok(seen)
}
