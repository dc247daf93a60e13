//! What customers are told: days, announced maintenance, the public side of incidents, and which files were written.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shared::{
    error::Error,
    ledger::{
        AUDIT_KEPT,
        items::{Item, data, item_key, json, kept, put, string, text, unusable, version},
    },
};
use status_page::{Day, Id};

use super::table::Store;
use crate::status::{
    maintenance::Window,
    page::{DAYS, Days},
    publication::Publication,
};

const DAY: &str = "status-day";
const PUBLICATION: &str = "status-incident";
const PAGE: &str = "status-page";
const PUBLISHED: &str = "published";
const MAINTENANCE: &str = "maintenance";
/// The newest of each kind; older ones are in the pages of their months, which stay.
const MOST: usize = 100;

/// Which files of the page were written, and what is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// When the page was last written whole.
    #[serde(default)]
    pub at: Timestamp,
    /// What it showed then.
    #[serde(default)]
    pub content: String,
    /// A digest of each file whose content does not change with the time.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The run that writes it has ended by then, or died.
    #[serde(default)]
    pub lease_until: Timestamp,
    /// Counts the writes.
    #[serde(skip)]
    pub version: u64,
}

impl Store {
    /// The days from a date on that were summed up.
    pub async fn days(&self, from: Date) -> Result<Days, Error> {
        let between = (from.to_string(), "9999".to_owned());
        let items = self.query(DAY, Some(between), true, 2 * DAYS).await?;
        let day = |item: &Item| -> Result<(Date, BTreeMap<Id, Day>), Error> {
            let date = text(item, "sk")
                .parse()
                .map_err(|_| unusable(format!("`{}` is not a date", text(item, "sk"))))?;
            Ok((date, data(item)?))
        };
        Ok(items.iter().filter_map(|item| self.read(item, day)).collect())
    }

    /// Sums up a day. Days that were summed up do not change any more.
    pub async fn add_day(&self, date: Date, days: &BTreeMap<Id, Day>, now: Timestamp) -> Result<(), Error> {
        self.put_if(DAY, &date.to_string(), days, 0, None, now).await.map(|_| ())
    }

    /// The newest publications, the newest first.
    pub async fn publications(&self) -> Result<Vec<Publication>, Error> {
        let items = self.query(PUBLICATION, None, false, MOST).await?;
        let read =
            |item: &Item| Ok(Publication { version: version(item).unwrap_or_default(), ..data(item)? });
        Ok(items.iter().filter_map(|item| self.read(item, read)).collect())
    }

    /// Writes a publication. `false` if somebody else wrote it meanwhile.
    pub async fn publish(
        &self,
        publication: &Publication,
        notice: Option<Item>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let key = &publication.incident;
        self.put_if(PUBLICATION, key, publication, publication.version, notice, now).await
    }

    /// The newest windows, the newest first.
    pub async fn windows(&self) -> Result<Vec<Window>, Error> {
        let items = self.query(MAINTENANCE, None, false, MOST).await?;
        let read = |item: &Item| Ok(Window { version: version(item).unwrap_or_default(), ..data(item)? });
        Ok(items.iter().filter_map(|item| self.read(item, read)).collect())
    }

    /// Writes a window. `false` if somebody else wrote it meanwhile.
    pub async fn announce(
        &self,
        window: &Window,
        notice: Option<Item>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.put_if(MAINTENANCE, window.id.as_str(), window, window.version, notice, now).await
    }

    /// What was written of the page. If that cannot be read, it is written anew.
    pub async fn published(&self) -> Result<Published, Error> {
        let Some(item) = self.item(PAGE, PUBLISHED).await? else {
            return Ok(Published::default());
        };
        let version = version(&item).unwrap_or_default();
        Ok(Published { version, ..self.read(&item, data).unwrap_or_default() })
    }

    /// Writes what is written of the page. `false` if somebody else did meanwhile.
    pub async fn set_published(&self, published: &Published, now: Timestamp) -> Result<bool, Error> {
        self.put_if(PAGE, PUBLISHED, published, published.version, None, now).await
    }

    /// Writes an item, on condition that its version is still the one that was read (0 for an item that was not there),
    /// and with it the notice that is owed.
    async fn put_if<T: Serialize>(
        &self,
        pk: &str,
        sk: &str,
        content: &T,
        read: u64,
        notice: Option<Item>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let mut item = item_key(pk, sk);
        item.insert("data".to_owned(), string(json(content)?));
        item.insert("version".to_owned(), number(read.saturating_add(1)));
        item.insert("expires_at".to_owned(), kept(now, AUDIT_KEPT));
        let write = Put::builder().table_name(&self.table).set_item(Some(item));
        // Without a version is an item that somebody edited.
        let write = if read == 0 {
            write.condition_expression("attribute_not_exists(version)")
        } else {
            write.condition_expression("version = :read").expression_attribute_values(":read", number(read))
        };
        let mut writes = vec![put(write)?];
        writes.extend(notice.map(|notice| self.put(notice)).transpose()?);
        self.transact(writes, &format!("{pk} / {sk}")).await
    }
}
