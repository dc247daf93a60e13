//! The ledger's table in memory. Conditions are taken as met: what matters is what is read back.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Items by partition key and sort key, as DynamoDB writes them in JSON.
#[derive(Debug, Default, Clone)]
pub struct Table(BTreeMap<(String, String), Value>);

impl Table {
    pub fn items_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.values_mut()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, key: &Value) -> Option<&Value> {
        self.0.get(&keys(key)?)
    }

    /// None for what is no operation on items.
    pub fn answer(&mut self, operation: &str, request: &Value) -> Option<Value> {
        Some(match operation {
            "GetItem" => self.get(request.get("Key")?).map_or(json!({}), |item| json!({ "Item": item })),
            "Query" => self.query(request),
            "PutItem" => {
                self.put(request.get("Item"));
                json!({})
            }
            "UpdateItem" => {
                self.update(request.get("Key"));
                json!({})
            }
            "DeleteItem" => {
                self.delete(request.get("Key"));
                json!({})
            }
            "TransactWriteItems" => {
                for write in request.get("TransactItems").and_then(Value::as_array).into_iter().flatten() {
                    self.put(write.pointer("/Put/Item"));
                    self.update(write.pointer("/Update/Key"));
                    self.delete(write.pointer("/Delete/Key"));
                }
                json!({})
            }
            _ => return None,
        })
    }

    fn query(&self, request: &Value) -> Value {
        let value = |name: &str| request.pointer(&format!("/ExpressionAttributeValues/{name}/S"));
        let text = |name: &str| value(name).and_then(Value::as_str).map(str::to_owned);
        let pk = text(":pk").unwrap_or_default();
        let (from, to) = (text(":from").unwrap_or_default(), text(":to"));
        let fits = |(key, _): &(&(String, String), &Value)| {
            key.0 == pk && key.1 >= from && to.as_ref().is_none_or(|to| key.1 <= *to)
        };
        let mut items: Vec<&Value> = self.0.iter().filter(fits).map(|(_, item)| item).collect();
        if request.get("ScanIndexForward").and_then(Value::as_bool) == Some(false) {
            items.reverse();
        }
        let limit = request.get("Limit").and_then(Value::as_u64).and_then(|limit| limit.try_into().ok());
        items.truncate(limit.unwrap_or(usize::MAX));
        json!({ "Items": items, "Count": items.len(), "ScannedCount": items.len() })
    }

    fn put(&mut self, item: Option<&Value>) {
        if let Some(item) = item
            && let Some(keys) = keys(item)
        {
            self.0.insert(keys, item.clone());
        }
    }

    /// That a time is set is all that matters of the updates here.
    fn update(&mut self, key: Option<&Value>) {
        let Some(key) = key else { return };
        let Some(keys) = keys(key) else { return };
        let item = self.0.entry(keys).or_insert_with(|| key.clone());
        let used = json!({ "S": "2026-11-24T03:00:00Z" });
        item.as_object_mut().map(|fields: &mut Map<String, Value>| fields.insert("used_at".to_owned(), used));
    }

    fn delete(&mut self, key: Option<&Value>) {
        if let Some(keys) = key.and_then(keys) {
            self.0.remove(&keys);
        }
    }
}

fn keys(item: &Value) -> Option<(String, String)> {
    let text = |name: &str| Some(item.get(name)?.get("S")?.as_str()?.to_owned());
    Some((text("pk")?, text("sk")?))
}
