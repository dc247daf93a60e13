//! What is known of a service's releases, beyond AWS's own history: which ran while the probe passed, which
//! were rolled back from, and which are copies of others with which writes are frozen. One item of the ledger
//! for each: `release#<service>`, `<family:revision>`.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem, Update},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    AUDIT_KEPT, Ledger,
    items::{built, item_key, kept, string},
};
use crate::{aws, error::Error};

/// As long as the audit records that say why.
const KEPT: Duration = AUDIT_KEPT;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Release {
    /// `family:revision` of its task definition.
    pub revision: String,
    /// When it was last seen to work.
    pub good_at: Option<Timestamp>,
    pub rolled_back_at: Option<Timestamp>,
    /// The release that it is a copy of, with which writes are frozen.
    pub frozen_from: Option<String>,
    /// The release that it is a copy of otherwise.
    pub copy_of: Option<String>,
}

impl Release {
    /// The release that it is only a copy of.
    pub fn stands_for(&self) -> Option<&str> {
        self.frozen_from.as_deref().or(self.copy_of.as_deref())
    }

    /// Whether it was rolled back from, and not seen to work since.
    pub fn is_bad(&self) -> bool {
        self.rolled_back_at.is_some_and(|bad| self.good_at.is_none_or(|good| good <= bad))
    }
}

/// The ledger's part about releases.
#[derive(Debug, Clone)]
pub struct Releases {
    client: Client,
    table: String,
}

impl Releases {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// All that is known of a service's releases (`service/<cluster>/<name>`).
    pub async fn of(&self, service: &str) -> Result<Vec<Release>, Error> {
        /// 400 days of a release a day fit one page of 1 MB many times.
        const MAX_PAGES: usize = 4;
        let mut releases = Vec::new();
        let mut from = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :service")
                .expression_attribute_values(":service", AttributeValue::S(key(service)))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| aws::failed("read the releases in the ledger", &self.table, &error))?;
            releases.extend(page.items.unwrap_or_default().iter().filter_map(release));
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(releases)
    }

    /// What is known of one revision.
    pub async fn one(&self, service: &str, revision: &str) -> Result<Option<Release>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(key(service)))
            .key("sk", AttributeValue::S(revision.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| aws::failed("read the release in the ledger", revision, &error))?;
        Ok(answer.item.as_ref().and_then(release))
    }

    /// Notes that a release works.
    pub async fn mark_good(&self, service: &str, revision: &str, at: Timestamp) -> Result<(), Error> {
        self.mark(service, revision, "good_at", at.to_string(), at).await
    }

    /// Notes that a revision is no release of its own, but the copy of one with which writes are frozen.
    pub async fn mark_frozen(
        &self,
        service: &str,
        revision: &str,
        release: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.mark(service, revision, "frozen_from", release.to_owned(), at).await
    }

    /// Notes that a revision is no release of its own, but a copy of one.
    pub async fn mark_copy(
        &self,
        service: &str,
        revision: &str,
        release: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.mark(service, revision, "copy_of", release.to_owned(), at).await
    }

    async fn mark(
        &self,
        service: &str,
        revision: &str,
        what: &'static str,
        value: String,
        at: Timestamp,
    ) -> Result<(), Error> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(key(service)))
            .key("sk", AttributeValue::S(revision.to_owned()))
            .update_expression("SET #what = :value, expires_at = :expires")
            .expression_attribute_names("#what", what)
            .expression_attribute_values(":value", AttributeValue::S(value))
            .expression_attribute_values(":expires", kept(at, KEPT))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("note in the ledger", revision, &error))
    }
}

impl Ledger {
    /// Notes that a release was rolled back from.
    pub(super) fn rolled_back(
        &self,
        target: &str,
        release: &str,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&key(target), release)))
            .update_expression("SET rolled_back_at = :now, expires_at = :expires")
            .expression_attribute_values(":now", string(now.to_string()))
            .expression_attribute_values(":expires", kept(now, KEPT));
        Ok(TransactWriteItem::builder().update(built(update.build())?).build())
    }
}

fn release(item: &HashMap<String, AttributeValue>) -> Option<Release> {
    let text = |name| item.get(name).map(|value| value.as_s().map_or("", String::as_str));
    Some(Release {
        revision: text("sk")?.to_owned(),
        good_at: text("good_at").and_then(|at| at.parse().ok()),
        // An unreadable time still means that it was rolled back from.
        rolled_back_at: text("rolled_back_at").map(|at| at.parse().unwrap_or(Timestamp::MAX)),
        // A copy of an unreadable release is still a copy.
        frozen_from: text("frozen_from").map(str::to_owned),
        copy_of: text("copy_of").map(str::to_owned),
    })
}

fn key(service: &str) -> String {
    format!("release#{service}")
}
