//! As much of a DynamoDB table as the ledger uses: items, transactions, and the words of its conditions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::BatchGetItemOutput, put_item::PutItemOutput,
        transact_write_items::TransactWriteItemsError, transact_write_items::TransactWriteItemsOutput,
    },
    types::{AttributeValue, CancellationReason, TransactWriteItem, error::TransactionCanceledException},
};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};
use shared::ledger::{
    Ledger,
    items::{Item, text},
};

type Key = (String, String);
type Values = Option<std::collections::HashMap<String, AttributeValue>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Table(BTreeMap<Key, Item>);

impl Table {
    pub(crate) fn put(&mut self, item: Item) {
        self.0.insert(key(&item), item);
    }

    /// All or nothing; DynamoDB's code for each write.
    fn transact(&mut self, writes: &[TransactWriteItem]) -> Result<(), Vec<&'static str>> {
        let met: Vec<bool> = writes.iter().map(|write| self.allows(write)).collect();
        if met.contains(&false) {
            return Err(met.iter().map(|met| if *met { "None" } else { "ConditionalCheckFailed" }).collect());
        }
        for write in writes {
            if let Some(put) = &write.put {
                self.put(put.item.clone());
            } else if let Some(delete) = &write.delete {
                self.0.remove(&key(&delete.key));
            } else if let Some(update) = &write.update {
                assert_eq!(update.update_expression, "SET used_at = :now");
                let now = update.expression_attribute_values.as_ref().unwrap()[":now"].clone();
                self.0.get_mut(&key(&update.key)).unwrap().insert("used_at".to_owned(), now);
            }
        }
        Ok(())
    }

    fn allows(&self, write: &TransactWriteItem) -> bool {
        let none: Values = None;
        let (key, condition, values) = if let Some(put) = &write.put {
            (key(&put.item), put.condition_expression.as_deref(), &put.expression_attribute_values)
        } else if let Some(delete) = &write.delete {
            (key(&delete.key), delete.condition_expression.as_deref(), &delete.expression_attribute_values)
        } else if let Some(update) = &write.update {
            (key(&update.key), update.condition_expression.as_deref(), &update.expression_attribute_values)
        } else {
            let check = write.condition_check.as_ref().unwrap();
            (key(&check.key), Some(check.condition_expression.as_str()), &none)
        };
        condition.is_none_or(|condition| holds(condition, self.0.get(&key), values.as_ref()))
    }
}

fn key(item: &Item) -> Key {
    (text(item, "pk").to_owned(), text(item, "sk").to_owned())
}

/// The ledger's conditions are alternatives, or all of several; never both.
fn holds(
    condition: &str,
    item: Option<&Item>,
    values: Option<&std::collections::HashMap<String, AttributeValue>>,
) -> bool {
    let attribute = |name: &str| item.and_then(|item| item.get(name));
    let term = |term: &str| {
        let argument = |function: &str| term.strip_prefix(function)?.strip_suffix(')');
        if let Some(name) = argument("attribute_not_exists(") {
            return attribute(name).is_none();
        }
        if let Some(name) = argument("attribute_exists(") {
            return attribute(name).is_some();
        }
        let words: Vec<&str> = term.split(' ').collect();
        let [name, operator, value] = words[..] else {
            panic!("a condition in words that this table does not know: {term}");
        };
        let value = &values.unwrap()[value];
        match operator {
            "=" => attribute(name) == Some(value),
            "<" => attribute(name).is_some_and(|is| is.as_s().unwrap() < value.as_s().unwrap()),
            _ => panic!("an operator that this table does not know: {operator}"),
        }
    };
    if condition.contains(" AND ") {
        condition.split(" AND ").all(term)
    } else {
        condition.split(" OR ").any(term)
    }
}

/// The real ledger of a function, on this table.
pub(crate) fn ledger(table: &Arc<Mutex<Table>>, function: &'static str) -> Ledger {
    let of_transactions = Arc::clone(table);
    let transact = mock!(Client::transact_write_items).then_compute_response(move |input| {
        match of_transactions.lock().unwrap().transact(input.transact_items()) {
            Ok(()) => MockResponse::Output(TransactWriteItemsOutput::builder().build()),
            Err(codes) => {
                let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build());
                let cancelled = TransactionCanceledException::builder()
                    .set_cancellation_reasons(Some(reasons.collect()))
                    .build();
                MockResponse::Error(TransactWriteItemsError::TransactionCanceledException(cancelled))
            }
        }
    });
    let of_reads = Arc::clone(table);
    let read = mock!(Client::batch_get_item).then_compute_output(move |input| {
        let table = of_reads.lock().unwrap();
        let keys = input.request_items().unwrap()["ledger"].keys();
        let items = keys.iter().filter_map(|wanted| table.0.get(&key(wanted)).cloned()).collect();
        BatchGetItemOutput::builder().responses("ledger", items).build()
    });
    let of_puts = Arc::clone(table);
    let put = mock!(Client::put_item).then_compute_output(move |input| {
        of_puts.lock().unwrap().put(input.item().unwrap().clone());
        PutItemOutput::builder().build()
    });
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[&transact, &read, &put]);
    Ledger::new(client, "ledger", function)
}
