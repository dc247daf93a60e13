//! Notices that are owed to people, as a transactional outbox: each is written in the transaction that ends what it
//! tells of, sent after that, and deleted once SNS has taken it. What whoever wrote it could not send, others do.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;
use futures_util::StreamExt;
use jiff::Timestamp;

pub use crate::ledger::Owed;
use crate::{
    aws, clock,
    error::{Error, chain},
    ledger::{
        OWED, OWN_TIME,
        items::{Item, is_unmet, item_key, string, text},
    },
    notice::{self, Notice, Sent},
};

/// How many are sent at once.
const AT_ONCE: usize = 10;
/// All that others owe have this long together: what is left then is for the next run.
const PATIENCE: Duration = Duration::from_secs(20);

/// The outbox: the ledger's partition `owed`, and the topics that its notices go to.
#[derive(Debug, Clone)]
pub struct Outbox {
    client: Client,
    table: String,
    config: SdkConfig,
    /// Where a notice goes that its own topic does not take, or that nobody hears there: the levels, upwards.
    levels: Vec<String>,
}

impl Outbox {
    pub fn new(client: Client, table: impl Into<String>, config: SdkConfig, levels: Vec<String>) -> Self {
        Self { client, table: table.into(), config, levels }
    }

    /// Sends a notice that has been written, and forgets it once somebody hears it.
    pub async fn send(&self, owed: &Owed) -> Sent {
        let mut sent = self.tell(&owed.notice).await;
        if !sent.owed
            && let Err(error) = self.forget(&owed.key).await
        {
            tracing::warn!(
                error = chain(&error),
                "the notice was sent, and stays owed: it is sent once more"
            );
            sent.owed = true;
        }
        sent
    }

    /// Tells people without writing anything.
    pub async fn tell(&self, notice: &Notice) -> Sent {
        notice::tell(&self.config, notice, &self.levels).await
    }

    /// Sends what others could not, at most so many. How many were sent.
    pub async fn sweep(&self, most: usize) -> Result<usize, Error> {
        let due = self.due(most).await?;
        let count = AtomicUsize::new(0);
        let pay = async |item: &Item| match self.take_on_and_send(item).await {
            Ok(true) => drop(count.fetch_add(1, Ordering::Relaxed)),
            Ok(false) => {}
            Err(error) => tracing::error!(error = chain(&error), "an owed notice could not be sent"),
        };
        let all = futures_util::stream::iter(&due).for_each_concurrent(AT_ONCE, pay);
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::error!("what is owed took too long: the next run goes on");
        }
        Ok(count.into_inner())
    }

    /// What is due and nobody else is at. What cannot be sent keeps nothing else from its turn.
    async fn due(&self, most: usize) -> Result<Vec<Item>, Error> {
        const MOST_PAGES: usize = 10;
        const PAGE: i32 = 200;
        let (mut due, mut start) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :owed AND sk < :now")
                .filter_expression("attribute_not_exists(taken_until) OR taken_until < :now")
                .expression_attribute_values(":owed", string(OWED))
                .expression_attribute_values(":now", string(clock::sortable(clock::now())))
                .consistent_read(true)
                .limit(PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| aws::failed("read the owed notices in the ledger", &self.table, &error))?;
            due.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                break;
            }
        }
        // First those that nobody has tried, then those whose last try is longest ago.
        due.sort_by(|one, other| text(one, "taken_until").cmp(text(other, "taken_until")));
        due.truncate(most);
        Ok(due)
    }

    async fn take_on_and_send(&self, item: &Item) -> Result<bool, Error> {
        let field = |name| text(item, name).to_owned();
        let key = field("sk");
        let until = clock::now() + OWN_TIME;
        if !self.take(&key, &field("taken_until"), until).await? {
            return Ok(false);
        }
        // An item of another hand may name no topic.
        let topic_arn = if field("topic").starts_with("arn:") { field("topic") } else { self.own() };
        let notice = Notice { topic_arn, subject: field("subject"), message: field("message") };
        if notice.message.is_empty() {
            tracing::error!(key, "a notice without words");
        } else if self.tell(&notice).await.owed {
            // Whoever comes next may try it.
            self.take(&key, &clock::sortable(until), clock::now()).await?;
            return Ok(false);
        }
        self.forget(&key).await?;
        Ok(true)
    }

    fn own(&self) -> String {
        self.levels.first().cloned().unwrap_or_default()
    }

    /// Keeps others from it until then. `false` where it is somebody else's by now.
    async fn take(&self, key: &str, seen: &str, until: Timestamp) -> Result<bool, Error> {
        let taken = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(OWED, key)))
            .update_expression("SET taken_until = :until")
            .condition_expression(if seen.is_empty() {
                "attribute_exists(pk) AND attribute_not_exists(taken_until)"
            } else {
                "taken_until = :seen"
            })
            .expression_attribute_values(":until", string(clock::sortable(until)));
        let taken =
            if seen.is_empty() { taken } else { taken.expression_attribute_values(":seen", string(seen)) };
        match taken.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_unmet(&error) => Ok(false),
            Err(error) => Err(aws::failed("take an owed notice on in the ledger", key, &error)),
        }
    }

    async fn forget(&self, key: &str) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item_key(OWED, key)))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("delete the sent notice from the ledger", key, &error))
    }
}
