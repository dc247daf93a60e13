//! As much of a DynamoDB table as the ledger uses: items, transactions, and the words of its conditions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        batch_get_item::BatchGetItemOutput, put_item::PutItemOutput, query::QueryOutput,
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
                let words = Words::of(
                    update.expression_attribute_names.as_ref(),
                    update.expression_attribute_values.as_ref(),
                );
                let item = self.0.entry(key(&update.key)).or_insert_with(|| update.key.clone());
                words.update(&update.update_expression, item);
            }
        }
        Ok(())
    }

    fn allows(&self, write: &TransactWriteItem) -> bool {
        let (key, condition, names, values) = if let Some(put) = &write.put {
            let (names, values) = (&put.expression_attribute_names, &put.expression_attribute_values);
            (key(&put.item), put.condition_expression.as_deref(), names, values)
        } else if let Some(delete) = &write.delete {
            let (names, values) = (&delete.expression_attribute_names, &delete.expression_attribute_values);
            (key(&delete.key), delete.condition_expression.as_deref(), names, values)
        } else if let Some(update) = &write.update {
            let (names, values) = (&update.expression_attribute_names, &update.expression_attribute_values);
            (key(&update.key), update.condition_expression.as_deref(), names, values)
        } else {
            let check = write.condition_check.as_ref().unwrap();
            let (names, values) = (&check.expression_attribute_names, &check.expression_attribute_values);
            (key(&check.key), Some(check.condition_expression.as_str()), names, values)
        };
        let words = Words::of(names.as_ref(), values.as_ref());
        condition.is_none_or(|condition| words.hold(condition, self.0.get(&key)))
    }

    /// The items of a partition, in the order of their sort keys.
    fn partition(&self, pk: &str) -> Vec<Item> {
        self.0.values().filter(|item| text(item, "pk") == pk).cloned().collect()
    }
}

fn key(item: &Item) -> Key {
    (text(item, "pk").to_owned(), text(item, "sk").to_owned())
}

/// The names and values that an expression refers to.
struct Words<'a> {
    names: Option<&'a HashMap<String, String>>,
    values: Option<&'a HashMap<String, AttributeValue>>,
}

impl<'a> Words<'a> {
    fn of(
        names: Option<&'a HashMap<String, String>>,
        values: Option<&'a HashMap<String, AttributeValue>>,
    ) -> Self {
        Self { names, values }
    }

    fn name<'b>(&'b self, name: &'b str) -> &'b str {
        if name.starts_with('#') { &self.names.unwrap()[name] } else { name }
    }

    /// Alternatives of conjunctions, with brackets.
    fn hold(&self, condition: &str, item: Option<&Item>) -> bool {
        split(condition, " OR ")
            .iter()
            .any(|all| split(all, " AND ").iter().all(|term| self.term(term, item)))
    }

    fn term(&self, term: &str, item: Option<&Item>) -> bool {
        let attribute = |name: &str| item.and_then(|item| item.get(self.name(name)));
        let argument = |function: &str| term.strip_prefix(function)?.strip_suffix(')');
        if let Some(name) = argument("attribute_not_exists(") {
            return attribute(name).is_none();
        }
        if let Some(name) = argument("attribute_exists(") {
            return attribute(name).is_some();
        }
        if let Some(arguments) = argument("attribute_type(") {
            let (name, kind) = arguments.split_once(", ").unwrap();
            assert_eq!(self.values.unwrap()[kind].as_s().unwrap(), "S", "the type that this table knows");
            return attribute(name).is_some_and(AttributeValue::is_s);
        }
        if let Some(term) = term.strip_prefix("NOT ") {
            return !self.term(term, item);
        }
        if let Some(condition) = argument("(") {
            return self.hold(condition, item);
        }
        let words: Vec<&str> = term.split(' ').collect();
        let [name, operator, value] = words[..] else {
            panic!("a condition in words that this table does not know: {term}");
        };
        let value = &self.values.unwrap()[value];
        match operator {
            "=" => attribute(name) == Some(value),
            // Only texts are compared with a text.
            "<" => attribute(name).and_then(|is| is.as_s().ok()).is_some_and(|is| is < value.as_s().unwrap()),
            ">" => attribute(name).and_then(|is| is.as_s().ok()).is_some_and(|is| is > value.as_s().unwrap()),
            _ => panic!("an operator that this table does not know: {operator}"),
        }
    }

    fn update(&self, expression: &str, item: &mut Item) {
        let (set, remove) = expression.split_once("REMOVE ").unwrap_or((expression, ""));
        if let Some(set) = set.trim().strip_prefix("SET ") {
            for change in set.split(", ") {
                let (name, value) = change.split_once(" = ").unwrap();
                item.insert(self.name(name).to_owned(), self.values.unwrap()[value].clone());
            }
        }
        for name in remove.split(", ").filter(|name| !name.is_empty()) {
            item.remove(self.name(name));
        }
    }
}

/// At each separator that is in no bracket.
fn split<'a>(condition: &'a str, separator: &str) -> Vec<&'a str> {
    let mut depth = 0_i32;
    let mut parts = Vec::new();
    let mut from = 0;
    for (place, letter) in condition.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && place >= from && condition[place..].starts_with(separator) => {
                parts.push(&condition[from..place]);
                from = place + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&condition[from..]);
    parts
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
    let of_queries = Arc::clone(table);
    let query = mock!(Client::query).then_compute_output(move |input| {
        assert_eq!(input.key_condition_expression(), Some("pk = :switch"));
        let pk = input.expression_attribute_values().unwrap()[":switch"].as_s().unwrap();
        let items = of_queries.lock().unwrap().partition(pk);
        QueryOutput::builder().set_items(Some(items)).build()
    });
    let of_puts = Arc::clone(table);
    let put = mock!(Client::put_item).then_compute_output(move |input| {
        of_puts.lock().unwrap().put(input.item().unwrap().clone());
        PutItemOutput::builder().build()
    });
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[&transact, &read, &query, &put]);
    Ledger::new(client, "ledger", function)
}
