//! The secret that tells the service where its database is. Nothing of its content leaves this file but the host.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::{
    Client,
    operation::{
        describe_secret::DescribeSecretError, get_secret_value::GetSecretValueError,
        put_secret_value::PutSecretValueError,
    },
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use shared::{
    aws::{self, Cause},
    error::Error,
};

const CURRENT: &str = "AWSCURRENT";
const HOST: &str = "host";

/// What is known of the secret without its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Secret {
    pub name: String,
    /// The id of the version that is AWSCURRENT.
    pub current: String,
    /// All versions that still have a label.
    pub versions: Vec<String>,
    pub changed_at: Option<Timestamp>,
    /// Where the current version points, if it was asked for and could be told.
    pub host: Option<String>,
    /// Other fields that name the same host. Only their names.
    pub also: Vec<String>,
}

/// What is known without reading the content, or nothing when there is no such secret.
pub(crate) async fn describe(client: &Client, name: &str) -> Result<Option<Secret>, Error> {
    let answer = match client.describe_secret().secret_id(name).send().await {
        Ok(answer) => answer,
        Err(error)
            if error.as_service_error().is_some_and(DescribeSecretError::is_resource_not_found_exception) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(aws::failed("describe secret", name, &error)),
    };
    let versions: BTreeMap<String, Vec<String>> =
        answer.version_ids_to_stages.unwrap_or_default().into_iter().collect();
    let is_current = |stages: &Vec<String>| stages.iter().any(|stage| stage == CURRENT);
    let current = versions.iter().find(|(_, stages)| is_current(stages)).map(|(id, _)| id.clone());
    Ok(Some(Secret {
        name: name.to_owned(),
        current: current.unwrap_or_default(),
        versions: versions.into_keys().collect(),
        changed_at: answer
            .last_changed_date
            .and_then(|at| Timestamp::from_millisecond(at.to_millis().ok()?).ok()),
        host: None,
        also: Vec::new(),
    }))
}

/// The same, and where it points.
pub(crate) async fn with_host(client: &Client, name: &str) -> Result<Option<Secret>, Error> {
    let Some(mut secret) = describe(client, name).await? else {
        return Ok(None);
    };
    let content = content(client, name).await?;
    // Another version may have come since it was described.
    secret.current = content.version;
    if let Some(fields) = &content.fields {
        secret.host = fields.get(HOST).and_then(Value::as_str).map(str::to_owned);
        let names_it = |value: &Value| match (value.as_str(), &secret.host) {
            (Some(value), Some(host)) => value.contains(host),
            _ => false,
        };
        let also = fields.iter().filter(|(name, value)| *name != HOST && names_it(value));
        secret.also = also.map(|(name, _)| name.clone()).collect();
    }
    Ok(Some(secret))
}

/// The id of the version that points a restore's cluster out: always the same for the same change, so that making
/// it twice makes one.
pub(crate) fn version_of(restore: &str, before: &str) -> String {
    let digest = Sha256::digest(format!("{restore} {before}"));
    let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// How setting the host went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    Done,
    /// Another version has become current meanwhile: nothing was written.
    Overtaken,
}

/// Makes a version that is the one before with another host.
pub(crate) async fn set_host(
    client: &Client,
    name: &str,
    before: &str,
    version: &str,
    host: &str,
) -> Result<Set, Error> {
    let current = content(client, name).await?;
    if current.version == version {
        return Ok(Set::Done);
    }
    if current.version != before {
        return Ok(Set::Overtaken);
    }
    let unusable = |what: &str| Error::Aws {
        operation: "change the host in secret",
        resource: name.to_owned(),
        source: Cause::new(what),
    };
    let mut fields = current.fields.ok_or_else(|| unusable("it is not a JSON object"))?;
    let field = fields.get_mut(HOST).ok_or_else(|| unusable("it has no field `host`"))?;
    *field = Value::String(host.to_owned());
    let content = Value::Object(fields).to_string();
    let put = client.put_secret_value().secret_id(name).client_request_token(version).secret_string(content);
    match put.send().await {
        Ok(_) => Ok(Set::Done),
        // A version of this id with other content: not made here.
        Err(error)
            if error.as_service_error().is_some_and(PutSecretValueError::is_resource_exists_exception) =>
        {
            Ok(Set::Overtaken)
        }
        Err(error) => Err(aws::failed("put a new version of secret", name, &error)),
    }
}

/// Makes an earlier version current again.
pub(crate) async fn point_back(client: &Client, name: &str, from: &str, to: &str) -> Result<Set, Error> {
    let Some(secret) = describe(client, name).await? else {
        return Ok(Set::Overtaken);
    };
    if secret.current == to {
        return Ok(Set::Done);
    }
    if secret.current != from {
        return Ok(Set::Overtaken);
    }
    client
        .update_secret_version_stage()
        .secret_id(name)
        .version_stage(CURRENT)
        .remove_from_version_id(from)
        .move_to_version_id(to)
        .send()
        .await
        .map(|_| Set::Done)
        .map_err(|error| aws::failed("move AWSCURRENT back in secret", name, &error))
}

/// Not `Debug`: it holds the password.
struct Content {
    version: String,
    /// Nothing when the content is no JSON object.
    fields: Option<Map<String, Value>>,
}

async fn content(client: &Client, name: &str) -> Result<Content, Error> {
    let get = client.get_secret_value().secret_id(name);
    let answer = get.send().await.map_err(|error| {
        if error.as_service_error().is_some_and(GetSecretValueError::is_decryption_failure) {
            let source = Cause::new("DecryptionFailure: this function may not use the secret's key");
            return Error::Aws { operation: "read secret", resource: name.to_owned(), source };
        }
        aws::failed("read secret", name, &error)
    })?;
    let fields = answer.secret_string().and_then(|text| serde_json::from_str(text).ok());
    Ok(Content { version: answer.version_id.unwrap_or_default(), fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_id_is_the_same_for_the_same_change_and_a_valid_token() {
        let id = version_of("a-restore-1", "v1");
        assert_eq!(id, version_of("a-restore-1", "v1"));
        assert_ne!(id, version_of("a-restore-1", "v2"));
        assert_eq!(id.len(), 36);
    }
}
