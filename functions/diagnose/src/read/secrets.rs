//! Whether the secrets exist that the tasks and the settings name, and when they changed. Their values are not asked
//! for.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_secretsmanager::{Client, operation::describe_secret::DescribeSecretError};
use shared::{aws, error::Error};
use tokio::task::JoinSet;

use super::{Reader, Seen, Why, seen, timestamp, why};
use crate::{
    evidence::{NotSeen, Secret},
    names::secret_name,
};

pub(super) async fn secrets(reader: &Reader) -> Result<Option<Seen>, Why> {
    let mut ids: BTreeSet<String> = reader.settings.secret.iter().cloned().collect();
    let mut not_seen = Vec::new();
    match definition_secrets(reader).await {
        Ok(secrets) => ids.extend(secrets),
        Err(why) if ids.is_empty() => return Err(why),
        Err(why) => not_seen.push(NotSeen { source: "the secrets of the task definition".to_owned(), why }),
    }
    read(&Client::new(&reader.config), ids, not_seen).await
}

/// None where there is no service.
async fn definition_secrets(reader: &Reader) -> Result<BTreeSet<String>, Why> {
    match reader.service().await? {
        Some(_) => Ok(reader.definition().await?.secrets.clone()),
        None => Ok(BTreeSet::new()),
    }
}

async fn read(
    client: &Client,
    ids: BTreeSet<String>,
    mut not_seen: Vec<NotSeen>,
) -> Result<Option<Seen>, Why> {
    let asked: JoinSet<_> = ids.into_iter().map(|id| look_up(client.clone(), id)).collect();
    // The settings may name a secret in another way than the task definition.
    let mut secrets = BTreeMap::new();
    for (id, looked) in asked.join_all().await {
        match looked {
            Ok(secret) => _ = secrets.insert(secret.name.clone(), secret),
            Err(error) => not_seen
                .push(NotSeen { source: format!("the secret {}", secret_name(&id)), why: why(&error) }),
        }
    }
    not_seen.sort_by(|one, other| one.source.cmp(&other.source));
    if secrets.is_empty() && !not_seen.is_empty() {
        return Err(not_seen.into_iter().map(|one| one.why).collect::<Vec<_>>().join("; "));
    }
    Ok(seen(|evidence| {
        evidence.secrets = Some(secrets.into_values().collect());
        evidence.not_seen.extend(not_seen);
    }))
}

async fn look_up(client: Client, id: String) -> (String, Result<Secret, Error>) {
    let looked = match client.describe_secret().secret_id(&id).send().await {
        Ok(found) => Ok(Secret {
            name: found.name.unwrap_or_else(|| secret_name(&id).to_owned()),
            exists: true,
            deleted_at: found.deleted_date.as_ref().and_then(timestamp),
            changed_at: found.last_changed_date.as_ref().and_then(timestamp),
            rotated_at: found.last_rotated_date.as_ref().and_then(timestamp),
        }),
        Err(error)
            if error.as_service_error().is_some_and(DescribeSecretError::is_resource_not_found_exception) =>
        {
            Ok(Secret { name: secret_name(&id).to_owned(), ..Secret::default() })
        }
        Err(error) => Err(aws::failed("describe secret", secret_name(&id), &error)),
    };
    (id, looked)
}

#[cfg(test)]
mod tests;
