//! The secret that tells the service where its database is. Nothing of its content leaves this file but the host.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::{
    Client,
    operation::{
        describe_secret::DescribeSecretError, get_secret_value::GetSecretValueError,
        put_secret_value::PutSecretValueError,
    },
    primitives::DateTime,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use shared::{
    aws,
    error::{Cause, Error, chain},
};

use crate::login::{Fit, Login, Whose};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const HOST: &str = "host";
const USER: &str = "username";
const PASSWORD: &str = "password";

/// What is known of the secret without its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Secret {
    pub name: String,
    /// The id of the version that is AWSCURRENT.
    pub current: String,
    /// All versions that still have a label.
    pub versions: Vec<String>,
    pub changed_at: Option<Timestamp>,
    /// When a rotation ended last.
    pub rotated_at: Option<Timestamp>,
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
        changed_at: answer.last_changed_date.as_ref().and_then(timestamp),
        rotated_at: answer.last_rotated_date.as_ref().and_then(timestamp),
        host: None,
        also: Vec::new(),
    }))
}

/// The same, and where it points.
pub(crate) async fn with_host(client: &Client, name: &str) -> Result<Option<Secret>, Error> {
    let Some(mut secret) = describe(client, name).await? else {
        return Ok(None);
    };
    let content = content(client, name, None).await?;
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

/// Whether a cluster with this master user, which has this version's password, lets in whom the current version names.
/// What cannot be read is no error: then it cannot be told.
pub(crate) async fn login(client: &Client, name: &str, whose: Option<&Whose>, master: Option<&str>) -> Login {
    let Some(whose) = whose else {
        return Login::unknown("when its data is of is not noted on it");
    };
    compare(client, name, whose, master).await.unwrap_or_else(|error| Login::unknown(chain(&error)))
}

async fn compare(client: &Client, name: &str, whose: &Whose, master: Option<&str>) -> Result<Login, Error> {
    let Some(secret) = describe(client, name).await? else {
        return Ok(Login::unknown(format!("there is no secret {name}")));
    };
    let (since, before) = match whose {
        Whose::AtTime(at) => {
            let is_before = |time: Option<Timestamp>| time.is_none_or(|time| time <= *at);
            if secret.changed_at.is_some() && is_before(secret.changed_at) && is_before(secret.rotated_at) {
                return Ok(Login { fits: Fit::Same, is_master: true });
            }
            let (older, newer): (Vec<Version>, Vec<Version>) =
                versions(client, name).await?.into_iter().partition(|version| version.created_at <= *at);
            let Some(before) = older.into_iter().max_by_key(|version| version.created_at) else {
                return Ok(Login::unknown(format!(
                    "secret {name} has no version left that is as old as its data"
                )));
            };
            (newer.iter().map(|version| version.created_at).min(), before.id)
        }
        Whose::Version(version) => (None, version.clone()),
    };
    let current = content(client, name, None).await?;
    let Some(password) = current.text(PASSWORD) else {
        return Ok(Login { fits: Fit::Missing, is_master: true });
    };
    let is_master = current.text(USER).zip(master).is_none_or(|(user, master)| user == master);
    let is_same = if before == current.version {
        true
    } else {
        let before = content(client, name, Some(&before)).await?;
        before.text(PASSWORD) == Some(password) && before.text(USER) == current.text(USER)
    };
    let fits = match (is_same, whose) {
        // The version was there, but not set on the database yet.
        (true, Whose::AtTime(at)) if secret.rotated_at.is_some_and(|rotated| rotated > *at) => {
            Fit::Unknown { why: "the secret was being rotated at the time of its data".to_owned() }
        }
        (true, _) => Fit::Same,
        (false, _) => Fit::Older { changed_at: since },
    };
    Ok(Login { fits, is_master })
}

struct Version {
    id: String,
    created_at: Timestamp,
}

/// Those that are or were current, also without a label.
async fn versions(client: &Client, name: &str) -> Result<Vec<Version>, Error> {
    /// Of 100 versions each: Secrets Manager keeps about 100, and all of the last day.
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>)
    const MAX_PAGES: usize = 5;
    let mut versions = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .list_secret_version_ids()
            .secret_id(name)
            .include_deprecated(true)
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| aws::failed("list the versions of secret", name, &error))?;
        let some = page.versions.unwrap_or_default().into_iter();
        versions.extend(some.filter(|version| version.version_stages() != [PENDING]).filter_map(|version| {
            let created_at = version.created_date.as_ref().and_then(timestamp)?;
            Some(Version { id: version.version_id?, created_at })
        }));
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    Ok(versions)
}

/// Neither `Debug` nor `Display`, so that it is shown nowhere.
pub(crate) struct Password(String);

impl Password {
    /// For AWS alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// The password of this version; nothing when another one is current, or it has none.
pub(crate) async fn password(client: &Client, name: &str, version: &str) -> Result<Option<Password>, Error> {
    let content = content(client, name, None).await?;
    let password = content.text(PASSWORD).filter(|_| content.version == version);
    Ok(password.map(|password| Password(password.to_owned())))
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
    let current = content(client, name, None).await?;
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
        Ok(put) if put.version_stages().iter().any(|stage| stage == CURRENT) => Ok(Set::Done),
        // It was made before, and somebody has gone back since: then AWS leaves the labels where they are.
        Ok(_) => move_current(client, name, before, version).await,
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
    move_current(client, name, from, to).await
}

async fn move_current(client: &Client, name: &str, from: &str, to: &str) -> Result<Set, Error> {
    client
        .update_secret_version_stage()
        .secret_id(name)
        .version_stage(CURRENT)
        .remove_from_version_id(from)
        .move_to_version_id(to)
        .send()
        .await
        .map(|_| Set::Done)
        .map_err(|error| aws::failed("move AWSCURRENT in secret", name, &error))
}

/// Not `Debug`: it holds the password.
struct Content {
    version: String,
    /// Nothing when the content is no JSON object.
    fields: Option<Map<String, Value>>,
}

impl Content {
    fn text(&self, field: &str) -> Option<&str> {
        self.fields.as_ref()?.get(field)?.as_str()
    }
}

/// Of this version, or of the current one.
async fn content(client: &Client, name: &str, version: Option<&str>) -> Result<Content, Error> {
    let get = client.get_secret_value().secret_id(name).set_version_id(version.map(str::to_owned));
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

fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
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
