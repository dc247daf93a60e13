//! What the profiler wrote in the last hour: operations that took long, grouped by collection, kind and fields.
//! Values are dropped before anything is kept.

use std::collections::HashMap;

use aws_sdk_cloudwatchlogs::Client;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use shared::aws;

use super::{Reader, Seen, Why, cut, seen, why};
use crate::evidence::SlowQuery;

const SINCE: SignedDuration = SignedDuration::from_hours(1);
const MAX_PAGES: usize = 10;
const MAX_GROUPS: usize = 200;
const TOLD: usize = 10;

pub(super) async fn slow_queries(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(cluster) = reader.settings.database.as_deref() else {
        return Ok(None);
    };
    if !reader.database().await?.profiler {
        return Ok(None);
    }
    let client = Client::new(&reader.config);
    let group = format!("/aws/docdb/{cluster}/profiler");
    let mut queries = Queries::default();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .filter_log_events()
            .log_group_name(&group)
            .start_time((reader.at - SINCE).as_millisecond())
            .end_time(reader.at.as_millisecond())
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("read the profiler's log group", group.as_str(), &error)))?;
        for event in page.events.unwrap_or_default() {
            queries.add(event.message().unwrap_or_default());
        }
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    let is_cut = from.is_some() || queries.passed_over > 0;
    let not_seen = is_cut.then(|| cut("some of the slow queries", queries.counted));
    let told = queries.told();
    Ok(seen(move |evidence| {
        evidence.slow_queries = Some(told);
        evidence.not_seen.extend(not_seen);
    }))
}

#[derive(Default)]
struct Queries {
    /// By collection, kind, fields and plan.
    groups: HashMap<(String, String, Vec<String>, String), SlowQuery>,
    counted: usize,
    /// Those of shapes that came after as many as are kept.
    passed_over: usize,
}

impl Queries {
    /// A line that is no JSON of the profiler's is passed over.
    fn add(&mut self, line: &str) {
        let Ok(Value::Object(operation)) = serde_json::from_str::<Value>(line) else {
            return;
        };
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (collection, kind, plan) = (text("ns"), text("op"), text("planSummary"));
        let took = operation.get("millis").and_then(Value::as_u64).unwrap_or_default();
        let asked = Asked::of(&operation);
        let key = (collection.clone(), kind.clone(), asked.fields(), plan.clone());
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&key) {
            self.passed_over += 1;
            return;
        }
        self.counted += 1;
        let query = self.groups.entry(key).or_insert_with(|| SlowQuery {
            index: plan.starts_with("COLLSCAN").then(|| asked.index()).flatten(),
            fields: asked.fields(),
            collection,
            operation: kind,
            plan,
            ..SlowQuery::default()
        });
        query.count += 1;
        query.longest_ms = query.longest_ms.max(took);
    }

    fn told(self) -> Vec<SlowQuery> {
        let mut queries: Vec<SlowQuery> = self.groups.into_values().collect();
        let cost = |query: &SlowQuery| query.count.saturating_mul(query.longest_ms);
        queries.sort_by(|one, other| {
            cost(other).cmp(&cost(one)).then_with(|| one.collection.cmp(&other.collection))
        });
        queries.truncate(TOLD);
        queries
    }
}

/// The fields that an operation filters and sorts by: equality first, then order, then ranges, as an index wants them.
#[derive(Debug, Default)]
struct Asked {
    equal: Vec<String>,
    order: Vec<(String, i64)>,
    range: Vec<String>,
}

impl Asked {
    fn of(operation: &Map<String, Value>) -> Self {
        let mut asked = Self::default();
        let command = operation.get("command").and_then(Value::as_object).unwrap_or(operation);
        let object = |name: &str| command.get(name).and_then(Value::as_object);
        for filter in ["filter", "query", "q"].into_iter().filter_map(object) {
            asked.filter(filter);
        }
        for write in
            ["updates", "deletes"].into_iter().filter_map(|name| command.get(name)?.as_array()).flatten()
        {
            if let Some(filter) = write.get("q").and_then(Value::as_object) {
                asked.filter(filter);
            }
        }
        if let Some(order) = object("sort") {
            asked.sort(order);
        }
        // What stands before the first stage that is neither may use an index.
        for stage in command.get("pipeline").and_then(Value::as_array).into_iter().flatten() {
            match (stage.get("$match"), stage.get("$sort")) {
                (Some(Value::Object(filter)), _) => asked.filter(filter),
                (_, Some(Value::Object(order))) => asked.sort(order),
                _ => break,
            }
        }
        asked
    }

    fn filter(&mut self, filter: &Map<String, Value>) {
        for (name, value) in filter {
            if name == "$and" {
                for part in value.as_array().into_iter().flatten().filter_map(Value::as_object) {
                    self.filter(part);
                }
            } else if !name.starts_with('$') {
                let operators =
                    value.as_object().filter(|object| object.keys().any(|key| key.starts_with('$')));
                let equal = operators
                    .is_none_or(|object| object.keys().all(|key| ["$eq", "$in"].contains(&key.as_str())));
                let list = if equal { &mut self.equal } else { &mut self.range };
                if !list.contains(name) {
                    list.push(name.clone());
                }
            }
        }
    }

    fn sort(&mut self, order: &Map<String, Value>) {
        for (name, way) in order {
            if !self.order.iter().any(|(known, _)| known == name) {
                self.order.push((name.clone(), if way.as_f64() == Some(-1.0) { -1 } else { 1 }));
            }
        }
    }

    fn fields(&self) -> Vec<String> {
        self.index_fields().into_iter().map(|(name, _)| name).collect()
    }

    fn index_fields(&self) -> Vec<(String, i64)> {
        let mut fields: Vec<(String, i64)> = self.equal.iter().map(|name| (name.clone(), 1)).collect();
        let rest = self.order.iter().cloned().chain(self.range.iter().map(|name| (name.clone(), 1)));
        for (name, way) in rest {
            if !fields.iter().any(|(known, _)| *known == name) {
                fields.push((name, way));
            }
        }
        fields
    }

    fn index(&self) -> Option<String> {
        const MOST: usize = 4;
        let fields: Vec<String> =
            self.index_fields().into_iter().take(MOST).map(|(name, way)| format!("{name}: {way}")).collect();
        (!fields.is_empty()).then(|| format!("{{ {} }}", fields.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, fields: &[&str], index: Option<&str>) {
        let mut queries = Queries::default();
        queries.add(line);
        let [query] = queries.told().try_into().unwrap();
        assert_eq!(
            (query.fields, query.index.as_deref()),
            (fields.iter().map(|&name| name.to_owned()).collect(), index)
        );
    }

    #[test]
    fn the_index_has_equality_first_then_order_then_ranges() {
        check(
            r#"{"op":"query","ns":"lendpeak2.loans","millis":1200,"planSummary":"COLLSCAN","command":{"find":"loans",
                "filter":{"amount":{"$gt":5},"userId":"jane","status":{"$in":["a"]}},"sort":{"createdAt":-1}}}"#,
            &["userId", "status", "createdAt", "amount"],
            Some("{ userId: 1, status: 1, createdAt: -1, amount: 1 }"),
        );
        check(
            r#"{"op":"command","ns":"lendpeak2.loans","millis":9,"planSummary":"COLLSCAN","command":{"aggregate":"loans",
                "pipeline":[{"$match":{"userId":"x"}},{"$group":{"_id":"$status"}},{"$match":{"later":1}}]}}"#,
            &["userId"],
            Some("{ userId: 1 }"),
        );
        check(
            r#"{"op":"query","ns":"a.b","millis":9,"planSummary":"IXSCAN","command":{"filter":{"a":1}}}"#,
            &["a"],
            None,
        );
        check(r#"{"op":"query","ns":"a.b","millis":9,"planSummary":"COLLSCAN","command":{}}"#, &[], None);
    }

    #[test]
    fn shapes_beyond_those_that_are_kept_are_counted_as_passed_over() {
        let mut queries = Queries::default();
        for number in 0..MAX_GROUPS + 5 {
            queries
                .add(&format!(r#"{{"op":"query","ns":"a.c{number}","millis":1,"planSummary":"COLLSCAN"}}"#));
        }
        assert_eq!((queries.counted, queries.passed_over), (MAX_GROUPS, 5));
    }

    #[test]
    fn operations_of_one_shape_are_one_group_and_values_are_dropped() {
        let mut queries = Queries::default();
        for number in 0..50 {
            queries.add(&format!(
                r#"{{"op":"query","ns":"a.loans","millis":{number},"planSummary":"COLLSCAN","command":{{"filter":{{"card":"4111-{number}"}}}}}}"#
            ));
        }
        queries.add("no JSON");
        let told = queries.told();
        assert_eq!((told.len(), told[0].count, told[0].longest_ms), (1, 50, 49));
        assert!(!format!("{told:?}").contains("4111"));
    }
}
